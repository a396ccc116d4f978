"""Proofreading: confidence, marks, selection, editing, doubts, undo, search and replace, copying."""

from __future__ import annotations

import re
from dataclasses import replace

from playwright.sync_api import Locator, Page, expect

from crnn_ocr.document import Document, Remark
from tests.ui.conftest import Opener
from tests.ui.scenes import (
    TEXTS,
    Stage,
    clipboard,
    line,
    lines,
    many_lines,
    picture,
    read,
    read_again,
    said,
    sheet,
)


def row(view: Page, number: int) -> Locator:
    return view.locator(".line").nth(number)


def test_confidence_and_unsure_characters(open_page: Opener) -> None:
    view = open_page()
    read(view)
    # Numbers stand where there is something to look at; what they mean is told of every line.
    sure = "per cent sure that the whole line is right"
    assert view.locator(".line-confidence").all_inner_texts() == [
        f"99 {sure}",
        f"62 %\n62 {sure}",
        f"87 %\n87 {sure}",
    ]
    expect(view.locator(".line-confidence").nth(1)).to_have_class("line-confidence is-poor")
    mark = view.locator("mark.unsure")
    expect(mark).to_have_text("99")
    expect(mark).to_have_attribute("title", "Unsure: 41 %")
    assert "wavy" in mark.evaluate("mark => getComputedStyle(mark).textDecoration")


def test_copy_one_line_a_selection_and_all(open_page: Opener) -> None:
    view = open_page()
    read(view)
    row(view, 1).hover()
    view.get_by_role("button", name=f"Copy this line: {TEXTS[1]}").click()
    expect(said(view)).to_have_text("Copied")
    assert clipboard(view) == TEXTS[1]
    view.get_by_role("button", name="Copy all").click()
    expect(view.locator("#copy-all")).to_have_text("Copied")
    assert clipboard(view) == "\n".join(TEXTS)
    row(view, 0).click()
    row(view, 2).click(modifiers=["Control"])
    expect(row(view, 2)).to_have_attribute("aria-selected", "true")
    row(view, 0).click(modifiers=["Control"])
    view.locator("#copy-all").click()
    expect(said(view)).to_have_text("Copied")
    assert clipboard(view) == f"{TEXTS[0]}\n{TEXTS[2]}"
    row(view, 2).click(modifiers=["Shift"])
    expect(view.locator("#copy-all")).to_contain_text("3 lines")


def test_selecting_with_the_mouse_copies_text_alone(open_page: Opener) -> None:
    view = open_page()
    read(view)
    view.evaluate(
        """() => {
            const cells = document.querySelectorAll(".line-text");
            const range = document.createRange();
            range.setStart(cells[0].firstChild, 8);
            range.setEnd(cells[1].firstChild, 5);
            getSelection().removeAllRanges();
            getSelection().addRange(range);
        }"""
    )
    view.keyboard.press("Control+C")
    view.wait_for_timeout(100)
    assert clipboard(view) == "10234\nTotal"


def test_copy_works_without_the_modern_clipboard(open_page: Opener) -> None:
    view = open_page()
    view.evaluate("Object.defineProperty(window, 'isSecureContext', { value: false })")
    read(view)
    view.get_by_role("button", name="Copy all").click()
    expect(view.locator("#copy-all")).to_have_text("Copied")
    assert clipboard(view) == "\n".join(TEXTS)


def test_edit_a_line_in_its_place(open_page: Opener) -> None:
    view = open_page()
    read(view)
    row(view, 1).locator(".line-text").dblclick()
    field = view.locator(".line-edit")
    expect(field).to_be_focused()
    field.fill("Total 99.60 EUR")
    view.keyboard.press("Enter")
    expect(lines(view).nth(1)).to_have_text("Total 99.60 EUR")
    expect(row(view, 1)).to_be_focused()
    expect(view.locator(".line-confidence").nth(1)).to_contain_text("read as: Total 99.50 EUR")
    view.locator("#copy-all").click()
    expect(said(view)).to_have_text("Copied")
    assert "99.60" in clipboard(view)
    # Escape gives up; what is pasted stays one line; the edit survives another reading.
    row(view, 0).click()
    view.keyboard.press("Enter")
    view.locator(".line-edit").fill("nothing of this")
    view.keyboard.press("Escape")
    expect(lines(view).nth(0)).to_have_text(TEXTS[0])
    view.keyboard.press("F2")
    view.locator(".line-edit").fill("two\n rows")
    view.locator("#copy-all").focus()  # leaving the field keeps the edit
    expect(lines(view).nth(0)).to_have_text("two rows")
    read_again(view)
    expect(lines(view).nth(1)).to_have_text("Total 99.60 EUR")
    row(view, 1).hover()
    view.get_by_role("button", name="Back to what was read: Total 99.50 EUR").click()
    expect(lines(view).nth(1)).to_have_text(TEXTS[1])


