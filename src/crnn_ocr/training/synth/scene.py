"""Gives a composed line its looks: the crop's box, colours, background, rules, neighbours, stamps."""

from __future__ import annotations

import random
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from crnn_ocr.training.render.atlas import EM
from crnn_ocr.training.render.compose import Composed
from crnn_ocr.training.types import Mask

Field = NDArray[np.float32]
Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Box:
    """Margins of a crop around the line's box, in pixels of the atlas; negative ones cut into it."""

    top: int
    bottom: int
    left: int
    right: int


def boxed(line: Composed, rng: random.Random, *, grid: int = 1) -> Mask:
    """Crop a line as detectors do: between its ink and its letters' usual extent, with a margin.

    Args:
        line: The line.
        rng: Source of randomness.
        grid: The box's edges lie on multiples of it: the size of enlarged pixels.
    """
    tight = max(0.0, rng.uniform(-1.2, 1.0))  # mostly the usual extent, sometimes down to the ink
    ink_top, ink_bottom = line.ink
    top = round(line.top + (ink_top - line.top) * tight)
    bottom = round(line.bottom + (ink_bottom - line.bottom) * tight)
    loose = rng.random() < 0.12
    margin = [round(EM * (rng.uniform(0.1, 0.35) if loose else rng.uniform(-0.035, 0.14))) for _ in "tb"]
    sides = [
        round(EM * (rng.uniform(0.2, 1.2) if rng.random() < 0.1 else rng.uniform(-0.02, 0.32))) for _ in "lr"
    ]
    if bottom - top < EM // 3:  # a dash or a stop: never cut, and never blown up to the height of a letter
        margin = [EM // 4 + abs(m) for m in margin]
    edges = (top - margin[0], bottom + margin[1], -sides[0], line.mask.shape[1] + sides[1])
    return framed(line.mask, Box(*(round(edge / grid) * grid for edge in edges)))


def framed(mask: Mask, box: Box) -> Mask:
    """Return the part of a mask between the rows and columns of a box, zeros where the mask ends."""
    height, width = mask.shape
    out = np.zeros((max(4, box.bottom - box.top), max(4, box.right - box.left)), np.uint8)
    rows = slice(max(0, box.top), min(height, box.bottom))
    columns = slice(max(0, box.left), min(width, box.right))
    part = mask[rows, columns]
    y, x = rows.start - box.top, columns.start - box.left
    part = part[: out.shape[0] - y, : out.shape[1] - x]
    out[y : y + part.shape[0], x : x + part.shape[1]] = part
    return out


def rules(mask: Mask, rng: random.Random) -> Mask:
    """Draw lines of tables, forms and underlines near the edges; returns their coverage."""
    height, width = mask.shape
    lines = np.zeros_like(mask)
    thick = rng.choice((1, 1, 2, 2, 3, 4))
    for side in rng.sample("tblrtbu", rng.choice((1, 1, 1, 2, 2, 3))):
        inset = round(abs(rng.gauss(0, 0.03)) * EM)
        shade = rng.randint(110, 255)
        if side in "tbu":
            row = inset if side == "t" else height - 1 - inset
            dash = rng.choice((0, 0, 0, 6)) if side == "u" else 0
            if dash:
                for x in range(0, width, 2 * dash):
                    cv2.line(lines, (x, row), (x + dash, row), shade, thick)
            else:
                cv2.line(lines, (0, row), (width, row + rng.randint(-1, 1)), shade, thick)
        else:
            column = inset if side == "l" else width - 1 - inset
            cv2.line(lines, (column, 0), (column, height), shade, thick)
    return lines


def icon(mask: Mask, rng: random.Random) -> tuple[Mask, Mask]:
    """Put a pictogram before a line: a filled or drawn shape with something cut out of it, which is no text.

    Args:
        mask: (H, W) coverage of the line.
        rng: Source of randomness.

    Returns:
        The line, moved to the right, and the coverage of the pictogram, of the same shape.
    """
    height = mask.shape[0]
    size = max(8, round(height * rng.uniform(0.55, 0.95)))
    gap = round(height * rng.uniform(0.1, 0.45))
    drawn = np.zeros((size, size), np.uint8)
    middle, reach = size // 2, size // 2 - 1
    full, ring = -1, max(1, size // rng.randint(8, 14))
    round_ = rng.random() < 0.7
    filled = rng.random() < 0.8
    if round_:
        cv2.circle(drawn, (middle, middle), reach, 255, full if filled else ring, cv2.LINE_AA)
    else:
        cv2.rectangle(drawn, (1, 1), (size - 2, size - 2), 255, full if filled else ring)
    shade, thick = 0 if filled else 255, max(1, size // rng.randint(7, 12))

    def at(x: float, y: float) -> tuple[int, int]:
        return round(x * size), round(y * size)

    shapes = (
        [((0.27, 0.52), (0.43, 0.68)), ((0.43, 0.68), (0.74, 0.33))],  # a tick
        [((0.32, 0.32), (0.68, 0.68)), ((0.32, 0.68), (0.68, 0.32))],  # a cross
        [((0.25, 0.5), (0.75, 0.5)), ((0.55, 0.3), (0.75, 0.5)), ((0.55, 0.7), (0.75, 0.5))],  # an arrow
        [((0.5, 0.22), (0.5, 0.58)), ((0.5, 0.7), (0.5, 0.78))],  # an exclamation mark
        [((0.28, 0.36), (0.72, 0.36)), ((0.28, 0.52), (0.72, 0.52)), ((0.28, 0.68), (0.6, 0.68))],
        [(start, (rng.random(), rng.random())) for start in [(rng.random(), rng.random())] * 4],
    )
    # Ticks and crosses in boxes and rings are characters: ☑ ☒ ⊗.
    strokes = rng.choice(shapes if filled and round_ else shapes[2:])
    if not strokes:
        drawn[:] = 0
        cv2.circle(drawn, (middle, middle), reach, 255, max(1, size // rng.randint(10, 16)), cv2.LINE_AA)
        cv2.circle(drawn, (middle, middle), round(reach * rng.uniform(0.5, 0.75)), 255, full, cv2.LINE_AA)
    for start, end in strokes:
        cv2.line(drawn, at(*start), at(*end), shade, thick, cv2.LINE_AA)
    moved = cv2.copyMakeBorder(mask, 0, 0, size + gap, 0, cv2.BORDER_CONSTANT, value=0)
    cover = np.zeros(moved.shape, np.uint8)
    top = (height - size) // 2
    cover[top : top + size, :size] = drawn
    return moved.astype(np.uint8), cover


def neighbour(shape: tuple[int, int], other: Composed, rng: random.Random) -> Mask:
    """Let the line above or below reach a little into the crop; returns its coverage."""
    height, width = shape
    reach = round(height * rng.uniform(0.03, 0.14))
    out = np.zeros(shape, np.uint8)
    ink = other.mask[other.ink[0] : other.ink[1]]
    reach = min(reach, ink.shape[0])
    start = rng.randint(0, max(0, ink.shape[1] - width))
    strip = ink[-reach:, start : start + width] if rng.random() < 0.5 else ink[:reach, start : start + width]
    at = rng.randint(0, max(0, width - strip.shape[1]))
    above = np.shares_memory(strip, ink[-reach:])
    (out[:reach] if above else out[height - reach :])[:, at : at + strip.shape[1]] = strip
    return out


def background(height: int, width: int, rng: random.Random, kind: str) -> tuple[Field, Colour]:
    """Paint what the text stands on.

    Args:
        height: Pixels.
        width: Pixels.
        rng: Source of randomness.
        kind: `white`, `paper`, `plain`, `gradient`, `texture` or `photo`.

    Returns:
        (float32 (H, W, 3) picture from 0 to 255, its mean colour).
    """
    noise = np.random.default_rng(rng.getrandbits(32))
    if kind == "white":
        base = [255.0 if rng.random() < 0.7 else rng.uniform(238, 255)] * 3
    elif kind == "paper":
        grey = rng.uniform(150, 250)
        base = [min(255.0, grey + rng.uniform(-14, 10)) for _ in "bgr"]
    else:
        low, high = rng.choice(((0, 255), (0, 255), (185, 255), (195, 250), (0, 70)))
        base = [rng.uniform(low, high) for _ in "bgr"]
    picture = np.empty((height, width, 3), np.float32)
    picture.reshape(height, -1)[:] = np.tile(np.array(base, np.float32), width)
    if kind == "gradient":
        other = np.array([b + rng.uniform(-90, 90) for b in base], np.float32)
        ramp = np.linspace(0, 1, width, dtype=np.float32)[None, :, None]
        if rng.random() < 0.4:
            ramp = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
        picture += ramp * (other - picture)
    elif kind in {"texture", "photo"}:
        depth = rng.uniform(6, 22) if kind == "texture" else rng.uniform(15, 60)
        for cell in (2, 6, 20) if kind == "texture" else (3, 12, 40):
            small = noise.standard_normal(
                (height // cell + 2, width // cell + 2, 1 if rng.random() < 0.6 else 3), np.float32
            )
            layer = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
            picture += (depth / 2) * (layer if layer.ndim == 3 else cv2.merge((layer, layer, layer)))
        if kind == "photo":
            _things(picture, rng)
    elif kind == "paper" and rng.random() < 0.5:
        small = noise.standard_normal((height // 8 + 2, width // 8 + 2), np.float32)
        grain = rng.uniform(1, 7) * cv2.resize(small, (width, height))
        picture += cv2.merge((grain, grain, grain))
    np.clip(picture, 0, 255, out=picture)
    blue, green, red, _ = cv2.mean(picture)
    return picture, (blue, green, red)


def _things(picture: Field, rng: random.Random) -> None:
    """Draw discs, bars and lines, as a photograph's background has them."""
    height, width = picture.shape[:2]
    for _ in range(rng.randint(1, 6)):
        colour = tuple(
            min(255.0, max(0.0, float(c) + rng.uniform(-60, 60))) for c in picture[height // 2, width // 2]
        )
        x, y = rng.randint(0, width), rng.randint(0, height)
        size = rng.randint(4, max(5, height))
        shape = rng.random()
        if shape < 0.4:
            cv2.circle(picture, (x, y), size, colour, -1 if rng.random() < 0.5 else 1, cv2.LINE_AA)
        elif shape < 0.7:
            cv2.rectangle(picture, (x, y), (x + rng.randint(3, 80), y + size), colour, -1)
        else:
            cv2.line(picture, (x, 0), (rng.randint(0, width), height), colour, rng.randint(1, 3), cv2.LINE_AA)


def luminance(colour: Colour) -> float:
    """Return the brightness of a BGR colour, 0 to 255 (Rec. 601)."""
    return 0.114 * colour[0] + 0.587 * colour[1] + 0.299 * colour[2]


def ink_colour(ground: Colour, rng: random.Random, *, plain: float, contrast: float) -> Colour:
    """Draw a text colour that stands out.

    Args:
        ground: Mean colour of the background.
        rng: Source of randomness.
        plain: Chance of near black on bright (or near white on dark).
        contrast: Least difference of brightness.
    """
    bright = luminance(ground)
    if rng.random() < plain:
        grey = abs(rng.gauss(0, 25)) if bright > 128 else 255 - abs(rng.gauss(0, 15))
        near = tuple(min(255.0, max(0.0, grey + rng.uniform(-6, 6))) for _ in "bgr")
        if abs(luminance(near) - bright) >= contrast:  # type: ignore[arg-type]
            return near  # type: ignore[return-value]
    for _ in range(20):
        colour = (rng.uniform(0, 255), rng.uniform(0, 255), rng.uniform(0, 255))
        if rng.random() < 0.5:  # strong colours of print and screens
            colour = tuple(0.0 if c < 90 else 255.0 if c > 190 else c for c in colour)  # type: ignore[assignment]
        if abs(luminance(colour) - bright) >= contrast:
            return colour
    return (0.0, 0.0, 0.0) if bright > 128 else (255.0, 255.0, 255.0)


def subpixels(mask: Mask, size: tuple[int, int]) -> Mask:
    """Scale coverage as LCD text is rendered: three samples per pixel, one for each of blue, green, red.

    Args:
        mask: (H, W) coverage.
        size: (width, height) of the result.

    Returns:
        (height, width, 3) coverage per channel.
    """
    width, height = size
    wide = cv2.resize(mask, (3 * width, height), interpolation=cv2.INTER_AREA)
    smooth = cv2.blur(wide, (3, 1))
    return np.ascontiguousarray(smooth.reshape(height, width, 3)[:, :, ::-1]).astype(np.uint8)


def blend(ground: Field, coverage: Mask, colour: Colour) -> None:
    """Paint a colour where coverage says, in place; the ground's memory is contiguous."""
    if coverage.ndim == 2:
        coverage = np.asarray(cv2.merge((coverage, coverage, coverage)), np.uint8)
    # Rows of numbers, not of pixels: NumPy is ten times slower over an innermost axis of three.
    height, width = ground.shape[:2]
    alpha = coverage.reshape(height, -1).astype(np.float32) * np.float32(1 / 255)
    rows = ground.reshape(height, -1)
    change = np.tile(np.array(colour, np.float32), width) - rows
    change *= alpha
    rows += change


def decorate(ground: Field, coverage: Mask, colour: Colour, rng: random.Random) -> None:
    """Paint an outline, a halo or a drop shadow under the text, in place."""
    opposite = 255.0 if luminance(colour) < 128 else 0.0
    other = tuple(min(255.0, max(0.0, opposite + rng.uniform(-60, 60))) for _ in "bgr")
    size = max(2, coverage.shape[0] // rng.randint(14, 24))
    kind = rng.random()
    if kind < 0.45:
        under = cv2.dilate(coverage, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size + 1, size + 1)))
    elif kind < 0.6:
        under = cv2.GaussianBlur(cv2.dilate(coverage, np.ones((size, size), np.uint8)), (0, 0), size)
    else:
        dx, dy = rng.randint(1, size), rng.randint(1, size)
        under = np.zeros_like(coverage)
        under[dy:, dx:] = coverage[:-dy, :-dx]
        under = cv2.GaussianBlur(under, (0, 0), rng.uniform(0.3, 1.5))
    blend(ground, under.astype(np.uint8), other)  # type: ignore[arg-type]


def stamp(picture: Field, rng: random.Random) -> None:
    """Print a part of a seal, a marker stroke or a pale watermark over the line, in place."""
    height, width = picture.shape[:2]
    layer = np.zeros((height, width), np.uint8)
    kind = rng.random()
    if kind < 0.45:
        colour: Colour = (rng.uniform(20, 90), rng.uniform(20, 80), rng.uniform(170, 255))
        radius = rng.randint(height // 2 + 2, 2 * height)
        centre = (rng.randint(0, width), rng.randint(-height // 2, height + height // 2))
        cv2.circle(layer, centre, radius, 255, max(1, height // 14), cv2.LINE_AA)
        strength = rng.uniform(0.35, 0.8)
    elif kind < 0.7:
        colour = (rng.uniform(0, 120), rng.uniform(180, 255), rng.uniform(180, 255))
        top = rng.randint(0, height // 4)
        left = rng.randint(0, width // 2)
        cv2.rectangle(layer, (left, top), (left + rng.randint(width // 3, width), height - top), 255, -1)
        alpha = rng.uniform(0.6, 1.0) * (layer[:, :, None] > 0)
        picture *= (
            1 - alpha + alpha * np.array(colour, np.float32) / 255
        )  # a marker multiplies, text shows through
        return
    else:
        colour = (rng.uniform(120, 220),) * 3
        for x in range(-height, width, rng.randint(height, 4 * height)):
            cv2.line(
                layer, (x, height), (x + height, 0), 255, rng.randint(1, max(2, height // 8)), cv2.LINE_AA
            )
        strength = rng.uniform(0.1, 0.35)
    blend(picture, (layer * strength).astype(np.uint8), colour)
