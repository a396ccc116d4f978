"""Read crops of lines with one task per window; a crop is made only when its task runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from crnn_ocr.document import Polygon
from crnn_ocr.imaging.polygons import Turn
from crnn_ocr.pixels import Pixels
from crnn_ocr.recognition.ink import dashes, numbers, sign_spacing, widths, words
from crnn_ocr.recognition.ink.components import ink_columns, ink_parts
from crnn_ocr.recognition.lines.crops import crop, crop_size, turned
from crnn_ocr.recognition.network.ctc import Frames
from crnn_ocr.recognition.network.recognizer import PreparedLine, Reading, Recognizer
from crnn_ocr.recognition.text.postprocess import spaced, tidy
from crnn_ocr.scheduling.policy import Demand, counted
from crnn_ocr.scheduling.work import INLINE, Outcome, Task, Work


@dataclass(frozen=True, slots=True)
class LinePicture:
    """The crop of a line, which is made when it is needed.

    Attributes:
        width: Width in pixels.
        height: Height in pixels.
        make: Function that makes it: (height, width) or (height, width, 3) BGR, uint8. It is called in any
            thread.
    """

    width: int
    height: int
    make: Callable[[], Pixels]

    @classmethod
    def of(cls, picture: Pixels) -> LinePicture:
        """Wrap a picture that exists already."""
        return cls(picture.shape[1], picture.shape[0], lambda: picture)

    @classmethod
    def cut(cls, image: Pixels, polygon: Polygon, turn: Turn = 0) -> LinePicture:
        """Crop a region of a picture and turn it clockwise by that many degrees."""
        width, height = crop_size(image, polygon)
        if turn in (90, 270):
            width, height = height, width
        return cls(width, height, lambda: turned(crop(image, polygon), turn))

    def columns(self, left: int, right: int) -> LinePicture:
        """Return the part of the crop from column `left` to before column `right`."""
        return LinePicture(right - left, self.height, lambda: self.make()[:, left:right])


def read_lines(
    recognizer: Recognizer, pictures: Sequence[LinePicture], work: Work = INLINE
) -> list[Outcome[Reading]]:
    """Read crops of lines.

    Args:
        recognizer: The recogniser to use.
        pictures: Any number of crops.
        work: Runs the tasks.

    Returns:
        One outcome per crop, in order; a line that cannot be read does not affect the others.

    Raises:
        DeadlineExceededError: The request's time ran out.
        RequestCancelledError: The request was cancelled.
    """
    lines = [_Line(recognizer, picture) for picture in pictures]
    outcomes = iter(work.run([task for line in lines for task in line.tasks()]))
    return [line.outcome([next(outcomes) for _ in range(line.count)]) for line in lines]


def read_crops(recognizer: Recognizer, crops: Sequence[Pixels], work: Work = INLINE) -> list[Reading]:
    """Read crops of lines, each independently of the others.

    Args:
        recognizer: The recogniser to use.
        crops: (H, W) grey or (H, W, 3) BGR, uint8, each with one line.
        work: Runs the tasks.

    Returns:
        One reading per crop, in order.

    Raises:
        Exception: Any exception of the recogniser for one of the crops.
    """
    pictures = [LinePicture.of(crop) for crop in crops]
    outcomes = read_lines(recognizer, pictures, work)
    readings = [
        compare_with_ink(outcome.get(), picture) for outcome, picture in zip(outcomes, pictures, strict=True)
    ]
    return [
        settle_widths([reading], [picture])[0] for reading, picture in zip(readings, pictures, strict=True)
    ]


def compare_with_ink(reading: Reading, picture: LinePicture) -> Reading:
    """Correct a line's dashes, blanks and numbers by comparing them with the ink of its crop.

    This is not part of `read_lines`, where a crop may be a piece of a line that was cut between digits.
    """
    with_dashes, with_words = dashes.has_dashes(reading), words.has_words(reading)
    if not (with_dashes or with_words or numbers.has_numbers(reading)):
        return reading
    image = picture.make()
    parts = ink_parts(image)
    if with_dashes:
        reading = dashes.mend(reading, image)
    if parts and with_words:
        height = max(part.height for part in parts)
        reading = words.space_words(reading, ink_columns(image, parts), height)
    return numbers.compare(reading, parts, image.shape[1])


def unverified_numbers(reading: Reading, picture: LinePicture) -> tuple[tuple[float, float], ...]:
    """Return where numbers stand whose ink does not tell whether all of it was read, see `numbers`."""
    if not numbers.has_numbers(reading, numbers.LEAST_LENGTH):
        return ()
    image = picture.make()
    return numbers.unverified(reading, ink_parts(image), image.shape[1])


def settle_widths(readings: Sequence[Reading], pictures: Sequence[LinePicture | None]) -> list[Reading]:
    """Return the lines of a page with each sign in its right width, full or half.

    Args:
        readings: All lines of one page, since the width may depend on the page's other lines.
        pictures: The crop of each line; None if its distances are not those of the print, as in columns.
    """
    spacings: list[dict[int, float]] = []
    for reading, picture in zip(readings, pictures, strict=True):
        if picture is None or not sign_spacing.is_measurable(reading):
            spacings.append({})
            continue
        image = picture.make()
        spacings.append(sign_spacing.measure_spacing(reading, ink_parts(image), image.shape[1]))
    return [
        reading if reading is old else spaced(reading)
        for old, reading in zip(readings, widths.settled(readings, spacings), strict=True)
    ]


def _demand(recognizer: Recognizer, width: int) -> Demand:
    return Demand(recognizer.seconds_per_column * width, counted(recognizer.bytes_per_column * width))


class _Line:
    """A line that is being read; its windows may be read concurrently."""

    def __init__(self, recognizer: Recognizer, picture: LinePicture) -> None:
        self._recognizer = recognizer
        self._picture = picture
        self._lock = threading.Lock()
        self._prepared: PreparedLine | None = None
        self._widths = recognizer.window_widths(picture.width, picture.height)
        self.count = self._left = len(self._widths)
        self._frames: list[Frames | None] = [None] * self.count
        self._reading: Reading | None = None

    def tasks(self) -> list[Task[None]]:
        """Return one task per window.

        The tasks are not stored in the line. That would be a reference cycle, and the whole picture would
        stay in memory until the garbage collector runs.
        """
        return [
            Task(_demand(self._recognizer, width), partial(self._read, index))
            for index, width in enumerate(self._widths)
        ]

    def outcome(self, pieces: Sequence[Outcome[None]]) -> Outcome[Reading]:
        """Return the line's outcome, given the outcomes of its windows."""
        for piece in pieces:
            if piece.error is not None:
                return Outcome(error=piece.error)
        assert self._reading is not None
        return Outcome(self._reading)

    def _read(self, index: int, _cores: int) -> None:
        """Read one window; the task that reads the last window decodes the line."""
        with self._lock:
            if self._prepared is None:
                self._prepared = self._recognizer.prepare(self._picture.make())
            line = self._prepared
        frames = self._recognizer.infer(line.windows[index])
        with self._lock:
            self._frames[index] = frames
            self._left -= 1
            if self._left:
                return
            self._prepared = None  # frees its pixels
        known = [part for part in self._frames if part is not None]
        self._reading = tidy(self._recognizer.decode(line, known))
