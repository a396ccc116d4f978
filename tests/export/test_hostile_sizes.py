"""What a client sends to `POST /export` must not take time by the square of its size: the timeout tells."""

from __future__ import annotations

import pytest

from crnn_ocr.document import Block, Char, Document, Line, Page
from crnn_ocr.export import FORMATS, WriteOptions
from crnn_ocr.export.files import single_file
from tests.export.samples import SIMPLE_TABLE, box
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
    for form in TEXT_FORMATS:
        written = single_file(document, FORMATS[form], WriteOptions())
        assert len(written.content) < 5_000_000 + 500 * size
