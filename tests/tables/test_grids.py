"""Gutters, rows of several lines, and the violations by which grids are judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.document import Line, Table
from crnn_ocr.tables.cells import fill
from crnn_ocr.tables.grid import Grid
from crnn_ocr.tables.grids.assemble import assemble
from crnn_ocr.tables.grids.gutters import find_gutters
from crnn_ocr.tables.grids.partly import partly_ruled_grid
from crnn_ocr.tables.grids.row_joining import joined_rows
from crnn_ocr.tables.grids.ruled import ruled_grid
from crnn_ocr.tables.grids.scoring import violations
from crnn_ocr.tables.grids.text_rows import text_rows
from crnn_ocr.tables.heads import header_rows
from crnn_ocr.tables.rules import Rule, Rules
from crnn_ocr.tables.words import Word, words_of
from tests.tables.pages import line_at
from tests.tables.test_assemble import assert_tiles

NO_RULES = Rules((), ())
XS = (0, 200, 300)


def words_at(*places: tuple[str, float, float]) -> list[Word]:
    return words_of([line_at(text, x, y) for text, x, y in places])


def table_words(rows: Sequence[tuple[str, ...]], pitch: float = 30) -> list[Word]:
    return words_at(
        *[
            (text, XS[col], pitch * row)
            for row, cells in enumerate(rows)
            for col, text in enumerate(cells)
            if text
        ]
    )


def middles_of(words: list[Word]) -> list[float]:
    return [gutter.middle for gutter in find_gutters(text_rows(words, 14), 14)]


def test_gutters_stand_where_no_row_has_text() -> None:
    words = table_words([("first column", "12", "a"), ("b", "1234567", "b"), ("c", "1", "long text")])
    assert middles_of(words) == pytest.approx([160, 285], abs=3)


@pytest.mark.parametrize(("rows", "columns"), [(10, 1), (51, 2)])
def test_a_slit_between_two_columns_of_figures_is_a_gutter_over_many_rows(rows: int, columns: int) -> None:
    words = words_at(
        *[
            place
            for row in range(rows)
            for place in ((f"{row % 9}84", 100, 30 * row), ("44.9", 135, 30 * row))
        ]
    )
    assert len(middles_of(words)) + 1 == columns


def test_a_border_stands_beside_the_longest_label() -> None:
    labels = [*("ab" * 5 for _ in range(9)), "a label twice as long"]
    words = words_at(
        *[(text, 0, 30 * row) for row, text in enumerate(labels)],
        *[("1.5", 230, 30 * row) for row in range(10)],
    )
    (middle,) = middles_of(words)
    assert 210 < middle < 230


def test_a_column_with_one_entry_is_kept() -> None:
    rows = [("one", "", "1"), ("two", "", "2"), ("three", "x", "3"), ("four", "", "4"), ("five", "", "5")]
    assert len(middles_of(table_words(rows))) == 2


def test_a_title_across_columns_hides_no_gutter() -> None:
    words = table_words([("one", "1", "1"), ("two", "2", "2"), ("three", "3", "3")])
    words += [replace(word, line=word.line + 50) for word in words_at(("A title of the whole table", 0, -40))]
    assert len(middles_of(words)) == 2


def test_prose_has_no_gutters() -> None:
    words = words_at(*[("some words of running text and more"[i:], 0, 30 * i) for i in range(6)])
    assert middles_of(words) == []


def test_a_number_beside_two_lines_joins_them() -> None:
    rows = text_rows(words_at(("first line", 0, 0), ("second", 0, 20), ("42", 200, 10), ("next", 0, 50)), 14)
    assert [len(row.words) for row in rows] == [4, 1]


def test_lines_that_go_on_belong_to_the_row_above() -> None:
    words = table_words(
        [
            ("Alpha and", "1", "2"),
            ("its sequel", "", ""),
            ("Beta", "3", "4"),
            ("Group", "", ""),
            ("Gamma", "5", "6"),
        ]
    )
    rows = text_rows(words, 14)
    joined = joined_rows(rows, [190, 290], [], 14)
    assert [len(group) for group in joined] == [2, 1, 1, 1]
    # A rule between the two lines divides them.
    assert [len(group) for group in joined_rows(rows, [190, 290], [27], 14)] == [1, 1, 1, 1, 1]


def grid_of(rows: int, pitch: float = 30) -> Grid:
    return assemble([pitch * row - 5 for row in range(rows + 1)], [-10, 190, 290, 400], [], "test")


def test_the_right_grid_has_no_violations() -> None:
    words = table_words([("one", "1", "1"), ("two", "2", "2"), ("three", "3", "3")])
    assert violations(grid_of(3), words, NO_RULES, 14).total == 0


@pytest.mark.parametrize(
    ("grid", "kind"),
    [
        (assemble([-5, 85], [-10, 190, 290, 400], [], "one row"), "stacked"),
        (assemble([-5, 25, 55, 85], [-10, 20, 190, 290, 400], [], "a border through words"), "cut"),
        (assemble([-5, 25, 55, 85], [-10, 290, 400], [], "two columns in one"), "side_by_side"),
        (assemble([-5, 25, 55], [-10, 190, 290, 400], [], "a row too few"), "outside"),
        (assemble([-5, 25, 55, 85, 115], [-10, 190, 290, 400], [], "a row too many"), "empty_lines"),
    ],
)
def test_each_fault_is_a_violation(grid: Grid, kind: str) -> None:
    words = table_words([("one", "1", "1"), ("two", "2", "2"), ("three", "3", "3")])
    found = violations(grid, words, NO_RULES, 14)
    assert getattr(found, kind) > 0
    assert found.total > 0


def test_a_rule_through_a_cell_is_a_violation() -> None:
    words = table_words([("one", "1", "1"), ("two", "2", "2")], pitch=60)
    rules = Rules((Rule(27, -10, 400),), ())
    grid = assemble([-5, 115], [-10, 190, 290, 400], [], "test")
    assert violations(grid, words, rules, 14).rules_ignored == 3


def test_a_stray_rule_in_an_empty_corner_divides_nothing() -> None:
    level = tuple(Rule(at, 0, 300) for at in (0, 60, 90, 120))
    upright = tuple(Rule(at, 0, 120) for at in (0, 100, 200, 300))
    words = words_at(("1994", 110, 20), ("1995", 210, 20), ("a", 10, 65), ("1", 110, 65), ("b", 10, 95))
    stray = Rule(30, 0, 100)
    plain = ruled_grid(words, Rules(level, upright), (0, 0, 300, 120), 14)
    assert plain is not None
    assert (plain.rows, plain.cols) == (3, 3)
    assert ruled_grid(words, Rules((level[0], stray, *level[1:]), upright), (0, 0, 300, 120), 14) == plain


def _table(rows: list[list[str]]) -> Table:
    xs = [0, 200, 300, 400][: len(rows[0]) + 1]
    lines: list[Line] = [
        line_at(text, xs[col] + 5, 30 * row + 4)
        for row, cells in enumerate(rows)
        for col, text in enumerate(cells)
        if text
    ]
    return fill(assemble([30 * row for row in range(len(rows) + 1)], xs, [], "test"), lines)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([["Name", "1999", "2000"], ["a", "1.5", "2"], ["b", "3", "4"]], 1),
        ([["", "Sales", ""], ["Name", "net", "gross"], ["a", "1.5", "2"], ["b", "3", "4"]], 2),
        ([["a", "1.5", "2"], ["b", "3", "4"]], 0),
        ([["Name", "Town"], ["Ann", "Rome"], ["Bo", "Bonn"]], 1),
        ([["Name", ""], ["Ann", "Rome"], ["Bo", "Bonn"]], 0),
    ],
)
def test_header_rows_end_where_values_begin(rows: list[list[str]], expected: int) -> None:
    assert header_rows(_table(rows), NO_RULES) == expected


WORDS = st.lists(
    st.tuples(st.text("ab1", min_size=1, max_size=9), st.integers(0, 700), st.integers(0, 500)),
    min_size=1,
    max_size=20,
)
LINES = st.lists(
    st.builds(
        lambda at, start, length: Rule(at, start, start + length),
        *[st.floats(0, 500)] * 2,
        st.floats(30, 700),
    ),
    max_size=8,
)


@given(WORDS, LINES, LINES, st.booleans())
def test_every_method_returns_cells_that_tile_the_grid(
    places: list[tuple[str, int, int]], level: list[Rule], upright: list[Rule], by_rules: bool
) -> None:
    words = words_at(*places)
    rules = Rules(
        tuple(sorted(level, key=lambda rule: (rule.at, rule.start, rule.end))),
        tuple(sorted(upright, key=lambda rule: (rule.at, rule.start, rule.end))),
    )
    box = (0.0, 0.0, 800.0, 600.0)
    for grid in (
        ruled_grid(words, rules, box, 14),
        partly_ruled_grid(words, rules, box, 14, by_rules=by_rules),
    ):
        if grid is not None:
            assert_tiles(grid)
            assert violations(grid, words, rules, 14).total >= 0
