"""A network's grid is corrected by the rules of the table."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.tables.figures import are_numbers_apart, is_value
from crnn_ocr.tables.grid import Grid
from crnn_ocr.tables.grids.assemble import Place, assemble
from crnn_ocr.tables.grids.refining import refined
from crnn_ocr.tables.rules import Rule, Rules
from crnn_ocr.tables.words import Word, words_of
from tests.tables.pages import line_at
from tests.tables.test_assemble import assert_tiles, joins

XS, YS = (0, 100, 200, 300), (0, 30, 60, 90, 120)


def spanned(grid: Grid) -> list[tuple[int, int, int, int]]:
    return [
        (cell.row, cell.col, cell.row_span, cell.col_span)
        for cell in grid.cells
        if cell.row_span * cell.col_span > 1
    ]


def words(rows: list[list[str]]) -> list[Word]:
    return words_of(
        [
            line_at(text, XS[c] + 10, YS[r] + 5)
            for r, row in enumerate(rows)
            for c, text in enumerate(row)
            if text
        ]
    )


def test_the_cell_beside_a_head_over_columns_is_as_high_as_the_head() -> None:
    grid = assemble(YS, XS, [((0, 1), (0, 2))], "network")
    text = words([["", "Year"], ["Name", "1", "2"], ["a", "1.5", "2.5"], ["b", "3.5", "4.5"]])
    rules = Rules((Rule(30, 100, 300), Rule(60, 0, 300)), ())
    assert spanned(refined(grid, text, rules, 14)) == [(0, 0, 2, 1), (0, 1, 1, 2)]
    # A rule below the empty cell keeps it apart.
    ruled = Rules((Rule(30, 0, 300), Rule(60, 0, 300)), ())
    assert spanned(refined(grid, text, ruled, 14)) == [(0, 1, 1, 2)]


def test_cells_go_on_where_the_rule_of_the_others_leaves_them_out() -> None:
    grid = assemble(YS, XS, [], "network")
    text = words([["Name", "Kind", "Sum"], ["a", "x", "1.5"], ["", "y", "2.5"], ["b", "x", "3.5"]])
    rules = Rules((Rule(30, 0, 300), Rule(60, 100, 300), Rule(90, 0, 300)), ())
    assert spanned(refined(grid, text, rules, 14)) == [(1, 0, 2, 1)]
    assert spanned(refined(grid, text, Rules((), ()), 14)) == []


@given(
    joins(),
    st.lists(
        st.tuples(st.sampled_from(["a", "12", "3.5"]), st.integers(0, 380), st.integers(0, 140)), max_size=12
    ),
    st.lists(st.tuples(st.integers(0, 150), st.integers(0, 300), st.integers(10, 400)), max_size=5),
)
def test_a_refined_grid_is_tiled_and_has_the_cells_of_the_network_whole(
    case: tuple[int, int, list[tuple[Place, Place]]],
    texts: list[tuple[str, int, int]],
    drawn: list[tuple[int, int, int]],
) -> None:
    rows, cols, together = case
    grid = assemble(
        [30 * r for r in range(rows + 1)], [100 * c for c in range(cols + 1)], together, "network"
    )
    rules = Rules(tuple(Rule(at, x, x + length) for at, x, length in sorted(drawn)), ())
    found = refined(grid, words_of([line_at(*text) for text in texts]), rules, 14)
    assert_tiles(found)
    boxes = [cell.box for cell in found.cells]
    for cell in grid.cells:
        left, top, right, bottom = cell.box
        assert any(a <= left and b <= top and right <= c and bottom <= d for a, b, c, d in boxes)


def test_numbers_side_by_side() -> None:
    apart = [("960", "1,040"), ("221", "37.6"), ("5,828", "45.2"), ("$1", "2"), ("3%", "4%")]
    assert all(are_numbers_apart(*pair) for pair in apart)
    together = [
        ("1", "234,5"),
        ("12", "345.67"),
        ("020", "7946"),
        ("37.6", "(32.6–42.6)"),
        ("a", "1.5"),
        ("3", "May"),
    ]
    assert not any(are_numbers_apart(*pair) for pair in together)


def test_values_are_figures_but_no_years() -> None:
    assert all(map(is_value, ["1.5", "(3)", "12 %", "−4", "$ 1,000"]))
    assert not any(map(is_value, ["1998", "2007–08", "a1", "–", ""]))
