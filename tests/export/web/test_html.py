from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings

from crnn_ocr.document import Block, Document, Line, Page, Remark
from crnn_ocr.export.web.html import POLICY, to_html
from tests.export.documents import HOSTILE, all_documents, structured_documents
from tests.export.rereading import html_body
from tests.export.samples import DOCUMENT, block, box, picture

#: All elements that may ever stand in the body.
ELEMENTS = {
    "body", "main", "section", "p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "li", "table", "caption",
    "thead", "tbody", "tr", "th", "td", "figure", "img", "figcaption", "header", "footer", "br",
}  # fmt: skip


def tags(element: Any) -> list[str]:
    return [child.tag for child in element]


def test_the_sample() -> None:
    body = html_body(to_html(DOCUMENT, source="scan.png", picture=picture))
    first, second = body.findall("main/section")
    assert tags(first) == [
        "header", "h1", "p", "h2", "p", "ul", "table", "figure", "p", "footer",
    ]  # fmt: skip
    assert (first.get("lang"), second.get("lang")) == ("en", "zh")
    assert first.find("h1").get("id") == "p1.b2"
    assert first.find("h2").get("lang") == "zh"
    assert first.find("h2").text == "1.1 经营情况"
    items = first.find("ul").findall("li")
    assert [item.text for item in items] == ["• First point", "• Second point"]
    assert items[0].find("ul/li").text == "a) a detail of it"
    table = first.find("table")
    assert tags(table) == ["caption", "thead", "tbody"]
    assert table.findtext("caption") == "Table 1: Costs"
    assert [[cell.text for cell in row] for row in table.find("tbody")] == [
        ["Paper", "-5.00"],
        ["Ink", None],
        [None, "12.50"],
    ]
    figure = first.find("figure")
    assert tags(figure) == ["img", "figcaption"]
    assert figure.find("img").get("src").startswith("data:image/webp;base64,")
    spanning = second.find("table/thead").findall("tr/th")
    assert [(cell.text, cell.get("rowspan"), cell.get("colspan")) for cell in spanning] == [
        ("项目", "2", None), ("金额（元）", None, "2"), ("上期", None, None), ("本期", None, None),
    ]  # fmt: skip


def test_a_cell_that_reaches_from_the_head_into_the_body_shortens_the_head() -> None:
    grid = DOCUMENT.pages[1].blocks[7].table
    assert grid is not None
    short = replace(grid, header_rows=1)
    page = Page(800, 1100, (Block(short.lines, "table", 0, short),))
    table = html_body(to_html(replace(DOCUMENT, pages=(page,)))).find(".//table")
    assert table.find("thead") is None
    assert len(table.findall("tbody/tr")) == 3


@given(all_documents)
def test_nothing_but_our_own_elements(document: Document) -> None:
    body = html_body(to_html(document, source="<script>", picture=None))
    for element in body.iter():
        assert element.tag in ELEMENTS
        assert set(element.attrib) <= {"id", "class", "lang", "rowspan", "colspan", "src", "alt"}


def test_hostile_text_is_text() -> None:
    lines = tuple(Line(text, 1.0, box(0, 30.0 * at, 90, 30.0 * at + 20)) for at, text in enumerate(HOSTILE))
    written = to_html(Document((Page(9, 9, (Block(lines),)),), "m/1", layout="lines"), source=HOSTILE[1])
    assert "<script" not in written
    assert 'onload="' not in written
    assert written.encode("utf-8")
    assert written.count("<title>") == 1
    assert "&lt;/script&gt;" in written


def test_nothing_is_loaded_and_nothing_runs() -> None:
    written = to_html(DOCUMENT, picture=picture)
    assert f'content="{POLICY.replace(chr(39), "&#x27;")}"' in written
    assert "http://" not in written
    assert "https://" not in written
    assert "url(" not in written


@settings(max_examples=30)
@given(structured_documents)
def test_rows_of_tables_are_full(document: Document) -> None:
    """With their spans, the cells of every row fill it, as a browser lays them out."""
    body = html_body(to_html(document))
    grids = [one.table for page in document.pages for one in page.blocks if one.table is not None]
    for table, grid in zip(body.iter("table"), grids, strict=True):
        taken: set[tuple[int, int]] = set()
        for at, row in enumerate(table.iter("tr")):
            col = 0
            for cell in row:
                while (at, col) in taken:
                    col += 1
                down, right = int(cell.get("rowspan", 1)), int(cell.get("colspan", 1))
                places = {(y, x) for y in range(at, at + down) for x in range(col, col + right)}
                assert not places & taken
                taken |= places
        assert taken == {(row, col) for row in range(grid.rows) for col in range(grid.cols)}


def test_pages_that_could_not_be_read_say_so() -> None:
    failed = Page(0, 0, number=2, error=Remark("PDF_BROKEN", "The page is <broken>."))
    sections = html_body(to_html(replace(DOCUMENT, pages=(DOCUMENT.pages[0], failed)))).findall(
        "main/section"
    )
    assert sections[1].find("p").text == "Page 2: The page is <broken>."


def test_captions_of_other_places_are_paragraphs() -> None:
    page = Page(800, 1100, (block("caption", ["Figure 9"], 10), block("paragraph", ["text"], 60)))
    section = html_body(to_html(replace(DOCUMENT, pages=(page,)))).find("main/section")
    assert [(child.tag, child.get("class")) for child in section] == [("p", "caption"), ("p", None)]
