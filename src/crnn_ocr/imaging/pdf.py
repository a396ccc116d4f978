"""PDF pages as pictures, through PDFium (`pypdfium2`, the extra `pdf`)."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crnn_ocr.errors import (
    ImageDecodeError,
    ImageTooLargeError,
    MissingExtraError,
    OcrError,
    PdfPasswordError,
)
from crnn_ocr.imaging import jpeg
from crnn_ocr.imaging.limits import Limits

Pixels = NDArray[np.uint8]

_POINTS_PER_INCH = 72
_A4_SIDE = 842  # points
_WORTHWHILE = 1.25  # times the resolution; Letter is not to be drawn as A4
_WRONG_PASSWORD = 4  # FPDF_ERR_PASSWORD
_EMBEDDED_FACTOR = 4  # embedded pictures may have so many times the pixels of a page: they are streamed

# PDFium keeps global state and must not be entered by two threads at once. Reentrant, because dropping the
# last reference to a half-read document closes it, wherever that happens.
_LOCK = threading.RLock()


def decode_pdf(data: bytes, limits: Limits, *, dpi: int = 200) -> Iterator[Pixels]:
    """Draw the pages of a PDF as a viewer shows them, with annotations and filled-in forms.

    The document is opened and counted at once; each page is drawn as the iterator is drawn.

    Args:
        data: The whole file.
        limits: What to refuse. A page that would have too many pixels is drawn at a lower resolution.
        dpi: Resolution in pixels per inch. Pages smaller than A4 are drawn at a higher one where a picture on
            them has more detail, until they are as large as A4 would be.

    Returns:
        The pages, (H, W, 3) BGR.

    Raises:
        MissingExtraError: `pypdfium2` is not installed.
        PdfPasswordError: The document is encrypted with a password.
        ImageTooLargeError: More pages than `limits.max_pages`.
        ImageDecodeError: The document is damaged; also while the iterator is drawn.
    """
    document, count = _opened(data, limits)
    return _pages(document, count, limits, dpi)


def _opened(data: bytes, limits: Limits) -> tuple[Any, int]:
    """The document and the number of its pages."""
    try:
        import pypdfium2
    except ImportError as error:
        raise MissingExtraError(
            "Reading PDF needs the extra `pdf`.", hint="Install it: pip install 'crnn-ocr[pdf]'."
        ) from error
    with _LOCK:
        try:
            document = pypdfium2.PdfDocument(data)
        except Exception as error:
            if getattr(error, "err_code", None) == _WRONG_PASSWORD or "password" in str(error).lower():
                raise PdfPasswordError("The PDF is protected by a password.") from error
            raise ImageDecodeError("The PDF is damaged: it cannot be opened.") from error
        try:
            count = len(document)
            limits.check_pages(count)
            if count == 0:
                raise ImageDecodeError("The PDF has no pages.")
            document.init_forms()
        except OcrError:
            document.close()
            raise
        except Exception as error:
            document.close()
            raise ImageDecodeError("The PDF is damaged: its pages cannot be counted.") from error
    return document, count


def pdf_page_sizes(data: bytes, limits: Limits, *, dpi: int = 200) -> list[tuple[int, int]]:
    """Tell the sizes at which the pages of a PDF will be drawn, without drawing them.

    Small pages with detailed pictures may become larger than told here.

    Args:
        data: The whole file.
        limits: As for `decode_pdf`.
        dpi: Resolution in pixels per inch.

    Raises:
        MissingExtraError: `pypdfium2` is not installed.
        PdfPasswordError: The document is encrypted with a password.
        ImageTooLargeError: More pages than `limits.max_pages`.
        ImageDecodeError: The document is damaged.
    """
    document, count = _opened(data, limits)
    with _LOCK:
        try:
            sizes = []
            for index in range(count):
                width, height = document.get_page_size(index)
                scale = fitting_scale(width, height, limits, dpi / _POINTS_PER_INCH)
                sizes.append((math.ceil(width * scale), math.ceil(height * scale)))
            return sizes
        except OcrError:
            raise
        except Exception as error:
            raise ImageDecodeError("The PDF is damaged: its pages cannot be measured.") from error
        finally:
            document.close()


def _pages(document: Any, count: int, limits: Limits, dpi: int) -> Iterator[Pixels]:
    try:
        for index in range(count):
            with _LOCK:
                try:
                    drawn = [_draw(document, index, limits, dpi)]
                except OcrError:
                    raise
                except MemoryError as error:
                    raise ImageTooLargeError(f"There is not enough memory for page {index + 1}.") from error
                except Exception as error:
                    raise ImageDecodeError(f"Page {index + 1} of the PDF is damaged.") from error
            yield drawn.pop()  # only the reader holds the page
    finally:
        with _LOCK:
            document.close()


def _draw(document: Any, index: int, limits: Limits, dpi: int) -> Pixels:
    page = document[index]
    try:
        width, height = page.get_size()
        scale = dpi / _POINTS_PER_INCH
        detailed = min(_embedded_scale(page, limits), scale * _A4_SIDE / max(width, height, 1))
        if detailed > _WORTHWHILE * scale:
            scale = detailed
        scale = fitting_scale(width, height, limits, scale)
        bitmap = page.render(
            scale=scale, rev_byteorder=False, prefer_bgrx=False, fill_color=(255, 255, 255, 255)
        )
        try:
            drawn = bitmap.to_numpy()
            if drawn.ndim == 2 or drawn.shape[2] == 1:
                drawn = np.repeat(drawn.reshape(*drawn.shape[:2], 1), 3, axis=2)
            return np.array(drawn[..., :3], dtype=np.uint8, order="C")  # a copy: the bitmap is freed below
        finally:
            bitmap.close()
    finally:
        page.close()


def fitting_scale(width: float, height: float, limits: Limits, scale: float) -> float:
    """Find the resolution at which a page keeps to the limits.

    Args:
        width: Width of the page in points.
        height: Height of the page in points.
        limits: Only `max_pixels` and `max_side` are used.
        scale: Wished pixels per point.

    Returns:
        Pixels per point, at most `scale`, such that both sides, rounded up, keep to the limits.

    Raises:
        ImageDecodeError: The page has no area.
        ImageTooLargeError: The page is so long and thin that no resolution fits.
    """
    if not (math.isfinite(width) and math.isfinite(height) and width > 0 and height > 0):
        raise ImageDecodeError(f"A page of the PDF claims a size of {width} × {height} points.")
    longer = max(width, height)
    scale = min(scale, limits.max_side / longer, math.sqrt(limits.max_pixels / (width * height)))
    while math.ceil(width * scale) * math.ceil(height * scale) > limits.max_pixels or (
        math.ceil(longer * scale) > limits.max_side
    ):
        scale *= 0.99
        if longer * scale < 1:
            raise ImageTooLargeError(f"A page of {width:.0f} × {height:.0f} points cannot be drawn.")
    return scale


def _embedded_scale(page: Any, limits: Limits) -> float:
    """Find the resolution of the pictures on a page, in pixels per point; 0 where there are none.

    Raises:
        ImageTooLargeError: One is of absurd size: decoding it would take the memory whatever the page's size.
    """
    import pypdfium2.raw as pdfium

    scale = 0.0
    for item in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE]):
        width, height = item.get_px_size()
        if item.get_filters()[-1:] == ["DCTDecode"]:  # PDFium believes the JPEG, whatever the PDF says
            data = bytes(item.get_data(decode_simple=True))
            jpeg.check_scans(data)
            width, height = jpeg.frame_size(data) or (width, height)
        if width * height > _EMBEDDED_FACTOR * limits.max_pixels:
            raise ImageTooLargeError(
                f"The PDF holds a picture of {width} × {height} pixels.",
                hint="Save the PDF with pictures of lower resolution.",
            )
        left, bottom, right, top = item.get_bounds()
        if right > left and top > bottom:
            scale = max(scale, math.sqrt(width * height / ((right - left) * (top - bottom))))
    return scale
