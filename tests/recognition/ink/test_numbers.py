from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.recognition.ink.components import Part, ink_parts
from crnn_ocr.recognition.ink.numbers import MISFIT, compare, has_numbers, unverified
from crnn_ocr.recognition.lines.windows import read_crops
from crnn_ocr.recognition.network.recognizer import CtcRecognizer, ReadChar, Reading
from tests import drawing

SURE = 0.99


def reading(text: str) -> Reading:
    """Return a confident reading with equally wide characters."""
    count = max(len(text), 1)
    chars = tuple(ReadChar(char, SURE, i / count, (i + 1) / count) for i, char in enumerate(text))
    return Reading(text, SURE, chars)


def held(text: str, printed: str, size: int = 28) -> Reading:
    """Compare a reading with the ink of a printed text."""
    picture = drawing.line(printed, size=size)
    return compare(reading(text), ink_parts(picture), picture.shape[1])


RIGHT = [
    "102-2", "3.14159", "20.0000", "2.5", "1,111.11", "12,000,000", "1.2E-38", "11:11:11", "2024-11-11",
    "68.4%", "-1.0%", "400-800-8820", "0.55", "77,777.77", "+7.25", "(1,234.50)", "50", "12/31",
]  # fmt: skip


@pytest.mark.parametrize("text", RIGHT)
@pytest.mark.parametrize("size", [18, 24, 40])
def test_a_number_that_fits_its_ink_stays_as_it_is(text: str, size: int) -> None:
    assert held(text, text, size) == reading(text)


WRONG = [
    ("1022", "102-2"), ("314159", "3.14159"), ("20.000", "20.0000"), ("25", "2.5"), ("1,11", "1,111.11"),
    ("12E-38", "1.2E-38"), ("1111", "11:11:11"), ("202411-11", "2024-11-11"), ("2:5", "2.5"),
    ("10.2", "10-2"), ("12-5", "12.5"), ("-10%", "-1.0%"), ("48,7120", "48,711.20"), ("10", "100"),
]  # fmt: skip


@pytest.mark.parametrize(("read", "printed"), WRONG)
@pytest.mark.parametrize("size", [18, 24, 40])
def test_a_number_that_leaves_ink_over_is_in_doubt(read: str, printed: str, size: int) -> None:
    found = held(read, printed, size)
    assert found.text == read
    assert found.confidence == MISFIT
    assert {char.confidence for char in found.chars} == {MISFIT}
    assert {char.share for char in found.chars} == {SURE}


@pytest.mark.parametrize(
    ("read", "printed", "expected"),
    [
        ("5,8 89.70", "5,889.70", "5,889.70"),
        ("12, 000,000", "12,000,000", "12,000,000"),
        ("10 2-10", "102-10", "102-10"),
        ("1.05,2.5", "1.05, 2.5", "1.05, 2.5"),
        ("252935", "25  29  35", "25 29 35"),
        ("25 2935", "25  29  35", "25 29 35"),
        ("075588996677", "0755  8899  6677", "0755 8899 6677"),
    ],
)
def test_blanks_are_where_the_ink_has_them(read: str, printed: str, expected: str) -> None:
    found = held(read, printed)
    assert found.text == expected
    assert "".join(char.text for char in found.chars) == expected
    assert found.confidence == SURE


def test_thousands_of_fixed_pitch_stay_together() -> None:
    """Check fixed-pitch type, in which a comma has nearly as much white behind it as a blank."""
    parts, at = [], 0
    for char in "926,507":
        low = char == ","
        parts.append(Part(at if low else at + 1, 17 if low else 5, at + (4 if low else 9), 23 if low else 20))
        at += 12
    assert compare(reading("926,507"), parts, at) == reading("926,507")


def test_digits_that_run_into_one_another_tell_nothing() -> None:
    parts = [Part(5, 5, 26, 20), Part(28, 17, 31, 20), Part(33, 5, 43, 20)]
    assert compare(reading("77.7"), parts, 50) == reading("77.7")


