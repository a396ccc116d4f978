"""Windows, charts and columns of text are no tables, and receipts end before their thanks."""

from __future__ import annotations

import pytest

from crnn_ocr.document import Line
from crnn_ocr.tables.find import find_tables
from crnn_ocr.tables.genuine import is_table
from crnn_ocr.tables.grids.assemble import assemble
from crnn_ocr.tables.grids.ruled import RULED
from crnn_ocr.tables.words import words_of
from tests.tables.pages import Sheet, line_at
from tests.tables.test_find import texts

PROSE = "the words of a line that runs on"


def shapes(sheet: Sheet) -> list[tuple[int, int]]:
    blocks, rest = find_tables(sheet.image, sheet.lines)
    held = [line for block in blocks for line in block.lines] + rest
    assert sorted(_characters(held)) == sorted(_characters(sheet.lines))
    return [(block.table.rows, block.table.cols) for block in blocks if block.table]


def _characters(lines: list[Line]) -> str:
    return "".join(char for line in lines for char in line.text if not char.isspace())


def test_a_window_with_a_menu_is_no_table() -> None:
    sheet = Sheet()
    sheet.grid([10, 220, 880], [10, 60, 690])
    sheet.text("Program", 30, 25)
    sheet.text("Open  Save  Close", 300, 25)
    for entry in range(9):
        sheet.text(f"Entry {entry}", 30, 90 + 60 * entry)
    sheet.rule(220, 300, 880, 300)
    for pane in (90, 330):
        sheet.text("a pane with something", 240, pane)
        sheet.text("and more of it here", 240, pane + 40)
    assert shapes(sheet) == []


@pytest.mark.parametrize(("disorder", "table"), [(0.0, True), (5.0, False)])
def test_a_pane_that_takes_most_of_a_window_is_no_cell(disorder: float, table: bool) -> None:
    pane = [((1, 1), (1, 2)), ((1, 1), (1, 3))]
    grid = assemble([10, 50, 640, 690], [10, 190, 410, 630, 880], pane, RULED)
    menus = [line_at("some title", x, y) for y in (20, 655) for x in (20, 210, 430, 650)]
    main = [line_at("main and another part", 210 + 30 * row, 80 + 35 * row) for row in range(4)]
    words = words_of([*menus, line_at("left side", 20, 70), *main])
    assert is_table(grid, disorder, words, "net", 14) is table


def test_a_form_with_a_large_drawn_cell_stays_a_table() -> None:
    sheet = Sheet()
    sheet.grid([10, 160, 880], [10, 60, 110, 160, 210, 690])
    for row in range(4):
        sheet.text(f"Field {row}", 20, 25 + 50 * row)
        sheet.text("an entry", 180, 25 + 50 * row)
    sheet.text("Remarks", 20, 230)
    for row in range(5):
        sheet.text("a long remark that fills its cell", 180, 225 + 24 * row)
    assert shapes(sheet) == [(5, 2)]


@pytest.mark.parametrize("ticks", [5, 8])
def test_the_axis_of_a_chart_is_no_table(ticks: int) -> None:
    sheet = Sheet()
    step = 480 // ticks
    for tick in range(ticks):
        sheet.text(f"{tick}.5", 60, 40 + tick * step)
        sheet.rule(100, 50 + tick * step, 800, 50 + tick * step, ink=200)
    sheet.grid([50, 110, 800], [30, 40 + ticks * step])
    sheet.text("10", 180, 15 + ticks * step)
    assert shapes(sheet) == []


def test_columns_of_text_in_a_frame_are_no_table() -> None:
    sheet = Sheet(width=900, height=700)
    sheet.grid([10, 890], [10, 690])
    sheet.rule(450, 10, 450, 60)
    sheet.rule(10, 60, 890, 60)
    for row in range(20):
        for x in (30, 460):
            sheet.text(f"{PROSE} {row:02d} its end", x, 80 + 28 * row)
    assert shapes(sheet) == []


@pytest.mark.parametrize(("lines", "height"), [(4, 18), (6, 26)])
def test_thanks_below_the_amounts_of_a_receipt_are_no_rows(lines: int, height: int) -> None:
    sheet = Sheet()
    sheet.rule(50, 40, 500, 40)
    goods = ["Bread", "Milk", "Coffee", "Butter", "Apples", "Total"]
    for row, name in enumerate(goods):
        sheet.text(name, 60, 50 + 30 * row)
        sheet.text(f"{row}9.55", 430, 50 + 30 * row)
    for line in range(lines):
        sheet.text("thank you for buying at our little shop"[: 41 - line % 3], 60, 235 + height * line)
    sheet.rule(50, 240 + height * lines, 500, 240 + height * lines)
    blocks, rest = find_tables(sheet.image, sheet.lines)
    assert [texts(block)[-1] for block in blocks] == [["Total", "59.55"]]
    assert len(rest) == lines


def test_a_note_above_the_last_rule_stays_in_the_table() -> None:
    sheet = Sheet()
    for y in (40, 300):
        sheet.rule(50, y, 500, y)
    for row, name in enumerate(["Bread", "Milk", "Coffee", "Butter", "Apples", "Total"]):
        sheet.text(name, 60, 50 + 30 * row)
        sheet.text(f"{row}9.55", 430, 50 + 30 * row)
    for line in range(2):
        sheet.text("a note on what all of the figures mean", 60, 235 + 26 * line)
    _, rest = find_tables(sheet.image, sheet.lines)
    assert rest == []


def test_leaders_of_dots_hide_no_columns() -> None:
    sheet = Sheet()
    for row, name in enumerate(["Republican", "Democratic", "Green", "Total", "Over"]):
        y = 50 + 30 * row
        sheet.text(name, 60, y)
        for dot in range(4):
            sheet.text(".", 200 + 45 * dot, y)
        for column, figure in enumerate((f"{row}49", f"{row}8.84", f"{row}")):
            sheet.text(figure, 420 + 110 * column, y)
    assert shapes(sheet) == [(5, 4)]


def test_bullets_stand_in_the_cell_of_their_items() -> None:
    sheet = Sheet()
    sheet.grid([50, 300, 800], [40, 90, 190, 290])
    sheet.rows([["Property", "Reason"]], [60, 320], 55, 50)
    for row in range(2):
        sheet.text(f"Item {row}", 60, 100 + 100 * row)
        for line in range(2):
            sheet.text("●", 320, 100 + 100 * row + 40 * line)
            sheet.text("a reason of this kind", 360, 100 + 100 * row + 40 * line)
    assert shapes(sheet) == [(3, 2)]
