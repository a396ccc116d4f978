"""Writes the grid of a table as HTML."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from crnn_ocr.document import Cell, Table
from crnn_ocr.export.escaping import attributes, xml
from crnn_ocr.layout.blocks.joining import join_lines


def cell_html(cell: Cell) -> str:
    """Return the joined text of a cell with its line breaks."""
    return rows_html(join_lines(cell.lines))


def rows_html(text: str) -> str:
    """Return text with its line breaks as HTML."""
    return "<br>".join(xml(row) for row in text.split("\n"))


def table_html(
    table: Table, *, caption: str = "", marks: str = "", content: Callable[[Cell], str] = cell_html
) -> str:
    """Return a table with head, spans and empty cells; every row stands on a line of its own.

    Args:
        table: The grid.
        caption: HTML of the caption; none if empty.
        marks: Attributes of the element, with a blank in front.
        content: Returns the HTML of a cell.
    """
    rows: list[list[Cell]] = [[] for _ in range(table.rows)]
    for cell in table.cells:
        rows[cell.row].append(cell)
    parts = [f"<table{marks}>"]
    if caption:
        parts.append(f"<caption>{caption}</caption>")
    heads = head_rows(table)
    if heads:
        parts += ["<thead>", *_rows(rows[:heads], "th", content), "</thead>"]
    if heads < table.rows:
        parts += ["<tbody>", *_rows(rows[heads:], "td", content), "</tbody>"]
    return "\n".join((*parts, "</table>"))


def head_rows(table: Table) -> int:
    """Return how many rows make up the head: a cell must not reach from it into the body."""
    heads = min(table.header_rows, table.rows)
    crossing = [cell for cell in table.cells if cell.row < heads < cell.row + cell.row_span]
    return min((cell.row for cell in crossing), default=heads)


def _rows(rows: Iterable[Iterable[Cell]], tag: str, content: Callable[[Cell], str]) -> Iterable[str]:
    for row in rows:
        cells = "".join(f"<{tag}{_spans(cell)}>{content(cell)}</{tag}>" for cell in row)
        yield f"<tr>{cells}</tr>"


def _spans(cell: Cell) -> str:
    return attributes(
        rowspan=cell.row_span if cell.row_span > 1 else None,
        colspan=cell.col_span if cell.col_span > 1 else None,
    )
