"""Measure cheaply how readable a picture of text is: brightness, contrast, noise and blur."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from crnn_ocr.document import Remark
from crnn_ocr.pixels import Pixels

TILE = 128
MOST_TILES = 24  # 0.4 million pixels: a few milliseconds, however large the picture
_THIN = 1_000_000  # pixels; a picture thinner than a tile is measured whole up to this

_REACH = 7  # pixels on either side within which an edge must go from dark to light
_RAMP = 0.5  # an edge's slope must fall below this share of its peak within the window; else it is shading
_LEAST_EDGE = 24  # grey levels; flatter steps are paper, noise and compression
_LEAST_EDGES = 8  # fewer edges are not enough to measure blur
_NOISE_SPAN = 7.5  # the range of a window's (2 · 7 + 1)² samples exceeds this many deviations once in 100
_LONGEST_BLUR = 2.5  # pixels; more does not fit into the windows, so it is measured at half size
_HALVINGS = 3

# Immerkær, "Fast Noise Variance Estimation", CVIU 64(2), 1996: the difference of two Laplacians. It is zero
# on flat and evenly shaded background, and its response to noise of deviation s has deviation 6 s. The lower
# quartile, used instead of Immerkær's mean, excludes the edges of letters even if they fill half of the
# picture.
_NOISE_KERNEL = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
_NOISE_GAIN = 6.0
_LEAST_GROUND = 20  # pixels; tight crops of small letters show too little background
_QUARTILE_OF_NORMAL = 0.3186  # of the absolute value, for a deviation of 1

BLUR_PER_HEIGHT = 0.065
"""`IMAGE_BLURRED` is reported from this blur on, as a share of the line height: errors begin to multiply."""

SHARP = 1.1
"""Blur in pixels that never counts as blurred: sharp edges measure 0.7 to 1."""

BLURRED_ANYWAY = 2.0
"""Blur in pixels that is reported even if no text was found, because it may be the reason."""

SMALL_TEXT = 10.0
"""`TEXT_TOO_SMALL` is reported below this line height in pixels: 3 to 5 % of the characters go wrong."""

_MANY_SMALL, _SMALL_SHARE = 3, 0.1  # least number of small lines, and their least share, to be reported


@dataclass(frozen=True, slots=True)
class Quality:
    """Measurements of a picture.

    Attributes:
        brightness: Median grey level, 0 to 255; on a page this is the paper.
        contrast: Grey levels between ink and background, 0 to 255, where the contrast is best.
        noise: Standard deviation of the noise in grey levels.
        blur: Standard deviation, in pixels, of the blur at the picture's edges; None if it has too few edges.
            A sharp edge measures about 0.5.
    """

    brightness: float
    contrast: float
    noise: float
    blur: float | None


def measure(image: Pixels) -> Quality:
    """Measure brightness, contrast, noise and blur of a picture.

    Only the `MOST_TILES` tiles with the most detail are examined, in full resolution. So the cost is bounded,
    and white paper around a little text does not count as blurred or pale.

    Args:
        image: (H, W) grey or (H, W, 3) BGR.
    """
    height, width = image.shape[:2]
    sample, inside = sample_of(image)
    noise = _noise(sample)
    span = _span(sample)
    contrast = max(0.0, _percentile(span[inside], 99) - _NOISE_SPAN * noise)
    blur = _blur(_slopes(sample, span, inside, noise))
    scale = 1
    while (blur is None or blur > _LONGEST_BLUR * scale) and scale < 2**_HALVINGS:
        scale *= 2
        size = width // scale, height // scale
        if min(size) <= 4 * _REACH:
            break
        reduced = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        sample, inside = sample_of(reduced)
        coarse = _blur(_slopes(sample, _span(sample), inside, noise / scale))
        if coarse is not None:
            blur = max(blur or 0.0, scale * coarse)
    return Quality(_brightness(image), contrast, noise, blur)


def remarks(quality: Quality, line_heights: Sequence[float]) -> tuple[Remark, ...]:
    """Return advice to take the picture again if reading it is likely to fail.

    Args:
        quality: The result of `measure`.
        line_heights: Heights of the detected lines in pixels of the same picture, in any order.

    Returns:
        `IMAGE_BLURRED` and `TEXT_TOO_SMALL`, if they apply. If no text was found, only strong blur is
        reported.
    """
    height = statistics.median(line_heights) if line_heights else None
    small = [each for each in line_heights if each < SMALL_TEXT]
    limit = BLURRED_ANYWAY if height is None else max(SHARP, BLUR_PER_HEIGHT * height)
    found = []
    if quality.blur is not None and quality.blur > limit:
        found.append(
            Remark(
                "IMAGE_BLURRED",
                "The picture is blurred, so text may be wrong or missing: take it again with a steady hand, "
                "good light and the focus on the text.",
            )
        )
    if 2 * len(small) > len(line_heights) or len(small) >= max(_MANY_SMALL, _SMALL_SHARE * len(line_heights)):
        which = "The lines" if 2 * len(small) > len(line_heights) else f"{len(small)} lines"
        found.append(
            Remark(
                "TEXT_TOO_SMALL",
                f"{which} are only about {statistics.median(small):.0f} pixels high, so text may be wrong or "
                "missing: take the picture from nearer, or scan at 300 dpi.",
            )
        )
    return tuple(found)


def grey_of(image: Pixels) -> Pixels:
    """Return the luminance (ITU-R BT.601) of a BGR picture, (H, W) uint8; return a grey one unchanged."""
    return image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)


def _frame(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return a mask of all pixels except those near the borders."""
    inside = np.zeros(shape, np.bool_)
    inside[_REACH:-_REACH, _REACH:-_REACH] = True
    return inside


