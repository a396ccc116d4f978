"""Derives the key of a cache entry: a digest of everything that decides the answer. Pure functions."""

from __future__ import annotations

import hashlib

from crnn_ocr.models.fingerprint import Fingerprint
from crnn_ocr.options import ReadOptions


def cache_key(picture: bytes, options: ReadOptions, fingerprint: Fingerprint, *, chars: bool = False) -> str:
    """Return the key of one reading.

    Two readings have the same key only if they give the same document. The digest covers the encoded picture,
    every option with its effective value, and the fingerprint of the installation. A default counts as if it
    had been given, and an alias as the model that it stands for.

    Args:
        picture: The bytes of the file.
        options: The options of the reading.
        fingerprint: The fingerprint of the installation.
        chars: Whether the document is kept with its single characters.

    Returns:
        64 hexadecimal digits (SHA-256), followed by `:chars` if characters are kept.
    """
    effective = options.model_copy(update={"model": fingerprint.model})
    digest = hashlib.sha256()
    # Each part is preceded by its length, so that no bytes can move from one part to the next unnoticed.
    for part in (fingerprint.digest.encode(), effective.model_dump_json().encode(), picture):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest() + (":chars" if chars else "")
