"""Find the tables of a page."""

from __future__ import annotations

from collections.abc import Sequence

from crnn_ocr.document import Block, Line, with_polygons
from crnn_ocr.imaging.polygons import bounds
from crnn_ocr.pixels import Pixels
from crnn_ocr.tables.areas.nets import overlap
from crnn_ocr.tables.areas.regions import Region, find_regions, is_evident, parts_of
from crnn_ocr.tables.areas.trailing import without_trailing_text
from crnn_ocr.tables.division import divided
from crnn_ocr.tables.frame import Frame, frame_of_skew, is_turned, turned_frame
from crnn_ocr.tables.grid import Box
from crnn_ocr.tables.rules import find_rules
from crnn_ocr.tables.select import Candidates, read_table
from crnn_ocr.tables.words import text_box, typical_height, without_leaders, words_of

#: Number of sideways lines from which a table may be on its side.
_SIDEWAYS = 6


def find_tables(
    image: Pixels, lines: Sequence[Line], candidates: Candidates | None = None
) -> tuple[list[Block], list[Line]]:
    """Find the tables of a page, and which of its lines stand outside of them.

    Args:
        image: The upright page, (H, W) grey or (H, W, 3) BGR.
        lines: Its lines with their characters, in reading order; coordinates are pixels of the upright page.
        candidates: Another method whose grids compete with those of the rules and the white space. It gets
            the page, the area of a table and the lines in it, all as they lie after the page has been made
            straight.

    Returns:
        One block per table, with its grid; and the lines outside of tables. A line that crosses a border is
        divided, so that together they hold every character of the lines once, but for the white space at
        which a line is divided.
    """
    blocks: list[Block] = []
    rest = list(lines)
    for clockwise in (True, False):
        sideways = [line for line in rest if is_turned(line, clockwise=clockwise)]
        if len(sideways) >= _SIDEWAYS:
            frame = turned_frame(image, clockwise=clockwise)
            upright = [line for line in rest if not is_turned(line, clockwise=clockwise)]
            found, left = _tables_on(frame, image, sideways, candidates)
            # The heads of upright columns may stand on their side: then the rest of the table is upright.
            if found and all(_is_on_its_side(block, upright) for block in found):
                blocks += found
                kept = {id(line) for line in sideways}
                rest = [line for line in rest if id(line) not in kept] + left
    more, rest = _tables_on(frame_of_skew(image, rest), image, rest, candidates)
    return blocks + more, rest


def _is_on_its_side(block: Block, upright: Sequence[Line]) -> bool:
    """Return whether a table holds more lines on their side than upright ones."""
    assert block.polygon is not None
    left, top, right, bottom = bounds(block.polygon)
    boxes = [text_box(line) for line in upright]
    inside = [
        box for box in boxes if left < (box[0] + box[2]) / 2 < right and top < (box[1] + box[3]) / 2 < bottom
    ]
    return 2 * len(inside) < len(block.lines)


def _tables_on(
    frame: Frame | None, image: Pixels, lines: Sequence[Line], candidates: Candidates | None
) -> tuple[list[Block], list[Line]]:
    """Find the tables of a page as a frame shows it, and return them with coordinates of the page."""
    if frame is None:
        return _tables(image, lines, candidates)
    straight = [frame.line(line) for line in lines]
    blocks, rest = _tables(frame.picture(image), straight, candidates)
    # Lines that were not divided stay the ones they were, to the last digit.
    whole = {id(there): here for there, here in zip(straight, lines, strict=True)}
    return (
        [with_polygons(block, frame.back) for block in blocks],
        [whole[id(line)] if id(line) in whole else frame.line_back(line) for line in rest],
    )


def _tables(
    image: Pixels, lines: Sequence[Line], candidates: Candidates | None
) -> tuple[list[Block], list[Line]]:
    """Find the tables of a straight page."""
    if not lines:
        return [], []
    height = typical_height(lines)
    rules = find_rules(image, height, [text_box(line) for line in lines])
    words = without_leaders(words_of(lines))
    blocks: list[Block] = []
    rest = list(lines)

    def read(region: Region, *, inner: bool = False) -> bool:
        nonlocal rest
        if not inner or is_evident(region, words, height):
            found = read_table(image, region, rest, rules, height, candidates)
            if found is not None:
                block, rest = found
                blocks.append(block)
                return True
        # A frame around a page is no table, but there may be some within.
        read_boxes: list[Box] = []
        for part in parts_of(region, rules, words, height):
            if not any(overlap(part.box, box) for box in read_boxes) and read(part, inner=True):
                read_boxes.append(part.box)
        return bool(read_boxes)

    for region in find_regions(rules, words, height):
        for part in divided(region, words, rules, height):
            read(without_trailing_text(part, words, rules, height))
    return blocks, rest
