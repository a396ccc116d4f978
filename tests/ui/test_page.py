"""The page in a real browser: every way in, what is shown, every way out."""

from __future__ import annotations

import base64
import threading
from typing import Any

import pytest
from playwright.sync_api import Browser, FilePayload, Locator, Page, expect

from crnn_ocr.document import Document, Remark
from crnn_ocr.options import ReadOptions
from tests.service.fakes import FakeReader, document, page
from tests.service.rendering import picture, png, tiff
from tests.service.wire import Server
from tests.ui.conftest import Opener, serving

TEXT = ["Invoice 10234", "Total 99.50 EUR"]
HOSTILE = "<img src=x onerror=window.hacked=1><script>window.hacked=1</script>"


def upload(data: bytes, name: str = "invoice.png", kind: str = "image/png") -> FilePayload:
    return {"name": name, "mimeType": kind, "buffer": data}


def choose(view: Page, file: FilePayload) -> None:
    with view.expect_file_chooser() as chooser:
        view.locator("#choose").click()
    chooser.value.set_files(file)


def recognise(view: Page) -> None:
    view.locator("#recognise").click()
    expect(view.locator("#recognise")).to_be_enabled()


def lines(view: Page) -> Locator:
    return view.locator(".line-text")


def clipboard(view: Page) -> str:
    return str(view.evaluate("navigator.clipboard.readText()"))


def drop(view: Page, target: str, data: bytes, name: str) -> None:
    transfer = view.evaluate_handle(
        """([text, name]) => {
            const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], name, { type: "image/png" }));
            return transfer;
        }""",
        [base64.b64encode(data).decode(), name],
    )
    for event in ("dragenter", "dragover", "drop"):
        view.dispatch_event(target, event, {"dataTransfer": transfer})


def test_choose_recognise_and_see(open_page: Opener) -> None:
    view = open_page()
    assert view.title() == "crnn-ocr"
    expect(view.locator("#recognise")).to_be_disabled()
    choose(view, upload(png(*TEXT)))
    expect(view.locator("#file-name")).to_have_text("invoice.png")
    expect(view.get_by_role("img", name="invoice.png")).to_be_visible()
    recognise(view)
    expect(lines(view)).to_have_text(TEXT)
    expect(view.get_by_role("status")).to_have_text("2 lines read")
    expect(view.locator("#result-facts")).to_contain_text("2 lines")
    expect(view.locator("#picture-facts")).to_contain_text("640 × 136")
    confidences = view.locator(".line-confidence").all_inner_texts()
    assert [text.split()[1] for text in confidences] == ["%", "%"]
    assert all(80 <= int(text.split()[0]) <= 100 for text in confidences)


def test_boxes_lie_over_their_lines(open_page: Opener) -> None:
    view = open_page()
    choose(view, upload(png(*TEXT)))
    recognise(view)
    expect(view.locator("polygon")).to_have_count(2)
    image = view.locator("#picture img").bounding_box()
    assert image is not None
    scale = image["width"] / 640
    for index, top in enumerate((20, 76)):
        box = view.locator("polygon").nth(index).bounding_box()
        assert box is not None
        left, upper = (box["x"] - image["x"]) / scale, (box["y"] - image["y"]) / scale
        assert 8 < left < 40
        assert top - 14 < upper < top + 14
        assert 20 < box["height"] / scale < 60

    view.locator(".line").nth(1).hover()
    expect(view.locator("polygon").nth(1)).to_have_class("is-active")
    expect(view.locator("polygon").nth(0)).not_to_have_class("is-active")
    view.locator("polygon").nth(0).hover()
    expect(view.locator(".line").nth(0)).to_have_class("line is-active")


def test_drop_anywhere(open_page: Opener) -> None:
    view = open_page()
    drop(view, "body", png("Dropped here"), "dropped.png")
    expect(view.locator("#file-name")).to_have_text("dropped.png")
    expect(view.locator("#intake")).not_to_have_class("is-over")
    recognise(view)
    expect(lines(view)).to_have_text(["Dropped here"])
    assert view.url.startswith("http://127.0.0.1")


def test_paste_from_the_clipboard(open_page: Opener) -> None:
    view = open_page()
    view.evaluate(
        """async (text) => {
            const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
            const blob = new Blob([bytes], { type: "image/png" });
            await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
        }""",
        base64.b64encode(png("Pasted here")).decode(),
    )
    view.keyboard.press("Control+V")
    expect(view.locator("#file-name")).to_be_visible()
    recognise(view)
    expect(lines(view)).to_have_text(["Pasted here"])


def test_copy_one_line_and_all(open_page: Opener) -> None:
    view = open_page()
    choose(view, upload(png(*TEXT)))
    recognise(view)
    view.get_by_role("button", name=f"Copy this line: {TEXT[1]}").click()
    expect(view.get_by_role("status")).to_have_text("Copied")
    assert clipboard(view) == TEXT[1]
    view.get_by_role("button", name="Copy all").click()
    expect(view.locator("#copy-all")).to_have_text("Copied")
    assert clipboard(view) == "\n".join(TEXT)


