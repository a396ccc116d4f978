"""Defines the server's answers as frozen dataclasses. Fields that a newer server adds are ignored."""

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
    """One page of a document with several pages.

    Attributes:
        number: Number of the page, from 1.
        width: Width in pixels; the lines' polygons refer to it.
        height: Height in pixels.
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
    """The result of one picture or document.

    Attributes:
        text: The whole text: one row per line, an empty row between pages.
        lines: The lines of all pages in reading order.
        width: Width of the upright picture, or of the first page, in pixels.
        height: Height of the same, in pixels.
        model: Name and version of the recogniser.
        cached: Whether it came from the server's cache.
        elapsed_ms: Time that the server took, in milliseconds.
        warnings: Remarks, for example that the picture is blurred.
        pages: The pages if there are several; otherwise empty.
        request_id: Identifies the request in the server's log.
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
        name: Name, for the option `model`.
        version: Version; answers give `name/version`.
        kind: "rec" or "det".
        title: Short description.
        languages: Language tags of what it reads.
        active: Whether it is used when a request names none.
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
    """Convert the body of an answer to `POST /ocr`.

    Raises:
        KeyError, TypeError, ValueError: It is not such a body.
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
    """Convert the body of an answer to `GET /models`.

    Raises:
        KeyError, TypeError, ValueError: It is not such a body.
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
