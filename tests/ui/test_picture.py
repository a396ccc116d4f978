"""The picture: boxes over the text, zoom, pan, turn, and pages that a browser cannot show."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from crnn_ocr.document import Document
from tests.service.rendering import picture as drawn
from tests.service.rendering import tiff
from tests.ui.conftest import Opener
from tests.ui.scenes import (
    TEXTS,
    Stage,
    choose,
    line,
    lines,
    picture,
    read,
    read_again,
    sheet,
    upload,
)


def boxes(view: Page) -> Locator:
    return view.locator("polygon.box")


def texts(view: Page) -> Locator:
    """The transparent lines that lie on the picture."""
    return view.locator(".lens-line")


def scale(view: Page) -> float:
    return float(view.locator("#sheet").evaluate("sheet => sheet.offsetWidth")) / 640


def zoomed(view: Page) -> int:
    return int(view.locator("#zoom").inner_text().split()[0])


def test_boxes_lie_over_their_lines_at_every_zoom_and_turn(open_page: Opener) -> None:
    view = open_page()
    read(view)
    expect(boxes(view)).to_have_count(3)

    def check(turn: int) -> None:
        sheet_box, box = view.locator("#sheet").bounding_box(), boxes(view).nth(1).bounding_box()
        assert sheet_box is not None
        assert box is not None
        by = max(sheet_box["width"], sheet_box["height"]) / 640
        # The browser's rectangle has the stroke around it; the middle is the middle all the same.
        x = (box["x"] + box["width"] / 2 - sheet_box["x"]) / by
        y = (box["y"] + box["height"] / 2 - sheet_box["y"]) / by
        # The second line of the invoice: 210 × 30 pixels at (20, 62) of 640 × 180.
        expected = {0: (125, 77), 90: (103, 125), 180: (515, 103), 270: (77, 515)}[turn]
        assert (x, y) == pytest.approx(expected, abs=1)

    check(0)
    view.locator("#zoom-in").click()
    check(0)
    for turn in (90, 180, 270):
        view.locator("#turn").click()
        check(turn)
    view.locator("#turn").click()
    check(0)


def test_hover_and_click_go_both_ways(open_page: Opener, stage: Stage) -> None:
    rows = [line(f"Row {row}", row) for row in range(60)]
    stage.play(lambda *_: Document((sheet(*rows, height=2800),), "fake/1"))
    view = open_page()
    read(view)
    view.locator(".line").nth(1).hover()
    expect(boxes(view).nth(1)).to_have_class("box is-good is-hovered")
    texts(view).nth(0).hover()
    expect(view.locator(".line").nth(0)).to_have_class("line is-hovered")
    # A long picture is shown in full width, so the last row has to be brought into view.
    view.locator(".line").nth(59).click()
    expect(boxes(view).nth(59)).to_have_class("box is-good is-active is-hovered")
    expect(boxes(view).nth(59)).to_be_in_viewport()
    view.locator("#zoom-fit").click()
    texts(view).nth(5).click()
    expect(view.locator(".line").nth(5)).to_have_class(re.compile("is-active"))
    expect(view.locator(".line").nth(5)).to_be_in_viewport()


def test_zoom_by_wheel_buttons_and_keys(open_page: Opener) -> None:
    view = open_page()
    read(view)
    fitted = zoomed(view)
    box = view.locator("#picture").bounding_box()
    assert box is not None
    x, y = box["x"] + 300, box["y"] + 300
    view.mouse.move(x, y)

    def page_point() -> float:
        sheet_box = view.locator("#sheet").bounding_box()
        assert sheet_box is not None
        return (x - sheet_box["x"]) / sheet_box["width"]

    for _ in range(5):
        view.mouse.wheel(0, -200)
    expect(view.locator("#zoom")).not_to_have_text(f"{fitted} %")
    before, near = page_point(), zoomed(view)
    view.mouse.wheel(0, -200)
    view.wait_for_timeout(100)
    assert zoomed(view) > near > fitted
    assert page_point() == pytest.approx(before, abs=0.004)  # what is under the pointer stays there
    view.locator("#zoom-fit").click()
    assert zoomed(view) == fitted
    view.locator("body").press("+")
    assert zoomed(view) > fitted
    view.locator("body").press("-")
    view.locator("body").press("0")
    assert zoomed(view) == fitted


def test_dragging_moves_the_picture_and_chooses_nothing(open_page: Opener) -> None:
    view = open_page()
    read(view)
    for _ in range(4):
        view.locator("#zoom-in").click()
    before = view.locator("#sheet").bounding_box()
    frame = view.locator("#picture").bounding_box()
    assert before is not None
    assert frame is not None
    # Beside the text: over it the mouse selects.
    start = {"x": frame["x"] + 200, "y": frame["y"] + frame["height"] - 20}
    view.mouse.move(start["x"], start["y"])
    view.mouse.down()
    view.mouse.move(start["x"] - 80, start["y"], steps=4)
    view.mouse.up()
    after = view.locator("#sheet").bounding_box()
    assert after is not None
    assert after["x"] == pytest.approx(before["x"] - 80, abs=1)
    expect(view.locator(".line.is-active")).to_have_count(0)
    view.locator("#picture").focus()
    view.keyboard.press("ArrowLeft")
    moved = view.locator("#sheet").bounding_box()
    assert moved is not None
    assert moved["x"] > after["x"]


def test_two_fingers_zoom(open_page: Opener) -> None:
    view = open_page(viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
    read(view)
    fitted = zoomed(view)
    box = view.locator("#picture").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch = view.context.new_cdp_session(view)
    for kind, gap in [("touchStart", 30), *(("touchMove", 30 + 10 * step) for step in range(1, 8))]:
        points = [{"x": x - gap, "y": y}, {"x": x + gap, "y": y}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert zoomed(view) > 2 * fitted


def stroke(box: Locator) -> str:
    return str(box.evaluate("box => getComputedStyle(box).stroke"))


def test_what_lies_over_the_picture_can_be_chosen(open_page: Opener) -> None:
    view = open_page(reduced_motion="reduce")
    read(view)
    view.mouse.move(5, 5)
    # At rest the picture is clean, whatever the lines are like.
    assert [stroke(boxes(view).nth(index)) for index in range(3)] == ["none"] * 3
    view.locator("#overlay").get_by_text("Doubts", exact=True).click()
    assert [stroke(boxes(view).nth(index)) == "none" for index in range(3)] == [True, False, False]
    view.locator("#overlay").get_by_text("All", exact=True).click()
    assert all(stroke(boxes(view).nth(index)) != "none" for index in range(3))
    assert stroke(view.locator("polygon.halo").first) != "none"
    image = view.locator("#sheet img")
    assert image.evaluate("one => getComputedStyle(one).opacity") == "1"
    view.locator("#overlay").get_by_text("Text", exact=True).click()
    expect(image).to_have_css("opacity", "0")
    assert texts(view).first.evaluate("one => getComputedStyle(one).color") == "rgb(33, 29, 23)"
    view.reload()  # remembered
    read(view)
    expect(view.get_by_role("radio", name="Text")).to_be_checked()
    view.locator("body").press("b")  # round to the first
    expect(view.get_by_role("radio", name="Clean")).to_be_checked()
    expect(image).to_have_css("opacity", "1")


def test_boxes_show_confidence_and_unsure_characters_places(open_page: Opener) -> None:
    view = open_page(reduced_motion="reduce")
    read(view)
    levels = boxes(view).evaluate_all("all => all.map((box) => box.classList[1])")
    assert levels == ["is-good", "is-poor", "is-fair"]
    dashes = boxes(view).evaluate_all("all => all.map((box) => getComputedStyle(box).strokeDasharray)")
    assert len(set(dashes)) == 3  # not by colour alone
    places = view.locator(".box-chars polygon")
    expect(places).to_have_count(2)
    assert stroke(places.first) == "none"
    view.locator(".line").nth(1).click()
    assert stroke(places.first) != "none"


def test_boxes_do_not_hide_dense_text(open_page: Opener, stage: Stage) -> None:
    rows = [line(f"Row {row} of a page in very small print", row) for row in range(60)]
    stage.play(lambda *_: Document((sheet(*rows, width=2400, height=2800),), "fake/1"))
    view = open_page(reduced_motion="reduce")
    read(view)
    view.locator(".line").nth(3).click()
    active = boxes(view).nth(3)
    expect(active).to_have_class(re.compile("is-active"))
    expect(view.locator("#picture")).to_have_class(re.compile("is-dense"))
    style = active.evaluate("box => [getComputedStyle(box).strokeWidth, getComputedStyle(box).fill]")
    assert style == ["1px", "none"]
    for _ in range(6):
        view.locator("#zoom-in").click()
    expect(view.locator("#picture")).not_to_have_class(re.compile("is-dense"))
    assert active.evaluate("box => getComputedStyle(box).strokeWidth") == "2.5px"


def test_pages_of_a_tiff_are_shown_and_listed_one_by_one(open_page: Opener, stage: Stage) -> None:
    pages = tuple(replace(sheet(line(f"Page {number}", 0), height=88), number=number) for number in (1, 2, 3))
    stage.play(lambda *_: Document(pages, "fake/1"))
    view = open_page()
    file = tiff([drawn(f"Page {number}") for number in (1, 2, 3)])
    choose(view, upload(file, "scan.tiff", "image/tiff"))
    # One below the other, drawn by the server, as soon as their number is known.
    for page in (1, 2, 3):
        expect(view.get_by_role("img", name=f"scan.tiff · Page {page} of 3")).to_be_visible()
    expect(view.locator(".thumb img")).to_have_count(1)
    expect(lines(view)).to_have_text(["Page 1", "Page 2", "Page 3"])
    expect(view.locator(".result-page")).to_have_text(["Page 1 of 3", "Page 2 of 3", "Page 3 of 3"])
    expect(view.locator("#page-number")).to_have_text("Page 1 of 3")
    view.locator("#page-after").click()
    expect(view.locator("#page-number")).to_have_text("Page 2 of 3")
    expect(boxes(view)).to_have_count(3)
    view.locator(".line").nth(2).click()  # a line leads to its page
    expect(view.locator("#page-number")).to_have_text("Page 3 of 3")
    expect(boxes(view).nth(2)).to_have_class("box is-good is-active is-hovered")
    texts(view).nth(0).click()  # and so does its text on the picture
    expect(view.locator("#page-number")).to_have_text("Page 1 of 3")
    expect(view.locator(".line.is-active")).to_have_text(re.compile("Page 1"))
    view.locator(".line").nth(2).click()
    expect(view.locator("#page-after")).to_be_disabled()


@pytest.mark.parametrize(
    ("text", "rotation", "turn"),
    [("Sideways", 90, 90), ("Sideways", 270, 270), ("倒立的文字", 180, 180), ("竖排的古诗", 270, 0)],
)
def test_a_picture_on_its_side_is_turned_but_columns_stay(
    open_page: Opener, stage: Stage, text: str, rotation: int, turn: int
) -> None:
    page = replace(sheet(line(text, 0), width=180, height=640), rotation=rotation)
    stage.play(lambda *_: Document((page,), "fake/1"))
    view = open_page()
    read(view)
    expect(boxes(view)).to_have_count(1)
    assert f"rotate({turn}deg)" in view.locator("#sheet").evaluate("sheet => sheet.style.transform")


def test_a_file_that_nobody_can_show_is_told(open_page: Opener) -> None:
    view = open_page()
    choose(view, upload(b"no picture", "odd.png"))
    expect(view.locator("#picture-none")).to_contain_text("cannot be shown")
    expect(lines(view)).to_have_text(list(TEXTS))  # the text is there all the same


def test_a_page_that_a_busy_server_cannot_draw_yet_comes_later(open_page: Opener) -> None:
    view = open_page()
    refusals = [503]
    error = {"code": "OVERLOADED", "message": "The service is full.", "hint": ""}

    def answer(route: Route) -> None:
        if refusals:
            body = {"success": False, "error": error, "request_id": "x"}
            route.fulfill(status=refusals.pop(), json=body, headers={"Retry-After": "1"})
        else:
            route.continue_()

    view.route("**/preview?*", answer)
    choose(view, upload(tiff([drawn("Page")]), "scan.tiff", "image/tiff"))
    expect(view.get_by_role("img", name="scan.tiff")).to_be_visible()
    assert refusals == []


def test_a_picture_that_was_missing_comes_with_the_next_reading(open_page: Opener) -> None:
    view = open_page()
    view.route("**/preview?*", lambda route: route.abort())
    read(view, upload(tiff([drawn("Page")]), "scan.tiff", "image/tiff"))
    expect(view.locator("#picture-none")).to_contain_text("cannot be shown")
    view.unroute("**/preview?*")
    read_again(view)
    expect(view.get_by_role("img", name="scan.tiff")).to_be_visible()


def test_another_file_gets_its_own_picture(open_page: Opener) -> None:
    view = open_page()
    read(view, picture(name="a.png"), picture(name="b.png"))
    expect(view.get_by_role("img", name="a.png")).to_be_visible()
    view.locator("body").press("n")
    expect(view.get_by_role("img", name="b.png")).to_be_visible()
    view.locator("body").press("p")
    expect(view.get_by_role("img", name="a.png")).to_be_visible()
