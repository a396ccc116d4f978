"""Options from the server's schema, the preview of the enhancement, and the history of the browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from crnn_ocr.options import ReadOptions
from tests.service.rendering import encoded
from tests.service.rendering import picture as drawn
from tests.ui.conftest import Opener
from tests.ui.scenes import TEXTS, Stage, choose, lines, picture, read, said, upload


def test_the_form_is_built_from_the_schema(open_page: Opener) -> None:
    view = open_page()
    view.locator("#open-options").click()
    form = view.locator("#options-form")
    words: dict[str, dict[str, str]] = view.evaluate(
        """async () => (await import("/ui/js/words/en.js")).en.options"""
    )
    for name, schema in ReadOptions.model_json_schema()["properties"].items():
        if schema.get("format") == "password":  # the page keeps options in the browser
            expect(form).not_to_contain_text(schema["title"])
            continue
        # In the page's own words: the schema's are for those who type the names.
        expect(form).to_contain_text(words[name]["title"])
        expect(form).to_contain_text(words[name]["help"])
        assert form.locator(f"[id=option-{name}], [name=option-{name}]").count() > 0, name


def test_the_models_of_the_server_are_on_offer(open_page: Opener, stage: Stage) -> None:
    view = open_page()
    view.locator("#open-options").click()
    models = view.get_by_label("Model", exact=True)
    expect(models.locator("option")).to_have_text(
        ["the server's default: fake", "fake · quick – en", "other – en", "third – en"]
    )
    models.select_option("other")
    view.keyboard.press("Escape")
    read(view)
    assert stage.reader.calls[-1][1].model == "other"


def test_options_are_sent_remembered_and_reset(open_page: Opener, stage: Stage) -> None:
    view = open_page()
    view.locator("body").press("s")
    group = view.get_by_role("group", name="Noise")
    group.get_by_text("off", exact=True).click()
    view.get_by_label("Leave out what is hardly text").focus()
    view.keyboard.press("ArrowRight")
    view.keyboard.press("Escape")
    expect(view.locator("#options-count")).to_have_text("2")
    read(view)
    assert stage.reader.calls[-1][1] == ReadOptions(denoise="off", min_confidence=0.51, layout="blocks")
    view.locator("#tab-data").click()
    expect(view.locator("#code")).to_contain_text("denoise=off&min_confidence=0.51")
    view.reload()
    expect(view.locator("#options-count")).to_have_text("2")
    view.locator("#open-options").click()
    expect(group.get_by_label("off")).to_be_checked()
    view.get_by_role("button", name="Defaults").click()
    expect(group.get_by_label("auto")).to_be_checked()
    expect(view.locator("#options-count")).to_be_hidden()


def test_a_result_of_other_options_says_so(open_page: Opener, stage: Stage) -> None:
    view = open_page()
    read(view)
    expect(view.locator("#stale")).to_be_hidden()
    view.locator("#open-options").click()
    view.get_by_role("group", name="Colours").get_by_text("on", exact=True).click()
    expect(view.locator("#stale")).to_be_visible()
    view.get_by_role("button", name="Read again with these options").click()
    expect(view.locator("#stale")).to_be_hidden()
    assert stage.reader.calls[-1][1].grey == "on"


def test_remembered_nonsense_does_no_harm(open_page: Opener, stage: Stage) -> None:
    kept = {
        "crnn-ocr.options": '{"gone": 1, "denoise": "never", "grey": "on", "model": "sold"}',
        "crnn-ocr.prefs": '{"theme": 7, "view": null, "language": "xx"}',
    }
    view = open_page(storage_state=remembered(stage, kept))
    expect(view.locator("#options-count")).to_have_text("1")
    read(view)
    assert stage.reader.calls[-1][1] == ReadOptions(grey="on", layout="blocks")
    view = open_page(storage_state=remembered(stage, {"crnn-ocr.prefs": "no json", "crnn-ocr.options": "[]"}))
    read(view)
    assert stage.reader.calls[-1][1] == ReadOptions(layout="blocks")


def remembered(stage: Stage, values: dict[str, str]) -> dict[str, object]:
    """A browser that has these values of an earlier visit."""
    items = [{"name": name, "value": value} for name, value in values.items()]
    return {"origins": [{"origin": stage.url, "localStorage": items}]}


def test_preview_of_the_enhancement(open_page: Opener) -> None:
    pale = drawn("Pale words on paper", "that nobody can see").point(lambda level: 205 + level // 8)
    view = open_page()
    choose(view, upload(encoded(pale), "pale.png"))
    view.locator("#open-options").click()
    view.get_by_role("button", name="Preview of the enhancement").click()
    expect(view.locator(".preview-step")).to_have_text("Contrast stretched")
    expect(view.locator("#preview-legend")).to_contain_text("Contrast")
    expect(view.get_by_role("img", name="The picture as it is read")).to_be_visible()
    slider = view.get_by_label("How much of the picture is shown as it is")
    slider.fill("20")
    after = view.locator(".preview-after")
    assert "20%" in after.evaluate("image => image.style.clipPath")
    darkest = """image => {
        const canvas = document.createElement("canvas");
        canvas.width = image.naturalWidth; canvas.height = image.naturalHeight;
        const context = canvas.getContext("2d");
        context.drawImage(image, 0, 0);
        const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
        return data.reduce((least, value, index) => index % 4 === 0 ? Math.min(least, value) : least, 255);
    }"""
    assert view.locator("#preview-sheet img").nth(0).evaluate(darkest) > 200
    assert after.evaluate(darkest) < 30
    view.keyboard.press("Escape")
    view.get_by_role("group", name="Contrast").get_by_text("off", exact=True).click()
    view.get_by_role("button", name="Preview of the enhancement").click()
    expect(view.locator(".preview-step")).to_contain_text("Nothing was changed")


def test_history_keeps_and_brings_back(open_page: Opener) -> None:
    view = open_page()
    read(view, picture(name="first.png"), picture(name="second.png"))
    view.locator(".line").nth(0).locator(".line-text").dblclick()
    view.locator(".line-edit").fill("Edited line")
    view.keyboard.press("Enter")
    view.locator("#open-history").click()
    items = view.locator(".history-item")
    # The list follows while it is open: what it shows is on the disk.
    expect(items.nth(0)).to_contain_text("Edited line")
    view.reload()
    view.locator("body").press("h")
    expect(items).to_have_count(2)
    expect(items.nth(0)).to_contain_text("first.png")  # edited last
    expect(items.nth(0)).to_contain_text("Edited line")
    expect(items.locator("img")).to_have_count(2)
    items.nth(0).get_by_role("button").first.click()
    expect(lines(view).nth(0)).to_have_text("Edited line")
    expect(view.get_by_role("img", name="first.png")).to_be_visible()
    expect(view.locator("polygon.box")).to_have_count(3)
    view.locator("#open-history").click()
    view.get_by_role("button", name="Forget second.png").click()
    expect(items).to_have_count(1)
    view.get_by_role("button", name="Forget all").click()
    expect(said(view)).to_have_text("The history is empty.")
    expect(view.locator(".history-none")).to_be_visible()


def test_history_can_be_switched_off(open_page: Opener) -> None:
    view = open_page()
    view.locator("#open-options").click()
    view.get_by_label("Keep a history in this browser").uncheck()
    view.keyboard.press("Escape")
    read(view)
    expect(lines(view)).to_have_text(list(TEXTS))
    view.locator("#open-history").click()
    expect(view.locator(".history-none")).to_contain_text("off")


@pytest.mark.parametrize("broken", ["indexedDB.open = () => { throw new Error('private'); }"])
def test_a_window_without_storage_works(open_page: Opener, broken: str) -> None:
    view = open_page()
    view.add_init_script(broken)
    view.reload()
    read(view)
    expect(lines(view)).to_have_text(list(TEXTS))
    view.locator("#open-history").click()
    expect(view.locator(".history-none")).to_contain_text("cannot keep a history")


def test_the_history_is_bounded(open_page: Opener) -> None:
    view = open_page()
    kept = view.evaluate(
        """async () => {
            const archive = await import("/ui/js/history/archive.js");
            const result = { lines: [], pages: [] };
            const keep = (id, bytes, time) => archive.keep({ id, name: "x", thumb: null, result, options: {},
                file: new Blob([new Uint8Array(bytes)]) }, time);
            for (let number = 0; number < 103; number += 1) {
                await keep(`e${number}`, 1, number);
            }
            const many = await archive.list();
            await keep("huge", 21e6, 1000);
            const { file } = await archive.find("huge");
            for (let number = 0; number < 6; number += 1) {
                await keep(`large${number}`, 19e6, 2000 + number);
            }
            const large = await archive.list();
            return [many.length, many.at(-1).id, (await archive.find("e2")) ?? null, file,
                large.length, large.at(-1).id];
        }"""
    )
    # The last hundred; of a huge picture the text alone; of large ones the last hundred megabytes.
    assert kept == [100, "e3", None, None, 5, "large1"]
