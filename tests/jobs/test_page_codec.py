"""Pages of jobs are kept to the last bit, and damaged ones are noticed."""

from __future__ import annotations

import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.document import Block, Cell, Char, Line, Page, Polygon, Remark, Table
from crnn_ocr.engine.page_readings import PageReading
from crnn_ocr.jobs.work.page_codec import BrokenPageError, decode_page, encode_page, without_chars
from crnn_ocr.layout.picture.looks import type_size

numbers = st.floats(-1e6, 1e6)
points = st.tuples(numbers, numbers)
polygons: st.SearchStrategy[Polygon] = st.tuples(points, points, points, points)
texts = st.text(st.characters(), max_size=6)
shares = st.floats(0, 1)
lines = st.builds(
    Line, texts, shares, polygons, st.lists(st.builds(Char, texts, shares, polygons), max_size=4).map(tuple)
)
blocks = st.builds(
    Block,
    st.lists(lines, max_size=3).map(tuple),
    st.sampled_from(["paragraph", "heading", "list_item", "footnote"]),
    st.integers(0, 6),
    st.none(),
    st.none() | polygons,
)


@st.composite
def tables(draw: st.DrawFn) -> Block:
    cells = tuple(
        Cell(row, 0, 1, 1, tuple(draw(st.lists(lines, max_size=2))), draw(polygons)) for row in range(2)
    )
    table = Table(2, 1, cells, draw(st.integers(0, 1)), draw(st.none() | st.just("p1.b2")))
    return Block(table.lines, "table", 0, table, draw(polygons))


pages = st.builds(
    Page,
    st.integers(0, 40_000),
    st.integers(0, 40_000),
    st.lists(blocks | tables(), max_size=4).map(tuple),
    st.sampled_from([0, 90, 180, 270]),
    st.lists(st.builds(Remark, texts, texts), max_size=2).map(tuple),
    st.integers(1, 5000),
    st.sampled_from(["ocr", "text_layer", "mixed"]),
    st.none() | st.floats(72, 600),
    st.none() | st.builds(Remark, texts, texts),
)


@given(pages, st.none() | st.just("model/1"))
def test_pages_come_back_to_the_last_bit(page: Page, model: str | None) -> None:
    found, chars = decode_page(encode_page(PageReading(page, model), chars=True))
    assert chars
    assert found == PageReading(page, model)
    assert repr(found.page) == repr(page)  # types, and zeros with their signs


@given(pages)
def test_without_characters_lines_keep_the_size_of_their_type(page: Page) -> None:
    found, chars = decode_page(encode_page(PageReading(page, None), chars=False))
    assert not chars
    assert [type_size(line) for line in found.page.lines] == [type_size(line) for line in page.lines]
    assert all(len(line.chars) <= 2 for line in found.page.lines)
    assert without_chars(found.page) == without_chars(page)
    assert all(not line.chars for line in without_chars(page).lines)


DATA = encode_page(PageReading(Page(1, 1), None), chars=True)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        DATA[:-1],
        b"no page",
        zlib.compress(b"[]"),
        zlib.compress(b"{}"),
        zlib.compress(b"[" * 100_000),
        zlib.compress(zlib.decompress(DATA).replace(b'"form":1', b'"form":0')),
    ],
)
def test_damaged_pages_are_noticed(data: bytes) -> None:
    with pytest.raises(BrokenPageError):
        decode_page(data)


def test_a_bomb_is_no_page() -> None:
    with pytest.raises(BrokenPageError):
        decode_page(zlib.compress(b" " * (65 * 1024 * 1024) + zlib.decompress(DATA)))


def test_the_error_of_a_page_is_kept() -> None:
    page = replace(Page(1, 1), error=Remark("IMAGE_UNREADABLE", "It is damaged."))
    found, _ = decode_page(encode_page(PageReading(page, "m/1"), chars=False))
    assert found.page.error == page.error


def test_half_a_surrogate_pair_comes_back() -> None:
    line = Line("a\ud83d!", 0.5, ((0, 0), (9, 0), (9, 9), (0, 9)))
    page = Page(10, 10, (Block((line,)),))
    found, _ = decode_page(encode_page(PageReading(page, None), chars=True))
    assert found.page == page
