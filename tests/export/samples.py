"""A document of two pages with every kind of block, as a good reading of a small report would give it."""

from __future__ import annotations

import unicodedata

import cv2
import numpy as np

from crnn_ocr.document import Block, BlockKind, Cell, Char, Document, Line, Page, Polygon, Remark, Table
from crnn_ocr.pixels import Pixels

WIDTH, HEIGHT = 800, 1100


def box(left: float, top: float, right: float, bottom: float) -> Polygon:
    return (left, top), (right, top), (right, bottom), (left, bottom)


def line(text: str, left: float, top: float, size: float = 20, confidence: float = 0.97) -> Line:
    """Return a line of that height, its characters half as wide as high, those of full width twice that."""
    widths = [size if unicodedata.east_asian_width(char) in "WF" else size / 2 for char in text]
    chars, at = [], left
    for char, width in zip(text, widths, strict=True):
        unsure = 0.4 if char == "?" else confidence
        chars.append(Char(char, unsure, box(at, top, at + width, top + size)))
        at += width
    return Line(text, confidence, box(left, top, at, top + size), tuple(chars))


def block(kind: BlockKind, texts: list[str], top: float, level: int = 0, left: float = 80) -> Block:
    size = 30 if kind == "heading" else 20
    own = tuple(line(text, left, top + at * size * 1.5, size) for at, text in enumerate(texts))
    return Block(own, kind, level)


def table(
    rows: list[list[str | None]], top: float, spans: dict[tuple[int, int], tuple[int, int]], heads: int = 1
) -> Block:
    """Return a table; None stands where another cell spans."""
    cells = []
    for row, texts in enumerate(rows):
        for col, text in enumerate(texts):
            if text is None:
                continue
            down, right = spans.get((row, col), (1, 1))
            place = box(80 + col * 160, top + row * 40, 80 + (col + right) * 160, top + (row + down) * 40)
            own = tuple(
                line(part, 90 + col * 160, top + row * 40 + 8 + at * 22, 18)
                for at, part in enumerate(text.split("\n"))
                if part
            )
            cells.append(Cell(row, col, down, right, own, place))
    grid = Table(len(rows), len(rows[0]), tuple(cells), heads)
    outline = box(80, top, 80 + 160 * len(rows[0]), top + 40 * len(rows))
    return Block(grid.lines, "table", 0, grid, outline)


SIMPLE_TABLE = table([["Item", "Amount"], ["Paper", "-5.00"], ["Ink", ""], ["", "12.50"]], 500, {})
SPANNING_TABLE = table(
    [["项目", "金额（元）", None], [None, "上期", "本期"], ["合计", "1,200.00", "=1+1"]],
    560,
    {(0, 0): (2, 1), (0, 1): (1, 2)},
    heads=2,
)

DOCUMENT = Document(
    (
        Page(
            WIDTH,
            HEIGHT,
            (
                block("header", ["Annual report 2026"], 20),
                block("heading", ["1 Results & outlook"], 60, 1),
                block(
                    "paragraph",
                    [
                        "The year was good, although some of the num-",
                        "bers are 5 < 6, and others are unsure?",
                    ],
                    120,
                ),
                block("heading", ["1.1 经营情况"], 190, 2),
                block(
                    "paragraph",
                    ["本年度公司经营情况良好，收入比上年增长了百分之", "十二，利润也有所增加。"],
                    240,
                ),
                block("list_item", ["• First point"], 310, 1),
                block("list_item", ["a) a detail of it"], 340, 2, left=110),
                block("list_item", ["• Second point"], 370, 1),
                block("caption", ["Table 1: Costs"], 460),
                SIMPLE_TABLE,
                Block((), "figure", 0, None, box(80, 700, 480, 940)),
                block("caption", ["Figure 1: A gradient"], 950),
                block("footnote", ["1 Without taxes."], 1000),
                block("page_number", ["7"], 1050, left=390),
            ),
            warnings=(Remark("IMAGE_BLURRED", "Take it again."),),
        ),
        Page(
            WIDTH,
            HEIGHT,
            (
                block("heading", ["2 附表"], 60, 1),
                block("list_item", ["1. 第一条"], 120, 1),
                block("list_item", ["2. 第二条"], 150, 1),
                block("list_item", ["4. 第四条"], 180, 1),
                block("equation", ["E = mc^2"], 240),
                block("seal", ["某某公司财务专用章"], 300),
                block("caption", ["表 2：金额"], 520),
                SPANNING_TABLE,
                block("footer", ["第二页"], 1050),
            ),
            number=2,
        ),
    ),
    "crnn-zh-en/1",
    layout="blocks",
)


def picture(number: int) -> Pixels:
    """Return the picture of a page: grey bars where its lines are, a gradient where its figure is."""
    page = DOCUMENT.pages[number - 1]
    image = np.full((page.height, page.width, 3), 255, np.uint8)
    for own in page.lines:
        (left, top), _, (right, bottom), _ = own.polygon
        cv2.rectangle(image, (round(left), round(top)), (round(right), round(bottom)), (200, 200, 200), -1)
    if number == 1:
        image[700:940, 80:480, 2] = np.linspace(0, 255, 400, dtype=np.uint8)[None, :]
    return image
