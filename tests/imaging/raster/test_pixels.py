from __future__ import annotations

import tracemalloc
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from PIL import Image

from crnn_ocr.errors import ImageTooLargeError, OcrError, UnsupportedImageError
from crnn_ocr.imaging.decode import Limits, decode_pages, from_array, from_pil
from crnn_ocr.imaging.raster.pixels import BAND_ROWS, _border_luminance, composite, to_uint8
from tests.imaging.pictures import LIMITS, Pixels, pil, quadrants, saved, text_page


def letters(ink: int) -> tuple[Pixels, Pixels]:
    """Draw letters of one grey level; return them with their alpha."""
    alpha = np.zeros((60, 200), np.uint8)
    cv2.putText(alpha, "Text 90", (5, 42), cv2.FONT_HERSHEY_SIMPLEX, 1.4, 255, 3, cv2.LINE_AA)
    return np.full_like(alpha, ink), alpha


@pytest.mark.parametrize(("ink", "ground"), [(0, 255), (255, 0), (90, 255), (200, 0)])
@pytest.mark.parametrize("mode", ["LA", "RGBA", "PNG P", "PNG L tRNS", "WEBP", "GIF", "TIFF"])
def test_letters_on_nothing_stay_visible(mode: str, ink: int, ground: int) -> None:
    grey, alpha = letters(ink)
    image = Image.merge("LA", (Image.fromarray(grey), Image.fromarray(alpha)))
    if mode == "LA":
        pixels = from_pil(image)
    elif mode == "RGBA":
        pixels = from_pil(image.convert("RGBA"))
    elif mode == "PNG P":
        indices = Image.fromarray((alpha > 127).astype(np.uint8))
        indices = indices.convert("P")
        indices.putpalette([255 - ground] * 3 + [ink] * 3)
        (pixels,) = decode_pages(saved(indices, "PNG", transparency=bytes([0, 255])), LIMITS)
    elif mode == "PNG L tRNS":
        hidden = 7 if ink != 7 else 8
        flat = Image.fromarray(np.where(alpha > 127, ink, hidden).astype(np.uint8))
        (pixels,) = decode_pages(saved(flat, "PNG", transparency=hidden), LIMITS)
    elif mode == "WEBP":
        (pixels,) = decode_pages(saved(image.convert("RGBA"), "WEBP", lossless=True, exact=True), LIMITS)
    elif mode == "GIF":
        (pixels,) = decode_pages(saved(image.convert("RGBA"), "GIF"), LIMITS)
    else:
        (pixels,) = decode_pages(saved(image.convert("RGBA"), "TIFF"), LIMITS)
    flat_pixels = pixels if pixels.ndim == 2 else pixels[..., 0]
    assert abs(int(flat_pixels[0, 0]) - ground) <= 1
    assert abs(int(np.median(flat_pixels[alpha == 255])) - ink) <= 2


def test_transparent_16_bit_grey_is_composited() -> None:
    values = np.full((10, 10), 60_000, np.uint16)
    values[3:6, 3:6] = 1_000
    data = saved(Image.fromarray(values), "PNG", transparency=60_000)
    (pixels,) = decode_pages(data, LIMITS)
    assert pixels[0, 0] == 255  # dark ink: a white ground
    assert pixels[4, 4] < 10


def test_transparent_1_bit_is_composited() -> None:
    image = Image.new("1", (20, 20), 1)
    image.paste(0, (5, 5, 10, 10))
    image.info["transparency"] = 255
    pixels = from_pil(image)
    assert pixels[0, 0] == 255
    assert pixels[6, 6] == 0


def test_the_ground_is_chosen_by_what_touches_the_transparency() -> None:
    # An opaque, mostly light card, and a dark caption beside it that stands on nothing.
    colour = np.zeros((100, 200, 3), np.uint8)
    alpha = np.zeros((100, 200), np.uint8)
    colour[10:40, 10:60] = 250
    alpha[10:40, 10:60] = 255
    caption = np.zeros_like(alpha)
    for y in (60, 90):
        cv2.putText(caption, "caption text", (5, y), cv2.FONT_HERSHEY_SIMPLEX, 0.9, 255, 2)
    alpha |= caption
    out = composite(colour.copy(), alpha)
    assert (out[99, 199] == 255).all()
    assert (out[20, 30] == 250).all()


def test_half_transparent_pixels_are_mixed() -> None:
    colour = np.zeros((4, 4), np.uint8)
    alpha = np.array([[255, 128, 64, 0]] * 4, np.uint8)
    assert composite(colour, alpha)[0].tolist() == [0, 127, 191, 255]


