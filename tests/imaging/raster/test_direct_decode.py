"""Decoding of large pictures: into their final array, like Pillow, within the predicted memory."""

from __future__ import annotations

import io
import os
import random
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from crnn_ocr.errors import ImageDecodeError, ImageTooLargeError, OcrError
from crnn_ocr.imaging.decode import Limits, decode_pages
from crnn_ocr.imaging.formats import Format
from crnn_ocr.imaging.raster import direct_decode, jpeg
from crnn_ocr.imaging.raster.files import open_file
from tests.imaging.pictures import LIMITS, Pixels, pil, png_chunk, saved

WIDTH, HEIGHT = 2100, 1920
AREA = WIDTH * HEIGHT


@cache
def picture() -> Image.Image:
    noise = np.random.default_rng(5).integers(0, 256, (HEIGHT // 30, WIDTH // 30, 3), np.uint8)
    return pil(np.asarray(cv2.resize(noise, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), np.uint8))


def transparent() -> Image.Image:
    image = picture().convert("RGBA")
    image.putpixel((0, 0), (0, 0, 0, 0))
    return image


def interlaced_png() -> bytes:
    """Return an interlaced PNG in the seven passes of Adam7 (PNG specification, 8.2)."""
    pixels = np.asarray(picture())
    rows = b""
    for left, top, across, down in (
        (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2),
    ):  # fmt: skip
        part = pixels[top::down, left::across]
        flat = part.reshape(part.shape[0], -1)
        rows += np.pad(flat, ((0, 0), (1, 0))).tobytes()
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 1)
    body = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(rows, 1)) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def rotated(kind: str) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return saved(picture(), kind, exif=exif)


def exact(data: bytes) -> Pixels:
    """Decode a file with Pillow."""
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))[..., ::-1]


def can_decode(data: bytes, name: Format) -> bool:
    return direct_decode.can_decode(open_file(data, name), name, data)


SUITABLE: dict[str, tuple[Format, Callable[[], bytes]]] = {
    "JPEG": (Format.JPEG, lambda: saved(picture(), "JPEG", quality=90)),
    "progressive": (Format.JPEG, lambda: saved(picture(), "JPEG", quality=90, progressive=True)),
    "PNG": (Format.PNG, lambda: saved(picture(), "PNG", compress_level=1)),
    "interlaced": (Format.PNG, interlaced_png),
    "WebP": (Format.WEBP, lambda: saved(picture(), "WEBP", quality=80, method=0)),
}


@cache
def file(kind: str) -> bytes:
    return SUITABLE[kind][1]()


@pytest.mark.parametrize("kind", SUITABLE)
def test_large_pictures_look_as_with_pillow(kind: str) -> None:
    name, data = SUITABLE[kind][0], file(kind)
    assert can_decode(data, name)

    (page,) = decode_pages(data, LIMITS)

    assert page.flags.owndata
    assert page.flags.c_contiguous
    assert cv2.absdiff(page, np.ascontiguousarray(exact(data))).max() <= (3 if name is Format.JPEG else 0)


def test_decoding_works_without_memory_files(monkeypatch: pytest.MonkeyPatch) -> None:
    data = file("PNG")
    monkeypatch.delattr(os, "memfd_create", raising=False)
    assert np.array_equal(next(decode_pages(data, LIMITS)), exact(data))


def test_files_that_opencv_cannot_decode_go_to_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    data = file("PNG")
    monkeypatch.setattr(cv2, "imread", lambda *_: None)
    assert direct_decode.decode(data, WIDTH, HEIGHT) is None
    assert np.array_equal(next(decode_pages(data, LIMITS)), exact(data))


def test_a_size_other_than_in_the_header_is_rejected() -> None:
    assert direct_decode.decode(file("PNG"), WIDTH, HEIGHT - 1) is None
    assert direct_decode.decode(b"\xff\xd8\xff", 1, 1) is None


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_large_pictures_are_turned_upright(kind: str) -> None:
    (page,) = decode_pages(rotated(kind), LIMITS)
    assert page.shape == (WIDTH, HEIGHT, 3)


