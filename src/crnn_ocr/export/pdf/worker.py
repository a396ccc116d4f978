"""Answers the questions of `original` in a process of its own (see `imaging.process.program`)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from crnn_ocr.document import Block, Line, Page, Polygon
from crnn_ocr.export.pdf.text_layers import with_layers
from crnn_ocr.imaging.process.program import Bounds


class Worker:
    """Puts text into one PDF: `text` brings what was read, then `write` brings the PDF."""

    def __init__(self, bounds: Bounds) -> None:
        """Start without text."""
        self._bounds = bounds
        self._pages: list[Page] = []

    def answer(
        self, question: dict[str, Any], data: bytearray
    ) -> tuple[dict[str, Any], Iterable[memoryview]]:
        """Run one operation, see `program.Decoder`."""
        if question["do"] == "text":
            self._pages = [_page(entry) for entry in json.loads(data)]
            return {}, ()
        content = with_layers(data, self._pages, question["password"])
        self._bounds.check()
        return {"bytes": len(content)}, (content,)

    def failure_message(self, question: dict[str, Any]) -> str:
        """Return the message for a PDF at which qpdf failed in an unexpected way."""
        return "The PDF is damaged: no text can be added to it."

    def sent(self, question: dict[str, Any]) -> None:
        """Keep what was read; the process ends after the PDF."""


def _page(entry: dict[str, Any]) -> Page:
    lines = tuple(Line(text, 0.0, _polygon(corners)) for text, corners in entry["lines"])
    return Page(entry["width"], entry["height"], (Block(lines),), number=entry["number"])


def _polygon(corners: list[list[float]]) -> Polygon:
    first, second, third, fourth = ((x, y) for x, y in corners)
    return first, second, third, fourth
