from __future__ import annotations

from hypothesis import given

from crnn_ocr.document import Document
from crnn_ocr.export.text_formats.tsv import to_tsv
from tests.export.documents import all_documents
from tests.export.samples import DOCUMENT


def rows(document: Document) -> list[list[str]]:
    return [row.split("\t") for row in to_tsv(document).split("\n")[1:-1]]


def test_the_columns_of_tesseract() -> None:
    head = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext"
    assert to_tsv(DOCUMENT).startswith(head + "\n1\t1\t0\t0\t0\t0\t0\t0\t800\t1100\t-1\t\n")


def test_words_of_a_heading() -> None:
    found = [row for row in rows(DOCUMENT) if row[1:3] == ["1", "2"]]
    assert found == [
        ["2", "1", "2", "0", "0", "0", "80", "60", "285", "30", "-1", ""],
        ["3", "1", "2", "1", "0", "0", "80", "60", "285", "30", "-1", ""],
        ["4", "1", "2", "1", "1", "0", "80", "60", "285", "30", "-1", ""],
        ["5", "1", "2", "1", "1", "1", "80", "60", "15", "30", "97.00", "1"],
        ["5", "1", "2", "1", "1", "2", "110", "60", "105", "30", "97.00", "Results"],
        ["5", "1", "2", "1", "1", "3", "230", "60", "15", "30", "97.00", "&"],
        ["5", "1", "2", "1", "1", "4", "260", "60", "105", "30", "97.00", "outlook"],
    ]


def test_cells_are_paragraphs() -> None:
    table = [row for row in rows(DOCUMENT) if row[1:3] == ["2", "8"]]
    assert [row[11] for row in table if row[0] == "5"] == [
        "项目", "金额（元）", "上期", "本期", "合计", "1,200.00", "=1+1",
    ]  # fmt: skip
    assert [row[3] for row in table if row[0] == "3"] == list("1234567")


@given(all_documents)
def test_every_row_lies_on_the_page_and_counts_on(document: Document) -> None:
    sizes = {}
    former = [""] * 6
    for row in rows(document):
        level, page = int(row[0]), row[1]
        left, top, width, height = map(int, row[6:10])
        if level == 1:
            sizes[page] = (width, height)
        assert min(left, top, width, height) >= 0
        assert left + width <= sizes[page][0]
        assert top + height <= sizes[page][1]
        assert (float(row[10]) == -1) == (level < 5)
        if level > 1:  # the number of its own level is the next one, or the first below a new parent
            assert int(row[level]) == (int(former[level]) + 1 if former[1:level] == row[1:level] else 1)
        assert row[level + 1 : 6] == ["0"] * (5 - level)
        former = row
