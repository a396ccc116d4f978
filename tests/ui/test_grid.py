"""The grid of a table, edited over the picture: lines moved, added and removed, and the texts that follow."""

from __future__ import annotations

import json
from dataclasses import replace

from playwright.sync_api import Page, expect

from crnn_ocr.document import Block, Cell, Char, Document, Line, Polygon, Table
from crnn_ocr.document import Page as DocumentPage
from crnn_ocr.options import ReadOptions
from tests.service.rendering import png
from tests.ui.conftest import Opener
from tests.ui.scenes import Stage, clipboard, read, report, said, upload

LEFT, TOP, WIDTH, HEIGHT = 40, 40, 200, 50


def box(left: float, top: float, right: float, bottom: float) -> Polygon:
    return ((left, top), (right, top), (right, bottom), (left, bottom))


def words(text: str, left: float, top: float, width: float) -> Line:
    """A line whose characters are equally wide."""
    step = width / len(text)
    chars = tuple(
        Char(char, 0.99, box(left + step * at, top, left + step * (at + 1), top + 24))
        for at, char in enumerate(text)
    )
    return Line(text, 0.97, box(left, top, left + width, top + 24), chars)


def sales(_data: bytes, _options: ReadOptions) -> Document:
    """Two columns that were read as one, and a page behind it."""
    rows = [("Region", "Sum 2026"), ("North", "12 48.50"), ("South", "31 16.00")]
    cells = []
    for row, texts in enumerate(rows):
        for col, text in enumerate(texts):
            left, top = LEFT + WIDTH * col, TOP + HEIGHT * row
            own = (words(text, left + 10, top + 12, 180 if col else 60),)
            cells.append(Cell(row, col, 1, 1, own, box(left, top, left + WIDTH, top + HEIGHT)))
    table = Table(3, 2, tuple(cells), header_rows=1)
    outline = box(LEFT, TOP, LEFT + 2 * WIDTH, TOP + 3 * HEIGHT)
    after = Block((words("After the table", 40, 220, 200),))
    page = DocumentPage(640, 300, (Block(table.lines, "table", table=table, polygon=outline), after))
    return Document((page,), "fake/1", layout="blocks")


def opened(open_page: Opener, stage: Stage, **context: object) -> Page:
    stage.play(sales)
    view = open_page(tab="document", **context)
    read(view, upload(png("Table", "x", "y", "z", "u"), "table.png"))
    view.get_by_role("button", name="Edit grid").click()
    expect(view.locator(".grid-line")).to_have_count(7)
    return view


def test_an_editor_that_has_not_arrived_is_asked_for_again(open_page: Opener, stage: Stage) -> None:
    stage.play(sales)
    view = open_page(tab="document")
    read(view, upload(png("Table", "x", "y", "z", "u"), "table.png"))
    view.route("**/css/grid.css", lambda route: route.abort())
    view.get_by_role("button", name="Edit grid").click()
    expect(said(view)).to_contain_text("cannot be reached")
    expect(view.locator(".grid-line")).to_have_count(0)
    view.unroute("**/css/grid.css")
    view.get_by_role("button", name="Edit grid").click()
    expect(view.locator(".grid-line")).to_have_count(7)


def rows_of(view: Page) -> list[str]:
    view.get_by_role("button", name="Copy for Excel").click()
    expect(said(view)).to_have_text("The table is copied; paste it into a sheet.")
    return clipboard(view).splitlines()


BEFORE = ["Region\tSum 2026", "North\t12 48.50", "South\t31 16.00"]


def test_a_column_more_parts_the_texts_and_undo_puts_them_together(open_page: Opener, stage: Stage) -> None:
    view = opened(open_page, stage)
    view.get_by_role("button", name="Divide column 2").click()
    expect(said(view)).to_have_text("The table has 3 rows and 3 columns now.")
    line = view.get_by_role("slider", name="Line 3 of 4 between columns")
    expect(line).to_be_focused()  # the new one, for the arrow keys
    # In the middle of 12 48.50: into the gap after the two first figures.
    for _ in range(4):
        view.keyboard.press("Shift+ArrowLeft")
    assert rows_of(view)[1:] == ["North\t12\t48.50", "South\t31\t16.00"]
    expect(view.get_by_role("columnheader")).to_have_count(3)
    # The export gets the same: the server checks it and writes it.
    view.locator("#tab-data").click()
    view.locator("#code-json").click()
    document = json.loads(view.locator("#code").inner_text())
    written = view.evaluate(
        """async (body) => (await fetch("/export?format=csv", { method: "POST", body,
            headers: { "Content-Type": "application/json" } })).text()""",
        json.dumps(document),
    )
    assert "North,12,48.50" in written
    assert document["pages"][0]["blocks"][1]["lines"] == [len(document["pages"][0]["lines"]) - 1]
    view.locator("#tab-document").click()
    for _ in range(5):
        view.keyboard.press("Control+z")
    assert rows_of(view) == BEFORE
    view.keyboard.press("Control+y")
    expect(view.locator(".grid-size")).to_have_text("3 × 3")


