"""Long documents: they go into the background by themselves, are shown as they are read, and found again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.service.rendering import picture, tiff
from tests.ui.background import MANY, World, long_documents, scan, text_of
from tests.ui.conftest import Opener
from tests.ui.scenes import choose, idle, read, said, upload


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with long_documents(tmp_path) as found:
        yield found


def test_a_long_document_is_read_in_the_background_and_shown_meanwhile(
    open_page: Opener, world: World
) -> None:
    view = open_page(world.url, tab="")
    view.locator("#open-options").click()
    view.get_by_role("group", name="Noise").get_by_text("off", exact=True).click()
    view.keyboard.press("Escape")
    choose(view, scan())
    bar = view.locator("#background-bar")
    expect(bar).to_contain_text("pages")
    world.let(1)
    expect(view.locator("#document")).to_contain_text(text_of(1))
    expect(view.locator("#picture img")).to_be_visible()
    world.let(3)
    expect(bar).to_contain_text(f"4 of {MANY} pages")
    view.locator("#page-after").click()
    expect(view.locator("#page-number")).to_have_text(f"Page 2 of {MANY}")
    expect(view.locator("#document")).to_contain_text(text_of(2))
    expect(view.locator("#primary")).to_have_text("Copy this page")
    view.locator("#tab-proofread").click()
    expect(view.locator("#lines .line-text").first).to_have_text(text_of(2))
    # What has not been read says so, beside its picture.
    view.locator("#background-toggle").click()
    view.get_by_role("button", name="Page 9, waiting").click()
    expect(view.locator("#message")).to_contain_text("has not been read yet")
    expect(view.locator("#picture img")).to_be_visible()
    world.let(MANY)
    expect(view.locator("#lines .line-text").first).to_have_text(text_of(9))
    idle(view)
    expect(bar).to_contain_text(f"{MANY} pages read")
    expect(said(view)).to_contain_text(f"{MANY} pages read")
    assert world.stage.reader.calls == []  # nothing was read while a request waited
    assert world.reader.options[0].denoise == "off"


def test_all_formats_come_from_the_job_or_the_usual_way(open_page: Opener, world: World) -> None:
    view = open_page(world.url)
    choose(view, scan())
    world.let(MANY)
    idle(view)
    view.locator("#background-export").click()
    view.locator("#export-formats input[value=text]").check()
    with view.expect_download() as download:
        view.locator("#export-save").click()
    assert download.value.suggested_filename == "minutes.txt"
    text = download.value.path().read_text()
    assert all(text_of(number) in text for number in range(1, MANY + 1))
    # hOCR was not asked of the job: it is made of what the job tells.
    view.locator("#background-export").click()
    view.locator("#export-formats input[value=hocr]").check()
    with view.expect_download() as download:
        view.locator("#export-save").click()
    assert download.value.path().read_text().count('class="ocr_page"') == MANY
    # One page, with what the user has changed on it, which stays while another page is shown.
    view.locator("#lines .line").first.dblclick()
    view.keyboard.press("Control+A")
    view.keyboard.type("Corrected by hand")
    view.keyboard.press("Enter")
    view.locator("#page-after").click()
    expect(view.locator("#lines .line-text").first).to_have_text(text_of(2))
    view.locator("#page-before").click()
    expect(view.locator("#lines .line-text").first).to_have_text("Corrected by hand")
    view.locator("#export").click()
    view.get_by_label("Page 1, with your changes").check()
    view.locator("#export-formats input[value=text]").check()
    with view.expect_download() as download:
        view.locator("#export-save").click()
    assert download.value.suggested_filename == "minutes - 1.txt"
    assert download.value.path().read_text().startswith("Corrected by hand")


def test_a_reload_finds_the_document_again(open_page: Opener, world: World) -> None:
    view = open_page(world.url)
    choose(view, scan())
    world.let(3)
    expect(view.locator("#background-bar")).to_contain_text(f"3 of {MANY} pages")
    view.reload()
    expect(view.locator("#picture-name")).to_have_text("minutes.pdf")
    expect(view.locator("#lines .line-text").first).to_have_text(text_of(1))
    expect(view.locator("#picture img")).to_be_visible()
    world.let(MANY)
    expect(view.locator("#background-bar")).to_contain_text(f"{MANY} pages read")
    view.locator("#tab-data").click()
    view.locator("#code-curl").click()
    expect(view.locator("#code")).to_contain_text(re.compile(r"/jobs\?layout=blocks.*name=minutes\.pdf"))
    view.locator("#tab-proofread").click()
    # A new tab has nothing open, and the list.
    view.evaluate("sessionStorage.clear()")
    other = view.context.new_page()
    other.goto(world.url)
    other.locator("#open-background").click()
    drawer = other.get_by_role("dialog", name="Background jobs")
    expect(drawer).to_contain_text("minutes.pdf")
    expect(drawer).to_contain_text("kept on the server until")
    with other.expect_download() as download:
        drawer.get_by_role("button", name="Save minutes.pdf as Word").click()
    assert download.value.suggested_filename == "minutes.docx"
    drawer.get_by_role("button", name="Open minutes.pdf").click()
    expect(drawer).to_be_hidden()
    expect(other.locator("#lines .line-text").first).to_contain_text(text_of(1))
    # Strangers do not see it, though without keys the server would tell.
    stranger = open_page(world.url)
    expect(stranger.locator("#server")).to_have_attribute("data-state", "ready")
    expect(stranger.locator("#open-background")).to_be_hidden()


@pytest.mark.parametrize("kind", ["tiff", "size"])
def test_what_is_long_by_its_pages_or_its_size(open_page: Opener, world: World, kind: str) -> None:
    view = open_page(world.url)
    if kind == "tiff":
        pages = [picture(f"Page {number}", width=300).convert("L") for number in range(MANY)]
        file = upload(tiff(pages), "scans.tiff", "image/tiff")
    else:
        file = upload(scan(2)["buffer"] + bytes(20_000_000), "large.pdf", "application/pdf")
    choose(view, file)
    world.let(MANY)
    expect(view.locator("#background-bar")).to_contain_text("pages read", timeout=30_000)
    assert world.stage.reader.calls == []


def test_short_documents_are_read_at_once(open_page: Opener, world: World) -> None:
    view = open_page(world.url)
    read(view, scan(3))
    expect(view.locator("#background-bar")).to_have_count(0)
    expect(view.locator("#open-background")).to_be_hidden()
    assert len(world.stage.reader.calls) == 1
