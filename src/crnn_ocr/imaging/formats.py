"""Tell a file's format by its first bytes, because names and declared types are often wrong."""

from __future__ import annotations

import re
import struct
from enum import Enum

from crnn_ocr.errors import UnsupportedImageError


class Format(Enum):
    """The supported formats; anything else is refused before a decoder sees it."""

    JPEG = "JPEG"
    PNG = "PNG"
    GIF = "GIF"
    BMP = "BMP"
    TIFF = "TIFF"
    WEBP = "WebP"
    AVIF = "AVIF"
    JPEG2000 = "JPEG 2000"
    PNM = "PNM"
    QOI = "QOI"
    PSD = "PSD"
    ICO = "ICO"
    CUR = "CUR"
    ICNS = "ICNS"
    TGA = "TGA"
    PDF = "PDF"


_SIGNATURES: tuple[tuple[bytes, Format], ...] = (
    (b"\xff\xd8\xff", Format.JPEG),
    (b"\x89PNG\r\n\x1a\n", Format.PNG),
    (b"GIF87a", Format.GIF),
    (b"GIF89a", Format.GIF),
    (b"BM", Format.BMP),
    (b"II*\x00", Format.TIFF),
    (b"MM\x00*", Format.TIFF),
    (b"II+\x00", Format.TIFF),
    (b"MM\x00+", Format.TIFF),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", Format.JPEG2000),
    (b"\xff\x4f\xff\x51", Format.JPEG2000),
    (b"qoif", Format.QOI),
    (b"8BPS\x00\x01", Format.PSD),
    (b"\x00\x00\x01\x00", Format.ICO),
    (b"\x00\x00\x02\x00", Format.CUR),
    (b"icns", Format.ICNS),
)
_PNM = re.compile(rb"P[1-7fF][ \t\r\n#]")
_TGA_FOOTER = b"TRUEVISION-XFILE.\x00"
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")

