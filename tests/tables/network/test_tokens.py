"""Tokens become cells that tile the grid, whatever the network writes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.tables.network.tokens import WrittenCell, written_cells

BOX = (0.0, 0.0, 1.0, 1.0)


def cells(*tokens: str) -> list[tuple[int, int, int, int]]:
    """Row, column, row span and column span of every cell."""
    found = written_cells(tokens, [BOX] * len(tokens))
    return [(cell.row, cell.col, cell.row_span, cell.col_span) for cell in found]


def test_rows_and_cells() -> None:
    tokens = "<thead> <tr> <td></td> <td></td> </tr> </thead> <tbody> <tr> <td></td> <td></td> </tr> </tbody>"
    assert cells(*tokens.split()) == [(0, 0, 1, 1), (0, 1, 1, 1), (1, 0, 1, 1), (1, 1, 1, 1)]


def test_spans_push_later_cells_aside() -> None:
    found = cells(
        *("<tr>", "<td", ' rowspan="2"', ">", "</td>", "<td", ' colspan="2"', ">", "</td>", "</tr>"),
        *("<tr>", "<td></td>", "<td></td>", "</tr>"),
    )
    assert found == [(0, 0, 2, 1), (0, 1, 1, 2), (1, 1, 1, 1), (1, 2, 1, 1)]


def test_a_span_ends_at_a_cell_from_above_and_at_the_last_row() -> None:
    found = cells(
        *("<tr>", "<td></td>", "<td", ' rowspan="9"', ">", "</td>", "</tr>"),
        *("<tr>", "<td", ' colspan="5"', ">", "</td>", "</tr>"),
    )
    assert found == [(0, 0, 1, 1), (0, 1, 2, 1), (1, 0, 1, 1)]


def test_what_short_rows_leave_out_is_empty() -> None:
    found = written_cells(["<tr>", "<td></td>", "<td></td>", "<tr>", "<td></td>", "<tr>", "</tr>"], [BOX] * 7)
    assert found == (
        WrittenCell(0, 0, box=BOX),
        WrittenCell(0, 1, box=BOX),
        WrittenCell(1, 0, box=BOX),
        WrittenCell(1, 1, box=None),
    )


def test_no_cells_no_grid() -> None:
    assert cells() == cells("<tr>", "</tr>") == cells("<td", ' colspan="3"') == []


@given(
    st.lists(
        st.sampled_from(
            ["", "<tr>", "</tr>", "<td></td>", "<td", ">", "</td>", "<tbody>"]
            + [f' {side}span="{count}"' for side in ("row", "col") for count in (0, 2, 3, 20)]
        ),
        max_size=60,
    )
)
def test_the_cells_tile_the_grid(tokens: list[str]) -> None:
    found = cells(*tokens)
    places = [(row + i, col + j) for row, col, rows, cols in found for i in range(rows) for j in range(cols)]
    height = max((row for row, _ in places), default=-1) + 1
    width = max((col for _, col in places), default=-1) + 1
    assert sorted(places) == [(row, col) for row in range(height) for col in range(width)]
    assert found == sorted(found)
    assert len([token for token in tokens if token == "<td></td>"]) <= len(found)
