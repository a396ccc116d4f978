from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings

from crnn_ocr.document import Block, Cell, Document, Line, Page, Table
from crnn_ocr.errors import MissingExtraError
from crnn_ocr.export import FORMATS, WriteOptions
from crnn_ocr.export.escaping import clean
from crnn_ocr.layout.blocks.joining import join_lines
from tests.export.documents import HOSTILE, all_documents
from tests.export.office.libreoffice import convert, needs_libreoffice
from tests.export.office.workbooks import StoredSheet, read
from tests.export.samples import DOCUMENT, SPANNING_TABLE, box, line, table


def written(document: Document) -> bytes:
    content = FORMATS["xlsx"].write(document, WriteOptions())
    assert isinstance(content, bytes)
    return content


def sheets_of(*blocks: Block, **more: Page) -> dict[str, StoredSheet]:
    pages = (Page(800, 1100, blocks), *more.values())
    return read(written(Document(pages, "test/1", layout="blocks")))


def contents(sheet: StoredSheet) -> dict[str, object]:
    return {place: cell.content for place, cell in sheet.cells.items() if cell.content is not None}


def test_the_sample() -> None:
    book = read(written(DOCUMENT))

    assert list(book) == ["Table 1 (page 1)", "Table 2 (page 2)", "Text"]
    assert contents(book["Table 1 (page 1)"]) == {
        "A1": "Item", "B1": "Amount", "A2": "Paper", "B2": -5.0, "A3": "Ink", "B4": 12.5,
    }  # fmt: skip
    spanning = book["Table 2 (page 2)"]
    assert spanning.merged == ["A1:A2", "B1:C1"]
    assert spanning.frozen == 2
    assert spanning.cells["B3"].content == 1200
    assert spanning.cells["B3"].form == "#,##0.00"
    assert spanning.cells["C3"].content == "=1+1"
    assert spanning.cells["C3"].quoted
    assert [spanning.cells[place].bold for place in ("A1", "B1", "B2", "A3")] == [True, True, True, False]
    text = contents(book["Text"])
    assert [text[f"{column}2"] for column in "ABCD"] == [1, "p1.b1", "Page header", "Annual report 2026"]
    assert "Paper" not in text.values()


def test_without_tables() -> None:
    book = sheets_of(Block((line("One line", 0, 0),)))

    assert list(book) == ["Text"]
    assert contents(book["Text"])["D2"] == "One line"


def cells_of(rows: list[list[str | None]], heads: int = 0, confidence: float = 0.97) -> StoredSheet:
    block = table(rows, 100, {}, heads)
    assert block.table is not None
    cells = tuple(
        Cell(
            each.row,
            each.col,
            1,
            1,
            tuple(Line(own.text, confidence, own.polygon) for own in each.lines),
            each.polygon,
        )
        for each in block.table.cells
    )
    grid = Table(block.table.rows, block.table.cols, cells, heads)
    return sheets_of(Block(grid.lines, "table", 0, grid))["Table 1"]


def test_a_column_decides_about_commas() -> None:
    sheet = cells_of([["1.234", "1,234"], ["12,50", "12.50"], ["1.234,5", "x"]])

    assert contents(sheet) == {"A1": 1234.0, "B1": 1234.0, "A2": 12.5, "B2": 12.5, "A3": 1234.5, "B3": "x"}


def test_heads_stay_text() -> None:
    assert contents(cells_of([["2023", "2024"], ["1", "2"]], heads=1)) == {
        "A1": "2023", "B1": "2024", "A2": 1.0, "B2": 2.0,
    }  # fmt: skip


def test_dates_are_days() -> None:
    sheet = cells_of([["2024-01-31"], ["1900-03-01"]])

    assert sheet.cells["A1"].content == 45322  # days since 1899-12-30
    assert sheet.cells["A2"].content == 61
    assert sheet.cells["A1"].form == "yyyy-mm-dd"


@pytest.mark.parametrize(
    ("confidence", "content", "filled"), [(0.95, 5.0, False), (0.85, 5.0, True), (0.75, "5.0", True)]
)
def test_doubtful_cells(confidence: float, content: float | str, filled: bool) -> None:
    cell = cells_of([["5.0"]], confidence=confidence).cells["A1"]

    assert (cell.content, cell.filled) == (content, filled)


def test_widths_count_full_width_characters_twice() -> None:
    narrow, wide, long = cells_of([["abcdef", "中文字符六个", "x" * 300]]).widths

    assert narrow < wide < long
    assert (narrow, wide, long) == pytest.approx((8.7, 14.7, 60.7), abs=0.1)


def test_a_table_over_pages_is_one_sheet() -> None:
    rows: list[list[str | None]] = [["Item", "Amount"], ["Paper", "1"]]
    first = table(rows, 100, {})
    more = table([["Item", "Amount"], ["Ink", "2"]], 100, {})
    other = table([["Other", "Head"], ["Pen", "3"]], 100, {})

    def after(block: Block, former: str) -> Block:
        assert block.table is not None
        grid = Table(block.table.rows, block.table.cols, block.table.cells, block.table.header_rows, former)
        return Block(grid.lines, "table", 0, grid)

    pages = (
        Page(800, 1100, (first,)),
        Page(800, 1100, (after(more, "p1.b1"),), number=2),
        Page(800, 1100, (after(other, "p2.b1"), after(more, "p9.b9")), number=3),
    )
    book = read(written(Document(pages, "test/1", layout="blocks")))

    assert list(book) == ["Table 1 (pages 1-3)", "Table 2 (page 3)", "Text"]
    assert [*contents(book["Table 1 (pages 1-3)"]).values()] == [
        "Item", "Amount", "Paper", 1.0, "Ink", 2.0, "Other", "Head", "Pen", 3.0,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", [*HOSTILE, "http://example.org", "mailto:a@b.c", "{=1}", "_x0041_", "x" * 40_000]
)
def test_hostile_cells_stay_text(text: str) -> None:
    place = box(0, 0, 10, 10)
    own = Line(text, 0.99, place)
    grid = Table(1, 1, (Cell(0, 0, 1, 1, (own,), place),))

    book = sheets_of(Block(grid.lines, "table", 0, grid), Block((own,)))

    stored = book["Table 1"].cells["A1"]
    assert (stored.content or "") == clean(join_lines((own,)))[:32_767]
    assert stored.quoted == str(stored.content or "").startswith(("=", "+", "-", "@"))
    assert (book["Text"].cells["D2"].content or "") == clean(text)[:32_767]


