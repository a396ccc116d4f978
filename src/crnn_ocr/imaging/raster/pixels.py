"""Convert any pixel layout (palette, alpha, CMYK, Lab, 16 bits …) to the engine's own: uint8, grey or BGR."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from crnn_ocr.errors import UnsupportedImageError
from crnn_ocr.pixels import Pixels

BAND_ROWS = 64
"""Rows per copy; a band of a 1080p picture fits into the second-level cache."""

_ARRAY_HINT = "Pass (height, width) for grey, (height, width, 3) for BGR or (height, width, 4) for BGRA."


@dataclass(frozen=True, slots=True)
class Bands:
    """A picture that arrives in bands of rows, as Pillow images.

    Attributes:
        mode: Pillow's mode.
        width: Width in pixels.
        height: Height in pixels.
        transparent: Whether it has transparency.
        transparency: Pillow's `info["transparency"]`: the colour that counts as transparent, or None.
        spare_alpha: Whether an alpha channel of zeros means nothing.
        bands: The rows of each band, and the band; in order, of at most `BAND_ROWS` rows each.
    """

    mode: str
    width: int
    height: int
    transparent: bool
    transparency: Any
    spare_alpha: bool
    bands: Iterator[tuple[slice, Image.Image]]


def pixels_of(image: Image.Image) -> Pixels:
    """Copy the pixels out of a Pillow image.

    Args:
        image: Any mode; its pixels are loaded if necessary, and nothing else about it changes.

    Returns:
        (H, W) for a grey image, otherwise (H, W, 3) BGR; uint8, C-contiguous. The orientation is not applied.
    """
    image.load()
    return pixels_of_bands(
        Bands(
            image.mode,
            *image.size,
            image.has_transparency_data,
            image.info.get("transparency"),
            image.format in ("BMP", "TGA", "ICO", "CUR"),
            _bands(image),
        )
    )


def pixels_of_bands(picture: Bands) -> Pixels:
    """Join bands to one picture; see `pixels_of`."""
    mode = picture.mode
    if mode.startswith("I") or mode == "F":
        return _deep_pixels(picture)
    if picture.transparent:
        return _composited(picture)
    if mode in ("1", "L", "LA", "La"):
        return _copied(picture, "L")
    return _copied(picture, "RGB")


def pixels_of_array(array: NDArray[Any]) -> Pixels:
    """Convert an array to the engine's layout; an array that already has it is returned unchanged.

    Args:
        array: (H, W) or (H, W, 1) grey, (H, W, 2) grey and alpha, (H, W, 3) BGR or (H, W, 4) BGRA, of bools,
            integers or floats; see `to_uint8` for their ranges.

    Returns:
        (H, W) or (H, W, 3), uint8, C-contiguous; transparency is composited as for files.

    Raises:
        UnsupportedImageError: The shape or the number type is not supported.
    """
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 2, 3, 4)):
        raise UnsupportedImageError(f"An array of shape {array.shape} is not a picture.", hint=_ARRAY_HINT)
    if array.size == 0:
        raise UnsupportedImageError(f"The array of shape {array.shape} holds no pixels.", hint=_ARRAY_HINT)
    if array.ndim == 3 and array.shape[2] in (2, 4):
        values = np.ascontiguousarray(array if array.dtype == np.uint8 else to_uint8(array, full=True))
        colour = values[..., 0] if array.shape[2] == 2 else values[..., :3]
        return composite(np.ascontiguousarray(colour), np.ascontiguousarray(values[..., -1]))
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    return np.ascontiguousarray(to_uint8(array))


def to_uint8(values: NDArray[Any], *, full: bool = False) -> Pixels:
    """Scale numbers of any type to 0 … 255.

    Bools become 0 and 255. Integers wider than 8 bits are shifted so that the smallest depth that holds the
    brightest value becomes 8 bits, because 12-bit scanners, for example, store their values in 16 bits.
    Negative integers count as 0. Floats are scaled from 0 … 1, 0 … 255 or 0 … 65,535, whichever is the
    smallest range that holds them; others are stretched from their least to their greatest value. Infinities
    and NaN count as 0.

    Args:
        values: An array of any shape.
        full: Whether to scale integers from the full range of their type instead.

    Returns:
        An array of the same shape, uint8.

    Raises:
        UnsupportedImageError: The values are not real numbers.
    """
    kind = values.dtype.kind
    if values.dtype == np.uint8:
        return values
    if kind == "b":
        return values.astype(np.uint8) * np.uint8(255)
    if kind in "iu":
        whole = 8 * values.dtype.itemsize - (kind == "i")
        depth = whole if full else int(values.max(initial=0)).bit_length()
        shifted = values if depth <= 8 else np.right_shift(values, depth - 8)
        return np.clip(shifted, 0, 255).astype(np.uint8) if kind == "i" else shifted.astype(np.uint8)
    if kind == "f":
        return _float_to_uint8(values)
    raise UnsupportedImageError(f"An array of {values.dtype} is not a picture.", hint=_ARRAY_HINT)


def _float_to_uint8(values: NDArray[Any]) -> Pixels:
    # In doubles, because the range of a float32 picture may overflow float32 while it is stretched.
    finite = np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(finite.min(initial=0.0)), float(finite.max(initial=0.0))
    if low < 0 or high > 65535:
        low = float(finite.min())
        span = high / 2 - low / 2
        finite = (finite / 2 - low / 2) * (255 / span) if span > 0 else np.zeros_like(finite)
    elif high <= 1:
        finite *= 255
    elif high > 255:
        finite /= 257
    return np.clip(np.rint(finite), 0, 255).astype(np.uint8)


def composite(colour: Pixels, alpha: Pixels) -> Pixels:
    """Composite a picture with transparency on white or black, whichever makes its content visible.

    Only the content that touches transparency matters: black letters on nothing need a white background,
    white letters need a black one, and a picture inside an opaque card is visible on either. So the
    background is chosen by the mean luminance of the opaque pixels that border transparent ones.

    Args:
        colour: (H, W) grey or (H, W, 3) BGR, uint8, not premultiplied; overwritten.
        alpha: (H, W) uint8, 0 for transparent.

    Returns:
        `colour`, composited in place.
    """
    if int(alpha.min()) == 255:
        return colour
    white = _border_luminance(colour, alpha) < 128
    for top in range(0, alpha.shape[0], BAND_ROWS):
        band = colour[top : top + BAND_ROWS]
        weight = alpha[top : top + BAND_ROWS]
        if colour.ndim == 3:
            weight = np.repeat(weight[..., np.newaxis], 3, axis=2)
        if white:
            cv2.bitwise_not(band, dst=band)
        cv2.multiply(band, weight, dst=band, scale=1 / 255)
        if white:
            cv2.bitwise_not(band, dst=band)
    return colour


def _border_luminance(colour: Pixels, alpha: Pixels) -> float:
    """Return the mean luminance of opaque pixels next to transparent ones, or of all visible pixels.

    It is 0, that of a blank white page, if nothing is visible.
    """
    sums, counts = [0.0, 0.0, 0.0], [0, 0, 0]
    height = alpha.shape[0]
    for top in range(0, height, BAND_ROWS):  # in bands, because each mask is a byte for every pixel
        bottom = min(height, top + BAND_ROWS)
        first, last = max(0, top - 1), min(height, bottom + 1)  # with a row of each neighbour
        own = slice(top - first, bottom - first)
        opaque = cv2.threshold(alpha[first:last], 127, 255, cv2.THRESH_BINARY)[1]
        inside = cv2.erode(opaque, np.ones((3, 3), np.uint8), borderValue=255)
        border = cv2.subtract(opaque, inside)
        band = colour[top:bottom]
        grey = band if colour.ndim == 2 else cv2.cvtColor(band, cv2.COLOR_BGR2GRAY)
        for place, mask in enumerate((border[own], opaque[own], alpha[top:bottom])):
            count = cv2.countNonZero(mask)
            counts[place] += count
            sums[place] += cv2.mean(grey, mask=mask)[0] * count
    return next((total / count for total, count in zip(sums, counts, strict=True) if count), 0.0)


def _bands(image: Image.Image) -> Iterator[tuple[slice, Image.Image]]:
    """Yield an image in bands, which avoids a second copy of the whole picture and is about twice as fast."""
    width, height = image.size
    for top in range(0, height, BAND_ROWS):
        bottom = min(height, top + BAND_ROWS)
        yield slice(top, bottom), image.crop((0, top, width, bottom))


def _copied(picture: Bands, mode: str) -> Pixels:
    width, height = picture.width, picture.height
    out = np.empty((height, width) if mode == "L" else (height, width, 3), np.uint8)
    code = cv2.COLOR_Lab2BGR if picture.mode == "LAB" else cv2.COLOR_RGB2BGR
    for rows, part in picture.bands:
        if mode == "L":
            out[rows] = np.asarray(part if part.mode == mode else part.convert(mode))
            continue
        if picture.mode == "LAB":  # Pillow stores a and b as signed bytes, OpenCV expects them shifted by 128
            band: Pixels = np.bitwise_xor(np.asarray(part), np.array([0, 128, 128], np.uint8))
        else:
            band = np.asarray(part if part.mode == mode else part.convert(mode))
        cv2.cvtColor(band, code, dst=out[rows])
    return out


def _composited(picture: Bands) -> Pixels:
    width, height = picture.width, picture.height
    grey = picture.mode in ("1", "L", "LA", "La")
    colour = np.empty((height, width) if grey else (height, width, 3), np.uint8)
    alpha = np.empty((height, width), np.uint8)
    for rows, part in picture.bands:
        if part.mode in ("La", "1"):  # Pillow converts premultiplied grey only to LA, and 1-bit not at all
            part = part.convert("LA") if part.mode == "La" else _grey_with_alpha(part)
        values = np.asarray(part.convert("LA" if grey else "RGBA"))
        alpha[rows] = values[..., -1]
        if grey:
            colour[rows] = values[..., 0]
        else:
            cv2.cvtColor(values, cv2.COLOR_RGBA2BGR, dst=colour[rows])
    if picture.spare_alpha and not alpha.any():
        return colour  # in these formats the fourth byte is often an unused zero, which viewers ignore
    return composite(colour, alpha)


def _grey_with_alpha(part: Image.Image) -> Image.Image:
    transparent = part.info.get("transparency")
    grey = part.convert("L")
    mask = grey.point([0 if value == transparent else 255 for value in range(256)])
    return Image.merge("LA", (grey, mask))


def _deep_pixels(picture: Bands) -> Pixels:
    """Convert grey of 16 or 32 bits; Pillow keeps a PNG's transparent value separately and unscaled."""
    values: NDArray[Any] | None = None
    for rows, part in picture.bands:
        band = np.asarray(part)
        if values is None:
            values = np.empty((picture.height, picture.width), band.dtype)
        values[rows] = band
    assert values is not None
    grey = to_uint8(values)
    if isinstance(picture.transparency, int):
        alpha = np.where(values == picture.transparency, np.uint8(0), np.uint8(255))
        return composite(np.ascontiguousarray(grey), alpha)
    return np.ascontiguousarray(grey)
