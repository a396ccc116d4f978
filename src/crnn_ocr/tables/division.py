"""Divides an area into tables that stand one below the other: no grid fits all of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from statistics import median

from crnn_ocr.tables.areas.columns import have_other_columns
from crnn_ocr.tables.areas.nets import words_in
from crnn_ocr.tables.areas.regions import Region, Sign, find_regions, is_table_of_its_own
from crnn_ocr.tables.choice import best_grid
from crnn_ocr.tables.grid import Box
from crnn_ocr.tables.grids.scoring import violations
from crnn_ocr.tables.grids.text_rows import TextRow, text_rows
from crnn_ocr.tables.rules import Rules
from crnn_ocr.tables.select import grids_of, rules_in
from crnn_ocr.tables.words import Word

#: Greatest number of places at which an area is tried to be divided.
_CUTS = 8
#: Weighted violations that a division has to save: as many at least, and this share of all.
_SAVED, _SHARE = 3.0, 0.4
#: Violations per word from which a division is looked for, and the most words that it takes: a division costs
#: the grids of all parts.
_DISORDER, _MOST_WORDS = 0.03, 2000
#: What each part counts, so that an area is not divided for nothing.
_PER_PART = 0.5
#: White space between rows, in usual ones, where an area may be divided.
_WIDE = 1.5


def divided(region: Region, words: Sequence[Word], rules: Rules, height: float) -> list[Region]:
    """Return the tables of an area, from top to bottom; the area itself if one grid fits it.

    Args:
        region: The area.
        words: The words of the page.
        rules: The rules of the page.
        height: Typical height of text in pixels.
    """
    left, top, right, bottom = region.box
    inside = words_in(words, region.box)
    rows = text_rows(inside, height)
    own = rules_in(rules, region.box, height)
    cuts = _places(region, rows, own, height)
    if not cuts or len(inside) > _MOST_WORDS:
        return [region]
    known: dict[tuple[float, float], float] = {}

    def disorder(start: float, end: float) -> float:
        if (start, end) not in known:
            known[start, end] = _disorder((left, start, right, end), inside, own, height)
        return known[start, end]

    whole = disorder(top, bottom)
    if whole < max(_SAVED, _DISORDER * len(inside)):
        return [region]
    borders = _least([top, *cuts, bottom], disorder)
    bands = _with_other_columns(borders, rows, height)
    if len(bands) == 1 or whole - sum(disorder(*band) for band in bands) < max(_SAVED, _SHARE * whole):
        return [region]
    found = [_tables_of((left, start, right, end), region.sign, inside, own, height) for start, end in bands]
    return [part for parts in found for part in parts]


def _least(places: Sequence[float], disorder: Callable[[float, float], float]) -> list[float]:
    """Return the places between which grids have the fewest violations, with the first and the last one."""
    best: list[tuple[float, list[float]]] = [(0.0, [places[0]])]
    for index in range(1, len(places)):
        ways = [
            (so_far + disorder(places[start], places[index]) + _PER_PART, [*borders, places[index]])
            for start, (so_far, borders) in enumerate(best)
        ]
        best.append(min(ways, key=lambda way: (way[0], len(way[1]))))
    return best[-1][1]


def _with_other_columns(
    borders: Sequence[float], rows: Sequence[TextRow], height: float
) -> list[tuple[float, float]]:
    """Return the bands between borders; those with the same columns, or a head and its rows, are one."""
    bands: list[tuple[float, float, list[TextRow]]] = []
    for start, end in itertools.pairwise(borders):
        own = [row for row in rows if start < row.middle < end]
        if bands and not have_other_columns(bands[-1][2], own, height):
            first, _, above = bands.pop()
            bands.append((first, end, above + own))
        else:
            bands.append((start, end, own))
    return [(start, end) for start, end, _ in bands]


def _places(region: Region, rows: Sequence[TextRow], rules: Rules, height: float) -> list[float]:
    """Return where an area may be divided: at wide white space or long rules, not across vertical ones."""
    left, _, right, _ = region.box
    gaps = [max(0.0, below.top - above.bottom) for above, below in itertools.pairwise(rows)]
    usual = median(gaps) if gaps else 0.0
    found = []
    for (above, below), gap in zip(itertools.pairwise(rows), gaps, strict=True):
        top, bottom = above.middle, below.middle
        between = [
            rule.at
            for rule in rules.horizontal
            if top < rule.at < bottom and rule.length > 0.5 * (right - left)
        ]
        ends = [edge for part in region.parts for edge in (part.box[1], part.box[3]) if top < edge < bottom]
        if not between and not ends and gap < _WIDE * usual + 0.2 * height:
            continue
        at = between[-1] if between else (above.bottom + below.top) / 2
        if not any(rule.start < at - height and at + height < rule.end for rule in rules.vertical):
            found.append((gap, at))
    return sorted(at for _, at in sorted(found, reverse=True)[:_CUTS])


def _disorder(band: Box, words: Sequence[Word], rules: Rules, height: float) -> float:
    """Return the weighted violations of the best grid of the words in an area."""
    inside = words_in(words, band)
    if not inside:
        return 0.0
    box = _bounds(inside)
    own = rules_in(rules, box, height)
    grids = grids_of(box, inside, own, height)
    return best_grid(grids, lambda grid: violations(grid, inside, own, height))[1].total if grids else 0.0


def _tables_of(band: Box, sign: Sign, words: Sequence[Word], rules: Rules, height: float) -> list[Region]:
    """Return the table of a band, or what tables are left in a band that is none as a whole."""
    inside = words_in(words, band)
    own = rules_in(rules, band, height)
    box = _extent(_without_title(text_rows(inside, height), own, height), band, own, height)
    if is_table_of_its_own(box, own, inside, height):
        return [Region(box, sign)]
    found = find_regions(own, inside, height)
    return [region for region in found if is_table_of_its_own(region.box, own, inside, height)]


def _without_title(rows: Sequence[TextRow], rules: Rules, height: float) -> Sequence[TextRow]:
    """Return the rows but for a single text above the first rule."""
    if len(rows) < 3 or any(b.box[0] - a.box[2] > height for a, b in itertools.pairwise(rows[0].words)):
        return rows
    long = [rule.at for rule in rules.horizontal if rule.length > 8 * height]
    above = any(at < rows[0].middle for at in long)
    below = any(rows[0].middle < at < rows[1].middle for at in long)
    return rows[1:] if below and not above else rows


def _extent(rows: Sequence[TextRow], band: Box, rules: Rules, height: float) -> Box:
    """Return the area of rows of text and the rules above, below and between them."""
    left, top, right, bottom = _bounds([word for row in rows for word in row.words])
    first, last = top, bottom
    for rule in rules.horizontal:
        shared = min(rule.end, right) - max(rule.start, left)
        if first - height < rule.at < last + height and shared > 0.6 * rule.length:
            left, right = min(left, rule.start), max(right, rule.end)
            top, bottom = min(top, rule.at), max(bottom, rule.at)
    return left, max(top, band[1]), right, min(bottom, band[3])


def _bounds(words: Sequence[Word]) -> Box:
    return (
        min(word.box[0] for word in words),
        min(word.box[1] for word in words),
        max(word.box[2] for word in words),
        max(word.box[3] for word in words),
    )
