from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import docx
import numpy as np
import pypdfium2
import pytest
from docx.oxml.ns import qn
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from PIL import Image

from crnn_ocr.document import Block, Cell, Document, Line, Page, Table
from crnn_ocr.export import FORMATS, WriteOptions
from crnn_ocr.export.office.seams import goes_on, joined
from crnn_ocr.export.office.word_tables import column_widths
from crnn_ocr.pixels import Pixels
from tests.export.documents import HOSTILE, all_documents, documents
from tests.export.office.libreoffice import convert, needs_libreoffice
from tests.export.rereading import lines_text, squeezed
from tests.export.samples import DOCUMENT, SPANNING_TABLE, block, box, picture, table


def written(document: Document, **how: Any) -> bytes:
    content = FORMATS["docx"].write(document, WriteOptions(**how))
    assert isinstance(content, bytes)
    return content


def opened(*blocks: Block, more: tuple[Page, ...] = (), **how: Any) -> Any:
    pages = (Page(800, 1100, blocks), *more)
    return docx.Document(io.BytesIO(written(Document(pages, "test/1", layout="blocks"), **how)))


def styles_of(file: Any) -> list[tuple[str, str]]:
    return [(each.style.name, each.text) for each in file.paragraphs if each.text]


def test_the_sample() -> None:
    file = docx.Document(io.BytesIO(written(DOCUMENT, source="报告.png", picture=picture)))

    assert styles_of(file) == [
        ("Heading 1", "1 Results & outlook"),
        ("Normal", "The year was good, although some of the numbers are 5 < 6, and others are unsure?"),
        ("Heading 2", "1.1 经营情况"),
        ("Normal", "本年度公司经营情况良好，收入比上年增长了百分之十二，利润也有所增加。"),
        ("List Bullet", "First point"),
        ("List 2", "a) a detail of it"),
        ("List Bullet", "Second point"),
        ("Caption", "Table 1: Costs"),
        ("Caption", "Figure 1: A gradient"),
        ("Normal", "1 Without taxes."),
        ("Heading 1", "2 附表"),
        ("List Number", "第一条"),
        ("List Number", "第二条"),
        ("List Number", "第四条"),
        ("Normal", "E = mc^2"),
        ("Normal", "某某公司财务专用章"),
        ("Caption", "表 2：金额"),
    ]
    simple, spanning = file.tables
    assert [[cell.text for cell in row.cells] for row in simple.rows] == [
        ["Item", "Amount"], ["Paper", "-5.00"], ["Ink", ""], ["", "12.50"],
    ]  # fmt: skip
    # python-docx gives the text of a merged cell at each of its places.
    assert [[cell.text for cell in row.cells] for row in spanning.rows] == [
        ["项目", "金额（元）", "金额（元）"], ["项目", "上期", "本期"], ["合计", "1,200.00", "=1+1"],
    ]  # fmt: skip
    assert len(list(spanning._tbl.iter(qn("w:tblHeader")))) == 2
    right = [cell.text for row in simple.rows for cell in row.cells if cell.paragraphs[0].alignment]
    assert right == ["-5.00", "12.50"]
    assert file.core_properties.title == "报告.png"
    (shape,) = file.inline_shapes
    assert shape.width / file.sections[0].page_width == pytest.approx(0.5, abs=0.01)  # 400 of 800 pixels


