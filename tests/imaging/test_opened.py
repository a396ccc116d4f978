"""The kinds of sources, and the memory that their pages need."""

from __future__ import annotations

import gc
import io
import weakref
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from crnn_ocr.errors import ImageTooLargeError, UnsupportedImageError
from crnn_ocr.imaging.decode import Limits
from crnn_ocr.imaging.opened import OpenedDocument, Source, open_document

LIMITS = Limits(max_bytes=1_000_000, max_pixels=1_000_000, max_side=5_000, max_pages=5)


def encoded(kind: str, *sizes: tuple[int, int]) -> bytes:
    images = [Image.new("RGB", size, (200, 100, n)) for n, size in enumerate(sizes)]
    stream = io.BytesIO()
    more = {"save_all": True, "append_images": images[1:]} if len(images) > 1 else {}
    images[0].save(stream, kind, **more)
    return stream.getvalue()


def opened(source: Source) -> OpenedDocument:
    return open_document(source, LIMITS)


@pytest.mark.parametrize(("kind", "each"), [("PNG", 7), ("JPEG", 7), ("BMP", 7), ("WEBP", 16)])
def test_memory_need_is_known_before_decoding(kind: str, each: int) -> None:
    pages = opened(encoded(kind, (300, 200)))

    assert pages.room == each * 300 * 200
    image = pages.draw()
    assert image is not None
    assert image.shape == (200, 300, 3)
    assert image.nbytes <= each * 300 * 200
    assert pages.room == 0
    assert pages.draw() is None


def test_every_page_has_its_own_memory_need() -> None:
    pages = opened(encoded("TIFF", (100, 50), (200, 60), (30, 10)))
    rooms, shapes = [], []

    while True:
        rooms.append(pages.room)
        image = pages.draw()
        if image is None:
            break
        shapes.append(image.shape[:2])

    assert rooms == [7 * 100 * 50, 7 * 200 * 60, 7 * 30 * 10, 0]
    assert shapes == [(50, 100), (60, 200), (10, 30)]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "array", "Pillow"])
def test_no_reference_to_a_page_is_kept(kind: str) -> None:
    source: Source
    if kind == "array":
        source = np.zeros((40, 60, 4), np.uint8)  # has to be converted, so a page of its own
    elif kind == "Pillow":
        source = Image.new("RGB", (60, 40))
    else:
        source = encoded(kind, (60, 40))
    pages = opened(source)

    image = pages.draw()

    assert image is not None
    alive = weakref.ref(image)
    assert image.base is None
    del image
    gc.collect()
    assert alive() is None
    assert pages.draw() is None


def test_existing_pictures_need_memory_too() -> None:
    assert opened(np.zeros((40, 60, 3), np.uint8)).room == 7200
    assert opened(Image.new("L", (60, 40))).room == 2400


def test_bad_input_is_refused_before_anything_is_drawn(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("no picture")
    with pytest.raises(UnsupportedImageError):
        opened(path)
    with pytest.raises(ImageTooLargeError):
        opened(encoded("PNG", (1001, 1000)))
    with pytest.raises(ImageTooLargeError):
        opened(np.zeros((1001, 1000), np.uint8))
