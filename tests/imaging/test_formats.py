from __future__ import annotations

import contextlib
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from crnn_ocr.errors import UnsupportedImageError
from crnn_ocr.imaging.formats import Format, embedded_icon, icon_bitmap_sizes, sniff, webp_size
from tests.imaging.pictures import needs_avif, pdf, pil, quadrants, saved


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("JPEG", Format.JPEG),
        ("PNG", Format.PNG),
        ("GIF", Format.GIF),
        ("BMP", Format.BMP),
        ("TIFF", Format.TIFF),
        ("WEBP", Format.WEBP),
        pytest.param("AVIF", Format.AVIF, marks=needs_avif),
        ("JPEG2000", Format.JPEG2000),
        ("PPM", Format.PNM),
        ("ICO", Format.ICO),
        ("ICNS", Format.ICNS),
        ("TGA", Format.TGA),
        ("PDF", Format.PDF),
    ],
)
def test_files_that_pillow_writes_are_told_by_their_bytes(kind: str, name: Format) -> None:
    assert sniff(saved(pil(quadrants()), kind)) is name


def test_big_tiff_and_pdf_behind_junk_are_known() -> None:
    assert sniff(saved(pil(quadrants()), "TIFF", big_tiff=True)) is Format.TIFF
    assert sniff(b"\r\n\xef\xbb\xbf" + pdf((10, 10, ""))) is Format.PDF


@pytest.mark.parametrize("rle", [False, True])
@pytest.mark.parametrize("mode", ["L", "P", "RGB", "RGBA"])
def test_a_targa_file_without_footer_is_told_by_its_header(mode: str, rle: bool) -> None:
    data = saved(pil(quadrants()).convert(mode), "TGA", compression="tga_rle" if rle else None)
    footer = data.rfind(b"TRUEVISION-XFILE.")
    assert footer > 0
    assert sniff(data[: footer - 8]) is Format.TGA


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<!DOCTYPE html><html><body>404</body></html>", "an HTML page"),
        (b"\n\n <HTML lang=en>", "an HTML page"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG drawing"),
        (b"PK\x03\x04" + bytes(30), "a ZIP archive or an Office document"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), "an old Office document"),
        (b"\x1f\x8b\x08" + bytes(20), "a compressed archive"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "a PostScript file"),
        (b"\x93NUMPY\x01\x00", "a NumPy file"),
        (b"\x00\x00\x00\x18ftypisom" + bytes(40), "a film or a sound"),
        (b'{"image": "aGVsbG8="}', "JSON text"),
        (b"data:image/png;base64,iVBORw0KGgo=", "the text of a data URL"),
        (b"just some notes\nin two lines\n", "plain text"),
        ("只是文字，不是图片。".encode() * 60, "plain text"),
        (b"\x00\x00\x00\x1cftypheic\x00\x00\x00\x00mif1heic", "HEIC"),
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


def test_random_files_are_hardly_ever_taken_for_targa() -> None:
    random = np.random.default_rng(7).integers(0, 256, (20_000, 18), dtype=np.uint8)
    taken = 0
    for row in random:
        with contextlib.suppress(UnsupportedImageError):
            taken += sniff(row.tobytes()) is Format.TGA
    assert taken == 0


@pytest.mark.parametrize(
    "options", [{"quality": 50}, {"lossless": True}, {"quality": 50, "exif": b"Exif\x00\x00MM\x00*\x00\x00"}]
)
def test_webp_size_is_read_from_all_three_headers(options: dict[str, object]) -> None:
    data = saved(pil(quadrants(123, 45)), "WEBP", **options)
    assert webp_size(data) == (123, 45)
    assert webp_size(data[:20]) is None


def test_webp_kinds_are_those_that_the_test_above_means() -> None:
    picture = pil(quadrants())
    kinds = {
        saved(picture, "WEBP", quality=50)[12:16],
        saved(picture, "WEBP", lossless=True)[12:16],
        saved(picture, "WEBP", quality=50, exif=b"Exif\x00\x00MM\x00*\x00\x00")[12:16],
    }
    assert kinds == {b"VP8 ", b"VP8L", b"VP8X"}


def test_the_largest_embedded_picture_of_an_icon_is_found() -> None:
    icon = saved(pil(quadrants(256, 256)), "ICO", sizes=[(16, 16), (256, 256), (32, 32)])
    inner = embedded_icon(icon, Format.ICO)
    assert inner is not None
    assert struct.unpack(">II", inner[16:24]) == (256, 256)
    icns = embedded_icon(saved(pil(quadrants(512, 512)), "ICNS"), Format.ICNS)
    assert icns is not None
    assert icns.startswith(b"\x89PNG")


def test_bitmaps_in_icons_tell_their_own_size() -> None:
    icon = saved(pil(quadrants(32, 32)), "ICO", sizes=[(32, 32)], bitmap_format="bmp")
    assert embedded_icon(icon, Format.ICO) is None
    assert icon_bitmap_sizes(icon, Format.ICO) == [(32, 32)]


@given(st.binary(max_size=200), st.sampled_from([Format.ICO, Format.CUR, Format.ICNS]))
def test_icon_directories_of_any_bytes_are_survived(tail: bytes, name: Format) -> None:
    data = (b"icns" if name is Format.ICNS else b"\x00\x00\x01\x00") + tail
    embedded_icon(data, name)
    icon_bitmap_sizes(data, name)


def test_a_mode_that_does_not_fit_the_extension_is_read() -> None:
    # The name of a file never reaches the decoder: a PNG called .jpg is a PNG.
    assert sniff(saved(Image.new("1", (3, 3)), "PNG")) is Format.PNG
