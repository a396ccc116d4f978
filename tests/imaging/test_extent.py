from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from crnn_ocr.errors import ImageDecodeError, ImageTooLargeError, OcrError, UnsupportedImageError
from crnn_ocr.imaging.decode import Limits, decode_pages
from crnn_ocr.imaging.opened import open_document

LIMITS = Limits(max_bytes=10_000_000, max_pixels=1_000_000, max_side=5_000, max_pages=3)


def page_sizes(data: bytes, limits: Limits, *, pdf_dpi: int = 200) -> list[tuple[int, int]]:
    with open_document(data, limits, pdf_dpi=pdf_dpi) as document:
        return [(page.width, page.height) for page in document.extents]


def encoded(kind: str, *sizes: tuple[int, int], **parameters: object) -> bytes:
    first, *others = [Image.new("RGB", size, "white") for size in sizes]
    stream = BytesIO()
    more = {"save_all": True, "append_images": others} if others else {}
    first.save(stream, kind, **more, **parameters)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM"])
def test_sizes_are_those_of_the_decoded_pages(kind: str) -> None:
    data = encoded(kind, (200, 100))
    found = page_sizes(data, LIMITS)
    assert [size[::-1] for size in found] == [page.shape[:2] for page in decode_pages(data, LIMITS)]


def test_every_page_counts() -> None:
    assert page_sizes(encoded("TIFF", (200, 100), (300, 50)), LIMITS) == [(200, 100), (300, 50)]


def test_pages_of_a_pdf_are_told_at_the_resolution_of_drawing() -> None:
    pytest.importorskip("pypdfium2")
    data = encoded("PDF", (200, 100), (300, 50))
    found = page_sizes(data, LIMITS, pdf_dpi=144)
    drawn = [page.shape for page in decode_pages(data, LIMITS, pdf_dpi=144)]
    assert np.allclose([size[::-1] for size in found], [shape[:2] for shape in drawn], atol=2)
    assert page_sizes(encoded("PDF", (4000, 4000)), LIMITS, pdf_dpi=600)[0][0] <= 1000


def test_nothing_is_decoded() -> None:
    data = encoded("PNG", (900, 900))
    assert page_sizes(data[:60], LIMITS) == [(900, 900)]


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"hello", UnsupportedImageError),
        (b"\x89PNG\r\n\x1a\n", ImageDecodeError),
        (b"%PDF-1.7 broken", ImageDecodeError),
        (encoded("TIFF", *[(10, 10)] * 4), ImageTooLargeError),
    ],
)
def test_bad_headers_are_refused_as_the_decoder_does(data: bytes, kind: type[OcrError]) -> None:
    with pytest.raises(kind):
        page_sizes(data, LIMITS)
