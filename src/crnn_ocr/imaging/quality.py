"""Cheap measures of how readable a picture is, made for text: mostly flat paper with thin strokes on it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from crnn_ocr.document import Remark

Pixels = NDArray[np.uint8]

TILE = 128
MOST_TILES = 48  # 0.8 million pixels: some milliseconds, however large the picture

_EDGE_REACH = 15  # side of the window that must span an edge from its dark to its light end, in pixels
_LEAST_EDGE = 24  # grey levels; flatter steps are paper, noise and compression
_EDGES_WANTED = 200  # pixels on edges; with fewer there is no telling

# Immerkær, "Fast Noise Variance Estimation", CVIU 64(2), 1996: the difference of two Laplacians, which flat
# and evenly shaded ground leaves at zero. Its response to noise of deviation s has deviation 6 s.
_NOISE_KERNEL = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
_NOISE_GAIN = 6.0
_MEDIAN_OF_NORMAL = 0.6745  # of the absolute value, for a deviation of 1

BLUR_PER_HEIGHT = 0.12
"""Standard deviation of the blur, as a share of the line height, from which reading suffers."""

SMALL_TEXT = 9.0
"""Median height of line boxes, in pixels, under which reading suffers."""


@dataclass(frozen=True, slots=True)
class Quality:
    """What was measured of a picture.

    Attributes:
        brightness: Median grey level, 0 to 255; of a page that is its paper.
        contrast: Grey levels between ink and ground, 0 to 255, where the picture's contrast is best.
        noise: Standard deviation of the noise in grey levels.
        blur: Standard deviation, in pixels, of the blur that its edges show; None where the picture has too
            few edges to tell. A sharp edge measures about 0.5.
    """

    brightness: float
    contrast: float
    noise: float
    blur: float | None


def measure(image: Pixels) -> Quality:
    """Measure a picture.

    Only the `MOST_TILES` tiles with most detail are looked at, in full resolution, so the cost is bounded and
    white paper around little text does not count as blurred or pale.

    Args:
        image: (H, W) grey or (H, W, 3) BGR.
    """
    small = _small_grey(image)
    tiles = _tiles(image, small)
    blurs, contrasts, noises = [], [], []
    for tile in tiles:
        noise = _noise(tile)
        noises.append(noise)
        contrasts.append(_contrast(tile))
        blurs.append(_edge_slopes(tile, noise))
    contrast = float(np.percentile(contrasts, 90)) if contrasts else 0.0
    slopes = np.concatenate(blurs) if blurs else np.empty(0, np.float32)
    return Quality(
        brightness=float(np.median(small)),
        contrast=contrast,
        noise=float(np.percentile(noises, 25)) if noises else 0.0,
        blur=_blur(slopes),
    )


def remarks(quality: Quality, line_heights: Sequence[float]) -> tuple[Remark, ...]:
    """Advise to take the picture again where reading it is likely to fail.

    Args:
        quality: What `measure` said.
        line_heights: Heights of the detected lines in pixels of the same picture, in any order.

    Returns:
        `IMAGE_BLURRED` and `TEXT_TOO_SMALL`, as they apply; nothing where no text was found.
    """
    if not line_heights:
        return ()
    height = statistics.median(line_heights)
    found = []
    if quality.blur is not None and quality.blur > BLUR_PER_HEIGHT * height and quality.blur > 1:
        found.append(
            Remark(
                "IMAGE_BLURRED",
                "The picture is blurred, so the text may be wrong: take it again with a steady hand, good "
                "light and the focus on the text.",
            )
        )
    if height < SMALL_TEXT:
        found.append(
            Remark(
                "TEXT_TOO_SMALL",
                f"The lines are only about {height:.0f} pixels high, so the text may be wrong: take the "
                "picture from nearer, or scan at 300 dpi.",
            )
        )
    return tuple(found)


def grey_of(image: Pixels) -> Pixels:
    """Luminance (ITU-R BT.601) of a (H, W, 3) BGR picture; a grey one is returned as it is."""
    return image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)


def _small_grey(image: Pixels) -> Pixels:
    """The picture at an eighth, for an overview."""
    height, width = image.shape[:2]
    size = max(1, width // 8), max(1, height // 8)
    return grey_of(np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8))


def _tiles(image: Pixels, small: Pixels) -> list[Pixels]:
    """Grey tiles of the picture: all of a small one, those with most detail of a large one."""
    height, width = image.shape[:2]
    places = [(y, x) for y in range(0, height, TILE) for x in range(0, width, TILE)]
    if len(places) > MOST_TILES:
        side = TILE // 8
        detail = {place: float(_spread(small, place, side)) for place in places}
        places = sorted(places, key=lambda place: -detail[place])[:MOST_TILES]
    return [grey_of(image[y : y + TILE, x : x + TILE]) for y, x in places]


def _spread(small: Pixels, place: tuple[int, int], side: int) -> float:
    y, x = place[0] // 8, place[1] // 8
    part = small[y : y + side, x : x + side]
    return float(part.std()) if part.size else 0.0


def _noise(tile: Pixels) -> float:
    if min(tile.shape) < 3:
        return 0.0
    response = cv2.filter2D(tile, cv2.CV_32F, _NOISE_KERNEL)[1:-1, 1:-1]
    return float(np.median(np.abs(response))) / (_NOISE_GAIN * _MEDIAN_OF_NORMAL)


def _contrast(tile: Pixels) -> float:
    low, high = np.percentile(tile, (1, 99))
    return float(high - low)


def _edge_slopes(tile: Pixels, noise: float) -> NDArray[np.float32]:
    """Slope of every clear edge, as a share of its height per pixel."""
    if min(tile.shape) < 3:
        return np.empty(0, np.float32)
    window = np.ones((_EDGE_REACH, _EDGE_REACH), np.uint8)
    span = cv2.subtract(cv2.dilate(tile, window), cv2.erode(tile, window)).astype(np.float32)
    dx = cv2.Sobel(tile, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
    dy = cv2.Sobel(tile, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
    slope = np.asarray(cv2.magnitude(dx, dy), np.float32)
    crest = slope >= cv2.dilate(slope, np.ones((_EDGE_REACH, _EDGE_REACH), np.uint8))
    clear = crest & (span > max(_LEAST_EDGE, 8 * noise))
    return np.asarray(slope[clear] / span[clear], np.float32)


def _blur(slopes: NDArray[np.float32]) -> float | None:
    if slopes.size < 20:
        return None
    # The steepest slope of a step of height 1 behind a Gaussian blur of deviation s is 1 / (s sqrt(2 pi)).
    steep = float(np.percentile(slopes, 75))
    return 1 / (max(steep, 1e-3) * math.sqrt(2 * math.pi))
