"""Improve a picture before it is read: grey, CLAHE, contrast stretching, non-local-means denoising."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import cv2
import numpy as np

from crnn_ocr.imaging.quality import Quality, grey_of, sample_of
from crnn_ocr.options import ReadOptions
from crnn_ocr.pixels import Pixels

Step = Literal["grey", "denoise", "clahe", "stretch"]
"""One enhancement step."""

POOR_CONTRAST = 50.0
"""`clahe=auto` stretches pictures whose contrast between ink and background is below this, in grey levels."""

LEAST_CONTRAST = 4.0
"""`clahe=auto` also needs more than this contrast, and more than 1.5 times the noise. Less is blank paper,
whose noise must not be amplified."""

STRONG_NOISE = 0.08
"""`denoise=auto` acts where the noise is above this share of the contrast."""

LEAST_NOISE = 1.5
"""The noise must also be above this, in grey levels. Less comes from rounding and compression."""

MOST_PIXELS = 4_000_000
"""Pictures with more pixels than this get only their colour noise removed by `denoise=auto`. They are scaled
down before they are read, which averages their noise, and non-local means would take longer than reading."""


def enhance(image: Pixels, options: ReadOptions, quality: Quality) -> Pixels:
    """Apply the enhancements that the options ask for.

    The thresholds of `auto` were measured; see docs/enhancement.md.

    Args:
        image: (H, W) grey or (H, W, 3) BGR, uint8; never changed.
        options: The switches `grey`, `clahe` and `denoise`.
        quality: Measurements of this picture, on which `auto` depends.

    Returns:
        A picture of the same width and height; `image` itself if there is nothing to do.
    """
    for step in plan(image.shape[:2], options, quality):
        image = _STEPS[step](image, quality)
    return image


def plan(shape: tuple[int, ...], options: ReadOptions, quality: Quality) -> tuple[Step, ...]:
    """Return the steps that `enhance` applies to a picture, in order.

    Args:
        shape: Height and width of the picture in pixels.
        options: As for `enhance`.
        quality: As for `enhance`.
    """
    steps: list[Step] = []
    noisy = options.denoise == "auto" and _is_noisy(quality)
    # The noise of the three channels is different, so their mean has less noise.
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
    """Stretch the grey levels between ink and background to the full range, equally in all channels.

    Args:
        image: (H, W) grey or (H, W, 3) BGR, uint8.

    Returns:
        A new picture of the same shape.
    """
    sample, _ = sample_of(image)
    low, high = np.percentile(sample, (0.5, 99.5))
    span = max(float(high - low), LEAST_CONTRAST)
    levels = np.clip((np.arange(256) - low) * (255 / span), 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(image, levels), np.uint8)


def equalise(image: Pixels, *, clip: float = 2.0, grid: int = 8) -> Pixels:
    """Raise local contrast by contrast-limited adaptive histogram equalisation.

    Method: Zuiderveld, "Contrast Limited Adaptive Histogram Equalization", Graphics Gems IV, 1994. Only the
    lightness (L of Lab) is equalised, so that colours keep their hue.

    Args:
        image: (H, W) grey or (H, W, 3) BGR, uint8.
        clip: Clip limit of a cell's histogram, as a multiple of the uniform value.
        grid: Cells per side.

    Returns:
        A new picture of the same shape.
    """
    clahe = cv2.createCLAHE(clipLimit=clip, tileGridSize=(grid, grid))
    if image.ndim == 2:
        return np.asarray(clahe.apply(image), np.uint8)
    lab = cv2.cvtColor(image, cv2.COLOR_BGR2Lab)
    lab[..., 0] = clahe.apply(np.ascontiguousarray(lab[..., 0]))
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_Lab2BGR), np.uint8)


def denoise(image: Pixels, noise: float) -> Pixels:
    """Remove noise by non-local means.

    Method: Buades, Coll, Morel, "A non-local algorithm for image denoising", CVPR 2005. Patches of 5 × 5
    pixels are searched within 7 × 7 pixels. Larger windows cost several times as much and do not improve
    reading.

    Args:
        image: (H, W) grey or (H, W, 3) BGR, uint8.
        noise: Standard deviation of the noise in grey levels, used as the filter's strength.

    Returns:
        A new picture of the same shape.
    """
    strength = min(max(noise, 1.0), 40.0)
    return np.asarray(cv2.fastNlMeansDenoising(image, None, strength, 5, 7), np.uint8)


def resize_line(crop: Pixels, width: int, height: int) -> Pixels:
    """Scale the crop of a line to a network's input size.

    Lines that shrink in height are averaged by area, so that thin strokes do not alias. Lines that grow are
    interpolated linearly: the overshoot of cubic interpolation at edges costs small print 2.4 points of exact
    lines on `lines_zh`.

    Args:
        crop: (H, W) or (H, W, 3), uint8.
        width: Wanted width in pixels.
        height: Wanted height in pixels.

    Returns:
        (height, width) or (height, width, 3), uint8; `crop` itself if it has that size already.
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
