from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.recognition.columns.column_cells import Cells
from crnn_ocr.recognition.columns.column_text import LOST_CONFIDENCE, has_unread_cells, tidy_column
from crnn_ocr.recognition.network.recognizer import ReadChar, Reading


def reading(cells: list[str]) -> Reading:
    """Return a reading with one character per cell, and none in empty cells."""
    chars = [ReadChar(c, 0.9, i / len(cells), (i + 1) / len(cells)) for i, c in enumerate(cells) if c]
    return Reading("".join(cells), 0.9, tuple(chars))


def cells(inked: str) -> Cells:
    """Return cells, of which those marked `x` have ink."""
    return Cells(tuple(i / len(inked) for i in range(len(inked) + 1)), tuple(c == "x" for c in inked))


@pytest.mark.parametrize(
    ("read", "inked", "text"),
    [
        ("清,晨", "xxx", "清，晨"),
        ("清;晨:(天)!", "xxxxxxxx", "清；晨：（天）！"),
        ("1,000", "xxxxx", "1,000"),
        ("天 地", "x-x", "天 地"),
        ("天 地", "xxx", "天地"),
    ],
)
def test_a_column_is_tidied(read: str, inked: str, text: str) -> None:
    assert tidy_column(reading(list(read)), cells(inked)).text == text


def test_an_unread_cell_lowers_the_confidence() -> None:
    tidied = tidy_column(reading(["天", " ", "地"]), cells("xxx"))

    assert tidied.confidence == LOST_CONFIDENCE
    assert has_unread_cells(tidied, cells("xxx"))
    # Its neighbours meet where it is, so that the second look finds a hole there.
    assert [(char.start, char.end) for char in tidied.chars] == [
        pytest.approx((0, 0.5)),
        pytest.approx((0.5, 1)),
    ]
    assert tidy_column(reading(["天", " ", "地"]), cells("x-x")).confidence == 0.9


@given(st.lists(st.sampled_from(["天", "地", ",", " ", "7", "a", ""]), min_size=1, max_size=12), st.data())
def test_text_and_characters_stay_in_step(read: list[str], data: st.DataObject) -> None:
    inked = data.draw(st.text("x-", min_size=len(read), max_size=len(read)))

    tidied = tidy_column(reading(read), cells(inked))

    assert tidied.text == "".join(char.text for char in tidied.chars)
    assert all(a.end <= b.start + 1e-9 for a, b in zip(tidied.chars, tidied.chars[1:], strict=False))
    assert tidy_column(tidied, cells(inked)).text == tidied.text
