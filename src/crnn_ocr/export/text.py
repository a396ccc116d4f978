"""Writes a Document as plain text."""

from __future__ import annotations

from crnn_ocr.document import Document


def to_text(document: Document, *, source: str | None = None) -> str:
    """Write the recognised text: one row per line, an empty row between pages.

    Args:
        document: The document to write.
        source: Name of the input for a headline `==> name <==`; no headline when None.

    Returns:
        The text; every row ends with a line feed. With a headline it ends with an empty row, so that several
        results can be written one after the other.
    """
    text = f"{document.text}\n" if document.text else ""
    return text if source is None else f"==> {source} <==\n{text}\n"
