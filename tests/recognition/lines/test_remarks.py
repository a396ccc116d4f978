from __future__ import annotations

import numpy as np
import pytest

from crnn_ocr.document import Polygon
from crnn_ocr.imaging.polygons import Turn
from crnn_ocr.recognition.lines.regions import ReadRegion
from crnn_ocr.recognition.lines.remarks import reading_remarks
from crnn_ocr.recognition.network.recognizer import ReadChar, Reading
from tests import drawing

EMPTY = np.full((400, 600, 3), 255, np.uint8)


def box(x: float, y: float, width: float = 200, height: float = 30) -> Polygon:
    return (x, y), (x + width, y), (x + width, y + height), (x, y + height)


PLACE = box(50, 50)


def entry(text: str, polygon: Polygon = PLACE, *, sure: float = 0.99, turn: Turn = 0) -> ReadRegion:
    count = max(len(text), 1)
    chars = tuple(ReadChar(char, sure, i / count, (i + 1) / count) for i, char in enumerate(text))
    return ReadRegion(polygon, Reading(text, sure, chars), turn)


def codes(found: list[ReadRegion], image: np.ndarray = EMPTY, turn: Turn = 0) -> list[str]:
    kept = [one for one in found if one.reading.text and one.reading.legibility >= 0.5]
    return [remark.code for remark in reading_remarks(found, kept, image, turn)]


def message(found: list[ReadRegion], image: np.ndarray = EMPTY, turn: Turn = 0) -> str:
    (remark,) = reading_remarks(found, [one for one in found if one.reading.legibility >= 0.5], image, turn)
    return remark.message


LINES = [entry(f"line {i}", box(50, 40 * i)) for i in range(1, 8)]


def test_a_clean_page_has_no_remarks() -> None:
    assert codes(LINES) == []
    assert codes([]) == []


def test_unread_lines_and_columns_are_reported_with_positions() -> None:
    column = entry("二", box(500, 20, 24, 300), sure=0.2)
    assert codes([*LINES, column]) == ["TEXT_UNREAD"]
    assert message([*LINES, column]).startswith("1 place that looks like text")
    assert "(500, 20)" in message([*LINES, column])
    two = message([*LINES, column, entry("", box(300, 350))])
    assert two.startswith("2 places that look")
    assert "(500, 20), (300, 350)" in two


def test_positions_refer_to_the_input_picture() -> None:
    lost = entry("", box(10, 20))
    # 600 × 400 was turned clockwise by 90 degrees: the original was 400 wide and 600 high.
    turned = np.full((400, 600, 3), 255, np.uint8)
    assert "(20, 590)" in message([lost, *LINES], turned, 90)
    assert "(590, 380)" in message([lost, *LINES], turned, 180)


def test_a_few_unread_icons_are_not_reported_but_many_are() -> None:
    icons = [entry("口", box(20 + 40 * i, 350, 30, 30), sure=0.3) for i in range(4)]
    assert codes([*LINES, *icons[:2]]) == []
    assert codes([*LINES, *icons]) == ["TEXT_UNREAD"]


def test_lines_the_caller_left_out_are_not_unread() -> None:
    found = [entry("total 12", sure=0.7)]
    assert reading_remarks(found, [], EMPTY) == ()


@pytest.mark.parametrize(
    ("text", "sure", "told"),
    [("12.50", 0.5, True), ("12.50", 0.99, False), ("No. 7", 0.55, True), ("甲方", 0.55, False)],
)
def test_numbers_that_are_not_sure_are_named(text: str, sure: float, told: bool) -> None:
    found = [*LINES, entry(text, sure=sure)]
    assert codes(found) == (["NUMBER_UNSURE"] if told else [])
    if told:
        assert text in message(found)


def test_only_the_first_unsure_numbers_are_listed() -> None:
    told = message([entry(f"{i}.50", sure=0.5) for i in range(8)])
    assert told.startswith("8 lines have numbers")
    assert "0.50, 1.50, 2.50, 3.50, 4.50 and 3 more" in told


def test_long_lines_are_named_by_their_beginning() -> None:
    assert len(message([entry("1" * 300, sure=0.5)])) < 160


@pytest.mark.parametrize("side", ["left", "right", "top", "bottom"])
def test_a_line_cut_by_the_border_is_reported(side: str) -> None:
    whole = drawing.line("Total 1250", size=40, pad=12)
    rows, columns = np.nonzero(whole[:, :, 0] < 100)
    cut = {
        "left": whole[:, columns.min() + 8 :],
        "right": whole[:, : columns.max() - 8],
        "top": whole[rows.min() + 8 :],
        "bottom": whole[: rows.max() - 8],
    }[side]
    height, width = cut.shape[:2]
    assert codes([entry("Total 1250", box(0, 0, width, height))], cut) == ["TEXT_CUT"]


def test_a_crop_whose_text_ends_before_the_border_is_not_cut() -> None:
    whole = drawing.line("Total 1250", size=40, pad=12)
    height, width = whole.shape[:2]
    assert codes([entry("Total 1250", box(0, 0, width, height))], whole) == []


def test_turned_lines_among_others_are_reported() -> None:
    turned = [entry("axis", box(10 + 40 * i, 100, 30, 90), turn=90) for i in range(2)]
    assert codes([*LINES, *turned]) == ["MIXED_ORIENTATION"]
    assert codes([*LINES, turned[0]]) == []
    assert codes(turned) == []
