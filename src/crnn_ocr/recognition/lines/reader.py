"""Read the text regions of one picture, each in the orientation in which it makes sense."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from crnn_ocr.detection.boxes import Region
from crnn_ocr.imaging.polygons import Turn
from crnn_ocr.pixels import Pixels
from crnn_ocr.recognition.columns.column_cells import Row
from crnn_ocr.recognition.columns.column_text import has_unread_cells, tidy_column
from crnn_ocr.recognition.ink import superscripts
from crnn_ocr.recognition.ink.components import Part, ink_parts
from crnn_ocr.recognition.lines import orientation, recheck
from crnn_ocr.recognition.lines.crops import turn_corners
from crnn_ocr.recognition.lines.recheck import Policy, Stretch
from crnn_ocr.recognition.lines.regions import ReadRegion, column_row
from crnn_ocr.recognition.lines.windows import (
    LinePicture,
    compare_with_ink,
    read_lines,
    settle_widths,
    unverified_numbers,
)
from crnn_ocr.recognition.network.recognizer import Reading, Recognizer
from crnn_ocr.scheduling.work import INLINE, Work

_log = logging.getLogger(__name__)

#: Ratio of height to width from which a region is a column or a turned line, not a thin character.
TALL = 1.5
#: Number of the longest lines that decide the whole picture's orientation.
VOTERS = 5
#: When and how lines get a second look; chosen with `benchmarks/recheck.py`.
SECOND_LOOK = Policy()

_NOTHING = Reading("", 0.0)


class LineReader:
    """A reader of the regions of one picture with one recogniser.

    Attributes:
        failed: Number of lines for which the recogniser raised an exception.
    """

    def __init__(self, recognizer: Recognizer, work: Work = INLINE) -> None:
        """Create a reader.

        Args:
            recognizer: The recogniser to use.
            work: Runs the tasks.
        """
        self._recognizer = recognizer
        self._work = work
        self.failed = 0

    def read(self, image: Pixels, regions: Sequence[Region]) -> list[ReadRegion]:
        """Read every region without turning it.

        Args:
            image: (H, W) grey or (H, W, 3) BGR, uint8.
            regions: The detected text regions.

        Returns:
            One entry per region, in order; the text may be empty.

        Raises:
            Exception: The recogniser failed for all regions.
        """
        readings = self._read([LinePicture.cut(image, region.polygon) for region in regions])
        self.failed = readings.count(None)
        return [
            ReadRegion(region.polygon, reading or _NOTHING)
            for region, reading in zip(regions, readings, strict=True)
        ]

    def page_turn(self, image: Pixels, found: Sequence[ReadRegion]) -> Turn:
        """Return the clockwise rotation in degrees that makes the whole picture upright.

        The longest lines decide. If they are legible as they stand, nothing is read again.
        """
        if not found:
            return 0
        tall = [entry for entry in found if is_tall(*entry.size)]
        ways: tuple[Turn, ...] = (180,)
        voters = [entry for entry in found if entry not in tall]
        if 2 * len(tall) > len(found):
            ways, voters = (90, 270), tall
        voters = sorted(voters, key=lambda entry: -max(entry.size))[:VOTERS]
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
        """Read less legible lines in the other orientations; return the regions with the better readings."""
        found = list(found)
        unsure = [i for i, entry in enumerate(found) if not orientation.is_sure(entry.reading)]
        level = [i for i in unsure if not is_tall(*found[i].size)]
        late = orientation.tried_late([(found[i].reading.legibility, i) for i in level])
        found = self._turn(image, found, [i for i in unsure if i not in late])
        turned_over = any(found[i].turn == 180 for i in level)
        return self._turn(image, found, sorted(late)) if turned_over else found

    def _turn(self, image: Pixels, found: list[ReadRegion], unsure: Sequence[int]) -> list[ReadRegion]:
        """Return the regions with those of the given indices in their best orientation."""
        tries: list[tuple[int, Turn, Row | None]] = []
        for i in unsure:
            if is_tall(*found[i].size):
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
                    # A column cannot be read like a line, so without this it would be lost.
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
        """Read superscripts and subscripts alone, and their lines without them.

        Args:
            image: The picture that was read.
            found: Its regions, each in its final orientation.

        Returns:
            The regions in order; `reinsert_superscripts` completes their readings later.
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
        """Read doubtful stretches again with another recogniser and merge its more confident readings.

        Args:
            image: The picture that was read.
            found: Its regions, each in its final orientation.
            second: Function that returns the other recogniser; called only if it is needed.
            policy: Which stretches are read again.

        Returns:
            The regions in order; those without doubts are unchanged.
        """
        found = list(found)
        parts: list[tuple[int, Stretch]] = []
        pictures: list[LinePicture] = []
        for i, entry in enumerate(found):
            picture = entry.picture(image)
            stretches = recheck.stretches(
                entry.reading,
                picture.width / picture.height,
                policy,
                unverified_numbers(entry.reading, picture),
            )
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
        widths = [picture.width / picture.height for picture in pictures]
        chosen = recheck.most_doubtful(
            [(found[i].reading, stretch, width) for (i, stretch), width in zip(parts, widths, strict=True)],
            policy,
        )
        parts, pictures = [parts[at] for at in chosen], [pictures[at] for at in chosen]
        other = second()
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
        """Convert the signs of a page's lines to their right width, full or half; see `settle_widths`.

        Args:
            image: The picture that was read.
            found: All its regions.

        Returns:
            The regions in order.
        """
        # In a column the distances of characters were changed when they were put side by side.
        pictures = [None if entry.column else entry.picture(image) for entry in found]
        readings = settle_widths([entry.reading for entry in found], pictures)
        return [replace(entry, reading=reading) for entry, reading in zip(found, readings, strict=True)]

    def _read(self, pictures: Sequence[LinePicture]) -> list[Reading | None]:
        """Return the readings as `_outcomes` does, after comparing them with their ink."""
        readings = self._outcomes(pictures, self._recognizer)
        return [
            reading and compare_with_ink(reading, picture)
            for reading, picture in zip(readings, pictures, strict=True)
        ]

    def _outcomes(self, pictures: Sequence[LinePicture], recognizer: Recognizer) -> list[Reading | None]:
        """Return one reading per crop, None if the recogniser failed; raise if it failed for all crops."""
        outcomes = read_lines(recognizer, pictures, self._work)
        errors = [outcome.error for outcome in outcomes if outcome.error is not None]
        if errors:
            if len(errors) == len(outcomes):
                raise errors[0]
            _log.error("some lines could not be read", exc_info=errors[0])
        return [None if outcome.error is not None else outcome.get() for outcome in outcomes]


def is_tall(width: float, height: float) -> bool:
    """Return whether a region is so high that its text does not run from left to right."""
    return height >= TALL * width
