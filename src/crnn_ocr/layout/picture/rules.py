"""Find printed rules in the white space between lines."""

from __future__ import annotations

import math

import cv2
import numpy as np

from crnn_ocr.layout.picture.looks import grey_of
from crnn_ocr.pixels import Pixels

#: Least difference of a rule from the paper around it.
_CONTRAST = 30


def longest_rule(image: Pixels, left: float, top: float, right: float, bottom: float) -> float:
    """Return the length in pixels of the longest horizontal rule in a part of the picture; 0 without one.

    Args:
        image: The upright page, (H, W) grey or (H, W, 3) BGR.
        left: The part's left edge in pixels.
        top: Its top.
        right: Its right edge.
        bottom: Its bottom.
    """
    x0, x1 = max(0, math.floor(left)), min(image.shape[1], math.ceil(right))
    y0, y1 = max(0, math.floor(top)), min(image.shape[0], math.ceil(bottom))
    if x1 - x0 < 8 or y1 - y0 < 2:
        return 0.0
    crop = image[y0:y1, x0:x1]
    grey = grey_of(crop)
    dark = (grey < float(np.median(grey)) - _CONTRAST).astype(np.uint8)
    # A rule on a page that is not quite level steps from row to row.
    dark = np.asarray(cv2.dilate(dark, np.ones((2, 1), np.uint8)), np.uint8)
    best = 0
    for row in dark[dark.any(axis=1)]:
        changes = np.flatnonzero(np.diff(np.concatenate(([0], row, [0])).astype(np.int8)))
        best = max(best, int((changes[1::2] - changes[::2]).max(initial=0)))
    return float(best)
