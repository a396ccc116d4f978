"""Reads the text regions of one picture, each the way up in which it makes sense."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crnn_ocr.detection.boxes import Region
from crnn_ocr.document import Char, Line, Polygon
from crnn_ocr.recognition import orientation
from crnn_ocr.recognition.crops import Turn, crop, part, turn_corners, turned
from crnn_ocr.recognition.pool import LinePool
from crnn_ocr.recognition.recognizer import Reading, Recognizer
from crnn_ocr.recognition.vertical import stacked

Image = NDArray[np.uint8]

#: From this height : width on a region is a column or a line that lies on its side, not a thin character.
TALL = 1.5
#: So many of the longest lines vote on the whole picture's orientation.
VOTERS = 5


@dataclass(frozen=True, slots=True)
class ReadRegion:
    """A region with its text.

    Attributes:
        polygon: Corners in the picture that was read, the first at the text's own top left.
        reading: What it says.
        turn: By how many degrees clockwise the crop had to be turned.
        column: Whether characters stand below one another.
    """

    polygon: Polygon
    reading: Reading
    turn: Turn = 0
    column: bool = False

    def line(self) -> Line:
        """As part of the output model."""
        along = turn_corners(self.polygon, 90) if self.column else self.polygon
        chars = tuple(
            Char(char.text, char.confidence, part(along, char.start, char.end)) for char in self.reading.chars
        )
        return Line(self.reading.text, self.reading.confidence, self.polygon, chars)


class LineReader:
    """Reads regions with one recogniser on one pool."""

    def __init__(self, recognizer: Recognizer, pool: LinePool) -> None:
        self._recognizer = recognizer
        self._pool = pool

    def read(self, image: Image, regions: Sequence[Region], *, turn_lines: bool) -> list[ReadRegion]:
        """Read every region.

        Args:
            image: (H, W) or (H, W, 3) BGR.
            regions: Where text stands.
            turn_lines: Whether lines that make no sense as they stand are tried the other ways up.

        Returns:
            One entry per region, in their order; the text may be empty.
        """
        crops = [crop(image, region.polygon) for region in regions]
        readings = self._pool.read(self._recognizer, crops)
        found = [
            ReadRegion(region.polygon, reading) for region, reading in zip(regions, readings, strict=True)
        ]
        if not turn_lines:
            return found
        self._turn_unsure(crops, found)
        return found

    def vote(self, image: Image, regions: Sequence[Region], turns: Sequence[Turn]) -> dict[Turn, float]:
        """How surely the picture's longest lines read when turned: mean confidence per turn."""
        longest = sorted(regions, key=lambda region: -max(region.width, region.height))[:VOTERS]
        crops = [crop(image, region.polygon) for region in longest]
        return {
            turn: orientation.weighted_confidence(
                self._pool.read(self._recognizer, [turned(picture, turn) for picture in crops])
            )
            for turn in turns
        }

    def _turn_unsure(self, crops: Sequence[Image], found: list[ReadRegion]) -> None:
        """Try lines that were not read surely the other ways up; replace entries that gain by it."""
        unsure = [i for i, entry in enumerate(found) if not orientation.is_sure(entry.reading)]
        flat = [i for i in unsure if not is_tall(crops[i].shape[1], crops[i].shape[0])]
        tall = [i for i in unsure if is_tall(crops[i].shape[1], crops[i].shape[0])]
        flat_ways: tuple[Turn, ...] = (180,)
        tall_ways: tuple[Turn, ...] = (90, 270)
        tries = [(i, turn, False) for i in flat for turn in flat_ways]
        tries += [(i, turn, False) for i in tall for turn in tall_ways]
        tries += [(i, 0, True) for i in tall]
        pictures = [
            stacked(crops[i]) if column else turned(crops[i], turn) for i, turn, column in tries
        ]
        readings = self._pool.read(self._recognizer, pictures)
        for i in unsure:
            ways = [(turn, column, reading) for (j, turn, column), reading in zip(tries, readings, strict=True) if j == i]
            best = orientation.better(found[i].reading, [reading for _, _, reading in ways])
            if best is not None:
                turn, column, reading = ways[best]
                found[i] = ReadRegion(turn_corners(found[i].polygon, turn), reading, turn, column)


def is_tall(width: float, height: float) -> bool:
    """Whether a region's shape says that its text does not run from left to right."""
    return height >= TALL * width
