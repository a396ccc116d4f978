"""Draws what stands at a line's ends and is no text: icons, bullets, rules of cells, parts of other lines.

A reader must give nothing for them. So nothing here may look like a character of the set that is labelled
elsewhere (`●■□○◎√→|`): an icon is larger than a character or has a pattern in it, and a plain rule is as tall
as the crop or lies at its very edge. Coverage is uint8 (H, W), 0 to 255, at the atlas's scale.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import cv2
import numpy as np

from crnn_ocr.training.render.atlas import EM
from crnn_ocr.training.render.compose import Composed
from crnn_ocr.training.types import Mask

Pad = tuple[int, int, int, int]
"""Rows above and below, columns before and after."""


def widened(mask: Mask, pad: Pad) -> Mask:
    """Return coverage with empty rows and columns around it."""
    return np.asarray(cv2.copyMakeBorder(mask, *pad, cv2.BORDER_CONSTANT, value=0), np.uint8)


def _points(size: int, corners: list[tuple[float, float]]) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
    return (np.array(corners) * (size - 1)).round().astype(np.int32)


def _ring_of_petals(drawn: Mask, rng: random.Random) -> None:
    """Draw a flower, a gear or a sun: a wavy disc with a hole."""
    size = drawn.shape[0]
    petals, depth = rng.randint(4, 12), rng.uniform(0.12, 0.3)
    angle = np.linspace(0, 2 * np.pi, 96, endpoint=False)
    radius = 0.49 * (1 - depth * (0.5 + 0.5 * np.sin(petals * angle + rng.uniform(0, 6))))
    outline = [(0.5 + r * np.cos(a), 0.5 + r * np.sin(a)) for r, a in zip(radius, angle, strict=True)]
    cv2.fillPoly(drawn, [_points(size, outline)], 255, cv2.LINE_AA)
    cv2.circle(drawn, (size // 2, size // 2), round(size * rng.uniform(0.08, 0.2)), 0, -1, cv2.LINE_AA)


def _bag(drawn: Mask, rng: random.Random) -> None:
    """Draw a shopping bag, a lock or a pot: a body with a handle and a mark."""
    size = drawn.shape[0]
    top, slant = rng.uniform(0.3, 0.45), rng.uniform(0, 0.14)
    body = _points(size, [(slant, top), (1 - slant, top), (1, 1), (0, 1)])
    cv2.fillPoly(drawn, [body], 255, cv2.LINE_AA)
    centre, axes = (size // 2, round(size * top)), (round(size * 0.24), round(size * (top - 0.03)))
    cv2.ellipse(drawn, centre, axes, 0, 180, 360, 255, max(1, size // 12), cv2.LINE_AA)
    low = round(size * rng.uniform(0.6, 0.75))
    cv2.ellipse(
        drawn, (size // 2, low), (size // 5, size // 8), 0, 0, 180, 0, max(1, size // 12), cv2.LINE_AA
    )


def _house(drawn: Mask, rng: random.Random) -> None:
    """Draw a house or an arrow upwards with a door."""
    size = drawn.shape[0]
    eaves, inset = rng.uniform(0.4, 0.6), rng.uniform(0.08, 0.25)
    roof = [
        (0.5, 0.0),
        (1.0, eaves),
        (1 - inset, eaves),
        (1 - inset, 1),
        (inset, 1),
        (inset, eaves),
        (0, eaves),
    ]
    cv2.fillPoly(drawn, [_points(size, roof)], 255, cv2.LINE_AA)
    door = _points(size, [(0.42, 0.65), (0.58, 0.65), (0.58, 1), (0.42, 1)])
    cv2.fillPoly(drawn, [door], 0, cv2.LINE_AA)


def _badge(drawn: Mask, rng: random.Random) -> None:
    """Draw a disc or a square with a tick, a cross, an arrow, a star or dots cut out of it."""
    size = drawn.shape[0]
    if rng.random() < 0.65:
        cv2.circle(drawn, (size // 2, size // 2), size // 2 - 1, 255, -1, cv2.LINE_AA)
    else:
        round_ = size // 5
        cv2.rectangle(drawn, (round_, 0), (size - 1 - round_, size - 1), 255, -1)
        cv2.rectangle(drawn, (0, round_), (size - 1, size - 1 - round_), 255, -1)
        for x in (round_, size - 1 - round_):
            for y in (round_, size - 1 - round_):
                cv2.circle(drawn, (x, y), round_, 255, -1, cv2.LINE_AA)
    thick = max(2, round(size * rng.uniform(0.07, 0.14)))
    strokes = rng.choice(
        (
            [(0.26, 0.52), (0.43, 0.69), (0.75, 0.33)],
            [(0.3, 0.3), (0.7, 0.7), (0.5, 0.5), (0.3, 0.7), (0.7, 0.3)],
            [(0.25, 0.5), (0.75, 0.5), (0.55, 0.3), (0.75, 0.5), (0.55, 0.7)],
            [(0.5, 0.2), (0.6, 0.42), (0.8, 0.45), (0.63, 0.6), (0.7, 0.8), (0.5, 0.68), (0.3, 0.8)],
            [(0.25, 0.35), (0.75, 0.35), (0.25, 0.55), (0.75, 0.55), (0.25, 0.72)],
        )
    )
    cv2.polylines(drawn, [_points(size, strokes)], False, 0, thick, cv2.LINE_AA)


def _person(drawn: Mask, rng: random.Random) -> None:
    """Draw a head on shoulders, or a pin on a map."""
    size = drawn.shape[0]
    if rng.random() < 0.5:
        cv2.circle(drawn, (size // 2, round(size * 0.28)), round(size * 0.22), 255, -1, cv2.LINE_AA)
        axes = (round(size * 0.42), round(size * 0.38))
        cv2.ellipse(drawn, (size // 2, size - 1), axes, 0, 180, 360, 255, -1, cv2.LINE_AA)
        return
    reach = round(size * 0.33)
    cv2.circle(drawn, (size // 2, reach + 1), reach, 255, -1, cv2.LINE_AA)
    cv2.fillPoly(drawn, [_points(size, [(0.2, 0.45), (0.8, 0.45), (0.5, 1.0)])], 255, cv2.LINE_AA)
    cv2.circle(drawn, (size // 2, reach + 1), round(size * 0.13), 0, -1, cv2.LINE_AA)


def _blob(drawn: Mask, rng: random.Random) -> None:
    """Draw a logo of some overlapping shapes, with lines through it."""
    size = drawn.shape[0]
    for _ in range(rng.randint(3, 5)):
        centre = (round(size * rng.uniform(0.25, 0.75)), round(size * rng.uniform(0.25, 0.75)))
        axes = (round(size * rng.uniform(0.12, 0.26)), round(size * rng.uniform(0.12, 0.26)))
        shade = rng.choice((255, 255, rng.randint(90, 200)))
        cv2.ellipse(drawn, centre, axes, rng.uniform(0, 180), 0, 360, shade, -1, cv2.LINE_AA)
    for _ in range(rng.randint(1, 2)):
        ends = [(rng.randrange(size), rng.choice((0, size - 1))) for _ in "ab"]
        cv2.line(drawn, ends[0], ends[1], 0, max(1, size // 14), cv2.LINE_AA)


def _double_ring(drawn: Mask, rng: random.Random) -> None:
    """Draw a thick ring with hands, bars or a sector in it: a clock, a gauge, a target."""
    size = drawn.shape[0]
    thick = max(2, round(size * rng.uniform(0.08, 0.14)))
    cv2.circle(drawn, (size // 2, size // 2), size // 2 - thick // 2 - 1, 255, thick, cv2.LINE_AA)
    if rng.random() < 0.5:
        hands = [(0.5, rng.uniform(0.22, 0.3)), (0.5, 0.5), (rng.uniform(0.65, 0.75), rng.uniform(0.5, 0.7))]
        cv2.polylines(drawn, [_points(size, hands)], False, 255, thick, cv2.LINE_AA)
    else:
        start, axes = rng.uniform(0, 360), (size // 3, size // 3)
        cv2.ellipse(drawn, (size // 2, size // 2), axes, start, 0, rng.uniform(60, 220), 255, -1, cv2.LINE_AA)


def _target(drawn: Mask, rng: random.Random) -> None:
    """Draw a ring with a full disc in it: a button that is on, a bullet. `◎` has two rings."""
    size = drawn.shape[0]
    thick = max(1, round(size * rng.uniform(0.05, 0.12)))
    cv2.circle(drawn, (size // 2, size // 2), size // 2 - thick // 2 - 1, 255, thick, cv2.LINE_AA)
    cv2.circle(drawn, (size // 2, size // 2), round(size * rng.uniform(0.2, 0.32)), 255, -1, cv2.LINE_AA)


SHAPES: tuple[Callable[[Mask, random.Random], None], ...] = (
    _badge, _badge, _badge, _ring_of_petals, _bag, _house, _person, _blob, _double_ring, _target,
)  # fmt: skip
"""What draws an icon into an empty square."""


def icons(mask: Mask, shown: Mask, rng: random.Random) -> tuple[Mask, Mask]:
    """Put an icon before a line, or rarely behind it.

    Args:
        mask: (H, W) coverage of the line.
        shown: (H, W) coverage of what is no text so far.
        rng: Source of randomness.

    Returns:
        Both, with room for the icon, which is in the second; (H, W + icon + gap).
    """
    height = mask.shape[0]
    size = max(8, round(height * rng.uniform(0.6, 1.0)))
    drawn = np.zeros((size, size), np.uint8)
    shape = rng.choice(SHAPES)
    shape(drawn, rng)
    rings = shape in {_double_ring, _target}  # half a ring would be a bracket
    if not rings and rng.random() < 0.2:  # cut by the crop
        drawn = np.ascontiguousarray(drawn[:, round(size * rng.uniform(0.1, 0.35)) :])
    gap = max(2, round(EM * rng.uniform(0.1, 0.6)))
    added = drawn.shape[1] + gap
    before = rng.random() < 0.85
    pad: Pad = (0, 0, added, 0) if before else (0, 0, 0, added)
    mask, shown = widened(mask, pad), widened(shown, pad)
    top = rng.randint(0, height - size)
    left = 0 if before else mask.shape[1] - drawn.shape[1]
    shown[top : top + size, left : left + drawn.shape[1]] = drawn if before else drawn[:, ::-1]
    return mask, shown


def rules(mask: Mask, shown: Mask, rng: random.Random) -> tuple[Mask, Mask]:
    """Let the rules of a cell run along the crop's edges, or end at one of them."""
    pad: list[int] = [0, 0, 0, 0]
    sides = rng.sample(range(4), rng.choice((1, 1, 2, 2, 3)))
    thick = rng.choice((1, 2, 2, 3, 4))
    for side in sides:
        pad[side] = thick + round(EM * rng.uniform(0.0, 0.12 if side < 2 else 0.45))
    mask, shown = (widened(one, (pad[0], pad[1], pad[2], pad[3])) for one in (mask, shown))
    height, width = mask.shape
    inset = 0 if rng.random() < 0.7 else rng.randint(0, 3)
    for side in sides:
        shade = rng.randint(120, 255)
        if side >= 2:
            left = inset if side == 2 else width - inset - thick
            shown[:, left : left + thick] = shade
            continue
        top = inset if side == 0 else height - inset - thick
        start, end = 0, width
        if side == 0 and rng.random() < 0.25:  # only the end of a rule; below it would be an underscore
            stub = round(EM * rng.uniform(0.15, 0.8))
            start, end = (0, stub) if rng.random() < 0.5 else (max(0, width - stub), width)
        shown[top : top + thick, start:end] = shade
    return mask, shown


