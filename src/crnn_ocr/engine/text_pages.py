"""Decide for every page whether its text is taken or its picture read, and make pages of texts and errors."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from crnn_ocr.document import Block, Page, Remark
from crnn_ocr.engine.stage import PageState
from crnn_ocr.engine.text_lines import upright_lines
from crnn_ocr.errors import (
    ImageDecodeError,
    ImageEmptyError,
    ImageTooLargeError,
    OcrError,
    PdfPasswordError,
    UnsupportedImageError,
)
from crnn_ocr.imaging.limits import Limits
from crnn_ocr.imaging.opened import OpenedDocument
from crnn_ocr.imaging.pdf.page_text import Box, PageText
from crnn_ocr.layout.order import reading_order
from crnn_ocr.options import ReadOptions
from crnn_ocr.pixels import Pixels
from crnn_ocr.recognition.lines.crops import turned
from crnn_ocr.scheduling.budget import Share
from crnn_ocr.scheduling.ticket import Ticket

_log = logging.getLogger(__name__)

#: Errors that come from one page; the others are still read.
PAGE_ERRORS = (
    ImageDecodeError,
    ImageEmptyError,
    ImageTooLargeError,
    PdfPasswordError,
    UnsupportedImageError,
)

#: Characters and lines of the texts of one document, which are kept until its pages are made. Measured: a
#: line takes 0.7 KB and a character 11 bytes more. 2,000 pages of a dense book have 6 million characters.
MOST_CHARS, MOST_LINES = 10_000_000, 500_000


@dataclass(slots=True)
class Survey:
    """What is to be done with the pages, by their places in the document.

    Attributes:
        texts: The texts of pages that hold one.
        failed: Why a page cannot be read.
        empty: Pages whose pictures must not be read.
        reads: Places of the pages whose pictures are read, wholly or in part.
    """

    texts: dict[int, PageText] = field(default_factory=dict)
    failed: dict[int, OcrError] = field(default_factory=dict)
    empty: list[int] = field(default_factory=list)
    reads: list[int] = field(default_factory=list)
    _chars: int = 0
    _lines: int = 0

    def add_text(self, place: int, text: PageText) -> None:
        """Keep the text of a page.

        Raises:
            ImageTooLargeError: The texts of the document are too long.
        """
        self._chars += sum(len(line.text) for line in text.lines)
        self._lines += len(text.lines)
        for count, most, name in (
            (self._chars, MOST_CHARS, "characters"),
            (self._lines, MOST_LINES, "lines"),
        ):
            if count > most:
                raise ImageTooLargeError(
                    f"The pages hold more than {most} {name} of text; no more are taken of one file.",
                    hint="Choose some pages with the option `pages`, or split the document.",
                )
        self.texts[place] = text

    def check_any(self, count: int) -> None:
        """Raise the first error if none of so many pages could be read."""
        if len(self.failed) == count:
            raise self.failed[min(self.failed)]


def survey(
    document: OpenedDocument,
    places: Sequence[int],
    options: ReadOptions,
    limits: Limits,
    ticket: Ticket,
) -> Survey:
    """Take the texts of the pages at these places that hold one.

    Raises:
        ImageTooLargeError: More pages have to be read as pictures than the limits allow, or the texts are
            too long.
        RequestCancelledError: The ticket was cancelled; it is checked before every page.
        DeadlineExceededError: The ticket's time ran out.
        OcrError: An error that concerns more than one page.
    """
    found = Survey()
    for place in places:
        ticket.check()
        text: PageText | None = None
        try:
            text = document.text(place)
        except PAGE_ERRORS as error:
            # PDFium may draw what it cannot take apart; what has taken too much once will do so again.
            if options.ocr == "never" or not isinstance(error, ImageDecodeError):
                found.failed[place] = error
                continue
        if text is not None:
            found.add_text(place, text)
        elif options.ocr == "never":
            found.empty.append(place)
        if options.ocr != "never" and (text is None or text.pictures):
            found.reads.append(place)
            limits.check_pages(len(found.reads), at_least=True)
    return found


def pages_without_pictures(
    document: OpenedDocument,
    places: Sequence[int],
    found: Survey,
    drawn: Collection[int],
    options: ReadOptions,
) -> dict[int, Page]:
    """Return the pages that are finished without being drawn, by their places; their texts are taken out."""
    pages: dict[int, Page] = {}
    for place in places:
        number = document.numbers[place]
        if place in found.failed:
            pages[place] = failed_page(document, place, found.failed[place])
        elif place in found.empty:
            pages[place] = empty_page(document, place)
        elif place in found.texts and place not in drawn:
            pages[place] = text_page(found.texts.pop(place), number, options)
    return pages


def text_page(text: PageText, number: int, options: ReadOptions) -> Page:
    """Return the page of a text, with its lines in reading order."""
    order = reading_order(
        [line.polygon for line in upright_lines(text)], [line.text for line in text.lines], text.columns
    )
    blocks = tuple(Block(tuple(text.lines[index] for index in block)) for block in order)
    warnings = () if blocks or options.ocr != "never" else (_no_text(number),)
    return Page(text.width, text.height, blocks, text.turn, warnings, number, "text_layer", text.dpi)


def empty_page(document: OpenedDocument, place: int) -> Page:
    """Return the page for a picture that must not be read."""
    number = document.numbers[place]
    return Page(*_size(document, place), warnings=(_no_text(number),), number=number)


def failed_page(document: OpenedDocument, place: int, error: OcrError) -> Page:
    """Return the page for one that cannot be read."""
    number = document.numbers[place]
    warning = Remark("PAGE_UNREAD", f"Page {number} could not be read: {error.message}")
    return Page(
        *_size(document, place),
        warnings=(warning,),
        number=number,
        error=Remark(error.code, error.message),
    )


def page_despite(
    error: OcrError,
    document: OpenedDocument,
    place: int,
    text: PageText | None,
    found: Survey,
    options: ReadOptions,
) -> Page:
    """Return the page for one whose picture cannot be read: that of its text alone, if it holds some.

    Args:
        error: Why it cannot be read; added to `found` if there is no text.
        document: The opened document.
        place: The page's place in it.
        text: The text that the page holds, if any.
        found: What is to be done with the pages.
        options: How to read.
    """
    if text is None or not text.lines:
        found.failed[place] = error
        return failed_page(document, place, error)
    number = document.numbers[place]
    page = text_page(text, number, options)
    warning = Remark(
        "PICTURE_UNREAD",
        f"Only the text that page {number} holds was taken; its picture could not be read: {error.message}",
    )
    return replace(page, warnings=(*page.warnings, warning))


def unexpected(error: Exception) -> OcrError:
    """Return the error of a page at which the engine itself has failed, and log it."""
    _log.error("reading a page failed", exc_info=error)
    return OcrError(f"The engine failed with {type(error).__name__}.")


def _no_text(number: int) -> Remark:
    return Remark("NO_TEXT_LAYER", f"Page {number} holds no text, and pictures are not read (ocr=never).")


def _size(document: OpenedDocument, place: int) -> tuple[int, int]:
    if not document.sizes:
        return 0, 0
    return document.sizes[place].width, document.sizes[place].height


# ---- pictures ------------------------------------------------------------------------------------------


def only_pictures(image: Pixels, text: PageText) -> Pixels:
    """Return a page on which nothing is left but the pictures that have to be read.

    Args:
        image: (H, W) grey or (H, W, 3) BGR, uint8, not turned.
        text: Its text, in pixels of that image.
    """
    left = np.full_like(image, 255)
    for box in text.pictures:
        place = _slices(box, image)
        left[place] = image[place]
    for line in text.lines:
        across, down = zip(*line.polygon, strict=True)
        place = _slices((min(across), min(down), max(across), max(down)), image)
        if left[place].size:  # its text is known; the colour around it hides it
            left[place] = np.median(left[place], axis=(0, 1)).astype(np.uint8)
    return left


def _slices(box: Box, image: Pixels) -> tuple[slice, slice]:
    left, top, right, bottom = (max(0, round(value)) for value in box)
    height, width = image.shape[:2]
    return slice(min(top, height), min(bottom, height)), slice(min(left, width), min(right, width))


def state_of(image: Pixels, share: Share | None, text: PageText | None, *, blocks: bool) -> PageState:
    """Return the state in which a drawn page enters the stages.

    Args:
        image: The picture, (H, W) grey or (H, W, 3) BGR, uint8.
        share: Its share of the pictures' memory budget.
        text: The text that the page holds; None if it is read as a picture.
        blocks: Whether the whole page will be looked at once its pictures have been read.
    """
    height, width = image.shape[:2]
    if text is None:
        return PageState(image, width, height, share)
    text = text.drawn(width, height)
    whole = turned(image, text.turn)
    if not text.pictures:
        return PageState(whole, width, height, share, turn=text.turn, text=text)
    masked = turned(only_pictures(image, text), text.turn)
    return PageState(masked, width, height, share, turn=text.turn, text=text, whole=whole if blocks else None)