# Files that users send by mistake, with a name and a hint for each.
_STRANGERS: tuple[tuple[re.Pattern[bytes], str, str | None], ...] = (
    (
        re.compile(rb"\s*(<!doctype html|<html|<head|<body|<script)", re.I),
        "an HTML page",
        "A download often saves the error page of a web site under the picture's name: open it in a browser.",
    ),
    (
        re.compile(rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?(<!DOCTYPE svg[^>]*>\s*)?<svg", re.I | re.S),
        "an SVG drawing",
        "Export the drawing as PNG.",
    ),
    (
        re.compile(rb"PK(\x03\x04|\x05\x06)"),
        "a ZIP archive or an Office document",
        "Unpack it, or export the document as PDF or pictures.",
    ),
    (
        re.compile(rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
        "an old Office document",
        "Export the document as PDF or pictures.",
    ),
    (re.compile(rb"Rar!|7z\xbc\xaf|\x1f\x8b|BZh|\xfd7zXZ"), "a compressed archive", "Unpack it first."),
    (re.compile(rb"%!PS|\xc5\xd0\xd3\xc6"), "a PostScript file", "Convert it to PDF."),
    (re.compile(rb"AT&TFORM"), "a DjVu document", "Convert it to PDF or TIFF."),
    (re.compile(rb"\x93NUMPY"), "a NumPy file", "Load it with numpy.load and pass the array to the library."),
    (
        re.compile(rb"RIFF....(AVI |WAVE)|....ftyp(isom|mp4|qt  |M4V)|\x1aE\xdf\xa3|ID3|OggS", re.S),
        "a film or a sound",
        "Take a picture of the scene that you want to read.",
    ),
    (re.compile(rb"\s*[{\[]\s*[\"{\[]"), "JSON text", None),
    (re.compile(rb"data:image/"), "the text of a data URL", "Decode its base64 part, or send it as JSON."),
)


def sniff(data: bytes) -> Format:
    """Tell the format of a file.

    Args:
        data: The whole file, not empty.

    Raises:
        UnsupportedImageError: The file has none of the formats; the message says what it seems to be instead.
    """
    for signature, name in _SIGNATURES:
        if data.startswith(signature) and not (name is Format.CUR and data[4:6] == b"\x00\x00"):
            return name  # a "cursor file" without cursors is a Targa file
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return Format.WEBP
    if data[4:8] == b"ftyp":
        brands = data[8 : min(len(data), max(16, int.from_bytes(data[:4], "big")), 256)]
        if b"avif" in brands or b"avis" in brands:
            return Format.AVIF
        if any(brand in brands for brand in _HEIF_BRANDS):
            raise UnsupportedImageError(
                "The file is a HEIC picture, which is not supported.",
                hint="Save it as JPEG; on an iPhone: Settings, Camera, Formats, Most Compatible.",
            )
    if _PNM.match(data):
        return Format.PNM
    if b"%PDF-" in data[:1024]:  # readers allow junk before the header (ISO 32000-1, Annex H, note 13)
        return Format.PDF
    if data.endswith(_TGA_FOOTER) or _looks_like_tga(data):
        return Format.TGA
    raise _stranger(data)


def _looks_like_tga(data: bytes) -> bool:
    """Return whether the header fits a Targa file without footer, which has no signature.

    All fields are checked, so that only about one random file in 10^9 passes.
    """
    if len(data) < 18:
        return False
    map_type, image_type = data[1], data[2]
    map_start, map_length, map_depth = struct.unpack_from("<HHB", data, 3)
    width, height, depth, flags = struct.unpack_from("<HHBB", data, 12)
    if width == 0 or height == 0 or flags & 0xC0 or flags & 0x0F not in (0, 1, 8):
        return False
    if image_type in (1, 9):
        mapped = map_type == 1 and depth == 8 and map_depth in (16, 24, 32)
        return mapped and 0 < map_length <= 256 and map_start < 256
    if map_type or map_start or map_length or map_depth:
        return False
    if image_type in (2, 10):
        return depth in (16, 24, 32)
    return image_type in (3, 11) and depth in (8, 16)


def _stranger(data: bytes) -> UnsupportedImageError:
    head = data[:2048]
    for pattern, name, hint in _STRANGERS:
        if pattern.match(head):
            return UnsupportedImageError(f"The file is not a picture but {name}.", hint=hint)
    if not any(data[:4096]):
        return UnsupportedImageError("The file holds nothing but zero bytes: its transfer failed.")
    try:
        text = head[:512].decode("utf-8", errors="strict" if len(head) < 512 else "ignore")
    except UnicodeDecodeError:
        text = ""
    if text and len(text) > len(head[:512]) // 4 and all(c.isprintable() or c.isspace() for c in text):
        return UnsupportedImageError("The file is not a picture but plain text.")
    return UnsupportedImageError("The bytes are not those of any supported picture format.")


def webp_size(data: bytes) -> tuple[int, int] | None:
    """Read the canvas size from a WebP header (RFC 9649, section 2).

    libwebp's animation decoder allocates the canvas as soon as it is opened, so the size must be known
    before.

    Returns:
        Width and height in pixels, or None if the header is malformed.
    """
    kind = data[12:16]
    if kind == b"VP8X" and len(data) >= 30:
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8L" and len(data) >= 25 and data[20] == 0x2F:
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 " and len(data) >= 30 and data[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None


def embedded_icon(data: bytes, name: Format) -> bytes | None:
    """Find the largest complete PNG or JPEG 2000 file inside an icon.

    Args:
        data: The icon file.
        name: `Format.ICO`, `Format.CUR` or `Format.ICNS`.

    Returns:
        The embedded file, or None if the icon's largest picture is stored in the icon format itself.
    """
    parts = _icns_parts(data) if name is Format.ICNS else _ico_parts(data)
    if not parts:
        return None
    best = max(parts, key=lambda part: part[0])[1]
    inner = (b"\x89PNG\r\n\x1a\n", b"\x00\x00\x00\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51")
    return best if best.startswith(inner) else None


def icon_bitmap_sizes(data: bytes, name: Format) -> list[tuple[int, int]]:
    """Return the sizes of the bitmaps in an ICO or CUR file; they may differ from those in its directory."""
    sizes: list[tuple[int, int]] = []
    for _, part in [] if name is Format.ICNS else _ico_parts(data):
        if len(part) >= 12 and part[:4] == b"\x28\x00\x00\x00":
            width, height = struct.unpack_from("<ii", part, 4)
            sizes.append((abs(width), abs(height) // 2))  # the transparency mask doubles the height
    return sizes


def _ico_parts(data: bytes) -> list[tuple[int, bytes]]:
    parts: list[tuple[int, bytes]] = []
    (count,) = struct.unpack_from("<H", data, 4) if len(data) >= 6 else (0,)
    for index in range(min(count, 256)):
        if len(data) < 22 + 16 * index:
            break
        width, height, _, _, _, bits, size, offset = struct.unpack_from("<BBBBHHII", data, 6 + 16 * index)
        area = (width or 256) * (height or 256)
        parts.append((area * 64 + min(bits, 63), data[offset : offset + size]))
    return parts


def _icns_parts(data: bytes) -> list[tuple[int, bytes]]:
    parts: list[tuple[int, bytes]] = []
    position = 8
    while position + 8 <= len(data) and len(parts) < 256:
        size = int.from_bytes(data[position + 4 : position + 8], "big")
        if size < 8:
            break
        payload = data[position + 8 : position + size]
        parts.append((len(payload), payload))
        position += size
    return parts
