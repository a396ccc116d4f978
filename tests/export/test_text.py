from __future__ import annotations

from hypothesis import given

from crnn_ocr.document import Block, Document, Line, Page
from crnn_ocr.export.text import to_text
from tests.export.documents import documents

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
