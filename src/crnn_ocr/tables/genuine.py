"""Decides whether what stands in a grid is a table, not a window, a chart, articles or columns of text."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from crnn_ocr.tables.areas.columns import is_prose
from crnn_ocr.tables.areas.regions import Sign
from crnn_ocr.tables.grid import Grid, GridCell
from crnn_ocr.tables.grids.partly import GUTTERS
from crnn_ocr.tables.grids.placing import words_by_cell
from crnn_ocr.tables.grids.row_joining import is_figures
from crnn_ocr.tables.grids.ruled import RULED
from crnn_ocr.tables.grids.text_rows import TextRow, text_rows
from crnn_ocr.tables.words import Word

#: Least share of cells with text: of cells that are drawn, as in forms with empty places; of others; and of
#: those that white space shows within a net of rules, which the panes of a window on a screen make, too (of
#: 143 tables and 100 pages, true ones have 0.88 or more, windows 0.46 or less).
_FILLED_DRAWN, _FILLED, _FILLED_IN_NET = 0.15, 0.4, 0.55
#: The panes of a window make a large net: most of them empty, and many that span others. In a small one even
#: more span others, and the text does not keep to them.
_LARGE, _FILLED_LARGE, _SPANNING = 60, 0.5, 0.2
_SPANNING_SMALL, _VIOLATIONS_SMALL = 0.4, 0.1
#: Greatest share of the words that stand in one cell; where nearly all cells are drawn and have text, one of
#: them may be a long remark.
_IN_ONE_CELL, _IN_LONG_REMARK = 0.5, 0.8
_CELLS_WITH_TEXT, _LEAST_CELLS, _CLEAR_VIOLATIONS = 0.9, 6, 0.05
#: Rows of text from which a cell is as long as an article, and the greatest share of the words in such cells
#: where there are at most so many other cells with text for each: then rules frame a newspaper's articles.
_ARTICLE_ROWS, _IN_ARTICLES, _OTHERS_PER_ARTICLE = 12, 0.6, 2
#: Greatest weighted violations per word of what is still a table.
_VIOLATIONS_DRAWN, _VIOLATIONS = 0.5, 0.3
#: Least number of cells with text where some others have none, if no net of rules draws them.
_LEAST_FILLED = 6
#: A pane of a window: share of the area that one cell takes, and the violations per word from which the grid
#: does not fit the text. Forms have large cells as well, but their text fits.
_PANE, _MISFIT = 0.42, 0.1
#: Rows of text of one cell that stand as far apart, in heights, as rows of a table or entries of a menu do.
_MENU_ROWS, _MENU_APART = 7, 1.0
#: The axis of a chart: greatest number of columns, share of its texts that are figures, and of the rows with
#: text beside it.
_CHART_COLUMNS, _TICKS, _BESIDE_TICKS = 3, 0.7, 0.4


def is_table(grid: Grid, total: float, words: Sequence[Word], sign: Sign, height: float) -> bool:
    """Return whether a grid is one of a table: several rows and columns with text, and few violations.

    Args:
        grid: The best grid of its region.
        total: Its violations, weighted.
        words: The words of the region.
        sign: What speaks for the region.
        height: Typical height of text in pixels.
    """
    if grid.rows < 2 or grid.cols < 2:
        return False
    held = {place: cell for place, cell in enumerate(words_by_cell(grid, words)) if cell}
    drawn = sign == "net" and grid.method == RULED
    filled = len(held)
    share = filled / len(grid.cells)
    mess = total / len(words)
    # Windows on a screen are nets of rules, too, with most of the text in one of them.
    most = max(map(len, held.values()))
    clear = drawn and share >= _CELLS_WITH_TEXT and filled >= _LEAST_CELLS and mess <= _CLEAR_VIOLATIONS
    if most > (_IN_LONG_REMARK if clear else _IN_ONE_CELL) * len(words) and most >= 16:
        return False
    rows = {place: text_rows(cell, height) for place, cell in held.items()}
    if _frames_articles(held, rows, len(words)):
        return False
    spanning = sum(cell.row_span * cell.col_span > 1 for cell in grid.cells) / len(grid.cells)
    if len(grid.cells) > _LARGE and share < _FILLED_LARGE and spanning > _SPANNING:
        return False
    if drawn and share < _CELLS_WITH_TEXT and spanning > _SPANNING_SMALL and mess > _VIOLATIONS_SMALL:
        return False
    if _is_window(grid, rows.values(), mess, height) or _is_chart(grid, held):
        return False
    if grid.method == GUTTERS and is_prose(text_rows(words, height), height):
        return False
    if not drawn and filled < min(_LEAST_FILLED, len(grid.cells)):
        return False
    in_net = _FILLED_IN_NET if sign == "net" and grid.method == GUTTERS else _FILLED
    if filled < 4 or share < (_FILLED_DRAWN if drawn else in_net):
        return False
    return mess <= (_VIOLATIONS_DRAWN if drawn else _VIOLATIONS)


def _frames_articles(
    held: Mapping[int, Sequence[Word]], rows: Mapping[int, Sequence[TextRow]], count: int
) -> bool:
    """Return whether most of the words stand in a few cells that are as long as articles.

    Args:
        held: The words of each cell that has some.
        rows: Their rows of text.
        count: The number of words.
    """
    long = [place for place in held if len(rows[place]) >= _ARTICLE_ROWS]
    others = len(held) - len(long)
    in_long = sum(len(held[place]) for place in long)
    return in_long > _IN_ARTICLES * count and others <= _OTHERS_PER_ARTICLE * len(long)


def _is_window(grid: Grid, rows: Iterable[Sequence[TextRow]], mess: float, height: float) -> bool:
    """Return whether cells are the panes of a window: one takes much of it, or holds a menu."""
    sizes = [_area(cell) for cell in grid.cells]
    unfit = grid.method != RULED or mess > _MISFIT
    if unfit and max(sizes) > _PANE * sum(sizes) and len(sizes) > _LEAST_CELLS - 1:
        return True
    most = max(rows, key=len)
    if len(most) < _MENU_ROWS:
        return False
    return median(b.top - a.bottom for a, b in itertools.pairwise(most)) >= _MENU_APART * height


def _is_chart(grid: Grid, held: Mapping[int, Sequence[Word]]) -> bool:
    """Return whether a grid is a chart with the figures of its axis in the first column and little else."""
    if grid.cols > _CHART_COLUMNS:
        return False
    first = [words for place, words in held.items() if grid.cells[place].col == 0]
    rows = {grid.cells[place].row for place in held if grid.cells[place].col > 0}
    ticks = sum(is_figures(words) for words in first)
    return bool(first) and ticks >= _TICKS * len(first) and len(rows) <= _BESIDE_TICKS * grid.rows


def _area(cell: GridCell) -> float:
    left, top, right, bottom = cell.box
    return (right - left) * (bottom - top)
