"""Writes a Document as SVG: the picture of every page, its lines, and their text to be selected over it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from crnn_ocr.document import Document, Page
from crnn_ocr.export.escaping import attributes, xml
from crnn_ocr.export.language import language_of
from crnn_ocr.export.page_picture import page_picture
from crnn_ocr.export.web.overlay import (
    block_shapes,
    in_place,
    line_shapes,
    picture_element,
    text_elements,
    upright_size,
)
from crnn_ocr.export.web.pictures import data_url

if TYPE_CHECKING:
    from crnn_ocr.pixels import Pixels

#: White space between two pages, in pixels.
_GAP = 20


def to_svg(
    document: Document, *, source: str | None = None, picture: Callable[[int], Pixels] | None = None
) -> str:
    """Write a document as one SVG picture with its pages one below the other, turned upright.

    Args:
        document: The document to write.
        source: Name of the input, which becomes the title.
        picture: Returns the picture of a page. Without it the text is painted at its places.
    """
    parts, top, widest = [], 0, 1
    for page in document.pages:
        width, height = upright_size(page)
        marks = attributes(y=top, width=width, height=height, viewBox=f"0 0 {width} {height}")
        parts.append(f"<svg{marks}{attributes(lang=language_of(page.text))}>{_page(page, picture)}</svg>")
        top, widest = top + height + _GAP, max(widest, width)
    whole = max(top - _GAP, 1)
    size = attributes(width=widest, height=whole, viewBox=f"0 0 {widest} {whole}")
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<svg xmlns="http://www.w3.org/2000/svg"{size} font-family="sans-serif">\n'
        f"<title>{xml(source or 'Document')}</title>\n" + "\n".join(parts) + "\n</svg>\n"
    )


def _page(page: Page, picture: Callable[[int], Pixels] | None) -> str:
    width, height = upright_size(page)
    drawn = None if page.error is not None else page_picture(page, picture)
    if drawn is None:
        back = f'<rect width="{width}" height="{height}" fill="#fff"/>'
    else:
        back = picture_element(page, data_url(drawn, page.rotation))
    shapes = "".join((*block_shapes(page), *line_shapes(page)))
    return back + in_place(page, shapes + "".join(text_elements(page, visible=drawn is None)))
