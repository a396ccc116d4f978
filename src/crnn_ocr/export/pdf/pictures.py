"""Make a page of a PDF from a picture: a JPEG as it is, others without loss where they had none."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import pikepdf
from pikepdf import Array, Dictionary, Name, Stream

from crnn_ocr.export.pdf.placement import Placement, turned
from crnn_ocr.imaging.formats import Format
from crnn_ocr.imaging.raster.files import open_file, orientation_of
from crnn_ocr.pixels import Pixels

#: A resolution is believed if it is in this range. 72 is what cameras and editors write for "unknown".
_LEAST_DPI, _MOST_DPI = 73, 2400
#: Without one a picture is as large as on a screen, but not larger than a sheet of A4.
_SCREEN_DPI, _A4_INCHES = 96, 11.69
_POINTS_PER_INCH = 72
#: Least and greatest side of a page in points (ISO 32000-1, annex C).
_LEAST_SIDE, _MOST_SIDE = 3, 14_400
#: Quality of pictures that had been compressed with loss before, but not as JPEG.
_QUALITY = 90
#: About so many pixels tell whether a picture has a plain ground.
_SAMPLE = 65_536

_COLOUR_SPACES = {"L": ("/DeviceGray", 1), "RGB": ("/DeviceRGB", 3), "CMYK": ("/DeviceCMYK", 4)}
#: How stored pixels become upright, by Exif orientation: sides swapped, then mirrored across and down.
_TURNS = {
    1: (False, False, False),
    2: (False, True, False),
    3: (False, True, True),
    4: (False, False, True),
    5: (True, False, False),
    6: (True, True, False),
    7: (True, True, True),
    8: (True, False, True),
}


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it goes into a PDF.

    Attributes:
        width: Width of the upright picture in pixels.
        height: Height of the upright picture in pixels.
        stream: Its compressed bytes.
        entries: Entries of its dictionary beside those that every picture has.
        orientation: How the stored pixels become upright, as in Exif.
        dpi: Its own resolution across and down, upright; None if unknown.
    """

    width: int
    height: int
    stream: bytes
    entries: dict[str, Any]
    orientation: int = 1
    dpi: tuple[float, float] | None = None

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of its page in points."""
        inches = max(self.width, self.height) / _A4_INCHES
        across, down = self.dpi or (max(_SCREEN_DPI, inches),) * 2
        sides = (self.width / across * _POINTS_PER_INCH, self.height / down * _POINTS_PER_INCH)
        scale = min(1, _MOST_SIDE / max(sides))
        width, height = (round(max(side * scale, _LEAST_SIDE), 3) for side in sides)
        return width, height


def unchanged_jpeg(data: bytes) -> Picture | None:
    """Return a JPEG as it is, with the colours and the orientation that it says; None if PDF lacks its kind.

    Args:
        data: The whole file.
    """
    try:
        image = open_file(data, Format.JPEG)
    except (
        Exception
    ):  # decoders raise anything for damaged headers; its pixels may have been read all the same
        return None
    if image.mode not in _COLOUR_SPACES:
        return None
    space, components = _COLOUR_SPACES[image.mode]
    entries: dict[str, Any] = {"/Filter": Name.DCTDecode, "/ColorSpace": Name(space)}
    profile = image.info.get("icc_profile")
    if isinstance(profile, bytes) and profile[16:20] == {1: b"GRAY", 3: b"RGB ", 4: b"CMYK"}[components]:
        entries["/ColorSpace"] = (profile, components, space)
    if components == 4 and "adobe" in image.info:  # Adobe's programs store CMYK inverted
        entries["/Decode"] = Array([1, 0] * 4)
    orientation = orientation_of(image)
    dpi = _resolution(image.info)
    width, height = image.size
    if _TURNS[orientation][0]:
        width, height = height, width
        dpi = dpi and dpi[::-1]
    return Picture(width, height, data, {"/BitsPerComponent": 8, **entries}, orientation, dpi)


def encoded(pixels: Pixels, source: tuple[bytes, Format] | None) -> Picture:
    """Compress a picture: without loss, unless its file had lost something already.

    Args:
        pixels: (H, W) grey or (H, W, 3) BGR.
        source: Its file and the format of it, for the resolution; None if unknown. Of an archive it is only
            known that the picture is in it: what looks like a photo or a scan is taken for one.
    """
    lossy, dpi = _nature(*source) if source else (False, None)
    if source and source[1] is Format.ZIP:
        lossy = not _has_plain_ground(pixels)
    height, width = pixels.shape[:2]
    if pixels.ndim == 3 and all(np.array_equal(pixels[..., 0], pixels[..., i]) for i in (1, 2)):
        pixels = np.ascontiguousarray(pixels[..., 0])
    colours = 1 if pixels.ndim == 2 else 3
    space = Name.DeviceGray if colours == 1 else Name.DeviceRGB
    entries: dict[str, Any] = {"/ColorSpace": space, "/BitsPerComponent": 8, "/Filter": Name.DCTDecode}
    if lossy:
        done, jpeg = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        if done:
            return Picture(width, height, jpeg.tobytes(), entries, dpi=dpi)
    black_or_white = colours == 1 and bool(np.isin(pixels, (0, 255)).all())
    stream, bits = _deflated(pixels, black_or_white)
    entries |= {"/BitsPerComponent": bits, "/Filter": Name.FlateDecode}
    entries["/DecodeParms"] = Dictionary(Predictor=15, Colors=colours, BitsPerComponent=bits, Columns=width)
    return Picture(width, height, stream, entries, dpi=dpi)


def add_page(pdf: pikepdf.Pdf, picture: Picture, turn: int) -> tuple[pikepdf.Object, Placement]:
    """Add a page that shows a picture; return it, and where the picture is on it.

    Args:
        pdf: The document.
        picture: The picture.
        turn: Clockwise turn in degrees that makes it upright. The page has no /Rotate: not all that search in
            a PDF heed it.
    """
    entries = dict(picture.entries)
    if isinstance(entries["/ColorSpace"], tuple):
        profile, components, space = entries["/ColorSpace"]
        colours = pdf.make_stream(profile, {"/N": components, "/Alternate": Name(space)})
        entries["/ColorSpace"] = Array([Name.ICCBased, colours])
    swapped = _TURNS[picture.orientation][0]
    stored = (picture.height, picture.width) if swapped else (picture.width, picture.height)
    image = Stream(pdf, picture.stream)
    image.stream_dict = Dictionary(
        {"/Type": Name.XObject, "/Subtype": Name.Image, "/Width": stored[0], "/Height": stored[1], **entries}
    )
    width, height = picture.size if turn % 180 == 0 else picture.size[::-1]
    matrix = " ".join(f"{value:.3f}" for value in _matrix(picture.orientation, turn, width, height))
    page = Dictionary(
        Type=Name.Page,
        MediaBox=Array([0, 0, width, height]),
        Resources=Dictionary(XObject=Dictionary(Picture=pdf.make_indirect(image))),
        Contents=Stream(pdf, f"q {matrix} cm /Picture Do Q\n".encode()),
    )
    pdf.pages.append(pikepdf.Page(pdf.make_indirect(page)))
    return pdf.pages[-1].obj, Placement((0, 0, width, height), turn)


def _matrix(orientation: int, turn: int, width: float, height: float) -> tuple[float, ...]:
    """Return the matrix that puts the unit square of a stored picture upright on the page."""
    swap, across, down = _TURNS[orientation]

    def place(u: float, v: float) -> tuple[float, float]:
        x, y = (1 - v, u) if swap else (u, 1 - v)
        x, y = turned((1 - x if across else x, 1 - y if down else y), turn)
        return width * x, height * (1 - y)

    e, f = place(0, 0)
    (a, b), (c, d) = place(1, 0), place(0, 1)
    return a - e, b - f, c - e, d - f, e, f


def _has_plain_ground(pixels: Pixels) -> bool:
    """Tell whether half of a picture has exactly one colour, as drawings have; a sensor's pixels vary."""
    step = max(1, math.isqrt(pixels.shape[0] * pixels.shape[1] // _SAMPLE))
    sample = pixels[::step, ::step].reshape(-1, 1 if pixels.ndim == 2 else 3).astype(np.uint32)
    colours = sample @ np.array([1, 256, 65536][: sample.shape[1]], np.uint32)
    return bool(2 * np.unique(colours, return_counts=True)[1].max() >= len(colours))


def _nature(data: bytes, name: Format) -> tuple[bool, tuple[float, float] | None]:
    """Tell whether a file was compressed with loss, and its resolution."""
    lossy = name is Format.JPEG or (name is Format.WEBP and b"VP8L" not in data[12:64])
    try:
        image = open_file(data, name)
        compression = image.info.get("compression")
        dpi = _resolution(image.info)
        if _TURNS[orientation_of(image)][0]:
            dpi = dpi and dpi[::-1]
    except Exception:  # decoders raise anything; the pixels are known, and the rest is a matter of taste
        return lossy, None
    return lossy or compression in ("jpeg", "tiff_jpeg", "webp"), dpi


def _resolution(info: dict[Any, Any]) -> tuple[float, float] | None:
    try:
        across, down = (float(value) for value in info["dpi"])
    except (KeyError, TypeError, ValueError, ArithmeticError):
        return None
    if _LEAST_DPI <= across <= _MOST_DPI and _LEAST_DPI <= down <= _MOST_DPI:
        return across, down
    return None


def _deflated(pixels: Pixels, black_or_white: bool) -> tuple[bytes, int]:
    """Compress as PNG does, whose rows and predictors PDF takes as they are; return bits per sample, too."""
    done, png = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_BILEVEL, int(black_or_white)])
    if not done:
        raise ValueError("the picture cannot be compressed")
    data = png.tobytes()
    parts, place = [], 8
    while place < len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        if data[place + 4 : place + 8] == b"IDAT":
            parts.append(data[place + 8 : place + 8 + length])
        place += 12 + length
    return b"".join(parts), data[24]
