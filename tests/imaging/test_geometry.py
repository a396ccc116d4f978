from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageOps

from crnn_ocr.imaging.decode import decode_pages, from_pil
from crnn_ocr.imaging.geometry import apply_orientation
from tests.imaging.pictures import LIMITS, pil, quadrants, saved, tiff_of

ORIENTATIONS = range(1, 9)
# How a person would have to store the upright picture for each value of the tag.
STORED = {
    1: lambda p: p,
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.transpose(1, 0, 2),
    6: lambda p: np.rot90(p, 1),  # stored turned counter-clockwise: to be turned clockwise
    7: lambda p: p[::-1, ::-1].transpose(1, 0, 2),
    8: lambda p: np.rot90(p, -1),
}


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_stored_pixels_come_upright(orientation: int) -> None:
    stored = np.ascontiguousarray(STORED[orientation](quadrants()))
    out = apply_orientation(stored, orientation)
    assert np.array_equal(out, quadrants())
    assert out.flags.c_contiguous


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_grey_pixels_too_and_pillow_agrees(orientation: int) -> None:
    grey = quadrants()[..., 1].copy()
    image = Image.fromarray(grey)
    image.getexif()[ExifTags.Base.Orientation] = orientation
    expected = np.asarray(ImageOps.exif_transpose(image))
    assert np.array_equal(apply_orientation(grey, orientation), expected)


@pytest.mark.parametrize("orientation", [0, 9, -1, 255])
def test_unknown_orientations_change_nothing(orientation: int) -> None:
    pixels = quadrants()
    assert apply_orientation(pixels, orientation) is pixels


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "TIFF deflate", "MPO"])
def test_files_come_upright(kind: str, orientation: int) -> None:
    upright = quadrants(96, 64)
    image = pil(np.ascontiguousarray(STORED[orientation](upright)))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    if kind == "TIFF":
        data = saved(image, "TIFF", tiffinfo={274: orientation})
    elif kind == "TIFF deflate":
        data = saved(image, "TIFF", tiffinfo={274: orientation}, compression="tiff_adobe_deflate")
    elif kind == "MPO":
        data = saved(image, "MPO", exif=exif, save_all=True, append_images=[image], quality=95, subsampling=0)
    else:
        quality = {} if kind == "PNG" else {"quality": 95}
        data = saved(image, kind, exif=exif, **quality)
    (page,) = decode_pages(data, LIMITS)
    assert page.shape == upright.shape
    centres = page[16::32, 24::48].astype(int)
    assert np.abs(centres - upright[16::32, 24::48]).max() < 40


def test_a_pillow_image_is_turned_by_its_orientation() -> None:
    upright = quadrants(96, 64)
    stored = pil(np.ascontiguousarray(STORED[6](upright)))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    opened = Image.open(io.BytesIO(saved(stored, "PNG", exif=exif)))
    assert np.array_equal(from_pil(opened), upright)
    stored.getexif()[ExifTags.Base.Orientation] = 6
    assert np.array_equal(from_pil(stored), upright)


def test_a_pillow_tiff_is_not_turned_twice() -> None:
    upright = quadrants(96, 64)
    stored = pil(np.ascontiguousarray(STORED[6](upright)))
    opened = Image.open(io.BytesIO(saved(stored, "TIFF", tiffinfo={274: 6})))
    assert np.array_equal(from_pil(opened), upright)
    assert np.array_equal(from_pil(opened), upright)  # loaded by now


def test_a_tiff_with_tag_and_xmp_is_not_turned_twice() -> None:
    upright = quadrants(96, 64)
    stored = pil(np.ascontiguousarray(STORED[6](upright)))
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf tiff:Orientation="6"/></x:xmpmeta>'
    data = saved(stored, "TIFF", tiffinfo={274: 6, 700: xmp})
    (page,) = decode_pages(data, LIMITS)
    assert np.array_equal(page, upright)


def test_pages_of_a_tiff_have_orientations_of_their_own() -> None:
    first, second = pil(quadrants(96, 64)), pil(np.ascontiguousarray(STORED[8](quadrants(96, 64))))
    pages = list(decode_pages(tiff_of((first, {}), (second, {274: 8})), LIMITS))
    assert [page.shape for page in pages] == [(64, 96, 3), (64, 96, 3)]
    assert np.array_equal(pages[0], pages[1])


def test_damaged_metadata_does_not_cost_the_picture() -> None:
    data = saved(pil(quadrants()), "JPEG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff garbage")
    (page,) = decode_pages(data, LIMITS)
    assert page.shape == quadrants().shape