def test_copy_works_without_the_modern_clipboard(open_page: Opener) -> None:
    view = open_page()
    view.evaluate("Object.defineProperty(window, 'isSecureContext', { value: false })")
    choose(view, upload(png(*TEXT)))
    recognise(view)
    view.get_by_role("button", name="Copy all").click()
    expect(view.locator("#copy-all")).to_have_text("Copied")
    assert clipboard(view) == "\n".join(TEXT)


def test_everything_works_by_keyboard(open_page: Opener) -> None:
    view = open_page()
    view.keyboard.press("Tab")  # the link to the API documents
    view.keyboard.press("Tab")
    expect(view.locator("#choose")).to_be_focused()
    with view.expect_file_chooser() as chooser:
        view.keyboard.press("Enter")
    chooser.value.set_files(upload(png("By keyboard")))
    expect(view.locator("#recognise")).to_be_focused()
    view.keyboard.press("Enter")
    expect(lines(view)).to_have_text(["By keyboard"])
    view.locator("#copy-all").focus()
    view.keyboard.press("Tab")
    view.keyboard.press("Enter")
    expect(view.get_by_role("status")).to_have_text("Copied")
    assert clipboard(view) == "By keyboard"


@pytest.mark.parametrize(
    ("data", "name", "english", "chinese"),
    [
        (b"just a text", "text.png", "JPG, PNG", "不是支持的图片格式"),
        (b"", "empty.png", "empty", "文件是空的"),
        (png("Cut", width=900)[:300], "cut.png", "damaged", "损坏"),
    ],
)
def test_errors_are_told_in_the_users_language(
    open_page: Opener, data: bytes, name: str, english: str, chinese: str
) -> None:
    for locale, words in (("en-GB", english), ("zh-CN", chinese)):
        view = open_page(locale=locale)
        choose(view, upload(data, name))
        recognise(view)
        problem = view.get_by_role("alert")
        expect(problem).to_contain_text(words)
        expect(problem.locator(".notice-code")).to_be_visible()
        expect(lines(view)).to_have_count(0)
        choose(view, upload(png("Good now")))
        expect(problem).to_be_hidden()
        recognise(view)
        expect(lines(view)).to_have_text(["Good now"])


def test_a_server_that_is_gone_is_told(open_page: Opener) -> None:
    view = open_page()
    choose(view, upload(png("x")))
    view.context.set_offline(True)
    recognise(view)
    expect(view.get_by_role("alert")).to_contain_text("cannot be reached")
    view.context.set_offline(False)
    recognise(view)
    expect(view.get_by_role("alert")).to_be_hidden()


@pytest.mark.parametrize("body", ["<html>Bad Gateway</html>", "{}", "null", '{"success": true}', "[]"])
def test_an_answer_from_something_else_is_told(open_page: Opener, body: str) -> None:
    view = open_page()
    view.route("**/ocr", lambda route: route.fulfill(status=502, body=body))
    choose(view, upload(png("x")))
    recognise(view)
    expect(view.get_by_role("alert")).to_contain_text("does not understand")


def test_a_hostile_file_name_stays_text(open_page: Opener) -> None:
    view = open_page()
    choose(view, upload(png("x"), f"{HOSTILE.replace('/', '')}.png"))
    expect(view.locator("#file-name")).to_contain_text("<img src=x onerror")
    recognise(view)
    assert view.locator("#file-name img, #file-name script").count() == 0
    assert view.evaluate("window.hacked") is None


def test_hostile_text_stays_text(open_page: Opener) -> None:
    warning = Remark("OTHER", HOSTILE)
    reader = FakeReader(lambda *_: document(page(HOSTILE, warnings=(warning,))))
    with serving(reader) as url:
        view = open_page(url)
        choose(view, upload(png("x")))
        recognise(view)
        expect(lines(view)).to_have_text([HOSTILE])
        expect(view.locator(".notice-warning")).to_have_text(HOSTILE)
        assert view.locator("#result img, #result script").count() == 0
        assert view.evaluate("window.hacked") is None
        view.close()


def test_the_policy_forbids_what_the_page_does_not_need(browser: Browser, server: Server) -> None:
    with browser.new_context() as context:
        view = context.new_page()
        view.goto(server.url)
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


def test_pages_are_listed_one_by_one(open_page: Opener) -> None:
    view = open_page()
    pages = tiff([picture("First page"), picture("Second page")])
    choose(view, upload(pages, "scan.tiff", "image/tiff"))
    expect(view.locator("#picture")).to_contain_text("cannot show")
    recognise(view)
    expect(lines(view)).to_have_text(["First page", "Second page"])
    expect(view.locator(".result-page")).to_have_text(["Page 1 of 2", "Page 2 of 2"])


def test_a_picture_without_text_gets_a_friendly_word(open_page: Opener) -> None:
    view = open_page()
    choose(view, upload(png(" ")))
    recognise(view)
    expect(view.locator("#result")).to_contain_text("No text was found")
    expect(view.locator("#copy-all")).to_be_hidden()


