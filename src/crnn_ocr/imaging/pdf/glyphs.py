"""Take the characters of a page, and the places of its pictures, with PDFium; runs in the PDF's process.

Nothing is interpreted here: `page_text` does that in the parent, with NumPy. PDFium's functions are called
once for every character, so they are declared anew with plain addresses: that takes a quarter of the time of
`ctypes` structures.
"""

from __future__ import annotations

import ctypes
from array import array
from collections import deque
from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Any

import pypdfium2.raw as pdfium

#: A page with more characters is read as a picture: no page that a person can read has so many.
MOST_CHARS = 200_000
#: Nesting of form objects in which pictures are looked for, and the most objects that are looked at.
_DEPTH, _MOST_OBJECTS = 8, 20_000
#: The square to which the displayed page is mapped to find its matrix, in units.
_SQUARE = 1_000_000
_SPAN = 1_000.0  # distance in points between the corners that are mapped

#: Render mode of invisible text (ISO 32000-1, table 106).
_INVISIBLE = 3
#: Number of characters of a page that are asked whether the font knows what they are.
_SAMPLES = 256

_INT, _ADDRESS = ctypes.c_int, ctypes.c_void_p
_Matrix = tuple[float, float, float, float, float, float]
_UNIT: _Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


def _plain(name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    address = ctypes.cast(getattr(pdfium, name), ctypes.c_void_p).value
    assert address
    return ctypes.PYFUNCTYPE(result, *arguments)(address)


_unicode = _plain("FPDFText_GetUnicode", ctypes.c_uint, _ADDRESS, _INT)
_object_of = _plain("FPDFText_GetTextObject", _ADDRESS, _ADDRESS, _INT)
_loose_box = _plain("FPDFText_GetLooseCharBox", _INT, _ADDRESS, _INT, _ADDRESS)
_tight_box = _plain("FPDFText_GetCharBox", _INT, _ADDRESS, _INT, *[_ADDRESS] * 4)
_angle = _plain("FPDFText_GetCharAngle", ctypes.c_float, _ADDRESS, _INT)
_has_no_unicode = _plain("FPDFText_HasUnicodeMapError", _INT, _ADDRESS, _INT)
_render_mode = _plain("FPDFTextObj_GetTextRenderMode", _INT, _ADDRESS)


def matrix_of(page: Any) -> list[float]:
    """Return the matrix (a, b, c, d, e, f) from points of the page to parts of the displayed page, 0 to 1.

    x' = a·x + c·y + e and y' = b·x + d·y + f, y' down; crop box and rotation are applied.
    """
    x, y = ctypes.c_int(), ctypes.c_int()

    def place(left: float, bottom: float) -> tuple[float, float]:
        if not pdfium.FPDF_PageToDevice(page, 0, 0, _SQUARE, _SQUARE, 0, left, bottom, x, y):
            raise ValueError("PDFium cannot map the page")
        return x.value / _SQUARE, y.value / _SQUARE

    e, f = place(0.0, 0.0)
    (right, right_y), (up_x, up) = place(_SPAN, 0.0), place(0.0, _SPAN)
    return [(right - e) / _SPAN, (right_y - f) / _SPAN, (up_x - e) / _SPAN, (up - f) / _SPAN, e, f]


def characters(page: Any) -> tuple[dict[str, Any], list[memoryview]]:
    """Return the characters of a page in the order of its content.

    Args:
        page: The page's handle.

    Returns:
        `chars`, their number; `runs`, the number of runs, which PDFium separates by blanks and line feeds of
        its own; `unmapped`, the share of the characters whose font does not tell what they are. And arrays in
        the machine's byte order. Of each character: its code point (uint32); its box of ascent, descent and
        advance: left, top, right, bottom (float32), without area if PDFium has generated it; the box of its
        ink: left, right, bottom, top (float64); both in points, y up. Of each run: its first character
        (uint32), its direction in radians, clockwise (float32), and whether it is invisible (uint8).
    """
    handle = pdfium.FPDFText_LoadPage(page)
    if not handle:
        raise ValueError("PDFium cannot read the page's text")
    try:
        count = max(0, pdfium.FPDFText_CountChars(handle))
        if count > MOST_CHARS:
            return {"chars": 0, "runs": 0, "unmapped": 1.0}, []
        text = ctypes.cast(handle, ctypes.c_void_p).value
        codes = array("I", map(_unicode, repeat(text), range(count)))
        loose = array("f", bytes(16 * count))
        start = loose.buffer_info()[0]
        _call(map(_loose_box, repeat(text), range(count), range(start, start + 16 * count, 16)))
        tight = array("d", bytes(32 * count))
        start = tight.buffer_info()[0]
        parts = (range(start + 8 * part, start + 32 * count, 32) for part in range(4))
        _call(map(_tight_box, repeat(text), range(count), *parts))
        firsts = array("I", _firsts(loose, count))
        angles = array("f", map(_angle, repeat(text), firsts))
        hidden = array("B", (_is_invisible(text, index) for index in firsts))
        sample = range(0, count, count // _SAMPLES + 1)
        unmapped = sum(_has_no_unicode(text, index) == 1 for index in sample) / max(1, len(sample))
    finally:
        pdfium.FPDFText_ClosePage(handle)
    arrays = (codes, loose, tight, firsts, angles, hidden)
    answer = {"chars": count, "runs": len(firsts), "unmapped": unmapped}
    return answer, [memoryview(part).cast("B") for part in arrays if part]


def _call(calls: Iterator[Any]) -> None:
    deque(calls, maxlen=0)


def _firsts(loose: array[float], count: int) -> Iterator[int]:
    """Yield every character that PDFium has not generated and that is first or follows one which it has."""
    generated = True
    for index, (left, top, right, bottom) in enumerate(
        zip(loose[0::4], loose[1::4], loose[2::4], loose[3::4], strict=True)
    ):
        before, generated = generated, left == right and top == bottom
        if before and not generated:
            yield index


def _is_invisible(text: int | None, index: int) -> bool:
    owner = _object_of(text, index)
    return owner is not None and _render_mode(owner) == _INVISIBLE


def pictures(page: Any) -> list[list[float]]:
    """Return left, bottom, right and top of every picture on a page in points, those inside of forms too."""
    found: list[list[float]] = []
    left = _MOST_OBJECTS

    def look(count: int, get: Callable[[int], Any], outer: _Matrix, depth: int) -> None:
        nonlocal left
        for index in range(count):
            left -= 1
            if left < 0:
                return
            item = get(index)
            kind = pdfium.FPDFPageObj_GetType(item)
            if kind == pdfium.FPDF_PAGEOBJ_IMAGE:
                found.append(_unit_square(_times(_matrix(item), outer)))
            elif kind == pdfium.FPDF_PAGEOBJ_FORM and depth < _DEPTH:
                look(
                    pdfium.FPDFFormObj_CountObjects(item),
                    lambda place, form=item: pdfium.FPDFFormObj_GetObject(form, place),  # type: ignore[misc]
                    _times(_matrix(item), outer),
                    depth + 1,
                )

    look(
        pdfium.FPDFPage_CountObjects(page),
        lambda place: pdfium.FPDFPage_GetObject(page, place),
        _UNIT,
        0,
    )
    return found


def _matrix(item: Any) -> _Matrix:
    matrix = pdfium.FS_MATRIX()
    if not pdfium.FPDFPageObj_GetMatrix(item, matrix):
        return _UNIT
    return matrix.a, matrix.b, matrix.c, matrix.d, matrix.e, matrix.f


def _times(first: _Matrix, then: _Matrix) -> _Matrix:
    a, b, c, d, e, f = first
    p, q, r, s, t, u = then
    return a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s, e * p + f * r + t, e * q + f * s + u


def _unit_square(matrix: _Matrix) -> list[float]:
    a, b, c, d, e, f = matrix
    across, up = (e, e + a, e + c, e + a + c), (f, f + b, f + d, f + b + d)
    return [min(across), min(up), max(across), max(up)]


#: Annotations that show text of their own (ISO 32000-1, table 169).
_WRITTEN = (pdfium.FPDF_ANNOT_WIDGET, pdfium.FPDF_ANNOT_FREETEXT, pdfium.FPDF_ANNOT_STAMP)


def has_written_annotations(page: Any) -> bool:
    """Return whether a page has form fields, or notes and stamps on it; PDFium's text leaves them out."""
    for index in range(min(pdfium.FPDFPage_GetAnnotCount(page), _MOST_OBJECTS)):
        note = pdfium.FPDFPage_GetAnnot(page, index)
        if note:
            kind = pdfium.FPDFAnnot_GetSubtype(note)
            pdfium.FPDFPage_CloseAnnot(note)
            if kind in _WRITTEN:
                return True
    return False


class FlattenedPage:
    """A copy of a page in a document of its own, with its annotations made part of its content."""

    def __init__(self, document: Any, index: int) -> None:
        """Copy a page; the document itself stays as it is."""
        self._copy = pdfium.FPDF_CreateNewDocument()
        self.page: Any = None
        chosen = (ctypes.c_int * 1)(index)
        if pdfium.FPDF_ImportPagesByIndex(self._copy, document, chosen, 1, 0):
            page = pdfium.FPDF_LoadPage(self._copy, 0)
            if page:
                pdfium.FPDFPage_Flatten(page, pdfium.FLAT_NORMALDISPLAY)
                pdfium.FPDF_ClosePage(page)
                self.page = pdfium.FPDF_LoadPage(self._copy, 0)

    def close(self) -> None:
        """Free the copy."""
        if self.page:
            pdfium.FPDF_ClosePage(self.page)
        pdfium.FPDF_CloseDocument(self._copy)
