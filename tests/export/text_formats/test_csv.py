from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.export import FORMATS, WriteOptions
from crnn_ocr.export.files import output_files, single_file
from crnn_ocr.export.text_formats.csv import csv_files, neutral, to_csv
from tests.export.documents import HOSTILE
from tests.export.samples import DOCUMENT, table

BOM = "\ufeff"
FIRST = "Item,Amount\r\nPaper,-5.00\r\nInk,\r\n,12.50\r\n"
SECOND = '项目,金额（元）,\r\n,上期,本期\r\n合计,"1,200.00",\'=1+1\r\n'


def test_one_file_per_table() -> None:
    files = [(name, content.decode()) for name, content in csv_files(DOCUMENT)]
    assert files == [("table1", BOM + FIRST), ("table2", BOM + SECOND)]


def test_one_file_for_all_tables() -> None:
    assert to_csv(DOCUMENT).decode() == BOM + FIRST + "\r\n" + SECOND


def test_names_of_files() -> None:
    def suffixes(*pages: int) -> list[str]:
        part = replace(DOCUMENT, pages=tuple(DOCUMENT.pages[page] for page in pages))
        return [file.suffix for file in output_files(part, FORMATS["csv"], WriteOptions())]

    assert suffixes(0, 1) == [".table1.csv", ".table2.csv"]
    assert suffixes(1) == [".csv"]
    assert suffixes() == []
    nothing = single_file(replace(DOCUMENT, pages=()), FORMATS["csv"], WriteOptions())
    assert (nothing.suffix, nothing.content.decode()) == (".csv", BOM)


@pytest.mark.parametrize(
    "text",
    ["=1+1", "=cmd|' /C calc'!A0", "+1+1", "+86 10 1234-5678", "-2+3", "-cmd", "@SUM(A1)", "＝1+1", "＠x",
     "-1-2", "+", "=", "-5.00)", "--1"],
)  # fmt: skip
def test_formulas_become_text(text: str) -> None:
    assert neutral(text) == f"'{text}"


@pytest.mark.parametrize(
    "text",
    ["-5.00", "+3", "-1,234,567.89", "-3.5%", "+12 ％", "-￥5.00", "-$ 1,200", "- 7", "-", "--", "5-3", "",
     "a=b", "'x", "—", "1.200,50"],
)  # fmt: skip
def test_numbers_and_text_stay(text: str) -> None:
    assert neutral(text) == text


@pytest.mark.parametrize("text", HOSTILE)
def test_no_cell_begins_with_a_formula(text: str) -> None:
    document = replace(DOCUMENT, pages=(replace(DOCUMENT.pages[0], blocks=(table([[text, "b"]], 0, {}),)),))
    rows = list(csv.reader(io.StringIO(to_csv(document).decode("utf-8-sig"), newline="")))
    assert [len(row) for row in rows] == [2]
    assert not rows[0][0].startswith(("=", "+", "@", "\t", "\r", "\n"))
    assert not rows[0][0].startswith("-") or rows[0][0] == "-"


@given(st.text())
def test_neutral_text_is_never_a_formula(text: str) -> None:
    safe = neutral(text)
    assert safe.removeprefix("'") == text.removeprefix("'")
    assert not safe.startswith(("=", "@"))
