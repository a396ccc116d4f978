"""Decides whether what stands in a grid is a table, not a window, a chart, articles or columns of text."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from statistics import median

from crnn_ocr.tables.areas.columns import is_prose
from crnn_ocr.tables.areas.regions import Sign
from crnn_ocr.tables.grid import Grid, GridCell
from crnn_ocr.tables.grids.partly import GUTTERS
from crnn_ocr.tables.grids.placing import places_of
from crnn_ocr.tables.grids.row_joining import is_figures
from crnn_ocr.tables.grids.ruled import RULED
from crnn_ocr.tables.grids.text_rows import text_rows
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
    places = places_of(grid, [word.box for word in words]).cells.tolist()
    drawn = sign == "net" and grid.method == RULED
    filled = len(set(places))
    share = filled / len(grid.cells)
    mess = total / len(words)
    # Windows on a screen are nets of rules, too, with most of the text in one of them.
    most = max(Counter(places).values())
    clear = drawn and share >= _CELLS_WITH_TEXT and filled >= _LEAST_CELLS and mess <= _CLEAR_VIOLATIONS
    if most > (_IN_LONG_REMARK if clear else _IN_ONE_CELL) * len(words) and most >= 16:
        return False
    if _frames_articles(places, words, height):
        return False
    spanning = sum(cell.row_span * cell.col_span > 1 for cell in grid.cells) / len(grid.cells)
    if len(grid.cells) > _LARGE and share < _FILLED_LARGE and spanning > _SPANNING:
        return False
    if drawn and share < _CELLS_WITH_TEXT and spanning > _SPANNING_SMALL and mess > _VIOLATIONS_SMALL:
        return False
    held = _held(places, words)
    if _is_window(grid, held, mess, height) or _is_chart(grid, held):
        return False
    if grid.method == GUTTERS and is_prose(text_rows(words, height), height):
        return False
    if not drawn and filled < min(_LEAST_FILLED, len(grid.cells)):
        return False
    in_net = _FILLED_IN_NET if sign == "net" and grid.method == GUTTERS else _FILLED
    if filled < 4 or share < (_FILLED_DRAWN if drawn else in_net):
        return False
    return mess <= (_VIOLATIONS_DRAWN if drawn else _VIOLATIONS)


def _frames_articles(places: Sequence[int], words: Sequence[Word], height: float) -> bool:
    """Return whether most of the words stand in a few cells that are as long as articles.

    Args:
        places: The cell of each word.
        words: The words.
        height: Typical height of text in pixels.
    """
    cells = _held(places, words)
    long = [cell for cell in cells.values() if len(text_rows(cell, height)) >= _ARTICLE_ROWS]
    others = len(cells) - len(long)
    return sum(map(len, long)) > _IN_ARTICLES * len(words) and others <= _OTHERS_PER_ARTICLE * len(long)


def _is_window(grid: Grid, held: dict[int, list[Word]], mess: float, height: float) -> bool:
    """Return whether cells are the panes of a window: one takes much of it, or holds a menu."""
    sizes = [_area(cell) for cell in grid.cells]
    unfit = grid.method != RULED or mess > _MISFIT
    if unfit and max(sizes) > _PANE * sum(sizes) and len(sizes) > _LEAST_CELLS - 1:
        return True
    rows = max((text_rows(words, height) for words in held.values()), key=len)
    if len(rows) < _MENU_ROWS:
        return False
    return median(b.top - a.bottom for a, b in itertools.pairwise(rows)) >= _MENU_APART * height


def _is_chart(grid: Grid, held: dict[int, list[Word]]) -> bool:
    """Return whether a grid is a chart with the figures of its axis in the first column and little else."""
    if grid.cols > _CHART_COLUMNS:
        return False
    first = [words for place, words in held.items() if grid.cells[place].col == 0]
    rows = {grid.cells[place].row for place in held if grid.cells[place].col > 0}
    ticks = sum(is_figures(words) for words in first)
    return bool(first) and ticks >= _TICKS * len(first) and len(rows) <= _BESIDE_TICKS * grid.rows


def _held(places: Sequence[int], words: Sequence[Word]) -> dict[int, list[Word]]:
    """Return the words of each cell that has some."""
    cells: dict[int, list[Word]] = {}
    for place, word in zip(places, words, strict=True):
        cells.setdefault(place, []).append(word)
    return cells


def _area(cell: GridCell) -> float:
    left, top, right, bottom = cell.box
    return (right - left) * (bottom - top)
