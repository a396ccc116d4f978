from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from crnn_ocr.recognition.ink import superscripts
from crnn_ocr.recognition.ink.components import Part, ink_parts
from crnn_ocr.recognition.ink.old_style import has_old_style_figures
from crnn_ocr.recognition.ink.superscripts import Extraction, Group, extract, find_groups, isolate, reinsert
from crnn_ocr.recognition.network.recognizer import ReadChar, Reading
from tests.drawing import Picture

#: Of the size of type, how far raised figures stand above the line, and lowered ones below.
RISE, DROP, SMALL = 0.4, 0.17, 0.62


def draw(pieces: list[tuple[str, str]], size: int = 40) -> tuple[Picture, Reading]:
    """Draw a line of (text, "", "up" or "down"); return it with a recogniser's plain reading."""
    large, small = ImageFont.load_default(size), ImageFont.load_default(round(size * SMALL))
    image = Image.new("L", (40 + size * sum(len(text) for text, _ in pieces), 2 * size), 255)
    pen, x, y = ImageDraw.Draw(image), 10.0, 1.45 * size
    places: list[tuple[str, float, float]] = []
    for text, place in pieces:
        font = small if place else large
        for char in text:
            pen.text((x, y + size * {"": 0, "up": -RISE, "down": DROP}[place]), char, 0, font, anchor="ls")
            places.append((char, x, x + font.getlength(char)))
            x += font.getlength(char)
    picture = np.repeat(np.asarray(image.crop((0, 0, int(x) + 10, 2 * size)))[:, :, None], 3, axis=2)
    width = picture.shape[1]
    chars = tuple(ReadChar(char, 0.99, left / width, right / width) for char, left, right in places)
    return picture, Reading("".join(char.text for char in chars), 0.99, chars)


def groups_of(picture: Picture, reading: Reading) -> list[tuple[int, bool, str | None]]:
    found = find_groups(reading, ink_parts(picture), picture)
    return [(len(group.parts), group.lowered, group.sign) for group in found]


@pytest.mark.parametrize("size", [24, 32, 40])
def test_superscripts_and_subscripts_are_found(size: int) -> None:
    assert groups_of(*draw([("10", ""), ("4", "up")], size)) == [(1, False, None)]
    assert groups_of(*draw([("10", ""), ("23", "up")], size)) == [(2, False, None)]
    assert groups_of(*draw([("CO", ""), ("2", "down")], size)) == [(1, True, None)]
    assert groups_of(*draw([("H", ""), ("2", "down"), ("O", "")], size)) == [(1, True, None)]


def test_a_minus_before_a_superscript_is_found() -> None:
    assert groups_of(*draw([("10", ""), ("-3", "up")], 40)) == [(1, False, "-"), (1, False, None)]
    assert groups_of(*draw([("5", ""), ("-3", "up")], 40)) == [(1, False, "-"), (1, False, None)]


def test_signs_of_ions_are_found() -> None:
    assert groups_of(*draw([("Fe", ""), ("3+", "up")])) == [(1, False, None), (1, False, "+")]
    assert groups_of(*draw([("Na", ""), ("+", "up")])) == [(1, False, "+")]


@pytest.mark.parametrize(
    "text", ["104", "x1", "No. 5", "a,b;c", "it's", '6"', "f(x)=2*x", "3-4", "10:30", "gypsum", "€19.99"]
)
def test_nothing_is_raised_in_an_ordinary_line(text: str) -> None:
    assert groups_of(*draw([(text, "")])) == []


def test_a_stray_mark_above_a_word_is_no_sign() -> None:
    assert groups_of(*draw([("Gen", ""), ("-", "up"), ("der", "")])) == []


def test_a_raised_digit_within_a_number_is_ignored() -> None:
    assert groups_of(*draw([("20", ""), ("1", "up"), ("8", "")])) == []


