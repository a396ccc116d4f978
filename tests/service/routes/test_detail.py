"""`detail=blocks` and `chars`: blocks, the turn, single characters, from engine and cache alike."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from crnn_ocr.document import Block, Cell, Char, Document, Line, Page, Table
from crnn_ocr.export import to_dict
from crnn_ocr.service.api import schemas
from tests.service.fakes import FakeReader, box, document, page

LINE = Line("ab", 0.9, box(10), (Char("a", 0.987654, box(10)), Char("b", 0.5, box(20))))
ONE = Page(200, 100, (Block((LINE, LINE)), Block((LINE,))), rotation=90)
BLOCKS = [
    {"id": "p1.b1", "type": "paragraph", "lines": [0, 1]},
    {"id": "p1.b2", "type": "paragraph", "lines": [2]},
]
CELLS = (
    Cell(0, 0, 1, 2, (LINE,), box(10)),
    Cell(1, 0, 1, 1, (), box(20)),
    Cell(1, 1, 1, 1, (LINE,), box(30)),
)
TABLE = Table(2, 2, CELLS, 1)
TYPED = Page(
    200, 100, (Block((LINE,), "heading", 2), Block(TABLE.lines, "table", 0, TABLE, box(10))), number=3
)


@pytest.fixture
def asked(client: FlaskClient, reader: FakeReader) -> Any:
    def ask(query: str, *pages: Page) -> Any:
        reader.answer = lambda *_: Document(pages, "fake/1")
        return client.post(f"/ocr{query}", data=b"x" * len(pages), content_type="image/png")

    return ask


def test_characters_on_request_only(asked: Any) -> None:
    plain = asked("", ONE).json
    assert "chars" not in plain["lines"][0]
    assert "blocks" not in plain
    assert "layout" not in plain
    told = asked("?detail=chars", ONE).json
    assert told["lines"][0]["chars"][0]["text"] == "a"
    assert told["lines"][0]["chars"][0]["confidence"] == 0.9877
    assert told["lines"][0]["chars"][1]["polygon"][0] == [10.0, 20.0]
    assert told["blocks"] == BLOCKS
    assert told["rotation"] == 90
    assert asked("?detail=lines", ONE).json["lines"] == plain["lines"]


def test_pages_tell_their_own(asked: Any) -> None:
    told = asked("?detail=chars", ONE, page("c")).json
    assert "blocks" not in told
    assert [one["blocks"] for one in told["pages"]] == [
        BLOCKS,
        [{"id": "p1.b1", "type": "paragraph", "lines": [0]}],
    ]
    assert [one["rotation"] for one in told["pages"]] == [90, 0]


def test_blocks_without_characters(asked: Any) -> None:
    told = asked("?detail=blocks", ONE).json
    assert told["blocks"] == BLOCKS
    assert (told["rotation"], told["layout"]) == (90, "lines")
    assert "chars" not in told["lines"][0]


@pytest.mark.parametrize("detail", ["blocks", "chars"])
def test_tables_are_told_as_the_format_json_tells_them(asked: Any, detail: str) -> None:
    """From the engine first, then from the cache."""
    expected = to_dict(Document((TYPED,), "fake/1"))["pages"][0]["blocks"]
    assert expected[1]["table"]["cells"][0]["col_span"] == 2
    for cached in (False, True):
        told = asked(f"?detail={detail}", TYPED).json
        assert (told["cached"], told["blocks"]) == (cached, expected)


@pytest.mark.parametrize(
    ("query", "layout"),
    [
        ("", "auto"),
        ("?detail=blocks", "blocks"),
        ("?format=text", "auto"),
        ("?format=markdown", "blocks"),
        ("?format=markdown&layout=lines", "lines"),
        ("?layout=blocks", "blocks"),
    ],
)
def test_the_layout_is_chosen_by_what_is_asked(
    asked: Any, reader: FakeReader, query: str, layout: str
) -> None:
    assert asked(query, ONE).status_code == 200
    assert [options.layout for _, options in reader.calls] == [layout]


def test_kept_answers_have_them_too(asked: Any, reader: FakeReader) -> None:
    asked("", ONE)
    fresh = asked("?detail=chars", ONE).json
    kept = asked("?detail=chars", ONE).json
    assert (fresh["cached"], kept["cached"]) == (False, True)
    assert {**fresh, "lines": 0, "cached": 0, "elapsed_ms": 0, "request_id": 0} == {
        **kept,
        "lines": 0,
        "cached": 0,
        "elapsed_ms": 0,
        "request_id": 0,
    }
    assert fresh["lines"] == kept["lines"]
    assert len(reader.calls) == 2


@pytest.mark.parametrize("query", ["?detail=all", "?detail=", "?detail=chars&detail=chars"])
def test_anything_else_is_refused(client: FlaskClient, reader: FakeReader, query: str) -> None:
    reader.answer = lambda *_: document(page("x"))
    answer = client.post(f"/ocr{query}", data=b"x", content_type="image/png")
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (422, "OPTION_INVALID")


def test_characters_of_long_documents_are_left_out_with_a_remark(
    asked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schemas, "MOST_CHARS", 10)
    told = asked("?detail=chars", ONE, replace(ONE, number=2)).json  # six characters each

    assert ["chars" in page["lines"][0] for page in told["pages"]] == [True, False]
    assert [warning["code"] for warning in told["warnings"]] == ["CHARS_LEFT_OUT"]
    assert asked("?detail=chars", ONE).json["warnings"] == []
