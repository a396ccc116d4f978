"""Bring a document into the files of a format, or into the one file that an answer can hold."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from crnn_ocr.document import Document

if TYPE_CHECKING:
    from crnn_ocr.export import WriteOptions, Writer

#: The earliest time that a ZIP can hold: equal documents give equal archives.
_NO_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class OutputFile:
    """A file with a result.

    Attributes:
        suffix: What follows the name of the document, for example ".table2.csv".
        media_type: Value of the Content-Type header.
        content: The whole content.
    """

    suffix: str
    media_type: str
    content: bytes


def output_files(document: Document, writer: Writer, how: WriteOptions) -> list[OutputFile]:
    """Return the files that a format makes of a document.

    Most formats make one. CSV makes one per table, and none without tables; PAGE-XML makes one per page. Of
    several each has its part's name before the suffix; a single one has the suffix alone.
    """
    if writer.write_parts is None:
        return [OutputFile(writer.suffix, writer.media_type, as_bytes(writer.write(document, how)))]
    parts = writer.write_parts(document, how)
    if len(parts) == 1:
        return [OutputFile(writer.suffix, writer.media_type, parts[0][1])]
    return [OutputFile(f".{name}{writer.suffix}", writer.media_type, content) for name, content in parts]


def layout_for(writers: Iterable[Writer]) -> Literal["lines", "blocks"]:
    """Return the layout in which a document must be read to be written in all of these formats."""
    return "blocks" if any(writer.layout == "blocks" for writer in writers) else "lines"


def single_file(document: Document, writer: Writer, how: WriteOptions) -> OutputFile:
    """Return one file for a document: the only one of its format, or a ZIP of several.

    Where a format makes none, as CSV does without tables, it is what the format's `write` returns.
    """
    files = output_files(document, writer, how)
    if not files:
        return OutputFile(writer.suffix, writer.media_type, as_bytes(writer.write(document, how)))
    if len(files) == 1:
        return files[0]
    archive = zip_of([(file.suffix.lstrip("."), file.content) for file in files])
    return OutputFile(".zip", "application/zip", archive)


def zip_of(files: Sequence[tuple[str, bytes]]) -> bytes:
    """Return an archive of named files, in their order."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            entry = zipfile.ZipInfo(name, _NO_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16  # readable where it is unpacked
            archive.writestr(entry, content)
    return out.getvalue()


def as_bytes(content: str | bytes) -> bytes:
    """Return what a writer returned as bytes; a lone surrogate, which UTF-8 cannot hold, becomes "?"."""
    return content.encode("utf-8", "replace") if isinstance(content, str) else content
