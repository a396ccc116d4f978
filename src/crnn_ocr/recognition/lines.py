"""Reads the text regions of one picture, each the way up in which it makes sense."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from crnn_ocr.detection.boxes import Region
from crnn_ocr.document import Char, Line, Polygon
from crnn_ocr.recognition import orientation, raised, recheck
from crnn_ocr.recognition.crops import Turn, crop, part, turn_corners
from crnn_ocr.recognition.ink import Part, ink_parts
from crnn_ocr.recognition.reading import LinePicture, held_against_ink, read_lines
from crnn_ocr.recognition.recheck import Policy, Stretch
from crnn_ocr.recognition.recognizer import Reading, Recognizer
from crnn_ocr.recognition.vertical import stacked
from crnn_ocr.scheduling.work import INLINE, Work

_log = logging.getLogger(__name__)

Image = NDArray[np.uint8]

#: From this height : width on a region is a column or a line that lies on its side, not a thin character.
TALL = 1.5
#: So many of the longest lines vote on the whole picture's orientation.
VOTERS = 5
#: When and how lines are looked at again: chosen by `benchmarks/recheck.py`.
SECOND_LOOK = Policy()

_BACK: dict[Turn, Turn] = {0: 0, 90: 270, 180: 180, 270: 90}
_NOTHING = Reading("", 0.0)


@dataclass(frozen=True, slots=True)
class ReadRegion:
    """A region with its text.

    Attributes:
        polygon: Corners in the picture that was read, the first at the text's own top left.
        reading: What it says.
        turn: By how many degrees clockwise the crop had to be turned.
        column: Whether characters stand below one another.
        taken: The raised and lowered figures that its reading lacks.
    """

    polygon: Polygon
    reading: Reading
    turn: Turn = 0
    column: bool = False
    taken: raised.Taken | None = None

    @property
    def height(self) -> float:
        """Height of the line, or width of the column, in pixels."""
        return min(_size(self.polygon))

    def picture(self, image: Image) -> LinePicture:
        """The line's picture as the recogniser saw it: text from left to right.

        Args:
            image: The picture in which the polygon lies.
        """
        if self.taken is not None:
            return LinePicture.of(self.taken.picture)
        standing = turn_corners(self.polygon, _BACK[self.turn])
        if self.column:
            return LinePicture.of(stacked(crop(image, standing)))
        return LinePicture.cut(image, standing, self.turn)

    def line(self) -> Line:
        """As part of the output model."""
        chars = tuple(
            Char(char.text, char.confidence, self._part(char.start, char.end)) for char in self.reading.chars
        )
        return Line(self.reading.text, self.reading.confidence, self.polygon, chars)

    def _part(self, start: float, end: float) -> Polygon:
        """Where a character stands, its own top left first."""
        if not self.column:
            return part(self.polygon, start, end)
        # Along the column from its top, on the right side; its characters stand upright.
        return turn_corners(part(turn_corners(self.polygon, 270), start, end), 90)


class LineReader:
    """Reads the regions of one picture with one recogniser.

    Attributes:
        failed: So many lines could not be read, because the recogniser failed at them.
    """

    def __init__(self, recognizer: Recognizer, work: Work = INLINE) -> None:
        """Prepare.

        Args:
            recognizer: Reads the lines.
            work: Does the tasks.
        """
        self._recognizer = recognizer
        self._work = work
        self.failed = 0

    def read(self, image: Image, regions: Sequence[Region]) -> list[ReadRegion]:
        """Read every region as it stands.

        Args:
            image: (H, W) or (H, W, 3) BGR.
            regions: Where text stands.

        Returns:
            One entry per region, in their order; the text may be empty.
        """
        readings = self._read([LinePicture.cut(image, region.polygon) for region in regions])
        self.failed = readings.count(None)
        return [
            ReadRegion(region.polygon, reading or _NOTHING)
            for region, reading in zip(regions, readings, strict=True)
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
        pictures = [LinePicture.cut(image, entry.polygon, way) for way in ways for entry in voters]
        readings = [reading or _NOTHING for reading in self._read(pictures)]
        count = len(voters)
        other = {way: readings[n * count : (n + 1) * count] for n, way in enumerate(ways)}
        best = max(ways, key=lambda way: orientation.weighted_legibility(other[way]))
        return best if orientation.outweigh(other[best], standing) else 0

    def turn_unsure(self, image: Image, found: Sequence[ReadRegion]) -> list[ReadRegion]:
        """Try lines that were not read surely the other ways up; replace those that gain by it."""
        found = list(found)
        unsure = [i for i, entry in enumerate(found) if not orientation.is_sure(entry.reading)]
        tries: list[tuple[int, Turn, bool]] = []
        for i in unsure:
            if is_tall(*_size(found[i].polygon)):
                tries += [(i, 90, False), (i, 270, False), (i, 0, True)]
            else:
                tries.append((i, 180, False))
        readings = self._read(
            [
                LinePicture.of(stacked(crop(image, found[i].polygon)))
                if column
                else LinePicture.cut(image, found[i].polygon, turn)
                for i, turn, column in tries
            ]
        )
        for i in unsure:
            ways = [
                (turn, column, reading or _NOTHING)
                for (j, turn, column), reading in zip(tries, readings, strict=True)
                if j == i
            ]
            best = orientation.better(found[i].reading, [reading for _, _, reading in ways])
            if best is not None:
                turn, column, reading = ways[best]
                found[i] = ReadRegion(turn_corners(found[i].polygon, turn), reading, turn, column)
        return found

    def take_out_raised(self, image: Image, found: Sequence[ReadRegion]) -> list[ReadRegion]:
        """Read raised and lowered figures alone, and their lines without them.

        Args:
            image: The picture that was read.
            found: Its regions, each the way up in which it makes sense.

        Returns:
            The regions in their order; `put_back_raised` makes their readings whole again.
        """
        found = list(found)
        inks: dict[int, tuple[Image, tuple[Part, ...], tuple[raised.Group, ...]]] = {}
        for i, entry in enumerate(found):
            if not entry.column and raised.may_have_raised(entry.reading):
                picture = entry.picture(image).make()
                parts = ink_parts(picture)
                if groups := raised.find_groups(entry.reading, parts, picture):
                    inks[i] = picture, parts, groups
        alone = [raised.alone(picture, group) for picture, _, groups in inks.values() for group in groups]
        texts = iter(self._outcomes([LinePicture.of(picture) for picture in alone], self._recognizer))
        taken: dict[int, raised.Taken] = {}
        for i, (picture, parts, groups) in inks.items():
            read = [(group, reading.text if (reading := next(texts)) else None) for group in groups]
            if some := raised.take_out(picture, parts, read):
                taken[i] = some
        bare = self._read([LinePicture.of(some.picture) for some in taken.values()])
        for (i, some), reading in zip(taken.items(), bare, strict=True):
            if reading is not None:
                found[i] = replace(found[i], reading=reading, taken=some)
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
        pictures: list[LinePicture] = []
        for i, entry in enumerate(found):
            picture = entry.picture(image)
            for stretch in recheck.stretches(entry.reading, picture.width / picture.height, policy):
                pictures.append(picture.columns(*stretch.columns(picture.width)))
                parts.append((i, stretch))
        if not parts:
            return found
        other = second()
        if other is self._recognizer:  # it would only say the same again
            return found
        looked: dict[int, list[tuple[Stretch, Reading]]] = {}
        for (i, stretch), reading in zip(parts, self._outcomes(pictures, other), strict=True):
            if reading is not None:
                looked.setdefault(i, []).append((stretch, reading))
        for i, seconds in looked.items():
            reading = recheck.splice(found[i].reading, seconds, other.characters)
            found[i] = replace(found[i], reading=held_against_ink(reading, found[i].picture(image)))
        return found

    def _read(self, pictures: Sequence[LinePicture]) -> list[Reading | None]:
        """One reading per picture, its numbers held against the ink; else as `_outcomes`."""
        readings = self._outcomes(pictures, self._recognizer)
        return [
            reading and held_against_ink(reading, picture)
            for reading, picture in zip(readings, pictures, strict=True)
        ]

    def _outcomes(self, pictures: Sequence[LinePicture], recognizer: Recognizer) -> list[Reading | None]:
        """One reading per picture; None where the recogniser failed. Raises if it failed at all of them."""
        outcomes = read_lines(recognizer, pictures, self._work)
        errors = [outcome.error for outcome in outcomes if outcome.error is not None]
        if errors:
            if len(errors) == len(outcomes):
                raise errors[0]
            _log.error("some lines could not be read", exc_info=errors[0])
        return [None if outcome.error is not None else outcome.get() for outcome in outcomes]


def put_back_raised(found: Sequence[ReadRegion]) -> list[ReadRegion]:
    """Return the regions with the figures that `LineReader.take_out_raised` took out."""
    return [
        entry
        if entry.taken is None
        else replace(entry, reading=raised.put_back(entry.reading, entry.taken), taken=None)
        for entry in found
    ]


def is_tall(width: float, height: float) -> bool:
    """Whether a region's shape says that its text does not run from left to right."""
    return height >= TALL * width


def _size(polygon: Polygon) -> tuple[float, float]:
    """Width and height of a region along its own sides, in pixels."""
    return math.dist(polygon[0], polygon[1]), math.dist(polygon[0], polygon[3])
