"""Tables over several pages."""

from __future__ import annotations

from dataclasses import replace

from crnn_ocr.document import Block, Page, Table
from crnn_ocr.tables.cells import fill
from crnn_ocr.tables.continued import link_tables
from crnn_ocr.tables.grids.assemble import assemble
from tests.tables.pages import line_at, polygon_of

HEAD = ["Name", "Year"]


def part(rows: list[list[str]], xs: tuple[float, ...] = (50, 250, 450), heads: int = 1) -> Block:
    grid = assemble([30 * row for row in range(len(rows) + 1)], xs, [], "test")
    lines = [
        line_at(text, xs[col] + 5, 30 * row + 4)
        for row, cells in enumerate(rows)
        for col, text in enumerate(cells)
    ]
    table: Table = replace(fill(grid, lines), header_rows=heads)
    return Block(table.lines, "table", table=table, polygon=polygon_of((xs[0], 0, xs[-1], 30 * len(rows))))


def page(number: int, *blocks: Block) -> Page:
    return Page(600, 800, blocks, number=number)


def text(words: str, kind: str = "paragraph") -> Block:
    return Block((line_at(words, 50, 700),), kind)  # type: ignore[arg-type]


FIRST = part([HEAD, ["a", "1"], ["b", "2"]])


def continued(pages: tuple[Page, ...]) -> list[str | None]:
    return [block.table.continues_from for p in pages for block in p.blocks if block.table]


def test_a_table_goes_on_and_its_repeated_head_is_one() -> None:
    pages = link_tables([page(1, text("before"), FIRST), page(2, part([HEAD, ["c", "3"]]), text("after"))])
    assert continued(pages) == [None, "p1.b2"]
    table = pages[1].blocks[0].table
    assert table is not None
    assert table.header_rows == 1


def test_without_a_repeated_head_the_part_has_none() -> None:
    pages = link_tables([page(1, FIRST), page(2, part([["c", "3"], ["d", "4"]]))])
    table = pages[1].blocks[0].table
    assert continued(pages) == [None, "p1.b1"]
    assert table is not None
    assert table.header_rows == 0


def test_page_numbers_and_headers_may_stand_between() -> None:
    pages = [
        page(1, FIRST, text("1", "page_number")),
        page(2, text("Report", "header"), part([["c", "3"], ["d", "4"]], xs=(70, 270, 470))),
        page(3, part([["e", "5"], ["f", "6"]])),
    ]
    assert continued(link_tables(pages)) == [None, "p1.b1", "p2.b2"]


def test_other_tables_are_not_linked() -> None:
    lower = part([["c", "3"], ["d", "4"]])
    narrow = part([["c", "3"], ["d", "4"]], xs=(50, 150, 450))
    three = part([["c", "3", "x"], ["d", "4", "y"]], xs=(50, 200, 300, 450))
    for second in (page(2, narrow), page(2, three), page(2, text("new"), lower), page(3, lower), page(2)):
        pages = [page(1, FIRST), second]
        assert link_tables(pages) == tuple(pages)
    pages = [page(1, FIRST, text("after")), page(2, lower)]
    assert link_tables(pages) == tuple(pages)
    assert link_tables([]) == ()
