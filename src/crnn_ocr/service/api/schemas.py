"""Bodies of requests and answers as pydantic models, from which the OpenAPI document is generated."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from crnn_ocr.document import BlockKind, Document
from crnn_ocr.export.json import page_to_dict
from crnn_ocr.options import ReadOptions

PointOut = Annotated[list[float], Field(min_length=2, max_length=2, description="x and y in pixels.")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _need_either(schema: dict[str, Any]) -> None:
    """Require one of two fields, and neither to be null, which pydantic cannot express by itself."""
    for name in ("image", "image_url"):
        schema["properties"][name].pop("default")
    schema["oneOf"] = [{"required": ["image"]}, {"required": ["image_url"]}]


class OcrRequest(_Body):
    """The JSON form of `POST /ocr`."""

    model_config = ConfigDict(json_schema_extra=_need_either)

    image: str | SkipJsonSchema[None] = Field(
        default=None,
        min_length=1,
        description="The picture in standard base64, alone or as a data URL (`data:image/png;base64,…`).",
        examples=["iVBORw0KGgo…"],
    )
    image_url: str | SkipJsonSchema[None] = Field(
        default=None,
        min_length=1,
        max_length=2048,
        description="Where the server fetches the picture (http or https), in place of `image`; refused "
        "unless the operator has turned it on.",
    )
    options: ReadOptions = Field(
        default_factory=ReadOptions, description="How to read; every option has a default."
    )


class CharOut(_Body):
    """One character of a line."""

    text: str = Field(description="The character, or a blank.")
    confidence: float = Field(ge=0, le=1, description="Probability that it is right.")
    polygon: Annotated[list[PointOut], Field(min_length=4, max_length=4)] = Field(
        description="Its corners, interpolated along the line."
    )


class LineOut(_Body):
    """One line of text."""

    text: str = Field(description="What the line says.")
    confidence: float = Field(
        ge=0, le=1, description="Probability that the whole line is right, white space aside."
    )
    polygon: Annotated[list[PointOut], Field(min_length=4, max_length=4)] = Field(
        description="The corners, from the text's own top left clockwise, in pixels of the upright picture."
    )
    chars: list[CharOut] | SkipJsonSchema[None] = Field(
        default=None,
        description="With `detail=chars`: its characters; none where a replacement has changed the line.",
    )


class CellOut(_Body):
    """One cell of a table."""

    id: str = Field(description="Stable id.", examples=["p1.b2.r0c0"])
    row: int = Field(ge=0, description="First row, from 0.")
    col: int = Field(ge=0, description="First column, from 0.")
    row_span: int = Field(ge=1, description="Number of rows that it covers.")
    col_span: int = Field(ge=1, description="Number of columns that it covers.")
    polygon: Annotated[list[PointOut], Field(min_length=4, max_length=4)] = Field(
        description="Its corners in pixels."
    )
    text: str = Field(description="Its lines, one per row.")
    lines: list[int] = Field(description="Places of its lines among the page's lines, from 0.")


class TableOut(_Body):
    """The grid of a table; its cells cover every place of the grid once."""

    rows: int = Field(ge=0, description="Number of rows.")
    cols: int = Field(ge=0, description="Number of columns.")
    header_rows: int = Field(ge=0, description="Number of rows at the top that name the columns.")
    continues_from: str | None = Field(description="Id of the block on an earlier page that it continues.")
    cells: list[CellOut] = Field(description="The cells by row and column.")


class BlockOut(_Body):
    """Lines that belong together."""

    id: str = Field(description="Stable id.", examples=["p1.b2"])
    type: BlockKind = Field(description="What it is; with `layout=lines` always a paragraph.")
    level: int | SkipJsonSchema[None] = Field(
        default=None, description="Level of a heading, or depth of a list item, from 1."
    )
    polygon: Annotated[list[PointOut], Field(min_length=4, max_length=4)] | SkipJsonSchema[None] = Field(
        default=None, description="Its corners in pixels; left out where only its lines are known."
    )
    lines: list[int] = Field(description="Places of its lines among the page's lines, from 0.")
    table: TableOut | SkipJsonSchema[None] = Field(default=None, description="The grid of a table.")


#: Characters with their places in one answer. Each takes about 200 bytes of JSON, and 1,300 while it is
#: written; a document of 100 full pages would take more than the whole service may.
MOST_CHARS = 100_000


class WarningOut(_Body):
    """A remark about a picture that was read, for example that it is blurred."""

    code: str = Field(description="Stable identifier.", examples=["IMAGE_BLURRED"])
    message: str = Field(description="What was noticed and what would help.")


class _Page(_Body):
    """Fields of a page that all its forms have in common."""

    number: int = Field(ge=1, description="Its number in the input, from 1.")
    text: str = Field(description="The page's lines, one per row.")
    width: int = Field(ge=1, description="Width in pixels; the lines' polygons refer to it.")
    height: int = Field(ge=1, description="Height in pixels.")
    dpi: float | None = Field(description="Pixels per inch at which the page of a PDF was drawn.")
    origin: Literal["ocr", "text_layer", "mixed"] = Field(
        description="Whether the text was read from the picture, or taken from the page of a PDF."
    )
    lines: list[LineOut] = Field(description="The page's lines in reading order.")
    warnings: list[WarningOut] = Field(description="Remarks about this page.")
    error: WarningOut | None = Field(description="Why this page could not be read; the others may be there.")


class PageOut(_Page):
    """One page of a document with several pages."""

    rotation: int | SkipJsonSchema[None] = Field(
        default=None,
        description="With `detail=blocks` or `chars`: degrees, clockwise, by which it had to be turned to be "
        "upright.",
    )
    blocks: list[BlockOut] | SkipJsonSchema[None] = Field(
        default=None, description="With `detail=blocks` or `chars`: its blocks in reading order."
    )


class OcrAnswer(_Body):
    """The answer of `POST /ocr`."""

    success: Literal[True] = Field(default=True, description="Always true here; errors say false.")
    text: str = Field(description="Everything that was read: one row per line, an empty row between pages.")
    elapsed_ms: float = Field(ge=0, description="Time from the parsed request to the result.")
    lines: list[LineOut] = Field(description="The lines of all pages in reading order.")
    width: int = Field(ge=1, description="Width of the upright picture (of the first page) in pixels.")
    height: int = Field(ge=1, description="Height of the upright picture (of the first page) in pixels.")
    model: str = Field(description="Recogniser and version that read it.", examples=["crnn-zh-en/1"])
    cached: bool = Field(description="Whether the answer was kept from an earlier, equal request.")
    warnings: list[WarningOut] = Field(description="Remarks; those of all pages where there are several.")
    request_id: str = Field(description="The id of the request, also in the header X-Request-Id.")
    pages: list[PageOut] | None = Field(
        default=None, description="Present where the input had several pages: each with its own pixels."
    )
    layout: Literal["lines", "blocks"] | SkipJsonSchema[None] = Field(
        default=None,
        description="With `detail=blocks` or `chars`: whether blocks are typed, or only groups of lines.",
    )
    rotation: int | SkipJsonSchema[None] = Field(
        default=None,
        description="With `detail=blocks` or `chars`, of a single page: degrees, clockwise, by which it had "
        "to be turned to be upright.",
    )
    blocks: list[BlockOut] | SkipJsonSchema[None] = Field(
        default=None,
        description="With `detail=blocks` or `chars`, of a single page: its blocks in reading order.",
    )


class DocumentPage(_Page):
    """One page of a document as the format `json` writes it."""

    rotation: int = Field(description="Degrees, clockwise, by which it had to be turned to be upright.")
    blocks: list[BlockOut] = Field(description="Its blocks in reading order.")


class DocumentBody(_Body):
    """A document as the format `json` writes it."""

    text: str = Field(description="Everything that was read: one row per line, an empty row between pages.")
    model: str = Field(description="Recogniser and version that read it.", examples=["crnn-zh-en/1"])
    layout: Literal["lines", "blocks"] = Field(
        description="Whether blocks are typed, or only groups of lines in reading order."
    )
    pages: list[DocumentPage] = Field(description="Every page; a picture has one.")


class ErrorDetail(_Body):
    """What went wrong."""

    code: str = Field(description="Stable identifier; see the list of error codes.")
    message: str = Field(description="What is wrong with this very request.")
    hint: str = Field(description="What to do about it.")


class ErrorAnswer(_Body):
    """The body of every answer that is not a success."""

    success: Literal[False] = Field(default=False, description="Always false here.")
    error: ErrorDetail
    request_id: str = Field(description="The id of the request, also in the header X-Request-Id.")


class BatchItemAnswer(OcrAnswer):
    """The answer for one picture of a batch: as `OcrAnswer`, with its place in the request."""

    index: int = Field(ge=0, description="Place of the picture in the request, from 0.")


class BatchItemError(ErrorAnswer):
    """What went wrong with one picture of a batch: as `ErrorAnswer`, with its place in the request."""

    index: int = Field(ge=0, description="Place of the picture in the request, from 0.")
    status: int = Field(
        ge=400, le=599, description="HTTP status that the picture would have met alone.", examples=[422]
    )
    retry_after: int | SkipJsonSchema[None] = Field(
        default=None, ge=1, description="Seconds after which it may succeed, where that is known."
    )


class BatchAnswer(_Body):
    """The answer of `POST /ocr/batch`."""

    success: Literal[True] = Field(
        default=True, description="The batch was worked through; each result tells whether it succeeded."
    )
    results: list[BatchItemAnswer | BatchItemError] = Field(
        description="One per picture, in the order of the request."
    )
    failed: int = Field(ge=0, description="How many of them are errors.")
    elapsed_ms: float = Field(ge=0, description="Time from the parsed request to the last result.")
    request_id: str = Field(description="The id of the request, also in the header X-Request-Id.")


class HealthAnswer(_Body):
    """The process is alive."""

    status: Literal["ok"] = "ok"
    version: str = Field(description="Version of the service.", examples=["0.1.0"])


class ReadyAnswer(_Body):
    """The models are loaded and checked."""

    status: Literal["ready"] = "ready"
    model: str = Field(description="The default recogniser.", examples=["crnn-zh-en/1"])


def ocr_answer(
    document: Document,
    *,
    elapsed_ms: float,
    request_id: str,
    cached: bool = False,
    chars: bool = False,
    blocks: bool = False,
) -> dict[str, Any]:
    """Return the body of an `OcrAnswer`: the document, and the facts about the request.

    Args:
        document: The document that was read.
        elapsed_ms: Time that it took, in milliseconds.
        request_id: Id of the request.
        cached: Whether the document came from the cache.
        chars: Whether to include single characters.
        blocks: Whether to include blocks.
    """
    pages: list[dict[str, Any]] = []
    spent = 0
    for read in document.pages:
        spent += sum(len(line.chars) for line in read.lines) if chars else 0
        pages.append(page_to_dict(read, chars=chars and spent <= MOST_CHARS))
    if spent > MOST_CHARS:
        message = f"Characters are given of the first pages alone, of {MOST_CHARS:,} characters together."
        pages[-1]["warnings"].append({"code": "CHARS_LEFT_OUT", "message": message})
    if not blocks:
        for page in pages:
            del page["rotation"], page["blocks"]
    first = pages[0]
    warnings = {(entry["code"], entry["message"]): entry for page in pages for entry in page["warnings"]}
    answer: dict[str, Any] = {
        "success": True,
        "text": document.text,
        "elapsed_ms": round(elapsed_ms, 1),
        "lines": [line for page in pages for line in page["lines"]],
        "width": first["width"],
        "height": first["height"],
        "model": document.model,
        "cached": cached,
        "warnings": list(warnings.values()),
        "request_id": request_id,
    }
    if blocks:
        answer["layout"] = document.layout
    if len(pages) > 1:
        answer["pages"] = pages
    elif blocks:
        answer |= {"rotation": first["rotation"], "blocks": first["blocks"]}
    return answer
