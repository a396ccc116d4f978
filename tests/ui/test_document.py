"""The tab Document: blocks as a person would write them, linked with the picture; tables that are tables."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from crnn_ocr.document import Block, Document
from crnn_ocr.document import Page as DocumentPage
from crnn_ocr.layout.blocks.joining import join_lines
from crnn_ocr.options import ReadOptions
from tests.ui.conftest import Opener
from tests.ui.scenes import Stage, clipboard, line, lines, picture, read, read_again, report, said

JOINED = "Sales went up in all regions but one."
HTML = """async () => {
    const [item] = await navigator.clipboard.read();
    return (await item.getType("text/html")).text();
}"""


def opened(open_page: Opener, stage: Stage, **context: object) -> Page:
    stage.play(report)
    view = open_page(tab="document", **context)
    read(view)
    expect(view.locator(".doc-block")).to_have_count(9)
    return view


def cells(view: Page) -> Locator:
    return view.locator(".grid th, .grid td")


def test_the_document_is_what_a_new_user_sees_first(open_page: Opener, stage: Stage) -> None:
    stage.play(report)
    view = open_page(tab="")
    read(view)
    expect(view.get_by_role("tab", name="Document")).to_have_attribute("aria-selected", "true")
    expect(view.get_by_role("heading", name="Quarterly report")).to_be_visible()
    view.locator("#tab-data").click()
    view.reload()  # the tab is remembered
    expect(view.locator("#tab-data")).to_have_attribute("aria-selected", "true")
    # An earlier page had other tabs.
    view.evaluate("localStorage.setItem('crnn-ocr.prefs', JSON.stringify({ view: 'paragraphs' }))")
    view.reload()
    expect(view.locator("#tab-document")).to_have_attribute("aria-selected", "true")


def test_blocks_are_what_they_were_on_paper(open_page: Opener, stage: Stage) -> None:
    view = opened(open_page, stage)
    expect(view.get_by_role("heading", name="Quarterly report")).to_have_attribute("data-level", "1")
    expect(view.locator(".doc-paragraph")).to_have_text([JOINED, "中文的段落在换行时不需要空格。"])
    columns = view.locator(".doc-columns > div")
    expect(columns).to_have_text([JOINED, "中文的段落在换行时不需要空格。"])
    places = "all => all.map((one) => one.getBoundingClientRect()).map(({ x, y }) => [x, y])"
    first, second = columns.evaluate_all(places)
    assert abs(first[1] - second[1]) < 1 < second[0] - first[0]
    expect(view.get_by_role("list").locator("li.doc-list_item")).to_have_text(
        ["• open a shop", "• print the catalogue"]
    )
    expect(view.locator("mark.unsure")).to_have_text("s")
    # The figure is cut from the picture.
    figure = view.get_by_role("img", name="Figure")
    figure.scroll_into_view_if_needed()
    size = figure.locator("canvas").evaluate("one => [one.width, one.height]")
    assert abs(size[0] / size[1] - 300 / 140) < 0.02


def test_lines_that_no_layout_was_asked_for_stay_rows(open_page: Opener) -> None:
    view = open_page(tab="document")
    read(view)
    assert view.locator(".doc-paragraph").inner_text().count("\n") == 2


def test_a_table_is_a_table(open_page: Opener, stage: Stage) -> None:
    view = opened(open_page, stage)
    grid = view.get_by_role("grid", name=re.compile("4 rows and 3 columns"))
    expect(grid.get_by_role("columnheader")).to_have_text(["Region", "Quarter", "Orders", "Sum"])
    expect(grid.locator("tbody td")).to_have_text(["North", "", "48.50", "South", "310", ""])
    expect(cells(view).nth(0)).to_have_attribute("rowspan", "2")
    expect(cells(view).nth(1)).to_have_attribute("colspan", "2")


def test_no_column_moves_when_a_table_is_copied(open_page: Opener, stage: Stage) -> None:
    view = opened(open_page, stage)
    view.get_by_role("button", name="Copy for Excel").click()
    expect(said(view)).to_have_text("The table is copied; paste it into a sheet.")
    assert clipboard(view).splitlines() == [
        "Region\tQuarter\t",
        "\tOrders\tSum",
        "North\t\t48.50",
        "South\t310\t",
    ]
    html = view.evaluate(HTML)
    assert "<td>North</td><td></td><td>48.50</td>" in html
    assert 'rowspan="2"' in html
    assert 'colspan="2"' in html
    assert "class=" not in html


def test_the_whole_document_is_copied_with_its_form(open_page: Opener, stage: Stage) -> None:
    view = opened(open_page, stage)
    view.get_by_role("button", name="Copy all").click()
    expect(said(view)).to_have_text("Copied")
    text = clipboard(view)
    assert text.startswith(f"Quarterly report\n\n{JOINED}\n\n中文的段落在换行时不需要空格。")
    assert text.endswith("• open a shop\n• print the catalogue")  # the number of the page is no text
    html = view.evaluate(HTML)
    assert f"<h1>Quarterly report</h1><p>{JOINED}</p>" in html
    assert "<table" in html


def test_blocks_and_picture_show_each_other(open_page: Opener, stage: Stage) -> None:
    view = opened(open_page, stage)
    boxes, blocks = view.locator("polygon.box"), view.locator(".doc-block")
    view.locator(".doc-line", has_text="gions but one").hover()
    expect(boxes.nth(2)).to_have_class(re.compile("is-hovered"))
    expect(view.locator("polygon.block-outline")).to_have_count(1)
    shown = view.locator(".lens-line")
    shown.nth(3).hover()
    expect(blocks.nth(2)).to_have_class(re.compile("is-hovered"))
    shown.nth(0).click()
    expect(view.locator(".doc-line.is-active")).to_have_text("Quarterly report")
    # The grid of a table lies over the picture while one works with it.
    cells(view).nth(4).click()
    expect(view.locator("polygon.block-cell")).to_have_count(10)
    expect(boxes.nth(10)).to_have_class(re.compile("is-active"))
    # A figure has no lines: it is pointed at and chosen as a whole, on either side.
    figure = view.locator("polygon.block-figure")
    figure.hover()
    expect(blocks.nth(7)).to_have_class(re.compile("is-hovered"))
    figure.click()
    expect(blocks.nth(7)).to_have_class(re.compile("is-active"))
    shown.nth(0).click()
    expect(blocks.nth(7)).not_to_have_class(re.compile("is-active"))
    view.get_by_role("img", name="Figure").click()
    expect(view.locator("polygon.block-outline.is-active")).to_have_count(1)


def test_cells_are_edited_like_those_of_a_sheet(open_page: Opener, stage: Stage) -> None:
    view = opened(open_page, stage)
    cells(view).nth(6).click()  # 48.50
    expect(cells(view).nth(6)).to_be_focused()
    view.keyboard.press("ArrowUp")
    expect(cells(view).nth(3)).to_be_focused()
    view.keyboard.press("ArrowUp")
    expect(cells(view).nth(1)).to_be_focused()  # over the column that it spans
    view.keyboard.press("ArrowDown")
    view.keyboard.press("ArrowDown")
    expect(cells(view).nth(5)).to_be_focused()
    view.keyboard.type("1,204")  # typing is enough
    view.keyboard.press("Tab")
    expect(cells(view).nth(5)).to_have_text("1,204")
    field = view.locator(".grid textarea")
    expect(field).to_have_value("48.50")
    field.fill("49.00\nEUR")
    view.keyboard.press("Enter")
    expect(cells(view).nth(6)).to_have_text("49.00EUR")
    expect(cells(view).nth(6)).to_be_focused()
    view.get_by_role("button", name="Copy for Excel").click()
    expect(said(view)).to_have_text("The table is copied; paste it into a sheet.")
    assert clipboard(view).splitlines()[2] == "North\t1,204\t49.00 EUR"
    # The lines of the page are still those of the page, with the new ones in their places.
    view.locator("#tab-proofread").click()
    expect(lines(view)).to_have_count(19)
    view.keyboard.press("Control+z")
    view.keyboard.press("Control+z")
    expect(lines(view)).to_have_count(17)
    view.locator("#tab-document").click()
    expect(cells(view).nth(5)).to_have_text("")
    expect(cells(view).nth(6)).to_have_text("48.50")
    # Escape gives up, and the cell keeps its text.
    cells(view).nth(6).dblclick()
    view.keyboard.type("x")
    view.keyboard.press("Escape")
    expect(cells(view).nth(6)).to_have_text("48.50")


def test_a_double_click_on_the_document_corrects_its_line(open_page: Opener, stage: Stage) -> None:
    view = opened(open_page, stage)
    view.locator(".doc-line", has_text="Table 1").dblclick()
    view.locator(".line-edit").fill("Table 1: All sales")
    view.keyboard.press("Enter")
    view.locator("#tab-document").click()
    expect(view.locator(".doc-caption")).to_have_text("Table 1: All sales")
    expect(view.locator("#doubts-count")).to_have_text("No doubts left")


def test_keys_go_from_line_to_line(open_page: Opener, stage: Stage) -> None:
    view = opened(open_page, stage)
    view.keyboard.press("j")
    view.keyboard.press("j")
    expect(view.locator(".doc-line.is-active")).to_have_attribute("data-index", "1")
    expect(view.locator("polygon.box.is-active")).to_have_attribute("data-index", "1")
    view.keyboard.press("k")
    expect(view.locator(".doc-line.is-active")).to_have_text("Quarterly report")
    view.keyboard.press("e")
    expect(view.locator(".line-edit")).to_have_value("Quarterly report")


def test_the_document_on_a_phone_has_one_column(open_page: Opener, stage: Stage) -> None:
    view = opened(open_page, stage, viewport={"width": 390, "height": 800})
    first, second = (view.locator(".doc-columns > div").nth(at).bounding_box() for at in (0, 1))
    assert first is not None
    assert second is not None
    assert second["y"] >= first["y"] + first["height"]
    assert view.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0


def test_search_finds_words_that_lines_divide(open_page: Opener, stage: Stage) -> None:
    view = opened(open_page, stage)
    view.locator("#search").fill("all regions")
    expect(view.locator("#search-count")).to_have_text("1 of 1")
    expect(view.locator("polygon.box.is-active")).to_have_attribute("data-index", "1")
    view.locator("#search").fill("48.5")
    expect(view.locator("#search-count")).to_have_text("1 of 1")


def test_edits_of_cells_are_about_their_own_file(open_page: Opener, stage: Stage) -> None:
    stage.play(report)
    view = open_page(tab="document")
    read(view, picture(name="a.png"), picture(name="b.png"))
    cells(view).nth(6).dblclick()
    view.locator(".grid textarea").fill("of the first")
    view.locator(".job-open").nth(1).click()
    expect(cells(view).nth(6)).to_have_text("48.50")
    view.locator(".job-open").nth(0).click()
    expect(cells(view).nth(6)).to_have_text("of the first")


def test_what_was_typed_into_a_cell_is_kept_when_it_is_read_again(open_page: Opener, stage: Stage) -> None:
    view = opened(open_page, stage)
    cells(view).nth(5).click()
    view.keyboard.type("1,204")
    view.keyboard.press("Enter")
    read_again(view)
    expect(cells(view).nth(5)).to_have_text("1,204")
    expect(view.locator("#undo")).to_be_disabled()


def test_a_second_tap_edits_a_cell(open_page: Opener, stage: Stage) -> None:
    view = opened(open_page, stage, viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
    cells(view).nth(6).tap()
    expect(cells(view).nth(6)).to_be_focused()
    expect(view.locator(".grid textarea")).to_have_count(0)
    cells(view).nth(6).tap()
    view.locator(".grid textarea").fill("49.00")
    view.keyboard.press("Enter")
    expect(cells(view).nth(6)).to_have_text("49.00")


def letter(_data: bytes, _options: ReadOptions) -> Document:
    """An address whose lines are equally long, and fields side by side."""
    address = tuple(
        line(text, row, width=200)
        for row, text in enumerate(("East Repair Inc.", "1912 Harvest Lane", "New York, NY 12210"))
    )
    fields = tuple(
        line(text, 4 + at // 2, left=20 + 280 * (at % 2), width=80)
        for at, text in enumerate(("Date", "1 May", "Due", "2 June"))
    )
    return Document((DocumentPage(640, 700, (Block(address), Block(fields))),), "fake/1", layout="blocks")


def test_addresses_and_fields_keep_their_lines_as_in_files(open_page: Opener, stage: Stage) -> None:
    stage.play(letter)
    view = open_page(tab="document")
    read(view)
    expect(view.locator(".doc-paragraph")).to_have_count(2)
    shown = view.locator(".doc-paragraph").evaluate_all("all => all.map((one) => one.innerText)")
    assert shown == [join_lines(block.lines) for block in letter(b"", ReadOptions()).pages[0].blocks]
    assert [text.count("\n") for text in shown] == [2, 1]
