"""Open and draw one PDF with PDFium, in a separate process (`crnn_ocr.imaging.process`).

| operation | question | answer |
|---|---|---|
| open | `password`, and the document as bytes or its `path` | `pages` |
| sizes | | `sizes`: width and height of all pages in points |
| text | `page` | `size` in points; `matrix`, `pictures`, and the characters (`glyphs`) |
| measure | `page` | `size` in points; `detail`: pixels per point of its pictures; `largest` of them |
| draw | `scale`, of the page that was measured | `width`, `height`, and the rows as bytes, BGR |

Starting takes 45 ms of CPU time and 18 MiB.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterable
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from crnn_ocr.errors import ImageDecodeError, PdfPasswordError, WrongPdfPasswordError
from crnn_ocr.imaging.pdf import glyphs
from crnn_ocr.imaging.process.program import Bounds
from crnn_ocr.imaging.raster import jpeg
from crnn_ocr.runtime.memory import give_back

_WRONG_PASSWORD = 4  # FPDF_ERR_PASSWORD
_WITHOUT_PAGES = "The PDF is damaged: its pages cannot be {}."


class Drawer:
    """Answers the questions about one PDF; see `crnn_ocr.imaging.process.program.Decoder`."""

    def __init__(self, bounds: Bounds) -> None:
        """Prepare for a document; `bounds` tells whether a page was drawn with less memory than it needs."""
        self._bounds = bounds
        self._document: Any = None
        self._page: Any = None

    def answer(
        self, question: dict[str, Any], data: bytearray
    ) -> tuple[dict[str, Any], Iterable[memoryview]]:
        """Run one operation."""
        operation = question["do"]
        if operation == "open":
            return self._open(question.get("path") or data, question["password"]), ()
        if operation == "sizes":
            count = len(self._document)
            return {"sizes": [self._document.get_page_size(index) for index in range(count)]}, ()
        if operation == "text":
            return self._text(question["page"])
        if operation == "measure":
            return self._measure(question["page"]), ()
        return self._draw(question["scale"])

    def failure_message(self, question: dict[str, Any]) -> str:
        """Return the message for a damaged document."""
        return {
            "open": _WITHOUT_PAGES.format("counted"),
            "sizes": _WITHOUT_PAGES.format("measured"),
        }.get(question["do"], f"Page {question.get('page', 0) + 1} of the PDF is damaged.")

    def sent(self, question: dict[str, Any]) -> None:
        """Close a page that has been drawn."""
        if question["do"] == "draw":
            self._close_page()

    def _open(self, source: bytearray | str, password: str) -> dict[str, Any]:
        try:
            # A view, not a copy; the document keeps it alive.
            shown = source if isinstance(source, str) else (ctypes.c_ubyte * len(source)).from_buffer(source)
            self._document = pypdfium2.PdfDocument(shown, password=password or None)
        except MemoryError:
            raise
        except Exception as error:
            if getattr(error, "err_code", None) == _WRONG_PASSWORD or "password" in str(error).lower():
                if password:
                    raise WrongPdfPasswordError("The password does not open the PDF.") from None
                raise PdfPasswordError("The PDF is protected by a password.") from error
            raise ImageDecodeError("The PDF is damaged: it cannot be opened.") from error
        count = len(self._document)
        self._document.init_forms()
        return {"pages": count}

    def _text(self, index: int) -> tuple[dict[str, Any], Iterable[memoryview]]:
        page = self._document[index]
        flat = None
        try:
            if glyphs.has_written_annotations(page.raw):
                flat = glyphs.FlattenedPage(self._document.raw, index)
            shown = (flat and flat.page) or page.raw
            answer, parts = glyphs.characters(shown)
            answer |= {
                "size": page.get_size(),
                "matrix": glyphs.matrix_of(shown),
                "pictures": glyphs.pictures(shown),
                "bytes": sum(map(len, parts)),
            }
        finally:
            if flat is not None:
                flat.close()
            page.close()
        return answer, parts

    def _measure(self, index: int) -> dict[str, Any]:
        self._close_page()
        self._page = self._document[index]
        width, height = self._page.get_size()
        detail, largest = _pictures(self._page)
        return {"size": [width, height], "detail": detail, "largest": largest}

    def _draw(self, scale: float) -> tuple[dict[str, Any], Iterable[memoryview]]:
        bitmap = self._page.render(
            scale=scale, rev_byteorder=False, prefer_bgrx=False, fill_color=(255, 255, 255, 255)
        )
        self._bounds.check()
        if bitmap.n_channels != 3:
            raise ValueError("PDFium has drawn something else than BGR")
        width, height, stride = bitmap.width, bitmap.height, bitmap.stride
        rows = memoryview(bitmap.buffer).cast("B")
        row = 3 * width
        answer = {"width": width, "height": height, "bytes": row * height}
        if stride == row:
            return answer, [rows[: row * height]]
        return answer, (rows[y * stride : y * stride + row] for y in range(height))

    def _close_page(self) -> None:
        if self._page is not None:
            self._page.close()
            self._page = None
            give_back()


def _pictures(page: Any) -> tuple[float, list[int]]:
    """Find the highest resolution of the pictures on a page, and the largest picture.

    Returns:
        Pixels per point, and [width, height] in pixels; 0 and [0, 0] if there are no pictures.

    Raises:
        ImageDecodeError: A picture is crafted to do harm.
    """
    scale = 0.0
    largest = [0, 0]
    for item in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE]):
        width, height = item.get_px_size()
        if item.get_filters()[-1:] == ["DCTDecode"]:  # PDFium trusts the JPEG's header, not the PDF's size
            data = bytes(item.get_data(decode_simple=True))
            jpeg.check_scans(data)
            width, height = jpeg.frame_size(data) or (width, height)
        if width * height > largest[0] * largest[1]:
            largest = [width, height]
        left, bottom, right, top = item.get_bounds()
        if right > left and top > bottom:
            scale = max(scale, math.sqrt(width * height / ((right - left) * (top - bottom))))
    return scale, largest
