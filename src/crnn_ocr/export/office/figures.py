"""Cut figures from the picture of a page, for files that hold pictures."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

import cv2
import numpy as np

from crnn_ocr.document import Block, Page
from crnn_ocr.export.page_picture import figure_picture

if TYPE_CHECKING:
    from crnn_ocr.pixels import Pixels

#: Quality of JPEG, 0 to 100: text in figures stays free of visible noise.
_QUALITY = 90


def figure_of(
    block: Block, page: Page, picture: Callable[[int], Pixels] | None
) -> tuple[io.BytesIO, float, float] | None:
    """Return a figure, upright, as PNG or JPEG, whichever is smaller.

    Returns:
        The file, its width in widths of the upright page, and its height in widths of its own; None if there
        is no picture of it.
    """
    part = figure_picture(block, page, picture)
    if part is None:
        return None
    upright = np.ascontiguousarray(np.rot90(part, -page.rotation // 90))
    files = (
        cv2.imencode(".png", upright),
        cv2.imencode(".jpg", upright, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]),
    )
    content = min((data.tobytes() for done, data in files if done), key=len)
    height, width = upright.shape[:2]
    whole = page.height if page.rotation % 180 else page.width
    return io.BytesIO(content), width / max(whole, 1), height / width
