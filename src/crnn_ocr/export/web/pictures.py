"""Cut figures from the picture of a page, turn them upright, and write them into data URLs."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from crnn_ocr.document import Block, Page
from crnn_ocr.export.page_picture import figure_picture

if TYPE_CHECKING:
    from crnn_ocr.pixels import Pixels

#: Quality of WebP, 0 to 100: text stays free of visible noise, at about a tenth of the size of PNG.
_QUALITY = 80
#: Longest side of a picture in WebP, in pixels.
_LONGEST_WEBP = 16_383


def figure_url(block: Block, page: Page, picture: Callable[[int], Pixels] | None) -> str | None:
    """Return a figure as a data URL; None if there is no picture of it."""
    part = figure_picture(block, page, picture)
    return None if part is None else data_url(part, page.rotation)


def data_url(picture: Pixels, rotation: int = 0) -> str:
    """Return a picture as a data URL.

    Args:
        picture: (H, W) grey or (H, W, 3) BGR, with at least one pixel.
        rotation: Clockwise rotation in degrees that makes it upright: 0, 90, 180 or 270.
    """
    # Imported late: programs that write text only need not load OpenCV.
    import numpy as np

    upright = np.ascontiguousarray(np.rot90(picture, -rotation // 90))
    kind: Literal["png", "webp"] = "png" if max(upright.shape[:2]) > _LONGEST_WEBP else "webp"
    return f"data:image/{kind};base64,{b64encode(encoded(upright, kind)).decode()}"


def encoded(picture: Pixels, kind: Literal["png", "webp"]) -> bytes:
    """Return the file of a picture; one that is too long for WebP is made smaller.

    Args:
        picture: (H, W) grey or (H, W, 3) BGR, with at least one pixel.
        kind: The format.
    """
    import cv2
    import numpy as np

    if kind == "png":
        return bytes(cv2.imencode(".png", picture)[1])
    height, width = picture.shape[:2]
    scale = _LONGEST_WEBP / max(height, width)
    if scale < 1:
        size = (max(1, int(width * scale)), max(1, int(height * scale)))
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    return bytes(cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, _QUALITY])[1])
