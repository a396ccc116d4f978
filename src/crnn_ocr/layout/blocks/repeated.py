"""Find headers, footers and page numbers: what stands at the same place of several pages."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from statistics import median

from crnn_ocr.document import Block, BlockKind, Line, Page, Point
from crnn_ocr.layout.blocks.margins import EDGE
from crnn_ocr.layout.blocks.markers import page_number
from crnn_ocr.layout.picture.looks import type_size

#: Most lines of a block that is looked at, and how many blocks from each edge.
_MOST_LINES, _FROM_EDGE = 3, 3
#: Most distance of places that are the same, as shares of the page's height and width.
_SAME_HEIGHT, _SAME_PLACE = 0.025, 0.06
#: Least similarity of two texts that were read from the same print.
_SIMILAR = 0.8
#: How many pages back a misread text may stand from the last that it is taken for.
_PAGES_BACK = 4
#: Most characters of a text that may be misread; longer ones, which are seldom headers, must be equal.
_LONG = 120
#: Least share of the pages that share a header, and least number of them in a long document: a header may
#: change with the chapter.
_LEAST_SHARE, _LEAST_PAGES = 0.3, 3
#: Type that is larger than this many times the page's is a title, even if every page repeats it.
_LARGE = 1.45
_KINDS = ("paragraph", "heading", "list_item", "header", "footer", "page_number", "footnote", "caption")


@dataclass(frozen=True, slots=True)
class _Edge:
    """A block at the top or the bottom of a page; places are shares of the upright page's sides."""

    page: int
    index: int
    text: str
    top: bool
    middle: float
    left: float
    right: float
    number: int | None


def mark_repeated(pages: Sequence[Page]) -> tuple[Page, ...]:
    """Return the pages with what they repeat as headers, footers and page numbers.

    Texts are compared without their digits, and allowing for a misread character. Numbers at the same place
    that grow with the pages are page numbers.

    Args:
        pages: All pages of the document.
    """
    edges = [edge for at, page in enumerate(pages) for edge in _edges(at, page)]
    kinds: list[dict[int, BlockKind]] = [{} for _ in pages]
    for top in (True, False):
        side = [edge for edge in edges if edge.top == top]
        for edge in _growing(side):
            kinds[edge.page][edge.index] = "page_number"
        least = max(2, min(_LEAST_PAGES, len(pages)), round(_LEAST_SHARE * min(len(pages), 10)))
        if len(pages) == 2:
            least = 2
        for group in _groups([edge for edge in side if edge.index not in kinds[edge.page]]):
            if len({edge.page for edge in group}) >= least:
                for edge in group:
                    kinds[edge.page][edge.index] = _kind(pages[edge.page].blocks[edge.index], edge)
    return tuple(_with_kinds(page, own) for page, own in zip(pages, kinds, strict=True))


def _kind(block: Block, edge: _Edge) -> BlockKind:
    if block.kind == "page_number" or (page_number(edge.text) is not None and len(block.lines) == 1):
        return "page_number"
    return "header" if edge.top else "footer"


def _with_kinds(page: Page, own: dict[int, BlockKind]) -> Page:
    if not own or len(own) == len(page.blocks):
        return page
    blocks = [
        replace(block, kind=own[index], level=0) if index in own else block
        for index, block in enumerate(page.blocks)
    ]
    return replace(page, blocks=tuple(blocks))


def _edges(at: int, page: Page) -> Iterator[_Edge]:
    """Yield the blocks near the top and the bottom of a page."""
    size = median([type_size(line) for line in page.lines] or [0.0])
    placed = []
    for index, block in enumerate(page.blocks):
        if block.kind in _KINDS and block.lines and len(block.lines) <= _MOST_LINES:
            left, top, right, bottom = _place(block.lines, page)
            if max(map(type_size, block.lines)) <= _LARGE * size:
                placed.append((top, bottom, left, right, index, block))
    for is_top, ordered in (
        (True, sorted(placed, key=lambda entry: entry[0])),
        (False, sorted(placed, key=lambda entry: -entry[1])),
    ):
        for top, bottom, left, right, index, block in ordered[:_FROM_EDGE]:
            if bottom <= EDGE if is_top else top >= 1 - EDGE:
                text = " ".join(line.text.strip() for line in block.lines)
                yield _Edge(at, index, text, is_top, (top + bottom) / 2, left, right, page_number(text))