def test_a_line_is_dragged_on_a_turned_and_zoomed_picture_too(open_page: Opener, stage: Stage) -> None:
    view = opened(open_page, stage)
    view.locator("#turn").click()
    view.locator("#zoom-in").click()
    view.locator("#zoom-in").click()
    line = view.get_by_role("slider", name="Line 2 of 3 between columns")
    stroke = line.locator(".grid-stroke").bounding_box()
    sheet = view.locator("#sheet").bounding_box()
    assert stroke is not None
    assert sheet is not None
    by = sheet["height"] / 640  # the page lies on its side: its width runs downwards
    x, y = stroke["x"] + stroke["width"] / 2, stroke["y"] + stroke["height"] / 2
    view.mouse.move(x + 20, y)
    view.mouse.down()
    view.mouse.move(x + 20, y + 30 * by, steps=3)
    view.mouse.move(x + 20, y + 60 * by, steps=3)
    view.mouse.up()
    # 60 pixels of the page to the right: the first two figures are in the first column now.
    assert rows_of(view)[1:] == ["North 12\t48.50", "South 31\t16.00"]
    view.keyboard.press("Control+z")
    assert rows_of(view) == BEFORE


def test_delete_joins_cells_and_what_was_parted_is_whole_again(open_page: Opener, stage: Stage) -> None:
    view = opened(open_page, stage)
    view.get_by_role("button", name="Divide column 2").click()
    view.keyboard.press("Shift+ArrowLeft")
    view.keyboard.press("Delete")
    assert rows_of(view) == BEFORE
    expect(view.locator(".grid td .doc-line")).to_have_count(4)  # one line a cell, as it was read
    view.get_by_role("slider", name="Line 2 of 4 between rows").focus()
    view.keyboard.press("Delete")
    expect(view.locator(".grid-size")).to_have_text("2 × 2")
    assert rows_of(view)[0] == "Region North\tSum 2026 12 48.50"
    # The outer lines stay.
    view.get_by_role("slider", name="Line 1 of 3 between rows").focus()
    view.keyboard.press("Delete")
    expect(view.locator(".grid-size")).to_have_text("2 × 2")
    view.keyboard.press("Escape")
    expect(view.locator(".grid-line")).to_have_count(0)
    expect(view.get_by_role("button", name="Edit grid")).to_have_attribute("aria-pressed", "false")


def test_cells_over_several_columns_stay_over_them(open_page: Opener, stage: Stage) -> None:
    stage.play(report)
    view = open_page(tab="document")
    read(view)
    view.get_by_role("button", name="Edit grid").click()
    view.get_by_role("button", name="Divide column 3").click()
    expect(view.locator(".grid [colspan='3']")).to_have_text("Quarter")
    view.get_by_role("slider", name="Line 3 of 5 between columns").focus()
    view.keyboard.press("Delete")
    expect(view.locator(".grid [colspan='2']")).to_have_text("Quarter")
    view.get_by_role("slider", name="Line 2 of 5 between rows").focus()
    view.get_by_role("button", name="Remove: Line 2 of 5 between rows").click()
    # What was over two rows, and what was beside it.
    expect(view.locator(".grid-size")).to_have_text("3 × 3")


def test_an_edited_text_stays_and_the_lines_of_the_page_keep_their_order(
    open_page: Opener, stage: Stage
) -> None:
    view = opened(open_page, stage)
    view.locator(".grid td").nth(1).dblclick()
    view.locator(".grid textarea").fill("77 99.00")
    view.keyboard.press("Enter")
    view.get_by_role("button", name="Divide column 2").click()
    for _ in range(4):
        view.keyboard.press("Shift+ArrowLeft")
    assert rows_of(view)[1] == "North\t77\t99.00"
    view.locator("#tab-proofread").click()
    expect(view.locator(".line-text").last).to_have_text("After the table")
    expect(view.locator(".grid-line")).to_have_count(0)  # it belongs to the other tab


def test_a_table_on_one_of_many_pages(open_page: Opener, stage: Stage) -> None:
    pages = sales(b"", ReadOptions()).pages
    stage.play(
        lambda *_: Document(
            tuple(replace(pages[0], number=number) for number in (1, 2)), "fake/1", layout="blocks"
        )
    )
    view = open_page(tab="document")
    paper = png("Paper")
    view.route("**/preview?*", lambda route: route.fulfill(body=paper, content_type="image/png"))
    read(view, upload(png("Table"), "table.tiff", "image/tiff"))
    view.get_by_role("button", name="Edit grid").nth(1).click()
    expect(view.locator('[data-sheet="1"] .grid-line')).to_have_count(7)
    expect(view.locator("#page-number")).to_have_text("Page 2 of 2")
    view.get_by_role("button", name="Divide row 2").click()
    expect(view.locator(".grid-size")).to_have_text(["3 × 2", "4 × 2"])
