"""Gives writers the input itself and the pictures of its pages."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from crnn_ocr.cli.inputs import Input, unreadable
from crnn_ocr.export import WriteOptions
from crnn_ocr.options import ReadOptions
from crnn_ocr.settings import Settings


def input_bytes(entry: Input, settings: Settings) -> bytes:
    """Return the bytes of an input; of one above the limit, one byte more than the limit.

    Raises:
        OcrError: It cannot be read.
    """
    if entry.problem is not None:
        raise entry.problem
    most = settings.limits.max_bytes + 1
    try:
        if entry.path is None:
            return sys.stdin.buffer.read(most)
        with entry.path.open("rb") as stream:
            return stream.read(most)
    except OSError as error:
        raise unreadable(error) from None


@contextmanager
def write_options(
    entry: Input,
    data: bytes,
    settings: Settings,
    options: ReadOptions,
    *,
    named: bool = False,
    chars: bool = False,
) -> Iterator[WriteOptions]:
    """Yield what writers may need of an input while the block runs.

    Args:
        entry: The input.
        data: Its bytes.
        settings: The limits, and how pages are drawn.
        options: How it was read.
        named: Whether to write the input's name next to its result.
        chars: Whether to write single characters.
    """
    # Imported late, as the engine is: it needs OpenCV.
    from crnn_ocr.imaging.opened import open_document
    from crnn_ocr.imaging.page_pictures import PagePictures
    from crnn_ocr.imaging.page_source import Wanted

    wanted = Wanted(options.page_ranges, options.ocr, options.password)
    open_again = partial(open_document, data, settings.limits, pdf_dpi=settings.pdf_dpi, wanted=wanted)
    with PagePictures(open_again) as pictures:
        yield WriteOptions(
            source=entry.name if named else None,
            chars=chars,
            original=lambda: data,
            picture=pictures,
            name=entry.place.name,
            password=options.password,
        )
