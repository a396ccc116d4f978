"""Tables are found and read on drawn pages; what is no table is left alone."""

from __future__ import annotations

from collections import Counter

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crnn_ocr.document import Block, Line
from crnn_ocr.pixels import Pixels
from crnn_ocr.tables.find import find_tables
from crnn_ocr.tables.frame import Frame, frame_of_skew, turned_frame
from crnn_ocr.tables.grid import Box, Grid
from crnn_ocr.tables.grids.assemble import assemble
from tests.tables.pages import Sheet

ROWS = [
    ["Country", "1997", "1998", "Growth"],
    ["Austria", "42.3", "29", "1.5"],
    ["Denmark", "24.9", "22", ""],
    ["France", "19.1", "16", "-2.0"],
    ["Total", "86.3", "67", "0.1"],
]
XS = [60, 260, 400, 540]


def texts(block: Block) -> list[list[str]]:
    """Return the cells of a table row by row; a cell that spans others stands once, at its first place."""
    assert block.table is not None
    rows: list[list[str]] = [[] for _ in range(block.table.rows)]
    for cell in block.table.cells:
        rows[cell.row].append(cell.text)
    return rows


def spans(block: Block) -> list[tuple[int, int, int, int]]:
    assert block.table is not None
    cells = block.table.cells
    return [
        (cell.row, cell.col, cell.row_span, cell.col_span)
        for cell in cells
        if cell.row_span > 1 or cell.col_span > 1
    ]


def wired(ink: int = 0) -> Sheet:
    sheet = Sheet()
    sheet.grid([50, 250, 390, 530, 680], [100 + 40 * row for row in range(6)], ink)
    sheet.rows(ROWS, XS, 110, 40)
    return sheet


@pytest.mark.parametrize("ink", [0, 200])
def test_a_wired_table(ink: int) -> None:
    sheet = wired(ink)
    blocks, rest = find_tables(sheet.image, sheet.lines)
    assert [texts(block) for block in blocks] == [ROWS]
    assert not rest
    assert blocks[0].table is not None
    assert blocks[0].table.header_rows == 1


def test_a_wired_table_with_spans() -> None:
    sheet = Sheet()
    sheet.grid([50, 250, 390, 530], [100, 140, 180, 220, 260])
    sheet.band(252, 102, 528, 138, (255, 255, 255))  # no rule within the head of two columns
    sheet.band(52, 102, 248, 178, (255, 255, 255))  # nor between the rows of the first column
    for text, x, y in [
        ("Item", 60, 130), ("Sales", 350, 110), ("2001", 260, 150), ("2002", 400, 150),
        ("A", 60, 190), ("11", 260, 190), ("12", 400, 190),
        ("B", 60, 230), ("21", 260, 230), ("22", 400, 230),
    ]:  # fmt: skip
        sheet.text(text, x, y)
    (block,), rest = find_tables(sheet.image, sheet.lines)
    assert texts(block) == [["Item", "Sales"], ["2001", "2002"], ["A", "11", "12"], ["B", "21", "22"]]
    assert spans(block) == [(0, 0, 2, 1), (0, 1, 1, 2)]
    assert block.table is not None
    assert block.table.header_rows == 2
    assert not rest


def test_a_table_without_rules() -> None:
    sheet = Sheet()
    sheet.rows(ROWS, XS, 110, 30)
    (block,), rest = find_tables(sheet.image, sheet.lines)
    assert texts(block) == ROWS
    assert not rest


def test_a_table_with_three_rules_and_a_head_of_several_columns() -> None:
    sheet = Sheet()
    for y in (95, 162, 300):
        sheet.rule(50, y, 640, y)
    sheet.rule(255, 128, 480, 128)
    sheet.text("Foreign turnover", 280, 102)
    sheet.rows([["Group", "1997", "1998", "Share"], *ROWS[1:]], XS, 138, 32)
    (block,), rest = find_tables(sheet.image, sheet.lines)
    assert texts(block)[0] == ["Group", "Foreign turnover", "Share"]
    assert texts(block)[1] == ["1997", "1998"]
    assert texts(block)[2:] == ROWS[1:]
    assert (0, 1, 1, 2) in spans(block)
    assert block.table is not None
    assert block.table.header_rows == 2
    assert not rest


def test_a_banded_table() -> None:
    sheet = Sheet()
    for row in range(0, 5, 2):
        sheet.band(50, 100 + 30 * row, 640, 130 + 30 * row, (250, 235, 215))
    sheet.rows(ROWS, XS, 105, 30)
    (block,), _ = find_tables(sheet.image, sheet.lines)
    assert texts(block) == ROWS


