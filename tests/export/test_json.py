from __future__ import annotations

import json
from typing import Any

from hypothesis import given

from crnn_ocr.document import Block, Char, Document, Line, Page, Remark
from crnn_ocr.export.json import line_to_dict, page_to_dict, to_dict, to_json
from tests.export.documents import documents

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
        "pages": [
            {
                "text": "Total 5.00\nTotal 5.00\nTotal 5.00",
                "width": 100,
                "height": 30,
                "rotation": 90,
                "lines": [LINE_DICT] * 3,
                "blocks": [1, 2],
                "warnings": [{"code": "IMAGE_BLURRED", "message": "Take it again."}],
            }
        ],
    }
    assert json.dumps(to_dict(DOCUMENT)) == json.dumps(expected)


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


@given(documents)
def test_round_trip(document: Document) -> None:
    assert json.loads(to_json(document, chars=True)) == to_dict(document, chars=True)


@given(documents)
def test_one_line_of_utf8(document: Document) -> None:
    text = to_json(document)
    assert text.encode().decode() == text
    assert text.count("\n") == 1
    assert text.endswith("\n")


@given(documents)
def test_rounded_but_nothing_else(document: Document) -> None:
    for page, written in zip(document.pages, to_dict(document)["pages"], strict=True):
        assert sum(written["blocks"]) == len(written["lines"]) == len(page.lines)
        assert [line["text"] for line in written["lines"]] == [line.text for line in page.lines]
        for line, entry in zip(page.lines, written["lines"], strict=True):
            assert abs(line.confidence - entry["confidence"]) <= 0.00005
            for (x, y), (near_x, near_y) in zip(line.polygon, entry["polygon"], strict=True):
                assert abs(x - near_x) <= 0.0501
                assert abs(y - near_y) <= 0.0501


@given(documents)
def test_time_is_not_part_of_the_answer(document: Document) -> None:
    other = Document(document.pages, document.model, {"decode": 99.0})
    assert to_json(other) == to_json(document)
