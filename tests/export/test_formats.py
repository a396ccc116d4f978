from __future__ import annotations

import pytest
from hypothesis import given

from crnn_ocr.document import Document
from crnn_ocr.export import FORMATS, WriteOptions, to_dict, to_json, to_text
from tests.export.documents import documents


def test_formats() -> None:
    assert list(FORMATS) == ["text", "json"]
    assert {writer.suffix for writer in FORMATS.values()} == {".txt", ".json"}


@pytest.mark.parametrize("name", FORMATS)
@given(document=documents)
def test_every_writer_is_a_pure_function(name: str, document: Document) -> None:
    how = WriteOptions(source="a.png", chars=True)
    assert FORMATS[name].write(document, how) == FORMATS[name].write(document, how)


@given(documents)
def test_writers_are_the_functions_of_their_modules(document: Document) -> None:
    assert FORMATS["text"].write(document, WriteOptions()) == to_text(document)
    assert FORMATS["json"].write(document, WriteOptions()) == to_json(document)
    assert FORMATS["json"].write(document, WriteOptions("a", chars=True)) == to_json(
        document, source="a", chars=True
    )
    assert list(to_dict(document)) == ["text", "model", "pages"]
