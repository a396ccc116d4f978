"""Decide what only the whole document tells: levels of headings, headers and footers, continued tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from crnn_ocr.document import Block, Page
from crnn_ocr.layout.blocks.heading_levels import HeadingLook, heading_levels
from crnn_ocr.layout.blocks.repeated import mark_repeated
from crnn_ocr.layout.picture.looks import type_size
from crnn_ocr.tables.continued import link_tables


def refine_pages(pages: Sequence[Page]) -> tuple[Page, ...]:
    """Return the pages with levels of headings, headers, footers, page numbers and continued tables.

    Args:
        pages: Pages with typed blocks, as `arrange_blocks` leaves them. A single page keeps its levels.
    """
    if len(pages) < 2:
        return tuple(pages)
    return link_tables(_with_levels(mark_repeated(pages)))


def _with_levels(pages: Sequence[Page]) -> tuple[Page, ...]:
    """Return the pages with the levels of all headings as one outline.

    Pages may have been scanned or drawn at different sizes, so sizes are relative to the body of each page.
    How heavy a heading's type is was seen on its page only; there it decided about the level, which tells
    headings of one size apart.
    """
    bodies = [_body_size(page) for page in pages]
    usual = median([body for body in bodies if body] or [1.0])
    places: list[tuple[int, int]] = []
    looks: list[HeadingLook] = []
    for at, page in enumerate(pages):
        for index, block in enumerate(page.blocks):
            if block.kind == "heading":
                places.append((at, index))
                looks.append(HeadingLook(block.text, _size(block) / (bodies[at] or usual)))
    levels = dict(zip(places, heading_levels(looks), strict=True))
    return tuple(
        replace(
            page,
            blocks=tuple(
                replace(block, level=levels[at, index]) if (at, index) in levels else block
                for index, block in enumerate(page.blocks)
            ),
        )
        for at, page in enumerate(pages)
    )


def _size(block: Block) -> float:
    """Return the size of a block's type in pixels, from its longest line."""
    return type_size(max(block.lines, key=lambda line: len(line.text))) if block.lines else 0.0


def _body_size(page: Page) -> float:
    """Return the size of the type that most characters of a page's text have; 0 on a page without text."""
    sizes = sorted(
        (type_size(line), len(line.text))
        for block in page.blocks
        if block.kind in ("paragraph", "list_item")
        for line in block.lines
    )
    half, seen = sum(count for _, count in sizes) / 2, 0
    for size, count in sizes:
        seen += count
        if seen >= half:
            return size
    return 0.0
