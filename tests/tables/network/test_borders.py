"""Borders keep cells apart, and lines whole, although the network's boxes are not exact."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.document import Line
from crnn_ocr.tables.network.borders import grid_of
from crnn_ocr.tables.network.tokens import WrittenCell, written_cells

AREA = (10.0, 20.0, 310.0, 140.0)


def line(left: float, top: float, right: float, bottom: float) -> Line:
    return Line("text", 1.0, ((left, top), (right, top), (right, bottom), (left, bottom)))


def plain(rows: int, cols: int, shift: float = 0.0) -> list[WrittenCell]:
    """Cells with boxes in the middle of a regular grid over the area, moved down by some pixels."""
    width, height = 300 / cols, 120 / rows
    return [
        WrittenCell(
            row,
            col,
            box=(
                10 + col * width + 5,
                20 + row * height + 5 + shift,
                10 + (col + 1) * width - 5,
                20 + (row + 1) * height - 5 + shift,
            ),
        )
        for row in range(rows)
        for col in range(cols)
    ]


def test_without_lines_borders_lie_between_the_boxes() -> None:
    grid = grid_of(plain(2, 3), [], AREA, "network")
    assert (grid.rows, grid.cols, grid.method) == (2, 3, "network")
    assert grid.cells[0].box == pytest.approx((10, 20, 110, 80))
    assert grid.cells[-1].box == pytest.approx((210, 80, 310, 140))


@pytest.mark.parametrize("shift", [-12.0, -6.0, 6.0, 12.0])
def test_boxes_that_lie_almost_half_a_row_off_do_not_move_lines_to_other_rows(shift: float) -> None:
    lines = [line(20, 25 + 30 * row, 100, 45 + 30 * row) for row in range(4)]
    grid = grid_of(plain(4, 3, shift), lines, AREA, "network")
    borders = [cell.box[3] for cell in grid.cells if cell.col == 0][:3]
    for row, border in enumerate(borders):
        assert 41 + 30 * row <= border <= 59 + 30 * row  # a fifth of a line may lie beyond


def test_a_line_in_a_spanning_cell_does_not_move_the_borders_below_it() -> None:
    tokens = ["<tr>", "<td", ' colspan="2"', ">", "</td>", "<tr>", "<td></td>", "<td></td>"]
    head, a, b = (10.0, 22.0, 300.0, 70.0), (15.0, 85.0, 150.0, 135.0), (170.0, 85.0, 305.0, 135.0)
    boxes = [head, head, head, head, head, a, a, b]
    across = line(60, 40, 240, 60)
    grid = grid_of(written_cells(tokens, boxes), [across, line(20, 100, 140, 120)], AREA, "network")
    assert grid.cells[0].box[2] == 310
    assert grid.cells[1].box[2] == pytest.approx(160)


X, Y = st.floats(0, 320), st.floats(0, 160)


@given(
    st.lists(st.tuples(X, Y, X, Y), min_size=12, max_size=12),
    st.lists(st.tuples(X, Y, st.floats(1, 200), st.floats(1, 60)), max_size=6),
)
def test_whatever_the_boxes_the_cells_tile_the_area(
    boxes: list[tuple[float, float, float, float]], lines: list[tuple[float, float, float, float]]
) -> None:
    cells = [WrittenCell(i // 4, i % 4, box=box) for i, box in enumerate(boxes)]
    grid = grid_of(cells, [line(x, y, x + w, y + h) for x, y, w, h in lines], AREA, "network")
    xs = [grid.cells[col].box[0] for col in range(4)] + [grid.cells[3].box[2]]
    ys = [grid.cells[4 * row].box[1] for row in range(3)] + [grid.cells[8].box[3]]
    assert (xs[0], ys[0], xs[-1], ys[-1]) == AREA
    assert all(a <= b for a, b in (*pairwise(xs), *pairwise(ys)))
    for cell in grid.cells:
        assert cell.box == (xs[cell.col], ys[cell.row], xs[cell.col + 1], ys[cell.row + 1])
