from __future__ import annotations

import io
import zipfile

import cv2
import numpy as np
import pytest

from crnn_ocr.document import Block, Document, Line, Page
from crnn_ocr.errors import ImageDecodeError
from crnn_ocr.export import FORMATS, WriteOptions
from crnn_ocr.export.files import output_files, single_file
from crnn_ocr.export.web.annotated import annotated_files, to_annotated
from crnn_ocr.pixels import Pixels
from tests.export.samples import DOCUMENT, box, picture

LINE = Line("one", 0.9, box(20, 30, 80, 50))


def one_page(width: int = 200, height: int = 100, rotation: int = 0) -> Document:
    page = Page(width, height, (Block((LINE,), "paragraph", 0),), rotation)
    return Document((page,), "m@1")


def shown(content: bytes) -> Pixels:
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return np.asarray(image, np.uint8)


def is_blue(pixel: Pixels) -> bool:
    blue, _, red = (int(value) for value in pixel)
    return blue > red + 80


@pytest.mark.parametrize("ground", [0, 128, 255])
def test_outlines_have_the_colour_of_their_kind_and_a_rim(ground: int) -> None:
    image = shown(to_annotated(one_page(), "png", picture=lambda _: np.full((100, 200), ground, np.uint8)))
    assert image.shape == (100, 200, 3)
    assert is_blue(image[30, 50])
    assert is_blue(image[40, 20])
    assert image[40, 50].tolist() == [ground] * 3  # the text itself is not covered
    column = image[24:30, 50].astype(int).sum(axis=1)
    assert column.max() > 650 or ground == 255  # white, between the ground and the stroke


@pytest.mark.parametrize(("rotation", "shape"), [(0, (100, 200)), (90, (200, 100)), (180, (100, 200))])
def test_pages_are_upright(rotation: int, shape: tuple[int, int]) -> None:
    image = shown(
        to_annotated(one_page(rotation=rotation), "png", picture=lambda _: np.zeros((100, 200), np.uint8))
    )
    assert image.shape[:2] == shape


def test_the_picture_of_the_caller_stays_as_it_is() -> None:
    mine = np.zeros((100, 200, 3), np.uint8)
    to_annotated(one_page(), "png", picture=lambda _: mine)
    assert not mine.any()


def test_a_page_that_cannot_be_drawn_is_white() -> None:
    def fails(_: int) -> Pixels:
        raise ImageDecodeError("damaged")

    assert shown(to_annotated(one_page(), "png", picture=fails))[0, 0].tolist() == [255] * 3


def test_a_long_page_fits_webp() -> None:
    tall = np.zeros((20_000, 50), np.uint8)
    image = shown(to_annotated(one_page(50, 20_000), "webp", picture=lambda _: tall))
    assert image.shape[0] == 16_383
    assert shown(to_annotated(one_page(50, 20_000), "png", picture=lambda _: tall)).shape[0] == 20_000


@pytest.mark.parametrize("kind", ["png", "webp"])
def test_several_pages_are_several_files(kind: str) -> None:
    how = WriteOptions(picture=picture)
    files = output_files(DOCUMENT, FORMATS[kind], how)
    assert [file.suffix for file in files] == [
        f".page{page.number}.annotated.{kind}" for page in DOCUMENT.pages
    ]
    archive = single_file(DOCUMENT, FORMATS[kind], how)
    with zipfile.ZipFile(io.BytesIO(archive.content)) as packed:
        sizes = [shown(packed.read(name)).shape[:2] for name in packed.namelist()]
    upright = [
        (page.width, page.height) if page.rotation in (90, 270) else (page.height, page.width)
        for page in DOCUMENT.pages
    ]
    assert sizes == upright
    assert archive == single_file(DOCUMENT, FORMATS[kind], how)


def test_a_document_without_pages_has_no_pictures() -> None:
    assert annotated_files(Document((), "m@1"), "png") == []
