from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.document import Block, Cell, Char, Document, Line, Page, Remark, Table
from crnn_ocr.export.json import from_dict, line_to_dict, page_to_dict, to_dict, to_json
from tests.export.documents import all_documents
from tests.export.samples import DOCUMENT as SAMPLE

BOX = ((10.04, 5.0), (90.06, 5.0), (90.0, 25.25), (10.0, -0.04))
LINE = Line("Total 5.00", 0.987654, BOX, (Char("T", 0.5, BOX),))
DOCUMENT = Document(
    (Page(100, 30, (Block((LINE,)), Block((LINE, LINE))), 90, (Remark("IMAGE_BLURRED", "Take it again."),)),),
    "ppocrv6-small/1",
    {"decode": 1.5},
)
LINE_DICT = {
    "text": "Total 5.00",
    "confidence": 0.9877,
    "polygon": [[10.0, 5.0], [90.1, 5.0], [90.0, 25.2], [10.0, 0.0]],
}


def test_shape_and_key_order() -> None:
    expected: dict[str, Any] = {
        "text": "Total 5.00\nTotal 5.00\nTotal 5.00",
        "model": "ppocrv6-small/1",
        "layout": "lines",
        "pages": [
            {
                "number": 1,
                "text": "Total 5.00\nTotal 5.00\nTotal 5.00",
                "width": 100,
                "height": 30,
                "dpi": None,
                "rotation": 90,
                "origin": "ocr",
                "lines": [LINE_DICT] * 3,
                "blocks": [
                    {"id": "p1.b1", "type": "paragraph", "lines": [0]},
                    {"id": "p1.b2", "type": "paragraph", "lines": [1, 2]},
                ],
                "warnings": [{"code": "IMAGE_BLURRED", "message": "Take it again."}],
                "error": None,
            }
        ],
    }
    assert json.dumps(to_dict(DOCUMENT)) == json.dumps(expected)


def test_typed_blocks_and_tables() -> None:
    cells = (Cell(0, 0, 1, 2, (LINE,), BOX), Cell(1, 0, 1, 1, (), BOX), Cell(1, 1, 1, 1, (LINE, LINE), BOX))
    table = Table(2, 2, cells, 1, "p2.b9")
    blocks = (Block((LINE,), "heading", 2), Block(table.lines, "table", 0, table, BOX))
    page = Page(100, 30, blocks, number=3, origin="mixed", dpi=72.5, error=Remark("A", "b"))
    corners = LINE_DICT["polygon"]

    written = page_to_dict(page)

    assert (written["number"], written["origin"], written["dpi"]) == (3, "mixed", 72.5)
    assert written["error"] == {"code": "A", "message": "b"}
    assert written["blocks"] == [
        {"id": "p3.b1", "type": "heading", "level": 2, "lines": [0]},
        {
            "id": "p3.b2",
            "type": "table",
            "polygon": corners,
            "lines": [1, 2, 3],
            "table": {
                "rows": 2,
                "cols": 2,
                "header_rows": 1,
                "continues_from": "p2.b9",
                "cells": [
                    {"id": "p3.b2.r0c0", "row": 0, "col": 0, "row_span": 1, "col_span": 2, "polygon": corners,
                     "text": "Total 5.00", "lines": [1]},
                    {"id": "p3.b2.r1c0", "row": 1, "col": 0, "row_span": 1, "col_span": 1, "polygon": corners,
                     "text": "", "lines": []},
                    {"id": "p3.b2.r1c1", "row": 1, "col": 1, "row_span": 1, "col_span": 1, "polygon": corners,
                     "text": "Total 5.00\nTotal 5.00", "lines": [2, 3]},
                ],
            },
        },
    ]  # fmt: skip


def test_chars_are_written_on_demand() -> None:
    assert line_to_dict(LINE) == LINE_DICT
    assert line_to_dict(LINE, chars=True)["chars"] == [
        {"text": "T", "confidence": 0.5, "polygon": LINE_DICT["polygon"]}
    ]
    assert "chars" in page_to_dict(DOCUMENT.pages[0], chars=True)["lines"][2]
    assert '"chars":[' in to_json(DOCUMENT, chars=True)