def test_warnings_are_translated(open_page: Opener) -> None:
    remarks = (Remark("IMAGE_BLURRED", "It is blurred."), Remark("NEW_ONE", "Something new."))
    with serving(FakeReader(lambda *_: document(page("x", warnings=remarks)))) as url:
        for locale, first in (("zh-CN", "图片比较模糊"), ("en-US", "It is blurred.")):
            view = open_page(url, locale=locale)
            choose(view, upload(png("x")))
            recognise(view)
            expect(view.locator(".notice-warning").nth(0)).to_contain_text(first)
            expect(view.locator(".notice-warning").nth(1)).to_have_text("Something new.")
            view.close()


def test_an_old_answer_never_stands_under_a_new_picture(open_page: Opener) -> None:
    release = threading.Event()

    def answer(data: bytes, _options: ReadOptions) -> Document:
        if len(data) > 100_000:
            release.wait(20)
            return document(page("slow"))
        return document(page("quick"))

    with serving(FakeReader(answer)) as url:
        view = open_page(url)
        choose(view, upload(png("x") + bytes(200_000), "slow.png"))
        view.locator("#recognise").click()
        expect(view.locator("#result")).to_have_attribute("aria-busy", "true")
        expect(view.locator("#recognise")).to_be_disabled()
        choose(view, upload(png("x"), "quick.png"))
        expect(view.locator("#recognise")).to_be_enabled()
        recognise(view)
        release.set()
        expect(lines(view)).to_have_text(["quick"])
        view.wait_for_timeout(300)
        expect(lines(view)).to_have_text(["quick"])
        view.close()


def test_words_follow_the_browser(open_page: Opener) -> None:
    chinese = open_page(locale="zh-TW")
    expect(chinese.locator("#recognise")).to_have_text("开始高精度识别")
    assert chinese.locator("html").get_attribute("lang") == "zh-CN"
    other = open_page(locale="fr-FR")
    expect(other.locator("#recognise")).to_have_text("Recognise")
    assert other.locator("html").get_attribute("lang") == "en"


def test_both_languages_know_the_same_words(open_page: Opener) -> None:
    view = open_page()
    keys: dict[str, list[str]] = view.evaluate(
        """async () => {
            const { TEXTS } = await import("/ui/js/texts.js");
            const keys = ([name, words]) => [name, Object.keys(words)];
            return Object.fromEntries(Object.entries(TEXTS).map(keys));
        }"""
    )
    assert sorted(keys["en"]) == sorted(keys["zh"])
    named = view.locator("[data-text]").evaluate_all("all => all.map((one) => one.dataset.text)")
    assert set(named) <= set(keys["en"])


def luminance(view: Page, selector: str, what: str) -> float:
    colour: str = view.locator(selector).evaluate(f"one => getComputedStyle(one).{what}")
    red, green, blue = (float(part) for part in colour.strip("rgba()").split(",")[:3])
    return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255


def test_dark_and_light_follow_the_browser(open_page: Opener) -> None:
    light, dark = open_page(color_scheme="light"), open_page(color_scheme="dark")
    assert luminance(light, "body", "backgroundColor") > 0.8 > 0.3 > luminance(light, "body", "color")
    assert luminance(dark, "body", "backgroundColor") < 0.2 < 0.7 < luminance(dark, "body", "color")


@pytest.mark.parametrize("path", ["/", "/docs"])
@pytest.mark.parametrize("width", [320, 390, 860, 1400])
def test_nothing_sticks_out_sideways(open_page: Opener, width: int, path: str) -> None:
    view = open_page(viewport={"width": width, "height": 700})
    view.goto(view.url.rstrip("/") + path)
    if path == "/":
        choose(view, upload(png(*TEXT, width=1600), "a-very-long-name-" * 12 + ".png"))
        recognise(view)
        expect(lines(view)).to_have_text(TEXT)
    overhang = view.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overhang == 0


def test_every_control_has_a_name(open_page: Opener) -> None:
    view = open_page()
    choose(view, upload(png(*TEXT)))
    recognise(view)
    tree: str = view.locator("body").aria_snapshot()
    assert '- button "Recognise"' in tree
    assert f'button "Copy this line: {TEXT[0]}"' in tree
    assert '- heading "Picture" [level=2]' in tree
    assert "- button\n" not in tree
    assert "- img\n" not in tree


def test_two_thousand_lines_stay_usable(open_page: Opener) -> None:
    many: Any = [f"Line {number} of a very long page" for number in range(2000)]
    with serving(FakeReader(lambda *_: document(page(*many, height=60_100)))) as url:
        view = open_page(url)
        choose(view, upload(png("x")))
        recognise(view)
        expect(lines(view)).to_have_count(2000)
        view.locator(".line").nth(1999).scroll_into_view_if_needed()
        longest = view.evaluate(
            """async () => {
                let longest = 0, last = performance.now();
                for (let step = 0; step < 30; step += 1) {
                    document.querySelector("#result").scrollTop = step * 500;
                    await new Promise(requestAnimationFrame);
                    longest = Math.max(longest, performance.now() - last);
                    last = performance.now();
                }
                return longest;
            }"""
        )
        assert longest < 500  # milliseconds for the slowest frame, on a busy machine
        view.close()
