"""The queue: progress, cancel, retry, and a server that is busy, gone or asks for a key."""

from __future__ import annotations

import re
import threading

import pytest
from playwright.sync_api import Route, expect

from crnn_ocr.document import Document
from crnn_ocr.errors import OverloadedError, RateLimitedError
from crnn_ocr.options import ReadOptions
from crnn_ocr.service.middleware.api_keys import new_key
from crnn_ocr.settings import Settings
from tests.service.fakes import FakeReader
from tests.service.rendering import png
from tests.ui.conftest import Opener, serving
from tests.ui.scenes import TEXTS, Stage, choose, idle, invoice, lines, picture, read, read_again, upload


class Held:
    """Answers only when it is let go."""

    def __init__(self) -> None:
        self.release = threading.Event()

    def __call__(self, data: bytes, options: ReadOptions) -> Document:
        self.release.wait(20)
        return invoice(data, options)


def test_the_focus_stays_in_the_list_while_files_are_read(open_page: Opener, stage: Stage) -> None:
    held = Held()
    stage.play(held)
    view = open_page()
    choose(view, picture(name="a.png"), picture(name="b.png"))
    expect(view.locator("#work")).to_be_visible()
    remove = view.get_by_role("button", name="Remove a.png")
    remove.focus()
    held.release.set()
    idle(view)
    expect(remove).to_be_focused()
    # A button that goes hands the focus on to its file.
    held.release.clear()
    choose(view, picture(name="c.png"))
    view.get_by_role("button", name="Stop reading c.png").focus()
    held.release.set()
    idle(view)
    expect(view.locator(".job-open", has_text="c.png")).to_be_focused()


def test_progress_cancel_and_retry(open_page: Opener, stage: Stage) -> None:
    held = Held()
    stage.play(held)
    view = open_page()
    choose(view, *(picture(name=f"{number}.png") for number in range(3)))
    states = view.locator(".job")
    for number, state in enumerate(("reading", "reading", "queued")):
        expect(states.nth(number)).to_have_attribute("data-status", state)
    expect(view.get_by_role("progressbar", name="Reading…")).to_be_visible()
    expect(view.locator("#panel-proofread")).to_have_attribute("aria-busy", "true")
    view.locator("#message").get_by_role("button", name="Cancel").click()
    expect(states.nth(0)).to_have_attribute("data-status", "cancelled")
    expect(states.nth(2)).to_have_attribute("data-status", "reading")
    expect(view.locator(".message-title")).to_have_text("Stopped before it was read.")
    view.keyboard.press("Escape")  # stops everything
    expect(view.locator(".job[data-status=cancelled]")).to_have_count(3)
    idle(view)
    held.release.set()
    view.get_by_role("button", name="Read 1.png again").click()
    expect(states.nth(1)).to_have_attribute("data-status", "done")
    read_again(view)  # takes up what was stopped
    expect(view.locator(".job[data-status=done]")).to_have_count(3)


def test_results_come_when_ready_and_under_their_own_picture(open_page: Opener, stage: Stage) -> None:
    held = Held()
    slow = picture(name="slow.png")
    stage.play(lambda data, options: (held if data == slow["buffer"] else invoice)(data, options))
    view = open_page()
    choose(view, slow, picture(name="quick.png"), picture(name="quicker.png"))
    expect(view.locator(".job[data-status=done]")).to_have_count(2)
    expect(lines(view)).to_have_count(0)
    view.locator(".job-open").nth(1).click()
    expect(lines(view)).to_have_text(list(TEXTS))
    held.release.set()
    expect(view.locator(".job[data-status=done]")).to_have_count(3)
    expect(view.locator("#picture-name")).to_have_text("quick.png")


@pytest.mark.parametrize(("error", "words"), [(OverloadedError, "busy"), (RateLimitedError, "pause")])
def test_a_busy_server_is_asked_again_when_it_says(
    open_page: Opener, stage: Stage, error: type[OverloadedError], words: str
) -> None:
    refusals = [2, 600]

    def answer(data: bytes, options: ReadOptions) -> Document:
        if refusals:
            raise error("Too much.", retry_after=refusals.pop(0))
        return invoice(data, options)

    stage.play(answer)
    view = open_page()
    choose(view, picture())
    expect(view.locator(".message-title")).to_contain_text(words)
    expect(view.locator(".message-more")).to_contain_text("in 2 s")
    expect(view.locator("#server")).to_have_attribute("data-state", "busy")
    # By itself after two seconds; the second refusal asks for ten minutes, which a person may cut short.
    expect(view.locator(".message-more")).to_contain_text("600 s")
    expect(view.locator(".job-status")).to_have_text("again in 600 s")
    view.get_by_role("button", name="Try now").click()
    expect(lines(view)).to_have_text(list(TEXTS))


def test_what_failed_while_the_server_was_gone_is_read_when_it_is_back(open_page: Opener) -> None:
    view = open_page()
    expect(view.locator("#server")).to_have_attribute("data-state", "ready")
    view.context.set_offline(True)
    read(view, picture(), picture(name="second.png"))
    expect(view.get_by_role("alert")).to_contain_text("cannot be reached")
    expect(view.locator("#server")).to_have_attribute("data-state", "down")
    view.context.set_offline(False)  # nothing is pressed
    expect(lines(view)).to_have_text(list(TEXTS))
    expect(view.locator(".job[data-status=done]")).to_have_count(2)


