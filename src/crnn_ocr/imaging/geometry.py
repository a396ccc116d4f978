"""Rotate and flip pixel arrays without resampling."""

from __future__ import annotations

import cv2
import numpy as np

from crnn_ocr.pixels import Pixels

_ROTATIONS = {3: cv2.ROTATE_180, 6: cv2.ROTATE_90_CLOCKWISE, 8: cv2.ROTATE_90_COUNTERCLOCKWISE}


def apply_orientation(pixels: Pixels, orientation: int) -> Pixels:
    """Turn stored pixels upright.

    Args:
        pixels: (H, W) or (H, W, 3), uint8.
        orientation: The value of the Orientation tag (TIFF 6.0, page 36; the same in Exif): 1 upright, 2
            mirrored left to right, 3 rotated by 180°, 4 mirrored top to bottom, 5 transposed, 6 to be rotated
            90° clockwise, 7 transposed along the other diagonal, 8 to be rotated 90° anticlockwise. Any other
            value counts as 1.

    Returns:
        The upright picture, C-contiguous; `pixels` itself if there is nothing to do.
    """
    if orientation in _ROTATIONS:
        return cv2.rotate(pixels, _ROTATIONS[orientation]).astype(np.uint8, copy=False)
    if orientation == 2:
        return cv2.flip(pixels, 1).astype(np.uint8, copy=False)
    if orientation == 4:
        return cv2.flip(pixels, 0).astype(np.uint8, copy=False)
    if orientation == 5:
        return cv2.transpose(pixels).astype(np.uint8, copy=False)
    if orientation == 7:
        turned = cv2.rotate(pixels, cv2.ROTATE_180)
        return cv2.transpose(turned).astype(np.uint8, copy=False)
    return pixels
