"""Text from outside stays text, and the policy holds."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from crnn_ocr.document import Document, Remark
from crnn_ocr.errors import BadRequestError
from crnn_ocr.options import ReadOptions
from tests.ui.conftest import Opener
from tests.ui.scenes import HOSTILE, Stage, line, lines, picture, read, sheet


def test_hostile_text_stays_text_wherever_it_stands(open_page: Opener, stage: Stage) -> None:
    row = line(HOSTILE, 0, unsure={3: 0.2}, width=500)
    page = sheet(row, warnings=(Remark("OTHER", HOSTILE),))
    stage.play(lambda *_: Document((page,), HOSTILE))
    view = open_page()
    read(view, picture(name=f"{HOSTILE.replace('/', '')}.png"))
    expect(lines(view)).to_have_text([HOSTILE])
    expect(view.locator("#notices .notice")).to_have_text(HOSTILE)
    expect(view.locator("#picture-name")).to_contain_text("<img src=x onerror")
    expect(view.locator(".job-name")).to_contain_text("<script>")
    view.locator(".line").first.click()
    for tab in ("#tab-document", "#tab-data", "#tab-proofread"):
        view.locator(tab).click()
    expect(view.locator("#code")).to_contain_text("<img src=x onerror")
    view.locator("#search").fill("<img")
    expect(view.locator("#search-count")).to_have_text("1 of 1")
    view.locator(".line-text").first.dblclick()
    view.keyboard.press("Enter")
    view.locator("#open-history").click()
    expect(view.locator(".history-text")).to_contain_text("<script>")
    foreign = "img[src=x], #work script, .say script, #history-list script, [onerror]"
    assert view.locator(foreign).count() == 0
    assert view.evaluate("window.hacked") is None


def test_hostile_errors_stay_text(open_page: Opener, stage: Stage) -> None:
    def answer(_data: bytes, _options: ReadOptions) -> Document:
        raise BadRequestError(HOSTILE, hint=HOSTILE)

    stage.play(answer)
    view = open_page()
    read(view)
    expect(view.get_by_role("alert")).to_contain_text("<img src=x onerror")
    assert view.evaluate("window.hacked") is None


def test_hostile_words_of_the_schema_stay_text(open_page: Opener) -> None:
    view = open_page()
    view.route(
        "**/options",
        lambda route: route.fulfill(
            json={
                "properties": {
                    "odd": {"enum": [HOSTILE, "b"], "title": HOSTILE, "description": HOSTILE, "default": "b"}
                }
            }
        ),
    )
    view.reload()
    view.locator("#open-options").click()
    expect(view.locator("#options-form")).to_contain_text("<img src=x onerror")
    assert view.locator("#options-form img, #options-form script").count() == 0
    assert view.evaluate("window.hacked") is None


def test_the_policy_forbids_what_the_page_does_not_need(browser: Browser, stage: Stage) -> None:
    with browser.new_context() as context:
        view = context.new_page()
        view.goto(stage.url)
        slipped_through = view.evaluate(
            """async () => {
                const tries = {
                    markup: () => { document.body.innerHTML += "<i id=slipped></i>"; },
                    script: () => {
                        const script = document.createElement("script");
                        script.textContent = "window.slipped = 1";
                        document.body.append(script);
                    },
                    style: () => {
                        const style = document.createElement("style");
                        style.textContent = "body { opacity: 0.5 }";
                        document.body.append(style);
                    },
                    frame: () => {
                        const frame = document.createElement("iframe");
                        frame.src = "/docs";
                        document.body.append(frame);
                    },
                };
                for (const attempt of Object.values(tries)) {
                    try { attempt(); } catch { /* refused at once */ }
                }
                const foreign = await fetch("https://example.org/").then(() => true, () => false);
                await new Promise((resolve) => setTimeout(resolve, 300));
                return {
                    markup: document.querySelector("#slipped") !== null,
                    script: "slipped" in window,
                    style: getComputedStyle(document.body).opacity !== "1",
                    frame: Array.from(frames).some((frame) => {
                        try { return frame.document.title !== ""; } catch { return false; }
                    }),
                    foreign,
                };
            }"""
        )
    assert slipped_through == {
        "markup": False,
        "script": False,
        "style": False,
        "frame": False,
        "foreign": False,
    }


def test_nothing_is_kept_beyond_what_is_said(open_page: Opener) -> None:
    view = open_page()
    read(view, picture(name="secret-name.png"))
    stored = view.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie])")
    assert "secret-name" not in stored
    assert "Invoice" not in stored
