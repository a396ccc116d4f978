"""Rules: drawn, grey, dotted and as edges of bands; strokes of letters are none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.tables.rules import Rule, find_rules, joined
from crnn_ocr.tables.words import text_box
from tests.tables.pages import Sheet


@pytest.mark.parametrize(("ink", "thick"), [(0, 1), (0, 3), (200, 1), (225, 2)])
def test_a_grid_is_found_whatever_its_ink(ink: int, thick: int) -> None:
    sheet = Sheet()
    sheet.grid([100, 300, 500], [100, 140, 180, 220], ink, thick)
    rules = find_rules(sheet.image, 14)
    assert [round(rule.at) for rule in rules.horizontal] == pytest.approx([100, 140, 180, 220], abs=2)
    assert [round(rule.at) for rule in rules.vertical] == pytest.approx([100, 300, 500], abs=2)
    assert all(rule.length == pytest.approx(400, abs=12) for rule in rules.horizontal)


def test_grey_pictures_have_the_same_rules() -> None:
    sheet = Sheet()
    sheet.grid([100, 300, 500], [100, 140, 180])
    assert find_rules(sheet.image, 14) == find_rules(np.ascontiguousarray(sheet.image[..., 0]), 14)


def test_the_edges_of_a_coloured_band_are_rules() -> None:
    sheet = Sheet()
    sheet.band(100, 200, 600, 240, (200, 240, 255))  # pale yellow, brighter than many greys
    rules = find_rules(sheet.image, 14)
    assert [round(rule.at) for rule in rules.horizontal] == pytest.approx([200, 241], abs=2)


def test_a_dotted_line_is_a_rule() -> None:
    sheet = Sheet()
    for x in range(100, 700, 5):
        sheet.rule(x, 300, x + 1, 300)
    rules = find_rules(sheet.image, 14)
    assert len(rules.horizontal) == 1
    assert rules.horizontal[0].length > 500


def test_a_broken_line_is_one_rule() -> None:
    sheet = Sheet()
    sheet.rule(100, 300, 300, 300)
    sheet.rule(306, 300, 500, 300)
    assert [round(rule.length, -1) for rule in find_rules(sheet.image, 14).horizontal] == [400]


def test_text_has_no_rules() -> None:
    sheet = Sheet()
    for row in range(20):
        sheet.text("lines of text, one below the other, dense", 60, 40 + 22 * row)
    rules = find_rules(sheet.image, 14, [text_box(line) for line in sheet.lines])
    assert not rules.horizontal
    assert not rules.vertical


def test_the_line_below_a_word_is_no_rule_and_one_across_the_page_is() -> None:
    sheet = Sheet()
    sheet.text("underlined text", 100, 100)
    sheet.rule(100, 114, 250, 114)
    sheet.rule(50, 140, 850, 140)
    rules = find_rules(sheet.image, 14, [text_box(line) for line in sheet.lines])
    assert [round(rule.at) for rule in rules.horizontal] == pytest.approx([140], abs=2)


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 500, 3), (500, 3, 3), (2, 2)])
def test_tiny_pictures_have_none(shape: tuple[int, ...]) -> None:
    rules = find_rules(np.zeros(shape, np.uint8), 14)
    assert not rules.horizontal
    assert not rules.vertical


RULES = st.lists(
    st.builds(
        lambda at, start, length: Rule(at, start, start + length), *[st.floats(0, 99)] * 2, st.floats(1, 99)
    ),
    max_size=12,
)


@given(RULES, st.randoms(use_true_random=False))
def test_joining_depends_on_no_order_and_covers_everything(rules: list[Rule], random: object) -> None:
    shuffled = list(rules)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    found = joined(rules, apart=2, gap=3)
    assert found == joined(shuffled, apart=2, gap=3)
    for rule in rules:
        assert any(
            other.start <= rule.start and rule.end <= other.end and abs(other.at - rule.at) <= 2
            for other in found
        )
