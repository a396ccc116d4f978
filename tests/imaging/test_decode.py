from __future__ import annotations

import contextlib
import io
import re
import struct
import threading
import zlib
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from crnn_ocr.errors import (
    ImageDecodeError,
    ImageEmptyError,
    ImageTooLargeError,
    InvalidOptionError,
    OcrError,
    UnsupportedImageError,
)
from crnn_ocr.imaging.decode import Limits, decode_pages, from_pil
from crnn_ocr.imaging.page_ranges import PageRanges
from crnn_ocr.imaging.page_source import Wanted
from crnn_ocr.imaging.raster import jpeg
from tests.imaging.pictures import (
    LIMITS,
    Pixels,
    pil,
    png_bomb,
    png_chunk,
    quadrants,
    saved,
    text_page,
    tiff_of,
)


def one(data: bytes | bytearray | memoryview, limits: Limits = LIMITS) -> Pixels:
    (page,) = decode_pages(data, limits)
    assert page.dtype == np.uint8
    assert page.flags.c_contiguous
    assert page.flags.writeable
    return page


LOSSLESS: dict[str, Callable[[], bytes]] = {
    "PNG": lambda: saved(pil(quadrants()), "PNG"),
    "interlaced": lambda: interlaced_png(quadrants()),
    "BMP": lambda: saved(pil(quadrants()), "BMP"),
    "GIF": lambda: saved(pil(quadrants()), "GIF"),
    "TIFF raw": lambda: saved(pil(quadrants()), "TIFF"),
    "TIFF lzw": lambda: saved(pil(quadrants()), "TIFF", compression="tiff_lzw"),
    "TIFF deflate": lambda: saved(pil(quadrants()), "TIFF", compression="tiff_adobe_deflate"),
    "TIFF packbits": lambda: saved(pil(quadrants()), "TIFF", compression="packbits"),
    "TIFF big": lambda: saved(pil(quadrants()), "TIFF", big_tiff=True),
    "WebP": lambda: saved(pil(quadrants()), "WEBP", lossless=True),
    "PPM": lambda: saved(pil(quadrants()), "PPM"),
    "palette": lambda: saved(pil(quadrants()).convert("P", palette=Image.Palette.ADAPTIVE), "PNG"),
}


def interlaced_png(pixels: Pixels) -> bytes:
    """Return an interlaced (Adam7) PNG of one row, made of single pixels."""
    row = pixels[:1, :1, ::-1].tobytes()
    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 1)
    chunks = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(b"\x00" + row))
    return b"\x89PNG\r\n\x1a\n" + chunks + png_chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", list(LOSSLESS))
def test_lossless_files_come_back_as_they_were(kind: str) -> None:
    page = one(LOSSLESS[kind]())
    expected = quadrants(page.shape[1], page.shape[0])
    if kind == "interlaced":
        expected = quadrants()[:1, :1]
    assert np.array_equal(page, expected)


@pytest.mark.parametrize(
    "options",
    [
        {"quality": 95},
        {"quality": 95, "progressive": True},
        {"quality": 95, "subsampling": 0, "restart_marker_rows": 1},
        {"quality": 95, "keep_rgb": True},
    ],
)
def test_jpeg_variants(options: dict[str, object]) -> None:
    page = one(saved(pil(quadrants(96, 64)), "JPEG", **options))
    assert np.abs(page[16::32, 24::48].astype(int) - quadrants(96, 64)[16::32, 24::48]).max() < 12


def test_grey_files_stay_grey() -> None:
    page = text_page(200, 100)
    assert np.array_equal(one(saved(pil(page), "PNG")), page)
    assert one(saved(pil(page), "JPEG")).ndim == 2
    assert np.array_equal(
        one(saved(pil((page > 128).astype(np.uint8) * 255).convert("1"), "PNG")) > 128, page > 128
    )


@pytest.mark.parametrize("compression", [None, "group3", "group4", "tiff_lzw"])
def test_1_bit_tiff(compression: str | None) -> None:
    page = (text_page(200, 100) > 128).astype(np.uint8) * 255
    options = {} if compression is None else {"compression": compression}
    assert np.array_equal(one(saved(pil(page).convert("1"), "TIFF", **options)), page)


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_keeps_dark_on_light(kind: str) -> None:
    pixels = np.full((64, 64, 3), 255, np.uint8)
    pixels[16:48, 16:48] = (0, 0, 200)
    page = one(saved(pil(pixels).convert("CMYK"), kind, **({"quality": 95} if kind == "JPEG" else {})))
    assert np.abs(page[4, 4].astype(int) - 255).max() < 8
    assert np.abs(page[32, 32].astype(int) - (0, 0, 200)).max() < 16