def test_a_file_that_breaks_every_connection_is_left_at_last(open_page: Opener) -> None:
    view = open_page()
    tries = []

    def cut(route: Route) -> None:
        tries.append(route.request.url)
        route.abort()

    view.route("**/ocr?*", cut)
    read(view)
    # Twice for each reading: the first one, and three by the page itself while the server answers all else.
    for _ in range(300):
        if len(tries) == 8:
            break
        view.wait_for_timeout(200)
    expect(view.locator("#server")).to_have_attribute("data-state", "ready", timeout=30_000)
    expect(view.locator(".job")).to_have_attribute("data-status", "failed")
    assert len(tries) == 8
    view.unroute("**/ocr?*")
    view.get_by_role("button", name="Try again").click()
    expect(lines(view)).to_have_text(list(TEXTS))


def test_a_broken_connection_is_tried_once_more(open_page: Opener) -> None:
    view = open_page()
    broken = ["first"]
    view.route("**/ocr?*", lambda route: route.abort() if broken and broken.pop() else route.continue_())
    read(view)
    expect(lines(view)).to_have_text(list(TEXTS))
    assert broken == []


@pytest.mark.parametrize(
    ("data", "name", "english", "chinese"),
    [
        (b"just a text", "text.png", "plain text", "不是支持的图片格式"),
        (b"", "empty.png", "empty", "文件是空的"),
        (png("Cut", width=900)[:300], "cut.png", "damaged", "损坏"),
    ],
)
def test_errors_are_told_in_the_users_language(
    open_page: Opener, stage: Stage, data: bytes, name: str, english: str, chinese: str
) -> None:
    from crnn_ocr.imaging.decode import Limits, decode_pages

    limits = Limits(max_bytes=10**7, max_pixels=10**7, max_side=10**4, max_pages=9)

    def answer(picture_: bytes, options: ReadOptions) -> Document:
        list(decode_pages(picture_, limits))  # as the engine refuses it
        return invoice(picture_, options)

    stage.play(answer)
    view = open_page()
    read(view, upload(data, name))
    problem = view.get_by_role("alert")
    expect(problem).to_contain_text(english)
    # The same file would fail again: there is nothing to press, and no number that would help anybody.
    expect(problem.get_by_role("button")).to_have_count(0)
    expect(problem.locator(".message-code")).to_have_text(re.compile("^[A-Z_]+$"))
    expect(lines(view)).to_have_count(0)
    view.get_by_role("button", name="切换到中文").click()
    expect(problem).to_contain_text(chinese)
    read(view, picture())
    expect(lines(view)).to_have_text(list(TEXTS))


@pytest.mark.parametrize("body", ["<html>Bad Gateway</html>", "{}", "null", '{"success": true}', "[]"])
def test_an_answer_from_something_else_is_told(open_page: Opener, body: str) -> None:
    view = open_page()
    view.route("**/ocr?*", lambda route: route.fulfill(status=502, body=body))
    read(view)
    expect(view.get_by_role("alert")).to_contain_text("does not understand")


def test_a_key_is_asked_for_and_kept_for_the_session(open_page: Opener) -> None:
    key = new_key("tester")
    with serving(FakeReader(invoice), Settings(api_keys=(key.entry,))) as stage:
        view = open_page(stage.url)
        choose(view, picture())
        dialog = view.get_by_role("dialog")
        expect(dialog).to_contain_text("asks for an API key")
        view.get_by_role("textbox", name="API key").fill("wrong")
        view.keyboard.press("Enter")
        expect(dialog).to_contain_text("does not know this key")
        view.get_by_role("textbox", name="API key").fill(key.key)
        dialog.get_by_role("button", name="Use it").click()
        expect(lines(view)).to_have_text(list(TEXTS))
        view.locator("#tab-data").click()
        expect(view.locator("#code")).to_contain_text("Bearer $CRNN_OCR_KEY")
        assert key.key not in view.locator("body").inner_text()
        view.locator("#open-options").click()
        expect(view.locator("#options-form")).to_contain_text("Leave out what is hardly text")
        view.reload()
        read(view)
        view.locator("#tab-proofread").click()
        expect(lines(view)).to_have_text(list(TEXTS))
        assert key.key not in str(view.evaluate("JSON.stringify(localStorage)"))
        view.context.close()


def test_whoever_has_no_key_is_asked_once_for_all_files(open_page: Opener) -> None:
    key = new_key("x")
    with serving(FakeReader(invoice), Settings(api_keys=(key.entry,))) as stage:
        view = open_page(stage.url)
        choose(view, *(picture(name=f"{number}.png") for number in range(6)))
        view.get_by_role("dialog").get_by_role("button", name="Cancel").click()
        expect(view.get_by_role("alert")).to_contain_text("asks for an API key")
        expect(view.locator(".job[data-status=failed]")).to_have_count(6)
        expect(view.get_by_role("dialog")).to_have_count(0)
        view.keyboard.press("Control+Enter")
        view.get_by_role("textbox", name="API key").fill(key.key)
        view.keyboard.press("Enter")
        expect(view.locator(".job[data-status=done]")).to_have_count(6)
        view.context.close()


def test_the_options_can_be_unlocked(open_page: Opener) -> None:
    key = new_key("x")
    with serving(FakeReader(invoice), Settings(api_keys=(key.entry,))) as stage:
        view = open_page(stage.url)
        view.locator("#open-options").click()
        form = view.locator("#options-form")
        expect(form).to_contain_text("to those who have a key")
        form.get_by_role("button", name="Enter the API key").click()
        view.get_by_role("textbox", name="API key").fill(key.key)
        view.keyboard.press("Enter")
        expect(form).to_contain_text("Leave out what is hardly text")
        view.keyboard.press("Escape")
        view.locator("#server").click()
        expect(view.locator("#server-facts")).to_contain_text("API keyin use")
        view.context.close()
