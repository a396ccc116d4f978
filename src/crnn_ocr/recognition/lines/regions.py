"""Text regions with their readings, and columns that are put together from pieces."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from crnn_ocr.document import Char, Line, Polygon
from crnn_ocr.imaging.polygons import Turn
from crnn_ocr.pixels import Pixels
from crnn_ocr.recognition.columns.column_cells import Cells, Row, column_to_row
from crnn_ocr.recognition.ink import superscripts
from crnn_ocr.recognition.lines.crops import crop, crop_size, part, turn_corners
from crnn_ocr.recognition.lines.windows import LinePicture
from crnn_ocr.recognition.network.charset import is_han
from crnn_ocr.recognition.network.recognizer import Reading

#: Margin to the right of a column for hanging punctuation, in widths of its region.
SPARE = 0.25

_BACK: dict[Turn, Turn] = {0: 0, 90: 270, 180: 180, 270: 90}


@dataclass(frozen=True, slots=True)
class ReadRegion:
    """A text region with its reading.

    Attributes:
        polygon: Corners in pixels of the picture that was read, clockwise from the text's own top left.
        reading: The text that was read.
        turn: Clockwise rotation in degrees that made the crop readable.
        column: Whether its characters are below one another.
        cells: The cells of a column's characters; None if all are equally high.
        extracted: The superscripts and subscripts that are missing in its reading.
    """

    polygon: Polygon
    reading: Reading
    turn: Turn = 0
    column: bool = False
    cells: Cells | None = None
    extracted: superscripts.Extraction | None = None

    @property
    def size(self) -> tuple[float, float]:
        """Width and height along its own sides, in pixels."""
        polygon = self.polygon
        return math.dist(polygon[0], polygon[1]), math.dist(polygon[0], polygon[3])

    @property
    def height(self) -> float:
        """Height of the line, or width of the column, in pixels."""
        return min(self.size)

    @property
    def level(self) -> bool:
        """Whether it was read unturned, from left to right."""
        return self.turn == 0 and not self.column

    def picture(self, image: Pixels) -> LinePicture:
        """Return the crop as the recogniser saw it, with text from left to right.

        Args:
            image: The picture that was read, (H, W) grey or (H, W, 3) BGR, uint8.
        """
        if self.extracted is not None:
            return LinePicture.of(self.extracted.picture)
        standing = turn_corners(self.polygon, _BACK[self.turn])
        if self.column:
            return LinePicture.of(column_row(image, standing).picture)
        return LinePicture.cut(image, standing, self.turn)

    @property
    def upright_characters(self) -> int:
        """Number of Han characters one below the other; 0 for a row or if there are other characters."""
        text = self.reading.text
        return len(text) if (self.column or len(text) == 1) and all(map(is_han, text)) else 0

    def line(self) -> Line:
        """Convert the region to a line of the output model."""
        chars = tuple(
            Char(char.text, char.confidence, self._part(char.start, char.end)) for char in self.reading.chars
        )
        return Line(self.reading.text, self.reading.confidence, self.polygon, chars)

    def _part(self, start: float, end: float) -> Polygon:
        """Return the polygon of a character, given its start and end as fractions of the line."""
        if not self.column:
            return part(self.polygon, start, end)
        if self.cells is not None:
            start, end = self.cells.place(start), self.cells.place(end)
        # A column runs from top to bottom, but its characters are upright.
        return turn_corners(part(turn_corners(self.polygon, 270), start, end), 90)


def joined_column(pieces: Sequence[ReadRegion]) -> ReadRegion:
    """Join pieces of a column, given from top to bottom; a piece may be a single character."""
    origin, right, _, below = pieces[0].polygon
    corners = np.array([entry.polygon for entry in pieces], np.float64) - origin
    axes = np.array([np.subtract(right, origin), np.subtract(below, origin)], np.float64)
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    places = corners @ np.linalg.inv(axes)  # (pieces, corners, 2), in coordinates along the pieces' sides
    (left, top), (last, bottom) = places.min(axis=(0, 1)), places.max(axis=(0, 1))
    a, b, c, d = (
        (float(x), float(y))
        for x, y in np.array([(left, top), (last, top), (last, bottom), (left, bottom)]) @ axes + origin
    )
    chars = [(entry, char) for entry in pieces for char in entry.reading.chars]
    count, ends, found = len(chars), [], []
    for i, (entry, char) in enumerate(chars):
        corner = np.array(entry._part(char.start, char.end) if entry.column else entry.polygon) - origin
        ends.append((corner @ np.linalg.inv(axes))[:, 1])
        found.append(replace(char, start=i / count, end=(i + 1) / count))
    cuts = [float(above.max() + under.min()) / 2 for above, under in pairwise(ends)]
    borders = np.maximum.accumulate(np.clip((np.array([top, *cuts, bottom]) - top) / (bottom - top), 0, 1))
    reading = Reading(
        "".join(char.text for char in found),
        math.prod(entry.reading.confidence for entry in pieces),
        tuple(found),
    )
    return ReadRegion((a, b, c, d), reading, 0, True, Cells(tuple(borders.tolist()), (True,) * count))


def column_row(image: Pixels, polygon: Polygon) -> Row:
    """Return a column of upright characters laid out as a row, including its hanging punctuation."""
    wide = part(polygon, 0.0, 1.0 + SPARE)
    return column_to_row(crop(image, wide), crop_size(image, wide)[0] - crop_size(image, polygon)[0])


def reinsert_superscripts(found: Sequence[ReadRegion]) -> list[ReadRegion]:
    """Return the regions with the superscripts that `LineReader.extract_superscripts` removed."""
    return [
        entry
        if entry.extracted is None
        else replace(entry, reading=superscripts.reinsert(entry.reading, entry.extracted), extracted=None)
        for entry in found
    ]
