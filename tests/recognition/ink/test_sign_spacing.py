from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.recognition.ink.components import Part, ink_parts
from crnn_ocr.recognition.ink.sign_spacing import is_measurable, measure_spacing
from crnn_ocr.recognition.lines.windows import read_crops, settle_widths
from crnn_ocr.recognition.network.recognizer import CtcRecognizer, ReadChar, Reading
from tests import drawing

_SIZE, _PAD = 32, 8


def _reading(text: str, places: list[tuple[float, float]]) -> Reading:
    chars = tuple(ReadChar(c, 0.9, start, end) for c, (start, end) in zip(text, places, strict=True))
    return Reading(text, 0.9, chars)


def _measured(text: str, size: int = _SIZE) -> dict[int, float]:
    """Measure the spacing of a rendered line's signs, with a reading at the true positions."""
    picture = drawing.line(text, size=size, pad=_PAD)
    width = picture.shape[1]
    # Where the next character begins: what is left of one that is put there.
    lengths = [drawing.line(text[: i + 1] + "口", size=size, pad=_PAD).shape[1] for i in range(len(text))]
    ends = [(length - size - _PAD) / width for length in lengths]
    places = list(zip([_PAD / width, *ends[:-1]], ends, strict=True))
    narrow = text.translate(str.maketrans("，：；？！", ",:;?!"))
    return measure_spacing(_reading(narrow, places), ink_parts(picture), width)


@pytest.mark.parametrize("size", [16, 24, 32, 48])
@pytest.mark.parametrize("sign", [",", ":", ";"])
def test_a_full_width_sign_has_the_spacing_of_a_character(sign: str, size: int) -> None:
    full = chr(ord(sign) + 0xFEE0)
    assert _measured(f"国家{full}田园", size)[2] > 0.8
    assert _measured(f"国家{sign}田园", size)[2] < 0.6


@pytest.mark.parametrize("size", [16, 24, 32, 48])
def test_a_bracket_of_full_width_has_white_outside(size: int) -> None:
    full, half = _measured("国家（田园）国", size), _measured("国家(田园)国", size)
    assert min(full.values()) > 0.5 > 0.35 > max(half.values())
    assert set(full) == set(half) == {2, 5}


def test_nothing_is_measured_at_the_ends_of_a_line_or_in_latin() -> None:
    assert _measured("（国家）") == {}
    assert _measured("国家:") == {}
    picture = drawing.line("pay (now), or 12:30")
    even = [(i / 19, (i + 1) / 19) for i in range(19)]
    assert measure_spacing(_reading("pay (now), or 12:30", even), ink_parts(picture), picture.shape[1]) == {}


def test_without_ink_nothing_is_measured() -> None:
    reading = _reading("国,家", [(0, 0.3), (0.3, 0.6), (0.6, 1)])
    assert is_measurable(reading)
    assert measure_spacing(reading, (), 100) == {}


def test_a_bracket_in_pieces_is_one() -> None:
    """Check thin print, in which the curve of a bracket breaks into pieces side by side."""
    han = [Part(0, 0, 18, 18), Part(40, 0, 58, 18)]
    bracket = [Part(30, 5, 33, 10), Part(32, 0, 36, 17)]
    reading = _reading("国(家", [(0, 0.3), (0.4, 0.6), (0.7, 1)])
    assert measure_spacing(reading, [han[0], *bracket, han[1]], 60) == {1: pytest.approx(12 / 20)}


@given(st.text("国,:(（）)a1 ", min_size=1, max_size=8), st.data())
def test_only_signs_between_characters_have_spacing(text: str, data: st.DataObject) -> None:
    edges = sorted(data.draw(st.lists(st.integers(0, 200), min_size=8, max_size=8, unique=True)))
    parts = [Part(left, 0, right, 20, 2) for left, right in zip(edges[::2], edges[1::2], strict=True)]
    even = [(i / len(text), (i + 1) / len(text)) for i in range(len(text))]
    reading = _reading(text, even)
    found = measure_spacing(reading, parts, 200)
    assert all(text[at] in ",:(（）)" and text.strip() != text[at] for at in found)
    assert is_measurable(reading) or not found


@pytest.mark.parametrize(
    "text",
    ["取决于出口，", "按含量排列：", "先断电；", "（见下图）", "电话：123", "国家:田园", "达96%以上，共2篇"],
)
def test_a_drawn_line_is_read_in_its_widths(recognizer: CtcRecognizer, text: str) -> None:
    (reading,) = read_crops(recognizer, [drawing.line(text)])
    assert reading.text.replace(" ", "") == text


def test_columns_are_not_measured() -> None:
    reading = _reading("到,茶", [(0, 0.3), (0.3, 0.6), (0.6, 1)])
    assert [found.text for found in settle_widths([reading], [None])] == ["到，茶"]
