"""The key under which an answer is kept: a digest of everything that decides it. Pure functions."""

from __future__ import annotations

import hashlib

from crnn_ocr.models.fingerprint import Fingerprint
from crnn_ocr.options import ReadOptions


def cache_key(picture: bytes, options: ReadOptions, fingerprint: Fingerprint, *, chars: bool = False) -> str:
    """Derive the key of one reading.

    Two readings have the same key only if they give the same document: the digest covers the encoded
    picture, every option with its effective value (a default counts as if it were given, and a model's
    alias as the model that it stands for) and what of the installation decides the answer.

    Args:
        picture: The bytes of the file.
        options: How it is to be read.
        fingerprint: The part of the installation.
        chars: Whether the document is kept with its single characters.

    Returns:
        64 hexadecimal digits (SHA-256); something behind them where characters are kept.
    """
    effective = options.model_copy(update={"model": fingerprint.model})
    digest = hashlib.sha256()
    # Lengths in front keep one part's end from passing for the next part's beginning.
    for part in (fingerprint.digest.encode(), effective.model_dump_json().encode(), picture):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest() + (":chars" if chars else "")