def test_a_png_with_late_orientation_is_turned() -> None:
    data = rotated("PNG")
    start = data.index(b"eXIf") - 4
    size = 12 + int.from_bytes(data[start : start + 4], "big")
    end = data.rindex(b"IEND") - 4
    late = data[:start] + data[start + size : end] + data[start : start + size] + data[end:]

    (page,) = decode_pages(late, LIMITS)

    assert page.shape == (WIDTH, HEIGHT, 3)
    assert not can_decode(late, Format.PNG)


def test_text_chunks_in_a_png_are_harmless() -> None:
    words = PngInfo()
    words.add_text("Title", "a page")
    assert can_decode(saved(picture(), "PNG", pnginfo=words, compress_level=1), Format.PNG)


UNSUITABLE: dict[str, tuple[Format, Callable[[], bytes]]] = {
    "small": (Format.JPEG, lambda: saved(picture().crop((0, 0, 1999, 1900)), "JPEG")),
    "grey": (Format.JPEG, lambda: saved(picture().convert("L"), "JPEG")),
    "CMYK": (Format.JPEG, lambda: saved(picture().convert("CMYK"), "JPEG")),
    "RGBA": (Format.PNG, lambda: saved(transparent(), "PNG", compress_level=1)),
    "colour key": (Format.PNG, lambda: saved(picture(), "PNG", transparency=(1, 2, 3), compress_level=1)),
    "palette": (Format.PNG, lambda: saved(picture().convert("P"), "PNG", compress_level=1)),
    "animated": (
        Format.WEBP,
        lambda: saved(
            picture(), "WEBP", save_all=True, append_images=[picture().rotate(180)], method=0, quality=50
        ),
    ),
    "BMP": (Format.BMP, lambda: saved(picture(), "BMP")),
}


@pytest.mark.parametrize("kind", UNSUITABLE)
def test_everything_else_is_left_to_pillow(kind: str) -> None:
    name, make = UNSUITABLE[kind]
    assert not can_decode(make(), name)


