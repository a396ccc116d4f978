"""What a client sends to `POST /export` must not take time by the square of its size: the timeout tells.

Where that would take too long, instructions and memory are counted.
"""

from __future__ import annotations

import copy
import io
import tracemalloc
import zipfile
from typing import Any

import pytest

from crnn_ocr.document import Block, Cell, Char, Document, Line, Page, Table
from crnn_ocr.export import FORMATS, WriteOptions, to_dict
from crnn_ocr.export.files import single_file
from crnn_ocr.export.json import from_dict
from tests.export.samples import SIMPLE_TABLE, box
from tests.export.steps import steps_of
from tests.export.test_formats import TEXT_FORMATS

COUNT = 60_000
PLACE = box(0, 0, 90, 10)


def blocks(name: str) -> tuple[Block, ...]:
    if name == "words":
        return (Block((Line("a " * COUNT, 1.0, PLACE),)),)
    if name == "characters":
        chars = tuple(Char(char, 0.9, PLACE) for char in "a " * (COUNT // 4))
        return (Block((Line("a " * (COUNT // 4), 1.0, PLACE, chars),)),)
    if name == "blanks":
        return (Block((Line("a" + " " * 20 * COUNT + "b", 1.0, PLACE),)),)
    if name == "signs":
        return tuple(
            Block((Line(sign * COUNT, 1.0, PLACE),), kind)
            for sign in "-=#*_`[&\\1"
            for kind in ("paragraph", "heading", "list_item")
        )
    if name == "lines":
        return (Block(tuple(Line("ab", 1.0, PLACE) for _ in range(COUNT // 6))),)
    if name == "depths":
        return tuple(Block((Line("a", 1.0, PLACE),), "list_item", at) for at in range(COUNT // 10))
    return (Block((Line("a", 1.0, PLACE),), "caption"), SIMPLE_TABLE) * (COUNT // 60)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["words", "characters", "blanks", "signs", "lines", "depths", "captions"])
def test_no_format_is_slow_or_large(name: str) -> None:
    document = Document((Page(100, 100, blocks(name)),), "m/1", layout="blocks")
    size = sum(len(line.text) for page in document.pages for line in page.lines)
    for form in (*TEXT_FORMATS, "docx", "xlsx"):
        written = single_file(document, FORMATS[form], WriteOptions())
        assert len(written.content) < 5_000_000 + 500 * size


def document_of(*blocks: Block) -> Document:
    return Document((Page(100, 100, blocks),), "m/1", layout="blocks")


def grid(rows: int, cols: int, row_span: int = 1, text: str = "") -> Block:
    """Return a table whose cells all span that many rows."""
    lines = (Line(text, 1.0, PLACE),) if text else ()
    cells = tuple(
        Cell(row, col, row_span, 1, lines, PLACE) for row in range(0, rows, row_span) for col in range(cols)
    )
    made = Table(rows, cols, cells)
    return Block(made.lines, "table", 0, made)


def steps_to_write(form: str, *blocks: Block) -> int:
    FORMATS[form].write(document_of(), WriteOptions())  # what is loaded and made once does not count
    return steps_of(lambda: FORMATS[form].write(document_of(*blocks), WriteOptions()))


def test_numbered_lists_take_steps_by_their_number() -> None:
    """Every item begins a list of its own."""
    item = Block((Line("1. a", 1.0, PLACE),), "list_item", 1)
    none, some, twice = (steps_to_write("docx", *(item,) * count) for count in (1, 300, 600))
    assert twice - none < 2.2 * (some - none)


def test_sheets_take_steps_by_their_columns() -> None:
    none, some, twice = (steps_to_write("xlsx", grid(1, cols, text="x")) for cols in (1, 250, 500))
    assert twice - none < 2.2 * (some - none)


def test_spanned_places_of_word_take_few_steps() -> None:
    few, many = (steps_to_write("docx", grid(rows, 5, rows)) for rows in (4, 404))
    assert (many - few) / (400 * 5) < 150


def test_spanned_places_of_word_hold_what_it_needs() -> None:
    """No width and no value: 500 cells become 32,000 places."""
    content = FORMATS["docx"].write(document_of(grid(1280, 25, 64)), WriteOptions())
    assert isinstance(content, bytes)
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        assert file.getinfo("word/document.xml").file_size < 120 * 1280 * 25


@pytest.mark.parametrize(("rows", "cols"), [(500, 50), (50_000, 1), (1, 50_000)])
def test_large_tables_are_read(rows: int, cols: int) -> None:
    document = document_of(grid(rows, cols))
    assert from_dict(to_dict(document)) == document


def test_places_of_a_table_are_bounded() -> None:
    with pytest.raises(ValueError, match="more than 50,000 places"):
        from_dict(to_dict(document_of(grid(64 * 40, 20, 64))))


def test_places_of_a_document_are_bounded() -> None:
    tall = grid(64 * 30, 25, 64)  # 48,000 places, 750 cells
    document = document_of(tall, tall)
    assert from_dict(to_dict(document)) == document
    for pages in (document_of(tall, tall, tall).pages, document.pages * 2):
        with pytest.raises(ValueError, match="of all tables are too many"):
            from_dict(to_dict(Document(pages, "m/1", layout="blocks")))


@pytest.mark.parametrize(("rows", "cols"), [(10**9, 0), (0, 10**9), (257, 0)])
def test_a_grid_without_places_is_bounded(rows: int, cols: int) -> None:
    empty: dict[str, Any] = copy.deepcopy(to_dict(document_of(grid(0, 0))))
    empty["pages"][0]["blocks"][0]["table"].update(rows=rows, cols=cols)
    with pytest.raises(ValueError, match="too many"):
        from_dict(empty)


def test_places_take_a_byte_each() -> None:
    sent = to_dict(document_of(grid(64 * 30, 25, 64)))
    tracemalloc.start()
    try:
        document = from_dict(sent)
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert document.pages[0].blocks[0].table is not None
    assert peak - kept < 5 * 64 * 30 * 25
