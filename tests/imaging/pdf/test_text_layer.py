"""The text that pages of PDFs hold: lines, places, health."""

from __future__ import annotations

import pickle
from array import array
from typing import Any

import cv2
import numpy as np
import pytest
from pikepdf import Pdf

from crnn_ocr.document import Char
from crnn_ocr.errors import PdfPasswordError, WrongPdfPasswordError
from crnn_ocr.imaging.opened import open_document
from crnn_ocr.imaging.page_source import Wanted
from crnn_ocr.imaging.pdf.page_text import PageText, TextChars, UseOfText, text_line
from tests.imaging.pdf import made
from tests.imaging.pictures import LIMITS, Pixels, text_page

pytest.importorskip("pypdfium2")

SENTENCES = ["The quick brown fox jumps", "over the lazy dog again and", "this is what was recognised"] * 3
RUBBISH = ["|l . ;, ~ i 1 ' \\ _ t", "- . , r ; : ! / e ~"] * 4


def text_of(data: bytes, use: UseOfText = "auto", place: int = 0, password: str = "") -> PageText | None:
    with open_document(data, LIMITS, wanted=Wanted(text=use, password=password)) as document:
        return document.text(place)


def rows(data: bytes, use: UseOfText = "auto") -> list[str]:
    text = text_of(data, use)
    assert text is not None
    return [line.text for line in text.lines]


def drawn(data: bytes) -> Pixels:
    with open_document(data, LIMITS) as document:
        image = document.draw()
    assert image is not None
    return image


# ---- places ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("crop", [None, [20, 60, 380, 290]])
def test_lines_and_characters_lie_on_the_ink(rotation: int, crop: list[int] | None) -> None:
    extra: dict[str, Any] = {"Rotate": rotation} | ({} if crop is None else {"CropBox": crop})
    data = made.written(made.lines(["Hello World 90", "gjpq and Ags"], step=40), **extra)
    text = text_of(data)
    image = drawn(data)

    assert text is not None
    assert (text.height, text.width) == image.shape[:2]
    assert text.dpi == pytest.approx(200, rel=0.001)
    assert {line.text for line in text.lines} == {"Hello World 90", "gjpq and Ags"}
    assert text.turn == {0: 0, 90: 270, 180: 180, 270: 90}[rotation]
    ink = image.min(axis=2) < 128
    covered = np.zeros(ink.shape, np.uint8)
    for line in text.lines:
        cv2.fillPoly(covered, [np.array(line.polygon).round().astype(np.int32)], 1)
        for char in line.chars:
            if char.text.strip():
                assert ink[_inside(char.polygon)].any(), char
    assert ink[covered > 0].sum() > 0.99 * ink.sum()
    assert covered.sum() < 8 * ink.sum()


def _inside(polygon: Any) -> tuple[slice, slice]:
    x, y = zip(*polygon, strict=True)
    return slice(round(min(y)), round(max(y)) + 1), slice(round(min(x)), round(max(x)) + 1)


def test_the_first_corner_is_the_texts_own_top_left() -> None:
    text = text_of(made.written("BT /F1 14 Tf 0 1 -1 0 80 60 Tm (upwards) Tj ET" + made.line("level")))
    assert text is not None
    corners = {line.text: line.polygon for line in text.lines}
    (left, top), (right, upper), *_ = corners["level"]
    assert right > left
    assert top == upper
    (x, low), (u, high), *_ = corners["upwards"]
    assert x == u
    assert low > high


def test_slanted_text_is_one_line() -> None:
    slanted = "BT /F1 30 Tf 0.707 0.707 -0.707 0.707 80 60 Tm (CONFIDENTIAL) Tj ET"
    text = text_of(made.written(slanted + made.line("plain", y=20)))
    assert text is not None
    assert [line.text for line in text.lines] == ["plain", "CONFIDENTIAL"]
    (left, top), (right, end), *_ = text.lines[1].polygon
    assert top - end == pytest.approx(right - left, rel=0.05)


def test_text_outside_of_the_crop_box_is_left_out() -> None:
    data = made.written(
        made.line("inside", 50, 200) + made.line("outside", 50, 20), CropBox=[0, 100, 400, 300]
    )
    assert rows(data) == ["inside"]


