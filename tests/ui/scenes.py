"""What the tests of the page share: documents that a fake reader answers with, and what a user does."""

from __future__ import annotations

import base64
import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from playwright.sync_api import FilePayload, Locator, Page, expect

from crnn_ocr.document import Block, Cell, Char, Document, Line, Polygon, Remark, Table
from crnn_ocr.document import Page as DocumentPage
from crnn_ocr.options import ReadOptions
from tests.service.fakes import Answer, FakeReader
from tests.service.rendering import png

HOSTILE = "<img src=x onerror=window.hacked=1><script>window.hacked=1</script>"
#: The button that adds files: of the first screen, beside the others, or the one that matters most.
ADD = "#start:visible, #choose:visible, #primary[data-action=add]:visible"
TEXTS = ("Invoice 10234", "Total 99.50 EUR", "开票日期：2026年11月22日")

_serial = itertools.count()


@dataclass
class Stage:
    """A server with a fake reader, and where it is."""

    url: str
    reader: FakeReader

    def play(self, answer: Answer) -> None:
        self.reader.answer = answer

    def reset(self) -> None:
        self.reader.answer = invoice
        self.reader.calls.clear()
        self.reader.tickets.clear()


# ---- documents ---------------------------------------------------------------------------------------


def line(
    text: str,
    row: int,
    *,
    confidence: float = 0.99,
    unsure: Mapping[int, float] | None = None,
    left: float = 20,
    width: float | None = None,
) -> Line:
    """A line 30 pixels high in row `row`, each character of its own; `unsure` gives confidences by index."""
    top, step = 16.0 + 46 * row, (width or 14.0 * len(text)) / max(1, len(text))
    chars = tuple(
        Char(char, (unsure or {}).get(index, 0.995), _box(left + step * index, top, step))
        for index, char in enumerate(text)
    )
    return Line(text, confidence, _box(left, top, step * len(text)), chars)


def sheet(
    *lines: Line, width: int = 640, height: int = 180, warnings: tuple[Remark, ...] = ()
) -> DocumentPage:
    return DocumentPage(width, height, (Block(lines),) if lines else (), warnings=warnings)


def invoice(_data: bytes, _options: ReadOptions) -> Document:
    rows = (
        line(TEXTS[0], 0),
        line(TEXTS[1], 1, confidence=0.62, unsure={6: 0.41, 7: 0.55}),
        line(TEXTS[2], 2, confidence=0.87),
    )
    return Document((sheet(*rows),), "fake/1")


def many_lines(count: int) -> Document:
    rows = tuple(line(f"Line {row} of a very long page", row) for row in range(count))
    return Document((sheet(*rows, height=60 + 46 * count),), "fake/1")


def report(_data: bytes, _options: ReadOptions) -> Document:
    """A page with a heading, two columns, a table with spans and empty cells, a list, and a figure."""
    left = (line("Sales went up in all re-", 1, width=280), line("gions but one.", 2, width=180))
    right = (
        line("中文的段落在换行时", 1, left=340, width=280),
        line("不需要空格。", 2, left=340, width=170),
    )
    spots = [(0, 0, 2, 1, "Region"), (0, 1, 1, 2, "Quarter"), (1, 1, 1, 1, "Orders"), (1, 2, 1, 1, "Sum")]
    spots += [(2, 0, 1, 1, "North"), (2, 1, 1, 1, ""), (2, 2, 1, 1, "48.50"), (3, 0, 1, 1, "South")]
    spots += [(3, 1, 1, 1, "310"), (3, 2, 1, 1, "")]
    cells = tuple(_cell(*spot) for spot in spots)
    table = Table(4, 3, cells, header_rows=2)
    blocks = (
        Block((line("Quarterly report", 0, width=300),), "heading", 1),
        Block(left),
        Block(right),
        Block((line("Table 1: Sales", 3, confidence=0.71, unsure={13: 0.4}),), "caption"),
        Block(table.lines, "table", table=table, polygon=((20, 200), (380, 200), (380, 380), (20, 380))),
        Block((line("• open a shop", 8),), "list_item", 1),
        Block((line("• print the catalogue", 9),), "list_item", 1),
        Block((), "figure", polygon=((20, 480), (320, 480), (320, 620), (20, 620))),
        Block((line("7", 14),), "page_number"),
    )
    return Document((DocumentPage(640, 700, blocks),), "fake/1", layout="blocks")


def _cell(row: int, col: int, row_span: int, col_span: int, text: str) -> Cell:
    left, top = 20 + 120 * col, 200 + 45 * row
    lines = (replace(line(text, 0, width=80), polygon=_box(left + 6, top + 6, 80), chars=()),) if text else ()
    right, bottom = left + 120 * col_span, top + 45 * row_span
    return Cell(
        row, col, row_span, col_span, lines, ((left, top), (right, top), (right, bottom), (left, bottom))
    )


def _box(left: float, top: float, width: float) -> Polygon:
    return ((left, top), (left + width, top), (left + width, top + 30), (left, top + 30))


# ---- what a user does --------------------------------------------------------------------------------


def picture(*texts: str, name: str = "invoice.png", kind: str = "image/png") -> FilePayload:
    """A picture that no cache has seen before."""
    return upload(png(*(texts or TEXTS[:2])) + next(_serial).to_bytes(4, "big"), name, kind)


def upload(data: bytes, name: str = "invoice.png", kind: str = "image/png") -> FilePayload:
    return {"name": name, "mimeType": kind, "buffer": data}


def choose(view: Page, *files: FilePayload) -> None:
    with view.expect_file_chooser() as chooser:
        view.locator(ADD).click()
    chooser.value.set_files(list(files))


def idle(view: Page) -> None:
    """Wait until nothing is under way."""
    expect(view.locator("body")).not_to_have_class(re.compile("is-busy"), timeout=20_000)


def read(view: Page, *files: FilePayload) -> None:
    """Choose files, which are read at once, and wait for their results."""
    choose(view, *(files or (picture(),)))
    idle(view)
    expect(view.locator("#work")).to_be_visible()  # once its styles are there


def read_again(view: Page) -> None:
    """Press the keys that read what has failed or was stopped, else the shown file once more."""
    view.keyboard.press("Control+Enter")
    idle(view)


def lines(view: Page) -> Locator:
    return view.locator("#lines .line-text")


def said(view: Page) -> Locator:
    return view.locator("#status")


def clipboard(view: Page) -> str:
    return str(view.evaluate("navigator.clipboard.readText()"))


def drop(view: Page, target: str, *files: FilePayload) -> None:
    transfer = view.evaluate_handle(
        """(files) => {
            const transfer = new DataTransfer();
            for (const [text, name, type] of files) {
                const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
                transfer.items.add(new File([bytes], name, { type }));
            }
            return transfer;
        }""",
        [[base64.b64encode(file["buffer"]).decode(), file["name"], file["mimeType"]] for file in files],
    )
    for event in ("dragenter", "dragover", "drop"):
        view.dispatch_event(target, event, {"dataTransfer": transfer})


def paste(view: Page, file: FilePayload) -> None:
    """Put a picture on the clipboard and press the keys."""
    view.evaluate(
        """async (text) => {
            const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
            const blob = new Blob([bytes], { type: "image/png" });
            await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
        }""",
        base64.b64encode(file["buffer"]).decode(),
    )
    view.keyboard.press("Control+V")
