"""Turned lines and pictures, read for real."""

from __future__ import annotations

import unicodedata

import cv2
import numpy as np
import pytest

from crnn_ocr.engine.ocr import OCR
from tests import drawing

ROWS = [f"paragraph line number {i} of this page" for i in range(8)]
CODES = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


def upright_page() -> drawing.Picture:
    return drawing.page([(20, 20 + 40 * i, row) for i, row in enumerate(ROWS)], size=26)


@pytest.mark.parametrize("lying", [90, 180, 270])
def test_a_turned_picture_is_read_in_its_own_coordinates(ocr: OCR, lying: int) -> None:
    picture = np.asarray(cv2.rotate(upright_page(), CODES[lying]), np.uint8)

    page = ocr.read(picture).pages[0]

    assert page.rotation == (360 - lying) % 360
    assert [line.text for line in page.lines] == ROWS
    assert (page.width, page.height) == (picture.shape[1], picture.shape[0])
    for line in page.lines:
        assert all(0 <= x <= page.width and 0 <= y <= page.height for x, y in line.polygon)
    # The first line's own top left lies in the corner to which the picture's top left was turned.
    x, y = page.lines[0].polygon[0]
    corner = {90: (1, 0), 180: (1, 1), 270: (0, 1)}[lying]
    assert (x > page.width / 2, y > page.height / 2) == (bool(corner[0]), bool(corner[1]))


def test_a_single_line_on_its_head_is_turned(ocr: OCR) -> None:
    picture = upright_page()
    picture[96:136] = picture[96:136][::-1, ::-1]

    page = ocr.read(picture).pages[0]

    assert page.rotation == 0
    assert [line.text for line in page.lines] == ROWS
    assert page.lines[2].polygon[0][0] > page.lines[2].polygon[1][0]


@pytest.mark.parametrize("size", [14, 20, 32, 64])
@pytest.mark.parametrize("text", ["90", "U/L", "￥5999.00", "06", "SOS", "NOON", "体重", "A", "1", "8", "OK"])
def test_short_crops_are_never_turned(ocr: OCR, text: str, size: int) -> None:
    crop = drawing.line(text, size=size, pad=4)

    page = ocr.read(crop).pages[0]

    assert page.rotation == 0
    assert page == ocr.read(crop, orientation="off").pages[0]
    if (text, size) != ("1", 64):  # filling the whole crop, this font's 1 is taken for a 7
        assert [unicodedata.normalize("NFKC", line.text) for line in page.lines] == [text.replace("￥", "¥")]


def test_a_column_of_characters_is_read_downwards(ocr: OCR) -> None:
    column = drawing.page(
        [(40, 20 + 60 * i, c) for i, c in enumerate("注意安全请勿靠近")], size=52, shape=(140, 560)
    )

    lines = ocr.read(column).pages[0].lines

    assert [line.text for line in lines] == ["注意安全请勿靠近"]
    tops = [char.polygon[0][1] for char in lines[0].chars]
    assert tops == sorted(tops)


def test_turning_can_be_switched_off(ocr: OCR) -> None:
    picture = np.asarray(cv2.rotate(upright_page(), cv2.ROTATE_180), np.uint8)

    page = ocr.read(picture, orientation="off").pages[0]

    assert page.rotation == 0
    assert not set(ROWS) & {line.text for line in page.lines}
