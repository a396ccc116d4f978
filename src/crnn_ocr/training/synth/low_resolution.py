"""Pictures of lines that were drawn small: 9 to 22 pixels per em (cells to 48), compressed at that size.

`scene` and `degrade` shrink finished masks evenly and damage them seldom. Programs draw small text otherwise:
strokes are sharpened towards whole pixels, a page is often scaled once more and compressed as JPEG, whose
blocks do not begin where a crop begins, and a detector's box cuts between pixels.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from crnn_ocr.training.render.atlas import EM
from crnn_ocr.training.render.compose import Composed
from crnn_ocr.training.synth import scene
from crnn_ocr.training.synth.degrade import damage
from crnn_ocr.training.types import Image, Mask

LEGIBLE = 7
"""The least for Latin letters, where a part of a line is set smaller."""


@dataclass(frozen=True)
class Print:
    """The manner in which small lines are printed.

    Attributes:
        per_em: (least, most) pixels per em.
        grounds: Backgrounds (see `scene.background`) and their weights.
        plain: Chance of black on bright or white on dark.
        contrast: Least difference of brightness between text and background.
        damaged: Chance of a weak damage (see `degrade`).
        compressed: Chance of JPEG.
        ruled: Chance of rules at the crop's edges.
        stretched: (chance, least, most) of what is wider or narrower than its face.
        skewed: Whether small sizes are more frequent than large ones.
    """

    per_em: tuple[int, int]
    grounds: tuple[tuple[str, int], ...]
    plain: float
    contrast: float
    damaged: float
    compressed: float = 0.55
    ruled: float = 0.1
    stretched: tuple[float, float, float] = (0.3, 0.75, 1.05)
    skewed: bool = False


TINY = Print(
    per_em=(9, 14),
    grounds=(("white", 62), ("paper", 10), ("plain", 24), ("gradient", 4)),
    plain=0.75,
    contrast=95,
    damaged=0.15,
)
"""What is small anywhere: values in tables, clauses, labels on packages and screens."""
PAGE = Print(per_em=(9, 22), grounds=(("white", 86), ("paper", 14)), plain=0.95, contrast=110, damaged=0.25)
"""Pages of everyday print, as they are downloaded and shown."""
CELL = Print(
    per_em=(10, 48),
    grounds=(("white", 70), ("paper", 10), ("plain", 17), ("gradient", 3)),
    plain=0.8,
    contrast=90,
    damaged=0.2,
    compressed=0.35,
    ruled=0.25,
    stretched=(0.4, 0.7, 1.5),
    skewed=True,
)
"""Cells of tables and single values, of any size, set in condensed and in wide faces."""
LOOKS = {"pages": PAGE, "numbers": CELL, "details": CELL}
"""Of the kinds of line that are not `TINY`."""
Surround = Callable[[Mask, Mask | None], tuple[Mask, Mask | None]]
"""Puts something beside coverage: takes and gives (the line, what is not part of it)."""
Over = Callable[[NDArray[np.float32]], None]
"""Prints something over a picture, in place."""
_BLOCK = 8
"""Pixels of a JPEG's block."""


