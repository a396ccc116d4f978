"""Every format holds every character of the document once: what is written is read again and compared."""

from __future__ import annotations

import csv
from collections import Counter
from typing import Any

from hypothesis import given

from crnn_ocr.document import Document
from crnn_ocr.export import to_text
from crnn_ocr.export.kinds import PAGE_FURNITURE
from crnn_ocr.export.ocr_xml.alto import to_alto
from crnn_ocr.export.ocr_xml.hocr import to_hocr
from crnn_ocr.export.ocr_xml.page_xml import page_xml_files
from crnn_ocr.export.structure import split_marker
from crnn_ocr.export.text_formats.csv import csv_files, to_csv
from crnn_ocr.export.text_formats.markdown import to_markdown
from crnn_ocr.export.text_formats.tsv import to_tsv
from crnn_ocr.export.web.html import to_html
from crnn_ocr.export.web.report import to_report
from crnn_ocr.export.web.svg import to_svg
from crnn_ocr.layout.blocks.joining import join_lines
from tests.export.documents import all_documents, documents, structured_documents
from tests.export.rereading import (
    csv_rows,
    html_body,
    joined_text,
    lines_text,
    markdown_text,
    squeezed,
    xml_root,
)

FURNITURE = tuple(PAGE_FURNITURE)


@given(structured_documents)
def test_flowing_text(document: Document) -> None:
    assert squeezed(to_text(document)) == joined_text(document, FURNITURE)


@given(documents)
def test_markdown_by_lines(document: Document) -> None:
    assert markdown_text(to_markdown(document)) == lines_text(document)


@given(structured_documents)
def test_markdown(document: Document) -> None:
    # Bullets of the paper become bullets of Markdown, which are not text.
    bullets = Counter(
        sign
        for page in document.pages
        for block in page.blocks
        if block.kind == "list_item"
        for number, sign, _ in [split_marker(join_lines(block.lines))]
        if sign and not number
    )
    shown = Counter(markdown_text(to_markdown(document)))
    assert shown == Counter(joined_text(document, FURNITURE)) - bullets


@given(all_documents)
def test_html(document: Document) -> None:
    # Captions move into their tables, so the order may differ.
    expected = lines_text(document) if document.layout == "lines" else joined_text(document)
    body = html_body(to_html(document))
    for error in body.xpath('//p[@class="error"]'):
        error.drop_tree()
    assert Counter(squeezed(body.text_content())) == Counter(expected)


@given(all_documents)
def test_report(document: Document) -> None:
    body = html_body(to_report(document))
    texts = body.xpath('//div[@class="text"]')
    for remark in body.xpath('//p[@class="warning" or @class="error"]'):
        remark.drop_tree()
    shown = Counter(squeezed("".join(text.text_content() for text in texts)))
    assert shown == Counter(lines_text(document))


@given(structured_documents)
def test_csv(document: Document) -> None:
    expected = [
        squeezed(join_lines(cell.lines))
        for page in document.pages
        for block in page.blocks
        if block.table is not None
        for cell in block.table.cells
    ]
    files = [content for _, content in csv_files(document)]
    for contents in (files, [to_csv(document)]):
        cells = [squeezed(text) for content in contents for row in csv_rows(content) for text in row]
        assert [text for text in cells if text] == [text for text in expected if text]


@given(all_documents)
def test_tsv(document: Document) -> None:
    rows = list(csv.reader(to_tsv(document).split("\n")[:-1], delimiter="\t", quoting=csv.QUOTE_NONE))
    assert {len(row) for row in rows} == {12}
    assert squeezed("".join(row[11] for row in rows[1:])) == lines_text(document)


@given(all_documents)
def test_hocr(document: Document) -> None:
    for chars in (False, True):
        root = xml_root(to_hocr(document, source="a.png", chars=chars))
        body = root.find("{*}body")
        assert squeezed("".join(body.itertext())) == lines_text(document)


@given(all_documents)
def test_alto(document: Document) -> None:
    for chars in (False, True):
        root = xml_root(to_alto(document, source="a.png", chars=chars))
        blocks: dict[str, Any] = {element.get("ID"): element for element in root.iter("{*}*")}
        order = [reference.get("REF") for reference in root.iter("{*}ElementRef")]
        text = "".join(
            element.get("CONTENT") for id_ in order for element in blocks[id_].iter("{*}String", "{*}HYP")
        )
        assert squeezed(text) == lines_text(document)


@given(all_documents)
def test_page_xml(document: Document) -> None:
    for chars in (False, True):
        roots = [xml_root(content) for _, content in page_xml_files(document, source="a", chars=chars)]
        for level in ("TextLine", "Word", "TextRegion"):
            text = "".join(
                element.findtext("{*}TextEquiv/{*}Unicode")
                for root in roots
                for element in root.iter(f"{{*}}{level}")
            )
            assert squeezed(text) == lines_text(document)


@given(all_documents)
def test_svg(document: Document) -> None:
    root = xml_root(to_svg(document, source="a.png"))
    assert squeezed("".join(text.text for text in root.iter("{*}text"))) == lines_text(document)