def test_a_sign_that_touches_a_digit_is_missed() -> None:
    digits = [Part(x, 5, x + 9, 18) for x in (6, 17)]
    joined = Part(28, 5, 41, 18)
    others = [Part(x, 5, x + 9, 18) for x in (44, 55, 65)]
    assert compare(reading("595278"), [*digits, joined, *others], 80).confidence == MISFIT


def test_a_comma_under_a_seven_is_no_half_of_it() -> None:
    seven, comma, one = Part(10, 8, 29, 37), Part(28, 33, 33, 44), Part(36, 8, 54, 37)
    parts = (seven, comma, one, Part(60, 8, 78, 37))
    assert compare(reading("714"), parts, 88).confidence == MISFIT
    assert compare(reading("7,14"), parts, 88) == reading("7,14")
    broken = Part(28, 20, 33, 37)  # the right half of a digit stands on the line
    assert compare(reading("714"), (seven, broken, one, parts[3]), 88) == reading("714")


@pytest.mark.parametrize("text", ["45.0", "572-3", "12:52:49", "698,015"])
def test_small_print_does_not_tell_whether_all_was_read(text: str) -> None:
    small, large = drawing.line(text, size=13), drawing.line(text, size=28)
    for read in (text, text.translate(str.maketrans("", "", ".-:,"))):
        assert unverified(reading(read), ink_parts(small), small.shape[1]) == ((0.0, 1.0),)
    assert unverified(reading(text), ink_parts(large), large.shape[1]) == ()


@pytest.mark.parametrize("text", ["4x6", "2E5", "a 123"])
def test_a_number_is_as_long_as_its_letters_make_it(text: str) -> None:
    assert has_numbers(reading(text), 3)
    assert not has_numbers(reading(text), 4)


@pytest.mark.parametrize("text", ["Total", "5", "25", ""])
def test_of_short_numbers_the_ink_is_not_asked(text: str) -> None:
    small = drawing.line(text or "-", size=13)
    assert unverified(reading(text), ink_parts(small), small.shape[1]) == ()


def test_without_ink_numbers_are_unchanged() -> None:
    assert compare(reading("102-2"), (), 100) == reading("102-2")


@pytest.mark.parametrize("text", ["合计", "Total due", "", "一二三", "5"])
def test_other_text_is_left_alone(text: str) -> None:
    assert compare(reading(text), [Part(1, 1, 5, 9)], 100) == reading(text)
    assert has_numbers(reading(text)) == (text == "5")


@pytest.mark.parametrize("text", ["合计金额 12,860.50 元", "编号：3.14159", "第 102-2 号"])
def test_numbers_among_words_that_fit_stay(recognizer: CtcRecognizer, text: str) -> None:
    (found,) = read_crops(recognizer, [drawing.line(text)])
    assert found.confidence > MISFIT


@pytest.mark.parametrize("text", ["0755  8899  6677", "6222  1051  2345", "138001380001", "1,111.11"])
def test_groups_of_digits_are_kept_apart(recognizer: CtcRecognizer, text: str) -> None:
    (found,) = read_crops(recognizer, [drawing.line(text)])
    assert found.text == " ".join(text.split())


@given(
    st.text("0123456789.,-: %合a", max_size=20),
    st.lists(
        st.tuples(st.integers(0, 400), st.integers(0, 40), st.integers(1, 30), st.integers(1, 30)),
        max_size=25,
    ),
)
def test_characters_other_than_blanks_never_change(text: str, boxes: list[tuple[int, int, int, int]]) -> None:
    parts = sorted((Part(x, y, x + w, y + h) for x, y, w, h in boxes), key=lambda part: part.left)
    before = reading(text)
    after = compare(before, parts, 430)
    assert after.text.replace(" ", "") == before.text.replace(" ", "")
    assert "".join(char.text for char in after.chars) == after.text
    assert after.confidence <= before.confidence
