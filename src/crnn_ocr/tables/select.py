"""Reads one table: gathers its lines, lets the methods compete, and decides whether it is a table at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from crnn_ocr.document import Block, Line
from crnn_ocr.imaging.polygons import corners
from crnn_ocr.pixels import Pixels
from crnn_ocr.tables.areas.regions import Region
from crnn_ocr.tables.cells import cut, fill
from crnn_ocr.tables.choice import best_grid, is_clear, with_second_opinion
from crnn_ocr.tables.genuine import is_table
from crnn_ocr.tables.grid import Box, Grid
from crnn_ocr.tables.grids.partly import partly_ruled_grid
from crnn_ocr.tables.grids.refining import refined
from crnn_ocr.tables.grids.ruled import ruled_grid
from crnn_ocr.tables.grids.scoring import violations
from crnn_ocr.tables.heads import header_rows
from crnn_ocr.tables.rules import Rule, Rules
from crnn_ocr.tables.words import Word, signs_with_amounts, text_box, without_leaders, words_of

#: Another method: given the page, the area of a table and its lines, it returns grids of the table.
Candidates = Callable[[Pixels, Box, Sequence[Line]], Sequence[Grid]]


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
    every = signs_with_amounts(words_of(inside), own.vertical, height)
    words = without_leaders(every)
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
    table = fill(grid, inside, every)
    table = replace(table, header_rows=header_rows(table, own))
    return Block(table.lines, "table", table=table, polygon=corners(region.box)), rest


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
