"""Lines of text as a detector would place them, for tests of blocks."""

from __future__ import annotations

import unicodedata

from crnn_ocr.document import Line, Polygon

#: Height of a line's box in pixels.
HEIGHT = 20.0


def text_width(text: str, height: float = HEIGHT) -> float:
    """Return the width of a printed text: an em per Chinese character, half an em for others."""
    return sum(height if unicodedata.east_asian_width(char) in "WF" else height / 2 for char in text)


def line(text: str, x: float = 0, y: float = 0, width: float | None = None, height: float = HEIGHT) -> Line:
    """Return a horizontal line; its width follows from its text unless it is given."""
    right = x + (text_width(text, height) if width is None else width)
    polygon: Polygon = ((x, y), (right, y), (right, y + height), (x, y + height))
    return Line(text, 1.0, polygon)


def lines(*texts: str, x: float = 0, y: float = 0, pitch: float = 1.4, height: float = HEIGHT) -> list[Line]:
    """Return lines one below the other, as wide as their texts."""
    return [line(text, x, y + at * pitch * height, None, height) for at, text in enumerate(texts)]


def block(*texts: str, width: float = 400, x: float = 0, y: float = 0, pitch: float = 1.4) -> list[Line]:
    """Return lines of justified text: all as wide as the block, but the last one no wider than its text."""
    return [
        line(
            text, x, y + at * pitch * HEIGHT, min(width, text_width(text)) if at == len(texts) - 1 else width
        )
        for at, text in enumerate(texts)
    ]
