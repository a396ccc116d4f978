"""What the user has done to a result is about that result's lines, whatever is read or comes in meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable

from playwright.sync_api import Page, expect

from crnn_ocr.document import Document
from crnn_ocr.options import ReadOptions
from tests.ui.conftest import Opener
from tests.ui.scenes import (
    TEXTS,
    Stage,
    clipboard,
    drop,
    idle,
    invoice,
    line,
    lines,
    picture,
    read,
    read_again,
    said,
    sheet,
)

Reader = Callable[[bytes, ReadOptions], Document]


def without_the_first(_data: bytes, _options: ReadOptions) -> Document:
    return Document((sheet(line(TEXTS[1], 1, confidence=0.62), line("Thanks", 3)),), "fake/1")


def held_back(release: threading.Event, answer: Reader) -> Reader:
    """Answer as that reader does, but not before the event."""

    def later(data: bytes, options: ReadOptions) -> Document:
        release.wait(20)
        return answer(data, options)

    return later


def edit(view: Page, number: int, text: str) -> None:
    view.locator(".line-text").nth(number).dblclick()
    view.locator(".line-edit").fill(text)


def read_otherwise(view: Page) -> None:
    """Change an option, so that nothing comes from the cache, and read again by the keys."""
    view.locator("#open-options").click()
    view.locator("#option-min_confidence").focus()
    view.keyboard.press("ArrowRight")
    view.keyboard.press("Escape")
    expect(view.locator("#stale")).to_be_visible()


def test_a_selection_follows_its_lines_when_fewer_are_read(open_page: Opener, stage: Stage) -> None:
    view = open_page()
    read(view)
    view.locator(".line").nth(1).click()
    view.keyboard.press("Control+a")
    stage.play(without_the_first)
    read_otherwise(view)
    view.locator("#read-stale").click()
    expect(lines(view)).to_have_text([TEXTS[1], "Thanks"])
    expect(view.locator(".line[aria-selected=true] .line-text")).to_have_text([TEXTS[1]])
    expect(view.locator(".line.is-active .line-text")).to_have_text([TEXTS[1]])
    expect(view.locator("#copy-all")).to_have_text("Copy 1 line")
    view.locator("#copy-all").click()
    expect(said(view)).to_have_text("Copied")
    assert clipboard(view) == TEXTS[1]


def test_an_open_edit_keeps_its_line_when_a_reading_arrives(open_page: Opener, stage: Stage) -> None:
    release = threading.Event()
    later = held_back(release, without_the_first)
    view = open_page()
    read(view)
    stage.play(later)
    read_otherwise(view)
    view.locator("#read-stale").click()
    edit(view, 1, "Total 99.60 EUR")
    release.set()
    idle(view)
    expect(lines(view)).to_have_text(["Total 99.60 EUR", "Thanks"])
    expect(view.locator(".line.is-edited")).to_have_count(1)
    expect(view.locator(".line").first).to_be_focused()
    # An edit of a line that was not read again goes with it, and the next readings work.
    stage.play(invoice)
    read_otherwise(view)
    view.locator("#read-stale").click()
    expect(lines(view)).to_have_text([TEXTS[0], "Total 99.60 EUR", TEXTS[2]])
    release.clear()
    stage.play(later)
    read_otherwise(view)
    view.locator("#read-stale").click()
    edit(view, 2, "of a line that goes")
    release.set()
    idle(view)
    expect(lines(view)).to_have_text(["Total 99.60 EUR", "Thanks"])
    read_again(view)
    expect(lines(view)).to_have_text(["Total 99.60 EUR", "Thanks"])
    expect(view.get_by_role("alert")).to_have_count(0)


def test_an_open_edit_is_kept_when_a_file_is_dropped(open_page: Opener) -> None:
    view = open_page()
    read(view)
    edit(view, 2, "edited")
    drop(view, "#picture", picture(name="another.png"))
    expect(view.locator("#picture-name")).to_have_text("another.png")
    expect(lines(view)).to_have_text(list(TEXTS))  # of the new file
    view.locator(".job-open").first.click()
    expect(lines(view)).to_have_text([TEXTS[0], TEXTS[1], "edited"])


def test_text_that_an_office_program_copies_goes_into_the_field(open_page: Opener) -> None:
    view = open_page()
    read(view)
    edit(view, 0, "")
    view.evaluate(
        """async () => {
            const canvas = document.createElement("canvas");
            const blob = await new Promise((resolve) => canvas.toBlob(resolve));
            const text = new Blob(["from a cell"], { type: "text/plain" });
            await navigator.clipboard.write([new ClipboardItem({ "image/png": blob, "text/plain": text })]);
        }"""
    )
    view.keyboard.press("Control+V")
    expect(view.locator(".line-edit")).to_have_value("from a cell")
    view.keyboard.press("Enter")
    expect(lines(view).first).to_have_text("from a cell")
    expect(view.locator(".job")).to_have_count(1)


def test_a_stopped_reading_leaves_the_result_with_its_options(open_page: Opener, stage: Stage) -> None:
    release = threading.Event()
    view = open_page()
    read(view)
    stage.play(held_back(release, invoice))
    read_otherwise(view)
    view.locator("#read-stale").click()
    expect(view.locator(".job")).to_have_attribute("data-status", "reading")
    view.locator("#primary").click()
    idle(view)
    expect(view.locator("#stale")).to_be_visible()
    view.locator("#tab-data").click()
    expect(view.locator("#code")).not_to_contain_text("min_confidence")
    release.set()
    view.locator("#read-stale").click()
    idle(view)
    expect(view.locator("#stale")).to_be_hidden()
    expect(view.locator("#code")).to_contain_text("min_confidence")


def test_keys_of_an_input_method_do_not_end_an_edit(open_page: Opener) -> None:
    view = open_page()
    read(view)
    edit(view, 0, "ni")
    field = view.locator(".line-edit")
    for key in ("Escape", "Enter"):
        field.dispatch_event("keydown", {"key": key, "isComposing": True, "bubbles": True})
        expect(field).to_have_value("ni")
    view.keyboard.press("Escape")
    expect(lines(view).first).to_have_text(TEXTS[0])


def test_the_key_for_editing_shows_what_is_edited(open_page: Opener) -> None:
    view = open_page()
    read(view)
    view.locator("#tab-data").click()
    view.keyboard.press("j")
    view.keyboard.press("e")
    expect(view.locator(".line-edit")).to_be_focused()
    expect(view.locator("#tab-proofread")).to_have_attribute("aria-selected", "true")
