"""Tells how many rows at the top of a table name its columns."""

from __future__ import annotations

from crnn_ocr.document import Table
from crnn_ocr.tables.figures import is_value
from crnn_ocr.tables.rules import Rules

#: Greatest share of its rows that a head takes.
_SHARE = 0.5


def header_rows(table: Table, rules: Rules) -> int:
    """Return the number of header rows of a table.

    They end before the first row with values, but not within a cell that spans rows. A table without values
    has one header row if a rule sets it off from the rest, or its cells are all filled.

    Args:
        table: The table with its text.
        rules: Its rules, in the same coordinates as its cells.
    """
    valued = [_has_values(table, row) for row in range(table.rows)]
    if any(valued):
        count = valued.index(True)
    else:
        first = [cell for cell in table.cells if cell.row == 0]
        count = int(_is_set_off(table, rules) or all(cell.lines for cell in first))
    if count > _SHARE * table.rows:
        count = 1 if count and table.rows > 1 and not valued[0] else 0
    spans = [
        cell.row + cell.row_span for cell in table.cells if cell.row < count and cell.row_span < table.rows
    ]
    ends = max(spans, default=0)
    return ends if count < ends <= _SHARE * table.rows else count


def _has_values(table: Table, row: int) -> bool:
    """Return whether a row has figures beside its first column, other than years."""
    return any(is_value(cell.text) for cell in table.cells if cell.row == row and cell.col > 0)


def _is_set_off(table: Table, rules: Rules) -> bool:
    """Return whether a rule lies below the first row and few others follow."""
    first = [cell for cell in table.cells if cell.row == 0]
    bottom = min((cell.polygon[2][1] for cell in first), default=0.0)
    size = max((cell.polygon[2][1] - cell.polygon[0][1] for cell in first), default=0.0)
    near = [rule for rule in rules.horizontal if abs(rule.at - bottom) < 0.3 * size]
    return bool(near) and len(rules.horizontal) <= 4
