"""WCAG 2.2 AA as far as a program can tell: axe-core over every state, and what a screen reader meets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from crnn_ocr.export.json import to_dict
from crnn_ocr.options import ReadOptions
from tests.ui.conftest import Opener
from tests.ui.scenes import TEXTS, Stage, choose, picture, read, report, upload

AXE = Path(__file__).resolve().parents[2] / ".venv" / "share" / "axe-core" / "axe.min.js"
NOTHING = {
    "success": True,
    "text": "",
    "elapsed_ms": 1,
    "lines": [],
    "width": 9,
    "height": 9,
    "model": "fake/1",
}
BLOCKS = {
    **to_dict(report(b"", ReadOptions())),
    "success": True,
    "elapsed_ms": 1,
    "lines": [],
    "request_id": "x",
}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def empty(_view: Page) -> None: ...


def result(view: Page) -> None:
    read(view, picture(), upload(b"no picture", "odd.png"))
    view.locator(".line").nth(1).click()


def failed(view: Page) -> None:
    view.route("**/ocr?*", lambda route: route.fulfill(status=500, body="oops"))
    read(view)


def document(view: Page) -> None:
    view.route("**/ocr?*", lambda route: route.fulfill(json=BLOCKS))
    read(view)
    view.locator("#tab-document").click()
    view.locator(".grid td").first.click()


def cell(view: Page) -> None:
    document(view)
    view.keyboard.press("Enter")


def doubt(view: Page) -> None:
    read(view)
    view.locator("#replace-toggle").click()
    view.locator("#next-doubt").click()


def code(view: Page) -> None:
    read(view)
    view.locator("#tab-data").click()


def options(view: Page) -> None:
    choose(view, picture())
    view.locator("#open-options").click()


def preview(view: Page) -> None:
    options(view)
    view.locator("#open-preview").click()
    expect(view.locator(".preview-step")).to_be_visible()


def history(view: Page) -> None:
    read(view)
    view.locator("#open-history").click()
    expect(view.locator(".history-item")).to_have_count(1)


def help_(view: Page) -> None:
    view.locator("#help").click()


def corner(view: Page) -> None:
    view.locator("#server").click()
    expect(view.locator("#server-facts")).to_contain_text("nobody waits")


def key(view: Page) -> None:
    error = {"code": "UNAUTHORIZED", "message": "The request has no API key.", "hint": ""}
    answer = {"success": False, "error": error, "request_id": "x"}
    view.route("**/ocr?*", lambda route: route.fulfill(status=401, json=answer))
    choose(view, picture())
    expect(view.get_by_role("dialog")).to_be_visible()


def blank(view: Page) -> None:
    view.route("**/ocr?*", lambda route: route.fulfill(json={**NOTHING, "request_id": "x"}))
    read(view)
    expect(view.locator(".message-title")).to_contain_text("No text")


def export(view: Page) -> None:
    read(view, picture(name="a.png"), picture(name="b.png"))
    view.locator("#export").click()
    view.get_by_label("Chosen files").check()
    view.get_by_role("checkbox", name="b.png").check()
    view.locator("[value=markdown]").check()
    expect(view.locator("#export-preview pre")).to_be_visible()


def grid(view: Page) -> None:
    document(view)
    view.get_by_role("button", name="Edit grid").click()
    view.get_by_role("slider").nth(1).focus()
    expect(view.locator(".grid-minus")).to_be_visible()


def pages(view: Page) -> None:
    answer = {
        **BLOCKS,
        "pages": [{**page, "number": number} for page in BLOCKS["pages"] for number in (1, 2)],
    }
    view.route("**/ocr?*", lambda route: route.fulfill(json=answer))
    read(view)
    expect(view.get_by_role("option")).to_have_count(2)
    expect(view.locator(".page-place img")).to_have_count(1)


def sheets(view: Page) -> None:
    document(view)
    view.locator("#export").click()
    view.locator("[value=xlsx]").check()
    expect(view.locator("#export-preview table")).to_be_visible()


STATES: list[Callable[[Page], None]] = [
    empty,
    result,
    failed,
    document,
    cell,
    doubt,
    code,
    options,
    preview,
    history,
    help_,
    corner,
    key,
    blank,
    export,
    sheets,
    grid,
    pages,
]


def violations(view: Page) -> list[str]:
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: run scripts/install-test-tools")
    view.wait_for_timeout(200)  # what fades in has its colours only then, and on a busy machine later still
    view.evaluate(
        """() => Promise.all(document.getAnimations()
            .filter((one) => one.effect.getComputedTiming().endTime !== Infinity)
            .map((one) => one.finished.catch(() => {})))"""
    )
    if not view.evaluate("'axe' in window"):
        view.evaluate(AXE.read_text() + "; undefined")
    found: list[str] = view.evaluate(
        """async (tags) => {
            const { violations } = await axe.run(document, { runOnly: tags, resultTypes: ["violations"] });
            return violations.map(({ id, nodes }) =>
                `${id}: ${nodes.map(({ html, any }) => html.slice(0, 160) + " " +
                    any.map(({ message }) => message).join("; ")).join(" | ")}`);
        }""",
        RULES,
    )
    return found


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__.strip("_"))
def test_axe_finds_nothing(open_page: Opener, state: Callable[[Page], None]) -> None:
    view = open_page(color_scheme="light", bypass_csp=True)
    state(view)
    assert violations(view) == []
    view.emulate_media(color_scheme="dark")
    assert violations(view) == []


def test_axe_finds_nothing_on_a_phone(open_page: Opener) -> None:
    phone = {"width": 390, "height": 800}
    view = open_page(viewport=phone, has_touch=True, is_mobile=True, locale="zh-CN", bypass_csp=True)
    assert violations(view) == []
    read(view)
    assert violations(view) == []


def test_a_screen_reader_meets_names_and_the_text(open_page: Opener) -> None:
    view = open_page()
    read(view)
    view.locator(".line").nth(1).click()
    tree = view.locator("body").aria_snapshot()
    assert '- button "Copy"' in tree
    assert '- heading "crnn-ocr" [level=1]' in tree
    assert f'row "{TEXTS[1]} 62 per cent sure' in tree
    assert f'button "Copy this line: {TEXTS[1]}"' in tree
    assert "- button\n" not in tree
    assert "- img\n" not in tree
    expect(view.get_by_role("grid", name="Recognised lines")).to_have_attribute("aria-rowcount", "3")
    expect(view.get_by_role("status").first).to_be_attached()


def test_targets_are_large_enough(open_page: Opener, stage: Stage) -> None:
    view = open_page()
    read(view)
    view.locator(".line").nth(1).click()
    small = view.evaluate(
        """() => [...document.querySelectorAll("button, a, input, [role=tab]")]
            .filter((one) => one.checkVisibility() && !one.closest("p") && one.tabIndex >= 0)
            .map((one) => [one.id || one.className, (one.closest("label") ?? one).getBoundingClientRect()])
            .filter(([, box]) => box.width > 0 && (box.width < 24 || box.height < 24))
            .map(([name, box]) => `${name}: ${box.width} × ${box.height}`)"""
    )
    assert small == []
