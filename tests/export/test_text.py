from __future__ import annotations

from hypothesis import given

from crnn_ocr.document import Block, Document, Line, Page
from crnn_ocr.export.text import to_text
from tests.export.documents import documents
from tests.export.samples import DOCUMENT

BOX = ((0.0, 0.0), (9.0, 0.0), (9.0, 9.0), (0.0, 9.0))


def _page(*blocks: list[str]) -> Page:
    return Page(9, 9, tuple(Block(tuple(Line(text, 1.0, BOX) for text in block)) for block in blocks))


def test_one_row_per_line_and_an_empty_row_between_pages() -> None:
    document = Document((_page(["收据", "合计 5.00"], ["Thank you"]), _page(["2"])), "m/1")
    assert to_text(document) == "收据\n合计 5.00\nThank you\n\n2\n"


def test_nothing_for_nothing() -> None:
    assert to_text(Document((_page(),), "m/1")) == ""


def test_headline() -> None:
    assert to_text(Document((_page(["a"]),), "m/1"), source="x.png") == "==> x.png <==\na\n\n"
    assert to_text(Document((_page(),), "m/1"), source="x.png") == "==> x.png <==\n\n"


@given(documents)
def test_holds_the_text_as_it_is(document: Document) -> None:
    text = to_text(document)
    assert text == (document.text + "\n" if document.text else "")


def test_blocks_flow() -> None:
    """Headers, footers and page numbers are left out, paragraphs joined, and cells separated by tabs."""
    assert to_text(DOCUMENT) == (
        "1 Results & outlook\n\n"
        "The year was good, although some of the numbers are 5 < 6, and others are unsure?\n\n"
        "1.1 经营情况\n\n"
        "本年度公司经营情况良好，收入比上年增长了百分之十二，利润也有所增加。\n\n"
        "• First point\na) a detail of it\n• Second point\n\n"
        "Table 1: Costs\n\n"
        "Item\tAmount\nPaper\t-5.00\nInk\t\n\t12.50\n\n"
        "Figure 1: A gradient\n\n"
        "1 Without taxes.\n\n"
        "2 附表\n\n"
        "1. 第一条\n2. 第二条\n4. 第四条\n\n"
        "E = mc^2\n\n"
        "某某公司财务专用章\n\n"
        "表 2：金额\n\n"
        "项目\t金额（元）\t\n\t上期\t本期\n合计\t1,200.00\t=1+1\n"
    )


def test_blocks_without_text_leave_no_rows() -> None:
    assert to_text(Document((Page(9, 9), _page([""])), "m/1", layout="blocks")) == ""
    assert to_text(Document((), "m/1", layout="blocks"), source="x.png") == "==> x.png <==\n\n"
