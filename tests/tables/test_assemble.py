"""Cells tile the grid whatever is put together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.tables.grid import Grid
from crnn_ocr.tables.grids.assemble import Place, assemble


def assert_tiles(grid: Grid) -> None:
    covered = [
        (row, col)
        for cell in grid.cells
        for row in range(cell.row, cell.row + cell.row_span)
        for col in range(cell.col, cell.col + cell.col_span)
    ]
    assert sorted(covered) == [(row, col) for row in range(grid.rows) for col in range(grid.cols)]
    assert list(grid.cells) == sorted(grid.cells, key=lambda cell: (cell.row, cell.col))


@st.composite
def joins(draw: st.DrawFn) -> tuple[int, int, list[tuple[Place, Place]]]:
    rows, cols = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    place = st.tuples(st.integers(0, rows - 1), st.integers(0, cols - 1))
    return rows, cols, draw(st.lists(st.tuples(place, place), max_size=8))


@given(joins())
def test_cells_tile_the_grid(case: tuple[int, int, list[tuple[Place, Place]]]) -> None:
    rows, cols, together = case
    grid = assemble(range(rows + 1), range(cols + 1), together, "test")
    assert_tiles(grid)
    assert grid == assemble(range(rows + 1), range(cols + 1), sorted(together, reverse=True), "test")
    for (r0, c0), (r1, c1) in together:
        boxes = [cell.box for cell in grid.cells]
        holds = [box for box in boxes if box[0] <= c0 < box[2] and box[1] <= r0 < box[3]]
        assert holds == [box for box in boxes if box[0] <= c1 < box[2] and box[1] <= r1 < box[3]]


def test_a_border_that_divides_nothing_is_dropped() -> None:
    grid = assemble([0, 1, 2], [0, 1, 2, 3], [((0, 1), (0, 2)), ((1, 1), (1, 2))], "test")
    assert (grid.rows, grid.cols) == (2, 2)
