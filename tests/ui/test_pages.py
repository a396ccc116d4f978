"""Documents of many pages: one below the other, small pages beside them, and the text that goes along."""

from __future__ import annotations

import re
from dataclasses import replace

from playwright.sync_api import Locator, Page, expect

from crnn_ocr.document import Block, Document, Remark
from crnn_ocr.document import Page as DocumentPage
from tests.service.rendering import picture as drawn
from tests.service.rendering import png, tiff
from tests.ui.conftest import Opener
from tests.ui.scenes import Stage, choose, idle, line, sheet, upload

MANY = 2000
ROWS = 12

#: Scrolls by steps, one per frame.
SCROLL = """async ([place, step]) => {
    const one = document.querySelector(place);
    one.dispatchEvent(new WheelEvent("wheel", { bubbles: true })); // a user's scroll turns pages
    for (let frame = 0; frame < 60; frame += 1) {
        one.scrollTop += step;
        await new Promise(requestAnimationFrame);
    }
}"""


def report(pages: int) -> Document:
    def page(number: int) -> Block:
        return Block(tuple(replace(line(f"Page {number} row {row}", row), chars=()) for row in range(ROWS)))

    return Document(
        tuple(
            replace(sheet(width=640, height=900), blocks=(page(number),), number=number)
            for number in range(1, pages + 1)
        ),
        "fake/1",
        layout="blocks",
    )


def opened(open_page: Opener, stage: Stage, pages: int, tab: str = "document", **context: object) -> Page:
    """Show a document whose pages the server draws at once, all alike."""
    stage.play(lambda *_: report(pages))
    view = open_page(tab=tab, **context)
    paper = png("A page")
    view.route("**/preview?*", lambda route: route.fulfill(body=paper, content_type="image/png"))
    choose(view, upload(tiff([drawn("x")]), "report.tiff", "image/tiff"))
    expect(number(view)).to_have_text(f"Page 1 of {pages}", timeout=120_000)
    idle(view)
    return view


def number(view: Page) -> Locator:
    return view.locator("#page-number")


def side_by_side(view: Page) -> None:
    """Expect the page that the pager names in both panes."""
    page = int(re.findall(r"\d+", number(view).inner_text())[0]) - 1
    expect(view.locator(f'[data-sheet="{page}"]')).to_be_in_viewport()
    expect(view.locator(f'#document [data-page="{page}"]')).to_be_in_viewport()


def test_scrolling_one_side_moves_the_other_and_nobody_fights(open_page: Opener, stage: Stage) -> None:
    view = opened(open_page, stage, 60)
    view.locator("#picture").hover()
    for _ in range(6):
        view.mouse.wheel(0, 1500)
    expect(number(view)).not_to_have_text("Page 1 of 60")
    view.wait_for_timeout(700)
    shown = number(view).inner_text()
    at = view.locator("#picture").evaluate("one => one.scrollTop")
    assert at == 9000  # nobody has moved it but the wheel
    side_by_side(view)
    view.locator("#panel-document").hover()
    for _ in range(4):
        view.mouse.wheel(0, 1200)
    expect(number(view)).not_to_have_text(shown)
    view.wait_for_timeout(700)
    side_by_side(view)
    assert view.locator("#picture").evaluate("one => one.scrollTop") > at
    # A line of another page takes both sides there.
    view.locator("#picture").hover()
    view.mouse.wheel(0, -99_999)
    expect(number(view)).to_have_text("Page 1 of 60")
    view.locator(".lens-line", has_text="Page 1 row 3").click()
    expect(view.locator(".doc-line.is-active")).to_have_text("Page 1 row 3")
    expect(view.locator(".doc-line.is-active")).to_be_in_viewport()


def test_pages_are_shown_singly_until_what_shows_all_arrives(open_page: Opener, stage: Stage) -> None:
    stage.play(lambda *_: report(3))
    view = open_page(tab="document")
    view.route("**/preview?*", lambda route: route.fulfill(body=png("A page"), content_type="image/png"))
    view.route("**/js/pages/view.js*", lambda route: route.abort())
    choose(view, upload(tiff([drawn("x")]), "report.tiff", "image/tiff"))
    expect(number(view)).to_have_text("Page 1 of 3")
    expect(view.locator("#picture.is-pages")).to_have_count(0)
    view.unroute("**/js/pages/view.js*")
    view.get_by_role("button", name="Next page").click()
    expect(view.locator("#picture.is-pages")).to_be_visible()
    expect(number(view)).to_have_text("Page 2 of 3")


def test_the_preview_of_a_long_document_is_written_as_it_is_scrolled(open_page: Opener, stage: Stage) -> None:
    view = opened(open_page, stage, 60)
    view.locator("#export").click()
    preview = view.locator("#export-preview .doc")
    expect(preview.get_by_text("Page 1 row 3")).to_be_visible()
    preview.locator('[data-page="30"]').scroll_into_view_if_needed()
    expect(preview.get_by_text("Page 31 row 3")).to_be_visible()


def test_small_pages_are_a_list_for_mouse_and_keys(open_page: Opener, stage: Stage) -> None:
    view = opened(open_page, stage, 60)
    pages = view.get_by_role("listbox", name="Pages")
    expect(pages.locator("img").first).to_be_visible()
    pages.get_by_role("option", name="Page 3 of 60").click()
    expect(number(view)).to_have_text("Page 3 of 60")
    expect(pages.get_by_role("option", selected=True)).to_have_attribute("aria-posinset", "3")
    expect(view.locator("#document", has_text="Page 3 row 1")).to_be_visible()
    pages.focus()
    view.keyboard.press("ArrowDown")
    expect(number(view)).to_have_text("Page 4 of 60")
    view.keyboard.press("End")
    expect(number(view)).to_have_text("Page 60 of 60")
    expect(pages.get_by_role("option", selected=True)).to_be_in_viewport()
    expect(view.locator('[data-sheet="59"] img')).to_be_visible()
    view.keyboard.press("Home")
    expect(number(view)).to_have_text("Page 1 of 60")


