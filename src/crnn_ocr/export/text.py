"""Writes a Document as plain text."""

from __future__ import annotations

from itertools import pairwise

from crnn_ocr.document import Block, Document, Table
from crnn_ocr.export.escaping import clean, one_row
from crnn_ocr.export.kinds import PAGE_FURNITURE
from crnn_ocr.layout.blocks.joining import join_lines


def to_text(document: Document, *, source: str | None = None) -> str:
    """Write the recognised text.

    With the layout `lines` every line gets a row, and an empty row stands between pages. With `blocks` every
    paragraph, heading, list item and row of a table gets a row, cells are separated by tabs, empty rows stand
    between blocks but not between the items of a list, and pages are not told apart: their headers, footers
    and numbers are left out.

    Args:
        document: The document to write.
        source: Name of the input for a headline `==> name <==`; no headline when None.

    Returns:
        The text; every row ends with a line feed. With a headline it ends with an empty row, so that several
        results can be written one after the other.
    """
    flowing = document.layout == "blocks"
    content = _flowing(document) if flowing else document.text
    text = f"{content}\n" if content else ""
    return text if source is None else f"==> {source} <==\n{text}\n"


def _flowing(document: Document) -> str:
    blocks = [
        (block, text)
        for page in document.pages
        for block in page.blocks
        if block.kind not in PAGE_FURNITURE and (text := _block_text(block)).strip()
    ]
    if not blocks:
        return ""
    rows = [blocks[0][1]]
    for (former, _), (block, text) in pairwise(blocks):
        rows.append("\n" if former.kind == block.kind == "list_item" else "\n\n")
        rows.append(text)
    return "".join(rows)


def _block_text(block: Block) -> str:
    if block.table is not None:
        return "\n".join("\t".join(row) for row in table_rows(block.table))
    return clean(join_lines(block.lines))


def table_rows(table: Table) -> list[list[str]]:
    """Return the cells' texts by row and column; that of a cell with spans stands at its first place."""
    rows = [[""] * table.cols for _ in range(table.rows)]
    for cell in table.cells:
        rows[cell.row][cell.col] = one_row(join_lines(cell.lines)).strip()
    return rows
