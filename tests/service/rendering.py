"""Test pictures, rendered with the font that Pillow carries."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont


def picture(*lines: str, size: int = 32, width: int = 640) -> Image.Image:
    """Black lines on white paper."""
    height = 24 + len(lines) * (size + 24)
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(size)
    for row, line in enumerate(lines):
        draw.text((24, 20 + row * (size + 24)), line, font=font, fill="black")
    return image


def encoded(image: Image.Image, kind: str = "PNG", **parameters: object) -> bytes:
    stream = BytesIO()
    image.save(stream, kind, **parameters)
    return stream.getvalue()


def png(*lines: str, size: int = 32, width: int = 640) -> bytes:
    return encoded(picture(*lines, size=size, width=width))


def tiff(pages: Sequence[Image.Image]) -> bytes:
    return encoded(pages[0], "TIFF", save_all=True, append_images=list(pages[1:]))


def bomb_png(width: int = 30_000, height: int = 30_000) -> bytes:
    """A PNG whose header announces gigapixels and whose body is tiny."""
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(1000)))
        + chunk(b"IEND", b"")
    )
