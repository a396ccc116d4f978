"""Optional improvements of a picture before it is read: grey, CLAHE, non-local-means denoising."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from crnn_ocr.imaging.quality import Quality, grey_of
from crnn_ocr.options import ReadOptions, Switch

Pixels = NDArray[np.uint8]

POOR_CONTRAST = 50.0
"""`clahe=auto` acts where the contrast between ink and ground is below this, in grey levels."""

STRONG_NOISE = 20.0
"""`denoise=auto` acts where the noise is above this, in grey levels."""


def enhance(image: Pixels, options: ReadOptions, quality: Quality) -> Pixels:
    """Apply what the options ask for.

    Args:
        image: (H, W) grey or (H, W, 3) BGR; never changed.
        options: The switches `grey`, `clahe` and `denoise`.
        quality: What was measured of this picture; it decides where a switch is `auto`.

    Returns:
        A picture of the same width and height; `image` itself where nothing is to be done.
    """
    if options.grey == "on":
        image = grey_of(image)
    if _decide(options.denoise, quality.noise > STRONG_NOISE):
        image = denoise(image, quality.noise)
    if _decide(options.clahe, quality.contrast < POOR_CONTRAST):
        image = equalise(image)
    return image


def _decide(switch: Switch, wanted: bool) -> bool:
    return wanted if switch == "auto" else switch == "on"


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

    Method: Buades, Coll, Morel, "A non-local algorithm for image denoising", CVPR 2005. The windows shrink as
    the picture grows, so that the cost stays bounded.

    Args:
        image: (H, W) or (H, W, 3) BGR.
        noise: Standard deviation of the noise in grey levels; decides the strength.
    """
    strength = float(min(max(noise, 3.0), 40.0))
    template, search = (5, 11) if image.shape[0] * image.shape[1] < 1_500_000 else (5, 7)
    return np.asarray(cv2.fastNlMeansDenoising(image, None, strength, template, search), np.uint8)


def resize_to_height(crop: Pixels, height: int) -> Pixels:
    """Scale a crop to a height, keeping its aspect ratio.

    Args:
        crop: (H, W) or (H, W, 3).
        height: Wished height in pixels.

    Returns:
        A picture of that height and a width of at least 1; area averaging down, cubic up. `crop` itself
        where it has the height already.
    """
    if height < 1:
        raise ValueError(f"a picture cannot be {height} pixels high")
    old_height, old_width = crop.shape[:2]
    if old_height == height:
        return crop
    width = max(1, round(old_width * height / old_height))
    interpolation = cv2.INTER_AREA if height < old_height else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(crop, (width, height), interpolation=interpolation), np.uint8)
