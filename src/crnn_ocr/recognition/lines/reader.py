"""Reads the text regions of one picture, each the way up in which it makes sense."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from crnn_ocr.detection.boxes import Region
from crnn_ocr.document import Char, Line, Polygon
from crnn_ocr.pixels import Pixels
from crnn_ocr.recognition.columns.column_cells import Cells, Row, column_to_row
from crnn_ocr.recognition.columns.column_text import has_unread_cells, tidy_column
from crnn_ocr.recognition.ink import superscripts
from crnn_ocr.recognition.ink.components import Part, ink_parts
from crnn_ocr.recognition.lines import orientation, recheck
from crnn_ocr.recognition.lines.crops import Turn, crop, crop_size, part, turn_corners
from crnn_ocr.recognition.lines.recheck import Policy, Stretch
from crnn_ocr.recognition.lines.windows import LinePicture, compare_with_ink, read_lines, settle_widths
from crnn_ocr.recognition.network.charset import is_han
from crnn_ocr.recognition.network.recognizer import Reading, Recognizer
from crnn_ocr.scheduling.work import INLINE, Work

_log = logging.getLogger(__name__)


#: From this height : width on a region is a column or a line that lies on its side, not a thin character.
TALL = 1.5
#: Marks may hang beside a column, so far beyond its region; in widths of the region.
SPARE = 0.25
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
        cells: Of a column: those of its characters; None: all are equally high.
        extracted: The raised and lowered figures that its reading lacks.
    """

    polygon: Polygon
    reading: Reading
    turn: Turn = 0
    column: bool = False
    cells: Cells | None = None
    extracted: superscripts.Extraction | None = None

    @property
    def height(self) -> float:
        """Height of the line, or width of the column, in pixels."""
        return min(_size(self.polygon))

    @property
    def level(self) -> bool:
        """Whether it was read as it stands, from left to right."""
        return self.turn == 0 and not self.column

    def picture(self, image: Pixels) -> LinePicture:
        """The line's picture as the recogniser saw it: text from left to right.

        Args:
            image: The picture in which the polygon lies.
        """
        if self.extracted is not None:
            return LinePicture.of(self.extracted.picture)
        standing = turn_corners(self.polygon, _BACK[self.turn])
        if self.column:
            return LinePicture.of(column_row(image, standing).picture)
        return LinePicture.cut(image, standing, self.turn)

    @property
    def upright_characters(self) -> int:
        """How many Chinese characters stand in it one below the other; 0 where it has others or a row."""
        text = self.reading.text
        return len(text) if (self.column or len(text) == 1) and all(map(is_han, text)) else 0

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
        if self.cells is not None:
            start, end = self.cells.place(start), self.cells.place(end)
        # Along the column from its top, on the right side; its characters stand upright.
        return turn_corners(part(turn_corners(self.polygon, 270), start, end), 90)


