"""Draws the blocks and lines that were found on the pictures of the pages, as PNG or WebP."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from crnn_ocr.document import Document, Page, Polygon
from crnn_ocr.export.files import zip_of
from crnn_ocr.export.kinds import KINDS
from crnn_ocr.export.page_picture import page_picture
from crnn_ocr.export.places import outline
from crnn_ocr.export.web.pictures import encoded

if TYPE_CHECKING:
    from crnn_ocr.pixels import Pixels

PictureKind = Literal["png", "webp"]

#: Colour of lines, as CSS has it.
_LINE_COLOUR = "#2563eb"
#: Longest side at which a stroke of one pixel shows on a screen, in pixels.
_SCREEN = 900
#: Number of binary places of OpenCV's coordinates.
_SHIFT = 4


def annotated_files(
    document: Document, kind: PictureKind, *, picture: Callable[[int], Pixels] | None = None
) -> list[tuple[str, bytes]]:
    """Return one picture per page, turned upright, named `page1`, `page2` and so on.

    Args:
        document: The document.
        kind: The format of the pictures; a page too long for WebP is made smaller.
        picture: Returns the picture of a page. Pages without one, as those that failed, are white.
    """
    return [(f"page{page.number}", encoded(_drawn(page, picture), kind)) for page in document.pages]


def to_annotated(
    document: Document, kind: PictureKind, *, picture: Callable[[int], Pixels] | None = None
) -> bytes:
    """Return the picture of a document with one page, or a ZIP of the pictures of all pages."""
    files = annotated_files(document, kind, picture=picture)
    if len(files) == 1:
        return files[0][1]
    return zip_of([(f"{name}.{kind}", content) for name, content in files])


def _drawn(page: Page, picture: Callable[[int], Pixels] | None) -> Pixels:
    """Return a page with its outlines, upright, (H, W, 3) BGR."""
    import cv2
    import numpy as np

    back = None if page.error is not None else page_picture(page, picture)
    if back is None:
        back = np.full((max(page.height, 1), max(page.width, 1)), 255, np.uint8)
    colours = cv2.cvtColor(back, cv2.COLOR_GRAY2BGR) if back.ndim == 2 else back
    canvas = np.array(colours, np.uint8)
    stroke = max(1, round(max(canvas.shape[:2]) / _SCREEN))
    for block in page.blocks:
        for cell in block.table.cells if block.table else ():
            _draw(canvas, cell.polygon, KINDS[block.kind].colour, stroke)
    for line in page.lines:
        _draw(canvas, line.polygon, _LINE_COLOUR, stroke)
    for block in page.blocks:
        _draw(canvas, outline(page, block), KINDS[block.kind].colour, 2 * stroke)
    return np.ascontiguousarray(np.rot90(canvas, -page.rotation // 90))


def _draw(canvas: Pixels, polygon: Polygon, colour: str, stroke: int) -> None:
    """Draw an outline, with a white rim by which it shows on a dark or coloured ground, too."""
    import cv2
    import numpy as np

    points = np.round(np.asarray(polygon, np.float64) * 2**_SHIFT).astype(np.int32)
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    for bgr, width in (((255, 255, 255), stroke + 2), ((blue, green, red), stroke)):
        cv2.polylines(canvas, [points], True, bgr, width, cv2.LINE_AA, _SHIFT)
