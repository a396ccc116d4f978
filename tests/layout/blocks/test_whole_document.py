from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.document import Block, BlockKind, Cell, Line, Page, Table, block_id
from crnn_ocr.layout.blocks import repeated
from crnn_ocr.layout.blocks.heading_levels import HeadingLook, heading_levels
from crnn_ocr.layout.blocks.whole_document import refine_pages
from tests.layout.blocks.lines import line
from tests.layout.blocks.sheets import han

WIDTH, HEIGHT = 1000, 1400


def _block(
    text: str, x: float, y: float, *, kind: BlockKind = "paragraph", size: float = 20.0, level: int = 0
) -> Block:
    return Block((line(text, x, y, None, size),), kind, level)


def _page(number: int, *edges: Block, headings: tuple[Block, ...] = ()) -> Page:
    body = [_block(han(40), 100, 300 + 30 * at) for at in range(12)]
    return Page(WIDTH, HEIGHT, (*edges[:1], *headings, *body, *edges[1:]), number=number)


def _kinds(pages: tuple[Page, ...]) -> list[list[str]]:
    return [[block.kind for block in page.blocks if block.kind != "paragraph"] for page in pages]


def test_what_pages_repeat_at_their_edges_is_header_and_footer() -> None:
    pages = [_page(n, _block("某某公司年度报告", 400, 40), _block(f"机密 {n}", 450, 1350)) for n in (1, 2, 3)]
    assert _kinds(refine_pages(pages)) == [["header", "footer"]] * 3


def test_a_misread_character_does_not_matter() -> None:
    texts = ["某某公司二零二四年度报告", "某某公司二零二四年废报告", "某某公司二零二四年度报告"]
    pages = [_page(n, _block(text, 400, 40)) for n, text in enumerate(texts, 1)]
    assert _kinds(refine_pages(pages)) == [["header"]] * 3


def test_a_header_whose_first_copy_is_misread_is_found() -> None:
    texts = ["某某公司二零二四年废报告", *["某某公司二零二四年度报告"] * 20, "某某公司二零二四年废报吿"]
    pages = [_page(n, _block(text, 400, 40)) for n, text in enumerate(texts, 1)]
    assert _kinds(refine_pages(pages)) == [["header"]] * len(texts)


def test_the_time_grows_with_the_pages_and_not_with_their_square(monkeypatch: pytest.MonkeyPatch) -> None:
    counts: list[int] = []

    def counting(function: Callable[..., bool]) -> Callable[..., bool]:
        def counted(*args: object, **kwargs: object) -> bool:
            counts[-1] += 1
            return function(*args, **kwargs)

        return counted

    for name in ("_similar", "_same_place"):
        monkeypatch.setattr(repeated, name, counting(getattr(repeated, name)))
    letters = [chr(0x4E00 + at) for at in range(5000)]
    for length in (60, 120):
        # No two pages begin with the same line, each at the same place.
        pages = [
            _page(n, _block("".join(letters[n * 12 : n * 12 + 12]), 100, 60), _block(str(n), 490, 1350))
            for n in range(1, length + 1)
        ]
        counts.append(0)
        assert _kinds(refine_pages(pages)) == [["page_number"]] * length
    assert counts[1] < 2.2 * counts[0]


def test_headers_may_change_sides() -> None:
    pages = [_page(n, _block("第二章 方法", 100 if n % 2 else 790, 40)) for n in range(1, 6)]
    assert _kinds(refine_pages(pages)) == [["header"]] * 5


def test_growing_numbers_are_page_numbers() -> None:
    pages = [_page(n, _block("甲乙", 100, 200), _block(str(n + 11), 490, 1350)) for n in (1, 2, 3)]
    assert _kinds(refine_pages(pages)) == [["page_number"]] * 3


def test_the_first_lines_of_pages_are_no_headers() -> None:
    pages = [_page(n, _block(han(30)[n * 7 :], 100, 60)) for n in (1, 2, 3)]
    assert _kinds(refine_pages(pages)) == [[]] * 3


def test_a_large_title_on_every_page_stays_a_heading() -> None:
    pages = [_page(n, _block("登记表", 450, 60, size=44, kind="heading", level=1)) for n in (1, 2)]
    assert _kinds(refine_pages(pages)) == [["heading"]] * 2


def test_pages_that_lie_on_their_side_are_compared_upright() -> None:
    def sideways(page: Page) -> Page:
        def turn(each: Line) -> Line:
            a, b, c, d = ((y, WIDTH - x) for x, y in each.polygon)
            return replace(each, polygon=(a, b, c, d))

        blocks = tuple(replace(block, lines=tuple(map(turn, block.lines))) for block in page.blocks)
        return replace(page, width=HEIGHT, height=WIDTH, blocks=blocks, rotation=90)

    pages = [_page(n, _block("某某公司年度报告", 400, 40)) for n in (1, 2, 3)]
    assert _kinds(refine_pages([pages[0], sideways(pages[1]), pages[2]])) == [["header"]] * 3


