"""Language, colours, widths, keyboard, and that nothing jumps."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.ui.conftest import Opener
from tests.ui.scenes import TEXTS, Stage, choose, clipboard, idle, lines, picture, read, said

#: Modules that are loaded when they are first asked for.
LATER = (
    "js/background/",
    "js/export/",
    "js/grid/",
    "js/history/",
    "js/intake/capture.js",
    "js/intake/shared.js",
    "js/jobs/first-pages.js",
    "js/jobs/long.js",
    "js/jobs/tiff.js",
    "js/options/form.js",
    "js/options/preview.js",
    "js/pages/",
    "js/picture/fitting.js",
    "js/picture/lens.js",
    "js/reading/document.js",
    "js/result/crops.js",
    "js/result/data.js",
    "js/result/document/grid.js",
    "js/result/search/replace.js",
    "js/result/search/search.js",
    "js/server/snippets.js",
    "js/server/work.js",
    "js/shell/key-list.js",
    "js/shell/share.js",
)
UI = Path(__file__).resolve().parents[2] / "src" / "crnn_ocr" / "service" / "ui"


def test_words_follow_the_browser_and_can_be_switched(open_page: Opener) -> None:
    view = open_page(locale="zh-TW")
    expect(view.locator("#start")).to_have_text("开始高精度识别")
    expect(view.locator("html")).to_have_attribute("lang", "zh-CN")
    read(view)
    expect(said(view)).to_have_text("识别完成，共 3 行")
    expect(view.locator("#primary")).to_have_text("复制")
    view.get_by_role("button", name="Switch to English").click()
    expect(view.locator("#primary")).to_have_text("Copy")
    expect(view.locator("#result-facts")).to_contain_text("3 lines")
    expect(view.locator("html")).to_have_attribute("lang", "en")
    view.reload()
    expect(view.locator("#start")).to_have_text("Choose pictures")
    other = open_page(locale="fr-FR")
    expect(other.locator("#start")).to_have_text("Choose pictures")


def test_both_languages_know_the_same_words(open_page: Opener) -> None:
    view = open_page()
    keys: dict[str, list[str]] = view.evaluate(
        """async () => {
            const { en } = await import("/ui/js/words/en.js");
            const { zh } = await import("/ui/js/words/zh.js");
            const found = { en: Object.keys(en.page), zh: Object.keys(zh.page) };
            for (const part of PARTS) {
                for (const [language, keys] of Object.entries(found)) {
                    const { words } = await import(`/ui/js/words/${language}-${part}.js`);
                    keys.push(...Object.keys(words.page));
                }
            }
            return found;
        }""".replace("PARTS", str(["background", "export", "keys", "options"]))
    )
    assert keys["en"] == keys["zh"]
    markup = (UI / "index.html").read_text()
    code = "\n".join(path.read_text() for path in (UI / "js").rglob("*.js") if path.parent.name != "words")
    used = set(re.findall(r'data-(?:text|label|hint)="(\w+)"', markup)) | set(
        re.findall(r'\bt\(\s*"(\w+)"', code)
    )
    assert used <= set(keys["en"])
    # Words that are put together from a prefix and a name are used, too.
    prefixes = tuple(re.findall(r"\bt\(`(\w+_)\$", code))
    named = re.findall(r'"(\w+)"', code)
    unused = {
        key for key in keys["en"] if key not in used and not key.startswith(prefixes) and key not in named
    }
    assert unused == set()


def luminance(view: Page, what: str) -> float:
    colour: str = view.locator("body").evaluate(f"one => getComputedStyle(one).{what}")
    red, green, blue = (float(part) for part in colour.strip("rgba()").split(",")[:3])
    return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255


def test_colours_follow_the_system_and_the_choice(open_page: Opener) -> None:
    view = open_page(color_scheme="dark")
    assert luminance(view, "backgroundColor") < 0.2 < 0.7 < luminance(view, "color")
    button = view.locator("#theme")
    expect(button).to_have_attribute("aria-label", "Colours: as the system")
    button.click()
    expect(button).to_have_attribute("aria-label", "Colours: light")
    assert luminance(view, "backgroundColor") > 0.8 > 0.3 > luminance(view, "color")
    view.reload()
    assert luminance(view, "backgroundColor") > 0.8
    view.emulate_media(color_scheme="light")
    view.locator("body").press("d")
    assert luminance(view, "backgroundColor") < 0.2
    view.goto(view.url + "docs")  # the documents keep to it
    assert luminance(view, "backgroundColor") < 0.2


@pytest.mark.parametrize(
    ("width", "locale"),
    [(320, "en"), (390, "zh-CN"), (430, "en"), (760, "zh-CN"), (1024, "en"), (1400, "en")],
)
def test_nothing_sticks_out_sideways(open_page: Opener, width: int, locale: str) -> None:
    view = open_page(viewport={"width": width, "height": 700}, locale=locale)
    overhang = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert view.evaluate(overhang) == 0
    read(view, picture(name="a-very-long-name-" * 12 + ".png"))
    expect(lines(view)).to_have_text(list(TEXTS))
    assert view.evaluate(overhang) == 0
    view.locator("#tab-data").click()
    assert view.evaluate(overhang) == 0
    view.locator("#open-options").click()
    assert view.evaluate(overhang) == 0
    view.goto(view.url + "docs")
    assert view.evaluate(overhang) == 0


def test_on_a_desk_the_page_fills_the_window_without_scrolling(open_page: Opener) -> None:
    view = open_page(viewport={"width": 1280, "height": 720})
    read(view, *(picture(name=f"{number}.png") for number in range(12)))
    assert view.evaluate("document.documentElement.scrollHeight") == 720
    for card in (".queue", ".picture-card", ".result-card"):
        box = view.locator(card).bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 720


def test_nothing_jumps(open_page: Opener) -> None:
    view = open_page()
    view.evaluate(
        """() => {
            window.shifts = [];
            new PerformanceObserver((list) => {
                for (const entry of list.getEntries()) {
                    window.shifts.push([entry.value, entry.hadRecentInput,
                        entry.sources.map((source) => source.node?.id || source.node?.className)]);
                }
            }).observe({ type: "layout-shift", buffered: true });
        }"""
    )
    read(view, picture(), picture())
    view.locator(".job-open").nth(1).click()
    view.wait_for_timeout(200)
    shifts: list[tuple[float, bool, list[str]]] = view.evaluate("window.shifts")
    assert sum(value for value, by_user, _ in shifts if not by_user) < 0.02, shifts


def test_everything_by_keyboard(open_page: Opener) -> None:
    view = open_page()
    view.keyboard.press("Tab")
    expect(view.locator(".skip")).to_be_focused()
    with view.expect_file_chooser() as chooser:
        view.keyboard.press("o")
    chooser.value.set_files(picture())
    expect(lines(view)).to_have_text(list(TEXTS))
    idle(view)
    expect(view.locator("#primary")).to_be_focused()
    view.keyboard.press("Enter")
    expect(view.locator("#primary")).to_have_text("Copied")
    assert clipboard(view) == "\n".join(TEXTS)
    view.keyboard.press("Control+Enter")
    idle(view)
    view.keyboard.press("j")
    view.keyboard.press("j")
    expect(view.locator(".line").nth(1)).to_be_focused()
    view.keyboard.press("k")
    expect(view.locator(".line").nth(0)).to_be_focused()
    view.keyboard.press("ArrowDown")
    view.keyboard.press("End")
    expect(view.locator(".line").nth(2)).to_be_focused()
    view.keyboard.press("Control+C")
    expect(said(view)).to_have_text("Copied")
    assert clipboard(view) == TEXTS[2]
    view.keyboard.press("Shift+ArrowUp")
    view.keyboard.press("c")
    expect(view.locator("#copy-all")).to_have_text("Copied")
    assert clipboard(view) == f"{TEXTS[1]}\n{TEXTS[2]}"
    view.keyboard.press("Tab")  # the row's own buttons are the next stops
    expect(view.get_by_role("button", name=f"Accept this line: {TEXTS[1]}")).to_be_focused()
    view.keyboard.press("Tab")
    expect(view.get_by_role("button", name=f"Edit this line: {TEXTS[1]}")).to_be_focused()
    view.keyboard.press("Shift+Tab")
    view.keyboard.press("Shift+Tab")
    view.keyboard.press("e")
    expect(view.locator(".line-edit")).to_be_focused()
    view.keyboard.press("Escape")
    view.keyboard.press("Control+a")
    expect(view.locator("#copy-all")).to_have_text("Copy 3 lines")
    view.locator("#tab-proofread").focus()
    view.keyboard.press("ArrowLeft")
    expect(view.locator("#tab-document")).to_be_focused()
    expect(view.locator("#panel-document")).to_be_visible()


def test_the_help_sheet_and_switching_single_keys_off(open_page: Opener) -> None:
    view = open_page()
    view.keyboard.press("?")
    sheet = view.get_by_role("dialog", name="Keyboard shortcuts")
    expect(sheet).to_contain_text("Copy all, or what is selected")
    expect(sheet.locator(".key-row")).to_have_count(26)
    view.keyboard.press("s")  # commands wait while a dialog is open
    expect(view.locator("#options-dialog")).to_be_hidden()
    sheet.get_by_role("button", name="Close").click()
    view.keyboard.press("s")
    view.get_by_label("Shortcuts with single keys").uncheck()
    view.keyboard.press("Escape")
    view.keyboard.press("h")
    expect(view.locator("#history-dialog")).to_be_hidden()
    view.locator("#help").click()
    expect(sheet).to_contain_text("switched off")


def focus_ring(element: Locator) -> str:
    return str(element.evaluate("one => getComputedStyle(one).outlineStyle"))


def test_focus_is_visible_and_returns(open_page: Opener) -> None:
    view = open_page()
    choose(view, picture())
    view.locator("#open-options").focus()
    view.keyboard.press("Enter")
    expect(view.get_by_role("dialog")).to_be_visible()
    view.keyboard.press("Escape")
    expect(view.locator("#open-options")).to_be_focused()
    view.keyboard.press("Tab")
    assert focus_ring(view.locator("#open-history")) == "solid"


def test_the_corner_tells_about_the_server(open_page: Opener, stage: Stage) -> None:
    view = open_page()
    corner = view.locator("#server")
    expect(corner).to_have_text("ready")  # the name of the model stands in the card alone
    corner.click()
    card = view.locator("#server-card")
    for fact in ("ready", "0.1.0", "nobody waits", "nothing under way", "50 pages"):
        expect(card).to_contain_text(fact)
    models = card.get_by_role("list", name="Models").get_by_role("listitem")
    expect(models).to_have_count(3)
    expect(models.nth(0)).to_contain_text("fake/1")
    expect(models.nth(0)).to_contain_text("in use")
    expect(models.nth(1)).not_to_contain_text("in use")
    view.keyboard.press("Escape")
    view.mouse.click(5, 400)
    expect(card).to_be_hidden()


def test_the_first_visit_costs_few_bytes(browser: Browser, stage: Stage) -> None:
    with browser.new_context() as context:
        view = context.new_page()
        network = context.new_cdp_session(view)
        network.send("Network.enable")
        heads: dict[str, float] = {}
        sizes: dict[str, float] = {}
        network.on(
            "Network.responseReceived",
            lambda event: heads.update({event["requestId"]: event["response"]["encodedDataLength"]}),
        )
        network.on(
            "Network.loadingFinished",
            lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]}),
        )
        view.goto(stage.url)
        expect(view.locator("#server")).to_have_attribute("data-state", "ready")
        view.wait_for_load_state("networkidle")
    # The page, its modules and samples, and what it asks the server for, as they came over the wire; without
    # the heads of the answers, half a kilobyte each, which HTTP/2 packs and HTTP/1.1 does not.
    modules = [path.relative_to(UI) for path in UI.rglob("*.js")]
    at_once = [path for path in modules if not str(path).startswith((*LATER, "js/words/"))]
    assert len(sizes) > len(at_once)
    logging.getLogger(__name__).info(
        "bodies %d, heads %d", sum(sizes.values()) - sum(heads.values()), sum(heads.values())
    )
    assert sum(sizes.values()) - sum(heads.values()) < 150_000


def test_a_page_that_has_not_arrived_is_loaded_anew(open_page: Opener, browser: Browser) -> None:
    view = open_page()
    missing = ["first"]
    view.route(
        "**/js/result/proofread/row.js",
        lambda route: route.abort() if missing and missing.pop() else route.continue_(),
    )
    view.reload()
    view.locator("html[data-ready]").wait_for(state="attached")
    assert missing == []
    expect(view.locator(".broken")).to_be_hidden()
    view.unroute("**/js/result/proofread/row.js")
    view.route("**/js/result/proofread/row.js", lambda route: route.abort())
    view.reload(wait_until="commit")  # the page loads itself anew meanwhile
    # Not by what is seen alone: without its styles, which may come later, a page shows everything.
    view.locator("html[data-broken]").wait_for(state="attached", timeout=60_000)
    expect(view.get_by_role("alert")).to_contain_text("not arrived completely")
    view.unroute("**/js/result/proofread/row.js")
    view.get_by_role("link", name="Load it again").click()
    view.locator("html[data-ready]").wait_for(state="attached")


def test_it_is_made_of_small_modules_that_are_all_announced() -> None:
    # Every module is announced in the head, so that none waits to be found; not so what is loaded when first
    # asked for, such as the export sheet.
    announced = set(re.findall(r'"/ui/(js/[^"]+)"', (UI / "index.html").read_text()))
    # The words of one language are announced by first.js, as far as they are needed at once.
    modules = {str(path.relative_to(UI)) for path in (UI / "js").rglob("*.js")}
    modules = {name for name in modules if not re.match("js/words/(en|zh)", name)}
    assert announced == {module for module in modules if not module.startswith(LATER)}
    code = [path for path in (UI / "js").rglob("*.js") if path.parent.name != "words"]  # those are tables
    assert all(len(path.read_text().splitlines()) < 250 for path in code)
    assert all(path.stat().st_size <= 16_000 for path in UI.rglob("*.webp"))


def test_types_of_elements_are_those_of_the_page() -> None:
    kinds = {
        "button": "HTMLButtonElement",
        "dialog": "HTMLDialogElement",
        "fieldset": "HTMLFieldSetElement",
        "form": "HTMLFormElement",
        "input": "HTMLInputElement",
    }
    markup = re.findall(r'<(\w+)[^>]*?\sid="([\w-]+)"', (UI / "index.html").read_text())
    declared = re.search(r"interface PageElements {\n(.*?)\n}", (UI / "types.d.ts").read_text(), re.S)
    assert declared is not None
    rows = re.findall(r'^ +"?([\w-]+)"?: (\w+);$', declared[1], re.M)
    assert dict(rows) == {name: kinds[tag] for tag, name in markup if tag in kinds}


def test_keys_are_called_as_the_system_calls_them(open_page: Opener) -> None:
    view = open_page()
    expect(view.locator(".intake-more")).to_contain_text("Ctrl V")
    system = view.context.new_cdp_session(view)
    system.send("Emulation.setUserAgentOverride", {"userAgent": "Mozilla/5.0", "platform": "MacIntel"})
    view.reload()
    expect(view.locator(".intake-more")).to_contain_text("⌘ V")
    view.locator("#help").click()
    expect(view.locator("#key-list")).to_contain_text("⌘Enter")