def test_cells_with_several_lines_are_one_row() -> None:
    sheet = Sheet()
    for y in (95, 132, 300):
        sheet.rule(50, y, 640, y)
    sheet.rows([ROWS[0]], XS, 105, 30)
    sheet.rows([["Austria and", "42.3", "29", "1.5"], ["its neighbours", "", "", ""]], XS, 140, 22)
    sheet.rows([["Denmark", "24.9", "22", "0.3"], ["France", "19.1", "16", "-2.0"]], XS, 200, 40)
    (block,), _ = find_tables(sheet.image, sheet.lines)
    assert [row[0] for row in texts(block)] == ["Country", "Austria and\nits neighbours", "Denmark", "France"]


def test_a_line_over_two_columns_is_divided() -> None:
    sheet = wired()
    sheet.lines = [line for line in sheet.lines if line.text not in ("42.3", "29")]
    sheet.text("42.3          29", 260, 150)
    (block,), _ = find_tables(sheet.image, sheet.lines)
    assert texts(block)[1] == ["Austria", "42.3", "29", "1.5"]


def test_text_around_a_table_stays_outside() -> None:
    sheet = wired()
    sheet.text("Sales by country, in millions", 60, 40)
    sheet.text("This is what follows below the table, as in any report.", 60, 360)
    blocks, rest = find_tables(sheet.image, sheet.lines)
    assert [texts(block) for block in blocks] == [ROWS]
    assert [line.text[:5] for line in rest] == ["Sales", "This "]


def test_two_tables_with_text_between() -> None:
    sheet = Sheet()
    for top in (60, 380):
        sheet.grid([50, 250, 390, 530, 680], [top + 40 * row for row in range(6)])
        sheet.rows(ROWS, XS, top + 10, 40)
    sheet.text("A sentence between both", 60, 310)
    blocks, rest = find_tables(sheet.image, sheet.lines)
    assert [texts(block) for block in blocks] == [ROWS, ROWS]
    assert len(rest) == 1


PROSE = "running text that goes on from line to line"


def _paragraph(sheet: Sheet) -> None:
    for row in range(12):
        sheet.text(PROSE[row % 3 :], 60, 60 + 26 * row)


def _two_columns(sheet: Sheet) -> None:
    for row in range(16):
        sheet.text(PROSE[row % 3 : 38], 20, 60 + 26 * row)
        sheet.text(PROSE[row % 4 : 40], 470, 60 + 26 * row)


def _list(sheet: Sheet) -> None:
    for row in range(8):
        sheet.text(f"{row + 1}.", 60, 60 + 30 * row)
        sheet.text(PROSE[: 20 + 3 * (row % 4)], 100, 60 + 30 * row)


def _form(sheet: Sheet) -> None:
    for row, (label, value) in enumerate(
        [("Name:", "Jane Smith"), ("Street:", "Long Road"), ("Town:", "Springfield"), ("Land:", "Elsewhere")]
    ):
        sheet.text(label, 60, 60 + 34 * row)
        sheet.text(value, 260, 60 + 34 * row)


def _framed_text(sheet: Sheet) -> None:
    sheet.grid([40, 860], [40, 400])
    _paragraph(sheet)


def _framed_articles(sheet: Sheet) -> None:
    sheet.grid([10, 300, 600, 890], [20, 60, 690])
    sheet.text("A newspaper's name", 20, 30)
    for column in range(3):
        for row in range(22):
            sheet.text(PROSE[row % 5 : 24 + row % 5], 20 + 297 * column, 80 + 26 * row)


@pytest.mark.parametrize("draw", [_paragraph, _two_columns, _list, _form, _framed_text, _framed_articles])
def test_what_is_no_table(draw: object) -> None:
    sheet = Sheet()
    draw(sheet)  # type: ignore[operator]
    assert find_tables(sheet.image, sheet.lines) == ([], sheet.lines)


def test_a_long_remark_in_one_cell_costs_no_table() -> None:
    sheet = Sheet()
    sheet.grid([10, 200, 700, 890], [20, 60, 100, 140, 420])
    for row in range(4):
        sheet.text(f"option {row}", 20, 30 + 40 * row)
        sheet.text("one of two", 210, 30 + 40 * row)
        sheet.text("required", 720, 30 + 40 * row)
    for row in range(9):
        sheet.text(PROSE[: 36 + row % 5], 210, 176 + 26 * row)
    (block,), rest = find_tables(sheet.image, sheet.lines)
    assert block.table is not None
    assert (block.table.rows, block.table.cols, rest) == (4, 3, [])


