"""Tells which tables go on from one page to the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from crnn_ocr.document import Block, BlockKind, Page, Table, block_id
from crnn_ocr.imaging.polygons import bounds

#: Greatest difference between the borders of columns of both parts, as a share of the width of the table.
_SHIFT = 0.04
#: What may stand between the end of one part and the start of the next: what a page repeats.
_MARGINAL: frozenset[BlockKind] = frozenset({"header", "footer", "page_number", "footnote"})


def link_tables(pages: Sequence[Page]) -> tuple[Page, ...]:
    """Return the pages with the tables linked that go on from the page before.

    A table that is the first thing on its page goes on with one that was the last thing on the page before,
    if both have the same columns: as many, with the same shares of the width. If its first rows repeat the
    head of the other one, they are its header rows; otherwise it has none, for the head stands on the page
    before. Only pages whose numbers follow one another are linked.

    Args:
        pages: The pages of a document, in order.
    """
    linked: list[Page] = []
    for page in pages:
        before = linked[-1] if linked else None
        linked.append(page if before is None else _continued(before, page))
    return tuple(linked)


def _continued(before: Page, page: Page) -> Page:
    last, first = _outer(before, last=True), _outer(page, last=False)
    if last is None or first is None or page.number != before.number + 1:
        return page
    upper, lower = before.blocks[last].table, page.blocks[first].table
    if upper is None or lower is None or not same_columns(before.blocks[last], page.blocks[first]):
        return page
    table = replace(
        lower,
        continues_from=block_id(before.number, last),
        header_rows=upper.header_rows if _repeats_head(upper, lower) else 0,
    )
    blocks = list(page.blocks)
    blocks[first] = replace(blocks[first], table=table)
    return replace(page, blocks=tuple(blocks))


def _outer(page: Page, *, last: bool) -> int | None:
    """Return the number of the last or first block of a page that is no part of its margins."""
    indices = range(len(page.blocks))
    for index in reversed(indices) if last else indices:
        if page.blocks[index].kind not in _MARGINAL:
            return index
    return None


def same_columns(one: Block, other: Block) -> bool:
    """Return whether two tables have as many columns, with the same shares of their width."""
    a, b = one.table, other.table
    if a is None or b is None or a.cols != b.cols:
        return False
    return all(abs(x - y) <= _SHIFT for x, y in zip(_borders(a), _borders(b), strict=True))


def _borders(table: Table) -> list[float]:
    """Return where each column begins, and the last ends, as shares of the width of the table."""
    lefts: list[list[float]] = [[] for _ in range(table.cols + 1)]
    for cell in table.cells:
        left, _, right, _ = bounds(cell.polygon)
        lefts[cell.col].append(left)
        lefts[cell.col + cell.col_span].append(right)
    first, last = min(lefts[0], default=0.0), max(lefts[-1], default=1.0)
    width = max(1e-9, last - first)
    # A border that cells of other rows alone have, such as within a span, counts like all others: cells tile.
    return [(sum(group) / len(group) - first) / width if group else 0.0 for group in lefts]


def _repeats_head(upper: Table, lower: Table) -> bool:
    """Return whether the first rows of a table have the text of the head of another one."""
    count = upper.header_rows

    def head(table: Table) -> list[tuple[int, int, int, int, str]]:
        return sorted(
            (cell.row, cell.col, cell.row_span, cell.col_span, "".join(cell.text.split()).casefold())
            for cell in table.cells
            if cell.row < count
        )

    return bool(count) and count < lower.rows and head(upper) == head(lower)
