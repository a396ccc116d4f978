"""The server's answers as frozen dataclasses. Fields that a newer server adds are passed over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crnn_ocr.document import Line, Remark
from crnn_ocr.export.json import line_from_dict, remark_from_dict

#: One line of text: `text`, `confidence` and `polygon`.
OcrLine = Line


@dataclass(frozen=True, slots=True)
class OcrPage:
    """One page of a document with several.

    Attributes:
        number: Its position, from 1.
        width: In pixels; the lines' polygons refer to it.
        height: In pixels.
        text: The lines, one per row.
        lines: In reading order.
        warnings: Remarks about this page.
    """

    number: int
    width: int
    height: int
    text: str
    lines: tuple[OcrLine, ...]
    warnings: tuple[Remark, ...]


@dataclass(frozen=True, slots=True)
class OcrResult:
    """What was read from one picture or document.

    Attributes:
        text: Everything: one row per line, an empty row between pages.
        lines: The lines of all pages in reading order.
        width: Of the upright picture, or of the first page, in pixels.
        height: Of the same, in pixels.
        model: Name and version of the recogniser.
        cached: Whether the server kept it from an earlier, equal request.
        elapsed_ms: Time that the server took.
        warnings: Remarks, for example that the picture is blurred.
        pages: Each page where there are several, else empty.
        request_id: Finds the request in the server's log.
    """

    text: str
    lines: tuple[OcrLine, ...]
    width: int
    height: int
    model: str
    cached: bool
    elapsed_ms: float
    warnings: tuple[Remark, ...]
    pages: tuple[OcrPage, ...]
    request_id: str


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model pack of the server.

    Attributes:
        name: For the option `model`.
        version: Answers name `name/version`.
        kind: "rec" or "det".
        title: What it is.
        languages: Language tags of what it reads.
        active: Whether it reads where a request names none.
        loaded: Whether the server has it in memory.
    """

    name: str
    version: str
    kind: str
    title: str
    languages: tuple[str, ...]
    active: bool
    loaded: bool


def parse_result(body: Mapping[str, Any]) -> OcrResult:
    """Read the body of `POST /ocr`.

    Raises:
        KeyError, TypeError, ValueError: It is none.
    """
    return OcrResult(
        text=body["text"],
        lines=tuple(map(line_from_dict, body["lines"])),
        width=body["width"],
        height=body["height"],
        model=body["model"],
        cached=body["cached"],
        elapsed_ms=float(body["elapsed_ms"]),
        warnings=tuple(map(remark_from_dict, body["warnings"])),
        pages=tuple(_page(entry) for entry in body.get("pages", ())),
        request_id=body["request_id"],
    )


def parse_models(body: Mapping[str, Any]) -> tuple[ModelInfo, ...]:
    """Read the body of `GET /models`.

    Raises:
        KeyError, TypeError, ValueError: It is none.
    """
    return tuple(
        ModelInfo(
            name=entry["name"],
            version=entry["version"],
            kind=entry["kind"],
            title=entry["title"],
            languages=tuple(entry["languages"]),
            active=entry["active"],
            loaded=entry["loaded"],
        )
        for entry in body["models"]
    )


def _page(body: Mapping[str, Any]) -> OcrPage:
    return OcrPage(
        number=body["number"],
        width=body["width"],
        height=body["height"],
        text=body["text"],
        lines=tuple(map(line_from_dict, body["lines"])),
        warnings=tuple(map(remark_from_dict, body["warnings"])),
    )
