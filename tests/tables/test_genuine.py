"""Windows, charts and columns of text are no tables, and receipts end before their thanks."""

from __future__ import annotations

import pytest

from crnn_ocr.document import Line
from crnn_ocr.tables.find import find_tables
from tests.tables.pages import Sheet
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


def test_a_pane_that_takes_most_of_a_window_is_no_cell() -> None:
    sheet = Sheet()
    sheet.grid([10, 160, 880], [10, 50, 640, 690])
    for column in (20, 170):
        for y in (20, 655):
            sheet.text("a title" if column == 20 else "menu      edit      view      help", column, y)
    for row in range(6):
        sheet.text("left side", 15, 80 + 40 * row)
        sheet.text(
            f"main{' ' * (5 + row)}text with{' ' * (4 + 3 * (row % 3))}parts", 180 + 37 * row, 80 + 40 * row
        )
    sheet.rule(160, 600, 500, 600)
    sheet.rule(500, 600, 500, 640)
    assert shapes(sheet) == []


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
    sheet.grid([80, 800], [40, 500])
    for tick in range(ticks):
        y = 50 + tick * 400 // (ticks - 1)
        sheet.text(f"{tick}.5", 100, y)
        sheet.rule(80, y + 26, 110, y + 26)
    for place in range(4):
        sheet.text(str(10 * place), 180 + 150 * place, 480)
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


@pytest.mark.parametrize(("lines", "ruled"), [(2, False), (3, False), (5, True)])
def test_thanks_below_the_amounts_of_a_receipt_are_no_rows(lines: int, ruled: bool) -> None:
    sheet = Sheet()
    sheet.rule(50, 40, 500, 40)
    for row, (name, amount) in enumerate(
        [("Bread", "2.10"), ("Milk", "1.05"), ("Coffee", "6.40"), ("Total", "9.55")]
    ):
        sheet.text(name, 60, 50 + 30 * row)
        sheet.text(amount, 430, 50 + 30 * row)
    for line in range(lines):
        sheet.text("thank you for buying at our little shop"[: 39 - line], 60, 175 + 26 * line)
    if ruled:
        sheet.rule(50, 180 + 26 * lines, 500, 180 + 26 * lines)
    blocks, rest = find_tables(sheet.image, sheet.lines)
    assert [texts(block)[-1] for block in blocks] == [["Total", "9.55"]]
    assert len(rest) == lines


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
