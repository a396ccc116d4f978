from __future__ import annotations

import re

import pytest
from hypothesis import given

from crnn_ocr.document import Document
from crnn_ocr.export import FORMATS, WriteOptions, to_dict, to_json, to_text
from crnn_ocr.export.files import output_files, single_file
from tests.export.documents import all_documents
from tests.export.samples import DOCUMENT, picture

#: The formats that this room writes without an extra.
TEXT_FORMATS = {
    "text": ".txt",
    "json": ".json",
    "markdown": ".md",
    "html": ".html",
    "csv": ".csv",
    "tsv": ".tsv",
    "hocr": ".hocr",
    "alto": ".alto.xml",
    "page-xml": ".page.xml",
    "svg": ".svg",
    "report": ".report.html",
}


def test_formats() -> None:
    assert {name: writer.suffix for name, writer in FORMATS.items() if name in TEXT_FORMATS} == TEXT_FORMATS
    assert len({writer.suffix for writer in FORMATS.values()}) == len(FORMATS)
    for name, writer in FORMATS.items():
        assert re.fullmatch(r"[a-z][a-z-]*", name)
        assert writer.suffix.startswith(".")
        assert writer.title


@pytest.mark.parametrize("name", TEXT_FORMATS)
@given(document=all_documents)
def test_every_writer_is_a_pure_function(name: str, document: Document) -> None:
    how = WriteOptions(source="a.png", chars=True)
    first, again = (single_file(document, FORMATS[name], how) for _ in range(2))
    assert first == again


@pytest.mark.parametrize("name", TEXT_FORMATS)
def test_every_file_can_be_stored(name: str) -> None:
    for file in output_files(DOCUMENT, FORMATS[name], WriteOptions("a.png", picture=picture)):
        assert file.content
        assert file.content.decode("utf-8")
        assert file.suffix.endswith(FORMATS[name].suffix)


@pytest.mark.parametrize("name", TEXT_FORMATS)
def test_the_name_of_the_input_is_no_text(name: str) -> None:
    """Formats that name the picture of a page do so; the others hold nothing but the document."""
    names_it = name in ("html", "hocr", "alto", "page-xml", "svg", "report")
    for file in output_files(DOCUMENT, FORMATS[name], WriteOptions(name="scan <1>.png")):
        assert (b"scan &lt;1&gt;.png" in file.content) == names_it


@given(all_documents)
def test_writers_are_the_functions_of_their_modules(document: Document) -> None:
    assert FORMATS["text"].write(document, WriteOptions()) == to_text(document)
    assert FORMATS["json"].write(document, WriteOptions()) == to_json(document)
    assert FORMATS["json"].write(document, WriteOptions("a", chars=True)) == to_json(
        document, source="a", chars=True
    )
    assert list(to_dict(document)) == ["text", "model", "layout", "pages"]
