"""What happens around a result: failures, proxies, the focus, small pictures, phones."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from crnn_ocr.document import Document
from crnn_ocr.errors import ModelBrokenError
from crnn_ocr.options import ReadOptions
from tests.service.rendering import picture as drawn
from tests.service.rendering import tiff
from tests.ui.conftest import Opener
from tests.ui.scenes import (
    TEXTS,
    Stage,
    choose,
    idle,
    invoice,
    lines,
    many_lines,
    picture,
    read,
    upload,
)

PHONE: Mapping[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def read_otherwise(view: Page) -> None:
    view.locator("#open-options").click()
    view.locator("#option-min_confidence").focus()
    view.keyboard.press("ArrowRight")
    view.locator("#read-again").click()
    idle(view)


def test_escape_closes_the_servers_card_and_stops_nothing(open_page: Opener, stage: Stage) -> None:
    view = open_page()
    view.route("**/ocr?*", lambda route: None)  # never answered
    choose(view, picture())
    expect(view.locator("body")).to_have_class(re.compile("is-busy"))
    view.locator("#server").click()
    expect(view.locator("#server-card")).to_be_visible()
    view.keyboard.press("Escape")
    expect(view.locator("#server-card")).to_be_hidden()
    expect(view.locator("body")).to_have_class(re.compile("is-busy"))
    expect(view.locator("#server")).to_be_focused()
    view.keyboard.press("Escape")
    idle(view)


def test_a_failed_second_reading_leaves_the_first_and_edits(open_page: Opener, stage: Stage) -> None:
    def broken(_data: bytes, _options: ReadOptions) -> Document:
        raise ModelBrokenError("It broke.")

    view = open_page()
    read(view)
    view.locator(".line-text").first.dblclick()
    view.locator(".line-edit").fill("edited")
    view.keyboard.press("Enter")
    stage.play(broken)
    read_otherwise(view)
    expect(lines(view)).to_have_text(["edited", *TEXTS[1:]])
    expect(lines(view).first).to_be_visible()
    alert = view.get_by_role("alert")
    expect(alert).to_contain_text("this is the earlier result")
    stage.play(invoice)
    alert.get_by_role("button", name="Try again").click()
    expect(alert).to_have_count(0)
    expect(lines(view)).to_have_text(["edited", *TEXTS[1:]])


def test_an_edit_keeps_the_hit_that_the_search_is_at(open_page: Opener, stage: Stage) -> None:
    stage.play(lambda *_: many_lines(60))
    view = open_page()
    read(view)
    view.locator("#search").fill("page")
    for _ in range(40):
        view.locator("#search").press("Enter")
    expect(view.locator("#search-count")).to_have_text("41 of 60")
    view.locator(".line-text").nth(39).dblclick()
    view.locator(".line-edit").fill("no hit any more")
    scrolled = view.locator("#panel-proofread").evaluate("one => one.scrollTop")
    assert scrolled > 0
    view.keyboard.press("Enter")
    expect(view.locator("#search-count")).to_have_text("40 of 59")
    expect(view.locator(".line.has-hit")).to_have_count(59)
    assert view.locator("#panel-proofread").evaluate("one => one.scrollTop") == scrolled
    (hit,) = view.evaluate(
        """[...CSS.highlights.get("search-current")].map(
            (range) => range.startContainer.parentElement.closest(".line").dataset.index)"""
    )
    assert hit == "40"
    view.locator(".line-text").nth(39).dblclick()
    view.locator(".line-edit").fill("a page and a page")
    view.keyboard.press("Enter")
    expect(view.locator("#search-count")).to_have_text("42 of 61")


def test_a_proxy_that_is_busy_is_asked_again(open_page: Opener) -> None:
    refused = []

    def answer(route: Route) -> None:
        refused.append(route.request.url)
        if len(refused) == 1:
            route.fulfill(
                status=503, content_type="text/html", body="<h1>Busy</h1>", headers={"Retry-After": "2"}
            )
        else:
            route.continue_()

    view = open_page()
    view.route("**/ocr?*", answer)
    choose(view, picture())
    expect(view.locator(".message-title")).to_have_text("The server is busy.")
    expect(lines(view)).to_have_text(list(TEXTS))


@pytest.mark.parametrize(
    ("status", "words"), [(413, "larger than the server takes"), (503, "is busy"), (429, "a pause")]
)
def test_a_proxys_page_is_understood_by_its_status(open_page: Opener, status: int, words: str) -> None:
    view = open_page()
    view.route(
        "**/ocr?*", lambda route: route.fulfill(status=status, content_type="text/html", body="<h1>No</h1>")
    )
    read(view)
    expect(view.get_by_role("alert")).to_contain_text(words)


def test_the_focus_goes_on_where_the_user_is(open_page: Opener) -> None:
    view = open_page()
    view.locator(".sample").first.focus()
    view.keyboard.press("Enter")
    expect(view.locator("#primary")).to_be_focused()
    idle(view)
    read(view, picture(name="b.png"), picture(name="c.png"))
    view.get_by_role("button", name="Remove b.png").focus()
    view.keyboard.press("Enter")
    expect(view.locator(".job-open", has_text="c.png")).to_be_focused()
    view.get_by_role("button", name="Remove c.png").focus()
    view.keyboard.press("Enter")
    expect(view.locator("#primary")).to_be_focused()  # the list of a single file is not shown
    view.get_by_role("button", name="Remove this file").focus()
    view.keyboard.press("Enter")
    expect(view.locator("#start")).to_be_focused()


def test_documents_get_their_small_picture_without_being_opened(open_page: Opener) -> None:
    view = open_page()
    document = upload(tiff([drawn("Page one"), drawn("Page two")]), "paper.tif", "image/tiff")
    read(view, picture(name="first.png"), document)
    expect(view.locator(".job", has_text="paper.tif").locator("img")).to_have_count(1)
    expect(view.locator("#picture-name")).to_have_text("first.png")


def in_sight(view: Page, one: Locator) -> bool:
    """Whether its middle is what a finger there would touch."""
    return bool(
        one.evaluate(
            """(element) => {
                const { left, top, width, height } = element.getBoundingClientRect();
                const hit = document.elementFromPoint(left + width / 2, top + height / 2);
                return element === hit || element.contains(hit);
            }"""
        )
    )


def test_on_a_phone_a_tap_on_one_side_shows_the_other(open_page: Opener, stage: Stage) -> None:
    stage.play(lambda *_: many_lines(24))
    view = open_page(**PHONE)
    read(view)
    row, box = view.locator(".line"), view.locator(".lens-line")
    row.nth(18).scroll_into_view_if_needed()
    row.nth(18).tap()
    expect(row.nth(18)).to_have_class(re.compile("is-active"))
    assert in_sight(view, row.nth(18))
    assert in_sight(view, box.nth(18))
    view.locator("#zoom-fit").tap()
    box.nth(1).dispatch_event("pointerdown")  # a box is lower than a finger: by its own middle
    middle = box.nth(1).bounding_box()
    assert middle is not None
    view.touchscreen.tap(middle["x"] + middle["width"] / 2, middle["y"] + middle["height"] / 2)
    expect(view.locator(".line.is-active")).to_have_count(1)
    assert in_sight(view, view.locator(".line.is-active .line-number"))
    active = int(view.locator(".line.is-active").get_attribute("data-index") or -1)
    assert in_sight(view, box.nth(active))


@pytest.mark.parametrize("width", [320, 390, 700])
def test_the_servers_card_fits_on_a_phone(open_page: Opener, width: int) -> None:
    view = open_page(viewport={"width": width, "height": 844})
    view.locator("#server").click()
    card = view.locator("#server-card").bounding_box()
    assert card is not None
    assert card["x"] >= 0
    assert card["x"] + card["width"] <= width
    assert view.evaluate("document.documentElement.scrollWidth") <= width


def test_a_drop_that_brings_nothing_is_told(open_page: Opener) -> None:
    view = open_page()
    # What a browser tells of an empty folder, and of a file that went away meanwhile.
    view.evaluate(
        """() => {
            const folder = {
                isDirectory: true,
                name: "folder",
                createReader: () => ({ given: false, readEntries(tell) {
                    const file = (_, fail) => fail(new Error("gone"));
                    const gone = { isFile: true, name: "gone.png", file };
                    tell(this.given ? [] : [gone]);
                    this.given = true;
                } }),
            };
            const event = new Event("drop", { bubbles: true, cancelable: true });
            event.dataTransfer = { types: ["Files"], files: [], items: [{ webkitGetAsEntry: () => folder }] };
            document.body.dispatchEvent(event);
        }"""
    )
    expect(view.locator("#status")).to_have_text("There is no picture or document in what was dropped.")


def test_a_list_that_is_too_full_takes_nothing(open_page: Opener) -> None:
    view = open_page()
    left_out = view.evaluate(
        """async () => {
            const { addFiles } = await import("/ui/js/jobs/jobs.js");
            let state = { jobs: Array.from({ length: 503 }, (_, id) => ({ id: -id })) };
            const store = { get: () => state, set: (patch) => { state = { ...state, ...patch }; } };
            const files = Array.from({ length: 5 }, () => ({ file: new Blob(), name: "x" }));
            return [addFiles(store, files).leftOut, state.jobs.length];
        }"""
    )
    assert left_out == [5, 503]


def test_the_history_counts_small_pictures_and_characters(open_page: Opener) -> None:
    view = open_page()
    sizes = view.evaluate(
        """async () => {
            const { keep, list } = await import("/ui/js/history/archive.js");
            const char = { text: "x", confidence: 0.5, polygon: [[1, 2]] };
            const chars = Array.from({ length: 1000 }, () => char);
            const result = { lines: [{ text: "x".repeat(1000), chars }] };
            const base = { name: "a", file: new Blob([]), options: {} };
            await keep({ ...base, id: "a", thumb: null, result: { lines: [] } });
            await keep({ ...base, id: "b", thumb: new Blob(["x".repeat(5000)]), result: { lines: [] } });
            await keep({ ...base, id: "c", thumb: null, result });
            return Object.fromEntries((await list()).map(({ id, bytes }) => [id, bytes]));
        }"""
    )
    assert sizes["b"] - sizes["a"] >= 5000
    assert sizes["c"] - sizes["a"] >= 50_000


def test_the_choice_of_the_model_tells_its_languages(open_page: Opener) -> None:
    view = open_page()
    view.locator("#open-options").click()
    expect(view.locator("#option-model option[value=fake]")).to_have_text("fake · quick – en")
