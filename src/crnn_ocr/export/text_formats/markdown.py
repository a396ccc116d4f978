"""Writes a Document as GitHub Flavored Markdown.

Headings keep their levels, paragraphs are joined, and page breaks, headers, footers and page numbers are left
out, since the text runs on. A table becomes a pipe table if it has neither spans nor cells of several rows,
otherwise the HTML that Markdown allows. Footnotes stay where they stand, in small print: a footnote of
Markdown needs a reference at a known place in the text, and without one it would not be shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from crnn_ocr.document import Block, Document, Page, Table
from crnn_ocr.export.kinds import PAGE_FURNITURE, heading_level
from crnn_ocr.export.structure import depths, run_of, split_marker
from crnn_ocr.export.text_formats.markdown_escaping import escaped, escaped_rows
from crnn_ocr.export.web.pictures import figure_url
from crnn_ocr.export.web.tables import table_html
from crnn_ocr.layout.blocks.joining import join_lines

if TYPE_CHECKING:
    from crnn_ocr.pixels import Pixels


def to_markdown(document: Document, *, picture: Callable[[int], Pixels] | None = None) -> str:
    """Write a document as Markdown.

    Args:
        document: The document to write. With the layout `lines` every line keeps its row.
        picture: Returns the picture of a page, from which figures are cut; without it they are left out.

    Returns:
        The text, which ends with a line feed; "" for a document without text.
    """
    parts = []
    for page in document.pages:
        blocks = [block for block in page.blocks if block.kind not in PAGE_FURNITURE]
        start = 0
        while start < len(blocks):
            end = max(start + 1, run_of(blocks, start, "list_item"))
            if blocks[start].kind == "list_item":
                parts.append(_list(blocks[start:end]))
            else:
                parts.append(_block(blocks[start], page, document.layout == "lines", picture))
            start = end
    content = "\n\n".join(part for part in parts if part)
    return f"{content}\n" if content else ""


def _block(block: Block, page: Page, by_lines: bool, picture: Callable[[int], Pixels] | None) -> str:
    if block.table is not None:
        return _table(block.table)
    if block.kind == "figure":
        return _figure(block, page, picture)
    text = "\n".join(line.text for line in block.lines) if by_lines else join_lines(block.lines)
    if block.kind == "heading":
        return _heading(text, heading_level(block))
    rows = escaped_rows(text)
    if not rows:
        return ""
    if block.kind == "caption":
        return f"*{rows}*"
    return f"<small>{rows}</small>" if block.kind == "footnote" else rows


def _heading(text: str, level: int) -> str:
    # A heading has one row, and Markdown drops the signs # at its end.
    row = escaped(" ".join(text.split("\n")))
    if row.endswith("#"):
        row = row[:-1] + "\\#"
    return f"{'#' * level} {row}" if row else ""


def _figure(block: Block, page: Page, picture: Callable[[int], Pixels] | None) -> str:
    url = figure_url(block, page, picture)
    shown = "" if url is None else f"![Figure]({url})"
    text = escaped_rows(join_lines(block.lines))
    return "\n\n".join(part for part in (shown, text) if part)


def _list(items: Sequence[Block]) -> str:
    """Write list items, each indented to the text of the item that it belongs to."""
    rows: list[str] = []
    # The column at which the text of the last item of each depth begins, and its number and sign.
    columns: list[int] = [0]
    last: list[tuple[int, str]] = []
    for item, depth in zip(items, depths(items), strict=True):
        number, sign, rest = split_marker(join_lines(item.lines))
        former = last[depth - 1] if len(last) >= depth else None
        own = number and (former is None or former == (int(number) - 1, sign))
        if number and not own:
            # In one list Markdown counts by itself, so a number out of turn is part of the text.
            rest = f"{number}{sign} {rest}"
        marker = f"{number}{sign} " if own else "- "
        indent = " " * columns[depth - 1]
        text = escaped_rows(rest).replace("\n", f"\n{indent}{' ' * len(marker)}")
        rows.append(f"{indent}{marker}{text}".rstrip())
        columns = [*columns[:depth], columns[depth - 1] + len(marker)]
        last = [*last[: depth - 1], (int(number), sign) if own else (-1, "-")]
    return "\n".join(rows)


def _table(table: Table) -> str:
    texts = {(cell.row, cell.col): join_lines(cell.lines) for cell in table.cells}
    simple = all(cell.row_span == cell.col_span == 1 for cell in table.cells)
    if not simple or table.header_rows > 1 or any("\n" in text for text in texts.values()):
        return table_html(table)
    rows = [[escaped(texts[row, col]) for col in range(table.cols)] for row in range(table.rows)]
    # A pipe table must have a head; it stays empty where the table has none.
    head, body = (rows[0], rows[1:]) if table.header_rows else ([""] * table.cols, rows)
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * table.cols, *body))
