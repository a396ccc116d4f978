"""Reads the text regions of one picture, each the way up in which it makes sense."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from crnn_ocr.detection.boxes import Region
from crnn_ocr.document import Char, Line, Polygon
from crnn_ocr.recognition import orientation, recheck
from crnn_ocr.recognition.crops import Turn, crop, part, turn_corners, turned
from crnn_ocr.recognition.pool import LinePool
from crnn_ocr.recognition.recheck import Policy, Stretch
from crnn_ocr.recognition.recognizer import Reading, Recognizer
from crnn_ocr.recognition.vertical import stacked

Image = NDArray[np.uint8]

#: From this height : width on a region is a column or a line that lies on its side, not a thin character.
TALL = 1.5
#: So many of the longest lines vote on the whole picture's orientation.
VOTERS = 5
#: When and how lines are looked at again: chosen by `benchmarks/recheck.py`.
SECOND_LOOK = Policy()

_BACK: dict[Turn, Turn] = {0: 0, 90: 270, 180: 180, 270: 90}


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

    @property
    def height(self) -> float:
        """Height of the line, or width of the column, in pixels."""
        return min(_size(self.polygon))

    def picture(self, image: Image) -> Image:
        """The line's picture as the recogniser saw it: text from left to right.

        Args:
            image: The picture in which the polygon lies.
        """
        found = crop(image, turn_corners(self.polygon, _BACK[self.turn]))
        return stacked(found) if self.column else turned(found, self.turn)

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

    def read(self, image: Image, regions: Sequence[Region]) -> list[ReadRegion]:
        """Read every region as it stands.

        Args:
            image: (H, W) or (H, W, 3) BGR.
            regions: Where text stands.

        Returns:
            One entry per region, in their order; the text may be empty.
        """
        readings = self._pool.read(self._recognizer, [crop(image, region.polygon) for region in regions])
        return [
            ReadRegion(region.polygon, reading) for region, reading in zip(regions, readings, strict=True)
        ]

    def page_turn(self, image: Image, found: Sequence[ReadRegion]) -> Turn:
        """By how many degrees clockwise the whole picture must be turned to be upright.

        The longest lines decide. Nothing is read again where they make sense as they stand.
        """
        if not found:
            return 0
        tall = [entry for entry in found if is_tall(*_size(entry.polygon))]
        ways: tuple[Turn, ...] = (180,)
        voters = [entry for entry in found if entry not in tall]
        if 2 * len(tall) > len(found):
            ways, voters = (90, 270), tall
        voters = sorted(voters, key=lambda entry: -max(_size(entry.polygon)))[:VOTERS]
        standing = orientation.weighted_legibility([entry.reading for entry in voters])
        if standing >= orientation.SURE:
            return 0
        crops = [crop(image, entry.polygon) for entry in voters]
        other = {way: self._pool.read(self._recognizer, [turned(c, way) for c in crops]) for way in ways}
        best = max(ways, key=lambda way: orientation.weighted_legibility(other[way]))
        return best if orientation.outweigh(other[best], standing) else 0

    def turn_unsure(self, image: Image, found: Sequence[ReadRegion]) -> list[ReadRegion]:
        """Try lines that were not read surely the other ways up; replace those that gain by it."""
        found = list(found)
        unsure = [i for i, entry in enumerate(found) if not orientation.is_sure(entry.reading)]
        crops = {i: crop(image, found[i].polygon) for i in unsure}
        tries: list[tuple[int, Turn, bool]] = []
        for i in unsure:
            if is_tall(*_size(found[i].polygon)):
                tries += [(i, 90, False), (i, 270, False), (i, 0, True)]
            else:
                tries.append((i, 180, False))
        readings = self._pool.read(
            self._recognizer,
            [stacked(crops[i]) if column else turned(crops[i], turn) for i, turn, column in tries],
        )
        for i in unsure:
            ways = [
                (turn, column, reading)
                for (j, turn, column), reading in zip(tries, readings, strict=True)
                if j == i
            ]
            best = orientation.better(found[i].reading, [reading for _, _, reading in ways])
            if best is not None:
                turn, column, reading = ways[best]
                found[i] = ReadRegion(turn_corners(found[i].polygon, turn), reading, turn, column)
        return found

    def look_again(
        self,
        image: Image,
        found: Sequence[ReadRegion],
        second: Callable[[], Recognizer],
        policy: Policy = SECOND_LOOK,
    ) -> list[ReadRegion]:
        """Let another recogniser read what was not read surely, and take over what it reads more surely.

        Args:
            image: The picture that was read.
            found: Its regions, each the way up in which it makes sense.
            second: Gives the other recogniser; asked for only if it is needed.
            policy: What is read again.

        Returns:
            The regions in their order; those that were read surely are the same, and all of them where the
            other recogniser is this reader's own.
        """
        found = list(found)
        parts: list[tuple[int, Stretch]] = []
        crops: list[Image] = []
        for i, entry in enumerate(found):
            picture = entry.picture(image)
            height, width = picture.shape[:2]
            for stretch in recheck.stretches(entry.reading, width / height, policy):
                left, right = stretch.columns(width)
                crops.append(picture[:, left:right])
                parts.append((i, stretch))
        if not parts:
            return found
        other = second()
        if other is self._recognizer:  # it would only say the same again
            return found
        readings = self._pool.read(other, crops)
        looked: dict[int, list[tuple[Stretch, Reading]]] = {}
        for (i, stretch), reading in zip(parts, readings, strict=True):
            looked.setdefault(i, []).append((stretch, reading))
        for i, seconds in looked.items():
            found[i] = replace(found[i], reading=recheck.splice(found[i].reading, seconds))
        return found


def is_tall(width: float, height: float) -> bool:
    """Whether a region's shape says that its text does not run from left to right."""
    return height >= TALL * width


def _size(polygon: Polygon) -> tuple[float, float]:
    """Width and height of a region along its own sides, in pixels."""
    return math.dist(polygon[0], polygon[1]), math.dist(polygon[0], polygon[3])