# ---- lines -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (made.line("Bold", 50) + made.line("Bold", 50.4) + made.line("moon", 50, 100), ["Bold", "moon"]),
        (
            "BT /F1 14 Tf " + "".join(f"1 0 0 1 {x} 200 Tm (m) Tj " for x in (30, 30.4, 41.7, 42.0)) + "ET",
            ["mm"],
        ),
        ("BT /F1 14 Tf 30 200 Td [(two)-350(words)-40(x)] TJ ET", ["two wordsx"]),
        (made.line("12", 30) + made.line("34", 80) + made.line("56", 120), ["12", "34", "56"]),
        (made.line("wo", 30) + made.line("far", 300) + made.line("rd", 48), ["word", "far"]),
        (made.line("left column", 30) + made.line("right column", 120), ["left column", "right column"]),
        (
            "BT /F1 14 Tf 30 200 Td (H) Tj 5 Ts /F1 8 Tf (2) Tj 0 Ts /F1 14 Tf (O and more) Tj ET",
            ["H2O and more"],
        ),
        ("BT /F1 14 Tf 6 Tw 30 200 Td (stretched words of one line) Tj ET", ["stretched words of one line"]),
    ],
)
def test_lines_are_what_a_person_sees(content: str, expected: list[str]) -> None:
    assert rows(made.written(content)) == expected


def test_ligatures_radicals_and_hyphens_become_plain_characters() -> None:
    assert rows(made.with_font("Office aﬁnb", {})) == ["Office afinb"]
    assert rows(made.with_font("Oﬀ oﬃce", {"ﬀ": "ff", "ﬃ": "ffi"})) == ["Off office"]
    assert rows(made.with_font("use", {"u": "⽤"})) == ["用se"]
    assert rows(made.with_font("co-op", {"-": "‑"})) == ["co-op"]
    assert rows(made.with_font("sothft end~", {"h": "\xad", "~": "\xad"})) == ["sotft end-"]
    text = text_of(made.with_font("Oﬀ", {"ﬀ": "ff"}))
    assert text is not None
    places = [char.polygon[0][0] for char in text.lines[0].chars]
    assert places == sorted(set(places))


def test_upright_characters_below_one_another_are_a_column() -> None:
    letters = "直排文字"
    content = b""
    with Pdf.new() as pdf:
        font, _ = made.embedded(pdf, "abcd", dict(zip("abcd", letters, strict=True)))
        for row, letter in enumerate("abcd"):
            _, codes = made.embedded(pdf, letter, {})
            content += b"BT /F2 20 Tf 60 %d Td %s Tj ET " % (200 - 22 * row, codes)
        made.add_page(pdf, content, font=font)
        data = made.bytes_of(pdf)
    text = text_of(data)
    assert text is not None
    assert [line.text for line in text.lines] == [letters]
    assert text.columns == (True,)
    tops = [char.polygon[0][1] for char in text.lines[0].chars]
    assert tops == sorted(set(tops))
    assert len({char.polygon[0][0] for char in text.lines[0].chars}) == 1


def test_filled_in_forms_are_read() -> None:
    assert rows(made.form("Ada Lovelace")) == ["Name:", "Ada Lovelace"]


# ---- health ------------------------------------------------------------------------------------------


def test_healthy_fonts_are_taken() -> None:
    assert rows(made.with_font("Grüße, 12 %", {})) == ["Grüße, 12 %"]


@pytest.mark.parametrize(
    "mapped",
    [
        {char: chr(0xE000 + place) for place, char in enumerate("Secrtwodh")},
        dict.fromkeys("Secrtwodh ", "\ufffd"),
        dict.fromkeys("Secrtwodh ", "\x01"),
        None,
    ],
    ids=["private", "replaced", "control", "no map"],
)
def test_layers_without_meaning_are_not_taken(mapped: dict[str, str] | None) -> None:
    data = made.with_font("Secret words here", mapped)
    assert text_of(data) is None
    assert text_of(data, "never") is not None


def test_single_symbols_of_private_fonts_are_left_out() -> None:
    assert rows(made.with_font("* first point of the list", {"*": "\uf0b7"})) == ["first point of the list"]


def test_the_work_of_another_reader_is_judged() -> None:
    scan = made.shown(0, 0, 400, 300)
    pixels = text_page(600, 400)
    assert rows(made.written(scan + made.lines(SENTENCES, mode=3), pixels=pixels)) == SENTENCES
    assert text_of(made.written(scan + made.lines(RUBBISH, mode=3), pixels=pixels)) is None
    assert text_of(made.written(scan, pixels=pixels)) is None


