"""Pages made of boxes whose reading order is known: the n-th polygon is read n-th."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from crnn_ocr.document import Polygon
from crnn_ocr.layout.order import reading_order

#: Height of a line's box in pixels.
HEIGHT = 24.0


def box(x: float, y: float, width: float, height: float = HEIGHT) -> Polygon:
    return (x, y), (x + width, y), (x + width, y + height), (x, y + height)


def paragraph(
    x: float,
    y: float,
    width: float,
    lines: int,
    *,
    pitch: float = 1.4,
    ragged: float = 0.0,
    seed: int = 0,
    indent: float = 2.0,
) -> list[Polygon]:
    """Return lines that fill a column: the first indented, the last short, the right edge ragged."""
    rng = random.Random(seed)
    made = []
    for number in range(lines):
        left = x + (indent * HEIGHT if number == 0 else 0)
        right = x + width * (1 - ragged * rng.random()) if number < lines - 1 else x + width * 0.45
        made.append(box(left, y + number * pitch * HEIGHT, right - left))
    return made


def column(x: float, y: float, width: float, counts: Sequence[int], **shape: float) -> list[Polygon]:
    """Return paragraphs below each other."""
    made: list[Polygon] = []
    for number, lines in enumerate(counts):
        made += paragraph(x, y, width, lines, seed=number, **shape)
        y += lines * shape.get("pitch", 1.4) * HEIGHT
    return made


def beside(
    heads: Sequence[int], texts: Sequence[int], *, width: float = 150, x: float = 260, gap: float = 0.8
) -> list[Polygon]:
    """Return headings of so many lines in the left margin, each before its text of so many lines."""
    made: list[Polygon] = []
    y = 60.0
    for head, text in zip(heads, texts, strict=True):
        made += [box(60, y + i * 1.4 * HEIGHT, width * (0.9 if i == 0 else 0.6)) for i in range(head)]
        made += paragraph(x, y, 600, text, indent=0.0)
        y += (max(head, text) * 1.4 + gap) * HEIGHT
    return made


def table(
    xs: Sequence[float], y: float, widths: Sequence[Sequence[float]], *, pitch: float = 1.8
) -> list[Polygon]:
    """Return the cells of rows; a width of 0 leaves a cell empty."""
    return [
        box(x, y + row * pitch * HEIGHT, width)
        for row, cells in enumerate(widths)
        for x, width in zip(xs, cells, strict=True)
        if width
    ]


def turned(
    polygons: Sequence[Polygon], degrees: float, about: tuple[float, float] = (500, 700)
) -> list[Polygon]:
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))

    def turn(point: tuple[float, float]) -> tuple[float, float]:
        x, y = point[0] - about[0], point[1] - about[1]
        return about[0] + x * cosine - y * sine, about[1] + x * sine + y * cosine

    return [(turn(a), turn(b), turn(c), turn(d)) for a, b, c, d in polygons]


def shaken(polygons: Sequence[Polygon], pixels: float, seed: int = 0) -> list[Polygon]:
    """Shift every edge of every box a little, as detectors do."""
    rng = random.Random(seed)
    made: list[Polygon] = []
    for (x0, y0), _, (x1, y1), _ in polygons:
        dx0, dy0, dx1, dy1 = (rng.uniform(-pixels, pixels) for _ in range(4))
        made.append(box(x0 + dx0, y0 + dy0, x1 - x0 + dx1 - dx0, y1 - y0 + dy1 - dy0))
    return made


def order_of(polygons: Sequence[Polygon], seed: int = 1) -> list[int]:
    """Return the reading order of shuffled polygons: an ascending list if it is right."""
    places = list(range(len(polygons)))
    random.Random(seed).shuffle(places)
    blocks = reading_order([polygons[place] for place in places])
    return [places[index] for block in blocks for index in block]
