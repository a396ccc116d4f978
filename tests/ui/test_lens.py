"""The text on the picture: where it lies, how it is selected and copied."""

from __future__ import annotations

from dataclasses import replace

import pytest
from playwright.sync_api import Locator, Page, expect

from crnn_ocr.document import Block, Document, Line
from crnn_ocr.document import Page as DocumentPage
from tests.ui.conftest import Opener
from tests.ui.scenes import TEXTS, Stage, clipboard, lines, read, sheet
from tests.ui.scenes import line as line_of

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def texts(view: Page) -> Locator:
    return view.locator(".lens-line")


def place(one: Locator) -> tuple[float, float, float, float]:
    box = one.bounding_box()
    assert box is not None
    return box["x"], box["y"], box["width"], box["height"]


def drag(view: Page, start: Locator, end: Locator, *, from_share: float = 0.0, to_share: float = 1.0) -> None:
    """Drag the mouse from a part of one line to a part of another."""
    for one, share, last in ((start, from_share, False), (end, to_share, True)):
        x, y, width, height = place(one)
        view.mouse.move(x + 1 + share * (width - 2), y + height / 2, steps=5)
        if last:
            view.mouse.up()
        else:
            view.mouse.down()


@pytest.mark.parametrize("zoom", [0, 2])
def test_every_line_lies_exactly_over_its_box(open_page: Opener, zoom: int) -> None:
    view = open_page()
    read(view)
    for _ in range(zoom):
        view.locator("#zoom-in").click()
    sheet_x, sheet_y, sheet_width, _ = place(view.locator("#sheet"))
    scale = sheet_width / 640
    for index, text in enumerate(TEXTS):
        expect(texts(view).nth(index)).to_have_text(text)
        x, y, width, height = place(texts(view).nth(index))
        # Line n of the invoice: 14 pixels per character, 30 high, at (20, 16 + 46 n).
        assert (x - sheet_x) / scale == pytest.approx(20, abs=1)
        assert (y - sheet_y) / scale == pytest.approx(16 + 46 * index, abs=1)
        assert width / scale == pytest.approx(14 * len(text), rel=0.02)
        assert height / scale == pytest.approx(30, abs=1)
    assert texts(view).first.evaluate("one => getComputedStyle(one).color") == "rgba(0, 0, 0, 0)"


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_lines_lie_over_their_boxes_however_the_view_is_turned(open_page: Opener, turn: int) -> None:
    view = open_page()
    read(view)
    for _ in range(turn // 90):
        view.locator("#turn").click()
    for index in range(3):
        text, box = place(texts(view).nth(index)), place(view.locator("polygon.box").nth(index))
        middle = [(one[0] + one[2] / 2, one[1] + one[3] / 2) for one in (text, box)]
        assert middle[0] == pytest.approx(middle[1], abs=2)


def test_lines_are_selected_with_the_mouse_and_copied_in_reading_order(open_page: Opener) -> None:
    view = open_page()
    read(view)
    drag(view, texts(view).nth(0), texts(view).nth(2))
    view.keyboard.press("Control+C")
    assert clipboard(view) == "\n".join(TEXTS)
    # The other way round it is the same text.
    drag(view, texts(view).nth(2), texts(view).nth(0), from_share=1, to_share=0)
    view.keyboard.press("Control+C")
    assert clipboard(view) == "\n".join(TEXTS)
    expect(view.locator(".line.is-active")).to_have_count(0)  # selecting chooses no line


def test_a_part_of_a_line_and_what_lies_between_lines(open_page: Opener) -> None:
    view = open_page()
    read(view)
    # From the first line into the gap to the right of the second: that line counts to its end.
    x, y, width, height = place(texts(view).nth(1))
    first = place(texts(view).nth(0))
    view.mouse.move(first[0] + 0.66 * first[2], first[1] + first[3] / 2)
    view.mouse.down()
    view.mouse.move(x + width + 60, y + height / 2, steps=6)
    view.mouse.up()
    view.keyboard.press("Control+C")
    upper, lower = clipboard(view).split("\n")
    assert lower == TEXTS[1]
    assert TEXTS[0].endswith(upper)
    assert 2 <= len(upper) <= 7


def test_a_double_click_takes_a_word_and_a_click_the_line(open_page: Opener) -> None:
    view = open_page()
    read(view)
    x, y, width, height = place(texts(view).nth(0))
    view.mouse.dblclick(x + 0.2 * width, y + height / 2)
    view.keyboard.press("Control+C")
    assert clipboard(view).strip() == "Invoice"
    view.mouse.click(5, 5)
    texts(view).nth(1).click()
    expect(view.locator(".line.is-active .line-text")).to_have_text(TEXTS[1])


def test_an_edit_is_on_the_picture_too(open_page: Opener) -> None:
    view = open_page()
    read(view)
    view.locator(".line-text").nth(1).dblclick()
    view.locator(".line-edit").fill("Total 99.60 EUR")
    view.keyboard.press("Enter")
    expect(texts(view).nth(1)).to_have_text("Total 99.60 EUR")
    drag(view, texts(view).nth(1), texts(view).nth(1))
    view.keyboard.press("Control+C")
    assert clipboard(view) == "Total 99.60 EUR"


def test_columns_of_chinese_stand_upright(open_page: Opener, stage: Stage) -> None:
    # As the engine gives them: the polygon begins where the column is read from, at its upper right.
    column = replace(
        line_of("白日依山尽", 0), polygon=((300, 20), (300, 270), (250, 270), (250, 20)), chars=()
    )
    page = replace(DocumentPage(400, 300, (Block((column,)),)), rotation=270)
    stage.play(lambda *_: Document((page,), "fake/1"))
    view = open_page()
    read(view)
    x, y, width, height = place(texts(view))
    left, top, sheet_width, _ = place(view.locator("#sheet"))
    scale = sheet_width / 400
    assert ((x - left) / scale, (y - top) / scale) == pytest.approx((250, 20), abs=2)
    assert (width / scale, height / scale) == pytest.approx((50, 250), rel=0.05)
    view.mouse.move(x + width / 2, y + 2)
    view.mouse.down()
    view.mouse.move(x + width / 2, y + height * 0.58, steps=5)
    view.mouse.up()
    view.keyboard.press("Control+C")
    assert clipboard(view) == "白日依"


def test_on_a_phone_a_finger_moves_the_picture_and_a_tap_chooses(open_page: Opener, stage: Stage) -> None:
    view = open_page(**PHONE)
    read(view)
    texts(view).nth(2).tap()
    expect(view.locator(".line.is-active .line-text")).to_have_text(TEXTS[2])
    assert view.evaluate("getSelection().isCollapsed")


def test_lines_on_their_side_run_along_their_text(open_page: Opener, stage: Stage) -> None:
    side = Line("Sideways", 0.99, ((150, 20), (150, 220), (110, 220), (110, 20)))
    stage.play(lambda *_: Document((sheet(side, width=300, height=240),), "fake/1"))
    view = open_page()
    read(view)
    expect(lines(view)).to_have_text(["Sideways"])
    x, y, width, height = place(texts(view))
    left, top, sheet_width, _ = place(view.locator("#sheet"))
    scale = sheet_width / 300
    assert ((x - left) / scale, (y - top) / scale) == pytest.approx((110, 20), abs=2)
    assert (width / scale, height / scale) == pytest.approx((40, 200), rel=0.05)