def test_levels_are_those_of_the_whole_document() -> None:
    first = _page(
        1,
        headings=(
            _block("报告", 100, 100, kind="heading", size=40),
            _block("第一章 总则", 100, 160, kind="heading", size=30, level=1),
        ),
    )
    second = _page(2, headings=(_block("第二章 方法", 100, 160, kind="heading", size=30, level=1),))
    pages = refine_pages([first, second])
    assert [block.level for page in pages for block in page.blocks if block.kind == "heading"] == [1, 2, 2]


def test_a_single_page_stays_as_it_is() -> None:
    page = _page(
        1, _block("某某公司年度报告", 400, 40), headings=(_block("标题", 100, 100, kind="heading", level=3),)
    )
    assert refine_pages([page]) == (page,)
    assert refine_pages([]) == ()


def test_numbers_tell_levels_where_sizes_do_not() -> None:
    texts = ["1 引言", "2 方法", "2.1 数据", "2.1.1 来源", "2.2 模型", "3 结果"]
    assert heading_levels([HeadingLook(text, 1.2) for text in texts]) == [1, 1, 2, 3, 2, 1]
    texts = ["第一章 总则", "第一节 目的", "一、概况", "（一）背景", "二、要求", "第二章 附则"]
    assert heading_levels([HeadingLook(text, 1.0) for text in texts]) == [1, 2, 3, 4, 3, 1]


def test_headings_without_numbers_stand_beside_those_that_look_like_them() -> None:
    looks = [
        HeadingLook("摘要", 1.3),
        HeadingLook("1 引言", 1.3),
        HeadingLook("1.1 背景", 1.1),
        HeadingLook("致谢", 1.29),
    ]
    assert heading_levels(looks) == [1, 1, 2, 1]


def test_weight_tells_headings_of_one_size_apart() -> None:
    assert heading_levels([HeadingLook("甲乙", 1.2, 1.8), HeadingLook("丙丁", 1.2, 1.0)]) == [1, 2]


TEXT = st.sampled_from(
    ["公司报告", "公司报吿", "3", "4", "5", "第 3 页", han(12), "Page 4 of 9", "1.2 方法", "一、总则"]
)
KINDS: list[BlockKind] = ["paragraph", "heading", "list_item", "figure", "header", "page_number"]
BLOCKS = st.builds(
    lambda text, x, y, kind: (
        _block(text, x, y, kind=kind, level=int(kind in ("heading", "list_item")))
        if kind != "figure"
        else Block((), "figure")
    ),
    TEXT,
    st.integers(0, 700),
    st.integers(0, 1380),
    st.sampled_from(KINDS),
)


@given(st.lists(st.lists(BLOCKS, max_size=5), max_size=5))
def test_lines_order_and_ids_stay(drawn: list[list[Block]]) -> None:
    pages = [Page(WIDTH, HEIGHT, tuple(blocks), number=n) for n, blocks in enumerate(drawn, 1)]
    refined = refine_pages(pages)
    assert [page.lines for page in refined] == [page.lines for page in pages]
    assert [block_id(page.number, at) for page in refined for at in range(len(page.blocks))] == [
        block_id(page.number, at) for page in pages for at in range(len(page.blocks))
    ]
    assert all(
        (block.level > 0) == (block.kind in ("heading", "list_item"))
        for page in refined
        for block in page.blocks
    )
    assert refine_pages(refined) == refined


def test_a_table_that_goes_on_is_linked_over_headers_that_only_the_document_shows() -> None:
    def table(y: float) -> Block:
        corners = ((100.0, y), (900.0, y), (900.0, y + 200), (100.0, y + 200))
        cells = []
        for row in range(2):
            for col in range(2):
                left, top = 100 + 400 * col, y + 100 * row
                place = ((left, top), (left + 400.0, top), (left + 400.0, top + 100), (left, top + 100))
                cells.append(Cell(row, col, 1, 1, (line(f"{y}{row}{col}", left, top),), place))
        grid = Table(2, 2, tuple(cells))
        return Block(grid.lines, "table", table=grid, polygon=corners)

    first = Page(WIDTH, HEIGHT, (_block("某某公司年度报告", 400, 40), table(1000)), number=1)
    second = Page(WIDTH, HEIGHT, (_block("某某公司年度报告", 400, 40), table(100)), number=2)
    pages = refine_pages([first, second])
    assert _kinds(pages) == [["header", "table"]] * 2
    grid = pages[1].blocks[1].table
    assert grid is not None
    assert grid.continues_from == "p1.b2"
