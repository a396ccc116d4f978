"""Encodes documents as compressed JSON for the cache, and decodes them. Pure functions.

JSON rather than pickle: whoever wrote an entry of a shared store, decoding it runs no code.
"""

from __future__ import annotations

import json
import zlib

from crnn_ocr.document import Document
from crnn_ocr.export.json import from_dict, to_json

#: Version of the format, part of every shared key; raise it whenever the format changes.
FORMAT = 2

#: Characters with their places in an entry: more take too much memory while they are encoded.
MOST_CHARS = 100_000
#: Size limit of a document's JSON before compression, in bytes.
LARGEST_TEXT = 64 * 1024 * 1024


class BrokenEntryError(ValueError):
    """The bytes are not a document in this format."""


def encode(document: Document, *, chars: bool = False) -> bytes:
    """Encode a document as answers show it, with rounded coordinates and confidences.

    Args:
        document: The document to encode.
        chars: Whether to keep single characters, which take several times the space.

    Raises:
        ValueError: The document is too large for the cache.
    """
    count = sum(len(line.chars) for page in document.pages for line in page.lines) if chars else 0
    if count > MOST_CHARS:  # before they take memory as JSON
        raise ValueError(f"a document of {count} characters with places is too large to be kept")
    text = to_json(document, chars=chars).encode()
    if len(text) > LARGEST_TEXT:
        raise ValueError(f"a document of {len(text)} bytes is too large to be kept")
    return zlib.compress(text)


def decode(data: bytes) -> Document:
    """Decode a document that `encode` encoded.

    Raises:
        BrokenEntryError: The bytes are damaged, or something else wrote them.
    """
    try:
        unpacker = zlib.decompressobj()
        text = unpacker.decompress(data, LARGEST_TEXT)
        if not unpacker.eof or unpacker.unused_data:
            raise BrokenEntryError("cut short, or followed by something else")
        return from_dict(json.loads(text))
    except (zlib.error, ValueError, RecursionError) as error:
        raise BrokenEntryError(type(error).__name__) from None
