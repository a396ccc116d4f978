"""Pictures of words on signs, packages and posters: outlined, unevenly filled, tilted, on any ground."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from crnn_ocr.training.render.atlas import EM
from crnn_ocr.training.render.compose import Composed, embolden
from crnn_ocr.training.synth import distractors, scene
from crnn_ocr.training.synth.degrade import damage
from crnn_ocr.training.types import Image, Mask

_GROUNDS: tuple[tuple[str, int], ...] = (
    ("photo", 32), ("texture", 22), ("gradient", 16), ("plain", 22), ("white", 4), ("paper", 4),
)  # fmt: skip
_NATIVE = (14, 64)
_SLIGHT = 6
"""Degrees by which most signs are turned at most."""
_TILTED = 18
"""Degrees by which many are."""
_STEEP = 36
"""Degrees by which some short ones are."""
_ASIDE = 0.28
"""Share of those without neighbours that are seen from aside."""
_LONG = 7 * EM
"""Width from which none is: it would rise too far."""
_READABLE = 9
"""Pixels per em that a sign has at least."""
_COMPANY = 0.3
"""Share of signs with lines above or below them that reach into the crop."""
_SOLID = 60
"""Coverage from which a pixel counts as ink."""


def neighbours(line: Composed, other: Composed, rng: random.Random) -> Mask:
    """Let the edges of the lines above and below, or of one of them, stand beside a line.

    Args:
        line: The line.
        other: What stands above and below.
        rng: Source of randomness.

    Returns:
        Coverage of these parts, of the line's shape: 0.4 em at most, so that nothing of them is to be read.
    """
    shown = np.zeros_like(line.mask)
    ink = other.mask[other.ink[0] : other.ink[1]]
    height = shown.shape[0]
    for above in rng.choice(((True,), (False,), (True, False))):
        gap, reach = round(EM * rng.uniform(0.04, 0.16)), round(EM * rng.uniform(0.15, 0.4))
        room = line.ink[0] - gap if above else height - line.ink[1] - gap
        rows = max(0, min(ink.shape[0], reach, room))
        top = line.ink[0] - gap - rows if above else line.ink[1] + gap
        distractors.show_edge(shown[top : top + rows], ink, rng, lower=above)
    return shown


def turned(masks: Sequence[Mask], rng: random.Random, *, most: float) -> list[Mask]:
    """Turn, slant and tilt coverage as signs hang, and bend it as round shields do.

    Args:
        masks: (H, W) coverages, all of them changed in the same way.
        rng: Source of randomness.
        most: Greatest angle, in degrees; lines of more than four em turn less, by as much as those rise.

    Returns:
        (H', W') coverages, large enough for what was in the masks.
    """
    height, width = masks[0].shape
    angle = _rise(width, most, rng)
    slant = rng.gauss(0, 0.12) * EM
    near = rng.uniform(-0.12, 0.12) * EM if rng.random() < 0.6 else 0.0
    arch = rng.uniform(-0.3, 0.3) * EM * min(1.0, width / (3 * EM)) if rng.random() < 0.15 else 0.0
    bent = _corners(width, height) + np.array(
        [[slant, near], [slant, -near], [-slant, near], [-slant, -near]], np.float32
    )
    cosine, sine = np.cos(angle), np.sin(angle)
    return _mapped(masks, bent @ np.array([[cosine, -sine], [sine, cosine]]), arch)


def from_aside(masks: Sequence[Mask], rng: random.Random) -> list[Mask]:
    """Show coverage as a camera sees a sign that it passes: narrow, rising or falling, one end larger.

    The sign is turned by 25 to 60 degrees about its upright axis and by up to 30 about its level one, and
    seen from 1.5 to 5 of its own widths. Of more than four em it is turned less, by as much as it is longer.

    Args:
        masks: (H, W) coverages, all of them changed in the same way.
        rng: Source of randomness.

    Returns:
        (H', W') coverages, large enough for what was in the masks.
    """
    height, width = masks[0].shape
    yaw = np.radians(rng.choice((-1, 1)) * rng.uniform(25, 25 + 35 * _shortness(width)))
    pitch = _rise(width, 30, rng)
    x, y = (_corners(width, height) - np.array([width / 2, height / 2])).T
    away = x * np.sin(yaw)
    across, down = x * np.cos(yaw), y * np.cos(pitch) - away * np.sin(pitch)
    away = y * np.sin(pitch) + away * np.cos(pitch)
    distance = width * rng.uniform(1.5, 5)
    return _mapped(masks, np.column_stack([across, down]) * (distance / (distance + away))[:, None])


def _shortness(width: int) -> float:
    """Return 1 for lines of up to four em, less for longer ones."""
    return min(1.0, 4 * EM / width)


def _rise(width: int, most: float, rng: random.Random) -> float:
    """Draw an angle of up to `most` degrees, in radians; long lines rise no further than short ones."""
    return float(np.arctan(np.tan(np.radians(rng.uniform(-most, most))) * _shortness(width)))


def _corners(width: int, height: int) -> NDArray[np.float32]:
    """Return the four corners of a picture, clockwise."""
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)


def _mapped(masks: Sequence[Mask], corners: NDArray[np.floating[Any]], arch: float = 0.0) -> list[Mask]:
    """Bring coverage to where its corners go, wherever that is, with a margin; bend it by `arch` pixels."""
    height, width = masks[0].shape
    new = corners.astype(np.float32)
    room = np.array([EM // 4, EM // 4 + abs(arch)], np.float32)
    new += room - new.min(axis=0)
    size = np.ceil(new.max(axis=0) + room).astype(int)
    # From the result to where its pixels come from.
    matrix = cv2.getPerspectiveTransform(new, _corners(width, height))
    x, y = np.meshgrid(np.arange(size[0], dtype=np.float32), np.arange(size[1], dtype=np.float32))
    y += np.float32(arch) * (1 - np.square(2 * x / size[0] - 1))
    columns, lines = cv2.split(cv2.perspectiveTransform(np.dstack([x, y]), matrix))
    return [cv2.remap(mask, columns, lines, cv2.INTER_LINEAR).astype(np.uint8) for mask in masks]


def cropped(masks: Sequence[Mask], rng: random.Random, *, loose: float = 0.16) -> list[Mask]:
    """Cut around the ink of the first coverage; nothing is left where it has none.

    Args:
        masks: (H, W) coverages of the line, and of what stands around it.
        rng: Source of randomness.
        loose: Greatest margin above and below, as a share of the ink's height.
    """
    solid = (masks[0] > _SOLID).astype(np.uint8)
    if not solid.any():
        return []
    left, top, width, height = cv2.boundingRect(solid)
    height = max(height, EM // 3)

    def margin(most: float) -> int:
        return round(height * rng.uniform(-0.02, most))

    box = scene.Box(
        top - margin(loose), top + height + margin(loose), left - margin(0.3), left + width + margin(0.3)
    )
    return [scene.framed(mask, box) for mask in masks]


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


def _angle(width: int, rng: random.Random, *, accompanied: bool) -> float:
    """Draw how far a sign may be turned, in degrees: one of a few letters may hang anyhow."""
    chance = rng.random()
    if accompanied:  # of one that is turned far, so much of the others would show that it could be read
        return _TILTED if chance < 0.4 and width < 6 * EM else _SLIGHT
    if chance < 0.15 and width < 5 * EM:
        return _STEEP
    return _TILTED if chance < 0.35 else _SLIGHT


def seen(masks: Sequence[Mask], rng: random.Random) -> Sequence[Mask]:
    """Show a sign, the first coverage, with what stands around it, as it hangs and from where it is seen."""
    width, accompanied = masks[0].shape[1], len(masks) > 1
    if not accompanied and width < _LONG and rng.random() < _ASIDE:
        return from_aside(masks, rng)
    if rng.random() < 0.6:
        return turned(masks, rng, most=_angle(width, rng, accompanied=accompanied))
    return masks


def picture(
    line: Composed, rng: random.Random, other: Callable[[], Composed | None] = lambda: None
) -> Image | None:
    """Draw a line as a sign at 14 to 64 pixels of height; it is not scaled to the network's yet.

    Args:
        line: The line.
        rng: Source of randomness.
        other: Gives another line, which may reach into the crop.

    Returns:
        uint8 (H, W, 3); None where nothing is to be seen.
    """
    masks = [line.mask]
    beside = other() if rng.random() < _COMPANY else None
    if beside is not None:
        masks.append(neighbours(line, beside, rng))
    if rng.random() < 0.4:
        stroke = rng.uniform(-0.4, 1.8)
        masks = [embolden(mask, stroke) for mask in masks]
    found = cropped(seen(masks, rng), rng, loose=0.16 if beside is None else 0.4)
    if not found:
        return None
    least, most = _NATIVE
    height = rng.randint(least, 26 if rng.random() < 0.45 else most)
    # A sign that rises is much taller than its letters.
    height = max(height, round(_READABLE * found[0].shape[0] / EM))
    stretch = rng.uniform(0.65, 1.25) if rng.random() < 0.5 else 1.0
    size = (max(8, round(found[0].shape[1] * height / found[0].shape[0] * stretch)), height)
    way = cv2.INTER_AREA if height < found[0].shape[0] else cv2.INTER_LINEAR
    small, *rest = (cv2.resize(mask, size, interpolation=way).astype(np.uint8) for mask in found)
    kinds, weights = zip(*_GROUNDS, strict=True)
    kind = rng.choices(kinds, weights)[0]
    ground, mean = scene.background(height, size[0], rng, kind)
    restless = 1.2 * float(ground[:, :, 1].std()) if kind not in {"plain", "white"} else 0.0
    colour = scene.ink_colour(mean, rng, plain=0.35, contrast=55 + restless)
    for mask in rest:
        same = rng.random() < 0.75
        scene.blend(ground, mask, colour if same else scene.ink_colour(mean, rng, plain=0.35, contrast=30))
    if rng.random() < 0.45:
        scene.decorate(ground, small, colour, rng)
    if rng.random() < 0.4:
        filled(ground, small, colour, rng)
    else:
        scene.blend(ground, small, colour)
    drawn = np.clip(ground, 0, 255).astype(np.uint8)
    return damage(drawn, rng, rng.uniform(0.1, 0.6), rng.randint(0, 3))
