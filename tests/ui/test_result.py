"""The text: confidence, marks, selection, editing, search, copying, paragraphs, export, code."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from crnn_ocr.document import Block, Document, Remark
from crnn_ocr.document import Page as DocumentPage
from crnn_ocr.export import FORMATS, Writer
from tests.ui.conftest import Opener
from tests.ui.scenes import TEXTS, Stage, clipboard, line, lines, picture, read, read_again, said, sheet


def row(view: Page, number: int) -> Locator:
    return view.locator(".line").nth(number)


def test_confidence_and_unsure_characters(open_page: Opener) -> None:
    view = open_page()
    read(view)
    assert view.locator(".line-confidence").all_inner_texts() == [
        "99 %\nConfidence 99 per cent",
        "62 %\nConfidence 62 per cent",
        "87 %\nConfidence 87 per cent",
    ]
    expect(view.locator(".line-confidence").nth(1)).to_have_class("line-confidence is-poor")
    mark = view.locator("mark.unsure")
    expect(mark).to_have_text("99")
    expect(mark).to_have_attribute("title", "Unsure: 41 %")
    assert "wavy" in mark.evaluate("mark => getComputedStyle(mark).textDecoration")


def test_copy_one_line_a_selection_and_all(open_page: Opener) -> None:
    view = open_page()
    read(view)
    row(view, 1).hover()
    view.get_by_role("button", name=f"Copy this line: {TEXTS[1]}").click()
    expect(said(view)).to_have_text("Copied")
    assert clipboard(view) == TEXTS[1]
    view.get_by_role("button", name="Copy all").click()
    expect(view.locator("#copy-all")).to_have_text("Copied")
    assert clipboard(view) == "\n".join(TEXTS)
    row(view, 0).click()
    row(view, 2).click(modifiers=["Control"])
    expect(row(view, 2)).to_have_attribute("aria-selected", "true")
    row(view, 0).click(modifiers=["Control"])
    view.get_by_role("button", name="Copy 2 lines").click()
    expect(said(view)).to_have_text("Copied")
    assert clipboard(view) == f"{TEXTS[0]}\n{TEXTS[2]}"
    row(view, 2).click(modifiers=["Shift"])
    expect(view.locator("#copy-all")).to_contain_text("3 lines")


def test_selecting_with_the_mouse_copies_text_alone(open_page: Opener) -> None:
    view = open_page()
    read(view)
    view.evaluate(
        """() => {
            const cells = document.querySelectorAll(".line-text");
            const range = document.createRange();
            range.setStart(cells[0].firstChild, 8);
            range.setEnd(cells[1].firstChild, 5);
            getSelection().removeAllRanges();
            getSelection().addRange(range);
        }"""
    )
    view.keyboard.press("Control+C")
    view.wait_for_timeout(100)
    assert clipboard(view) == "10234\nTotal"


def test_copy_works_without_the_modern_clipboard(open_page: Opener) -> None:
    view = open_page()
    view.evaluate("Object.defineProperty(window, 'isSecureContext', { value: false })")
    read(view)
    view.get_by_role("button", name="Copy all").click()
    expect(view.locator("#copy-all")).to_have_text("Copied")
    assert clipboard(view) == "\n".join(TEXTS)


def test_edit_a_line_in_its_place(open_page: Opener) -> None:
    view = open_page()
    read(view)
    row(view, 1).locator(".line-text").dblclick()
    field = view.locator(".line-edit")
    expect(field).to_be_focused()
    field.fill("Total 99.60 EUR")
    view.keyboard.press("Enter")
    expect(lines(view).nth(1)).to_have_text("Total 99.60 EUR")
    expect(row(view, 1)).to_be_focused()
    expect(view.locator(".line-confidence").nth(1)).to_contain_text("read as: Total 99.50 EUR")
    view.locator("#copy-all").click()
    expect(said(view)).to_have_text("Copied")
    assert "99.60" in clipboard(view)
    # Escape gives up; what is pasted stays one line; the edit survives another reading.
    row(view, 0).click()
    view.keyboard.press("Enter")
    view.locator(".line-edit").fill("nothing of this")
    view.keyboard.press("Escape")
    expect(lines(view).nth(0)).to_have_text(TEXTS[0])
    view.keyboard.press("F2")
    view.locator(".line-edit").fill("two\n rows")
    view.locator("#copy-all").focus()  # leaving the field keeps the edit
    expect(lines(view).nth(0)).to_have_text("two rows")
    read_again(view)
    expect(lines(view).nth(1)).to_have_text("Total 99.60 EUR")
    row(view, 1).hover()
    view.get_by_role("button", name="Back to what was read: Total 99.50 EUR").click()
    expect(lines(view).nth(1)).to_have_text(TEXTS[1])


def test_search_in_the_text(open_page: Opener) -> None:
    view = open_page()
    read(view)
    view.locator("body").press("/")
    expect(view.locator("#search")).to_be_focused()
    view.keyboard.type("TOTAL 99")  # over the seam of a mark, whatever the case
    expect(view.locator("#search-count")).to_have_text("1 of 1")
    expect(row(view, 1)).to_have_class("line has-hit")
    assert view.evaluate("[...CSS.highlights.get('search-current')].map(String)") == ["Total 99"]
    view.locator("#search").fill("2")
    expect(view.locator("#search-count")).to_have_text("1 of 5")
    view.keyboard.press("Enter")
    expect(view.locator("#search-count")).to_have_text("2 of 5")
    view.get_by_role("button", name="Hit before").click()
    expect(view.locator("#search-count")).to_have_text("1 of 5")
    view.locator("#search").fill("no such text")
    expect(view.locator("#search-count")).to_have_text("no hit")
    view.locator("#search").press("Escape")
    expect(view.locator("#search-found")).to_be_hidden()
    view.locator("#search").fill("2")
    view.get_by_role("button", name="Clear the search").click()
    expect(view.locator("#search")).to_have_value("")
    expect(view.locator("#search")).to_be_focused()


def test_lines_and_paragraphs(open_page: Opener, stage: Stage) -> None:
    english = [
        line("A paragraph goes on from one", 0, width=470),  # shorter, as in a photograph
        line("line to the next, and is hyphen-", 1, width=560),
    ]
    english.append(line("ated at times.", 2, width=200))
    # Photographed askew: the frame around the line is twice as high as the line.
    english[1] = replace(english[1], polygon=((20, 62), (580, 34), (580, 64), (20, 92)))
    chinese = [line("中文的段落在换行时", 3, width=560), line("不需要空格。", 4, width=300)]
    cells = [line("Price", 5, width=80), line("9.50", 5, left=400, width=80)]
    items = [line("red apples", 6, width=200), line("green pears", 7, width=210), line("milk", 8, width=60)]
    blocks = tuple(Block(tuple(block)) for block in (english, chinese, cells, items))
    stage.play(lambda *_: Document((DocumentPage(640, 460, blocks),), "fake/1"))
    view = open_page()
    read(view)
    expect(lines(view)).to_have_count(10)
    view.get_by_role("tab", name="Paragraphs").click()
    joined = [
        "A paragraph goes on from one line to the next, and is hyphenated at times.",
        "中文的段落在换行时不需要空格。",
        "Price\t9.50",
        "red apples",
        "green pears",
        "milk",
    ]
    assert view.locator(".paragraph").all_text_contents() == joined
    view.locator("#copy-all").click()
    expect(said(view)).to_have_text("Copied")
    assert clipboard(view) == "\n".join(joined)
    view.locator("#search").fill("hyphenated")
    expect(view.locator("#search-count")).to_have_text("1 of 1")
    view.reload()  # the view is remembered
    expect(view.locator("#tab-paragraphs")).to_have_attribute("aria-selected", "true")


def saved(view: Page, name: str, folder: Path, *, all_files: bool = False) -> tuple[str, bytes]:
    view.locator("#export").click()
    with view.expect_download() as waiting:
        items = view.get_by_role("menuitem", name=name)
        items.nth(1 if all_files else 0).click()
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path.name, path.read_bytes()


def test_export_in_every_format(open_page: Opener, tmp_path: Path) -> None:
    view = open_page()
    read(view, picture(name="a*b.png"), picture(name="second.png"))
    row(view, 0).locator(".line-text").dblclick()
    view.locator(".line-edit").fill('=1+1, "quoted" _x_')
    view.keyboard.press("Enter")
    name, content = saved(view, "Plain text", tmp_path)
    assert name == "a_b.txt"
    assert content.decode() == f'=1+1, "quoted" _x_\n{TEXTS[1]}\n{TEXTS[2]}\n'
    name, content = saved(view, "Markdown", tmp_path)
    assert name == "a_b.md"
    assert content.decode().startswith('=1+1, "quoted" \\_x\\_\\\nTotal')
    name, content = saved(view, "JSON with boxes", tmp_path)
    value = json.loads(content)
    assert value["source"] == "a*b.png"
    assert value["pages"][0]["lines"][0]["original"] == TEXTS[0]
    assert value["pages"][0]["lines"][1]["polygon"][0] == [20, 62]
    assert value["text"].endswith(TEXTS[2])
    name, content = saved(view, "Excel", tmp_path)
    assert name == "a_b.xlsx"
    with zipfile.ZipFile(io.BytesIO(content)) as workbook:
        assert TEXTS[1] in workbook.read("xl/sharedStrings.xml").decode()
    name, content = saved(view, "Searchable PDF", tmp_path)
    assert name == "a_b.pdf"
    assert content.startswith(b"%PDF-")
    name, content = saved(view, "Lines (CSV)", tmp_path)
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert rows[1][3] == '\'=1+1, "quoted" _x_'  # no formula for a spreadsheet
    assert rows[2][3:5] == [TEXTS[1], "0.62"]
    name, content = saved(view, "Plain text", tmp_path, all_files=True)
    assert name == "crnn-ocr.txt"
    assert content.decode().count("==> ") == 2
    expect(said(view)).to_have_text("Saved: crnn-ocr.txt")


def test_the_server_names_the_formats_on_offer(open_page: Opener) -> None:
    view = open_page()
    read(view)
    view.locator("#export").click()
    names = view.get_by_role("menuitem")
    expect(names).to_have_text([re.compile(re.escape(writer.suffix)) for writer in FORMATS.values()])
    view.context.route(
        "**/options", lambda route: route.fulfill(json={"x-export-formats": ["csv", "hocr", "text"]})
    )
    view.reload()
    read(view)
    view.locator("#export").click()
    expect(names).to_have_text([re.compile("CSV"), re.compile("text")])


def test_a_format_only_the_server_writes_is_saved_with_edits(
    open_page: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loud = Writer(lambda document, how: document.text.upper(), ".loud", "text/x-loud", "Loud text")
    monkeypatch.setitem(FORMATS, "loud", loud)
    writers = {"loud": {"suffix": ".loud", "media_type": "text/x-loud", "title": "Loud text"}}
    view = open_page()
    view.context.route(
        "**/options",
        lambda route: route.fulfill(json={"x-export-formats": ["text", "loud"], "x-export-writers": writers}),
    )
    view.reload()
    read(view)
    lines(view).first.dblclick()
    view.keyboard.press("Control+a")
    view.keyboard.type("corrected by hand")
    view.keyboard.press("Enter")

    name, content = saved(view, "Loud text", tmp_path)

    assert name.endswith(".loud")
    assert content.decode().split("\n")[0] == "CORRECTED BY HAND"
    assert content.decode().split("\n")[1:] == [text.upper() for text in TEXTS[1:]]


def test_the_export_menu_by_keyboard(open_page: Opener) -> None:
    view = open_page()
    read(view)
    view.locator("#export").focus()
    view.keyboard.press("Enter")
    expect(view.get_by_role("menuitem", name="Plain text")).to_be_focused()
    view.keyboard.press("ArrowUp")
    expect(view.get_by_role("menuitem", name="Searchable PDF")).to_be_focused()
    view.keyboard.press("Escape")
    expect(view.locator("#export-menu")).to_be_hidden()
    expect(view.locator("#export")).to_be_focused()


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
    read(view, picture(name='it\'s "odd" $(x).png'))
    view.get_by_role("tab", name="API").click()
    view.get_by_role("button", name=language).click()
    expect(view.locator("#code")).to_contain_text(expected)
    view.get_by_role("button", name="Copy the code").click()
    expect(said(view)).to_have_text("Copied")
    assert expected in clipboard(view)
    expect(view.locator("#panel-api a")).to_have_attribute("href", "/docs")


def test_a_picture_without_text_gets_a_friendly_word(open_page: Opener, stage: Stage) -> None:
    stage.play(lambda *_: Document((sheet(),), "fake/1"))
    view = open_page()
    read(view)
    expect(view.locator(".message-title")).to_have_text("No text was found in this picture.")
    expect(view.locator("#copy-all")).to_be_hidden()


def test_warnings_are_translated(open_page: Opener, stage: Stage) -> None:
    remarks = (Remark("IMAGE_BLURRED", "It is blurred."), Remark("NEW_ONE", "Something new."))
    stage.play(lambda *_: Document((sheet(line("x", 0), warnings=remarks),), "fake/1"))
    view = open_page(locale="zh-CN")
    read(view)
    expect(view.locator("#notices .notice").nth(0)).to_contain_text("图片比较模糊")
    expect(view.locator("#notices .notice").nth(1)).to_have_text("Something new.")
    view.locator("#language").click()
    expect(view.locator("#notices .notice").nth(0)).to_have_text("It is blurred.")
