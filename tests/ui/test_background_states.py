"""What can become of a long document: failed pages, busy and absent servers, wrong keys, expiry."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from crnn_ocr.document import Document
from crnn_ocr.errors import DeadlineExceededError
from crnn_ocr.options import ReadOptions
from crnn_ocr.service.middleware.api_keys import new_key
from crnn_ocr.settings import Settings
from tests.service.fakes import FakeReader
from tests.ui.background import MANY, World, long_documents, scan, text_of, working
from tests.ui.conftest import Opener, serving
from tests.ui.scenes import choose, idle, invoice, lines, read, said
from tests.ui.test_accessibility import violations

AWAY = re.compile("/jobs/[0-9a-f]{32}|/readyz")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with long_documents(tmp_path) as found:
        yield found


def bar(view: Page) -> Locator:
    return view.locator("#background-bar")


def drawer(view: Page) -> Locator:
    view.locator("#open-background").click()
    return view.get_by_role("dialog")


def unfinished(world: World) -> list[str]:
    return [job.id for job in world.jobs.store.jobs("", states=("queued", "running"))]


# ---- the work ----------------------------------------------------------------------------------------


def test_a_page_that_fails_tells_why_where_it_stands(open_page: Opener, world: World) -> None:
    world.reader.failing = {3}
    view = open_page(world.url)
    choose(view, scan())
    world.let(MANY)
    idle(view)
    expect(bar(view)).to_contain_text(f"{MANY - 1} of {MANY} pages read, 1 failed")
    view.locator("#background-toggle").click()
    view.get_by_role("button", name="failed 1").click()
    pages = view.locator(".page-button")
    expect(pages).to_have_count(1)
    expect(pages).to_have_accessible_name("Page 3, failed: The page is torn.")
    pages.click()
    expect(view.get_by_role("alert")).to_contain_text("The page is torn. Scan it again.")
    expect(view.locator("#picture img")).to_be_visible()
    # The document can be saved all the same.
    view.locator("#background-export").click()
    expect(view.get_by_label(f"All {MANY} pages, as they were read")).to_be_checked()
    expect(view.get_by_label("Page 3, with your changes")).to_be_disabled()
    expect(view.locator("#export-save")).to_be_enabled()


def test_stopping_can_be_taken_back_and_cancels_at_last(open_page: Opener, world: World) -> None:
    view = open_page(world.url)
    view.clock.install()
    choose(view, scan())
    world.let(2)
    expect(bar(view)).to_contain_text(f"2 of {MANY} pages")
    view.locator("#background-stop").click()
    expect(view.locator("#say-text")).to_contain_text("Stopped")
    expect(bar(view)).to_contain_text("stopped")
    view.locator("#say-action").click()
    expect(bar(view)).to_contain_text(f"2 of {MANY} pages")
    assert len(unfinished(world)) == 1
    view.keyboard.press("Escape")
    with view.expect_response(lambda answer: answer.request.method == "DELETE"):
        view.clock.fast_forward(11_000)
    idle(view)
    assert unfinished(world) == []
    expect(view.locator("#message")).to_contain_text("What was read of it is deleted")
    # The file is still in the page, so it can be read again.
    view.keyboard.press("Control+Enter")
    world.let(MANY + 2)
    view.clock.run_for(3000)
    expect(bar(view)).to_contain_text(f"{MANY} pages read")


def test_removing_a_file_from_the_page_leaves_its_job_alone(open_page: Opener, world: World) -> None:
    view = open_page(world.url)
    choose(view, scan())
    world.let(1)
    expect(bar(view)).to_contain_text(f"1 of {MANY} pages")
    view.locator("#remove-file").click()
    expect(view.locator("#intake")).to_be_visible()
    assert len(unfinished(world)) == 1
    view.locator("#say-action").click()
    world.let(MANY)
    expect(bar(view)).to_contain_text(f"{MANY} pages read")


def test_what_was_read_of_hundreds_of_pages_is_not_held(open_page: Opener, world: World) -> None:
    view = open_page(world.url)
    fetched: list[str] = []
    view.on("request", lambda request: fetched.append(request.url))
    choose(view, scan(200))
    world.let(200)
    expect(bar(view)).to_contain_text("200 pages read", timeout=120_000)
    pages = [url for url in fetched if re.search(r"/pages/0/\d+\?", url)]
    assert len(pages) == 1  # the one that is shown
    view.locator("#background-toggle").click()
    expect(view.locator(".page-button")).to_have_count(60)
    view.get_by_role("button", name="Next pages").click()
    expect(view.locator(".page-range")).to_have_text("61–120 of 200")
    view.get_by_label("Go to page").fill("150")
    view.keyboard.press("Enter")
    expect(lines(view).first).to_have_text(text_of(150))
    expect(view.locator(".page-range")).to_have_text("121–180 of 200")
    view.locator(".page-button[aria-current]").focus()
    view.keyboard.press("ArrowRight")
    view.keyboard.press("Enter")
    expect(lines(view).first).to_have_text(text_of(151))


# ---- the server --------------------------------------------------------------------------------------


def test_without_jobs_a_long_document_is_read_as_ever(open_page: Opener, tmp_path: Path) -> None:
    with serving(FakeReader(invoice), Settings(jobs="off", jobs_dir=tmp_path)) as stage:
        view = open_page(stage.url)
        read(view, scan())
        expect(view.locator("#open-background")).to_be_hidden()
        assert len(stage.reader.calls) == 1
        view.context.close()


def test_what_is_too_much_for_a_request_goes_into_the_background(open_page: Opener, world: World) -> None:
    def late(_data: bytes, _options: ReadOptions) -> Document:
        raise DeadlineExceededError("The time is over.")

    world.stage.play(late)
    view = open_page(world.url)
    choose(view, scan(3))
    world.let(3)
    expect(bar(view)).to_contain_text("3 pages read")


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (429, "JOBS_TOO_MANY", "As many documents as the server allows"),
        (503, "JOBS_UNAVAILABLE", "The server is busy"),
        (507, "JOB_STORAGE_FULL", "no room for this document"),
    ],
)
def test_a_server_without_room_is_asked_again(
    open_page: Opener, world: World, status: int, code: str, words: str
) -> None:
    refusals = [1]
    body = {"success": False, "error": {"code": code, "message": "x", "hint": ""}, "request_id": "r"}

    def answer(route: Route) -> None:
        if route.request.method == "POST" and refusals:
            refusals.pop()
            route.fulfill(status=status, headers={"Retry-After": "2"}, json=body)
        else:
            route.continue_()

    view = open_page(world.url)
    view.route("**/jobs?*", answer)
    choose(view, scan())
    expect(view.locator("#message")).to_contain_text(words)
    expect(view.locator("#message")).to_contain_text("Trying again by itself")
    world.let(MANY)
    expect(bar(view)).to_contain_text(f"{MANY} pages read")
    assert len(world.jobs.store.jobs("")) == 1


def test_a_broken_connection_makes_no_second_job(open_page: Opener, world: World) -> None:
    view = open_page(world.url)
    broken = [1]

    def answer(route: Route) -> None:
        if route.request.method == "POST" and broken:
            broken.pop()
            route.fetch()  # the server takes it, and nobody hears so
            route.abort()
        else:
            route.continue_()

    view.route("**/jobs?*", answer)
    choose(view, scan())
    world.let(MANY)
    expect(bar(view)).to_contain_text(f"{MANY} pages read")
    assert len(world.jobs.store.jobs("")) == 1


def test_events_that_do_not_arrive_are_asked_for(open_page: Opener, world: World) -> None:
    view = open_page(world.url)
    view.route("**/events*", lambda route: route.fulfill(status=503, headers={"Retry-After": "1"}, body="{}"))
    choose(view, scan())
    world.let(2)
    expect(bar(view)).to_contain_text(f"2 of {MANY} pages", timeout=15_000)
    world.let(MANY)
    expect(bar(view)).to_contain_text(f"{MANY} pages read", timeout=15_000)


def test_a_server_that_is_away_is_told_and_waited_for(open_page: Opener, world: World) -> None:
    view = open_page(world.url)
    choose(view, scan())
    world.let(2)
    expect(bar(view)).to_contain_text(f"2 of {MANY} pages")
    expect(lines(view).first).to_have_text(text_of(1))
    view.route(AWAY, lambda route: route.abort())
    view.evaluate("dispatchEvent(new Event('visibilitychange'))")
    view.locator("#page-after").click()  # a page that cannot be fetched now can be asked for again
    expect(view.get_by_role("alert")).to_contain_text("cannot be reached")
    view.unroute(AWAY)
    view.get_by_role("alert").get_by_role("button", name="Try again").click()
    expect(lines(view).first).to_have_text(text_of(2))
    world.let(MANY)
    expect(bar(view)).to_contain_text(f"{MANY} pages read", timeout=30_000)


def test_a_restart_of_the_server_loses_nothing(open_page: Opener, tmp_path: Path) -> None:
    with long_documents(tmp_path, works=False) as world:
        view = open_page(world.url)
        choose(view, scan())
        with working(world):
            world.let(2)
            expect(bar(view)).to_contain_text(f"2 of {MANY} pages")
            view.route("**/events*", lambda route: route.abort())
            world.reader.permits = type(world.reader.permits)(0)
            view.reload()
            expect(bar(view)).to_contain_text(f"2 of {MANY} pages", timeout=15_000)
            view.unroute("**/events*")
            world.let(MANY)
            expect(bar(view)).to_contain_text(f"{MANY} pages read", timeout=15_000)
        view.context.close()


def test_a_job_whose_time_is_over(open_page: Opener, world: World) -> None:
    view = open_page(world.url)
    choose(view, scan())
    world.let(MANY)
    idle(view)
    (job,) = world.jobs.store.jobs("")
    world.jobs.files.delete_job(job.id)
    world.jobs.store.expire(job.id)
    view.locator("#page-after").click()
    expect(view.get_by_role("alert")).to_contain_text("its time is over")
    view.reload()
    expect(bar(view)).to_contain_text("its time is over")
    expect(view.get_by_role("alert")).to_contain_text("Choose the file again")
    view.get_by_role("button", name="切换到中文").click()
    expect(view.get_by_role("alert")).to_contain_text("任务已过期")
    found = drawer(view)
    expect(found).to_contain_text("已过期")
    found.get_by_role("button", name="删除").click()
    expect(found).to_contain_text("没有任务")


def test_a_job_that_is_gone_is_forgotten(open_page: Opener, world: World) -> None:
    view = open_page(world.url)
    view.evaluate("id => localStorage.setItem('crnn-ocr.background', JSON.stringify([id]))", "0" * 32)
    view.reload()
    expect(view.locator("#server")).to_have_attribute("data-state", "ready")
    view.wait_for_load_state("networkidle")
    assert view.evaluate("localStorage.getItem('crnn-ocr.background')") == "[]"
    expect(view.locator("#open-background")).to_be_hidden()


def test_jobs_that_were_switched_off_are_told(open_page: Opener, world: World) -> None:
    view = open_page(world.url)
    choose(view, scan())
    world.let(1)
    expect(bar(view)).to_contain_text(f"1 of {MANY} pages")
    answer = {"success": False, "error": {"code": "JOBS_DISABLED", "message": "x", "hint": ""}}
    view.route(re.compile("/jobs/[0-9a-f]{32}"), lambda route: route.fulfill(status=404, json=answer))
    view.reload()
    expect(view.locator("#open-background")).to_be_visible()
    found = drawer(view)
    expect(found).to_contain_text("reads no documents in the background any more")


# ---- keys --------------------------------------------------------------------------------------------


def test_the_jobs_of_a_key_are_found_with_it_alone(open_page: Opener, tmp_path: Path) -> None:
    one, other = new_key("one"), new_key("other")
    with long_documents(tmp_path, api_keys=(one.entry, other.entry)) as world:
        view = open_page(world.url)
        view.evaluate("key => sessionStorage.setItem('crnn-ocr.key', key)", one.key)
        view.reload()
        expect(view.locator("#server")).to_have_attribute("data-state", "ready")
        choose(view, scan())
        world.let(MANY)
        expect(bar(view)).to_contain_text(f"{MANY} pages read", timeout=20_000)
        # Another browser of the same key finds it, another key does not.
        for key, count in ((one.key, 1), (other.key, 0)):
            elsewhere = open_page(world.url)
            elsewhere.evaluate("key => sessionStorage.setItem('crnn-ocr.key', key)", key)
            elsewhere.reload()
            expect(elsewhere.locator("#server")).to_have_attribute("data-state", "ready")
            expect(elsewhere.locator("#open-background:visible")).to_have_count(count)
        # The tab was closed, and the key with it: it is asked for when the list is opened.
        view.evaluate("sessionStorage.clear()")
        again = view.context.new_page()
        again.goto(world.url)
        found = drawer(again)
        expect(found).to_contain_text("asks for an API key")
        found.get_by_role("button", name="Enter the API key").click()
        again.get_by_role("textbox", name="API key").fill(one.key)
        again.keyboard.press("Enter")
        expect(again.locator("#background-dialog")).to_contain_text("minutes.pdf")
        for context in {page.context for page in (view, again)}:
            context.close()


# ---- how it looks and sounds -------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "locale"), [(1440, "en-GB"), (390, "zh-CN")])
def test_everything_is_accessible(
    open_page: Opener, world: World, scheme: str, width: int, locale: str
) -> None:
    world.reader.failing = {2}
    view = open_page(
        world.url,
        viewport={"width": width, "height": 844},
        color_scheme=scheme,
        locale=locale,
        reduced_motion="reduce",
    )
    choose(view, scan())
    world.let(3)
    expect(view.locator("#background-bar")).to_contain_text(re.compile(f"3 (of|/) {MANY}"))
    view.locator("#background-toggle").click()
    expect(view.locator(".page-button[data-state=failed]")).to_have_count(1)
    assert violations(view) == []
    view.locator(".page-button[data-state=failed]").click()
    expect(view.get_by_role("alert")).to_be_visible()
    assert violations(view) == []
    world.let(MANY)
    idle(view)
    view.locator("#open-background").click()
    expect(view.locator(".background-format")).not_to_have_count(0)
    assert violations(view) == []
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert view.evaluate(overflow) == 0


def test_the_live_region_says_the_beginning_and_the_end(open_page: Opener, world: World) -> None:
    view = open_page(world.url)
    view.evaluate(
        """() => {
            window.heard = [];
            const region = document.getElementById("status");
            const hear = () => window.heard.push(region.textContent);
            new MutationObserver(hear).observe(region, { childList: true });
        }"""
    )
    choose(view, scan())
    world.let(MANY)
    expect(said(view)).to_contain_text(f"{MANY} pages read")
    heard = view.evaluate("window.heard")
    assert heard == [
        "Added: minutes.pdf",
        "Read in the background: minutes.pdf",
        f"minutes.pdf: {MANY} pages read",
    ]


def test_a_part_that_has_not_arrived_is_asked_for_again(open_page: Opener) -> None:
    with serving(FakeReader(invoice), Settings(jobs="off")) as stage:
        view = open_page(stage.url)
        read(view)
        view.route("**/ui/js/export/**", lambda route: route.abort())
        view.locator("#export").click()
        expect(said(view)).to_contain_text("cannot be reached")
        expect(view.get_by_role("dialog")).to_have_count(0)
        view.unroute("**/ui/js/export/**")
        view.locator("#export").click()
        expect(view.get_by_role("dialog")).to_be_visible()
        view.context.close()


def test_words_are_the_same_in_both_languages() -> None:
    folder = Path(__file__).parents[2] / "src/crnn_ocr/service/ui/js/words"
    names = [
        re.findall(r"^  (\w+):", (folder / f"{language}-background.js").read_text(), re.M)
        for language in ("en", "zh")
    ]
    assert names[0] == names[1]
    assert len(names[0]) > 50
