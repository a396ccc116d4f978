"""The first screen, the way from it, and the page for addresses that are not there."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request

import pytest
from playwright.sync_api import expect

from tests.ui.conftest import Opener
from tests.ui.scenes import ADD, TEXTS, Stage, lines, picture, read
from tests.ui.test_accessibility import violations
from tests.ui.test_looks import UI

# A screen that browsers would ask a person for: a canvas, as a stream.
SCREEN = """() => {
    navigator.mediaDevices.getDisplayMedia = async () => {
        const canvas = document.createElement("canvas");
        [canvas.width, canvas.height] = [800, 600];
        canvas.getContext("2d").fillRect(0, 0, 800, 600);
        const stream = canvas.captureStream(25);
        window.track = stream.getTracks()[0];
        setInterval(() => canvas.getContext("2d").fillRect(0, 0, 800, 600), 40);
        return stream;
    };
}"""


@pytest.mark.parametrize(
    ("locale", "title", "button"),
    [("en-GB", "Pictures become documents", "Choose pictures"), ("zh-CN", "图片变文档", "开始高精度识别")],
)
def test_it_says_what_it_does_and_offers_one_button(
    open_page: Opener, locale: str, title: str, button: str
) -> None:
    view = open_page(locale=locale)
    expect(view.get_by_role("heading", name=title)).to_be_visible()
    mains = view.locator(".button-main:visible")
    expect(mains).to_have_count(1)
    expect(mains).to_have_text(button)
    # No model is named outside the server's card.
    expect(view.locator("#server")).to_have_attribute("data-state", "ready")
    assert "fake" not in view.locator("body").inner_text()


def test_the_example_turns_from_photo_into_document_and_can_be_read(open_page: Opener) -> None:
    view = open_page()
    page = view.locator("#demo-page")
    assert page.evaluate("one => getComputedStyle(one).animationName") == "dissolve"
    expect(page).to_contain_text("Harrow Point")
    view.locator("#demo").click()
    expect(view.locator("#picture-name")).to_have_text("photo.webp")
    expect(lines(view)).to_have_text(list(TEXTS))
    still = open_page(reduced_motion="reduce", locale="zh-CN")
    assert still.locator("#demo-page").evaluate("one => getComputedStyle(one).animationName") == "none"
    expect(still.locator("#demo-page")).to_contain_text("青禾生活超市")


def test_the_screen_is_captured_and_read(open_page: Opener) -> None:
    view = open_page()
    view.evaluate(SCREEN)
    view.get_by_role("button", name="Capture the screen").click()
    expect(view.locator("#picture-name")).to_have_text("Screen.png")
    expect(lines(view)).to_have_text(list(TEXTS))
    assert view.locator("#sheet img").evaluate("one => [one.naturalWidth, one.naturalHeight]") == [800, 600]
    assert view.evaluate("window.track.readyState") == "ended"  # nothing goes on watching


def test_a_capture_that_is_refused_changes_nothing(open_page: Opener) -> None:
    view = open_page()
    view.evaluate(
        """() => { navigator.mediaDevices.getDisplayMedia = async () => {
            throw new DOMException("", "NotAllowedError"); }; }"""
    )
    view.get_by_role("button", name="Capture the screen").click()
    expect(view.locator("#intake")).to_be_visible()


def test_a_phone_is_promised_no_capture(open_page: Opener) -> None:
    view = open_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    expect(view.locator("#capture")).to_be_hidden()
    expect(view.get_by_text("Drop pictures here")).to_be_hidden()


def test_what_was_read_lately_is_one_click_away(open_page: Opener, stage: Stage) -> None:
    view = open_page()
    expect(view.locator("#recent")).to_be_hidden()
    read(view, picture(name="lately.png"))
    view.locator("#open-history").click()
    expect(view.locator(".history-item")).to_have_count(1)  # it is on the disk
    view.reload()
    item = view.locator("#recent").get_by_role("button", name="lately.png")
    expect(item).to_contain_text(TEXTS[0])
    calls = len(stage.reader.calls)
    item.click()
    expect(lines(view)).to_have_text(list(TEXTS))
    assert len(stage.reader.calls) == calls
    view.locator("#open-options").click()
    view.get_by_label("Keep a history in this browser").uncheck()
    view.keyboard.press("Escape")
    view.locator("#remove-file").click()
    expect(view.locator(ADD)).to_be_visible()
    expect(view.locator("#recent")).to_be_hidden()


def test_it_can_be_installed(open_page: Opener, stage: Stage) -> None:
    view = open_page()
    href = view.locator("link[rel=manifest]").get_attribute("href")
    assert href is not None
    answer = view.evaluate(
        """async (href) => { const answer = await fetch(href);
            return [answer.headers.get("Content-Type"), await answer.text()]; }""",
        href,
    )
    manifest = json.loads(answer[1])
    assert answer[0].startswith("application/manifest+json")
    assert manifest["start_url"] == manifest["scope"] == "/"
    sizes = {icon["sizes"]: icon for icon in manifest["icons"] if icon["type"] == "image/png"}
    assert set(sizes) == {"192x192", "512x512"}
    for icon in manifest["icons"]:
        side = view.evaluate(
            """async (src) => { const image = new Image(); image.src = src; await image.decode();
                return [image.naturalWidth, image.naturalHeight]; }""",
            icon["src"],
        )
        assert icon["sizes"] in ("any", f"{side[0]}x{side[1]}")
    devtools = view.context.new_cdp_session(view)
    found = devtools.send("Page.getAppManifest")
    assert found["errors"] == []
    assert found["url"] == stage.url + href


def test_what_another_app_shares_is_read(open_page: Opener, stage: Stage) -> None:
    view = open_page()
    target = json.loads((UI / "manifest.webmanifest").read_text())["share_target"]
    assert (target["method"], target["enctype"]) == ("POST", "multipart/form-data")
    picture_data = base64.b64encode(picture()["buffer"]).decode()
    # What a browser does for an installed page: a navigation with a form that nobody sees.
    view.route("**/share-from", lambda route: route.fulfill(body="<form></form>", content_type="text/html"))
    view.goto(stage.url + "/share-from")
    view.evaluate(
        """([action, name, data]) => {
            const bytes = Uint8Array.from(atob(data), (char) => char.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], "photo.png", { type: "image/png" }));
            transfer.items.add(new File([bytes.slice(0, 9)], "half.png", { type: "image/png" }));
            const form = document.querySelector("form");
            Object.assign(form, { action, method: "post", enctype: "multipart/form-data" });
            const input = document.createElement("input");
            Object.assign(input, { type: "file", name, multiple: true });
            form.append(input);
            input.files = transfer.files;
            form.submit();
        }""",
        [target["action"], target["params"]["files"][0]["name"], picture_data],
    )
    expect(lines(view)).to_have_text(list(TEXTS))
    expect(view.locator("#picture-name")).to_have_text("Shared picture 1")
    expect(view.locator(".job")).to_have_count(2)
    assert view.url == stage.url + "/"
    expect(view.locator("#shared")).to_have_count(0)


def test_an_address_that_is_not_there_has_a_page_for_browsers(open_page: Opener, stage: Stage) -> None:
    view = open_page(bypass_csp=True)
    answer = view.goto(stage.url + "/nowhere")
    assert answer is not None
    assert answer.status == 404
    expect(view.get_by_role("heading", name="There is nothing at this address")).to_be_visible()
    assert violations(view) == []
    view.get_by_role("link", name="Read a picture").click()
    view.locator("html[data-ready]").wait_for(state="attached")
    # Programs keep their JSON.
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(stage.url + "/nowhere")
    assert refused.value.code == 404
    assert json.load(refused.value)["error"]["code"] == "NOT_FOUND"
