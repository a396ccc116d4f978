"""Writes a Document in every output format. Pure functions.

A new format needs a module with one function, and an entry in `FORMATS`. The command line, the REST API and
the page offer every format in `FORMATS`.
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
    """Options of all writers; a format ignores those that it does not support.

    Attributes:
        source: Name of the input, written next to its result; None to leave it out.
        chars: Whether to write single characters with their positions.
    """

    source: str | None = None
    chars: bool = False


@dataclass(frozen=True, slots=True)
class Writer:
    """One output format.

    Attributes:
        write: Turns a document into the whole content of a file.
        suffix: File name suffix with its dot.
        media_type: Value of the Content-Type header.
        title: Name for people, for example "Plain text".
        headed: Whether the name of the input is a headline, which is needed only for several results.
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