def cells(mask: Mask, shown: Mask, other: Composed, rng: random.Random) -> tuple[Mask, Mask]:
    """Let the rule of a cell, and behind it the edge of the next cell's text, stand at one end of a line."""
    thick = rng.choice((1, 2, 2, 3))
    gap, reach = round(EM * rng.uniform(0.03, 0.3)), round(EM * rng.uniform(0.0, 0.3))
    before = rng.random() < 0.5
    added = gap + thick + reach
    pad: Pad = (0, 0, added, 0) if before else (0, 0, 0, added)
    mask, shown = widened(mask, pad), widened(shown, pad)
    height, width = mask.shape
    left = reach if before else width - reach - thick
    shown[:, left : left + thick] = rng.randint(110, 255)
    ink = other.mask[other.ink[0] : other.ink[1]]
    room = reach - round(EM * 0.05)  # never a whole character: it would have to be read
    if rng.random() < 0.5 or room < 2 or ink.shape[1] < 2 * EM:
        return mask, shown
    part = ink[:, -room:] if before else ink[:, :room]
    rows = min(height, part.shape[0])
    top = rng.randint(0, height - rows)
    place = shown[top : top + rows, :room] if before else shown[top : top + rows, width - room :]
    np.maximum(place, part[:rows], out=place)
    return mask, shown