def test_the_source_comes_first() -> None:
    assert to_json(DOCUMENT, source="a.png").startswith('{"source":"a.png","text":')


def test_negative_zero_is_zero() -> None:
    assert "-0.0" not in to_json(DOCUMENT)


@given(all_documents)
def test_round_trip(document: Document) -> None:
    written = to_dict(document, chars=True)
    assert json.loads(to_json(document, chars=True)) == written
    read = from_dict(json.loads(json.dumps(written)))
    assert to_dict(read, chars=True) == written
    assert from_dict(to_dict(read, chars=True)) == read


def test_a_sample_comes_back_as_it_was() -> None:
    assert from_dict(json.loads(to_json(SAMPLE, chars=True))) == SAMPLE


def test_a_document_without_the_newer_keys() -> None:
    """As a client may keep it from before there were kinds of blocks."""
    read = from_dict({"model": "m/1", "pages": [
        {"width": 9, "height": 9, "lines": [LINE_DICT, LINE_DICT], "warnings": []},
        {"width": 9, "height": 9, "lines": [], "warnings": []},
    ]})  # fmt: skip
    assert read.layout == "lines"
    assert [[len(block.lines) for block in page.blocks] for page in read.pages] == [[2], []]
    assert [page.number for page in read.pages] == [1, 2]


TABLE = {
    "rows": 2, "cols": 2, "header_rows": 1, "continues_from": None,
    "cells": [
        {"row": 0, "col": 0, "row_span": 1, "col_span": 2, "polygon": LINE_DICT["polygon"], "lines": [0]},
        {"row": 1, "col": 0, "row_span": 1, "col_span": 1, "polygon": LINE_DICT["polygon"], "lines": []},
        {"row": 1, "col": 1, "row_span": 1, "col_span": 1, "polygon": LINE_DICT["polygon"], "lines": [1]},
    ],
}  # fmt: skip
PAGE = {
    "width": 9, "height": 9, "lines": [LINE_DICT, LINE_DICT], "warnings": [],
    "blocks": [{"type": "table", "lines": [0, 1], "table": TABLE}],
}  # fmt: skip


def changed(value: Any, path: str, new: Any) -> Any:
    """Return a copy with the value at a path such as "blocks.0.type" replaced."""
    first, _, rest = path.partition(".")
    if isinstance(value, list):
        at = int(first)
        return [*value[:at], changed(value[at], rest, new) if rest else new, *value[at + 1 :]]
    return {**value, first: changed(value[first], rest, new) if rest else new}


@pytest.mark.parametrize(
    ("path", "new", "named"),
    [
        ("number", 0, "'number'"),
        ("number", "1", "'number'"),
        ("dpi", float("nan"), "'dpi'"),
        ("origin", "magic", "'origin'"),
        ("rotation", 45, "'rotation'"),
        ("error", {"code": 1, "message": ""}, "'code'"),
        ("blocks", [2], "'lines' is missing"),
        ("blocks", [], "'blocks' do not hold every line"),
        ("blocks.0.type", "poem", "'type'"),
        ("blocks.0.level", -1, "'level'"),
        ("blocks.0.lines", [0, 7], "'lines' names a line"),
        ("blocks.0.type", "paragraph", "'table' belongs"),
        ("blocks.0.table", None, "'table' belongs"),
        ("blocks.0", {"type": "paragraph", "lines": [0]}, "'blocks' do not hold every line"),
        ("blocks.0", {"type": "paragraph", "lines": [1, 0]}, "'blocks' do not hold every line"),
        ("blocks.0", {"type": "paragraph", "lines": [0, 0]}, "'blocks' do not hold every line"),
        ("blocks.0.lines", [0], "lines of its cells"),
        ("blocks.0.lines", [0, -1], "'lines'"),
        ("blocks.0.polygon", [[0, 0]], "'polygon'"),
        ("blocks.0.table", [], "'cells' is missing"),
        ("blocks.0.table.rows", 3, "cover the table's grid"),
        ("blocks.0.table.cols", 1, "beyond"),
        ("blocks.0.table.rows", 10**9, "too many"),
        ("blocks.0.table.header_rows", 3, "'header_rows'"),
        ("blocks.0.table.continues_from", 3, "'continues_from'"),
        ("blocks.0.table.cells", [], "cover the table's grid"),
        ("blocks.0.table.cells.0.row_span", 0, "'row_span'"),
        ("blocks.0.table.cells.0.row_span", 10**9, "beyond"),
        ("blocks.0.table.cells.0.col_span", 1, "cover the table's grid"),
        ("blocks.0.table.cells.0.row_span", 2, "cover the table's grid"),
        ("blocks.0.table.cells.2.col", 0, "cover the table's grid"),
        ("blocks.0.table.cells.1.lines", [0], "lines of its cells"),
        ("blocks.0.table.cells.2.polygon", None, "'polygon'"),
    ],
)
def test_what_does_not_fit_is_named(path: str, new: Any, named: str) -> None:
    good = {**PAGE, "number": 1, "dpi": None, "origin": "ocr", "rotation": 0, "error": None}
    assert from_dict({"model": "m", "pages": [good]}).pages[0].blocks[0].table is not None
    target = changed(good, path, new)
    with pytest.raises(ValueError, match=named):
        from_dict({"model": "m", "pages": [target]})


