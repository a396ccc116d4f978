"""Several tables on a page are several blocks, and a frame around a page hides none."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crnn_ocr.document import Block
from crnn_ocr.tables.find import find_tables
from tests.tables.pages import Sheet

Rows = list[list[str]]
ITEMS: Rows = [
    ["Date", "Item", "Quantity", "Price"],
    ["3 May", "Consulting", "2", "30.00"],
    ["4 May", "Printing", "10", "1.50"],
]
TERMS: Rows = [["Sales", "Order", "Terms"], ["Jane", "4711", "net"]]
SUMS: Rows = [["Net", "75.00"], ["Tax", "7.50"], ["Total", "82.50"]]


def found(sheet: Sheet) -> tuple[list[Rows], list[str]]:
    """Return the tables of a sheet, row by row, and the texts outside of them."""
    blocks, rest = find_tables(sheet.image, sheet.lines)
    return [rows_of(block) for block in sorted(blocks, key=_top)], [line.text for line in rest]


def rows_of(block: Block) -> Rows:
    assert block.table is not None
    rows: Rows = [[] for _ in range(block.table.rows)]
    for cell in block.table.cells:
        rows[cell.row].append(cell.text)
    return rows


def _top(block: Block) -> float:
    assert block.polygon is not None
    return block.polygon[0][1]


def draw(sheet: Sheet, rows: Rows, left: int, right: int, top: int, pitch: int = 36) -> int:
    """Draw a ruled table with columns of equal width; return where it ends."""
    columns = len(rows[0])
    xs = [left + (right - left) * index // columns for index in range(columns + 1)]
    bottom = top + pitch * len(rows)
    sheet.grid(xs, list(range(top, bottom + 1, pitch)))
    sheet.rows(rows, [x + 10 for x in xs[:-1]], top + 8, pitch)
    return bottom


@pytest.mark.parametrize("gap", [24, 40, 90])
@pytest.mark.parametrize("first", [TERMS, ITEMS, SUMS])
def test_stacked_tables_with_the_same_sides(first: Rows, gap: int) -> None:
    sheet = Sheet()
    end = draw(sheet, first, 50, 850, 60)
    draw(sheet, ITEMS, 50, 850, end + gap)
    assert found(sheet) == ([first, ITEMS], [])


@pytest.mark.parametrize("title", ["Sales by year", "p = 0.008   v = 11"])
def test_a_title_between_stacked_tables_belongs_to_none(title: str) -> None:
    sheet = Sheet()
    end = draw(sheet, ITEMS, 50, 850, 60)
    sheet.text(title, 60, end + 14)
    draw(sheet, TERMS, 50, 850, end + 50)
    assert found(sheet) == ([ITEMS, TERMS], [title])


def test_an_invoice_with_addresses_terms_items_and_sums() -> None:
    sheet = Sheet(height=900)
    addresses = [
        ["Bill to:", "Ship to:", "Service:"],
        ["Miller Finances", "Miller Delivery", "Miller Services"],
        ["1600 Long Road", "12 Harbour Street", "7 Station Square"],
    ]
    sheet.rows(addresses, [60, 340, 620], 60, 26)
    end = draw(sheet, TERMS, 50, 850, 180)
    end = draw(sheet, ITEMS, 50, 850, end + 30)
    draw(sheet, SUMS, 500, 850, end + 30)
    tables, rest = found(sheet)
    assert tables == [TERMS, ITEMS, SUMS]
    assert rest == [text for row in addresses for text in row]


def test_a_frame_with_amounts_is_one_table_with_the_words_beside_it() -> None:
    sheet = Sheet()
    draw(sheet, ITEMS, 50, 850, 60)
    sheet.grid([700, 850], [200, 230, 260, 290, 320])
    sums = [["Net", "75.00"], ["Tax", "7.50"], ["Shipping", "9.00"], ["Total", "91.50"]]
    sheet.rows(sums, [560, 720], 205, 30)
    tables, rest = found(sheet)
    assert tables == [ITEMS, sums]
    assert rest == []


@pytest.mark.parametrize("panes", [0, 1, 3])
def test_a_table_in_a_window(panes: int) -> None:
    """The frame of a window and its panes are rules, too; most of their places have no text."""
    sheet = Sheet()
    sheet.grid([4, 895], [4, 60, 695])
    for pane in range(panes):
        sheet.rule(4, 120 + 50 * pane, 895, 120 + 50 * pane)
        sheet.text("Settings of the page", 60, 80 + 50 * pane)
    draw(sheet, ITEMS, 40, 860, 400)
    sheet.text("Configuration", 30, 24)
    tables, rest = found(sheet)
    assert tables == [ITEMS]
    assert len(rest) == panes + 1


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.integers(2, 4), st.integers(2, 5), st.integers(22, 70)), min_size=1, max_size=4),
    st.booleans(),
)
def test_every_drawn_table_is_found_as_it_was_drawn(
    sizes: list[tuple[int, int, int]], same_sides: bool
) -> None:
    sheet = Sheet(height=1100)
    drawn: list[Rows] = []
    top = 40
    for index, (rows, columns, gap) in enumerate(sizes):
        cells = [[f"{index}{row}{column}5" for column in range(columns)] for row in range(rows)]
        left, right = (50, 850) if same_sides else (50 + 40 * index, 850 - 30 * index)
        top = draw(sheet, cells, left, right, top) + gap
        drawn.append(cells)
    assert found(sheet) == (drawn, [])
