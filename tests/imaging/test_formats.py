from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from crnn_ocr.errors import UnsupportedImageError
from crnn_ocr.imaging.formats import ACCEPTED, Format, sniff
from crnn_ocr.imaging.raster import webp
from tests.imaging.pictures import pdf, pil, quadrants, saved


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("JPEG", Format.JPEG),
        ("PNG", Format.PNG),
        ("GIF", Format.GIF),
        ("BMP", Format.BMP),
        ("TIFF", Format.TIFF),
        ("WEBP", Format.WEBP),
        ("PPM", Format.PNM),
        ("PDF", Format.PDF),
    ],
)
def test_files_that_pillow_writes_are_told_by_their_bytes(kind: str, name: Format) -> None:
    assert sniff(saved(pil(quadrants()), kind)) is name


def test_big_tiff_and_pdf_behind_junk_are_known() -> None:
    assert sniff(saved(pil(quadrants()), "TIFF", big_tiff=True)) is Format.TIFF
    assert sniff(b"\r\n\xef\xbb\xbf" + pdf((10, 10, ""))) is Format.PDF


@pytest.mark.parametrize(
    "data", [b"P4 8 8\n", b"P5\n# a page\n8 8\n255\n", b"P6 8 # wide\n8 255 ", b"P5\t8\r\n8 4095\n"]
)
def test_a_binary_pnm_is_told_by_its_whole_header(data: bytes) -> None:
    assert sniff(data + bytes(192)) is Format.PNM


@pytest.mark.parametrize("data", [b"P6 8 8 ", b"P6 8 8" + b"#\n" * 600 + b"255 ", b"P6 # " + bytes(2000)])
def test_a_pnm_with_an_endless_header_is_none(data: bytes) -> None:
    with pytest.raises(UnsupportedImageError):
        sniff(data + bytes(192))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x00\x00\x00\x20ftypavif\x00\x00\x00\x00avifmif1", "an AVIF picture"),
        (b"\x00\x00\x00\x20ftypmif1\x00\x00\x00\x00mif1avif", "an AVIF picture"),
        (b"\x00\x00\x00\x0cjP  \r\n\x87\n\x00\x00\x00\x14ftypjp2 ", "a JPEG 2000 picture"),
        (b"\xff\x4f\xff\x51\x00\x2f", "a JPEG 2000 picture"),
        (b"\xff\x0a\xfa\x1f", "a JPEG XL picture"),
        (b"8BPS\x00\x01" + bytes(20), "a Photoshop document"),
        (b"qoif\x00\x00\x00\x08", "a QOI picture"),
        (b"\x00\x00\x01\x00\x01\x00" + bytes(40), "an icon"),
        (b"icns\x00\x00\x01\x00", "an icon"),
        (b"P3 2 1 255\n255 0 0  0 255 0\n", "numbers as text"),
        (b"\x00\x00\x00\x1cftypheic\x00\x00\x00\x00mif1heic", "a HEIC picture"),
    ],
)
def test_other_pictures_are_named_with_what_is_read(data: bytes, words: str) -> None:
    with pytest.raises(UnsupportedImageError, match=words) as caught:
        sniff(data)
    assert ACCEPTED in caught.value.message
    assert "JPEG" in (caught.value.hint or "")


def test_the_message_names_every_format_that_is_read() -> None:
    assert set(ACCEPTED.replace(" and ", ", ").split(", ")) == {name.value for name in Format}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<!DOCTYPE html><html><body>404</body></html>", "an HTML page"),
        (b"\n\n <HTML lang=en>", "an HTML page"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG drawing"),
        (b"PK\x05\x06" + bytes(18), "an empty ZIP archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), "an old Office document"),
        (b"\x1f\x8b\x08" + bytes(20), "a compressed archive"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "a PostScript file"),
        (b"\x93NUMPY\x01\x00", "a NumPy file"),
        (b"\x00\x00\x00\x18ftypisom" + bytes(40), "a film or a sound"),
        (b'{"image": "aGVsbG8="}', "JSON text"),
        (b"data:image/png;base64,iVBORw0KGgo=", "the text of a data URL"),
        (b"just some notes\nin two lines\n", "plain text"),
        ("只是文字，不是图片。".encode() * 60, "plain text"),
        (bytes(5000), "zero bytes"),
        (b"\x01\x02\x03\x04" * 50, "not those of any supported picture format"),
    ],
)
def test_other_kinds_of_files_are_named(data: bytes, words: str) -> None:
    with pytest.raises(UnsupportedImageError, match=words) as caught:
        sniff(data)
    assert caught.value.hint


@given(st.binary(min_size=1, max_size=300))
def test_any_bytes_have_a_format_or_are_refused(data: bytes) -> None:
    with contextlib.suppress(UnsupportedImageError):
        assert sniff(data) in Format


@pytest.mark.parametrize(
    "options", [{"quality": 50}, {"lossless": True}, {"quality": 50, "exif": b"Exif\x00\x00MM\x00*\x00\x00"}]
)
def test_webp_size_is_read_from_all_three_headers(options: dict[str, object]) -> None:
    data = saved(pil(quadrants(123, 45)), "WEBP", **options)
    assert webp.size(data) == (123, 45)
    assert webp.size(data[:20]) is None


def test_webp_kinds_are_those_that_the_test_above_means() -> None:
    picture = pil(quadrants())
    kinds = {
        saved(picture, "WEBP", quality=50)[12:16],
        saved(picture, "WEBP", lossless=True)[12:16],
        saved(picture, "WEBP", quality=50, exif=b"Exif\x00\x00MM\x00*\x00\x00")[12:16],
    }
    assert kinds == {b"VP8 ", b"VP8L", b"VP8X"}


def test_a_mode_that_does_not_fit_the_extension_is_read() -> None:
    # The name of a file never reaches the decoder: a PNG called .jpg is a PNG.
    assert sniff(saved(Image.new("1", (3, 3)), "PNG")) is Format.PNG