def test_a_search_that_has_not_arrived_is_asked_for_again(open_page: Opener) -> None:
    view = open_page()
    read(view)
    view.route("**/js/result/search/search.js*", lambda route: route.abort())
    view.locator("#search").fill("total")
    expect(said(view)).to_contain_text("cannot be reached")
    view.unroute("**/js/result/search/search.js*")
    view.locator("#search").press("End")
    view.keyboard.type(" 99")
    expect(view.locator("#search-count")).to_have_text("1 of 1")


def test_search_in_the_text(open_page: Opener) -> None:
    view = open_page()
    read(view)
    view.locator("body").press("/")
    expect(view.locator("#search")).to_be_focused()
    view.keyboard.type("TOTAL 99")  # over the seam of a mark, whatever the case
    expect(view.locator("#search-count")).to_have_text("1 of 1")
    expect(row(view, 1)).to_have_class(re.compile("has-hit"))
    # The hit is shown in the picture as well.
    expect(view.locator("polygon.box.is-active")).to_have_attribute("data-index", "1")
    assert view.evaluate("[...CSS.highlights.get('search-current')].map(String)") == ["Total 99"]
    view.locator("#search").fill("2")
    expect(view.locator("#search-count")).to_have_text("1 of 5")
    view.keyboard.press("Enter")
    expect(view.locator("#search-count")).to_have_text("2 of 5")
    view.get_by_role("button", name="Hit before").click()
    expect(view.locator("#search-count")).to_have_text("1 of 5")
    view.locator("#search").fill("no such text")
    expect(view.locator("#search-count")).to_have_text("no hit")
    view.locator("#search").press("Escape")
    expect(view.locator("#search-found")).to_be_hidden()
    view.locator("#search").fill("2")
    view.get_by_role("button", name="Clear the search").click()
    expect(view.locator("#search")).to_have_value("")
    expect(view.locator("#search")).to_be_focused()


def test_going_from_doubt_to_doubt(open_page: Opener) -> None:
    view = open_page()
    read(view)
    expect(view.locator("#doubts-count")).to_have_text("2 doubts left")
    fitted = view.locator("#zoom").inner_text()
    view.get_by_role("button", name="Next doubt", exact=True).click()
    field = view.locator(".line-edit")
    expect(field).to_be_focused()
    expect(field).to_have_value(TEXTS[1])
    # The line as it is printed stands above the field, and the picture has gone there.
    expect(view.locator(".crop-picture canvas")).to_be_visible()
    assert view.locator("#zoom").inner_text() != fitted
    expect(view.locator("polygon.box.is-active")).to_have_attribute("data-index", "1")
    view.keyboard.press("Enter")  # accepted as it is, and on to the next
    expect(view.locator("#doubts-count")).to_have_text("1 doubt left")
    expect(row(view, 1)).to_have_class(re.compile("is-checked"))
    expect(view.locator("mark.unsure")).to_have_count(0)
    expect(field).to_have_value(TEXTS[2])
    field.fill("corrected")
    view.keyboard.press("Enter")
    expect(view.locator("#doubts-count")).to_have_text("No doubts left")
    expect(view.locator("#next-doubt")).to_be_disabled()
    expect(row(view, 2)).to_be_focused()


def test_tab_passes_doubts_by_and_leaves_after_the_last(open_page: Opener) -> None:
    view = open_page()
    read(view)
    view.keyboard.press("g")
    field = view.locator(".line-edit")
    expect(field).to_have_value(TEXTS[1])
    view.keyboard.press("Tab")
    expect(field).to_have_value(TEXTS[2])
    view.keyboard.press("Shift+Tab")
    expect(field).to_have_value(TEXTS[1])
    view.keyboard.press("Tab")
    view.keyboard.press("Tab")  # there is no doubt behind this one: the keyboard is not caught
    expect(field).to_have_count(0)
    expect(view.locator("#doubts-count")).to_have_text("2 doubts left")
    # The mouse accepts by the button of the row, or by the one above the field.
    row(view, 1).hover()
    view.get_by_role("button", name=f"Accept this line: {TEXTS[1]}").click()
    expect(view.locator("#doubts-count")).to_have_text("1 doubt left")
    lines(view).nth(2).dblclick()
    view.get_by_role("button", name="Accept (Enter)").click()
    expect(view.locator("#doubts-count")).to_have_text("No doubts left")