def test_figures_show_what_is_on_the_page() -> None:
    def colours(number: int) -> Pixels:
        page = np.full((1100, 800, 3), 255, np.uint8)
        page[100:200, 100:300] = (255, 0, 0)  # blue
        page[100:110, 100:300] = (0, 0, 255)  # red on top
        return page

    figure = Block((), "figure", 0, None, box(100, 100, 300, 200))
    for rotation in (0, 90, 180, 270):
        page = Page(800, 1100, (figure,), rotation)
        content = written(Document((page,), "test/1", layout="blocks"), picture=colours)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            (name,) = (each for each in archive.namelist() if each.startswith("word/media/"))
            shown = Image.open(archive.open(name)).convert("RGB")
        assert shown.size == ((200, 100) if rotation % 180 == 0 else (100, 200))
        width, height = shown.size
        edge = {
            0: (width // 2, 3),
            90: (width - 4, height // 2),
            180: (width // 2, height - 4),
            270: (3, height // 2),
        }
        pixels = np.asarray(shown)
        for (x, y), colour in ((edge[rotation], (255, 0, 0)), ((width // 2, height // 2), (0, 0, 255))):
            assert abs(pixels[y, x].astype(int) - colour).max() < 60


def test_without_a_picture_there_is_no_figure() -> None:
    assert not opened(Block((), "figure", 0, None, box(1, 1, 50, 50))).inline_shapes


def numbers_shown(file: Any) -> list[str]:
    """The markers of the numbered items as Word counts them."""
    numbering = file.part.numbering_part.element
    shown: list[str] = []
    counts: dict[tuple[int, int], int] = {}
    for each in file.paragraphs:
        properties = each._p.pPr.numPr if each._p.pPr is not None else None
        if properties is None:
            continue
        name, level = properties.numId.val, properties.ilvl.val
        (own,) = (num for num in numbering.iterchildren(qn("w:num")) if num.get(qn("w:numId")) == str(name))
        kind = own.find(qn("w:abstractNumId")).get(qn("w:val"))
        starts = {
            int(override.get(qn("w:ilvl"))): int(override.find(qn("w:startOverride")).get(qn("w:val")))
            for override in own.iterchildren(qn("w:lvlOverride"))
        }
        counts[name, level] = counts.get((name, level), starts.get(level, 1) - 1) + 1
        (form,) = (
            entry.find(qn("w:lvlText")).get(qn("w:val"))
            for abstract in numbering.iterchildren(qn("w:abstractNum"))
            if abstract.get(qn("w:abstractNumId")) == kind
            for entry in abstract.iterchildren(qn("w:lvl"))
            if entry.get(qn("w:ilvl")) == str(level)
        )
        shown.append(form.replace(f"%{level + 1}", str(counts[name, level])))
    return shown


def test_items_keep_their_printed_numbers() -> None:
    printed = ["3. a", "4. b", "1) c", "2) d", "5. e", "9. f", "9. g"]
    levels = [1, 1, 2, 2, 1, 1, 1]

    file = opened(
        *(
            block("list_item", [text], 40 * n, level)
            for n, (text, level) in enumerate(zip(printed, levels, strict=True))
        )
    )

    assert numbers_shown(file) == [text.split()[0] for text in printed]
    assert [text for _, text in styles_of(file)] == [text.split()[1] for text in printed]


@given(st.lists(st.tuples(st.integers(0, 40_000), st.sampled_from(".)"), st.integers(1, 5)), max_size=8))
@settings(max_examples=25)
def test_no_number_is_lost(items: list[tuple[int, str, int]]) -> None:
    file = opened(
        *(
            block("list_item", [f"{number}{sign} x"], 40 * n, level)
            for n, (number, sign, level) in enumerate(items)
        )
    )

    shown = iter(numbers_shown(file))
    found = [
        each.text
        if each.style.name.startswith("List") and "Number" not in each.style.name
        else f"{next(shown)} x"
        for each in file.paragraphs
    ]
    assert found == [f"{number}{sign} x" for number, sign, _ in items]


def test_pages() -> None:
    first = block("paragraph", ["本页最后一段没有写完，"], 900)
    rest = block("paragraph", ["所以在下一页继续。"], 40)
    last = block("heading", ["End"], 40, 1)
    file = opened(
        first, more=(Page(800, 1100, (rest,), number=2), Page(800, 1100, (last, SPANNING_TABLE), number=3))
    )

    assert styles_of(file) == [("Normal", "本页最后一段没有写完，所以在下一页继续。"), ("Heading 1", "End")]
    assert [each.paragraph_format.page_break_before for each in file.paragraphs[:2]] == [None, True]


def test_a_page_that_begins_with_a_table() -> None:
    file = opened(SPANNING_TABLE, more=(Page(800, 1100, (SPANNING_TABLE, SPANNING_TABLE), number=2),))

    tags = [etree.QName(each).localname for each in file.element.body]
    assert tags == ["tbl", "p", "tbl", "p", "tbl", "p", "sectPr"]
    assert file.paragraphs[0].paragraph_format.page_break_before


def test_headers_and_footers() -> None:
    def page(number: int, header: str) -> Page:
        blocks = (
            block("header", [header], 10),
            block("footer", ["机密"], 1050),
            block("page_number", [f"- {number + 4} -"], 1080),
        )
        return Page(800, 1100, blocks, number=number)

    file = docx.Document(
        io.BytesIO(written(Document((page(1, "A"), page(2, "B"), page(3, "B")), "t/1", layout="blocks")))
    )

    section = file.sections[0]
    assert section.header.paragraphs[0].text == ""
    assert [each.text for each in section.footer.paragraphs] == ["机密", ""]
    assert 'w:instr="PAGE"' in section.footer._element.xml
    assert section._sectPr.find(qn("w:pgNumType")).get(qn("w:start")) == "5"
    assert file.paragraphs == [] or styles_of(file) == []


def test_chinese_fonts_and_languages() -> None:
    styles = docx.Document(io.BytesIO(written(DOCUMENT))).styles.element

    fonts = {each.get(qn("w:eastAsia")) for each in styles.iter(qn("w:rFonts"))}
    assert fonts == {"SimSun", "SimHei"}
    assert not [each for each in styles.iter(qn("w:rFonts")) if each.get(qn("w:eastAsiaTheme"))]
    assert {each.get(qn("w:eastAsia")) for each in styles.iter(qn("w:lang"))} == {"zh-CN"}


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text(text: str) -> None:
    file = opened(*(block(kind, [text], 100, 1) for kind in ("paragraph", "heading", "list_item", "caption")))

    assert all(
        char == "\n" or char.isprintable() or char.isspace() or char == "\ufffd"
        for each in file.paragraphs
        for char in each.text
    )


def test_seams() -> None:
    assert goes_on("a divided wo-", "rd")
    assert joined("a divided wo-", "rd goes on") == "a divided word goes on"
    assert goes_on("本段没有写完", "就到了下一页")
    assert joined("没写完，", "就完了") == "没写完，就完了"
    assert goes_on("and then", "it went on")
    assert joined("and then", "it went on") == "and then it went on"
    assert not goes_on("It is done.", "it")
    assert not goes_on("写完了。", "新的一段")
    assert not goes_on("and then", "A new one")
    assert not goes_on("", "x")
    assert not goes_on("x", "")


def test_widths_as_printed() -> None:
    place = Line("x", 1, box(0, 0, 10, 10))
    cells = tuple(
        Cell(row, col, 1, 1, (place,), box(left, 20 * row, right, 20 * row + 20))
        for row in range(2)
        for col, (left, right) in enumerate([(0, 100), (100, 400), (400, 500)])
    )

    assert column_widths(Table(2, 3, cells), 5000) == [1000, 3000, 1000]
    assert column_widths(Table(2, 3, cells), 5000, 90) == [1667, 1667, 1667]


@settings(max_examples=30)
@given(all_documents)
def test_any_document(document: Document) -> None:
    content = written(document)

    assert content == written(document)
    file = docx.Document(io.BytesIO(content))
    tables = [each.table for page in document.pages for each in page.blocks if each.table is not None]
    assert len(file.tables) == len(tables)
    for own, grid in zip(file.tables, tables, strict=True):
        assert (len(own.rows), len(own.columns)) == (grid.rows, grid.cols)
        assert all(len(row.cells) == grid.cols for row in own.rows)


@settings(max_examples=40)
@given(documents)
def test_no_text_is_lost(document: Document) -> None:
    file = docx.Document(io.BytesIO(written(document)))

    assert squeezed("".join(each.text for each in file.paragraphs)) == lines_text(document)


def test_large_tables() -> None:
    block_ = table([[f"{row}.{col}" for col in range(50)] for row in range(500)], 0, {})
    (made,) = opened(block_).tables
    assert len(made._tbl.tr_lst) == 500
    wide = table([[str(col) for col in range(100)]], 0, {})
    assert opened(wide).paragraphs[0].text.split("\t") == [str(col) for col in range(100)]


@needs_libreoffice
def test_libreoffice_shows_it(tmp_path: Path) -> None:
    path = tmp_path / "a.docx"
    path.write_bytes(written(DOCUMENT, picture=picture))

    convert(path, "pdf")

    shown = pypdfium2.PdfDocument(tmp_path / "a.pdf")
    texts = ["".join(page.get_textpage().get_text_range().split()) for page in shown]
    assert len(texts) == 2
    assert "1.1经营情况" in texts[0]
    assert "Paper-5.00" in texts[0]
    assert all(item in texts[1] for item in ("1.第一条", "2.第二条", "4.第四条", "合计1,200.00=1+1"))