def _brightness(image: Pixels) -> float:
    return float(np.median(grey_of(np.ascontiguousarray(image[::4, ::4]))))


def sample_of(image: Pixels) -> tuple[Pixels, NDArray[np.bool_]]:
    """Choose the part of a picture that is measured.

    Args:
        image: (H, W) grey or (H, W, 3) BGR, uint8.

    Returns:
        The sample, (h, w) uint8 grey: a whole small picture, or a mosaic of the most detailed tiles of a
        large one. And a mask, (h, w) bool, of the pixels whose windows do not cross a seam or the border.
    """
    height, width = image.shape[:2]
    tall, wide = min(TILE, height), min(TILE, width)
    rows, columns = height // tall, width // wide
    if rows * columns <= MOST_TILES or (min(height, width) < TILE and height * width <= _THIN):
        # At the borders, shading ends like an edge. But the borders make up half of a line's crop.
        framed = min(height, width) > 4 * _REACH
        return grey_of(image), _frame((height, width)) if framed else np.ones((height, width), np.bool_)
    # The variance of each tile of the overview: the mean of the squares minus the square of the mean.
    overview = grey_of(np.ascontiguousarray(image[::4, ::4])).astype(np.float32)
    mean = cv2.resize(overview, (columns, rows), interpolation=cv2.INTER_AREA)
    square = cv2.resize(overview * overview, (columns, rows), interpolation=cv2.INTER_AREA)
    best = np.argsort(-(square - mean * mean), axis=None, kind="stable")[:MOST_TILES]
    tiles = [
        grey_of(image[y : y + tall, x : x + wide])
        for y, x in zip((best // columns) * tall, (best % columns) * wide, strict=True)
    ]
    if height < TILE:
        return np.hstack(tiles), np.tile(_between_seams((tall, wide), 1), (1, len(tiles)))
    if width < TILE:
        return np.vstack(tiles), np.tile(_between_seams((tall, wide), 0), (len(tiles), 1))
    return np.vstack(tiles), np.tile(_frame((TILE, TILE)), (len(tiles), 1))


def _between_seams(shape: tuple[int, int], axis: int) -> NDArray[np.bool_]:
    """Return a mask of the pixels of a thin tile whose windows do not cross a seam along that axis."""
    if min(shape) > 4 * _REACH:
        return _frame(shape)
    inside = np.zeros(shape, np.bool_)
    inside[(slice(None),) * axis + (slice(_REACH, -_REACH),)] = True
    return inside


def _noise(sample: Pixels) -> float:
    """Return the noise of the quieter parts, which show noise rather than texture."""
    if min(sample.shape) < _LEAST_GROUND:
        return 0.0
    response = np.abs(cv2.filter2D(sample, cv2.CV_16S, _NOISE_KERNEL)[1:-1:2, 1:-1:2])
    # Half tiles, so that the seams of the mosaic lie between them.
    step = TILE // 2
    parts = [
        _percentile(response[y : y + step, x : x + step].ravel(), 25)
        for y in range(0, response.shape[0], step)
        for x in range(0, response.shape[1], step)
    ]
    return float(np.percentile(parts, 25)) / (_NOISE_GAIN * _QUARTILE_OF_NORMAL)


def _span(sample: Pixels) -> Pixels:
    """Return the difference between the lightest and the darkest pixel of the window around each pixel."""
    window = np.ones((2 * _REACH + 1, 2 * _REACH + 1), np.uint8)
    return np.asarray(cv2.subtract(cv2.dilate(sample, window), cv2.erode(sample, window)), np.uint8)


def _slopes(sample: Pixels, span: Pixels, inside: NDArray[np.bool_], noise: float) -> NDArray[np.float32]:
    """Return the steepest slope of every clear edge, as a share of the edge's height per pixel."""
    dx = cv2.Sobel(sample, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
    dy = cv2.Sobel(sample, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
    slope = np.asarray(cv2.magnitude(dx, dy), np.float32)
    window = np.ones((2 * _REACH + 1, 2 * _REACH + 1), np.uint8)
    crest = (slope >= cv2.dilate(slope, window)) & (cv2.erode(slope, window) < _RAMP * slope)
    clear = crest & (span > max(_LEAST_EDGE, 8 * noise)) & inside
    return np.asarray(slope[clear] / span[clear], np.float32)


def _blur(slopes: NDArray[np.float32]) -> float | None:
    """Return the blur that explains the slopes: a step blurred by s has slope 1 / (s sqrt(2 pi)) at most."""
    if slopes.size < _LEAST_EDGES:
        return None
    return 1 / (max(_percentile(slopes, 75), 1e-3) * math.sqrt(2 * math.pi))


def _percentile(values: NDArray[Any], percent: float) -> float:
    if values.size == 0:
        return 0.0
    index = round((values.size - 1) * percent / 100)
    return float(np.partition(values, index)[index])
