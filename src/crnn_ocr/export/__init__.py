"""Writers over a Document: pure functions from data to text.

A new format is one module with one function and one entry in `FORMATS`: the command line, the REST API and
the page offer whatever stands there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from crnn_ocr.document import Document
from crnn_ocr.export.json import to_dict, to_json
from crnn_ocr.export.text import to_text

__all__ = ["FORMATS", "WriteOptions", "Writer", "to_dict", "to_json", "to_text"]


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """What the caller of any writer may ask for; a format ignores what it has no place for.

    Attributes:
        source: Name of the input, to be written next to its result; None for none.
        chars: Whether to write single characters with their places.
    """

    source: str | None = None
    chars: bool = False


@dataclass(frozen=True, slots=True)
class Writer:
    """One output format.

    Attributes:
        write: Turns a document into the whole content of a file.
        suffix: File name suffix with its dot.
        media_type: As in a Content-Type header.
        title: For people, for example "Plain text".
        headed: Whether the name of the input is a headline that only several results in a row need.
    """

    write: Callable[[Document, WriteOptions], str | bytes]
    suffix: str
    media_type: str
    title: str
    headed: bool = False


#: Every output format by name.
FORMATS: dict[str, Writer] = {
    "text": Writer(
        lambda document, how: to_text(document, source=how.source),
        ".txt",
        "text/plain; charset=utf-8",
        "Plain text",
        headed=True,
    ),
    "json": Writer(
        lambda document, how: to_json(document, source=how.source, chars=how.chars),
        ".json",
        "application/json",
        "JSON",
    ),
}
