"""Find the tables of a page."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from crnn_ocr.document import Block, Line
from crnn_ocr.pixels import Pixels
from crnn_ocr.tables.cells import fill
from crnn_ocr.tables.grid import Box, Grid
from crnn_ocr.tables.partly import partly_ruled_grid
from crnn_ocr.tables.ruled import ruled_grid
from crnn_ocr.tables.rules import Rules, find_rules
from crnn_ocr.tables.scoring import violations
from crnn_ocr.tables.words import Word, text_box, typical_height, words_of

#: Another method: given the page, the area of a table and its lines, it returns grids of the table.
Candidates = Callable[[Pixels, Box, Sequence[Line]], Sequence[Grid]]

LAST = ""


def find_tables(
    image: Pixels, lines: Sequence[Line], candidates: Candidates | None = None
) -> tuple[list[Block], list[Line]]:
    """Find the tables of a page, and which of its lines stand outside of them.

    Args:
        image: The upright page, (H, W) grey or (H, W, 3) BGR.
        lines: Its lines with their characters, in reading order; coordinates are pixels of the upright page.
        candidates: Another method whose grids compete with those of the rules and the white space.

    Returns:
        One block per table, with its grid; and the lines outside of tables. A line that crosses a border is
        divided, so that together they hold every character of the lines once.
    """
    global LAST
    height = typical_height(lines)
    rules = find_rules(image, height, [text_box(line) for line in lines])
    box = (0.0, 0.0, float(image.shape[1]), float(image.shape[0]))
    words = words_of(lines)
    box = (min(w.box[0] for w in words), min(w.box[1] for w in words), max(w.box[2] for w in words), max(w.box[3] for w in words))
    grids = grids_of(box, words, rules, height)
    best = min(grids, key=lambda grid: violations(grid, words, rules, height).total)
    LAST = " ".join(f"{g.method}:{g.rows}x{g.cols}:{violations(g, words, rules, height).total:.1f}" for g in grids)
    table = fill(best, lines, words)
    return [Block(table.lines, "table", table=table)], []


def grids_of(box: Box, words: Sequence[Word], rules: Rules, height: float) -> list[Grid]:
    """Return the grids that the methods without a network see."""
    found = [
        ruled_grid(words, rules, box, height),
        partly_ruled_grid(words, rules, box, height, by_rules=True),
        partly_ruled_grid(words, rules, box, height, by_rules=False),
    ]
    return [grid for grid in found if grid is not None]
