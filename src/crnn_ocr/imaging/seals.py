"""Remove round seals that lie over print, by their colour (pure functions).

Print is dark in every channel, but the ink of a seal is bright in one of them: red or blue. Where a seal lies
over print, the brightest channel shows only the print. Coloured text must not be lost, so this is done only
inside shapes that are round, large, mostly open and crossed by print.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from crnn_ocr.pixels import Pixels

#: Longest side, in pixels, of the reduced picture in which seals are searched.
_SIDE = 1000
#: Grey levels of coloured ink: least difference between its channels, and least value of the brightest one.
_COLOURED, _BRIGHT = 50, 100
#: Hues of red and blue seals in degrees, tolerance for a pixel's hue, and the share of pixels within it.
_RED, _BLUE, _HUE, _ONE_INK = 355.0, 225.0, 30.0, 0.95
#: Pixels whose brightest channel is at most this are print.
_DARK = 110
#: Paper is lighter than this.
_LIGHT = 150
#: Least share of coloured pixels in the reduced picture.
_LEAST_SHARE = 0.0005
#: Least side of a seal in pixels of the reduced picture, and its largest share of that picture's longer side.
_LEAST_SIDE, _MOST_SIDE = 40, 0.75
#: Range of width : height of a seal; it includes the oval seals of invoices.
_ASPECTS = (0.85, 1.65)
#: Range of the share of its bounding box that a seal fills: an ellipse fills 0.785, a frame or a table 1.
_FILLED = (0.74, 0.83)
#: Range of the share of its area that a seal's ink covers.
_COVERED = (0.04, 0.55)
#: Number of rays from the centre; least radius, as a share, at which ink counts as the rim; and least share
#: of rays that meet the rim.
_RAYS, _RIM, _CLOSED = 72, 0.86, 0.85
#: Least print inside a seal, as a share of its area, and least share of that print that touches the seal's
#: ink.
_PRINT, _TOUCHING = 0.01, 0.02


def without_seals(image: Pixels) -> Pixels:
    """Return a page without the round seals that lie over print.

    Args:
        image: (H, W) grey or (H, W, 3) BGR, uint8.

    Returns:
        `image` itself if it has no such seal; otherwise a copy in which only seals are changed.
    """
    if image.ndim == 2 or min(image.shape[:2]) < _LEAST_SIDE:
        return image
    height, width = image.shape[:2]
    scale = min(1.0, _SIDE / max(height, width))
    small = image
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    highest, coloured = _colours(small)
    if coloured.mean() < _LEAST_SHARE:
        return image
    dark = highest <= _DARK
    # Print cuts the ring of a seal into pieces.
    joined = cv2.dilate((coloured | dark & _near(coloured)).astype(np.uint8), np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    cleaned = image
    for i in range(1, count):
        left, top, wide, high, _ = stats[i].tolist()
        if min(wide, high) < _LEAST_SIDE or max(wide, high) > _MOST_SIDE * max(small.shape[:2]):
            continue
        here = (slice(top, top + high), slice(left, left + wide))
        ring = coloured[here] & (labels[here] == i)
        if not _is_of_one_ink(small[here][ring]):
            continue
        inside = _seal(ring, coloured[here], dark[here])
        if inside is None or float(np.median(highest[here][inside > 0])) < _LIGHT:
            continue
        if cleaned is image:
            cleaned = image.copy()
        box = [round(side / scale) for side in (left, top, left + wide, top + high)]
        _clean(cleaned[box[1] : box[3], box[0] : box[2]], inside)
    return cleaned


def _colours(image: Pixels) -> tuple[Pixels, NDArray[np.bool_]]:
    """Return the brightest channel of a picture, (H, W) uint8, and a mask of its coloured pixels."""
    blue, green, red = cv2.split(image)
    highest = np.asarray(cv2.max(cv2.max(blue, green), red), np.uint8)
    lowest = np.asarray(cv2.min(cv2.min(blue, green), red), np.uint8)
    return highest, (cv2.subtract(highest, lowest) >= _COLOURED) & (highest >= _BRIGHT)


def _is_of_one_ink(pixels: Pixels) -> bool:
    """Return whether coloured pixels, (n, 3) BGR, share one red or blue hue, which rules out charts."""
    if not len(pixels):
        return False
    hues = cv2.cvtColor(pixels[None], cv2.COLOR_BGR2HSV)[0, :, 0].astype(np.float64) * 2
    return any(
        float((np.abs((hues - hue + 180) % 360 - 180) <= _HUE).mean()) >= _ONE_INK for hue in (_RED, _BLUE)
    )


def _near(coloured: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return a mask of coloured ink grown by about a stroke width."""
    return cv2.dilate(coloured.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0


def _seal(ring: NDArray[np.bool_], coloured: NDArray[np.bool_], dark: NDArray[np.bool_]) -> Pixels | None:
    """Return the area of a seal over print, (h, w) of 0 and 1; None if the ink is not a seal.

    Args:
        ring: (h, w) mask of one connected component of coloured ink.
        coloured: (h, w) mask of all coloured ink in its bounding box.
        dark: (h, w) mask of all print in its bounding box.
    """
    points = np.argwhere(ring)[:, ::-1].astype(np.int32)
    wide, high = (int(side) for side in np.ptp(points, axis=0) + 1)
    if not _ASPECTS[0] <= wide / high <= _ASPECTS[1]:
        return None
    hull = cv2.convexHull(points.reshape(-1, 1, 2))
    if not _FILLED[0] <= cv2.contourArea(hull) / (wide * high) <= _FILLED[1]:
        return None
    inside = np.zeros(ring.shape, np.uint8)
    cv2.fillPoly(inside, [np.asarray(hull, np.int32)], 1)
    area = float(inside.sum())
    if not _COVERED[0] <= (coloured & (inside > 0)).sum() / area <= _COVERED[1]:
        return None
    if _closed(points) < _CLOSED:
        return None
    print_ = dark & (inside > 0)
    touching = print_ & _near(coloured)
    if print_.sum() < _PRINT * area or touching.sum() < _TOUCHING * print_.sum():
        return None
    return cv2.dilate(inside, np.ones((7, 7), np.uint8)).astype(np.uint8)


def _closed(points: NDArray[np.int32]) -> float:
    """Return the share of directions from the centre in which there is ink at the rim."""
    first, size = points.min(axis=0), np.ptp(points, axis=0) + 1
    x, y = (2 * (points - first) / size - 1).T
    rim = np.hypot(x, y) >= _RIM
    rays = np.floor((np.arctan2(y[rim], x[rim]) / (2 * np.pi) + 0.5) * _RAYS).astype(int)
    return len(np.unique(rays)) / _RAYS


def _clean(region: Pixels, inside: Pixels) -> None:
    """Show a seal's brightest channel, scaled so that its ink becomes as light as the paper; in place."""
    height, width = region.shape[:2]
    mask = cv2.resize(inside, (width, height), interpolation=cv2.INTER_NEAREST) > 0
    highest, coloured = _colours(region)
    ink = mask & coloured
    paper = float(np.percentile(highest[mask], 90))
    level = float(np.percentile(highest[ink], 25)) if ink.any() else paper
    # A lookup table, because one float per pixel of a large seal takes eight times the memory of the picture.
    table = np.minimum(np.arange(256) * (paper / max(level, 1.0)), paper).astype(np.uint8)
    shown = table[highest]
    region[mask] = shown[mask][:, None]
