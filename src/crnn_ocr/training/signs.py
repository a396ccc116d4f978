"""Pictures of words on signs, packages and posters: outlined, unevenly filled, tilted, on any ground."""

from __future__ import annotations

import random

import cv2
import numpy as np
from numpy.typing import NDArray

from crnn_ocr.training import scene
from crnn_ocr.training.atlas import EM
from crnn_ocr.training.degrade import damage
from crnn_ocr.training.render import Composed, Mask, embolden

Picture = NDArray[np.uint8]
_GROUNDS: tuple[tuple[str, int], ...] = (
    ("photo", 32), ("texture", 22), ("gradient", 16), ("plain", 22), ("white", 4), ("paper", 4),
)  # fmt: skip
_NATIVE = (14, 64)
_SOLID = 60
"""Coverage from which a pixel counts as ink."""


def tilted(mask: Mask, rng: random.Random) -> Mask:
    """Turn, slant and tilt coverage as a camera beside a sign does.

    Args:
        mask: (H, W) coverage.
        rng: Source of randomness.

    Returns:
        (H, W') coverage; lines turn by 6 degrees at most, long ones less.
    """
    height, width = mask.shape
    room = EM // 4
    rise = np.tan(np.radians(rng.uniform(-6, 6))) * min(width, 4 * EM) / 2
    slant = rng.gauss(0, 0.12) * EM
    near = rng.uniform(-0.12, 0.12) * EM if rng.random() < 0.6 else 0.0
    old = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    new = old + np.array(
        [
            [room + slant, -rise + near],
            [room + slant, rise - near],
            [room - slant, rise + near],
            [room - slant, -rise - near],
        ],
        np.float32,
    )
    matrix = cv2.getPerspectiveTransform(old, new)
    size = (width + 2 * room, height)
    return cv2.warpPerspective(mask, matrix, size, flags=cv2.INTER_LINEAR).astype(np.uint8)


def cropped(mask: Mask, rng: random.Random) -> Mask | None:
    """Cut around the ink, with margins of a sixth of its height at most; None where there is none."""
    solid = (mask > _SOLID).astype(np.uint8)
    if not solid.any():
        return None
    left, top, width, height = cv2.boundingRect(solid)
    height = max(height, EM // 3)

    def margin(most: float) -> int:
        return round(height * rng.uniform(-0.02, most))

    box = scene.Box(
        top - margin(0.16), top + height + margin(0.16), left - margin(0.3), left + width + margin(0.3)
    )
    return scene.framed(mask, box)


def filled(ground: NDArray[np.float32], mask: Mask, colour: scene.Colour, rng: random.Random) -> None:
    """Paint coverage in a colour that changes over its height, in place: signs are lit unevenly."""
    height = mask.shape[0]
    end = tuple(min(255.0, max(0.0, c + rng.uniform(-70, 70))) for c in colour)
    first, last = scene.luminance(colour), scene.luminance((end[0], end[1], end[2]))
    if abs(first - last) > 45:  # the contrast must last down to the letters' feet
        end = tuple(c + (first - last) * 0.6 for c in end)
    rows = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    fill = np.array(colour, np.float32) + rows * (np.array(end, np.float32) - np.array(colour, np.float32))
    alpha = mask.astype(np.float32)[:, :, None] / 255
    ground += alpha * (np.clip(fill, 0, 255) - ground)


def picture(line: Composed, rng: random.Random) -> Picture | None:
    """Draw a line as a sign at 14 to 64 pixels of height; it is not scaled to the network's yet.

    Args:
        line: The line.
        rng: Source of randomness.

    Returns:
        uint8 (H, W, 3); None where nothing is to be seen.
    """
    mask = line.mask
    if rng.random() < 0.4:
        mask = embolden(mask, rng.uniform(-0.4, 1.8))
    if rng.random() < 0.6:
        mask = tilted(mask, rng)
    found = cropped(mask, rng)
    if found is None:
        return None
    least, most = _NATIVE
    height = rng.randint(least, 26 if rng.random() < 0.45 else most)
    stretch = rng.uniform(0.65, 1.25) if rng.random() < 0.5 else 1.0
    size = (max(8, round(found.shape[1] * height / found.shape[0] * stretch)), height)
    way = cv2.INTER_AREA if height < found.shape[0] else cv2.INTER_LINEAR
    small = cv2.resize(found, size, interpolation=way).astype(np.uint8)
    kinds, weights = zip(*_GROUNDS, strict=True)
    kind = rng.choices(kinds, weights)[0]
    ground, mean = scene.background(height, size[0], rng, kind)
    restless = 1.2 * float(ground[:, :, 1].std()) if kind not in {"plain", "white"} else 0.0
    colour = scene.ink_colour(mean, rng, plain=0.35, contrast=55 + restless)
    if rng.random() < 0.45:
        scene.decorate(ground, small, colour, rng)
    if rng.random() < 0.4:
        filled(ground, small, colour, rng)
    else:
        scene.blend(ground, small, colour)
    drawn = np.clip(ground, 0, 255).astype(np.uint8)
    return damage(drawn, rng, rng.uniform(0.1, 0.6), rng.randint(0, 3))