@pytest.mark.parametrize("value", [None, [], 3, "text", {}, {"pages": [], "model": "m", "layout": "poem"}])
def test_what_is_no_document_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="'"):
        from_dict(value)


@given(all_documents)
def test_one_line_of_utf8(document: Document) -> None:
    text = to_json(document)
    assert text.encode().decode() == text
    assert text.count("\n") == 1
    assert text.endswith("\n")


@given(all_documents, st.sampled_from([None, "a.pdf", '"pages":[]']), st.booleans())
def test_writing_page_by_page_changes_nothing(document: Document, source: str | None, chars: bool) -> None:
    whole = {"source": source} if source is not None else {}
    whole |= to_dict(document, chars=chars)
    written = to_json(document, source=source, chars=chars)
    assert json.loads(written) == json.loads(json.dumps(whole))
    assert list(json.loads(written)) == list(whole)


def test_text_that_looks_like_an_empty_list_stays() -> None:
    line = Line('"pages":[] []', 0.9, ((0, 0), (9, 0), (9, 9), (0, 9)), ())
    document = Document((Page(10, 10, (Block((line,)),)),), "[]")
    assert from_dict(json.loads(to_json(document))).pages == document.pages


@given(all_documents)
def test_every_line_stands_in_one_block(document: Document) -> None:
    for page in to_dict(document)["pages"]:
        places = [place for block in page["blocks"] for place in block["lines"]]
        assert places == list(range(len(page["lines"])))
        for block in page["blocks"]:
            if "table" in block:
                cells = block["table"]["cells"]
                assert [place for cell in cells for place in cell["lines"]] == block["lines"]
                assert len({cell["id"] for cell in cells}) == len(cells)


@given(all_documents)
def test_rounded_but_nothing_else(document: Document) -> None:
    for page, written in zip(document.pages, to_dict(document)["pages"], strict=True):
        assert [line["text"] for line in written["lines"]] == [line.text for line in page.lines]
        for line, entry in zip(page.lines, written["lines"], strict=True):
            assert abs(line.confidence - entry["confidence"]) <= (
                0.00005 if line.confidence < 0.9999 else 0.0001
            )
            for (x, y), (near_x, near_y) in zip(line.polygon, entry["polygon"], strict=True):
                assert abs(x - near_x) <= 0.0501
                assert abs(y - near_y) <= 0.0501


@pytest.mark.parametrize(
    ("confidence", "written"),
    [(1.0, 1.0), (0.99997, 0.9999), (1 - 2**-53, 0.9999), (0.99994, 0.9999), (0.98766, 0.9877), (0.0, 0.0)],
)
def test_only_certain_text_is_written_as_certain(confidence: float, written: float) -> None:
    """A line that was read beside the text of a PDF must not come back as that text."""
    line = Line("7", confidence, BOX, (Char("7", confidence, BOX),))
    entry = line_to_dict(line, chars=True)
    assert (entry["confidence"], entry["chars"][0]["confidence"]) == (written, written)


@given(all_documents)
def test_time_is_not_part_of_the_answer(document: Document) -> None:
    other = Document(document.pages, document.model, {"decode": 99.0}, layout=document.layout)
    assert to_json(other) == to_json(document)