def test_16_bit_png_and_tiff() -> None:
    values = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    for kind in ("PNG", "TIFF"):
        page = one(saved(Image.fromarray(values), kind))
        assert np.abs(page.astype(int) - (values >> 8)).max() == 0
    colour = cv2.imencode(".png", np.dstack([values, values[::-1], values.T]))[1].tobytes()
    page = one(colour)
    assert page.shape == (64, 64, 3)
    assert np.abs(page[..., 0].astype(int) - (values >> 8)).max() <= 1


def test_the_first_picture_of_an_animation_is_read() -> None:
    frames = [Image.new("RGB", (20, 10), colour) for colour in ("red", "green", "blue")]
    for kind in ("GIF", "PNG", "WEBP"):
        options = {"lossless": True} if kind == "WEBP" else {}
        data = saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=50, **options)
        assert one(data)[5, 5].tolist() == [0, 0, 255]


def test_any_bytes_like_input_is_read() -> None:
    page = quadrants()
    assert np.array_equal(one(saved(pil(page), "PNG")), page)
    assert np.array_equal(one(bytearray(saved(pil(page), "BMP"))), page)
    assert np.array_equal(one(memoryview(saved(pil(page), "GIF"))), page)


# ---- TIFF


def tiff_pages(count: int) -> bytes:
    images = [Image.new("L", (30 + index, 20), index) for index in range(count)]
    return saved(images[0], "TIFF", save_all=True, append_images=images[1:])


def test_the_pages_of_a_tiff_come_in_order() -> None:
    pages = list(decode_pages(tiff_pages(5), LIMITS))
    assert [page.shape for page in pages] == [(20, 30 + index) for index in range(5)]
    assert [int(page[0, 0]) for page in pages] == list(range(5))


def test_thumbnails_in_a_tiff_are_no_pages() -> None:
    big, small = Image.new("L", (40, 40), 1), Image.new("L", (10, 10), 2)
    assert one(tiff_of((big, {}), (small, {254: 1}))).shape == (40, 40)
    assert one(saved(small, "TIFF", tiffinfo={254: 1})).shape == (10, 10)  # unless there is nothing else


def test_pages_are_decoded_one_at_a_time() -> None:
    data = bytearray(tiff_pages(3))
    reader = Image.open(io.BytesIO(data))
    reader.seek(2)
    place = reader.tag_v2[273][0]  # type: ignore[attr-defined]
    broken = bytes(data[:place])  # the last page's pixels are missing
    if len(broken) < place or reader.tag_v2.next:  # type: ignore[attr-defined]
        pytest.skip("Pillow has changed the order in which it writes pages")
    with pytest.raises(OcrError):
        list(decode_pages(broken, LIMITS))


def test_too_many_pages_are_refused_before_any_is_decoded() -> None:
    limits = Limits(LIMITS.max_bytes, LIMITS.max_pixels, LIMITS.max_side, max_pages=3)
    assert len(list(decode_pages(tiff_pages(3), limits))) == 3
    with pytest.raises(ImageTooLargeError, match="3 pages"):
        decode_pages(tiff_pages(4), limits)


def test_a_tiff_page_that_is_too_large_costs_none_of_the_others() -> None:
    images = [Image.new("1", size) for size in ((30, 20), (3000, 3000), (40, 20))]
    data = saved(images[0], "TIFF", save_all=True, append_images=images[1:])
    pages = decode_pages(data, Limits(2 << 20, 1_000_000, 40_000, 9))
    assert pages.numbers == (1, 2, 3)
    assert [extent.width for extent in pages.extents] == [30, 0, 40]
    with pytest.raises(ImageTooLargeError, match="3000 × 3000"):
        pages.draw(1)
    assert pages.draw(2).shape == (20, 40)
    with pytest.raises(ImageTooLargeError, match="3000 × 3000"):
        decode_pages(data, Limits(2 << 20, 1_000_000, 40_000, 9), wanted=Wanted(PageRanges.parse("2")))


