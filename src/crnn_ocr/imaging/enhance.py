"""Optional improvements of a picture before it is read: grey, CLAHE, non-local-means denoising."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import cv2
import numpy as np

from crnn_ocr.imaging.quality import Quality, grey_of, sample_of
from crnn_ocr.options import ReadOptions
from crnn_ocr.pixels import Pixels

Step = Literal["grey", "denoise", "clahe", "stretch"]
"""One thing that is done to a picture."""

POOR_CONTRAST = 50.0
"""`clahe=auto` acts where the contrast between ink and ground is below this, in grey levels …"""

LEAST_CONTRAST = 4.0
"""… and above this, and above 1.5 times the noise: less is blank paper, not to be made a storm."""

STRONG_NOISE = 0.08
"""`denoise=auto` acts where the noise is above this share of the contrast …"""

LEAST_NOISE = 1.5
"""… and above this, in grey levels: less is rounding and compression."""

MOST_PIXELS = 4_000_000
"""Where `denoise=auto` stops at taking the colour noise away: larger pictures are scaled down before they are
read, which averages their noise, and non-local means would take longer than reading."""


def enhance(image: Pixels, options: ReadOptions, quality: Quality) -> Pixels:
    """Apply what the options ask for.

    What `auto` does, and from where on, was measured: see docs/enhancement.md.

    Args:
        image: (H, W) grey or (H, W, 3) BGR; never changed.
        options: The switches `grey`, `clahe` and `denoise`.
        quality: What was measured of this picture; it decides where a switch is `auto`.

    Returns:
        A picture of the same width and height; `image` itself where nothing is to be done.
    """
    for step in plan(image.shape[:2], options, quality):
        image = _STEPS[step](image, quality)
    return image


def plan(shape: tuple[int, ...], options: ReadOptions, quality: Quality) -> tuple[Step, ...]:
    """What `enhance` does with a picture, in this order.

    Args:
        shape: Height and width of the picture.
        options: As for `enhance`.
        quality: As for `enhance`.
    """
    steps: list[Step] = []
    noisy = options.denoise == "auto" and _is_noisy(quality)
    # The noise of the three channels differs: their mean has less.
    if options.grey == "on" or ((noisy or options.denoise == "on") and options.grey != "off"):
        steps.append("grey")
    if options.denoise == "on" or (noisy and shape[0] * shape[1] <= MOST_PIXELS):
        steps.append("denoise")
    if options.clahe == "on":
        steps.append("clahe")
    elif options.clahe == "auto" and _is_pale(quality):
        steps.append("stretch")
    return tuple(steps)


def _is_noisy(quality: Quality) -> bool:
    return quality.noise > max(LEAST_NOISE, STRONG_NOISE * quality.contrast)


def _is_pale(quality: Quality) -> bool:
    return max(LEAST_CONTRAST, 1.5 * quality.noise) < quality.contrast < POOR_CONTRAST


def stretch(image: Pixels) -> Pixels:
    """Stretch the grey levels between ink and ground over the whole range, alike in all colours.

    Args:
        image: (H, W) or (H, W, 3) BGR.
    """
    sample, _ = sample_of(image)
    low, high = np.percentile(sample, (0.5, 99.5))
    span = max(float(high - low), LEAST_CONTRAST)
    levels = np.clip((np.arange(256) - low) * (255 / span), 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(image, levels), np.uint8)


def equalise(image: Pixels, *, clip: float = 2.0, grid: int = 8) -> Pixels:
    """Raise local contrast by contrast-limited adaptive histogram equalisation.

    Method: Zuiderveld, "Contrast Limited Adaptive Histogram Equalization", Graphics Gems IV, 1994. Colours
    keep their hue: only the lightness (L of Lab) is equalised.

    Args:
        image: (H, W) or (H, W, 3) BGR.
        clip: How many times its even share a grey level may take of a cell's histogram.
        grid: Cells per side.
    """
    clahe = cv2.createCLAHE(clipLimit=clip, tileGridSize=(grid, grid))
    if image.ndim == 2:
        return np.asarray(clahe.apply(image), np.uint8)
    lab = cv2.cvtColor(image, cv2.COLOR_BGR2Lab)
    lab[..., 0] = clahe.apply(np.ascontiguousarray(lab[..., 0]))
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_Lab2BGR), np.uint8)


def denoise(image: Pixels, noise: float) -> Pixels:
    """Remove noise by non-local means.

    Method: Buades, Coll, Morel, "A non-local algorithm for image denoising", CVPR 2005. Patches of 5 × 5 are
    looked for within 7 × 7 pixels: larger windows cost several times as much and read no better.

    Args:
        image: (H, W) or (H, W, 3) BGR.
        noise: Standard deviation of the noise in grey levels; it is the strength of the filter.
    """
    strength = min(max(noise, 1.0), 40.0)
    return np.asarray(cv2.fastNlMeansDenoising(image, None, strength, 5, 7), np.uint8)


def resize_line(crop: Pixels, width: int, height: int) -> Pixels:
    """Scale a line's picture to a network's size.

    Args:
        crop: (H, W) or (H, W, 3).
        width: Wished width in pixels.
        height: Wished height in pixels.

    Returns:
        (height, width) or (height, width, 3); `crop` itself where it has that size already. Area averaging
        where the line gets lower, so that thin strokes do not alias; linear where it gets higher: cubic
        overshoot at edges costs small print (2.4 points of exact lines on `lines_zh`).
    """
    if crop.shape[:2] == (height, width):
        return crop
    way = cv2.INTER_AREA if height < crop.shape[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(crop, (width, height), interpolation=way), np.uint8)


_STEPS: Mapping[Step, Callable[[Pixels, Quality], Pixels]] = {
    "grey": lambda image, quality: grey_of(image),
    "denoise": lambda image, quality: denoise(image, quality.noise),
    "clahe": lambda image, quality: equalise(image),
    "stretch": lambda image, quality: stretch(image),
}
