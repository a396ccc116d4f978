"""Pictures and files that the tests make themselves."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

from crnn_ocr.imaging.decode import Limits

Pixels = NDArray[np.uint8]

LIMITS = Limits(max_bytes=20 << 20, max_pixels=50_000_000, max_side=40_000, max_pages=50)


def quadrants(width: int = 48, height: int = 32) -> Pixels:
    """Return a BGR picture that shows every rotation and flip: red, green / blue, white."""
    pixels = np.empty((height, width, 3), np.uint8)
    pixels[: height // 2, : width // 2] = (0, 0, 255)
    pixels[: height // 2, width // 2 :] = (0, 255, 0)
    pixels[height // 2 :, : width // 2] = (255, 0, 0)
    pixels[height // 2 :, width // 2 :] = (255, 255, 255)
    return pixels


def text_page(
    width: int = 640, height: int = 400, *, ink: int = 20, paper: int = 255, scale: float = 0.8
) -> Pixels:
    """Draw a grey page with lines of Latin text."""
    pixels = np.full((height, width), paper, np.uint8)
    step = round(40 * scale)
    for row, y in enumerate(range(step, height - step // 2, step)):
        text = "The quick brown fox 0123456789 jumps over the lazy dog "[row % 7 :] * 4
        cv2.putText(
            pixels,
            text,
            (step // 2, y),
            cv2.FONT_HERSHEY_SIMPLEX,
            scale,
            ink,
            max(1, round(2 * scale)),
            cv2.LINE_AA,
        )
    return pixels


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Return the bytes of an image file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def pil(pixels: Pixels) -> Image.Image:
    """Convert grey or BGR pixels to a Pillow image."""
    return Image.fromarray(pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB))


def tiff_of(*pages: tuple[Image.Image, dict[int, int]]) -> bytes:
    """Return a TIFF whose pages have their own tags."""
    buffer = io.BytesIO()
    with TiffImagePlugin.AppendingTiffWriter(buffer, new=True) as writer:
        for image, tags in pages:
            image.save(writer, "TIFF", tiffinfo=tags)
            writer.newFrame()
    return buffer.getvalue()


def png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_bomb(width: int, height: int) -> bytes:
    """Return a 1-bit PNG of zeros whose data is valid but incomplete."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    body = zlib.compress(bytes((width // 8 + 1) * min(height, 2000)), 9)
    return (
        b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", body) + png_chunk(b"IEND", b"")
    )


def pdf(*pages: tuple[float, float, str], extra: str = "", trailer: str = "") -> bytes:
    """Return a PDF; each page is given as width and height in points and its content stream."""
    kids = " ".join(f"{4 + 2 * index} 0 R" for index in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for index, (width, height, content) in enumerate(pages):
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width} {height}] /Contents {5 + 2 * index} 0 R "
            f"/Resources << /Font << /F1 3 0 R >> >> {extra} >>"
        )
        objects.append(f"<< /Length {len(content)} >>\nstream\n{content}\nendstream")
    out = bytearray(b"%PDF-1.4\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode()
    table = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    for place in places:
        out += f"{place:010d} 00000 n \n".encode()
    out += (
        f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R {trailer} >>\nstartxref\n{table}\n%%EOF\n".encode()
    )
    return bytes(out)