def show_edge(rows: Mask, ink: Mask, rng: random.Random, *, lower: bool) -> None:
    """Let the upper or lower edge of a line be seen, in place.

    Args:
        rows: Where; not higher than the ink.
        ink: The line's coverage, cut to its rows.
        rng: Source of randomness: which part of the line, and where.
        lower: Which edge.
    """
    reach, width = rows.shape
    start = rng.randint(0, max(0, ink.shape[1] - width))
    part = (ink[ink.shape[0] - reach :] if lower else ink[:reach])[:, start : start + width]
    at = rng.randint(0, width - part.shape[1])
    place = rows[:, at : at + part.shape[1]]
    np.maximum(place, part, out=place)


def fragments(mask: Mask, shown: Mask, other: Composed, rng: random.Random) -> tuple[Mask, Mask]:
    """Let the line above, below, or both reach into the crop, clear of the text."""
    ink = other.mask[other.ink[0] : other.ink[1]]
    for above in rng.choice(((True,), (False,), (True, False))):
        reach = min(ink.shape[0], max(2, round(EM * rng.uniform(0.05, 0.26))))
        gap = round(EM * rng.uniform(0.02, 0.14))
        pad: Pad = (reach + gap, 0, 0, 0) if above else (0, reach + gap, 0, 0)
        mask, shown = widened(mask, pad), widened(shown, pad)
        show_edge(shown[:reach] if above else shown[shown.shape[0] - reach :], ink, rng, lower=above)
    return mask, shown


def surround(
    mask: Mask, shown: Mask | None, rng: random.Random, other: Callable[[], Composed | None]
) -> tuple[Mask, Mask]:
    """Put one or two of these to a line.

    Args:
        mask: (H, W) coverage of the line.
        shown: (H, W) coverage of what is no text so far, if anything is.
        rng: Source of randomness.
        other: Gives another line.

    Returns:
        The line and what is no text, of the same shape, at least (H, W).
    """
    shown = np.zeros_like(mask) if shown is None else shown
    kind = rng.random()
    if kind < 0.3 or kind > 0.92:
        mask, shown = icons(mask, shown, rng)
    if 0.3 <= kind < 0.5 or kind > 0.92:
        mask, shown = rules(mask, shown, rng)
    if 0.5 <= kind <= 0.92 and (line := other()) is not None:
        mask, shown = (cells if kind < 0.62 else fragments)(mask, shown, line, rng)
    return mask, shown