def joined_column(pieces: Sequence[ReadRegion]) -> ReadRegion:
    """One column of several that stand below one another, from top to bottom; single characters too."""
    origin, right, _, below = pieces[0].polygon
    corners = np.array([entry.polygon for entry in pieces], np.float64) - origin
    axes = np.array([np.subtract(right, origin), np.subtract(below, origin)], np.float64)
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    places = corners @ np.linalg.inv(axes)  # (pieces, corners, 2): along the pieces' sides
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

    def read(self, image: Pixels, regions: Sequence[Region]) -> list[ReadRegion]:
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

    def page_turn(self, image: Pixels, found: Sequence[ReadRegion]) -> Turn:
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
        if not orientation.outweigh(other[best], standing):
            return 0
        if best != 180:
            rows = [LinePicture.of(column_row(image, entry.polygon).picture) for entry in voters]
            columns = [reading or _NOTHING for reading in self._read(rows)]
            if orientation.are_columns(columns, other[best]):
                return 0
        return best

    def turn_unsure(self, image: Pixels, found: Sequence[ReadRegion]) -> list[ReadRegion]:
        """Try lines that were not read surely the other ways up; replace those that gain by it."""
        found = list(found)
        unsure = [i for i, entry in enumerate(found) if not orientation.is_sure(entry.reading)]
        tries: list[tuple[int, Turn, Row | None]] = []
        for i in unsure:
            if is_tall(*_size(found[i].polygon)):
                tries += [(i, 90, None), (i, 270, None), (i, 0, column_row(image, found[i].polygon))]
            else:
                tries.append((i, 180, None))
        readings = self._read(
            [
                LinePicture.cut(image, found[i].polygon, turn) if row is None else LinePicture.of(row.picture)
                for i, turn, row in tries
            ]
        )
        for i in unsure:
            ways = [
                (turn, row, reading or _NOTHING)
                for (j, turn, row), reading in zip(tries, readings, strict=True)
                if j == i
            ]
            others = [reading for _, _, reading in ways]
            best = orientation.better(found[i].reading, others)
            column = len(ways) - 1
            if ways[column][1] is not None:
                if best is None:
                    # A column cannot be read as it stands, so it would be lost.
                    best = orientation.surest(found[i].reading, others, column)
                elif orientation.are_columns([others[column]], [others[best]]):
                    best = column
            if best is not None:
                turn, row, reading = ways[best]
                polygon = turn_corners(found[i].polygon, turn)
                if row is None:
                    found[i] = ReadRegion(polygon, reading, turn)
                else:
                    found[i] = ReadRegion(polygon, tidy_column(reading, row.cells), 0, True, row.cells)
        return found

    def extract_superscripts(self, image: Pixels, found: Sequence[ReadRegion]) -> list[ReadRegion]:
        """Read raised and lowered figures alone, and their lines without them.

        Args:
            image: The picture that was read.
            found: Its regions, each the way up in which it makes sense.

        Returns:
            The regions in their order; `reinsert_superscripts` makes their readings whole again.
        """
        found = list(found)
        inks: dict[int, tuple[Pixels, tuple[Part, ...], tuple[superscripts.Group, ...]]] = {}
        for i, entry in enumerate(found):
            if not entry.column and superscripts.may_have_superscripts(entry.reading):
                picture = entry.picture(image).make()
                parts = ink_parts(picture)
                if groups := superscripts.find_groups(entry.reading, parts, picture):
                    inks[i] = picture, parts, groups
        alone = [
            superscripts.isolate(picture, group) for picture, _, groups in inks.values() for group in groups
        ]
        texts = iter(self._outcomes([LinePicture.of(picture) for picture in alone], self._recognizer))
        extracted: dict[int, superscripts.Extraction] = {}
        for i, (picture, parts, groups) in inks.items():
            read = [(group, reading.text if (reading := next(texts)) else None) for group in groups]
            if some := superscripts.extract(picture, parts, read):
                extracted[i] = some
        bare = self._read([LinePicture.of(some.picture) for some in extracted.values()])
        for (i, some), reading in zip(extracted.items(), bare, strict=True):
            if reading is not None:
                found[i] = replace(found[i], reading=reading, extracted=some)
        return found

    def look_again(
        self,
        image: Pixels,
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
            stretches = recheck.stretches(entry.reading, picture.width / picture.height, policy)
            if (
                entry.cells is not None
                and entry.reading.chars
                and has_unread_cells(entry.reading, entry.cells)
            ):
                stretches = (Stretch(0, len(entry.reading.chars), 0.0, 1.0),)
            for stretch in stretches:
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
            entry = found[i]
            reading = recheck.splice(entry.reading, seconds, other.characters)
            reading = compare_with_ink(reading, entry.picture(image))
            if entry.cells is not None:
                reading = tidy_column(reading, entry.cells)
            found[i] = replace(entry, reading=reading)
        return found

    def settle_widths(self, image: Pixels, found: Sequence[ReadRegion]) -> list[ReadRegion]:
        """Bring the signs of a page's lines to full or half width, as the script around them and the ink say.

        Args:
            image: The picture that was read.
            found: All its regions.
        """
        # The characters of a column have been put side by side.
        pictures = [None if entry.column else entry.picture(image) for entry in found]
        readings = settle_widths([entry.reading for entry in found], pictures)
        return [replace(entry, reading=reading) for entry, reading in zip(found, readings, strict=True)]

    def _read(self, pictures: Sequence[LinePicture]) -> list[Reading | None]:
        """One reading per picture, its numbers held against the ink; else as `_outcomes`."""
        readings = self._outcomes(pictures, self._recognizer)
        return [
            reading and compare_with_ink(reading, picture)
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


def column_row(image: Pixels, polygon: Polygon) -> Row:
    """A column of upright characters, laid out as a row, with the marks that hang beside it."""
    wide = part(polygon, 0.0, 1.0 + SPARE)
    return column_to_row(crop(image, wide), crop_size(image, wide)[0] - crop_size(image, polygon)[0])


def reinsert_superscripts(found: Sequence[ReadRegion]) -> list[ReadRegion]:
    """Return the regions with the figures that `LineReader.extract_superscripts` took out."""
    return [
        entry
        if entry.extracted is None
        else replace(entry, reading=superscripts.reinsert(entry.reading, entry.extracted), extracted=None)
        for entry in found
    ]


def is_tall(width: float, height: float) -> bool:
    """Whether a region's shape says that its text does not run from left to right."""
    return height >= TALL * width


def _size(polygon: Polygon) -> tuple[float, float]:
    """Width and height of a region along its own sides, in pixels."""
    return math.dist(polygon[0], polygon[1]), math.dist(polygon[0], polygon[3])
