"""Write a searchable PDF: the pages of the input as they are, with invisible text over what was read.

A PDF keeps its pages, pictures, tags, bookmarks and forms; streams keep their very bytes. Only pages that
were read get one more content stream; a page that already has text keeps its own, and gets what was read in
its pictures. An encrypted PDF is written without encryption. Signatures do not
hold for the new file. Pictures become pages.
"""

from __future__ import annotations

import pikepdf
from pikepdf import Pdf

from crnn_ocr.document import Document, Page
from crnn_ocr.errors import OcrError, OriginalMissingError
from crnn_ocr.export import WriteOptions
from crnn_ocr.export.pdf.original import with_text
from crnn_ocr.export.pdf.pictures import Picture, add_page, encoded, unchanged_jpeg
from crnn_ocr.export.pdf.placement import Placement
from crnn_ocr.export.pdf.text_layers import add_layers, saved
from crnn_ocr.imaging.archive import PackedPictures
from crnn_ocr.imaging.formats import Format, sniff

#: Size in points of a page that could not be read, so that later pages keep their numbers: A4.
_BLANK = (595.28, 841.89)


def to_pdf(document: Document, how: WriteOptions) -> bytes:
    """Write a document as a searchable PDF.

    Args:
        document: What was read. Pages of a PDF that are not in it stay as they are.
        how: `original` is the input's bytes; for pictures other than JPEG `picture` is needed, too.

    Returns:
        The file; the same for the same input.

    Raises:
        OriginalMissingError: The options hold neither the input nor its pictures.
        PdfPasswordError: The PDF opens only with a password, and the options hold none or another one.
        ImageDecodeError: The PDF is damaged.
        ImageTooLargeError: Writing the PDF takes too much memory or time.
        OverloadedError: No process can be started for it.
        UnsupportedImageError: This program cannot start Python (see `helper`).
    """
    data = how.original() if how.original is not None else None
    source = None if data is None else (data, _format(data))
    if source is not None and source[1] is Format.PDF:
        return with_text(source[0], document.pages, how.password)
    with Pdf.new() as pdf:
        places: dict[int, tuple[pikepdf.Object, Placement]] = {}
        packed = _packed(source)
        for page in document.pages:
            picture = _picture(page, source, packed, how, alone=len(document.pages) == 1)
            if picture is None:
                pdf.add_blank_page(page_size=_BLANK)
            else:
                places[page.number] = add_page(pdf, picture, page.rotation)
        add_layers(pdf, document.pages, places)
        return bytes(saved(pdf))


def _format(data: bytes) -> Format | None:
    try:
        return sniff(data)
    except OcrError:
        return None


def _packed(source: tuple[bytes, Format | None] | None) -> PackedPictures | None:
    try:
        return PackedPictures(source[0]) if source is not None and source[1] is Format.ZIP else None
    except OcrError:
        return None


def _picture(
    page: Page,
    source: tuple[bytes, Format | None] | None,
    packed: PackedPictures | None,
    how: WriteOptions,
    *,
    alone: bool,
) -> Picture | None:
    """Return the picture of a page; None if the page could not be read and has none.

    Raises:
        OriginalMissingError: The options do not hold it.
    """
    member = packed.of(page.number) if packed is not None and page.error is None else None
    whole = alone
    if member is not None:
        source, whole = member[:2], member[2]
    if source is not None and source[1] is Format.JPEG and whole:
        picture = unchanged_jpeg(source[0])
        if picture is not None:
            return picture
    if how.picture is None:
        raise OriginalMissingError("The searchable PDF needs the picture that was read.")
    try:
        pixels = how.picture(page.number)
    except OcrError:
        if page.error is None:
            raise
        return None
    return encoded(pixels, (source[0], source[1]) if source is not None and source[1] else None)
