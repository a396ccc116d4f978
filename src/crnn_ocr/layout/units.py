"""Place tables and figures, which are read as a whole, among the lines that stand beside them."""

from __future__ import annotations

from collections.abc import Sequence

from crnn_ocr.layout.frame import Box
from crnn_ocr.layout.sections import Section, Strip

#: How far a line may reach into a unit, in line heights, because both have margins.
_OVERLAP = 0.5


def around_unit(section: Section) -> list[list[Box]] | None:
    """Split a section at its highest unit: what is above, to the left, the unit, to the right, below.

    None if there is no unit with anything beside it.
    """
    boxes = [box for strip in section.strips for box in strip]
    slack = _OVERLAP * section.line_height
    units = sorted((box for box in boxes if box.unit), key=lambda box: (-box.height, box.top, box.left))
    for unit in units:
        parts: dict[str, list[Box]] = {"above": [], "left": [], "right": [], "below": []}
        for box in boxes:
            if box is not unit:
                parts[_side(box, unit, slack)].append(box)
        if parts["left"] or parts["right"]:
            return [parts["above"], parts["left"], [unit], parts["right"], parts["below"]]
    return None


def _side(box: Box, unit: Box, slack: float) -> str:
    """Return where a box is; one across the unit's edges is above or below, whichever is nearer."""
    if unit.top < box.middle < unit.bottom:
        if box.right <= unit.left + slack:
            return "left"
        if box.left >= unit.right - slack:
            return "right"
    return "above" if box.middle < unit.middle else "below"


def runs_between_units(rows: Sequence[Strip]) -> list[list[Strip]]:
    """Cut rows so that each unit stands alone."""
    runs: list[list[Strip]] = [[]]
    for row in rows:
        if not any(box.unit for box in row):
            runs[-1].append(list(row))
            continue
        for box in row:
            if box.unit:
                runs += [[[box]], []]
            else:
                runs[-1].append([box])
    return [run for run in runs if run]
