from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.recognition.ink.components import ink_columns, ink_parts
from crnn_ocr.recognition.ink.words import has_words, space_words
from crnn_ocr.recognition.network.recognizer import ReadChar, Reading
from tests import drawing

TEXT = "The licence of a work, if any, says: use it (or not)."


def placed(printed: str, read: str, size: int = 28) -> Reading:
    """Return a reading with characters where they are printed; blanks may be missing or too many."""
    font = drawing._font(size, False)
    width = drawing.line(printed, size=size).shape[1]
    chars: list[ReadChar] = []
    at = 0
    for char in read:
        if char == " " and printed[at] != " ":
            here = chars[-1].end
            chars.append(ReadChar(" ", 0.9, here, here))
            continue
        while char != printed[at]:
            at += 1
        start = 8 + font.getlength(printed[:at])
        end = 8 + font.getlength(printed[: at + 1])
        chars.append(ReadChar(char, 0.9, start / width, end / width))
        at += 1
    return Reading(read, 0.9, tuple(chars))


def spaced(read: str, picture: np.ndarray, printed: str = TEXT, size: int = 28) -> str:
    parts = ink_parts(picture)
    height = max(part.height for part in parts)
    found = space_words(placed(printed, read, size), ink_columns(picture, parts), height)
    assert "".join(char.text for char in found.chars) == found.text
    return found.text


@pytest.mark.parametrize("size", [16, 20, 28, 40])
@pytest.mark.parametrize(
    "read",
    [TEXT, TEXT.replace("of a", "ofa"), TEXT.replace("a work", "awork"), TEXT.replace(": ", ":")],
)
def test_lost_blanks_are_put_where_the_ink_has_them(read: str, size: int) -> None:
    assert spaced(read, drawing.line(TEXT, size=size), size=size) == TEXT


def test_slanted_type_has_its_blanks_too() -> None:
    picture = drawing.line(TEXT, size=32)
    height, width = picture.shape[:2]
    slant = np.array([[1, -0.25, 0.125 * height], [0, 1, 0]])
    leaning = cv2.warpAffine(picture, slant, (width, height), borderValue=(255, 255, 255))
    assert spaced(TEXT.replace("of a work", "ofawork"), np.asarray(leaning, np.uint8), size=32) == TEXT


@pytest.mark.parametrize("text", ["Internationalisation", "user@mail.illinois.edu", "config.yml.lint.cfg"])
def test_a_line_of_which_no_blank_was_read_gets_none(text: str) -> None:
    apart = "   ".join(text)  # as fixed pitch sets thin letters and points
    assert spaced(text, drawing.line(text), text) == text
    assert spaced(text, drawing.line(apart), apart) == text


@pytest.mark.parametrize("text", ["I N T R O D U C T I O N", "T h e  l i c e n c e"])
def test_letters_set_apart_are_left_alone(text: str) -> None:
    read = text.replace(" ", "")
    assert spaced(read, drawing.line(text), text) == read


def test_only_latin_lines_are_looked_at() -> None:
    def of(text: str) -> Reading:
        return Reading(text, 0.9, tuple(ReadChar(char, 0.9, 0.0, 1.0) for char in text))

    assert has_words(of(TEXT))
    assert has_words(of("für die Straße"))
    assert not has_words(of("合计金额 Total"))
    assert not has_words(of("12,345.67"))
    assert not has_words(of(""))


@given(
    st.text("abcT,. '(1合", max_size=30),
    st.lists(st.booleans(), min_size=1, max_size=400),
    st.floats(1, 60),
)
def test_visible_characters_never_change(text: str, columns: list[bool], height: float) -> None:
    count = max(len(text), 1)
    chars = tuple(ReadChar(char, 0.9, i / count, (i + 1) / count) for i, char in enumerate(text))
    found = space_words(Reading(text, 0.9, chars), np.array(columns), height)
    assert found.text.replace(" ", "") == text.replace(" ", "")
    assert "".join(char.text for char in found.chars) == found.text
    assert found.confidence == 0.9


@pytest.mark.parametrize("blanks", [" ", "  ", " \u3000 "])
def test_blanks_at_the_ends_and_in_a_row_are_no_trouble(blanks: str) -> None:
    text = f"{blanks}The{blanks}licence{blanks}of a work{blanks}"
    chars = tuple(ReadChar(char, 0.9, i / 40, (i + 1) / 40) for i, char in enumerate(text))
    columns = np.tile([True, True, False, True, True, False, False, False], 50)
    found = space_words(Reading(text, 0.9, chars), columns, 20.0)
    assert "".join(found.text.split()) == "Thelicenceofawork"
