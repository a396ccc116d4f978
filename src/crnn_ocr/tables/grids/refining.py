"""Corrects a grid of a network by what the rules and the places of the texts show."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from crnn_ocr.tables.figures import is_value
from crnn_ocr.tables.grid import Grid, GridCell
from crnn_ocr.tables.grids.assemble import Area, Place, assemble
from crnn_ocr.tables.grids.placing import words_by_cell
from crnn_ocr.tables.grids.ruled import covered
from crnn_ocr.tables.rules import Rule, Rules
from crnn_ocr.tables.words import Word

#: Share of the side of a cell from which a rule divides it from the next one.
_DRAWN = 0.6
#: Share of the width of a table from which a rule runs along a row as a whole.
_FULL = 0.9


@dataclass(frozen=True, slots=True)
class _Filled:
    """A grid with its words and rules.

    Attributes:
        grid: The grid.
        xs: The borders of its columns.
        ys: The borders of its rows.
        words: The words of each cell.
        cell_at: The number of the cell at each place.
        rules: The rules of the table.
        height: Typical height of text in pixels.
    """

    grid: Grid
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    words: tuple[tuple[Word, ...], ...]
    cell_at: dict[Place, int]
    rules: Rules
    height: float

    def text(self, place: Place) -> str:
        """Return the text of the cell at a place."""
        return " ".join(word.text for word in self.words[self.cell_at[place]])

    def is_drawn(self, row: int, col: int) -> bool:
        """Return whether a rule divides a row from the next one in a column."""
        return self.share(row, col, col + 1) >= _DRAWN

    def share(self, row: int, first: int, end: int) -> float:
        """Return the share of the width of columns along which a rule divides a row from the next one."""
        near = 0.6 * self.height
        return covered(self.between(row), self.ys[row + 1], self.xs[first], self.xs[end], apart=near)

    def between(self, row: int) -> list[Rule]:
        """Return the horizontal rules near the border of a row and the next one."""
        at = self.ys[row + 1]
        return [rule for rule in self.rules.horizontal if abs(rule.at - at) <= 0.6 * self.height]


def refined(grid: Grid, words: Sequence[Word], rules: Rules, height: float) -> Grid:
    """Return a grid with the heads beside heads over several columns, and cells between rules, made whole.

    A network tells heads over several columns well, but not that the cell beside them is as high as all of
    them; and it does not see that a cell goes on where a rule leaves it out.

    Args:
        grid: The grid of a network.
        words: The words of the table.
        rules: Its rules.
        height: Typical height of its text in pixels.
    """
    filled = _filled(grid, words, rules, height)
    if filled is None:
        return grid
    heads = max(_heads(filled), _above_rule(filled))
    more = [*_beside_spanning_heads(filled, heads), *_left_out_by_rules(filled, heads)]
    together = [pair for cell in grid.cells for pair in _pairs(_area(cell))] + more
    return assemble(filled.ys, filled.xs, together, grid.method)


def _filled(grid: Grid, words: Sequence[Word], rules: Rules, height: float) -> _Filled | None:
    """Return a grid with its words; None if not every border of it is known, or it is too small."""
    xs = {cell.col: cell.box[0] for cell in grid.cells}
    ys = {cell.row: cell.box[1] for cell in grid.cells}
    if min(grid.rows, grid.cols) < 2 or len(xs) < grid.cols or len(ys) < grid.rows:
        return None
    cell_at = {place: index for index, cell in enumerate(grid.cells) for place in _places(_area(cell))}
    right = max(cell.box[2] for cell in grid.cells)
    bottom = max(cell.box[3] for cell in grid.cells)
    return _Filled(
        grid,
        (*(xs[col] for col in range(grid.cols)), right),
        (*(ys[row] for row in range(grid.rows)), bottom),
        tuple(map(tuple, words_by_cell(grid, words))),
        cell_at,
        rules,
        height,
    )


def _heads(table: _Filled) -> int:
    """Return the number of rows before the first with values, or with a text in its first column alone."""
    for row in range(table.grid.rows):
        texts = [table.text((row, col)) for col in range(table.grid.cols)]
        if any(is_value(text) for text in texts[1:]):
            return row
        alone = texts[0] and not any(
            texts[col] and table.cell_at[row, col] != table.cell_at[row, 0]
            for col in range(1, table.grid.cols)
        )
        if row and alone and table.grid.cells[table.cell_at[row, 0]].row == row:
            return row
    return 0


def _above_rule(table: _Filled) -> int:
    """Return the number of rows above the first rule along all columns: heads may be figures, too."""
    rows = range(table.grid.rows // 2)
    return next((row + 1 for row in rows if table.share(row, 0, table.grid.cols) >= _FULL), 0)


def _beside_spanning_heads(table: _Filled, heads: int) -> list[tuple[Place, Place]]:
    """Return the places of heads beside heads over several columns: the empty ones above and below a text.

    A rule between the two, or a text in both, keeps them apart.
    """
    cells = table.grid.cells
    spanned = {
        row
        for row in range(heads)
        for cell in cells
        if cell.row == row and cell.col_span > 1 and cell.col > 0
    }
    more = []
    for col in range(table.grid.cols):
        for row in range(heads - 1):
            one, other = (table.cell_at[at, col] for at in (row, row + 1))
            if one == other or cells[one].col_span > 1 or cells[other].col_span > 1:
                continue
            texts = bool(table.words[one]), bool(table.words[other])
            if texts == (False, True) and row in spanned and not table.is_drawn(row, col):
                more.append(((row, col), (row + 1, col)))
    return more


def _left_out_by_rules(table: _Filled, heads: int) -> list[tuple[Place, Place]]:
    """Return the places of neighbouring rows that a rule below other columns leaves out.

    The first cells of the rows go on then; a column after one that the rule divides is divided, too.
    """
    more = []
    for row in range(max(1, heads), table.grid.rows - 1):
        drawn = [table.is_drawn(row, col) for col in range(table.grid.cols)]
        if not any(drawn):
            continue
        for col in range(drawn.index(True)):
            one, other = (table.cell_at[at, col] for at in (row, row + 1))
            if one != other and not table.words[other]:
                more.append(((row, col), (row + 1, col)))
    return more


def _area(cell: GridCell) -> Area:
    return cell.row, cell.col, cell.row + cell.row_span, cell.col + cell.col_span


def _places(area: Area) -> Iterator[Place]:
    return itertools.product(range(area[0], area[2]), range(area[1], area[3]))


def _pairs(area: Area) -> Iterable[tuple[Place, Place]]:
    """Return pairs of neighbouring places that make up an area."""
    first, *others = _places(area)
    return [(first, other) for other in others]
