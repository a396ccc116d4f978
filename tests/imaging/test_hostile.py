"""Pictures whose headers ask for far more memory or time than their sizes tell."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from crnn_ocr.errors import (
    DeadlineExceededError,
    ImageDecodeError,
    ImageTooLargeError,
    OcrError,
    RequestCancelledError,
)
from crnn_ocr.imaging.decode import decode_pages
from crnn_ocr.imaging.process import helper
from crnn_ocr.imaging.raster import jpeg
from crnn_ocr.scheduling.ticket import Ticket
from tests.imaging import bombs
from tests.imaging.pictures import LIMITS, png_chunk, saved

#: What a file of some megabytes may take beside itself, in the program and in the process that decodes it.
MOST_MIB = 140

# The peak of the tree (PSS) while the file is opened and decoded, beyond what the program took before.
_PROBE = """
import sys, threading
from pathlib import Path
import psutil
from crnn_ocr.errors import OcrError
from crnn_ocr.imaging.decode import Limits, decode_pages
import PIL.JpegImagePlugin, PIL.PngImagePlugin, PIL.WebPImagePlugin

me, done, peak = psutil.Process(), threading.Event(), 0

def taken():
    total = 0
    for process in [me, *me.children()]:
        try:
            total += process.memory_full_info().pss
        except psutil.Error:
            pass
    return total

def watch():
    global peak
    while not done.wait(0.01):
        peak = max(peak, taken())

data = Path(sys.argv[1]).read_bytes()
before = taken()
threading.Thread(target=watch, daemon=True).start()
code = "READ"
try:
    list(decode_pages(data, Limits(20 << 20, 50_000_000, 40_000, 50)))
except OcrError as error:
    code = error.code