def test_undo_and_redo(open_page: Opener) -> None:
    view = open_page()
    read(view)
    expect(view.locator("#undo")).to_be_disabled()
    for index, text in ((0, "first"), (2, "third")):
        lines(view).nth(index).dblclick()
        view.locator(".line-edit").fill(text)
        view.keyboard.press("Enter")
    view.keyboard.press("Control+z")
    expect(lines(view)).to_have_text(["first", TEXTS[1], TEXTS[2]])
    expect(row(view, 2)).to_have_class(re.compile("is-active"))
    view.locator("#undo").click()
    expect(lines(view)).to_have_text(list(TEXTS))
    expect(view.locator("#undo")).to_be_disabled()
    view.keyboard.press("Control+Shift+z")
    view.keyboard.press("Control+y")
    expect(lines(view)).to_have_text(["first", TEXTS[1], "third"])
    expect(view.locator("#redo")).to_be_disabled()
    # What was read anew cannot be undone into what was read before.
    read_again(view)
    expect(view.locator("#undo")).to_be_disabled()
    expect(lines(view)).to_have_text(["first", TEXTS[1], "third"])


def test_find_and_replace(open_page: Opener) -> None:
    view = open_page()
    read(view)
    view.keyboard.press("Control+h")
    view.locator("#search").fill("2")
    view.locator("#replace").fill("$&")  # no pattern: what is typed is what comes
    view.get_by_role("button", name="Replace", exact=True).click()
    expect(lines(view).first).to_have_text("Invoice 10$&34")
    view.get_by_role("button", name="Replace all").click()
    expect(said(view)).to_have_text("4 replaced")
    expect(lines(view).nth(2)).to_have_text("开票日期：$&0$&6年11月$&$&日")
    view.locator("#undo").click()  # all of them are one step
    expect(lines(view)).to_have_text(["Invoice 10$&34", TEXTS[1], TEXTS[2]])
    view.locator("#replace").press("Escape")
    expect(view.locator("#replace-row")).to_be_hidden()
    expect(view.locator("#replace-toggle")).to_be_focused()


def test_another_file_begins_at_its_beginning(open_page: Opener, stage: Stage) -> None:
    stage.play(lambda *_: many_lines(80))
    view = open_page()
    read(view, picture(name="a.png"), picture(name="b.png"))
    panel = view.locator("#panel-proofread")
    panel.evaluate("panel => panel.scrollTo(0, 900)")
    view.locator(".job-open").nth(1).click()
    expect(view.locator("#picture-name")).to_have_text("b.png")
    assert panel.evaluate("panel => panel.scrollTop") == 0


def test_remarks_stand_at_their_pages(open_page: Opener, stage: Stage) -> None:
    remark = Remark("TEXT_TOO_SMALL", "The text is too small.")
    broken = replace(sheet(), number=2, error=Remark("PDF_PAGE_BROKEN", "Page 2 is damaged."))
    third = replace(sheet(line("third", 0), warnings=(remark,)), number=3)
    stage.play(lambda *_: Document((sheet(line("first", 0)), broken, third), "fake/1"))
    view = open_page()
    read(view)
    expect(view.locator("#notices .notice")).to_have_count(0)
    after = "(notice) => notice.previousElementSibling.textContent"
    remarks = view.locator("#lines .notice")
    expect(remarks).to_have_text(["Page 2 is damaged.", "The text is too small."])
    assert [remarks.nth(at).evaluate(after) for at in (0, 1)] == ["Page 2 of 3", "Page 3 of 3"]
    view.locator("#tab-document").click()
    notices = view.locator(".doc-page .notice")
    expect(notices).to_have_text(["Page 2 is damaged.", "The text is too small."])
    expect(view.locator(".doc-page").nth(1).locator(".notice")).to_have_class(re.compile("is-failed"))


def test_a_picture_without_text_gets_a_friendly_word(open_page: Opener, stage: Stage) -> None:
    stage.play(lambda *_: Document((sheet(),), "fake/1"))
    view = open_page()
    read(view)
    expect(view.locator(".message-title")).to_have_text("No text was found in this picture.")
    expect(view.locator("#copy-all")).to_be_hidden()


def test_warnings_are_translated(open_page: Opener, stage: Stage) -> None:
    remarks = (Remark("IMAGE_BLURRED", "It is blurred."), Remark("NEW_ONE", "Something new."))
    stage.play(lambda *_: Document((sheet(line("x", 0), warnings=remarks),), "fake/1"))
    view = open_page(locale="zh-CN")
    read(view)
    expect(view.locator("#notices .notice").nth(0)).to_contain_text("图片比较模糊")
    expect(view.locator("#notices .notice").nth(1)).to_have_text("Something new.")
    view.locator("#language").click()
    expect(view.locator("#notices .notice").nth(0)).to_have_text("It is blurred.")