def test_a_form_with_long_texts_is_a_table() -> None:
    sheet = Sheet()
    sheet.grid([10, 200, 450, 890], [20, 60, 100, 400, 690])
    for row, fields in enumerate([["Name", "Jane Smith", "born 1980"], ["Place", "Springfield", "single"]]):
        for text, x in zip(fields, [20, 210, 460], strict=True):
            sheet.text(text, x, 30 + 40 * row)
    for top, head in ((120, "School"), (420, "Work")):
        sheet.text(head, 20, top)
        for row in range(10):
            sheet.text(PROSE[: 20 + row % 3], 210, top + 26 * row)
            sheet.text(PROSE[: 36 + row % 5], 460, top + 26 * row)
    (block,), rest = find_tables(sheet.image, sheet.lines)
    assert block.table is not None
    assert (block.table.rows, block.table.cols, rest) == (4, 3, [])


@pytest.mark.parametrize("angle", [-3.0, 1.5])
def test_a_skewed_table_reads_like_a_straight_one(angle: float) -> None:
    sheet = wired()
    image, lines = _rotated(sheet, angle)
    frame = frame_of_skew(image, lines)
    assert frame is not None
    (block,), _ = find_tables(image, lines)
    assert texts(block) == ROWS
    # Lines keep their places on the page.
    before = {line.text: line.polygon for line in lines}
    for line in block.lines:
        assert np.array(line.polygon) == pytest.approx(np.array(before[line.text]), abs=0.01)


def _rotated(sheet: Sheet, angle: float) -> tuple[Pixels, list[Line]]:
    """Return a sheet and its lines turned around its middle, as a scanner would."""
    middle = (sheet.width / 2, sheet.height / 2)
    matrix = cv2.getRotationMatrix2D(middle, -angle, 1.0).astype(np.float64)
    frame = Frame(matrix, cv2.invertAffineTransform(matrix).astype(np.float64), sheet.width, sheet.height)
    return frame.picture(sheet.image), [frame.line(line) for line in sheet.lines]


@pytest.mark.parametrize("clockwise", [True, False])
def test_a_table_on_its_side_reads_like_an_upright_one(clockwise: bool) -> None:
    sheet = wired()
    frame = turned_frame(sheet.image, clockwise=not clockwise)
    image, lines = frame.picture(sheet.image), [frame.line(line) for line in sheet.lines]
    (block,), rest = find_tables(image, lines)
    assert texts(block) == ROWS
    assert not rest
    before = {line.text: line.polygon for line in lines}
    for line in block.lines:
        assert np.array(line.polygon) == pytest.approx(np.array(before[line.text]), abs=0.01)


def test_a_network_is_asked_where_rules_leave_doubt_and_a_worse_grid_is_not_taken() -> None:
    sheet = Sheet()
    sheet.rows(ROWS, XS, 110, 30)
    asked: list[Box] = []

    def candidates(image: Pixels, box: Box, lines: object) -> list[Grid]:
        asked.append(box)
        return [assemble([100, 300], [50, 680], [], "bad")]

    (block,), _ = find_tables(sheet.image, sheet.lines, candidates)
    assert len(asked) == 1
    assert texts(block) == ROWS
    sheet = wired()
    find_tables(sheet.image, sheet.lines, candidates)
    assert len(asked) == 1  # drawn in full: nothing to ask


def test_a_better_grid_of_another_method_is_taken() -> None:
    """White space alone takes two lines of a cell for two rows; a method that sees the cell whole wins."""
    sheet = wired()
    sheet.text("Chile", 60, 260)  # on the rule below `Total`: the rules divide it from its row
    better = assemble([100 + 40 * row for row in range(5)] + [310], [50, 250, 390, 530, 680], [], "network")
    blocks, rest = find_tables(sheet.image, sheet.lines, lambda image, box, lines: [better])
    assert [block.table.rows for block in blocks if block.table] == [5]
    assert not rest


def test_an_empty_page() -> None:
    assert find_tables(np.full((50, 50, 3), 255, np.uint8), []) == ([], [])


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.text("ab1 表", min_size=1, max_size=14), st.integers(0, 800), st.integers(0, 650)),
        max_size=25,
    ),
    st.lists(st.tuples(st.booleans(), st.integers(10, 600), st.integers(50, 600)), max_size=12),
)
def test_no_character_is_lost_or_doubled_wherever_text_and_rules_stand(
    places: list[tuple[str, int, int]], rules: list[tuple[bool, int, int]]
) -> None:
    sheet = Sheet()
    for level, at, length in rules:
        sheet.rule(*((20, at, 20 + length, at) if level else (at, 20, at, 20 + length)))
    for text, x, y in places:
        sheet.text(text, x, y)
    blocks, rest = find_tables(sheet.image, sheet.lines)

    def count(lines: list[Line]) -> Counter[str]:
        return Counter("".join(line.text for line in lines).replace(" ", ""))

    assert count([line for block in blocks for line in block.lines] + rest) == count(sheet.lines)
    assert (blocks, rest) == find_tables(sheet.image, sheet.lines)