def coverage(mask: Mask, size: tuple[int, int], rng: random.Random) -> Mask:
    """Scale coverage to (width, height) with the contrast of hinted or of plain antialiasing."""
    small = cv2.resize(mask, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    if rng.random() < 0.55:
        gain, floor = rng.uniform(1.1, 1.7), rng.uniform(0, 30)
        small = np.clip((small.astype(np.float32) - floor) * gain, 0, 255).astype(np.uint8)
    return small


def compressed(picture: Image, rng: random.Random, *, least: int) -> Image:
    """Compress as JPEG of a quality from `least` to 95; blocks begin anywhere."""
    top, left = rng.randrange(_BLOCK), rng.randrange(_BLOCK)
    height, width = picture.shape[:2]
    padded = cv2.copyMakeBorder(picture, top, _BLOCK - 1, left, _BLOCK - 1, cv2.BORDER_REPLICATE)
    coded = cv2.imencode(".jpg", padded, [cv2.IMWRITE_JPEG_QUALITY, rng.randint(least, 95)])[1]
    decoded = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
    return np.ascontiguousarray(decoded[top : top + height, left : left + width])


def shifted(picture: Image, rng: random.Random) -> Image:
    """Cut between pixels, as boxes that are a little turned or off do."""
    height, width = picture.shape[:2]
    matrix = np.array([[1, 0, rng.uniform(-0.5, 0.5)], [0, 1, rng.uniform(-0.5, 0.5)]], np.float32)
    moved = cv2.warpAffine(
        picture, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return moved.astype(np.uint8)


def picture(
    line: Composed,
    pixels: int | None,
    rng: random.Random,
    look: Print = TINY,
    surround: Surround | None = None,
    over: Over | None = None,
) -> Image | None:
    """Draw a line at its small size; it is not enlarged yet.

    Args:
        line: The line.
        pixels: Pixels per em where its face was rendered for a small size.
        rng: Source of randomness.
        look: How it is printed.
        surround: Puts rules of cells, icons and parts of other lines beside it; not on whole pixels.
        over: Prints a seal over it.

    Returns:
        uint8 (H, W, 3), H about 10 to 20, on pages up to 36, of cells up to 70; None where there is no ink.
    """
    grid = EM // pixels if pixels and EM % pixels == 0 else 0
    mask = scene.boxed(line, rng, grid=grid or 1)
    if mask.max(initial=0) < 64:
        return None
    extra = scene.rules(np.zeros_like(mask), rng) if rng.random() < look.ruled else None
    if surround is not None and not grid:
        mask, extra = surround(mask, extra)
    if grid:
        size = (max(4, mask.shape[1] // grid), max(4, mask.shape[0] // grid))
        again = 1.0
    else:
        least, most = look.per_em
        per_em = rng.randint(least, rng.randint(least, most) if look.skewed else most)
        per_em = max(per_em, round(LEGIBLE / line.least))
        again = rng.uniform(1.2, 2.0) if rng.random() < 0.3 else 1.0  # drawn larger, scaled with its page
        chance, narrow, wide = look.stretched
        stretch = rng.uniform(narrow, wide) if rng.random() < chance else 1.0
        scale = per_em / EM * again
        size = (max(4, round(mask.shape[1] * scale * stretch)), max(4, round(mask.shape[0] * scale)))
    kinds, weights = zip(*look.grounds, strict=True)
    ground, mean = scene.background(size[1], size[0], rng, rng.choices(kinds, weights)[0])
    ink = scene.ink_colour(mean, rng, plain=look.plain, contrast=look.contrast)
    if extra is not None:
        rule = cv2.resize(extra, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
        scene.blend(ground, rule, scene.ink_colour(mean, rng, plain=0.6, contrast=40))
    lcd = not grid and rng.random() < 0.12
    scene.blend(ground, scene.subpixels(mask, size) if lcd else coverage(mask, size, rng), ink)
    if over is not None:
        over(ground)
    drawn = np.clip(ground, 0, 255).astype(np.uint8)
    if again > 1.0:
        if rng.random() < 0.4:
            drawn = compressed(drawn, rng, least=60)
        way = rng.choice((cv2.INTER_AREA, cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_CUBIC))
        smaller = (max(4, round(size[0] / again)), max(4, round(size[1] / again)))
        drawn = cv2.resize(drawn, smaller, interpolation=way).astype(np.uint8)
    if rng.random() < look.damaged:
        drawn = damage(drawn, rng, rng.uniform(0.1, 0.3), 1)
    if rng.random() < look.compressed:
        drawn = compressed(drawn, rng, least=45 if drawn.shape[0] > 13 else 60)
    return shifted(drawn, rng) if rng.random() < 0.4 else drawn
