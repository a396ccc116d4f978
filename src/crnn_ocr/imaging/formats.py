"""Tell a file's format by its first bytes, because names and declared types are often wrong."""

from __future__ import annotations

import re
from enum import Enum

from crnn_ocr.errors import UnsupportedImageError


class Format(Enum):
    """The supported formats; anything else is refused before a decoder sees it."""

    JPEG = "JPEG"
    PNG = "PNG"
    WEBP = "WebP"
    GIF = "GIF"
    BMP = "BMP"
    TIFF = "TIFF"
    PNM = "PNM"
    PDF = "PDF"
    ZIP = "ZIP"


#: The supported formats, for messages.
ACCEPTED = "JPEG, PNG, WebP, GIF, BMP, TIFF, PNM, PDF and ZIP"

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
    (b"PK\x03\x04", Format.ZIP),
)
# The whole header of a binary PNM (netpbm, ppm(5)). It must be short: Pillow reads comments byte by byte.
_PNM = re.compile(rb"P(?:4(?:(?:\s|#[^\n]*\n)+\d+){2}|[56](?:(?:\s|#[^\n]*\n)+\d+){3})\s")
_PNM_HEADER = 1024
_HEIC = rb".{4}ftyp(.{4}){0,60}?(heic|heix|heim|heis|hevc|hevx|mif1|msf1)"
_AS_PNG = "Save it as JPEG or PNG."

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
    (re.compile(rb"PK\x05\x06"), "an empty ZIP archive", "Pack pictures or PDFs."),
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


# Pictures in formats that are not read: few send them, and many of their decoders take much more than their
# headers tell.
_PICTURES: tuple[tuple[re.Pattern[bytes], str, str], ...] = (
    (re.compile(rb".{4}ftyp(.{4}){0,60}?avi[fs]", re.S), "an AVIF picture", _AS_PNG),
    (
        re.compile(_HEIC, re.S),
        "a HEIC picture",
        "Save it as JPEG; on an iPhone: Settings, Camera, Formats, Most Compatible.",
    ),
    (
        re.compile(rb"\x00\x00\x00\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51"),
        "a JPEG 2000 picture",
        _AS_PNG,
    ),
    (re.compile(rb"\x00\x00\x00\x0cJXL \r\n\x87\n|\xff\x0a"), "a JPEG XL picture", _AS_PNG),
    (re.compile(rb"8BPS\x00"), "a Photoshop document", _AS_PNG),
    (re.compile(rb"P[123]\s"), "a PNM picture of numbers as text", _AS_PNG),
    (re.compile(rb"qoif"), "a QOI picture", _AS_PNG),
    (re.compile(rb"icns|\x00\x00[\x01\x02]\x00[^\x00]\x00"), "an icon", _AS_PNG),
)


def sniff(data: bytes) -> Format:
    """Tell the format of a file.

    Args:
        data: The whole file, not empty.

    Raises:
        UnsupportedImageError: The file has none of the formats; the message says what it seems to be instead.
    """
    for signature, name in _SIGNATURES:
        if data.startswith(signature):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return Format.WEBP
    if _PNM.match(data[:_PNM_HEADER]):
        return Format.PNM
    if b"%PDF-" in data[:1024]:  # readers allow junk before the header (ISO 32000-1, Annex H, note 13)
        return Format.PDF
    raise _stranger(data)


def _stranger(data: bytes) -> UnsupportedImageError:
    head = data[:2048]
    for pattern, name, other in _PICTURES:
        if pattern.match(head):
            return UnsupportedImageError(f"The file is {name}; {ACCEPTED} are read.", hint=other)
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
    return UnsupportedImageError(
        f"The bytes are not those of any supported picture format: {ACCEPTED} are read."
    )
