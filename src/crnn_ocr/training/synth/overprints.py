"""Draws what stands under or over a line and is none of its text: underlines, and the prints of seals."""

from __future__ import annotations

import random
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from crnn_ocr.training.render.atlas import EM
from crnn_ocr.training.render.compose import BASELINE, CANVAS, Composed
from crnn_ocr.training.types import Mask

Field = NDArray[np.float32]

_STAR = [
    (0.5 + r * np.sin(a), 0.5 - r * np.cos(a))
    for a, r in zip(np.arange(10) * np.pi / 5, (0.5, 0.19) * 5, strict=True)
]
"""Corners of a star of five points in a square of 1."""


def underlined(line: Composed, rng: random.Random) -> Composed:
    """Return a line with a rule under it: whole, under a part of it, or beyond its end, to be written on.

    Rules are single or double, or dotted, 0.06 to 0.2 em below the baseline and up to 0.07 em thick.
    """
    before, after = (round(EM * rng.uniform(0.3, 3.0)) if rng.random() < 0.25 else 0 for _ in "ba")
    mask = np.asarray(
        cv2.copyMakeBorder(line.mask, 0, 0, before, after, cv2.BORDER_CONSTANT, value=0), np.uint8
    )
    width = mask.shape[1]
    start, end = 0, width
    if not before and not after and rng.random() < 0.3:
        start, end = sorted((rng.randint(0, width), rng.randint(0, width)))
        start, end = max(0, min(start, width - EM)), min(width, max(end, start + EM))
    thick = max(1, round(EM * rng.uniform(0.025, 0.07)))
    top = BASELINE + round(EM * rng.uniform(0.06, 0.2))
    chance = rng.random()
    rows = [top, top + 2 * thick] if chance < 0.12 else [top]
    step = round(EM * rng.uniform(0.1, 0.3)) if 0.12 <= chance < 0.22 else 0
    shade = rng.randint(150, 255)
    for row in rows:
        for left in range(start, end, step or max(1, end - start)):
            right = min(end, left + (step + 1) // 2) if step else end
            part = mask[row : row + thick, left:right]
            np.maximum(part, shade, out=part)
    bottom = min(CANVAS, rows[-1] + thick)
    ink = (min(line.ink[0], top), max(line.ink[1], bottom))
    return replace(line, mask=mask, bottom=max(line.bottom, bottom), ink=ink)


def print_of_seal(other: Composed | None, rng: random.Random, radius: int) -> Mask:
    """Draw a seal: a ring or a frame with a star or characters within.

    Args:
        other: A line, of which the characters are cut; None leaves them out.
        rng: Source of randomness.
        radius: Half of its side, in pixels.

    Returns:
        Its coverage, (2 * radius, 2 * radius).
    """
    side = 2 * radius
    drawn = np.zeros((side, side), np.uint8)
    thick = max(1, round(radius * rng.uniform(0.03, 0.1)))
    pieces = _pieces(other, round(radius * rng.uniform(0.28, 0.42)))
    if rng.random() < 0.25:  # a square one of two by two characters
        inset = thick // 2 + 1
        cv2.rectangle(drawn, (inset, inset), (side - 1 - inset, side - 1 - inset), 255, thick)
        for place, piece in enumerate(pieces[:4]):
            room = max(4, round(radius * 0.8))
            scaled = cv2.resize(piece, (room, room), interpolation=cv2.INTER_AREA)
            top, left = (round(radius * (0.15 + 0.9 * (place >> at & 1))) for at in (0, 1))
            _paste(drawn, scaled, top, left)
        return drawn
    cv2.circle(drawn, (radius, radius), radius - thick // 2 - 1, 255, thick, cv2.LINE_AA)
    if rng.random() < 0.7:
        size = radius * rng.uniform(0.45, 0.75)
        corners = np.array([(radius + (x - 0.5) * size, radius + (y - 0.5) * size) for x, y in _STAR])
        cv2.fillPoly(drawn, [corners.round().astype(np.int32)], 255, cv2.LINE_AA)
    spread = min(270.0, 34.0 * max(1, len(pieces)))
    for place, piece in enumerate(pieces):
        degrees = spread * ((place + 0.5) / len(pieces) - 0.5)
        height, width = piece.shape
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1.0)
        turned = cv2.warpAffine(piece, turn, (width, height), flags=cv2.INTER_LINEAR)
        reach = radius - thick - height * 0.6
        angle = np.radians(degrees)
        top, left = radius - reach * np.cos(angle) - height / 2, radius + reach * np.sin(angle) - width / 2
        _paste(drawn, turned, round(top), round(left))
    return drawn


def _pieces(other: Composed | None, size: int) -> list[Mask]:
    """Cut squares of a line, each about a character, with room to be turned."""
    if other is None:
        return []
    ink = other.mask[other.top : other.bottom]
    squares = [ink[:, at : at + EM] for at in range(0, min(ink.shape[1], 9 * EM), EM)]
    inner = max(3, round(size * 0.8))
    pad = max(0, (size - inner) // 2)
    scaled = [cv2.resize(one, (inner, inner), interpolation=cv2.INTER_AREA) for one in squares if one.any()]
    return [
        np.asarray(cv2.copyMakeBorder(one, pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=0), np.uint8)
        for one in scaled
    ]


def _paste(drawn: Mask, piece: NDArray[np.generic], top: int, left: int) -> None:
    """Put a piece there, in place, as far as there is room."""
    up, before = max(0, -top), max(0, -left)
    place = drawn[max(0, top) : top + piece.shape[0], max(0, left) : left + piece.shape[1]]
    part = piece[up : up + place.shape[0], before : before + place.shape[1]]
    np.maximum(place, part, out=place)


def seal(picture: Field, other: Composed | None, rng: random.Random) -> None:
    """Print a seal over a part of a line, in place; ink shows through it, as red over black is black.

    Args:
        picture: float32 (H, W, 3) BGR, 0 to 255.
        other: A line, for the seal's characters.
        rng: Source of randomness.
    """
    height, width = picture.shape[:2]
    radius = max(6, round(height * rng.uniform(0.7, 2.2)))
    x = rng.randint(0, width)
    y = round(height / 2 + radius * rng.uniform(-0.9, 0.9))
    layer = np.zeros((height, width), np.uint8)
    drawn = print_of_seal(other, rng, radius)
    turn = cv2.getRotationMatrix2D((radius, radius), rng.uniform(-25, 25), 1.0)
    drawn = np.asarray(cv2.warpAffine(drawn, turn, drawn.shape[::-1], flags=cv2.INTER_LINEAR), np.uint8)
    _paste(layer, drawn, y - radius, x - radius)
    colour = np.array((rng.uniform(20, 110), rng.uniform(10, 90), rng.uniform(190, 255)), np.float32)
    if rng.random() < 0.1:
        colour = colour[::-1]  # blue ones are rarer
    alpha = layer[:, :, None].astype(np.float32) * np.float32(rng.uniform(0.45, 1.0) / 255)
    picture *= 1 - alpha * (1 - colour / 255)
