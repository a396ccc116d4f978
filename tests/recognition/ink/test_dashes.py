from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.recognition.ink.dashes import SURE, has_dashes, mend
from crnn_ocr.recognition.network.recognizer import ReadChar, Reading
from tests import drawing
from tests.drawing import Picture

SIZE = 40


def read(text: str, places: list[float], width: int, confidence: float = 0.98) -> Reading:
    """Return a reading with characters at those columns."""
    chars = tuple(
        ReadChar(char, confidence, (place - 8) / width, (place + 8) / width)
        for char, place in zip(text, places, strict=True)
    )
    return Reading(text, confidence, chars)


def line_with_bar(left: int, length: int, *, thickness: int = 2, below: int = 3) -> Picture:
    """Draw `国 国` at 40 pixels with 60 pixels of white between them and a bar below the line's middle."""
    picture = drawing.page([(8, 4, "国"), (160, 4, "国")], size=SIZE).copy()
    rows = np.flatnonzero((picture[:, :, 0] < 128).any(axis=1))
    middle = int((rows[0] + rows[-1] + 1) / 2) + below
    picture[middle : middle + thickness, left : left + length] = 0
    return picture


@pytest.mark.parametrize("said", ["一", "-", "–"])
def test_a_thin_bar_between_han_characters_is_a_dash(said: str) -> None:
    picture = line_with_bar(86, 34)
    mended = mend(read(f"国{said}国", [28, 103, 180], picture.shape[1]), picture)
    assert (mended.text, mended.confidence) == ("国—国", SURE)
    assert [char.text for char in mended.chars] == list("国—国")


def test_a_bar_as_thick_as_the_strokes_stays_han() -> None:
    picture = line_with_bar(86, 36, thickness=5, below=-3)
    reading = read("国一国", [28, 103, 180], picture.shape[1])
    assert mend(reading, picture) is reading


def test_han_one_of_a_real_face_stays() -> None:
    for text in ("统一思想", "唯一的", "看一看", "想一想"):
        picture = drawing.line(text, size=SIZE)
        places = [8 + SIZE * (n + 0.5) for n in range(len(text))]
        reading = read(text, places, picture.shape[1])
        assert mend(reading, picture).text == text


@pytest.mark.parametrize(("said", "places"), [("", []), ("—", [100.0]), ("一一", [88.0, 118.0])])
def test_a_bar_of_two_characters_is_two_dashes(said: str, places: list[float]) -> None:
    picture = line_with_bar(62, 80)
    reading = read(f"国{said}一国", [28, *places, 172, 180], picture.shape[1])
    assert mend(reading, picture).text == "国——一国"


def test_a_bar_at_the_end_of_a_line_is_not_taken_for_one_dash() -> None:
    picture = drawing.page([(8, 4, "国")], size=SIZE, shape=(110, 50)).copy()
    picture[30:32, 60:94] = 0
    reading = read("国一", [28, 77], picture.shape[1])
    assert mend(reading, picture) is reading


def test_small_print_tells_nothing() -> None:
    picture = line_with_bar(86, 34)[::3, ::3].copy()
    reading = read("国一国", [9, 34, 60], picture.shape[1])
    assert mend(reading, picture) is reading


def test_six_dots_are_two_signs() -> None:
    picture = drawing.page([(8, 4, "国"), (160, 4, "国")], size=SIZE).copy()
    for n in range(6):
        picture[24:28, 62 + 15 * n : 66 + 15 * n] = 0
    reading = read("国…国", [28, 101, 180], picture.shape[1])
    assert mend(reading, picture).text == "国……国"
    picture[:, 100:] = 255
    assert mend(reading, picture).text == "国…国"


def test_lines_without_han_or_without_a_dash_are_not_looked_at() -> None:
    assert not has_dashes(read("国中", [1, 2], 9))
    assert not has_dashes(read("a-b", [1, 2, 3], 9))
    assert has_dashes(read("国-", [1, 2], 9))


@given(st.text("国一—-…a1", min_size=1, max_size=8), st.integers(0, 2**32 - 1))
def test_any_line_keeps_its_order(text: str, seed: int) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, (12, 50), dtype=np.uint8)
    places = [50 * (n + 0.5) / len(text) for n in range(len(text))]
    mended = mend(read(text, places, 50), noise)
    assert "".join(char.text for char in mended.chars) == mended.text
