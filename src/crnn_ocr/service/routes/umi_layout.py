"""Arranges lines as Umi-OCR's layout parsers do, with the text that separates them. Pure functions."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import TypedDict

from crnn_ocr.document import Document, Line, Polygon

#: Names and titles of the parsers. Columns are always recognised here: "single" means the same as "multi".
PARSERS = {
    "multi_para": "多栏，按自然段换行",
    "multi_line": "多栏，逐行换行",
    "multi_none": "多栏，不换行",
    "single_para": "单栏，按自然段换行",
    "single_line": "单栏，逐行换行",
    "single_none": "单栏，不换行",
    "single_code": "单栏，保留缩进",
    "none": "不处理",
}

#: Left, top, right and bottom in pixels.
Area = tuple[float, float, float, float]

_NO_BLANK_BEFORE = frozenset("'’,.!?;:)]}/\\%")


class Entry(TypedDict):
    """One line as Umi-OCR describes it."""

    text: str
    score: float
    box: list[list[int]]
    end: str


def describe_document(document: Document, parser: str, ignored: Sequence[Area] = ()) -> list[Entry]:
    """Return the lines of all pages, each with the separator that follows it.

    Args:
        document: The document that was read.
        parser: One of `PARSERS`.
        ignored: Areas; lines that lie completely in one of them are left out.
    """
    entries: list[Entry] = []
    for page in document.pages:
        blocks = [
            [line for line in block.lines if line.text and not _inside(line.polygon, ignored)]
            for block in page.blocks
        ]
        blocks = [block for block in blocks if block]
        if parser.endswith("_none"):
            blocks = [[line for block in blocks for line in block]] if blocks else []
        elif not parser.endswith("_para"):
            blocks = [[line] for block in blocks for line in block]
        found = [entry for block in blocks for entry in _joined(block)]
        if parser == "single_code":
            _indent(found)
        entries += found
    return entries


def whole_text(entries: Sequence[Entry]) -> str:
    """Return the text of all lines with their separators."""
    return "".join(entry["text"] + entry["end"] for entry in entries)


def separator(before: str, after: str) -> str:
    """Return the separator of two lines of one sentence: a space, or nothing.

    It is nothing between two wide (Chinese, Japanese, Korean) characters, after a hyphen at the end of a
    line, and before closing punctuation.
    """
    if _is_wide(before[-1]) and _is_wide(after[0]):
        return ""
    return "" if before[-1] == "-" or after[0] in _NO_BLANK_BEFORE else " "


def _joined(block: Sequence[Line]) -> list[Entry]:
    """Return the lines of a block joined as one paragraph, which ends with a line feed."""
    ends = [separator(line.text, following.text) for line, following in pairwise(block)]
    return [_entry(line, end) for line, end in zip(block, [*ends, "\n"], strict=True)]


def _entry(line: Line, end: str) -> Entry:
    box = [[round(x), round(y)] for x, y in line.polygon]
    return {"text": line.text, "score": round(line.confidence, 4), "box": box, "end": end}


def _indent(entries: list[Entry]) -> None:
    """Return the lines of a block, each with as many spaces in front as it is indented by characters."""
    if not entries:
        return
    lefts = [min(x for x, _ in entry["box"]) for entry in entries]
    widths = [
        (max(x for x, _ in entry["box"]) - left) / _columns(entry["text"])
        for entry, left in zip(entries, lefts, strict=True)
    ]
    width = max(median(widths), 1.0)
    for entry, left in zip(entries, lefts, strict=True):
        entry["text"] = " " * round((left - min(lefts)) / width) + entry["text"]


def _columns(text: str) -> int:
    """Return the width of a text in columns of a fixed-width font, at least 1."""
    return sum(2 if _is_wide(char) else 1 for char in text) or 1


def _is_wide(char: str) -> bool:
    return unicodedata.east_asian_width(char) in ("W", "F")


def _inside(polygon: Polygon, areas: Sequence[Area]) -> bool:
    return any(
        all(left <= x <= right and top <= y <= bottom for x, y in polygon)
        for left, top, right, bottom in areas
    )
