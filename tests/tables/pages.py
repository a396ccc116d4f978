"""Draws pages with tables for the tests: the picture, and the lines that a reader would find in it."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from crnn_ocr.document import Char, Line, Polygon
from crnn_ocr.pixels import Pixels
from crnn_ocr.tables.grid import Box

#: Height of a line of text and width of a character on these pages, in pixels.
HEIGHT, WIDTH = 20, 10


def polygon_of(box: Box) -> Polygon:
    left, top, right, bottom = box
    return (left, top), (right, top), (right, bottom), (left, bottom)


def line_at(text: str, x: float, y: float, width: float = WIDTH, height: float = HEIGHT) -> Line:
    """Return a line whose characters stand one beside the other, wide ones over two places."""
    chars = []
    at = x
    for char in text:
        step = width * (2 if unicodedata.east_asian_width(char) in "WF" else 1)
        chars.append(Char(char, 0.99, polygon_of((at, y, at + step, y + height))))
        at += step
    return Line(text, 0.9, polygon_of((x, y, at, y + height)), tuple(chars))


@dataclass
class Sheet:
    """A page to draw on."""

    width: int = 900
    height: int = 700
    lines: list[Line] = field(default_factory=list)
    image: Pixels = field(init=False)

    def __post_init__(self) -> None:
        self.image = np.full((self.height, self.width, 3), 255, np.uint8)

    def text(self, text: str, x: float, y: float) -> None:
        """Write a line; of its characters only marks within their boxes are drawn."""
        line = line_at(text, x, y)
        self.lines.append(line)
        for char in line.chars:
            if not char.text.isspace():
                (left, top), _, (right, bottom), _ = char.polygon
                cv2.rectangle(
                    self.image,
                    (int(left) + 3, int(top) + 5),
                    (int(right) - 3, int(bottom) - 5),
                    (40, 40, 40),
                    1,
                )

    def rule(self, x0: int, y0: int, x1: int, y1: int, ink: int = 0, thick: int = 1) -> None:
        cv2.line(self.image, (x0, y0), (x1, y1), (ink, ink, ink), thick)

    def band(self, x0: int, y0: int, x1: int, y1: int, colour: tuple[int, int, int]) -> None:
        cv2.rectangle(self.image, (x0, y0), (x1, y1), colour, -1)

    def grid(self, xs: Sequence[int], ys: Sequence[int], ink: int = 0, thick: int = 1) -> None:
        for x in xs:
            self.rule(x, ys[0], x, ys[-1], ink, thick)
        for y in ys:
            self.rule(xs[0], y, xs[-1], y, ink, thick)

    def rows(self, rows: Sequence[Sequence[str]], xs: Sequence[int], top: int, pitch: int) -> None:
        """Write a table without rules: one row of cells per row, left-aligned at `xs`."""
        for index, row in enumerate(rows):
            for text, x in zip(row, xs, strict=True):
                if text:
                    self.text(text, x, top + index * pitch)
