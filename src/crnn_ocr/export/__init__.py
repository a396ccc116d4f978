"""Writes a Document in every output format. Pure functions.

A new format needs a module with one function, and an entry in `FORMATS`. The command line, the REST API and
the page offer every format in `FORMATS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from crnn_ocr.document import Document
from crnn_ocr.export.json import to_dict, to_json
from crnn_ocr.export.text import to_text

if TYPE_CHECKING:
    from crnn_ocr.pixels import Pixels

__all__ = ["FORMATS", "WriteOptions", "Writer", "to_dict", "to_json", "to_text"]


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """Options of all writers; a format ignores those that it does not support.

    Attributes:
        source: Name of the input, written next to its result; None to leave it out.
        chars: Whether to write single characters with their positions.
        original: The input's bytes, which a searchable PDF is built on; None where they are not known, as for
            a document that a client sends back.
        picture: Returns the picture of the page with that number as (H, W) grey or (H, W, 3) BGR, in the
            pixels of the page's polygons, for figures and overlays; None where pictures are not known.
    """

    source: str | None = None
    chars: bool = False
    original: Callable[[], bytes] | None = None
    picture: Callable[[int], Pixels] | None = None


@dataclass(frozen=True, slots=True)
class Writer:
    """One output format.

    Attributes:
        write: Turns a document into the whole content of a file.
        suffix: File name suffix with its dot.
        media_type: Value of the Content-Type header.
        title: Name for people, for example "Plain text".
        headed: Whether the name of the input is a headline, which is needed only for several results.
        layout: The layout that the format needs where the options leave it open.
        appendable: Whether results of several inputs can be written one after the other into one file.
        needs_original: Whether nothing can be written without the input itself.
        needs_chars: Whether it writes places or confidences of words or characters, which the document tells
            only where its lines have their characters.
        write_parts: Turns a document into several files, for example one per table: the names of the parts,
            which go between the document's name and the suffix, and their contents. None where `write` gives
            all there is. `export.files` chooses between the two.
    """

    write: Callable[[Document, WriteOptions], str | bytes]
    suffix: str
    media_type: str
    title: str
    headed: bool = False
    layout: Literal["lines", "blocks"] = "lines"
    appendable: bool = True
    needs_original: bool = False
    needs_chars: bool = False
    write_parts: Callable[[Document, WriteOptions], list[tuple[str, bytes]]] | None = None


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