def test_zoom_and_turn_keep_the_page(open_page: Opener, stage: Stage) -> None:
    view = opened(open_page, stage, 60)
    view.get_by_role("option", name="Page 5 of 60").click()
    sheet_of = view.locator('[data-sheet="4"]')
    expect(sheet_of).to_be_in_viewport()
    before = sheet_of.evaluate("one => one.offsetWidth")
    view.locator("#zoom-in").click()
    assert sheet_of.evaluate("one => one.offsetWidth") > before
    view.locator("#zoom-fit").click()
    assert sheet_of.evaluate("one => one.offsetWidth") == before
    view.locator("#turn").click()
    expect(sheet_of).to_be_in_viewport()
    assert sheet_of.evaluate("one => one.offsetWidth > one.offsetHeight")
    view.wait_for_timeout(400)
    expect(number(view)).to_have_text("Page 5 of 60")


def test_two_thousand_pages_stay_smooth(open_page: Opener, stage: Stage) -> None:
    view = opened(open_page, stage, MANY)
    devtools = view.context.new_cdp_session(view)
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})

    def spent() -> float:
        metrics = {one["name"]: one["value"] for one in devtools.send("Performance.getMetrics")["metrics"]}
        return float(metrics["ScriptDuration"])

    for place, step in (("#picture", 700), ("#picture", 20_000), ("#panel-document", 700)):
        before = spent()
        view.evaluate(SCROLL, [place, step])
        # CPU seconds of scripts, so a busy machine does not count: far from the 16 ms of a frame.
        assert (spent() - before) / 60 < 0.016
        # A room for every page, and what stands near the window.
        assert view.evaluate("document.querySelectorAll('*').length") < MANY + 2500
    assert view.locator("[data-sheet]").count() < 12
    assert view.get_by_role("option").count() < 30
    view.locator("#search").fill("page 1999 row 7")
    expect(view.locator("#search-count")).to_have_text("1 of 1")
    expect(number(view)).to_have_text(f"Page 1999 of {MANY}")
    expect(view.locator("polygon.box.is-active")).to_be_in_viewport()
    view.locator("#tab-proofread").click()
    expect(view.locator(".line.is-active .line-text")).to_have_text("Page 1999 row 7")
    expect(view.locator(".line.is-active")).to_be_in_viewport()
    assert view.locator(".line").count() < 40 * ROWS


def test_a_page_that_cannot_be_drawn_leaves_the_others(open_page: Opener, stage: Stage) -> None:
    stage.play(lambda *_: report(3))
    view = open_page(tab="document")
    choose(view, upload(tiff([drawn("1"), drawn("2")]), "short.tiff", "image/tiff"))  # the third is missing
    expect(view.locator(".page-place img")).to_have_count(2)
    view.get_by_role("option", name="Page 3 of 3").click()
    expect(view.locator('[data-sheet="2"] .page-blank .icon')).to_have_count(1)
    expect(view.locator('[data-sheet="2"] .lens-line')).to_have_count(ROWS)


def test_a_page_that_could_not_be_opened_has_its_place(open_page: Opener, stage: Stage) -> None:
    broken = DocumentPage(0, 0, number=2, error=Remark("PAGE_BROKEN", "It cannot be read."))
    first, _, third = report(3).pages
    stage.play(lambda *_: Document((first, broken, third), "fake/1", layout="blocks"))
    view = open_page(tab="document")
    choose(view, upload(tiff([drawn(text) for text in "123"]), "broken.tiff", "image/tiff"))
    view.get_by_role("option", name="Page 2 of 3").click()
    box = view.locator('[data-sheet="1"]').bounding_box()
    assert box is not None
    assert box["width"] > box["height"] > 100
    view.get_by_role("option", name="Page 3 of 3").click()
    expect(view.locator('[data-sheet="2"] img')).to_be_in_viewport()


def test_another_file_takes_the_pages_away(open_page: Opener, stage: Stage) -> None:
    view = opened(open_page, stage, 3)
    stage.reset()
    choose(view, upload(png("One"), "one.png"))
    expect(view.locator("#sheet img")).to_be_visible()
    expect(view.locator(".thumbs")).to_have_count(0)
    expect(view.locator(".page-place")).to_have_count(0)
    view.locator(".job-open", has_text="report").click()
    expect(view.locator(".page-place").first).to_be_visible()
    expect(view.locator("#sheet")).to_be_hidden()


def test_long_texts_keep_edits_and_selections_out_of_sight(open_page: Opener, stage: Stage) -> None:
    view = opened(open_page, stage, 60, tab="proofread")
    first = view.locator(".line").nth(2)
    first.dblclick()
    view.locator(".line-edit").fill("Corrected")
    view.keyboard.press("Enter")
    view.get_by_role("option", name="Page 1 of 60").click()
    panel = view.locator("#panel-proofread")
    panel.evaluate("one => { one.scrollTop = one.scrollHeight; }")
    expect(view.locator(".line-text", has_text="Page 60 row 11")).to_be_visible()
    expect(view.locator(".line-text", has_text="Corrected")).to_have_count(0)
    panel.evaluate("one => { one.scrollTop = 0; }")
    expect(view.locator(".line-text", has_text="Corrected")).to_be_visible()
    expect(view.locator(".line.is-active .line-text")).to_have_text("Corrected")
    view.keyboard.press("Control+z")
    expect(view.locator(".line-text", has_text="Page 1 row 2")).to_be_visible()