def test_chosen_pages_of_a_tiff_count_alone() -> None:
    limits = Limits(LIMITS.max_bytes, LIMITS.max_pixels, LIMITS.max_side, max_pages=3)
    data = tiff_pages(9)
    pages = decode_pages(data, limits, wanted=Wanted(PageRanges.parse("2,8-9")))
    assert pages.numbers == (2, 8, 9)
    assert len(list(pages)) == 3
    with pytest.raises(ImageTooLargeError, match="At most 3 pages"):
        decode_pages(data, limits, wanted=Wanted(PageRanges.parse("2-")))
    with pytest.raises(InvalidOptionError, match="no page 10-: it has 9 pages"):
        decode_pages(data, limits, wanted=Wanted(PageRanges.parse("10-")))


def test_a_tiff_of_five_thousand_pages_is_refused_unless_pages_are_chosen() -> None:
    # Width, height, bits, compression (none), black is 0, the place of the pixels, rows, their bytes.
    tags = [(256, 8), (257, 8), (258, 1), (259, 1), (262, 1), (273, 8), (278, 8), (279, 8)]
    size = 2 + 12 * len(tags) + 4
    data = struct.pack("<2sHL8s", b"II", 42, 16, bytes(range(8)))
    for number in range(5_000):
        following = 16 + (number + 1) * size if number < 4_999 else 0
        entries = b"".join(struct.pack("<2H2L", tag, 4, 1, value) for tag, value in tags)
        data += struct.pack("<H", len(tags)) + entries + struct.pack("<L", following)
    with pytest.raises(ImageTooLargeError, match="At most 50 pages"):
        decode_pages(data, LIMITS)
    pages = decode_pages(data, LIMITS, wanted=Wanted(PageRanges.parse("1,4999-")))
    assert pages.numbers == (1, 4999, 5000)
    assert pages.draw(2).shape == (8, 8)
    pages.close()


# ---- limits


def test_no_bytes() -> None:
    with pytest.raises(ImageEmptyError):
        decode_pages(b"", LIMITS)


def test_too_many_bytes_are_refused_before_sniffing() -> None:
    limits = Limits(max_bytes=100, max_pixels=1, max_side=1, max_pages=1)
    with pytest.raises(ImageTooLargeError, match="MiB"):
        decode_pages(b"x" * 101, limits)


@pytest.mark.parametrize(
    "kind",
    [
        "PNG",
        "JPEG",
        "GIF",
        "BMP",
        "TIFF",
        "WEBP",
        "PPM",
    ],
)
def test_pixels_and_sides_are_checked_in_every_format(kind: str) -> None:
    data = saved(pil(quadrants(200, 100)), kind)
    assert one(data, Limits(1 << 20, 20_000, 200, 1)).shape == (100, 200, 3)
    with pytest.raises(ImageTooLargeError, match="200 × 100"):
        decode_pages(data, Limits(1 << 20, 19_999, 200, 1))
    with pytest.raises(ImageTooLargeError, match="side"):
        decode_pages(data, Limits(1 << 20, 20_000, 199, 1))