def test_an_opaque_alpha_changes_nothing() -> None:
    pixels = quadrants()
    image = pil(pixels)
    image.putalpha(255)
    assert np.array_equal(from_pil(image), pixels)


def test_a_picture_of_nothing_is_a_blank_page() -> None:
    assert (from_pil(Image.new("RGBA", (8, 8), (0, 0, 0, 0))) == 255).all()


def test_an_unused_fourth_byte_of_bitmaps_is_ignored() -> None:
    image = pil(quadrants())
    image.putalpha(0)
    (pixels,) = decode_pages(saved(image, "BMP"), LIMITS)
    assert np.array_equal(pixels, quadrants())


@pytest.mark.parametrize(
    "mode", ["1", "L", "P", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV", "LAB", "LA", "PA"]
)
def test_every_mode_of_pillow_shows_the_same_picture(mode: str) -> None:
    pixels = np.full((70, 40, 3), 255, np.uint8)
    pixels[20:60, 10:30] = 0
    image = pil(pixels)
    if mode == "LAB":
        from PIL import ImageCms

        rgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        converted = ImageCms.profileToProfile(image, rgb, lab, outputMode="LAB")
        assert converted is not None
    elif mode == "PA":
        converted = image.convert("P").convert("PA")
    else:
        converted = image.convert(mode)
    assert converted.mode == mode
    out = from_pil(converted)
    assert out.dtype == np.uint8
    assert out.flags.c_contiguous
    assert out.shape[:2] == (70, 40)
    wide = out if out.ndim == 3 else np.repeat(out[..., None], 3, 2)
    assert np.abs(wide.astype(int) - pixels).max() <= 3


@pytest.mark.parametrize("mode", ["I;16", "I;16B", "I", "F"])
def test_deep_grey_modes(mode: str) -> None:
    values = np.linspace(0, 65535, 70 * 3).reshape(70, 3)
    if mode == "I;16":
        image = Image.fromarray(values.astype(np.uint16))
    elif mode == "I;16B":
        image = Image.frombytes("I;16B", (3, 70), values.astype(">u2").tobytes())
    elif mode == "I":
        image = Image.fromarray(values.astype(np.int32))
    else:
        image = Image.fromarray(values.astype(np.float32))
    assert image.mode == mode
    out = from_pil(image)
    assert out.shape == (70, 3)
    assert np.abs(out.astype(float) - values / 257).max() <= 1.1


def test_grey_stays_grey_and_colour_is_bgr() -> None:
    assert from_pil(Image.new("L", (4, 5), 9)).shape == (5, 4)
    assert from_pil(Image.new("RGB", (4, 5), (255, 0, 0)))[0, 0].tolist() == [0, 0, 255]


def test_a_pillow_image_is_left_as_it_was() -> None:
    image = pil(quadrants())
    image.putalpha(100)
    before = image.tobytes()
    from_pil(image)
    assert image.mode == "RGBA"
    assert image.tobytes() == before


# ---- arrays


def test_an_array_in_the_engines_layout_is_not_copied() -> None:
    for array in (quadrants(), text_page()):
        assert from_array(array) is array or np.shares_memory(from_array(array), array)


def test_one_channel_is_grey_and_views_become_contiguous() -> None:
    assert from_array(np.zeros((3, 4, 1), np.uint8)).shape == (3, 4)
    turned = quadrants()[::-1, ::2]
    out = from_array(turned)
    assert out.flags.c_contiguous
    assert np.array_equal(out, turned)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.array([[True, False]]), [255, 0]),
        (np.array([[0, 255]], np.int64), [0, 255]),
        (np.array([[0, 65535]], np.uint16), [0, 255]),
        (np.array([[0, 4095]], np.uint16), [0, 255]),  # 12 bits in 16
        (np.array([[-5, 100]], np.int16), [0, 100]),
        (np.array([[0, 2**31 - 1]], np.int32), [0, 255]),
        (np.array([[0, 2**64 - 1]], np.uint64), [0, 255]),
        (np.array([[0.0, 1.0]]), [0, 255]),
        (np.array([[0.0, 0.5]], np.float16), [0, 128]),
        (np.array([[0.0, 200.0]], np.float32), [0, 200]),
        (np.array([[0.0, 51400.0]]), [0, 200]),
        (np.array([[-1.0, 1.0]]), [0, 255]),
        (np.array([[-3e38, 3e38]], np.float32), [0, 255]),
        (np.array([[np.nan, np.inf, 255.0]]), [0, 0, 255]),
    ],
)
def test_numbers_of_every_type_become_8_bits(array: NDArray[Any], expected: list[int]) -> None:
    assert from_array(array)[0].tolist() == expected


