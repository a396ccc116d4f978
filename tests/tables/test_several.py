"""Several tables on a page are several blocks, and a frame around a page hides none."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crnn_ocr.document import Block
from crnn_ocr.tables.areas.regions import find_regions, is_evident
from crnn_ocr.tables.find import find_tables
from crnn_ocr.tables.rules import find_rules
from crnn_ocr.tables.words import text_box, words_of
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


def _invoice(items: int, gap: int, left: int) -> tuple[Sheet, list[Rows], list[str]]:
    """Return an invoice with rules of several extents, its tables, and the texts outside."""
    sheet = Sheet(width=1100, height=1500)
    sheet.rule(50, 60, 1050, 60)
    outside = [["Billing address", "Delivery address"], ["Miller Corporation", "Harbour Storehouse"],
               ["12 Long Road", "7 Station Square"], ["Springfield", "Shelbyville"]]  # fmt: skip
    sheet.rows(outside, [90, 600], 80, 26)
    top = 80 + 26 * 4 + gap
    sheet.rule(50, top, 1050, top)
    table = [["Article", "Description", "Price", "Tax", "Count", "Amount"]]
    table += [[f"E10{index}", "Coffeemaker", "49,99", "21%", "1", "49,99"] for index in range(items)]
    xs = [60, 180, 540, 670, 790, 930]
    sheet.rows(table[:1], xs, top + 8, 30)
    sheet.rule(50, top + 36, 1050, top + 36)
    sheet.rows(table[1:], xs, top + 44, 30)
    top += 48 + 30 * items
    sheet.rule(50, top, 1050, top)
    top += gap
    sums = [
        ["Rate", "Net", "Tax", "Total"],
        ["21 %", "41,31", "8,68", "49,99"],
        ["6 %", "10,00", "0,60", "10,60"],
    ]
    for at in (0, 36, 100):
        sheet.rule(left - 10, top + at, 1050, top + at)
    places = [left + (1000 - left) * index // 4 for index in range(4)]
    sheet.rows(sums[:1], places, top + 8, 30)
    sheet.rows(sums[1:], places, top + 42, 28)
    return sheet, [table, sums], [text for row in outside for text in row]


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 8), st.integers(40, 130), st.sampled_from([480, 560, 600]))
def test_tables_whose_rules_have_several_extents(items: int, gap: int, left: int) -> None:
    sheet, tables, outside = _invoice(items, gap, left)
    assert found(sheet) == (tables, outside)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 5), st.integers(1, 3), st.integers(2, 6), st.integers(0, 12), st.booleans())
def test_sections_with_the_same_columns_stay_one_table(
    columns: int, sections: int, rows: int, gap: int, ruled: bool
) -> None:
    sheet = Sheet(height=1000)
    xs = [40, *(260 + 600 * index // columns for index in range(columns))]
    sheet.rows([["Region", *(f"200{column}" for column in range(columns))]], xs, 48, 30)
    for y in (40, 76):
        sheet.rule(30, y, 860, y)
    top = 84
    for section in range(sections):
        sheet.text(f"Part {section}", 40, top)
        for row in range(rows):
            top += 30
            values = [f"{section}{row}{column}.5" for column in range(columns)]
            sheet.rows([[f"Town{row}", *values]], xs, top, 30)
        top += 30 + gap
        if ruled:
            sheet.rule(30, top - 4 - gap // 2, 860, top - 4 - gap // 2)
    tables, rest = found(sheet)
    assert len(tables) == 1
    assert rest == []


@pytest.mark.parametrize("beyond", [0, 6, 12])
def test_vertical_rules_that_are_drawn_too_long_take_no_line_in(beyond: int) -> None:
    sheet = Sheet()
    sheet.text("To make up for it", 60, 62)
    draw(sheet, ITEMS, 50, 850, 84)
    for x in (50, 250, 450, 650, 850):
        sheet.rule(x, 84 - beyond, x, 192 + beyond)
    sheet.text("This is what follows", 60, 194)
    assert found(sheet) == ([ITEMS], ["To make up for it", "This is what follows"])


@pytest.mark.parametrize(
    ("rows", "ruled", "evident"),
    [
        ([["Theme", "dark"], ["Language", "English"], ["Sync", "off"]], False, False),
        ([["Net", "7.50"], ["Tax", "0.50"], ["Fee", "1.00"], ["Total", "9.00"]], False, True),
        ([["Theme", "dark"], ["Language", "English"], ["Sync", "off"]], True, True),
    ],
)
def test_what_is_tried_within_a_frame_that_is_no_table(rows: Rows, ruled: bool, evident: bool) -> None:
    """The settings in a window stand between rules, too: a closed net or columns of figures is wanted."""
    sheet = Sheet()
    if ruled:
        draw(sheet, rows, 160, 860, 100)
    else:
        for row in range(len(rows) + 1):
            sheet.rule(160, 100 + 40 * row, 860, 100 + 40 * row)
        sheet.rows(rows, [170, 700], 110, 40)
    words = words_of(sheet.lines)
    found_rules = find_rules(sheet.image, 14, [text_box(line) for line in sheet.lines])
    (region,) = find_regions(found_rules, words, 14)
    assert is_evident(region, words, 14) == evident