@pytest.mark.parametrize("kind", ["PNG", "WebP", "interlaced"])
def test_damage_is_found_as_pillow_finds_it(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = file(kind)
    chance = random.Random(2)
    refused = 0
    for _ in range(6):
        damaged = bytearray(data)
        if chance.random() < 0.5:
            del damaged[chance.randrange(100, len(damaged)) :]
        else:
            place = chance.randrange(100, len(damaged) - 40)
            damaged[place : place + 40] = bytes(40)
        found = direct_decode.decode(bytes(damaged), WIDTH, HEIGHT)
        try:
            expected = exact(bytes(damaged))
        except (OSError, SyntaxError, ValueError):
            assert found is None
            with pytest.raises(OcrError):
                list(decode_pages(bytes(damaged), LIMITS))
            refused += 1
        else:
            assert found is None or np.array_equal(found, expected)
    assert refused


def test_large_jpegs_that_end_early_are_judged_alike() -> None:
    data = file("JPEG")
    (page,) = decode_pages(data[: int(0.995 * len(data))], LIMITS)
    assert page.shape == (HEIGHT, WIDTH, 3)
    with pytest.raises(ImageDecodeError, match="cut short"):
        list(decode_pages(data[: len(data) // 2], LIMITS))


# ---- what it takes

_PEAK = """
import re, sys
from pathlib import Path
from crnn_ocr.imaging.decode import Limits, decode_pages

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024

limits = Limits(max_bytes=1 << 30, max_pixels=1 << 30, max_side=40_000, max_pages=9)
list(decode_pages(Path(sys.argv[2]).read_bytes(), limits))  # a small one, for what is loaded on first use
data = Path(sys.argv[1]).read_bytes()
before = peak()
pages = decode_pages(data, limits)
(extent,) = pages.extents
page = next(pages)
print(extent.memory, peak() - before)
"""

TAKEN: dict[str, tuple[str, str, dict[str, Any]]] = {
    "JPEG": ("JPEG", "RGB", {}),
    "progressive JPEG": ("JPEG", "RGB", {"progressive": True}),
    "finer progressive JPEG": ("JPEG", "RGB", {"progressive": True, "subsampling": 0}),
    "CMYK JPEG": ("JPEG", "CMYK", {}),
    "grey JPEG": ("JPEG", "L", {}),
    "PNG": ("PNG", "RGB", {"compress_level": 1}),
    "grey PNG": ("PNG", "L", {"compress_level": 1}),
    "palette PNG": ("PNG", "P", {"compress_level": 1}),
    "transparent PNG": ("PNG", "RGBA", {"compress_level": 1}),
    "deep PNG": ("PNG", "I;16", {"compress_level": 1}),
    "WebP": ("WEBP", "RGB", {"quality": 50, "method": 0}),
}


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc: nobody tells the peak")
@pytest.mark.parametrize("kind", TAKEN)
def test_memory_for_decoding_is_known_before(kind: str, tmp_path: Path) -> None:
    file_format, mode, options = TAKEN[kind]
    whole = picture().resize((5200, 3900))
    if mode == "I;16":
        image = Image.fromarray(np.asarray(whole.convert("L"), np.uint16) * 200)
    else:
        image = whole.convert(mode)
    if mode == "RGBA":
        image.putalpha(whole.convert("L"))
    for name, one in (("large", image), ("small", image.crop((0, 0, 64, 64)))):
        one.save(tmp_path / name, file_format, **options)
    command = [sys.executable, "-c", _PEAK, str(tmp_path / "large"), str(tmp_path / "small")]

    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)

    told, taken = map(int, done.stdout.split())
    compressed = (tmp_path / "large").stat().st_size
    assert 0.8 * taken - 2 * compressed <= told <= 1.35 * taken + 4e6


def test_coefficients_per_pixel_of_jpeg_variants() -> None:
    small = picture().crop((0, 0, 64, 64))
    for subsampling, each in ((0, 3.0), (1, 2.0), (2, 1.5)):
        plain = saved(small, "JPEG", subsampling=subsampling)
        assert jpeg.coefficients_per_pixel(plain) == 0
        kept = saved(small, "JPEG", subsampling=subsampling, progressive=True)
        assert jpeg.coefficients_per_pixel(kept) == each
    one = bytearray(saved(small, "JPEG", subsampling=0))
    scan = one.index(b"\xff\xda")
    one[scan + 4] = 1  # as if the first scan held the first component alone
    assert jpeg.coefficients_per_pixel(bytes(one)) == 3.0
    assert jpeg.coefficients_per_pixel(saved(small.convert("L"), "JPEG")) == 0
    for length in range(scan + 12):
        assert jpeg.coefficients_per_pixel(bytes(one[:length])) in (0, 3.0)


def test_too_much_memory_is_refused_before_decoding() -> None:
    data = saved(Image.new("RGB", (2800, HEIGHT), "white"), "WEBP", lossless=True, method=0, quality=0)
    limits = Limits(max_bytes=1 << 30, max_pixels=2800 * HEIGHT, max_side=10_000, max_pages=9)
    generous = replace(limits, max_pixels=4 * AREA)
    (extent,) = decode_pages(data, generous).extents
    assert extent.memory > 64 * 1024 * 1024 > 6 * AREA

    with pytest.raises(ImageTooLargeError, match="WebP picture would take 67") as caught:
        decode_pages(data, limits)
    assert "JPEG" in (caught.value.hint or "")

    for kind in SUITABLE:
        assert len(list(decode_pages(file(kind), limits))) == 1, kind


@pytest.mark.parametrize(
    ("mode", "tags", "per_pixel"),
    [
        ("L", {}, 2),
        ("RGB", {}, 7),  # four here, and three in the parent
        ("RGB", {274: 6}, 8),  # turned, which takes twice four for a moment
        ("RGBA", {}, 8),
        ("I;16", {}, 8),
    ],
)
def test_both_processes_count_together_where_one_of_them_decodes(
    mode: str, tags: dict[int, int], per_pixel: int
) -> None:
    size = (2800, 4000)  # 67 MB, which are always given, are enough for 6 bytes per pixel only
    image = Image.new(mode, size)
    if mode == "RGBA":
        image.putpixel((0, 0), (0, 0, 0, 0))
    data = saved(image, "TIFF", compression="tiff_lzw", tiffinfo=tags)
    limits = Limits(max_bytes=1 << 30, max_pixels=2800 * 4000, max_side=10_000, max_pages=9)
    (extent,) = decode_pages(data, replace(limits, max_pixels=10**8)).extents
    assert round(extent.memory / (2800 * 4000)) == per_pixel
    if per_pixel > 6:
        with pytest.raises(ImageTooLargeError, match="TIFF picture would take"):
            list(decode_pages(data, limits))
    else:
        assert len(list(decode_pages(data, limits))) == 1