def test_invisible_text_without_a_picture_is_not_there() -> None:
    assert text_of(made.written(made.lines(SENTENCES, mode=3))) is None
    assert rows(made.written(made.lines(SENTENCES, mode=3) + made.line("seen", y=20))) == ["seen"]


def test_a_page_without_anything_is_no_text() -> None:
    assert text_of(made.written("")) is None
    empty = text_of(made.written(""), "never")
    assert empty is not None
    assert empty.lines == ()


# ---- pictures ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "parts",
    [made.shown(30, 30, 200, 120), "".join(made.shown(30, 30 + 10 * row, 200, 10) for row in range(12))],
    ids=["whole", "strips"],
)
def test_pictures_without_text_are_to_be_read(parts: str) -> None:
    data = made.written(parts + made.line("Heading above", y=260), pixels=text_page(300, 200))
    text = text_of(data)
    assert text is not None
    ((left, top, right, bottom),) = text.pictures
    scale = 200 / 72
    assert left == pytest.approx(30 * scale, abs=14)
    assert top == pytest.approx(150 * scale, abs=14)
    assert right == pytest.approx(230 * scale, abs=14)
    assert bottom == pytest.approx(270 * scale, abs=14)
    never = text_of(data, "never")
    assert never is not None
    assert never.pictures == ()


def test_small_pictures_and_those_below_text_are_not() -> None:
    pixels = text_page(300, 200)
    logo = text_of(made.written(made.shown(30, 30, 40, 30) + made.line("Heading", y=260), pixels=pixels))
    behind = text_of(made.written(made.shown(0, 0, 400, 300) + made.lines(SENTENCES), pixels=pixels))
    assert logo is not None
    assert behind is not None
    assert logo.pictures == behind.pictures == ()


# ---- locks and loops ---------------------------------------------------------------------------------


@pytest.mark.parametrize("revision", [3, 4, 6])
def test_a_password_opens_the_document(revision: int) -> None:
    data = made.locked(made.written(made.line("inside")), "pass word", revision)
    with pytest.raises(PdfPasswordError) as missing:
        text_of(data)
    assert missing.value.code == "PDF_PASSWORD_REQUIRED"
    with pytest.raises(WrongPdfPasswordError) as wrong:
        text_of(data, password="Sesame")
    assert wrong.value.code == "PDF_PASSWORD_WRONG"
    assert "Sesame" not in wrong.value.message + wrong.value.hint + repr(wrong.value.__cause__)
    text = text_of(data, password="pass word")
    assert text is not None
    assert [line.text for line in text.lines] == ["inside"]


def test_a_password_is_not_shown() -> None:
    assert "Sesame" not in repr(Wanted(password="Sesame"))


def test_page_trees_that_hold_themselves_end() -> None:
    with open_document(made.looped(), LIMITS, wanted=Wanted(text="auto")) as document:
        assert len(document.numbers) <= 5
        text = document.text(0)
    assert text is not None
    assert [line.text for line in text.lines] == ["page one"]


# ---- characters --------------------------------------------------------------------------------------


def test_characters_equal_the_tuple_that_they_stand_for() -> None:
    polygon = ((0.0, 0.0), (100.0, 0.0), (100.0, 20.0), (0.0, 20.0))
    line = text_line("ab c", array("f", [0, 0.25, 0.25, 0.5, 0.5, 0.75, 0.75, 1]), polygon)
    chars = tuple(line.chars)
    assert chars[1] == Char("b", 1.0, ((25.0, 0.0), (50.0, 0.0), (50.0, 20.0), (25.0, 20.0)))
    assert line.chars == chars
    assert chars == line.chars
    assert hash(line.chars) == hash(chars)
    assert line.chars[-1] == chars[-1]
    assert line.chars[1:3] == chars[1:3]
    assert repr(line.chars) == repr(chars)
    assert pickle.loads(pickle.dumps(line)) == line
    assert len(line.chars) == 4
    with pytest.raises(IndexError):
        line.chars[len(line.chars)]
    with pytest.raises(ValueError, match="start and an end"):
        TextChars("ab", array("f", [0, 1]), polygon)
