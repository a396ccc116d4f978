"""The second look at lines of a picture, with recognisers that read grey bars instead of characters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from crnn_ocr.detection.boxes import Region
from crnn_ocr.document import Polygon
from crnn_ocr.imaging.polygons import Turn
from crnn_ocr.recognition.lines.crops import turn_corners
from crnn_ocr.recognition.lines.orientation import TRIED_FIRST
from crnn_ocr.recognition.lines.reader import LineReader
from crnn_ocr.recognition.lines.regions import ReadRegion, joined_column
from crnn_ocr.recognition.lines.windows import read_lines
from crnn_ocr.recognition.network.ctc import Frames
from crnn_ocr.recognition.network.recognizer import PreparedLine, ReadChar, Reading, Window
from crnn_ocr.scheduling.scheduler import Scheduler
from crnn_ocr.scheduling.ticket import Ticket
from crnn_ocr.scheduling.work import Work

HEIGHT = 12
#: Characters are squares of their own grey; the upper half of a line is darker, so that it has a way up.
#: In a column there is paper between them.
ALPHABET = "天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往"
DARKER, STEP = 6, 2

Picture = NDArray[np.uint8]


class Bars:
    """A recogniser of grey squares that mistakes one unknown character for another."""

    name = "bars/1"
    seconds_per_column = 1e-5
    bytes_per_column = 45_056

    def __init__(self, blind: str = "", confidence: float = 0.99) -> None:
        self.blind = blind
        self.confidence = confidence
        self.widths: list[int] = []
        self.characters = frozenset(ALPHABET + "□")

    def window_widths(self, width: int, height: int) -> tuple[int, ...]:
        """Return one window, the crop itself."""
        return (width,)

    def prepare(self, crop: Picture) -> PreparedLine:
        """Return one window, the crop itself."""
        return PreparedLine((Window(0, 1, np.atleast_3d(crop).astype(np.uint8), crop.shape[1]),), 1.0)

    def infer(self, window: Window) -> Frames:
        """Return no frames; the reading is made in `decode`."""
        self.widths.append(window.content)
        return Frames(np.zeros(1, np.int64), np.ones(1, np.float32))

    def decode(self, line: PreparedLine, frames: Sequence[Frames]) -> Reading:
        """Look up every square's grey level."""
        assert len(frames) == 1
        pixels = line.windows[0].pixels[:, :, 0].astype(int)
        width = pixels.shape[1]
        chars = []
        for start, end in squares(pixels[3 * pixels.shape[0] // 4], pixels.shape[0]):
            x = (start + end) // 2
            upper, lower = pixels[pixels.shape[0] // 4, x], pixels[3 * pixels.shape[0] // 4, x]
            index = round((lower - 20) / STEP)
            known = upper < lower and 0 <= index < len(ALPHABET) and ALPHABET[index] not in self.blind
            text, sure = (ALPHABET[index], self.confidence) if known else ("□", 0.3)
            chars.append(ReadChar(text, sure, start / width, end / width))
        mean = float(np.mean([char.confidence for char in chars]))
        return Reading("".join(char.text for char in chars), mean, tuple(chars))


def squares(greys: NDArray[np.int_], height: int) -> list[tuple[int, int]]:
    """Return the start and the end of each character in a row of pixels."""
    inked = greys < 200
    if inked.all():
        count = max(1, round(len(greys) / height))
        edges = [round(i * len(greys) / count) for i in range(count + 1)]
        return list(pairwise(edges))
    steps = np.flatnonzero(np.diff(inked.astype(int), prepend=0, append=0))
    return [(int(a), int(b)) for a, b in zip(steps[::2], steps[1::2], strict=True)]


def drawn(text: str) -> Picture:
    """Draw one row of squares."""
    greys = np.array([20 + STEP * ALPHABET.index(char) for char in text], np.uint8)
    row = np.tile(np.repeat(greys, HEIGHT), (HEIGHT, 1))
    row[: HEIGHT // 2] -= DARKER
    return row


def pasted(line: Picture, turn: Turn = 0, *, column: bool = False) -> tuple[Picture, Polygon]:
    """Return a picture with the line, which must be turned clockwise by `turn` to be read."""
    if column:
        gap = np.full((HEIGHT // 6, HEIGHT), 255, np.uint8)
        cells = (line[:, x : x + HEIGHT] for x in range(0, line.shape[1], HEIGHT))
        line = np.vstack([part for cell in cells for part in (cell, gap)])
        line = np.pad(line, ((0, 0), (2, 2)), constant_values=255)
    backwards = {90: cv2.ROTATE_90_COUNTERCLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_CLOCKWISE}
    standing = np.asarray(cv2.rotate(line, backwards[turn]) if turn else line, np.uint8)
    picture = np.full((400, 400), 255, np.uint8)
    height, width = standing.shape
    picture[60 : 60 + height, 40 : 40 + width] = standing
    right, bottom = 40.0 + width, 60.0 + height
    return picture, ((40.0, 60.0), (right, 60.0), (right, bottom), (40.0, bottom))


@pytest.fixture
def work() -> Iterator[Work]:
    scheduler = Scheduler(2)
    with scheduler.admit(Ticket()) as work:
        yield work
    scheduler.close()


TEXT = "天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往"
WAYS: list[tuple[Turn, bool]] = [(0, False), (90, False), (180, False), (270, False), (0, True)]


@pytest.mark.parametrize(("turn", "column"), WAYS)
def test_stretches_are_cut_from_the_line_as_it_was_read(work: Work, turn: Turn, column: bool) -> None:
    picture, polygon = pasted(drawn(TEXT), turn, column=column)
    first, second = Bars(blind="盈暑"), Bars(confidence=0.97)
    reader = LineReader(first, work)
    entry = ReadRegion(turn_corners(polygon, turn), Reading("", 0.0), turn, column)
    reading = read_lines(first, [entry.picture(picture)])[0].get()
    entry = ReadRegion(entry.polygon, reading, turn, column)
    assert reading.text == TEXT.replace("盈", "□").replace("暑", "□")

    (looked,) = reader.look_again(picture, [entry], lambda: second)

    assert looked.reading.text == TEXT
    assert (looked.polygon, looked.turn, looked.column) == (entry.polygon, turn, column)
    # Two stretches of three characters, give or take a pixel at each border.
    # A column's cells are narrower than its row is high, so there more of them are within reach.
    assert [round(width / HEIGHT) for width in sorted(second.widths)] == ([5, 6] if column else [3, 3])
    before, after = entry.line(), looked.line()
    for old, new in zip(before.chars, after.chars, strict=True):
        assert np.allclose(old.polygon, new.polygon, atol=HEIGHT / 3)


def test_only_doubtful_lines_get_a_second_look(work: Work) -> None:
    picture = np.full((300, 300), 255, np.uint8)
    texts = [TEXT, TEXT[:9], TEXT[9:], TEXT[4:12]]
    regions = []
    for n, text in enumerate(texts):
        row = drawn(text)
        picture[10 + 40 * n : 22 + 40 * n, 5 : 5 + row.shape[1]] = row
        x, y, right = 5.0, 10.0 + 40 * n, 5.0 + row.shape[1]
        regions.append(Region(((x, y), (right, y), (right, y + HEIGHT), (x, y + HEIGHT)), 1.0))
    first, second = Bars(blind="天寒"), Bars()
    reader = LineReader(first, work)
    found = reader.read(picture, regions)

    looked = reader.look_again(picture, found, lambda: second)

    assert [entry.reading.text for entry in looked] == texts
    assert looked[3] is found[3]
    assert len(second.widths) == 4


def test_the_second_reader_is_not_loaded_without_doubts(work: Work) -> None:
    picture, polygon = pasted(drawn(TEXT))
    reader = LineReader(Bars(), work)
    found = reader.read(picture, [Region(polygon, 1.0)])

    def second() -> Bars:
        raise AssertionError("loaded for nothing")

    assert reader.look_again(picture, found, second) == found


def test_regions_without_text_stay_so(work: Work) -> None:
    picture, polygon = pasted(drawn(TEXT))
    second = Bars()
    empty = ReadRegion(polygon, Reading("", 0.0))

    assert LineReader(Bars(), work).look_again(picture, [empty], lambda: second) == [empty]
    assert second.widths == []


class Moody(Bars):
    """A recogniser that fails for lines of one width."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def infer(self, window: Window) -> Frames:
        """Prepare the line, or fail."""
        if window.content == self.width:
            raise RuntimeError("out of memory")
        return super().infer(window)


def three_lines() -> tuple[Picture, list[Region]]:
    picture = np.full((200, 300), 255, np.uint8)
    regions = []
    for n, text in enumerate((TEXT[:4], TEXT[:9], TEXT[9:])):
        row = drawn(text)
        picture[10 + 40 * n : 22 + 40 * n, 5 : 5 + row.shape[1]] = row
        x, y, right = 5.0, 10.0 + 40 * n, 5.0 + row.shape[1]
        regions.append(Region(((x, y), (right, y), (right, y + HEIGHT), (x, y + HEIGHT)), 1.0))
    return picture, regions


def test_a_line_at_which_the_model_fails_is_empty(work: Work, caplog: pytest.LogCaptureFixture) -> None:
    picture, regions = three_lines()
    reader = LineReader(Moody(9 * HEIGHT), work)

    found = reader.read(picture, regions)

    assert [entry.reading.text for entry in found] == [TEXT[:4], "", TEXT[9:]]
    assert reader.failed == 1
    assert "out of memory" in caplog.text
    # What fails at the second look alone leaves the first reading as it is.
    unsure = [replace(entry, reading=Bars(blind=TEXT).decode(*prepared(picture, entry))) for entry in found]
    looked = LineReader(Bars(), work).look_again(picture, unsure, lambda: Moody(9 * HEIGHT))
    assert [entry.reading.text for entry in looked] == [TEXT[:4], "□" * 9, TEXT[9:]]


def prepared(picture: Picture, entry: ReadRegion) -> tuple[PreparedLine, list[Frames]]:
    line = Bars().prepare(entry.picture(picture).make())
    return line, [Bars().infer(line.windows[0])]


def test_a_model_that_fails_at_every_line_is_an_error(work: Work) -> None:
    picture, regions = three_lines()

    with pytest.raises(RuntimeError, match="out of memory"):
        LineReader(Moody(9 * HEIGHT), work).read(picture, regions[1:2])


def test_the_characters_of_a_column_stand_below_one_another() -> None:
    corners: Polygon = ((10.0, 20.0), (30.0, 20.0), (30.0, 80.0), (10.0, 80.0))
    chars = tuple(ReadChar(char, 0.9, i / 3, (i + 1) / 3) for i, char in enumerate("天地玄"))

    line = ReadRegion(corners, Reading("天地玄", 0.9, chars), column=True).line()

    assert line.polygon == corners
    assert [np.round(char.polygon).tolist() for char in line.chars] == [
        [[10, top], [30, top], [30, top + 20], [10, top + 20]] for top in (20, 40, 60)
    ]


def test_pieces_of_a_column_are_joined() -> None:
    def piece(text: str, top: float, height: float, *, column: bool = False) -> ReadRegion:
        chars = tuple(ReadChar(c, 0.9, i / len(text), (i + 1) / len(text)) for i, c in enumerate(text))
        corners = ((40.0, top), (68.0, top), (68.0, top + height), (40.0, top + height))
        return ReadRegion(corners, Reading(text, 0.9, chars), column=column)

    pieces = [piece("天", 100, 30), piece("地玄", 130, 70, column=True), piece("黄", 204, 30)]

    entry = joined_column(pieces)

    assert [piece.upright_characters for piece in pieces] == [1, 2, 1]
    assert np.array(entry.polygon) == pytest.approx(np.array([(40, 100), (68, 100), (68, 234), (40, 234)]))
    assert entry.reading.text == "天地玄黄"
    assert entry.reading.confidence == pytest.approx(0.9**3)
    tops = [char.polygon[0][1] for char in entry.line().chars]
    assert tops == pytest.approx([100, 130, 165, 202])


def _many(count: int, turn: Turn) -> tuple[Picture, list[Region]]:
    one, _ = pasted(drawn(TEXT[:8]), turn)
    line = one[60 : 60 + HEIGHT, 40 : 40 + 8 * HEIGHT]
    picture = np.full((20 * count + 20, 200), 255, np.uint8)
    polygons: list[Polygon] = []
    for at in range(count):
        top = 10 + 20 * at
        picture[top : top + HEIGHT, 20 : 20 + 8 * HEIGHT] = line
        left, upper, right, lower = 20.0, float(top), 20.0 + 8 * HEIGHT, float(top + HEIGHT)
        polygons.append(((left, upper), (right, upper), (right, lower), (left, lower)))
    return picture, [Region(polygon, 0.9) for polygon in polygons]


def test_many_unsure_lines_are_all_turned_if_the_first_ones_are_upside_down(work: Work) -> None:
    picture, regions = _many(TRIED_FIRST + 6, 180)
    reader = LineReader(Bars(), work)
    found = reader.turn_unsure(picture, reader.read(picture, regions))
    assert {(entry.turn, entry.reading.text) for entry in found} == {(180, TEXT[:8])}


def test_of_many_unsure_upright_lines_only_some_are_tried_upside_down(work: Work) -> None:
    picture, regions = _many(TRIED_FIRST + 6, 0)
    bars = Bars(blind=TEXT)
    reader = LineReader(bars, work)
    found = reader.read(picture, regions)
    bars.widths.clear()
    assert reader.turn_unsure(picture, found) == found
    assert len(bars.widths) == TRIED_FIRST