done.set()
print(code, (max(peak, taken()) - before) >> 20)
"""

HARM: dict[str, tuple[str, Callable[[], bytes]]] = {
    "PNG chunks": ("IMAGE_DECODE_FAILED", lambda: bombs.png_of_chunks(png_chunk(b"prVt", b"") * 600_000)),
    "PNG chunks behind": (
        "IMAGE_DECODE_FAILED",
        lambda: bombs.png_of_chunks(b"", png_chunk(b"prVt", b"") * 600_000),
    ),
    "PNG pixels": ("IMAGE_DECODE_FAILED", lambda: bombs.png_of_chunks(png_chunk(b"IDAT", b"") * 600_000)),
    "PNG packed text": ("IMAGE_DECODE_FAILED", lambda: bombs.png_of_packed_text(64)),
    "JPEG segments": ("IMAGE_DECODE_FAILED", lambda: bombs.jpeg_with(b"\xff\xe5\0\2" * 2_000_000)),
    "JPEG junk": ("IMAGE_DECODE_FAILED", lambda: bombs.jpeg_with(b"\xff" * 2_000_000)),
    "JPEG Exif": (
        "IMAGE_DECODE_FAILED",
        lambda: bombs.jpeg_with((b"\xff\xe1\xff\xffExif\0\0" + bytes(65527)) * 300),
    ),
    "WebP chunks": ("IMAGE_DECODE_FAILED", lambda: bombs.webp_of_chunks(1_000_000)),
    "TIFF tile": ("IMAGE_DECODE_FAILED", lambda: bombs.tiff_of_one_tile(4000)),
    "TIFF directories": ("IMAGE_DECODE_FAILED", lambda: bombs.tiff_of_thumbnails(20_000)),
    "TIFF tags": ("IMAGE_DECODE_FAILED", lambda: bombs.tiff_of_tags(2_000, 8_000_000)),
    "GIF comments": ("READ", lambda: bombs.gif_of_comments(50_000)),
    "AVIF": ("IMAGE_TYPE_UNSUPPORTED", lambda: b"\0\0\0\x1cftypavif" + bytes(4000)),
    "JPEG 2000": ("IMAGE_TYPE_UNSUPPORTED", lambda: b"\xff\x4f\xff\x51" + bytes(120)),
    "PNM comments": (
        "IMAGE_TYPE_UNSUPPORTED",
        lambda: b"P6\n" + b"#\n" * 5_000_000 + b"8 8 255\n" + bytes(192),
    ),
}


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="no /proc: nobody tells the peak")
@pytest.mark.parametrize("kind", HARM)
def test_a_harmful_header_takes_little_memory(kind: str, tmp_path: Path) -> None:
    code, make = HARM[kind]
    (tmp_path / "file").write_bytes(make())
    command = [sys.executable, "-c", _PROBE, str(tmp_path / "file")]

    done = subprocess.run(command, capture_output=True, text=True, timeout=250, check=True)

    told, mib = done.stdout.split()
    assert told == code
    assert int(mib) < MOST_MIB


#: Its decoder reads it for half a minute.
LONG = bombs.bmp_of_row_ends(9_000_000)


def test_headers_are_not_read_for_a_client_that_is_gone() -> None:
    ticket = Ticket()
    timer = threading.Timer(0.5, ticket.cancel)
    timer.start()
    with pytest.raises(RequestCancelledError):
        list(decode_pages(LONG, LIMITS, ticket=ticket))
    timer.join()


@pytest.mark.parametrize(
    "make", [lambda: LONG, lambda: bombs.gif_of_comments(9), lambda: bombs.saved("TIFF")]
)
def test_nothing_is_decoded_after_the_deadline(make: Callable[[], bytes]) -> None:
    with pytest.raises(DeadlineExceededError):
        list(decode_pages(make(), LIMITS, ticket=Ticket(deadline=0.0)))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_walks_over_headers_ask_the_ticket(kind: str) -> None:
    ticket = Ticket()
    ticket.cancel()
    with pytest.raises(RequestCancelledError):
        decode_pages(bombs.saved(kind), LIMITS, ticket=ticket)


def test_decoding_that_takes_too_much_time_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helper, "CPU_SECONDS", 1)
    with pytest.raises(ImageTooLargeError, match="The BMP file takes too long to decode"):
        list(decode_pages(bombs.bmp_of_row_ends(27_000_000), replace(LIMITS, max_bytes=2**26)))


@pytest.mark.parametrize(("pixels", "most"), [(1_000, 100), (10_000_000, 50), (50_000_000, 30)])
def test_a_large_jpeg_may_have_fewer_scans(pixels: int, most: int) -> None:
    scan = b"\xff\xda\x00\x02"
    jpeg.check_scans(b"\xff\xd8" + scan * most, pixels)
    with pytest.raises(ImageDecodeError, match=f"more than {most} scans"):
        jpeg.check_scans(b"\xff\xd8" + scan * (most + 1), pixels)


def test_headers_of_usual_length_are_taken() -> None:
    frames = png_chunk(b"tEXt", b"a\0b") * 500 + png_chunk(b"IDAT", b"") * 900
    texts = bombs.png_of_packed_text(15)
    segments = bombs.jpeg_with(b"\xff\xe2\0\6abcd" * 400)
    for data in (bombs.png_of_chunks(frames), texts, segments, bombs.tiff_of_thumbnails(100)):
        assert len(list(decode_pages(data, LIMITS))) == 1


def test_errors_of_the_other_process_are_errors_of_ours() -> None:
    for data in (b"II*\0", b"GIF89a" + bytes(9), b"P6 9 9 255\n"):
        with pytest.raises(OcrError) as caught:
            list(decode_pages(data, LIMITS))
        assert caught.value.code == "IMAGE_DECODE_FAILED"
        assert caught.value.hint


LARGE: dict[str, tuple[str, str, tuple[int, int], dict[str, object]]] = {
    "lossless WebP": ("WEBP", "RGB", (4400, 4000), {"lossless": True, "method": 0, "quality": 0}),
    "turned TIFF": ("TIFF", "RGB", (5000, 5000), {"compression": "tiff_lzw", "tiffinfo": {274: 6}}),
    "deep TIFF": ("TIFF", "I;16", (5000, 4000), {"compression": "tiff_lzw"}),
    "fax": ("TIFF", "1", (9900, 5000), {"compression": "group4"}),
    "GIF": ("GIF", "P", (7000, 7000), {}),
}


@pytest.mark.parametrize("kind", LARGE)
def test_large_pictures_get_the_memory_that_they_need(kind: str) -> None:
    file_format, mode, size, options = LARGE[kind]
    data = saved(Image.new(mode, size), file_format, **options)
    (page,) = decode_pages(data, LIMITS)
    assert page.shape[:2] in (size, size[::-1])
