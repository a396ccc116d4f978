"""Reads one table: gathers its lines, lets the methods compete, and decides whether it is a table at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from crnn_ocr.document import Block, Line
from crnn_ocr.imaging.polygons import corners
from crnn_ocr.pixels import Pixels
from crnn_ocr.tables.areas.regions import Region, Sign
from crnn_ocr.tables.cells import cut, fill
from crnn_ocr.tables.choice import best_grid, is_clear, with_second_opinion
from crnn_ocr.tables.grid import Box, Grid
from crnn_ocr.tables.grids.partly import GUTTERS, partly_ruled_grid
from crnn_ocr.tables.grids.placing import places_of
from crnn_ocr.tables.grids.refining import refined
from crnn_ocr.tables.grids.ruled import RULED, ruled_grid
from crnn_ocr.tables.grids.scoring import violations
from crnn_ocr.tables.grids.text_rows import text_rows
from crnn_ocr.tables.heads import header_rows
from crnn_ocr.tables.rules import Rule, Rules
from crnn_ocr.tables.words import Word, signs_with_amounts, text_box, words_of

#: Another method: given the page, the area of a table and its lines, it returns grids of the table.
Candidates = Callable[[Pixels, Box, Sequence[Line]], Sequence[Grid]]

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


def read_table(
    image: Pixels,
    region: Region,
    lines: Sequence[Line],
    rules: Rules,
    height: float,
    candidates: Candidates | None = None,
) -> tuple[Block, list[Line]] | None:
    """Return the table of a region and the lines outside of it, or None if it is no table.

    Args:
        image: The page.
        region: Where the table may be.
        lines: The lines of the page that stand in no other table.
        rules: The rules of the page.
        height: Typical height of text in pixels.
        candidates: A network, asked for its grids where those of the other methods leave doubt.
    """
    inside, rest = _divided(lines, region.box, height)
    own = rules_in(rules, region.box, height)
    words = signs_with_amounts(words_of(inside), own.vertical, height)
    if not words:
        return None
    box = (
        min(word.box[0] for word in words),
        min(word.box[1] for word in words),
        max(word.box[2] for word in words),
        max(word.box[3] for word in words),
    )
    grids = grids_of(box, words, own, height)
    if not grids:
        return None
    judge = partial(violations, words=words, rules=own, height=height)
    grid, found = best = best_grid(grids, judge)
    if not is_table(grid, found.total, words, region.sign, height):
        return None
    if candidates is not None and not is_clear(grid, found, len(words)):
        others = [refined(one, words, own, height) for one in candidates(image, region.box, inside)]
        grid, _ = with_second_opinion(best, others, judge, len(words))
    table = fill(grid, inside, words)
    table = replace(table, header_rows=header_rows(table, own))
    return Block(table.lines, "table", table=table, polygon=corners(region.box)), rest


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
    cells: dict[int, list[Word]] = {}
    for place, word in zip(places, words, strict=True):
        cells.setdefault(place, []).append(word)
    long = [cell for cell in cells.values() if len(text_rows(cell, height)) >= _ARTICLE_ROWS]
    others = len(cells) - len(long)
    return sum(map(len, long)) > _IN_ARTICLES * len(words) and others <= _OTHERS_PER_ARTICLE * len(long)


def _divided(lines: Sequence[Line], box: Box, height: float) -> tuple[list[Line], list[Line]]:
    """Return the lines, or parts of them, inside of a box and outside of it."""
    inside: list[Line] = []
    outside: list[Line] = []
    for line in lines:
        left, top, right, bottom = text_box(line)
        if not box[1] - 0.2 * height < (top + bottom) / 2 < box[3] + 0.2 * height:
            outside.append(line)
        elif box[0] - height < left and right < box[2] + height:
            inside.append(line)
        else:
            for part, within in _split(line, box, height):
                (inside if within else outside).append(part)
    return inside, outside


def _split(line: Line, box: Box, height: float) -> list[tuple[Line, bool]]:
    """Return the parts of a line and whether they lie in a box; it is divided between words alone."""
    words = words_of([line])
    within = [box[0] - 0.3 * height < word.middle < box[2] + 0.3 * height for word in words]
    if not words or all(within) or not any(within):
        return [(line, bool(within) and all(within))]
    parts: list[tuple[Line, bool]] = []
    first = 0
    for index in range(1, len(words) + 1):
        if index == len(words) or within[index] != within[first]:
            parts.append((cut(line, words[first].first, words[index - 1].end), within[first]))
            first = index
    return parts


def rules_in(rules: Rules, box: Box, height: float) -> Rules:
    """Return the rules of an area, cut off at its sides."""

    def part(found: Sequence[Rule], low: float, high: float, start: float, end: float) -> tuple[Rule, ...]:
        slack = 0.5 * height
        return tuple(
            Rule(rule.at, max(rule.start, start - slack), min(rule.end, end + slack))
            for rule in found
            if low - slack <= rule.at <= high + slack
            and min(rule.end, end + slack) - max(rule.start, start - slack) > height
        )

    left, top, right, bottom = box
    return Rules(
        part(rules.horizontal, top, bottom, left, right), part(rules.vertical, left, right, top, bottom)
    )


def grids_of(box: Box, words: Sequence[Word], rules: Rules, height: float) -> list[Grid]:
    """Return the grids that the methods without a network see."""
    found = [
        ruled_grid(words, rules, box, height),
        partly_ruled_grid(words, rules, box, height, by_rules=True),
        partly_ruled_grid(words, rules, box, height, by_rules=False, by_head=True),
        partly_ruled_grid(words, rules, box, height, by_rules=False),
    ]
    return [grid for grid in found if grid is not None]