@pytest.fixture
def only_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Pillow read headers, but no pixels."""

    def refuse(*_: object) -> None:
        raise AssertionError("it was not refused by its header")

    monkeypatch.setattr(ImageFile.ImageFile, "load", refuse)
    monkeypatch.setattr("PIL._webp.WebPAnimDecoder", refuse)


@pytest.mark.usefixtures("only_headers")
@pytest.mark.parametrize("size", [(30_000, 30_000), (65_000, 65_000), (2**31 - 1, 2**31 - 1), (1_000_000, 1)])
def test_a_png_bomb_is_refused_by_its_header(size: tuple[int, int]) -> None:
    data = png_bomb(*size) if max(size) < 100_000 else png_bomb(16, 16)
    if max(size) >= 100_000:
        header = struct.pack(">IIBBBBB", *size, 1, 0, 0, 0, 0)
        data = data[:8] + png_chunk(b"IHDR", header) + data[33:]
    with pytest.raises(ImageTooLargeError, match=re.escape(f"{size[0]} × {size[1]}")):
        decode_pages(data, LIMITS)


def webp_bomb() -> bytes:
    body = b"VP8X" + struct.pack("<I", 10) + bytes(4) + b"\xfe\x3f\x00" * 2
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def tiff_bomb(**tags: int) -> bytes:
    values = {"width": 30_000, "height": 30_000} | tags
    entries = [(256, 4, values["width"]), (257, 4, values["height"]), (258, 3, 8), (259, 3, 8), (262, 3, 1)]
    if "tile" in values:
        entries += [(322, 4, values["tile"]), (323, 4, values["tile"]), (324, 4, 8), (325, 4, 8)]
    else:
        entries += [(273, 4, 8), (278, 4, values["height"]), (279, 4, 8)]
    body = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", t, k, 1, v) for t, k, v in entries)
    return b"II*\x00\x08\x00\x00\x00" + body + bytes(4)


@pytest.mark.usefixtures("only_headers")
@pytest.mark.parametrize(
    "data",
    [
        b"GIF89a"
        + struct.pack("<HHBBB", 65535, 65535, 0, 0, 0)
        + b","
        + struct.pack("<HHHHB", 0, 0, 9, 9, 0)
        + b"\x08",
        b"BM"
        + struct.pack("<IHHI", 0, 0, 0, 54)
        + struct.pack("<IiiHHIIiiII", 40, 60000, 60000, 1, 24, 0, 0, 0, 0, 0, 0),
        b"P6 30000 30000 255\n",
        webp_bomb(),
        tiff_bomb(),
        tiff_bomb(width=100, height=100, tile=30_000),
    ],
    ids=["gif", "bmp", "ppm", "webp", "tiff", "tiff tile"],
)
def test_bombs_of_other_kinds(data: bytes) -> None:
    with pytest.raises(ImageTooLargeError, match="×"):
        decode_pages(data, LIMITS)


def test_limits_above_pillows_own_are_honoured() -> None:
    before = Image.MAX_IMAGE_PIXELS
    data = saved(Image.new("1", (20_000, 10_000)), "PNG")  # 200 million: Pillow's own limit is 179
    limits = Limits(LIMITS.max_bytes, 10**9, LIMITS.max_side, 1)
    assert next(iter(decode_pages(data, limits))).shape == (10_000, 20_000)
    assert before == Image.MAX_IMAGE_PIXELS


def test_pure_python_decoders_have_their_own_limit() -> None:
    packed = struct.pack("<IiiHHIIiiII", 40, 2500, 2500, 1, 8, 1, 0, 0, 0, 0, 0)
    with pytest.raises(ImageTooLargeError, match="variant"):
        decode_pages(b"BM" + struct.pack("<IHHI", 0, 0, 0, 1078) + packed + bytes(1030), LIMITS)
    with pytest.raises(ImageTooLargeError, match="variant"):
        decode_pages(b"P6 2500 2500 200\n", LIMITS)


def test_a_jpeg_with_a_flood_of_scans_is_refused() -> None:
    data = saved(pil(quadrants(64, 64)), "JPEG", progressive=True)
    scan = data[data.rfind(b"\xff\xda") : -2]
    flood = data[:-2] + scan * 200 + jpeg.END_OF_IMAGE
    with pytest.raises(ImageDecodeError, match="scans"):
        decode_pages(flood, LIMITS)


@pytest.mark.parametrize("progressive", [False, True])
def test_the_size_of_a_jpeg_is_in_its_frame_header(progressive: bool) -> None:
    exif = b"Exif\x00\x00" + b"\xff\xc0\x00\x0b\x08\x00\x01\x00\x01"  # as a thumbnail's header would
    data = saved(pil(quadrants(123, 45)), "JPEG", progressive=progressive, exif=exif)
    assert jpeg.frame_size(data) == (123, 45)
    assert jpeg.frame_size(data[:10]) is None
    assert jpeg.frame_size(b"\xff\xd8" + b"\xff\xda\x00\x02") is None


def test_scan_markers_behind_the_picture_do_not_count() -> None:
    data = saved(pil(quadrants(64, 64)), "JPEG") + b"\xff\xda" * 500
    assert one(data).shape == (64, 64, 3)


# ---- damage


def test_a_jpeg_that_lacks_its_end_is_read() -> None:
    data = saved(pil(text_page()), "JPEG", quality=90)
    whole = one(data)
    assert np.array_equal(one(data[:-2]), whole)
    assert np.array_equal(one(data[:-8])[:-16], whole[:-16])


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("size", [(640, 400), (2600, 1800)])
def test_a_jpeg_of_which_rows_are_missing_is_refused(size: tuple[int, int], share: float) -> None:
    page = cv2.cvtColor(text_page(*size), cv2.COLOR_GRAY2BGR)
    data = saved(pil(np.asarray(page, np.uint8)), "JPEG", quality=90)
    with pytest.raises(ImageDecodeError, match="cut short"):
        list(decode_pages(data[: int(len(data) * share)], LIMITS))


@pytest.mark.parametrize(
    "kind",
    ["PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM"],
)
def test_other_files_that_are_cut_short_are_refused(kind: str) -> None:
    data = saved(pil(np.dstack([text_page(300, 200)] * 3)), kind)
    for share in (0.3, 0.6, 0.9):
        with pytest.raises((ImageDecodeError, UnsupportedImageError)):
            list(decode_pages(data[: int(len(data) * share)], LIMITS))


def test_a_png_with_a_broken_stream_is_refused() -> None:
    data = bytearray(saved(pil(text_page()), "PNG"))
    place = data.index(b"IDAT") + 40
    data[place : place + 60] = bytes(60)
    with pytest.raises(ImageDecodeError):
        list(decode_pages(bytes(data), LIMITS))


def test_messages_hold_no_memory_addresses_and_always_a_hint() -> None:
    for data in (
        b"\x89PNG\r\n\x1a\n" + bytes(50),
        b"GIF89a",
        b"\xff\xd8\xff\xe0",
        b"II*\x00",
        b"BM",
        b"P6 9 9 255\n",
    ):
        with pytest.raises(OcrError) as caught:
            list(decode_pages(data, LIMITS))
        assert "0x" not in caught.value.message
        assert caught.value.hint


def test_a_damaged_pillow_file_gives_our_error() -> None:
    data = saved(pil(text_page()), "PNG")
    opened = Image.open(io.BytesIO(data[: len(data) // 2]))
    with pytest.raises(ImageDecodeError):
        from_pil(opened)


# ---- everything else


def test_threads_do_not_disturb_one_another() -> None:
    files = [LOSSLESS[kind]() for kind in ("PNG", "GIF", "TIFF lzw", "WebP", "BMP")] + [
        png_bomb(30_000, 30_000)
    ]
    problems: list[object] = []

    def work() -> None:
        try:
            for _ in range(20):
                for data in files[:-1]:
                    assert np.array_equal(one(data), quadrants())
                with pytest.raises(ImageTooLargeError):
                    decode_pages(files[-1], LIMITS)
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems


@given(st.binary(max_size=400))
def test_any_bytes_give_pages_or_a_clear_error(data: bytes) -> None:
    exhaust(data)


SEEDS = [make() for make in LOSSLESS.values()] + [
    saved(pil(quadrants()), "JPEG"),
    saved(pil(quadrants()), "JPEG", progressive=True),
    saved(pil(quadrants()).convert("CMYK"), "JPEG"),
    saved(pil(quadrants()), "WEBP"),
    saved(pil(text_page(64, 48)).convert("1"), "TIFF", compression="group4"),
    tiff_pages(3),
    tiff_bomb(width=64, height=64),
]


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.data())
def test_mutated_files_give_pages_or_a_clear_error(data: st.DataObject) -> None:
    seed = bytearray(data.draw(st.sampled_from(SEEDS)))
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, max(0, len(seed) - 1)))
        kind = data.draw(st.sampled_from(["set", "cut", "insert", "delete"]))
        if kind == "set" and seed:
            seed[place] = data.draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]) | st.integers(0, 255))
        elif kind == "cut":
            del seed[place:]
        elif kind == "insert":
            seed[place:place] = data.draw(st.binary(min_size=1, max_size=8))
        else:
            del seed[place : place + data.draw(st.integers(1, 8))]
    exhaust(bytes(seed))


def exhaust(data: bytes) -> None:
    small = Limits(1 << 20, 1_000_000, 5_000, 5)
    pages: list[Pixels] = []
    with contextlib.suppress(OcrError):
        pages = list(decode_pages(data, small))
    for page in pages:
        assert page.dtype == np.uint8
        assert page.ndim == 2 or page.shape[2] == 3
        assert page.size
