"""Every way in, and what is refused at the door."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from crnn_ocr.settings import Settings
from tests.service.fakes import FakeReader
from tests.ui.conftest import Opener, serving
from tests.ui.scenes import (
    ADD,
    TEXTS,
    Stage,
    choose,
    clipboard,
    drop,
    idle,
    invoice,
    lines,
    paste,
    picture,
    read,
    said,
)
from tests.ui.test_queue import Held


def test_what_is_chosen_is_read_at_once(open_page: Opener, stage: Stage) -> None:
    view = open_page()
    assert view.title() == "crnn-ocr"
    choose(view, picture(name="invoice.png"))
    expect(view.locator("#picture-name")).to_have_text("invoice.png")
    expect(view.get_by_role("img", name="invoice.png")).to_be_visible()
    expect(lines(view)).to_have_text(list(TEXTS))
    expect(said(view)).to_have_text("3 lines read")
    expect(
        view.locator("#say")
    ).to_be_hidden()  # the page shows it: the sentence is for those who do not see it
    assert len(stage.reader.calls) == 1
    expect(view.locator("#result-facts")).to_contain_text("3 lines")
    expect(view.locator("#picture-facts")).to_contain_text("640 × 180")


def test_the_large_field_opens_the_chooser(open_page: Opener) -> None:
    view = open_page()
    with view.expect_file_chooser() as chooser:
        view.get_by_text("Drop pictures here").click()
    assert chooser.value.is_multiple()
    chooser.value.set_files(picture(name="clicked.png"))
    expect(view.locator("#picture-name")).to_have_text("clicked.png")


def test_one_button_adds_stops_and_copies(open_page: Opener, stage: Stage) -> None:
    view = open_page()
    primary = view.locator("#primary")
    expect(primary).to_be_hidden()  # the first screen has its own
    expect(view.locator("#start")).to_have_text("Choose pictures")
    held = Held()
    stage.play(held)
    choose(view, picture(name="a.png"))
    expect(primary).to_have_text("Stop")
    primary.click()
    expect(view.locator(".job")).to_have_attribute("data-status", "cancelled")
    expect(primary).to_have_text("Add pictures")
    held.release.set()
    with view.expect_file_chooser() as chooser:
        primary.click()
    chooser.value.set_files(picture(name="b.png"))
    expect(primary).to_have_text("Copy")
    primary.click()
    expect(primary).to_have_text("Copied")
    assert clipboard(view) == "\n".join(TEXTS)
    expect(primary).to_have_text("Copy")
    view.locator(".line").nth(1).click(modifiers=["Control"])
    expect(primary).to_have_text("Copy 1 line")
    primary.click()
    expect(primary).to_have_text("Copied")
    assert clipboard(view) == TEXTS[1]


def test_what_is_read_can_be_copied_while_others_are_read(open_page: Opener, stage: Stage) -> None:
    view = open_page()
    read(view, picture(name="a.png"))
    held = Held()
    stage.play(held)
    choose(view, picture(name="b.png"), picture(name="c.png"))
    expect(view.locator("#primary")).to_have_text("Stop")
    view.locator(".job-open", has_text="a.png").click()
    expect(view.locator("#primary")).to_have_text("Copy")
    view.get_by_role("button", name="Stop", exact=True).click()
    expect(view.locator(".job[data-status=cancelled]")).to_have_count(2)
    held.release.set()


def test_drop_anywhere_several_at_once(open_page: Opener) -> None:
    view = open_page()
    drop(view, "header", picture(name="one.png"), picture(name="two.png"))
    expect(view.locator(".job-name")).to_have_text(["one.png", "two.png"])
    expect(view.locator("body")).not_to_have_class("is-over")
    drop(view, "#lines", picture(name="three.png"))
    expect(view.locator(".job-name")).to_have_text(["one.png", "two.png", "three.png"])
    expect(view.locator(".job[data-status=done]")).to_have_count(3)
    assert view.url.startswith("http://127.0.0.1")


def test_a_pasted_screenshot_is_text_after_one_key(open_page: Opener) -> None:
    view = open_page()
    paste(view, picture())
    expect(view.locator("#picture-name")).to_contain_text("Pasted picture")
    expect(lines(view)).to_have_text(list(TEXTS))
    expect(view.locator("#primary")).to_be_focused()
    view.keyboard.press("Enter")  # paste, Enter: the text is on the clipboard
    expect(view.locator("#primary")).to_have_text("Copied")
    assert clipboard(view) == "\n".join(TEXTS)
    view.locator("#search").focus()
    paste(view, picture())
    expect(view.locator(".job")).to_have_count(2)


def test_a_phone_offers_its_camera(open_page: Opener) -> None:
    view = open_page(viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
    expect(view.get_by_text("Drop pictures here")).to_be_hidden()
    assert view.locator("#camera").get_attribute("capture") == "environment"
    with view.expect_file_chooser() as chooser:
        view.get_by_role("button", name="Take a photo").tap()
    chooser.value.set_files(picture(name="photo.png"))
    expect(lines(view)).to_have_text(list(TEXTS))
    desk = open_page()
    expect(desk.locator("#first-photo")).to_be_hidden()
    read(desk)
    expect(desk.locator("#take-photo")).to_be_hidden()


@pytest.mark.parametrize("number", range(3))
def test_samples_are_one_click_away(open_page: Opener, number: int) -> None:
    view = open_page()
    sample = view.locator(".sample").nth(number)
    assert sample.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)") > 300
    sample.click()
    expect(lines(view)).to_have_text(list(TEXTS))


def test_what_the_server_would_refuse_is_not_sent(open_page: Opener, tmp_path: Path) -> None:
    huge = tmp_path / "huge.png"
    with huge.open("wb") as stream:
        stream.truncate(50_000_000)
    reader = FakeReader(invoice)
    with serving(reader, Settings(max_image_bytes=100_000, jobs="off")) as stage:
        view = open_page(stage.url)
        expect(view.locator("#server-facts")).to_contain_text("up to 100 kB")
        with view.expect_file_chooser() as chooser:
            view.locator(ADD).click()
        chooser.value.set_files(huge)
        expect(view.locator(".message.is-failed")).to_contain_text("50 MB > 100 kB")
        read(view, picture(name="small.png"))
        expect(view.locator(".job").nth(1)).to_have_attribute("data-status", "done")
        expect(view.locator(".job").nth(0)).to_have_attribute("data-status", "failed")
        assert len(reader.calls) == 1
        view.context.close()


def test_twenty_files_at_once(open_page: Opener, stage: Stage) -> None:
    view = open_page()
    choose(view, *(picture(f"File {number}", name=f"{number:02}.png") for number in range(20)))
    expect(view.locator(".job[data-status=done]")).to_have_count(20)
    expect(view.locator("#queue-count")).to_have_text("20 of 20 read")
    expect(view.locator(".thumb img")).to_have_count(20)
    assert len(stage.reader.calls) == 20
    view.locator(".job-open").nth(19).click()
    expect(view.locator("#picture-name")).to_have_text("19.png")
    view.get_by_role("button", name="Remove 19.png").click()
    expect(view.locator("#picture-name")).to_have_text("18.png")
    view.get_by_role("button", name="Remove all").click()
    expect(view.locator("#intake")).to_be_visible()
    idle(view)


def test_dropped_folders_are_opened(open_page: Opener) -> None:
    view = open_page()
    # Browsers give entries of folders to real drops only, so the entries are played here.
    names = view.evaluate(
        """async () => {
            const { filesOfDrop } = await import("/ui/js/intake/folders.js");
            const file = (name) => ({ isFile: true, isDirectory: false, name,
                file: (done) => done(new File(["x"], name)) });
            const folder = (name, children) => ({ isFile: false, isDirectory: true, name,
                createReader: () => { const left = [children, []];
                    return { readEntries: (done) => done(left.shift()) }; } });
            const entry = folder("scans", [file("10.png"), file("2.png"), file("notes.txt"),
                folder("more", [file("3.PDF")])]);
            const items = [{ webkitGetAsEntry: () => entry }];
            return (await filesOfDrop({ files: [], items })).map((one) => one.name);
        }"""
    )
    assert names == ["2.png", "10.png", "3.PDF"]