def old_style(text: str) -> tuple[Picture, Reading]:
    """Draw figures as bars: low ones, hanging ones (3 4 5 7 9) and tall ones (6 8), and blanks as such."""
    picture = np.full((60, 30 * len(text) + 20, 3), 255, np.uint8)
    width = picture.shape[1]
    chars = []
    for n, char in enumerate(text):
        if char == " ":
            continue
        left = 10 + 30 * n
        top, bottom = (10 if char in "68" else 18), (50 if char in "34579" else 40)
        picture[top:bottom, left : left + 20] = 0
        chars.append(ReadChar(char, 0.99, left / width, (left + 20) / width))
    return picture, Reading("".join(char.text for char in chars), 0.99, tuple(chars))


@pytest.mark.parametrize("text", ["2017", "20711", "9202", "57210", "700"])
def test_low_figures_beside_hanging_ones_are_not_raised(text: str) -> None:
    assert groups_of(*old_style(text)) == []


def test_raised_figures_beside_standing_ones_are_found_among_old_style() -> None:
    picture, reading = old_style("7 10 ")
    picture[9:26, 124:134] = 0  # behind the zero, which ends at 120, and above its middle
    width = picture.shape[1]
    raised = ReadChar("4", 0.99, 124 / width, 134 / width)
    read = Reading(f"{reading.text}4", 0.99, (*reading.chars, raised))
    parts = ink_parts(picture)
    assert has_old_style_figures(list("7104"), parts, {parts[3]})
    assert groups_of(picture, read) == [(1, False, None)]


def test_an_isolated_group_has_paper_around_it() -> None:
    picture, reading = draw([("10", ""), ("4", "up")])
    (group,) = find_groups(reading, ink_parts(picture), picture)
    single = isolate(picture, group)
    (part,) = ink_parts(single)
    assert part.height == group.bottom - group.top
    assert (single[0] == 255).all()
    assert (single[:, 0] == 255).all()


def test_extraction_and_reinsertion_restore_a_line() -> None:
    picture, reading = draw([("3×10", ""), ("4", "up"), (" J", "")])
    parts = ink_parts(picture)
    found = find_groups(reading, parts, picture)
    taken = extract(picture, parts, [(group, "4") for group in found])
    assert taken is not None
    assert len(ink_parts(taken.picture)) == len(parts) - 1
    bare = [char for char in reading.chars if char.text != "4"]
    whole = reinsert(Reading("3×10 J", 0.99, tuple(bare)), taken)
    assert (whole.text, whole.confidence) == ("3×10⁴ J", superscripts.SURE)


@pytest.mark.parametrize("text", ["0", "°", "o", "*", "12", "", "t"])
def test_other_characters_are_not_extracted(text: str) -> None:
    picture, reading = draw([("10", ""), ("4", "up")])
    parts = ink_parts(picture)
    (group,) = find_groups(reading, parts, picture)
    assert extract(picture, parts, [(group, text)]) is None
    assert extract(picture, parts, [(group, None)]) is None


def test_a_figure_behind_a_wide_digit_is_not_sure() -> None:
    picture, reading = draw([("10", ""), ("4", "up")])
    parts = list(ink_parts(picture))
    base = parts[1]
    parts[1] = Part(base.left, base.top, base.left + 2 * base.width, base.bottom)
    shift = base.width + 3
    parts[2] = Part(
        *(
            side + shift * (n % 2 == 0)
            for n, side in enumerate((parts[2].left, parts[2].top, parts[2].right, parts[2].bottom))
        )
    )
    (group,) = find_groups(reading, parts, picture)
    assert not group.clear


@given(st.lists(st.integers(0, 9), min_size=1, max_size=4), st.booleans(), st.floats(0, 1))
def test_reinsertion_only_adds_characters(figures: list[int], lowered: bool, confidence: float) -> None:
    base = Part(0, 10, 10, 30)
    parts = tuple(Part(12 + 8 * n, 4, 18 + 8 * n, 16) for n in range(len(figures)))
    taken = Extraction(
        np.zeros((40, 80), np.uint8),
        (base, *parts),
        ((Group(parts, lowered), "".join(map(str, figures))),),
    )
    whole = reinsert(Reading("A", confidence, (ReadChar("A", 1.0, 0.0, 0.15),)), taken)
    assert whole.text[0] == "A"
    assert len(whole.text) == 1 + len(figures)
    assert whole.confidence <= min(confidence, superscripts.SURE)
    assert [char.start for char in whole.chars] == sorted(char.start for char in whole.chars)
