"""Documents as compressed JSON, the form in which they are kept. Pure functions.

JSON rather than pickle: what comes back from a shared store is data, whoever wrote it.
"""

from __future__ import annotations

import json
import zlib

from crnn_ocr.document import Document
from crnn_ocr.export.json import from_dict, to_json

#: Part of every shared key; raised whenever the form changes.
FORMAT = 1

#: Text of a kept document after unpacking, in bytes; nothing that was written here is larger.
LARGEST_TEXT = 64 * 1024 * 1024


class BrokenEntryError(ValueError):
    """The bytes are no document in this form."""


def encode(document: Document, *, chars: bool = False) -> bytes:
    """Write a document the way answers show it: coordinates and confidences rounded.

    Args:
        document: What was read.
        chars: Whether to keep single characters, which take several times the room.

    Raises:
        ValueError: It is too large to be kept.
    """
    text = to_json(document, chars=chars).encode()
    if len(text) > LARGEST_TEXT:
        raise ValueError(f"a document of {len(text)} bytes is too large to be kept")
    return zlib.compress(text)


def decode(data: bytes) -> Document:
    """Read what `encode` wrote.

    Raises:
        BrokenEntryError: Something else wrote it, or it is damaged.
    """
    try:
        unpacker = zlib.decompressobj()
        text = unpacker.decompress(data, LARGEST_TEXT)
        if not unpacker.eof or unpacker.unused_data:
            raise BrokenEntryError("cut short, or followed by something else")
        return from_dict(json.loads(text))
    except (zlib.error, ValueError, RecursionError) as error:
        raise BrokenEntryError(type(error).__name__) from None
