"""Heads of several lines over narrow gutters, and heads over several columns."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.tables.find import find_tables
from crnn_ocr.tables.grid import Grid
from crnn_ocr.tables.grids.head_cells import fitted, head_cells
from crnn_ocr.tables.grids.partly import partly_ruled_grid
from crnn_ocr.tables.grids.text_rows import text_rows
from crnn_ocr.tables.rules import Rule, Rules
from crnn_ocr.tables.words import words_of
from tests.tables.pages import Sheet, line_at
from tests.tables.test_assemble import assert_tiles
from tests.tables.test_find import spans, texts

XS = (0.0, 200.0, 300.0, 400.0, 500.0)
HEIGHT = 14.0


def test_heads_with_different_numbers_of_lines_are_a_cell_each() -> None:
    sheet = Sheet()
    sheet.rule(50, 40, 760, 40)
    sheet.text("Percent who", 400, 48)
    sheet.rule(380, 76, 580, 76)
    for x, lines in ((400, ("Under-", "graduate", "only")), (495, ("Graduate", "only"))):
        for index, line in enumerate(reversed(lines)):
            sheet.text(line, x, 134 - 25 * index)
    sheet.text("Kind", 60, 134)
    sheet.text("Both", 640, 134)
    sheet.rule(50, 166, 760, 166)
    for row in range(5):
        y = 176 + 30 * row
        for text, x in (("Austria", 60), ("31.4", 410), (f"{row}3.0", 505), ("27.2", 640)):
            sheet.text(text, x, y)
    sheet.rule(50, 330, 760, 330)
    blocks, _ = find_tables(sheet.image, sheet.lines)
    assert [texts(block)[:2] for block in blocks] == [
        [["Kind", "Percent who", "Both"], ["Under-\ngraduate\nonly", "Graduate\nonly"]]
    ]
    assert spans(blocks[0]) == [(0, 0, 2, 1), (0, 1, 1, 2), (0, 3, 2, 1)]


def test_a_rule_below_a_head_shows_its_columns() -> None:
    rows = text_rows(
        words_of([line_at("Year", 330, 0), *(line_at(str(n), 210 + 100 * n, 40) for n in range(3))]), 14
    )
    ruled = Rules((Rule(26, 205, 500),), ())
    found = head_cells(rows, XS, ruled, HEIGHT)
    assert found is not None
    assert set(found.together) == {((0, 1), (0, 2)), ((0, 1), (0, 3))}
    assert found.borders == (26,)


def test_a_head_over_columns_below_one_of_a_single_column_is_left_to_others() -> None:
    lines = [line_at("Name", 210, 0), line_at("a text over all the columns", 205, 60)]
    assert head_cells(text_rows(words_of(lines), 14), XS, Rules((), ()), HEIGHT) is None


LINES = st.lists(
    st.tuples(
        st.sampled_from(["a", "Name", "(in years)", "over several columns"]),
        st.integers(0, 480),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=8,
)
RULES = st.lists(st.tuples(st.integers(0, 100), st.integers(0, 400), st.integers(20, 300)), max_size=4)


@given(LINES, RULES)
def test_head_cells_share_a_grid_with_the_rows_below(
    lines: list[tuple[str, int, int]], drawn: list[tuple[int, int, int]]
) -> None:
    head = [line_at(text, x, 25.0 * row) for text, x, row in lines]
    body = [line_at(f"{n}.5", x + 20, 130.0 + 30 * n) for n in range(4) for x in XS[:-1]]
    words = words_of([*head, *body])
    pieces = tuple(Rule(at, start, start + length) for at, start, length in sorted(drawn))
    rules = Rules((*pieces, Rule(120, 0, 600)), ())
    grid = partly_ruled_grid(words, rules, (0, 0, 600, 260), HEIGHT, by_rules=False, by_head=True)
    if grid is not None:
        assert_tiles(grid)
        assert _borders_rise(grid)


def _borders_rise(grid: Grid) -> bool:
    return all(cell.box[0] < cell.box[2] and cell.box[1] < cell.box[3] for cell in grid.cells)


@given(LINES, st.integers(-40, 40))
def test_borders_make_room_for_heads_and_stay_in_order(lines: list[tuple[str, int, int]], off: int) -> None:
    rows = text_rows(words_of([line_at(text, x, 25.0 * row) for text, x, row in lines]), HEIGHT)
    below = text_rows(words_of([line_at("1.5", x + 40, 130) for x in XS[:-1]]), HEIGHT)
    xs = (XS[0], *(x + off for x in XS[1:-1]), XS[-1])
    head = head_cells(rows, xs, Rules((), ()), HEIGHT)
    if head is not None:
        moved = fitted(xs, head, below, HEIGHT)
        assert len(moved) == len(xs)
        assert all(a < b for a, b in itertools.pairwise(moved))
