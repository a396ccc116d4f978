"""Export and data: what the server writes of a corrected document, its preview, and the request as code."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path

import pypdfium2
import pytest
from playwright.sync_api import Page, expect

from crnn_ocr.export import FORMATS, Writer
from tests.service.rendering import png
from tests.ui.conftest import Opener
from tests.ui.scenes import TEXTS, Stage, clipboard, lines, picture, read, report, said, upload


def edit(view: Page, number: int, text: str) -> None:
    lines(view).nth(number).dblclick()
    view.locator(".line-edit").fill(text)
    view.keyboard.press("Enter")


def choose_format(view: Page, name: str) -> None:
    if not view.locator("#export-dialog").is_visible():
        view.locator("#export").click()
    view.locator(f"input[name=export-format][value={name}]").check()


def saved(view: Page, name: str, folder: Path) -> tuple[str, bytes]:
    choose_format(view, name)
    return saved_now(view, folder)


def saved_now(view: Page, folder: Path) -> tuple[str, bytes]:
    with view.expect_download() as waiting:
        view.get_by_role("button", name="Save").click()
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    expect(view.locator("#export-dialog")).to_be_hidden()
    expect(said(view)).to_contain_text(f"Saved: {path.name}")
    return path.name, path.read_bytes()


def test_the_server_writes_every_format_with_the_edits(open_page: Opener, tmp_path: Path) -> None:
    view = open_page()
    read(view, picture(name="a*b.png"))
    edit(view, 0, '=1+1, "quoted" _x_')
    for name, writer in FORMATS.items():
        if name == "csv" or writer.media_type in ("image/png", "image/webp"):  # a table, and pixels
            continue
        file, content = saved(view, name, tmp_path)
        assert file.startswith("a_b.")
        if name == "pdf":
            assert '=1+1, "quoted" _x_' in pypdfium2.PdfDocument(content)[0].get_textpage().get_text_range()
        elif name in ("docx", "xlsx"):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                part = "word/document.xml" if name == "docx" else "xl/sharedStrings.xml"
                assert "1+1" in archive.read(part).decode()
        else:
            assert file == f"a_b{writer.suffix}"
            assert "=1+1" in content.decode()
            assert TEXTS[2][:4] in content.decode()


def test_words_keep_their_places_where_nobody_edited_them(open_page: Opener, tmp_path: Path) -> None:
    view = open_page()
    read(view)
    _, content = saved(view, "hocr", tmp_path)
    # "99.50" begins at the seventh character of a line that begins at 20, each 14 wide.
    assert re.search(r"bbox 104 62 174 92[^>]*>(<[^>]+>)*99.50", content.decode())


def test_what_a_file_will_hold_is_shown_before(open_page: Opener, stage: Stage) -> None:
    stage.play(report)
    view = open_page(tab="document")
    read(view)
    view.locator("#export").click()
    preview = view.locator("#export-preview")
    expect(preview.locator(".doc-heading")).to_have_text("Quarterly report")
    choose_format(view, "xlsx")
    expect(preview.locator("td")).to_have_text(["North", "", "48.50", "South", "310", ""])
    choose_format(view, "markdown")
    expect(preview.locator("pre")).to_contain_text("# Quarterly report")
    choose_format(view, "alto")
    expect(preview.locator("pre")).to_contain_text("<alto")
    choose_format(view, "svg")
    expect(preview.locator("img")).to_be_visible()
    choose_format(view, "alto")
    expect(view.locator("#export-name")).to_have_text("invoice.alto.xml")
    view.keyboard.press("Escape")
    expect(view.locator("#export-dialog")).to_be_hidden()
    expect(view.locator("#export")).to_be_focused()


def test_a_csv_is_the_table_and_nothing_else(open_page: Opener, stage: Stage, tmp_path: Path) -> None:
    stage.play(report)
    view = open_page(tab="document")
    read(view)
    _, content = saved(view, "csv", tmp_path)
    rows = content.decode("utf-8-sig").splitlines()
    assert rows == ["Region,Quarter,", ",Orders,Sum", "North,,48.50", "South,310,"]


def test_a_csv_without_a_table_is_not_offered(open_page: Opener) -> None:
    view = open_page()
    read(view)
    choose_format(view, "csv")
    expect(view.locator("#export-preview")).to_contain_text("No table was found here")
    expect(view.get_by_role("button", name="Save")).to_be_disabled()
    choose_format(view, "text")
    expect(view.get_by_role("button", name="Save")).to_be_enabled()


def test_several_files_in_an_archive_or_in_one_document(open_page: Opener, tmp_path: Path) -> None:
    view = open_page()
    read(view, picture(name="one.png"), picture(name="two.png"), picture(name="one.jpg"))
    edit(view, 0, "corrected")
    choose_format(view, "text")
    view.get_by_label("All 3 files").check()
    expect(view.locator("#export-name")).to_have_text("crnn-ocr.zip")
    name, content = saved_now(view, tmp_path)
    assert name == "crnn-ocr.zip"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["one.txt", "two.txt", "one (2).txt"]
        assert archive.read("one.txt").decode().splitlines() == ["corrected", *TEXTS[1:]]
        assert archive.read("two.txt").decode().splitlines() == list(TEXTS)
    view.locator("#export").click()
    view.get_by_label("Chosen files").check()
    view.get_by_role("checkbox", name="two.png").check()
    view.get_by_label("All in one file").check()
    name, content = saved_now(view, tmp_path)
    assert name == "crnn-ocr.txt"
    assert content.decode().splitlines() == ["corrected", *TEXTS[1:], "", *TEXTS]


def test_a_searchable_pdf_of_several_files_is_one_each(open_page: Opener, tmp_path: Path) -> None:
    view = open_page()
    read(view, picture(name="one.png"), picture(name="two.png"))
    choose_format(view, "pdf")
    view.get_by_label("All 2 files").check()
    expect(view.get_by_label("All in one file")).to_be_disabled()
    _, content = saved_now(view, tmp_path)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist() == ["one.pdf", "two.pdf"]
        assert archive.read("two.pdf").startswith(b"%PDF-")


def test_the_server_names_the_formats_on_offer(
    open_page: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loud = Writer(lambda document, how: document.text.upper(), ".loud", "text/x-loud", "Loud text")
    view = open_page()
    read(view)
    view.locator("#export").click()
    offered = view.locator("input[name=export-format]")
    expect(offered).to_have_count(len(FORMATS))
    assert {one.get_attribute("value") for one in offered.all()} == set(FORMATS)
    monkeypatch.setitem(FORMATS, "loud", loud)
    writers = {"loud": {"suffix": ".loud", "media_type": "text/x-loud", "title": "Loud text"}}
    view.context.route(
        "**/options",
        lambda route: route.fulfill(json={"x-export-formats": ["text", "loud"], "x-export-writers": writers}),
    )
    view.reload()
    read(view)
    edit(view, 0, "corrected by hand")
    view.locator("#export").click()
    expect(view.get_by_label("Loud text")).to_be_visible()
    expect(offered).to_have_count(2)
    name, content = saved(view, "loud", tmp_path)
    assert name.endswith(".loud")
    assert content.decode().splitlines() == ["CORRECTED BY HAND", *[text.upper() for text in TEXTS[1:]]]


def test_what_goes_wrong_is_told_in_the_sheet(open_page: Opener) -> None:
    view = open_page()
    read(view)
    choose_format(view, "text")
    expect(view.get_by_role("button", name="Save")).to_be_enabled()
    view.route("**/export?*", lambda route: route.fulfill(status=500, body="oops"))
    view.get_by_role("button", name="Save").click()
    expect(view.locator("#export-problem")).to_contain_text("does not understand")
    expect(view.locator("#export-dialog")).to_be_visible()
    expect(view.get_by_role("button", name="Save")).to_be_enabled()


def test_the_export_sheet_stays_inside_a_phone(open_page: Opener) -> None:
    view = open_page(viewport={"width": 390, "height": 700}, has_touch=True, is_mobile=True)
    read(view)
    view.locator("#export").tap()
    expect(view.locator("#export-dialog")).to_be_visible()
    sheet = view.locator("#export-dialog").bounding_box()
    save = view.get_by_role("button", name="Save").bounding_box()
    assert sheet is not None
    assert save is not None
    assert sheet["x"] >= 0
    assert sheet["x"] + sheet["width"] <= 390
    assert save["y"] + save["height"] <= 700
    heights = view.locator(".export-choice").evaluate_all("all => all.map((one) => one.offsetHeight)")
    assert min(height for height in heights if height) >= 44


def test_the_export_sheet_by_keyboard(open_page: Opener, tmp_path: Path) -> None:
    view = open_page()
    read(view)
    view.locator("#export").focus()
    view.keyboard.press("Enter")
    expect(view.locator("input[value=docx]")).to_be_focused()
    view.keyboard.press("ArrowDown")
    expect(view.locator("input[value=xlsx]")).to_be_checked()
    expect(view.get_by_role("button", name="Save")).to_be_enabled()
    with view.expect_download() as waiting:
        view.keyboard.press("Enter")
    assert waiting.value.suggested_filename.endswith(".xlsx")
    view.reload()  # the format is remembered
    read(view)
    view.locator("#export").click()
    expect(view.locator("input[value=xlsx]")).to_be_checked()


# ---- data --------------------------------------------------------------------------------------------


def test_the_data_is_the_document_with_its_edits(open_page: Opener) -> None:
    view = open_page()
    read(view)
    edit(view, 0, "corrected")
    view.get_by_role("tab", name="Data").click()
    view.get_by_role("button", name="JSON").click()
    view.get_by_role("button", name="Copy the code").click()
    expect(said(view)).to_have_text("Copied")
    value = json.loads(clipboard(view))
    assert [line["text"] for line in value["pages"][0]["lines"]] == ["corrected", *TEXTS[1:]]
    expect(view.locator("#code")).to_contain_text("[[20, 62], [230, 62], [230, 92], [20, 92]]")


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("curl", "--data-binary '@it'\\''s \"odd\" $(x).png'"),
        ("Python", 'open("it\'s \\"odd\\" $(x).png", "rb")'),
        ("JavaScript", 'readFile("it\'s \\"odd\\" $(x).png")'),
    ],
)
def test_the_request_as_code(open_page: Opener, language: str, expected: str) -> None:
    view = open_page()
    with view.expect_request("**/ocr?*") as sent:
        read(view, upload(png("x"), 'it\'s "odd" $(x).png'))
    view.get_by_role("tab", name="Data").click()
    view.get_by_role("button", name=language).click()
    expect(view.locator("#code")).to_contain_text(expected)
    expect(view.locator("#code")).to_contain_text(sent.value.url)  # exactly what was sent
    view.get_by_role("button", name="Copy the code").click()
    expect(said(view)).to_have_text("Copied")
    assert expected in clipboard(view)
    expect(view.locator("#panel-data a")).to_have_attribute("href", "/docs")
