from __future__ import annotations

import pytest

from crnn_ocr.recognition.ink.components import Part
from crnn_ocr.recognition.ink.old_style import has_old_style_figures

#: Rows of a line: top of tall figures, of low ones, the baseline, and the foot of those that hang.
TALL, LOW, BASE, FOOT = 10, 20, 40, 50


def figures(text: str, *, old_style: bool) -> list[Part]:
    """Return the ink of figures of equal widths, ones aside; `.` and `-` are as in every typeface."""
    parts, x = [], 10
    for char in text:
        width = {"1": 8, ".": 4, "-": 10}.get(char, 20)
        if char == ".":
            top, bottom = BASE - 4, BASE
        elif char == "-":
            top, bottom = 28, 31
        elif old_style:
            top = TALL if char in "68" else LOW
            bottom = FOOT if char in "34579" else BASE
        else:
            top, bottom = TALL, BASE
        parts.append(Part(x, top, x + width, bottom))
        x += width + 4
    return parts


@pytest.mark.parametrize("text", ["2017-12-26", "9.35921", "85263", "7.10"])
def test_old_style_figures_hang_below_the_others(text: str) -> None:
    assert has_old_style_figures(list(text), figures(text, old_style=True), ())
    assert not has_old_style_figures(list(text), figures(text, old_style=False), ())


def test_one_misplaced_character_does_not_decide() -> None:
    parts = figures("2017359", old_style=False)
    parts[3] = Part(parts[3].left, LOW, parts[3].right, FOOT)
    assert not has_old_style_figures(list("2017359"), parts, ())


def test_without_a_baseline_superscripts_are_the_narrow_ones() -> None:
    old = figures("700-3", old_style=True)
    assert has_old_style_figures(list("700-3"), old, {old[1], old[2]})
    three, two = Part(10, TALL, 30, BASE), Part(33, TALL, 45, 28)
    assert not has_old_style_figures(["3", "2"], [three, two], {two})
    minus = Part(33, 24, 53, 27)  # as wide as a figure, as it always is
    assert not has_old_style_figures(["5", "-", "3"], [three, minus, two], {minus, two})


def test_without_hanging_figures_nothing_is_old_style() -> None:
    parts = figures("201", old_style=True)
    assert not has_old_style_figures([*"20", None], parts, ())
    assert not has_old_style_figures([], [], ())
