"""What a caller may ask of one reading: the same model for library, CLI, REST and page.

`ReadOptions.model_json_schema()` is the self-describing schema from which `GET /options` and the page's
controls are built, so every field carries a title and a help text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from crnn_ocr.errors import InvalidOptionError
from crnn_ocr.imaging.page_ranges import PageRanges

Switch = Literal["off", "auto", "on"]


class ReadOptions(BaseModel):
    """Options of one reading. Every field has a default; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, title="Options")

    model: str | None = Field(
        default=None,
        title="Model",
        max_length=64,
        description="Name of the recogniser pack; empty: the default of the installation.",
    )
    grey: Switch = Field(
        default="auto",
        title="Grey",
        description="Convert the picture to grey before reading. auto: as the recogniser was trained.",
    )
    clahe: Switch = Field(
        default="auto",
        title="Contrast (CLAHE)",
        description="Raise the contrast. on: CLAHE. auto: stretch pictures that are pale or dark overall.",
    )
    denoise: Switch = Field(
        default="auto",
        title="Denoise",
        description="Remove noise with non-local means. auto: only if the measured noise is strong.",
    )
    orientation: Literal["off", "auto"] = Field(
        default="auto",
        title="Orientation",
        description="Turn pictures and lines that are sideways or upside down.",
    )
    recheck: Literal["off", "auto"] = Field(
        default="auto",
        title="Second look",
        description="auto: the model `accurate` reads again what the recogniser is unsure of.",
    )
    layout: Literal["auto", "lines", "blocks"] = Field(
        default="auto",
        title="Layout",
        description="blocks: tell headings, paragraphs, lists, tables and figures apart. lines: lines in "
        "reading order. auto: as the format of the answer needs it.",
    )
    ocr: Literal["auto", "force", "never"] = Field(
        default="auto",
        title="Pages with text",
        description="PDF pages that hold their text. auto: take it where it is good. force: read the picture "
        "all the same. never: take whatever text there is, and read no picture.",
    )
    pages: str = Field(
        default="",
        title="Pages",
        max_length=256,
        description="Pages to read, such as 1-3,7 or 5-; empty: all.",
    )
    password: str = Field(
        default="",
        title="Password",
        max_length=256,
        repr=False,
        json_schema_extra={"format": "password", "writeOnly": True},
        description="Password of an encrypted PDF.",
    )
    min_confidence: float = Field(
        default=0.5,
        ge=0.0,
        le=1.0,
        title="Minimum confidence",
        description="Leave out lines whose characters have a lower confidence on average.",
    )

    @field_validator("pages")
    @classmethod
    def _check_pages(cls, text: str) -> str:
        PageRanges.parse(text)
        return text

    @property
    def page_ranges(self) -> PageRanges:
        """The pages to read."""
        return PageRanges.parse(self.pages)

    def with_layout(self, layout: Literal["lines", "blocks"]) -> ReadOptions:
        """Return the options with that layout, unless the caller has chosen one; `auto` means `lines`."""
        wanted = self.layout == "auto" and layout == "blocks"
        return self.model_copy(update={"layout": layout}) if wanted else self


def parse_options(values: Mapping[str, object] | None) -> ReadOptions:
    """Return validated options.

    Args:
        values: Field names and values, or None for all defaults. Values must already have the right type, as
            in JSON; for text use `options_from_text`.

    Raises:
        InvalidOptionError: A name is unknown, or a value has the wrong type or is out of range; the message
            names the option.
    """
    if not values:
        return ReadOptions()
    try:
        return ReadOptions.model_validate(dict(values))
    except ValidationError as error:
        raise _explain(error) from None


def options_from_text(values: Mapping[str, str]) -> ReadOptions:
    """Return validated options whose values are text (form fields, query strings, command lines).

    Raises:
        InvalidOptionError: See `parse_options`.
    """
    try:
        return ReadOptions.model_validate_strings(dict(values))
    except ValidationError as error:
        raise _explain(error) from None


def _explain(error: ValidationError) -> InvalidOptionError:
    parts = []
    for item in error.errors(include_url=False, include_context=False, include_input=False):
        name = ".".join(str(part) for part in item["loc"]) or "options"
        reason = "there is no such option" if item["type"] == "extra_forbidden" else item["msg"]
        reason = reason.removeprefix("Value error, ")  # of our own checks
        parts.append(f"option {name!r}: {reason}")
    return InvalidOptionError("; ".join(parts))
