from __future__ import annotations

import json
import pickle
import zlib
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crnn_ocr.caching import codec
from crnn_ocr.caching.codec import BrokenEntryError, decode, encode
from crnn_ocr.document import Block, Char, Document, Line, Page
from crnn_ocr.export.json import to_json
from crnn_ocr.service.api.schemas import ocr_answer
from tests.caching.documents import documents
from tests.export.documents import structured_documents


def answer(document: Document) -> bytes:
    """The body of `POST /ocr` but for what is about the very request."""
    return json.dumps(ocr_answer(document, elapsed_ms=0, request_id="-")).encode()


@given(documents)
def test_a_kept_document_answers_as_the_fresh_one(document: Document) -> None:
    kept = decode(encode(document))
    assert answer(kept) == answer(document)
    assert to_json(kept) == to_json(document)


@given(structured_documents)
def test_blocks_and_tables_are_kept(document: Document) -> None:
    kept = decode(encode(document, chars=True))
    assert to_json(kept, chars=True) == to_json(document, chars=True)
    assert kept.layout == "blocks"


@given(documents)
def test_keeping_it_again_changes_nothing(document: Document) -> None:
    once = decode(encode(document))
    assert decode(encode(once)) == once
    assert encode(once) == encode(document)


def packed(value: object) -> bytes:
    return zlib.compress(json.dumps(value).encode())


GOOD: dict[str, Any] = {
    "text": "a",
    "model": "m/1",
    "pages": [
        {
            "text": "a",
            "width": 10,
            "height": 10,
            "rotation": 0,
            "lines": [{"text": "a", "confidence": 1, "polygon": [[0, 0], [1, 0], [1, 1], [0, 1]]}],
            "blocks": [{"id": "p1.b1", "type": "paragraph", "lines": [0]}],
            "warnings": [],
        }
    ],
}


def test_the_good_form_is_read() -> None:
    line = Line("a", 1.0, ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)))
    assert decode(packed(GOOD)) == Document((Page(10, 10, (Block((line,)),)),), "m/1")


def broken() -> list[bytes]:
    page: dict[str, Any] = GOOD["pages"][0]
    line = page["lines"][0]
    block = page["blocks"][0]
    cell = {"row": 0, "col": 0, "row_span": 1, "col_span": 1, "polygon": line["polygon"], "lines": [0]}
    table = {"rows": 1, "cols": 1, "header_rows": 0, "continues_from": None, "cells": [cell]}
    # Unharmed, the parts make a document.
    decode(packed({**GOOD, "pages": [{**page, "blocks": [{**block, "type": "table", "table": table}]}]}))
    pages: list[Any] = [
        {**page, "blocks": [1]},
        {**page, "blocks": []},
        {**page, "blocks": [{**block, "lines": [0, 1]}]},
        {**page, "blocks": [{**block, "lines": [-1]}]},
        {**page, "blocks": [{**block, "lines": [0, 0]}]},
        {**page, "blocks": [{**block, "type": "poem"}]},
        {**page, "blocks": [{**block, "type": "table"}]},
        {**page, "blocks": [{**block, "type": "table", "table": {**table, "rows": 2}}]},
        {**page, "blocks": [{**block, "type": "table", "table": {**table, "cells": [cell, cell]}}]},
        {
            **page,
            "blocks": [{**block, "type": "table", "table": {**table, "cells": [{**cell, "lines": []}]}}],
        },
        {**page, "width": "10"},
        {**page, "width": True},
        {**page, "lines": [{**line, "text": 1}]},
        {**page, "lines": [{**line, "confidence": "1"}]},
        {**page, "lines": [{**line, "confidence": 10**400}]},
        {**page, "lines": [{**line, "confidence": float("nan")}]},
        {**page, "lines": [{**line, "polygon": [[float("inf"), 0], *line["polygon"][1:]]}]},
        {**page, "lines": [{**line, "polygon": [[0, 0]] * 3}]},
        {**page, "lines": [{**line, "polygon": [[0, 0, 0]] * 4}]},
        {**page, "lines": 7},
        {},
        [],
        None,
    ]
    good = packed(GOOD)
    return [
        *(packed({**GOOD, "pages": [entry]}) for entry in pages),
        packed({**GOOD, "model": None}),
        packed([]),
        packed("text"),
        good[:-5],
        good + b"x",
        b"",
        b"not zlib",
        zlib.compress(b"[" * 100_000),
        pickle.dumps(GOOD),
    ]


@pytest.mark.parametrize("data", broken())
def test_what_something_else_wrote_is_refused(data: bytes) -> None:
    with pytest.raises(BrokenEntryError):
        decode(data)


@given(st.binary(max_size=200))
@example(zlib.compress(b"{}"))
def test_any_bytes_are_refused_in_one_way(data: bytes) -> None:
    with pytest.raises(BrokenEntryError):
        decode(data)


def test_what_unpacks_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "LARGEST_TEXT", 10_000)
    with pytest.raises(BrokenEntryError):
        decode(zlib.compress(b" " * 100_000 + json.dumps(GOOD).encode()))
    huge = Document((Page(1, 1, (Block((Line("x" * 20_000, 1.0, ((0.0, 0.0),) * 4),)),)),), "m/1")
    with pytest.raises(ValueError, match="too large"):
        encode(huge)


def test_too_many_characters_are_refused_before_they_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    polygon = ((0.0, 0.0), (9.0, 0.0), (9.0, 9.0), (0.0, 9.0))
    line = Line("abc", 0.9, polygon, tuple(Char(char, 0.9, polygon) for char in "abc"))
    document = Document((Page(9, 9, (Block((line, line)),)),), "m/1")
    monkeypatch.setattr(codec, "MOST_CHARS", 5)

    with pytest.raises(ValueError, match="6 characters"):
        encode(document, chars=True)
    assert decode(encode(document)).text == document.text