def _place(lines: Sequence[Line], page: Page) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of lines as shares of the upright page's width and height."""
    points = [_upright(point, page) for line in lines for point in line.polygon]
    return (
        min(x for x, _ in points),
        min(y for _, y in points),
        max(x for x, _ in points),
        max(y for _, y in points),
    )


def _upright(point: Point, page: Page) -> Point:
    """Return a point of the input picture as shares of the upright page's width and height."""
    x, y = point[0] / max(1, page.width), point[1] / max(1, page.height)
    return {0: (x, y), 90: (1 - y, x), 180: (1 - x, 1 - y), 270: (y, 1 - x)}.get(page.rotation, (x, y))


def _growing(edges: Sequence[_Edge]) -> list[_Edge]:
    """Return the edges that are numbers at one place, or mirrored, and grow as the pages do."""
    by_offset: dict[int, list[_Edge]] = defaultdict(list)
    for edge in edges:
        if edge.number:
            by_offset[edge.number - edge.page].append(edge)
    found: list[_Edge] = []
    for offset in sorted(by_offset):
        mates = by_offset[offset]
        found += [
            edge
            for edge in mates
            if any(other.page != edge.page and _same_place(edge, other, mirrored=True) for other in mates)
        ]
    return found


def _groups(edges: Sequence[_Edge]) -> list[list[_Edge]]:
    """Group edges with the same text at the same place, by the first of them.

    A text that was read before is looked up. Only others are compared one by one, and only with the groups of
    the last pages, so that the time grows with the number of pages and not with its square.

    Args:
        edges: In the order of their pages.
    """
    groups: list[list[_Edge]] = []
    of_text: dict[str, list[int]] = defaultdict(list)
    recent: dict[int, str] = {}  # group → the text of its first; the one that was added to last comes last
    for edge in edges:
        text = _without_digits(edge.text)
        while recent and groups[oldest := next(iter(recent))][-1].page < edge.page - _PAGES_BACK:
            del recent[oldest]
        home = next((at for at in of_text[text] if _same_place(groups[at][0], edge, mirrored=True)), None)
        if home is None and len(text) <= _LONG:
            matcher = SequenceMatcher(None, "", text, autojunk=False)
            home = next(
                (
                    at
                    for at in sorted(recent)
                    if _same_place(groups[at][0], edge, mirrored=True) and _similar(recent[at], matcher)
                ),
                None,
            )
            if home is not None:
                of_text[text].append(home)
        if home is None:
            home = len(groups)
            groups.append([])
            of_text[text].append(home)
            recent[home] = text
        groups[home].append(edge)
        recent[home] = recent.pop(home, "") or _without_digits(groups[home][0].text)
    return groups


def _same_place(one: _Edge, other: _Edge, *, mirrored: bool) -> bool:
    if abs(one.middle - other.middle) > _SAME_HEIGHT:
        return False
    if min(abs(one.left - other.left), abs(one.right - other.right)) < _SAME_PLACE:
        return True
    if abs(one.left + one.right - other.left - other.right) < 2 * _SAME_PLACE:
        return True
    return mirrored and abs(one.left - (1 - other.right)) < _SAME_PLACE


def _without_digits(text: str) -> str:
    return re.sub(r"\d+", "0", re.sub(r"\s", "", text))


def _similar(one: str, matcher: SequenceMatcher[str]) -> bool:
    """Return whether a text may have been read from the same print as the matcher's second; without digits.

    What a matcher needs to know of its second text it finds out once.
    """
    matcher.set_seq1(one)
    # The first two are upper bounds, and faster.
    return (
        matcher.real_quick_ratio() >= _SIMILAR
        and matcher.quick_ratio() >= _SIMILAR
        and matcher.ratio() >= _SIMILAR
    )
