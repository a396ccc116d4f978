"""What holds the page together: undo, leaving, both sides in step, panes, filters, print, phones."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from crnn_ocr.document import Document
from crnn_ocr.errors import ImageTooLargeError
from crnn_ocr.options import ReadOptions
from tests.service.rendering import picture as drawn
from tests.service.rendering import tiff
from tests.ui.conftest import Opener
from tests.ui.scenes import (
    TEXTS,
    Stage,
    choose,
    clipboard,
    idle,
    invoice,
    line,
    lines,
    many_lines,
    picture,
    read,
    sheet,
    upload,
)
from tests.ui.test_queue import Held

PHONE: Mapping[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def three_pages(_data: bytes, _options: ReadOptions) -> Document:
    """Three pages of thirty lines each."""
    pages = [
        replace(sheet(*(line(f"Page {page} row {row}", row) for row in range(30)), height=1420), number=page)
        for page in (1, 2, 3)
    ]
    return Document(tuple(pages), "fake/1")


def scrolled(view: Page) -> float:
    return float(view.locator("#panel-proofread").evaluate("one => one.scrollTop"))


def in_view(container: Locator, one: Locator) -> bool:
    """Whether the element lies inside the visible part of its container."""
    outer, inner = container.bounding_box(), one.bounding_box()
    assert outer is not None
    assert inner is not None
    across = outer["x"] - 1 <= inner["x"] and inner["x"] + inner["width"] <= outer["x"] + outer["width"] + 1
    down = outer["y"] - 1 <= inner["y"] and inner["y"] + inner["height"] <= outer["y"] + outer["height"] + 1
    return across and down


# ---- nothing is lost ---------------------------------------------------------------------------------


def test_removing_all_files_can_be_undone(open_page: Opener, stage: Stage) -> None:
    view = open_page()
    read(view, *(picture(name=f"{number}.png") for number in range(3)))
    view.locator(".line-text").first.dblclick()
    view.locator(".line-edit").fill("edited")
    view.keyboard.press("Enter")
    view.locator("#clear-queue").click()
    expect(view.locator("#intake")).to_be_visible()
    expect(view.locator("#say-text")).to_have_text("3 files removed")
    calls = len(stage.reader.calls)
    view.locator("#say-action").click()
    expect(view.locator(".job-name")).to_have_text(["0.png", "1.png", "2.png"])
    expect(lines(view).first).to_have_text("edited")
    expect(view.get_by_role("img", name="0.png")).to_be_visible()
    expect(view.locator("#say-action")).to_be_hidden()
    assert len(stage.reader.calls) == calls  # nothing has to be read anew


def test_removing_one_file_can_be_undone_and_it_returns_to_its_place(open_page: Opener) -> None:
    view = open_page()
    read(view, *(picture(name=f"{number}.png") for number in range(3)))
    view.locator(".job").nth(1).hover()
    view.get_by_role("button", name="Remove 1.png").click()
    expect(view.locator(".job-name")).to_have_text(["0.png", "2.png"])
    read(view, picture(name="later.png"))
    view.locator("#say-action").click()
    expect(view.locator(".job-name")).to_have_text(["0.png", "1.png", "2.png", "later.png"])


def test_what_was_being_read_is_read_after_all(open_page: Opener, stage: Stage) -> None:
    held = Held()
    stage.play(held)
    view = open_page()
    choose(view, picture(name="a.png"), picture(name="b.png"))
    expect(view.locator(".job[data-status=reading]")).to_have_count(2)
    view.locator("#clear-queue").click()
    view.locator("#say-action").click()
    held.release.set()
    expect(view.locator(".job[data-status=done]")).to_have_count(2)
    expect(lines(view)).to_have_text(list(TEXTS))


def leaving(view: Page) -> list[str]:
    """Try to leave; return what the browser asks, and stay."""
    asked: list[str] = []

    def answer(dialog: Any) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    view.once("dialog", answer)
    view.evaluate("setTimeout(() => location.assign('/docs'), 0)")
    view.wait_for_timeout(600)
    return asked


def test_leaving_while_a_file_is_read_is_asked_about(open_page: Opener, stage: Stage) -> None:
    held = Held()
    stage.play(held)
    view = open_page()
    choose(view, picture())
    expect(view.locator(".job[data-status=reading]")).to_have_count(1)
    assert leaving(view) == ["beforeunload"]
    held.release.set()
    expect(lines(view)).to_have_text(list(TEXTS))  # still there, and read


def test_leaving_with_results_that_nothing_keeps_is_asked_about(open_page: Opener) -> None:
    view = open_page()
    view.locator("#open-options").click()
    view.get_by_label("Keep a history in this browser").uncheck()
    view.keyboard.press("Escape")
    read(view)
    assert leaving(view) == ["beforeunload"]
    expect(lines(view)).to_have_text(list(TEXTS))


def test_leaving_asks_nothing_where_nothing_would_be_lost(open_page: Opener) -> None:
    view = open_page()
    read(view)
    assert leaving(view) == []
    expect(view).to_have_url(re.compile("/docs$"))


def test_the_documents_open_beside_the_page(open_page: Opener) -> None:
    view = open_page()
    read(view)
    with view.context.expect_page() as opened:
        view.get_by_role("link", name="API documents").first.click()
    opened.value.wait_for_load_state()
    assert opened.value.url.endswith("/docs")
    expect(lines(view)).to_have_text(list(TEXTS))


# ---- both sides in step ------------------------------------------------------------------------------


def test_another_files_list_begins_at_its_top(open_page: Opener, stage: Stage) -> None:
    stage.play(lambda *_: many_lines(60))
    view = open_page()
    read(view, picture(name="a.png"), picture(name="b.png"))
    view.locator(".line").nth(50).click()
    assert scrolled(view) > 100
    view.locator("body").press("n")
    expect(view.locator("#picture-name")).to_have_text("b.png")
    assert scrolled(view) == 0


def test_the_pager_of_the_picture_turns_the_list(open_page: Opener, stage: Stage) -> None:
    stage.play(three_pages)
    view = open_page()
    read(view)
    view.locator("#page-after").click()
    expect(view.locator("#page-number")).to_have_text("Page 2 of 3")
    heading = view.locator(".result-page").nth(1)
    expect(heading).to_be_in_viewport()
    assert in_view(view.locator("#panel-proofread"), heading)
    assert in_view(view.locator("#panel-proofread"), view.get_by_role("row", name="Page 2 row 3 "))
    view.wait_for_timeout(400)
    expect(view.locator("#page-number")).to_have_text("Page 2 of 3")  # and the list does not turn it back


def test_scrolling_the_list_turns_the_picture(open_page: Opener, stage: Stage) -> None:
    stage.play(three_pages)
    view = open_page()
    read(view)
    view.locator("#panel-proofread").hover()
    view.mouse.wheel(0, 5000)
    expect(view.locator("#page-number")).to_have_text("Page 3 of 3")
    before = scrolled(view)
    view.wait_for_timeout(300)
    assert scrolled(view) == before  # it stays where the user has scrolled to
    view.mouse.wheel(0, -9000)
    expect(view.locator("#page-number")).to_have_text("Page 1 of 3")


def test_a_hit_of_the_search_is_shown_in_the_picture(open_page: Opener, stage: Stage) -> None:
    stage.play(three_pages)
    view = open_page()
    read(view, upload(tiff([drawn(f"Page {page}") for page in (1, 2, 3)]), "scan.tiff", "image/tiff"))
    expect(view.get_by_role("img", name="scan.tiff").first).to_be_visible()
    for _ in range(5):
        view.locator("#zoom-in").click()
    view.locator("#search").fill("page 3 row 20")
    expect(view.locator("#page-number")).to_have_text("Page 3 of 3")
    hit = view.locator("polygon.box.is-hit")
    expect(hit).to_have_attribute("data-index", "80")
    expect(hit).to_be_in_viewport()
    view.locator("#search").fill("row 2")
    expect(view.locator("#page-number")).to_have_text("Page 1 of 3")
    expect(hit).to_have_attribute("data-index", "2")
    view.locator("#search").press("Enter")
    expect(hit).to_have_attribute("data-index", "20")
    view.locator("#search").press("Escape")
    expect(hit).to_have_count(0)


@pytest.mark.parametrize("width", [1000, 700])
def test_the_strip_scrolls_to_the_shown_file(open_page: Opener, width: int) -> None:
    view = open_page(viewport={"width": width, "height": 800})
    read(view, *(picture(name=f"{number:02}.png") for number in range(12)))
    for _ in range(11):
        view.locator("body").press("n")
    expect(view.locator("#picture-name")).to_have_text("11.png")
    assert in_view(view.locator("#queue-list"), view.locator(".job").nth(11))
    for _ in range(11):
        view.locator("body").press("p")
    assert in_view(view.locator("#queue-list"), view.locator(".job").nth(0))


# ---- panes, rail, toolbar ----------------------------------------------------------------------------


def test_the_border_between_picture_and_text_moves(open_page: Opener) -> None:
    view = open_page()
    read(view)
    border, card = view.get_by_role("separator", name="Size of the picture"), view.locator(".picture-card")

    def width() -> float:
        box = card.bounding_box()
        assert box is not None
        return box["width"]

    before, box = width(), border.bounding_box()
    assert box is not None
    view.mouse.move(box["x"] + 5, box["y"] + 200)
    view.mouse.down()
    view.mouse.move(box["x"] + 165, box["y"] + 200, steps=4)
    view.mouse.up()
    assert width() == pytest.approx(before + 160, abs=8)
    moved = width()
    border.press("ArrowLeft")
    assert width() < moved
    border.press("Home")
    expect(border).to_have_attribute("aria-valuenow", "25")
    view.reload()
    read(view)
    expect(border).to_have_attribute("aria-valuenow", "25")
    border.dblclick()
    expect(border).to_have_attribute("aria-valuenow", "50")


def test_a_wide_picture_stands_above_its_text(open_page: Opener, stage: Stage) -> None:
    wide = sheet(
        *(line("A wide row of a table " * 4, row, width=1500) for row in range(4)), width=1600, height=220
    )
    stage.play(lambda *_: Document((wide,), "fake/1"))
    view = open_page()
    read(view, picture(name="wide.png"))
    border = view.get_by_role("separator", name="Size of the picture")
    expect(border).to_have_attribute("aria-orientation", "horizontal")

    def heights() -> tuple[float, float]:
        upper, lower = (
            view.locator(".picture-card").bounding_box(),
            view.locator("#result-card").bounding_box(),
        )
        assert upper is not None
        assert lower is not None
        assert lower["y"] >= upper["y"] + upper["height"]
        assert lower["width"] == upper["width"]
        return upper["height"], lower["height"]

    upper, lower = heights()
    assert upper < lower  # as high as it is
    border.press("ArrowDown")
    border.press("ArrowDown")
    assert heights()[0] > upper
    border.dblclick()
    assert heights()[0] == upper
    view.locator("#turn").click()  # now it is high
    expect(border).to_have_attribute("aria-orientation", "vertical")
    expect(border).to_have_attribute("aria-valuenow", "50")
    view.locator("#turn").click()
    stage.reset()
    read(view, picture(name="usual.png"))
    expect(border).to_have_attribute("aria-orientation", "vertical")


def test_the_picture_can_have_the_room_for_itself(open_page: Opener) -> None:
    view = open_page()
    read(view)
    view.get_by_role("button", name="Enlarge the picture").click()
    expect(view.locator("#result-card")).to_be_hidden()
    view.keyboard.press("Escape")
    expect(view.locator("#result-card")).to_be_visible()
    view.locator("body").press("f")
    expect(view.locator("#result-card")).to_be_hidden()


def test_the_rail_is_there_for_several_files_only(open_page: Opener) -> None:
    view = open_page()
    read(view, picture(name="a.png"))
    expect(view.locator(".queue")).to_be_hidden()
    read(view, picture(name="b.png"))
    expect(view.locator(".queue")).to_be_visible()
    view.get_by_role("button", name="Remove this file").click()
    expect(view.locator("#picture-name")).to_have_text("a.png")
    expect(view.locator(".queue")).to_be_hidden()


def test_chips_show_the_failed_and_the_doubtful_files(open_page: Opener, stage: Stage) -> None:
    def answer(data: bytes, options: ReadOptions) -> Document:
        if data == bad["buffer"]:
            raise ImageTooLargeError("The picture is too large.")
        if data == clean["buffer"]:
            return Document((sheet(line("All is sure", 0)),), "fake/1")
        return invoice(data, options)

    bad, clean, doubtful = (picture(name=f"{name}.png") for name in ("bad", "clean", "doubtful"))
    stage.play(answer)
    view = open_page()
    read(view, bad, clean, doubtful)
    names = view.locator(".job:visible .job-name")
    view.get_by_role("button", name="failed 1").click()
    expect(names).to_have_text(["bad.png"])
    view.get_by_role("button", name="doubtful 1").click()
    expect(names).to_have_text(["doubtful.png"])
    view.get_by_role("button", name="doubtful 1").click()
    expect(names).to_have_count(3)
    view.get_by_role("button", name="failed 1").click()
    view.locator(".job:visible").hover()
    view.get_by_role("button", name="Remove bad.png").click()
    expect(names).to_have_count(2)  # a filter that shows nothing any more is over


def test_sentences_hide_nothing(open_page: Opener) -> None:
    view = open_page()
    read(view, picture(name="a.png"), picture(name="b.png"))
    view.locator(".job").nth(1).hover()
    view.get_by_role("button", name="Remove b.png").click()
    expect(view.locator("#say")).to_be_visible()
    said = view.locator("#say").bounding_box()
    assert said is not None
    for other in ("#primary", ".top-tools", ".picture-card", ".result-card", "#open-options"):
        box = view.locator(other).bounding_box()
        assert box is not None
        apart = (
            box["x"] >= said["x"] + said["width"]
            or box["x"] + box["width"] <= said["x"]
            or box["y"] >= said["y"] + said["height"]
            or box["y"] + box["height"] <= said["y"]
        )
        assert apart, other


# ---- words -------------------------------------------------------------------------------------------


def test_too_many_pages_are_called_that_in_chinese(open_page: Opener, stage: Stage) -> None:
    def answer(_data: bytes, _options: ReadOptions) -> Document:
        from crnn_ocr.imaging.limits import Limits

        Limits(max_bytes=10**7, max_pixels=10**7, max_side=10**4, max_pages=50).check_pages(60)
        raise AssertionError

    stage.play(answer)
    view = open_page(locale="zh-CN")
    read(view)
    problem = view.get_by_role("alert")
    expect(problem).to_contain_text("最多识别 50 页")
    expect(problem).not_to_contain_text("图片太大")
    expect(problem.get_by_role("button")).to_have_count(0)


@pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
def test_options_are_told_without_jargon(open_page: Opener, locale: str) -> None:
    view = open_page(locale=locale)
    view.locator("#open-options").click()
    form = view.locator("#options-form")
    expect(form.locator(".option").first).to_be_visible()
    words = form.inner_text()
    for jargon in ("CLAHE", "`", "recogniser pack", "non-local", "clahe"):
        assert jargon not in words, jargon


def test_the_models_of_the_product_have_chinese_titles(open_page: Opener) -> None:
    view = open_page(locale="zh-CN")
    model = {
        "name": "crnn-zh-en",
        "version": 1,
        "kind": "rec",
        "aliases": [],
        "languages": ["zh", "en"],
        "title": "CRNN for Chinese and English",
        "active": True,
        "loaded": True,
    }
    view.route("**/models", lambda route: route.fulfill(json={"models": [model]}))
    view.reload()
    view.locator("#server").click()
    expect(view.locator("#server-models")).to_contain_text("CRNN 中英文识别模型")
    expect(view.locator("#server-models")).not_to_contain_text("for Chinese")


# ---- paper and phones --------------------------------------------------------------------------------


def test_on_paper_there_is_the_text_and_nothing_else(open_page: Opener, stage: Stage) -> None:
    stage.play(lambda *_: many_lines(80))
    view = open_page()
    read(view)
    view.emulate_media(media="print")
    expect(lines(view).first).to_be_visible()
    for gone in (".top", ".picture-card", "#result-tools", ".line-confidence >> nth=0"):
        expect(view.locator(gone)).to_be_hidden()
    # All of it is laid out, not only what the window shows.
    panel = view.locator("#panel-proofread")
    assert panel.evaluate("one => one.scrollHeight - one.clientHeight") <= 1
    assert panel.evaluate("one => getComputedStyle(one).overflowY") == "visible"


def test_on_a_phone_everything_is_large_enough_for_a_finger(open_page: Opener) -> None:
    view = open_page(**PHONE)
    small = """() => [...document.querySelectorAll("button, a, label.segment, [role=tab]")]
        .filter((one) => one.checkVisibility() && !one.closest("p, .skip") && !one.classList.contains("skip"))
        .map((one) => [one.id || one.className, one.getBoundingClientRect()])
        .filter(([, box]) => box.width > 0 && (box.width < 43.5 || box.height < 43.5))
        .map(([name, box]) => `${name}: ${box.width} × ${box.height}`)"""
    assert view.evaluate(small) == []
    read(view, picture(), picture())
    view.locator(".line").first.tap()
    assert view.evaluate(small) == []


def test_on_a_phone_the_text_is_a_sheet_with_copy_and_share_under_the_thumb(
    open_page: Opener, stage: Stage
) -> None:
    stage.play(lambda *_: many_lines(50))
    view = open_page(**PHONE)
    view.evaluate("navigator.share = async (what) => { window.shared = what; }")
    read(view, picture(name="letter.png"))
    sheet_, image = view.locator("#result-card").bounding_box(), view.locator("#picture").bounding_box()
    assert sheet_ is not None
    assert image is not None
    assert image["y"] + image["height"] <= sheet_["y"]  # the picture stands above it
    assert view.evaluate("document.documentElement.scrollHeight") <= 844
    view.locator(".line").nth(45).scroll_into_view_if_needed()
    for button in ("#primary", "#share"):  # they stay while the text scrolls
        box = view.locator(button).bounding_box()
        assert box is not None
        assert 700 < box["y"] < 844 - 44
    view.locator("#primary").tap()
    expect(view.locator("#primary")).to_have_text("Copied")
    assert clipboard(view).startswith("Line 0 of a very long page\nLine 1")
    view.locator("#share").tap()
    shared = view.evaluate("window.shared")
    assert shared["title"] == "letter"
    assert shared["text"].startswith("Line 0 of a very long page\nLine 1")


def test_where_nothing_can_be_shared_nothing_is_offered(open_page: Opener) -> None:
    view = open_page(**PHONE)
    view.evaluate("navigator.share = undefined")
    read(view)
    expect(view.locator("#share")).to_be_hidden()
    idle(view)