@pytest.mark.parametrize("kind", ["letters", "faint", "nothing"])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_background_is_chosen_by_the_whole_picture_though_it_is_looked_at_in_bands(
    kind: str, channels: int
) -> None:
    rng = np.random.default_rng(7)
    height, width = 3 * BAND_ROWS + 5, 70
    colour = rng.integers(0, 256, (height, width, channels)[: 2 if channels == 1 else 3], np.uint8)
    alpha = np.zeros((height, width), np.uint8)
    if kind == "letters":  # their edges lie on the edges of bands, too
        alpha[BAND_ROWS - 1 : 2 * BAND_ROWS, 3:40] = 255
        alpha[-3:, 50:] = 200
    elif kind == "faint":
        alpha[5:100, 5:9] = 90
    opaque = np.where(alpha > 127, 255, 0).astype(np.uint8)
    border = cv2.subtract(opaque, cv2.erode(opaque, np.ones((3, 3), np.uint8), borderValue=255))
    grey = colour if channels == 1 else cv2.cvtColor(colour, cv2.COLOR_BGR2GRAY)
    mask = next((mask for mask in (border, opaque, alpha) if mask.any()), None)
    expected = 0.0 if mask is None else grey[mask > 0].mean()
    assert _border_luminance(colour, alpha) == pytest.approx(expected)


def test_a_picture_is_composited_without_another_one_of_its_size() -> None:
    colour = np.full((1000, 1000, 3), 40, np.uint8)
    alpha = np.full((1000, 1000), 255, np.uint8)
    alpha[:100, :100] = 0
    tracemalloc.start()
    composite(colour, alpha)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < alpha.nbytes  # the estimate of its memory has no room for a mask


def test_bgra_and_grey_with_alpha_are_composited() -> None:
    grey, alpha = letters(255)
    assert from_array(np.dstack([grey, grey, grey, alpha]))[0, 0].tolist() == [0, 0, 0]
    assert from_array(np.dstack([grey, alpha])).shape == grey.shape
    wide = np.dstack([grey, grey, grey, alpha]).astype(np.uint16) * 257
    assert from_array(wide)[0, 0].tolist() == [0, 0, 0]


def test_compositing_leaves_the_callers_array_alone() -> None:
    grey, alpha = letters(0)
    array = np.dstack([grey, grey, grey, alpha])
    before = array.copy()
    from_array(array)
    assert np.array_equal(array, before)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((), np.uint8),
        np.zeros(5, np.uint8),
        np.zeros((3, 20, 20), np.uint8),
        np.zeros((1, 20, 20, 3), np.uint8),
        np.zeros((0, 20, 3), np.uint8),
        np.zeros((20, 0), np.uint8),
        np.zeros((4, 4), np.complex64),
        np.array([["a", "b"]]),
        np.array([[None, object()]]),
    ],
)
def test_arrays_that_are_no_pictures_are_refused(array: NDArray[Any]) -> None:
    with pytest.raises(UnsupportedImageError):
        from_array(array)


def test_limits_hold_for_arrays_and_pillow_images() -> None:
    limits = Limits(max_bytes=1000, max_pixels=100, max_side=50, max_pages=1)
    with pytest.raises(ImageTooLargeError):
        from_array(np.zeros((11, 10), np.uint8), limits)
    with pytest.raises(ImageTooLargeError):
        from_pil(Image.new("L", (51, 1)), limits)
    assert from_array(np.zeros((10, 10), np.uint8), limits).shape == (10, 10)


@given(
    hnp.arrays(
        dtype=st.one_of(
            hnp.boolean_dtypes(), hnp.integer_dtypes(), hnp.unsigned_integer_dtypes(), hnp.floating_dtypes()
        ),
        shape=hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=5),
    )
)
def test_any_array_is_taken_or_refused_clearly(array: NDArray[Any]) -> None:
    try:
        out = from_array(array)
    except OcrError:
        return
    assert out.dtype == np.uint8
    assert out.flags.c_contiguous
    assert out.shape[:2] == array.shape[:2]
    assert out.ndim == 2 or out.shape[2] == 3


@given(hnp.arrays(hnp.unsigned_integer_dtypes(sizes=(8, 16, 32)), hnp.array_shapes(min_dims=2, max_dims=2)))
def test_scaling_keeps_the_order_of_grey_levels(values: NDArray[Any]) -> None:
    order = np.argsort(values, axis=None, kind="stable")
    assert (np.diff(to_uint8(values).ravel()[order].astype(int)) >= 0).all()
