from __future__ import annotations

import numpy as np
import pytest

from crnn_ocr.recognition.lines.regions import ReadRegion
from crnn_ocr.recognition.lines.single_strokes import SURE, resolve
from crnn_ocr.recognition.network.recognizer import ReadChar, Reading
from tests import drawing
from tests.drawing import Picture


def region(text: str, box: tuple[int, int, int, int], confidence: float = 0.99) -> ReadRegion:
    left, top, right, bottom = (float(side) for side in box)
    chars = tuple(
        ReadChar(char, confidence, n / len(text), (n + 1) / len(text)) for n, char in enumerate(text)
    )
    polygon = ((left, top), (right, top), (right, bottom), (left, bottom))
    return ReadRegion(polygon, Reading(text, confidence, chars))


def table(beside: str = "1200") -> tuple[Picture, ReadRegion]:
    """Return a ruled table: a cell with text of 24 pixels and an empty cell to its right around (172, 50)."""
    picture = drawing.page([(20, 34, beside)], size=24, shape=(240, 100)).copy()
    for row in (20, 76):
        picture[row, 4:236] = 0
    return picture, region(beside, (14, 26, 100, 70))


def settled(picture: Picture, *entries: ReadRegion) -> list[tuple[str, float]]:
    return [(entry.reading.text, entry.reading.confidence) for entry in resolve(picture, entries)]


@pytest.mark.parametrize(("length", "dash"), [(6, "-"), (12, "–"), (22, "—")])
@pytest.mark.parametrize("read", ["二", "一", "=", "-", ""])
def test_a_lone_bar_among_numbers_is_a_dash(length: int, dash: str, read: str) -> None:
    picture, number = table()
    picture[47:49, 172 - length // 2 : 172 + length // 2] = 0
    assert settled(picture, number, region(read, (155, 34, 189, 79), 0.6))[1] == (dash, SURE)


def test_a_stroke_with_a_thick_end_stays_han() -> None:
    picture, number = table()
    picture[47:49, 160:184] = 0
    picture[45:49, 176:184] = 0
    assert settled(picture, number, region("二", (155, 34, 189, 79)))[1][0] == "一"
    assert settled(picture, number, region("一", (155, 34, 189, 74)))[1] == ("一", 0.99)


def test_a_bar_among_han_numerals_stays_han() -> None:
    picture, numeral = table("三四")
    picture[47:49, 160:184] = 0
    assert settled(picture, numeral, region("一", (155, 34, 189, 74)))[1] == ("一", 0.99)


def test_two_strokes_above_a_rule_are_not_three() -> None:
    picture, number = table()
    picture[40:42, 164:180] = 0
    picture[58:60, 160:184] = 0
    assert settled(picture, number, region("三", (155, 34, 189, 79)))[1][0] == "二"


def test_two_strokes_that_were_read_as_two_stay() -> None:
    picture, number = table()
    picture[40:42, 164:180] = 0
    picture[58:60, 160:184] = 0
    assert settled(picture, number, region("二", (155, 34, 189, 72)))[1] == ("二", 0.99)


def test_a_slanted_stroke_is_a_slash_and_an_upright_one_stays() -> None:
    picture, number = table()
    for row in range(38, 62):
        left = round(172 + 0.4 * (50 - row))
        picture[row, left : left + 2] = 0
    assert settled(picture, number, region("1", (155, 30, 189, 70)))[1] == ("/", SURE)
    upright, number = table()
    upright[38:62, 171:174] = 0
    assert settled(upright, number, region("1", (155, 30, 189, 70)))[1] == ("1", 0.99)


def test_an_unread_bar_beside_no_line_is_ignored() -> None:
    picture = np.full((200, 240, 3), 255, np.uint8)
    picture[:100] = table()[0]
    picture[150:152, 160:184] = 0
    assert settled(picture, table()[1], region("", (155, 140, 189, 162)))[1] == ("", 0.99)


def test_a_page_of_strokes_alone_tells_no_type_size() -> None:
    picture, _ = table()
    picture[47:49, 160:184] = 0
    assert settled(picture, region("一", (155, 34, 189, 74))) == [("一", 0.99)]


def test_a_stroke_does_not_depend_on_other_strokes() -> None:
    picture, number = table()
    picture[47:49, 160:184] = 0
    picture[47:49, 210:218] = 0
    one, other = region("二", (155, 34, 189, 79)), region("二", (204, 38, 224, 79))
    together = resolve(picture, [number, one, other])
    assert together == resolve(picture, [number, one])[:2] + resolve(picture, [number, other])[1:]
