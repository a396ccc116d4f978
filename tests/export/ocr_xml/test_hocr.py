from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from hypothesis import given, settings

from crnn_ocr.document import Document
from crnn_ocr.export.ocr_xml.hocr import to_hocr
from tests.export.documents import all_documents
from tests.export.rereading import xml_root
from tests.export.samples import DOCUMENT

#: Classes of hOCR 1.2 that may stand directly in the area of each class.
_INSIDE = {
    "ocr_page": {
        "ocr_carea", "ocr_table", "ocr_image", "ocr_caption", "ocr_header", "ocr_footer", "ocr_pageno",
        "ocr_textfloat", "ocr_display", "ocr_photo",
    },
    "ocr_carea": {"ocr_par", "ocr_chapter", "ocr_section", "ocr_subsection", "ocr_subsubsection"},
    "ocr_line": {"ocrx_word"},
    "ocrx_word": {"ocrx_cinfo"},
    "ocrx_cinfo": set(),
}  # fmt: skip
_BBOX = re.compile(r"(?:^|; )(?:bbox|x_bboxes) (\d+) (\d+) (\d+) (\d+)(?:;|$)")


def root(document: Document, **how: Any) -> Any:
    return xml_root(to_hocr(document, **how))


def parent_of(element: Any) -> Any:
    """Return the nearest element around this one that has a class."""
    return next(up for up in element.iterancestors() if up.get("class"))


def check(tree: Any) -> None:
    """Check what `hocr-check` checks: what is declared, what stands in what, and properties."""
    declared = set(tree.find(".//{*}meta[@name='ocr-capabilities']").get("content").split())
    ids = [element.get("id") for element in tree.iter("{*}*") if element.get("id")]
    assert len(ids) == len(set(ids))
    pages = list(tree.find("{*}body"))
    assert tree.find(".//{*}meta[@name='ocr-number-of-pages']").get("content") == str(len(pages))
    for element in tree.find("{*}body").iter("{*}*"):
        class_ = element.get("class")
        if class_ is None:
            continue
        assert class_ in declared or class_ == "ocrx_cinfo"
        title = element.get("title")
        left, top, right, bottom = map(int, _BBOX.search(title).groups())  # type: ignore[union-attr]
        assert 0 <= left <= right
        assert 0 <= top <= bottom
        if class_ == "ocr_page":
            assert element in pages
            assert title.startswith('image "')
            assert f"ppageno {pages.index(element)}" in title
            continue
        up = parent_of(element).get("class")
        assert class_ in _INSIDE.get(up, {"ocr_line"}), (up, class_)
        if class_ == "ocrx_word":
            assert 0 <= int(re.search(r"x_wconf (\d+)$", title)[1]) <= 100  # type: ignore[index]
            assert "".join(element.itertext()).strip()


@settings(max_examples=50)
@given(all_documents)
def test_every_document_follows_the_specification(document: Document) -> None:
    for chars in (False, True):
        check(root(document, source='a "b"; c.png', chars=chars))


def test_kinds_become_classes() -> None:
    tree = root(DOCUMENT, source="scan.png")
    page = tree.find("{*}body")[0]
    assert page.get("title") == 'image "scan.png"; bbox 0 0 800 1100; ppageno 0'
    classes = [
        block.get("class") if block.get("class") != "ocr_carea" else block[0].get("class") for block in page
    ]
    assert classes == [
        "ocr_header", "ocr_chapter", "ocr_par", "ocr_section", "ocr_par", "ocr_par", "ocr_par", "ocr_par",
        "ocr_caption", "ocr_table", "ocr_image", "ocr_caption", "ocr_textfloat", "ocr_pageno",
    ]  # fmt: skip
    assert page[1][0].tag.endswith("h1")
    assert page[3][0].tag.endswith("h2")
    assert tree.get("lang") == "en"
    assert page.get("lang") == "en"


def test_words_have_boxes_and_confidences() -> None:
    words = [
        ("".join(word.itertext()), word.get("title"))
        for word in root(DOCUMENT).iter("{*}span")
        if word.get("class") == "ocrx_word" and word.get("id").startswith("p1.b2.")
    ]
    assert words == [
        ("1", "bbox 80 60 95 90; x_wconf 97"),
        ("Results", "bbox 110 60 215 90; x_wconf 97"),
        ("&", "bbox 230 60 245 90; x_wconf 97"),
        ("outlook", "bbox 260 60 365 90; x_wconf 97"),
    ]


def test_chinese_has_no_blanks() -> None:
    lines = [line for line in root(DOCUMENT).iter("{*}span") if line.get("class") == "ocr_line"]
    texts = ["".join(line.itertext()) for line in lines]
    assert "本年度公司经营情况良好，收入比上年增长了百分之" in texts


def test_tables_keep_spans_and_empty_cells() -> None:
    first, second = (element for element in root(DOCUMENT).iter("{*}table"))
    assert [["".join(cell.itertext()) for cell in row] for row in first.iter("{*}tr")] == [
        ["Item", "Amount"], ["Paper", "-5.00"], ["Ink", ""], ["", "12.50"],
    ]  # fmt: skip
    head = next(second.iter("{*}tr"))
    assert [(cell.tag.partition("}")[2], cell.get("rowspan"), cell.get("colspan")) for cell in head] == [
        ("th", "2", None),
        ("th", None, "2"),
    ]


def test_turned_pages_tell_the_angle_of_their_text() -> None:
    page = replace(DOCUMENT.pages[0], rotation=90, dpi=300.0)
    tree = root(replace(DOCUMENT, pages=(page,)))
    lines = [line for line in tree.iter("{*}span") if line.get("class") == "ocr_line"]
    assert all(line.get("title").endswith("; textangle 90") for line in lines)
    assert "scan_res 300 300" in tree.find("{*}body")[0].get("title")