def test_columns_beyond_those_of_excel_are_on_the_text_sheet() -> None:
    book = sheets_of(table([[f"t{col}" for col in range(16_386)]], 100, {}, 0))

    assert len(contents(book["Table 1"])) == 16_384
    text = contents(book["Text"])
    assert [[text.get(f"{column}{row}") for column in "ABCD"] for row in (2, 3, 4)] == [
        [1, "Table 1, row 1, column 16385", "Table", "t16384"],
        [1, "Table 1, row 1, column 16386", "Table", "t16385"],
        [None] * 4,
    ]


def test_rows_beyond_those_of_excel_are_on_the_text_sheets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crnn_ocr.export.office.xlsx._MOST_ROWS", 4)
    spanning = table([["a"], ["b"], ["c"], ["d"], [None], ["e"]], 100, {(3, 0): (2, 1)}, 0)
    lines = Block(tuple(line(f"line {at}", 0, 30 * at) for at in range(5)))

    book = sheets_of(spanning, lines)

    assert list(book) == ["Table 1", "Text", "Text 2", "Text 3"]
    assert [*contents(book["Table 1"]).values()] == ["a", "b", "c"]
    texts = [contents(book[name]).get(f"D{row}") for name in [*book][1:] for row in (2, 3, 4)]
    assert texts == [*(f"line {at}" for at in range(5)), "d", "e", None, None]


def test_long_texts_go_on_in_further_rows() -> None:
    text = "".join(chr(0x4E00 + at % 20_000) for at in range(70_000))
    place = box(0, 0, 10, 10)
    own = Line(text, 0.99, place)
    grid = Table(1, 1, (Cell(0, 0, 1, 1, (own,), place),))

    book = sheets_of(Block(grid.lines, "table", 0, grid), Block((own,)))

    rows = [str(contents(book["Text"])[f"D{row}"]) for row in range(2, 7)]
    assert "".join(rows[:3]) == text
    assert str(contents(book["Table 1"])["A1"]) + "".join(rows[3:]) == text


@settings(max_examples=30)
@given(all_documents)
def test_any_document(document: Document) -> None:
    content = written(document)

    assert content == written(document)
    book = read(content)
    lines = [
        each
        for page in document.pages
        for block in page.blocks
        if block.table is None
        for each in block.lines
    ]
    texts = [cell.content or "" for place, cell in book["Text"].cells.items() if place.startswith("D")]
    assert texts[1:] == [clean(each.text) for each in lines]
    if len({page.number for page in document.pages}) == len(document.pages):
        tables = [block.table for page in document.pages for block in page.blocks if block.table is not None]
        filled = sum(bool(clean(join_lines(cell.lines))) for own in tables for cell in own.cells)
        stored = [cell.content for name in book if name != "Text" for cell in book[name].cells.values()]
        assert sum(content is not None for content in stored) == filled


@pytest.mark.parametrize(("rows", "cols"), [(500, 50), (1, 300)])
def test_large_tables(rows: int, cols: int) -> None:
    sheet = cells_of([[f"{row}.{col}" for col in range(cols)] for row in range(rows)])

    assert len(contents(sheet)) == rows * cols


def test_a_missing_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for name, extra in (("xlsx", "office"), ("docx", "office"), ("pdf", "pdf")):
        with pytest.raises(MissingExtraError, match=f"extra `{extra}`") as raised:
            FORMATS[name].write(DOCUMENT, WriteOptions())
        assert f"pip install 'crnn-ocr[{extra}]'" in raised.value.hint


def test_formats_load_their_libraries_on_use() -> None:
    heavy = "{'xlsxwriter', 'docx', 'pikepdf', 'numpy', 'cv2'}"
    code = f"import sys, crnn_ocr.export; print({heavy} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


@needs_libreoffice
def test_libreoffice_shows_what_was_printed(tmp_path: Path) -> None:
    rows = [
        ["1,234.56", "-5.00", "(12.50)", "12.5 %", "￥5,999.00", "100 元"],
        ["2024-01-31", "2024年1月31日", "007", "13812345678", "=1+1", "+3"],
    ]
    block = table([[*row] for row in rows], 100, {}, heads=0)
    path = tmp_path / "a.xlsx"
    path.write_bytes(
        written(Document((Page(800, 1100, (block, SPANNING_TABLE)),), "test/1", layout="blocks"))
    )

    # All sheets as UTF-8, cells as they are shown, nothing as a formula.
    convert(path, "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,true,false,false,-1")

    with (tmp_path / "a-Table 1.csv").open(encoding="utf-8") as stream:
        assert [*csv.reader(stream)] == rows
    with (tmp_path / "a-Table 2.csv").open(encoding="utf-8") as stream:
        assert [*csv.reader(stream)] == [
            ["项目", "金额（元）", ""],
            ["", "上期", "本期"],
            ["合计", "1,200.00", "=1+1"],
        ]
