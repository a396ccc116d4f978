from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.imaging.enhance import (
    MOST_PIXELS,
    denoise,
    enhance,
    equalise,
    plan,
    resize_line,
    stretch,
)
from crnn_ocr.imaging.quality import Quality, measure
from crnn_ocr.options import ReadOptions
from tests.imaging.pictures import Pixels, text_page

OFF = ReadOptions(grey="off", clahe="off", denoise="off")
AUTO = ReadOptions()


def coloured(page: Pixels) -> Pixels:
    return np.dstack([page, page, np.minimum(page, 200)])


def noisy(page: Pixels, deviation: float) -> Pixels:
    values = page + np.random.default_rng(3).normal(0, deviation, page.shape)
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)


def test_off_means_the_very_same_picture() -> None:
    page = coloured(text_page())
    assert enhance(page, OFF, Quality(0, 1, 99, 9)) is page


def test_auto_leaves_a_good_picture_alone() -> None:
    for page in (
        text_page(),
        coloured(text_page()),
        text_page(ink=255, paper=0),
        text_page(paper=200, ink=120),
    ):
        assert enhance(page, AUTO, measure(page)) is page


def test_grey_on_gives_grey() -> None:
    page = coloured(text_page())
    assert enhance(page, ReadOptions(grey="on"), measure(page)).ndim == 2


def test_auto_stretches_a_pale_picture() -> None:
    for page in (text_page(paper=220, ink=200), coloured(text_page(paper=20, ink=5))):
        out = enhance(page, AUTO, measure(page))
        assert out.shape == page.shape
        assert measure(out).contrast > 200


def test_auto_does_not_blow_up_blank_paper() -> None:
    for page in (np.full((300, 300), 250, np.uint8), noisy(np.full((900, 900), 128, np.uint8), 3)):
        out = enhance(page, AUTO, measure(page))
        assert float(out.std()) <= float(page.std())


def test_auto_denoises_by_signal_to_noise() -> None:
    strong = noisy(text_page(paper=180, ink=60), 20)
    assert measure(enhance(strong, AUTO, measure(strong))).noise < 8
    weak = noisy(text_page(), 3)
    assert enhance(weak, AUTO, measure(weak)) is weak
    dim = noisy(text_page(paper=60, ink=5), 8)  # a night shot: little noise, less signal
    assert enhance(dim, AUTO, measure(dim)) is not dim


def test_denoising_removes_colour_noise_unless_grey_is_off() -> None:
    page = noisy(coloured(text_page(paper=180, ink=60)), 25)
    assert enhance(page, AUTO, measure(page)).ndim == 2
    assert enhance(page, ReadOptions(grey="off"), measure(page)).ndim == 3


def test_auto_only_greys_huge_noisy_pictures() -> None:
    side = int(MOST_PIXELS**0.5)
    quality = Quality(brightness=128, contrast=100, noise=30, blur=1)
    assert plan((side, side), AUTO, quality) == ("grey", "denoise")
    assert plan((side + 1, side + 1), AUTO, quality) == ("grey",)
    assert enhance(np.zeros((side + 1, side + 1, 3), np.uint8), AUTO, quality).ndim == 2


@pytest.mark.parametrize("switch", ["clahe", "denoise", "grey"])
def test_on_keeps_the_size_and_never_touches_its_input(switch: str) -> None:
    for page in (noisy(text_page(), 10), noisy(coloured(text_page()), 10)):
        before = page.copy()
        out = enhance(page, OFF.model_copy(update={switch: "on"}), measure(page))
        assert out.shape[:2] == page.shape[:2]
        assert out.dtype == np.uint8
        assert np.array_equal(page, before)


def test_clahe_raises_the_contrast_of_a_faint_part() -> None:
    page = text_page(1280, 400)
    page[:, 640:] = text_page(640, 400, paper=200, ink=185)
    faint = page[:, 640:]
    assert measure(equalise(page)[:, 640:]).contrast > 2 * measure(faint).contrast
    assert enhance(page, AUTO, measure(page)) is page  # as a whole it is not pale


def test_stretching_is_monotone_and_fills_the_range() -> None:
    ramp = np.repeat(np.arange(100, 140, dtype=np.uint8)[None], 200, 0)
    out = stretch(ramp)[0].astype(int)
    assert (np.diff(out) >= 0).all()
    assert out[0] <= 5
    assert out[-1] >= 250


def test_denoising_leaves_the_letters() -> None:
    clean = text_page(paper=200, ink=40)
    out = denoise(noisy(clean, 20), 20)
    before = np.abs(noisy(clean, 20).astype(int) - clean).mean()
    assert np.abs(out.astype(int) - clean).mean() < 0.6 * before


def test_denoising_on_does_little_without_noise() -> None:
    page = text_page(paper=100, ink=92)  # eight levels of contrast must survive
    out = enhance(page, OFF.model_copy(update={"denoise": "on"}), measure(page))
    assert measure(out).contrast >= 6


@given(st.integers(1, 60), st.integers(1, 200), st.integers(1, 300), st.integers(1, 96), st.booleans())
def test_a_line_gets_the_wished_size(height: int, width: int, wide: int, high: int, colour: bool) -> None:
    crop = np.full((height, width, 3) if colour else (height, width), 7, np.uint8)
    out = resize_line(crop, wide, high)
    assert out.shape == (high, wide, *crop.shape[2:])
    assert (out == 7).all()


def test_a_line_of_the_right_size_is_not_copied() -> None:
    page = text_page()
    assert resize_line(page, page.shape[1], page.shape[0]) is page


def test_lines_are_averaged_down_and_not_sharpened_up() -> None:
    stripes = np.zeros((96, 64), np.uint8)
    stripes[::2] = 200
    assert np.ptp(resize_line(stripes, 32, 48)) == 0
    edge = np.full((12, 64), 40, np.uint8)
    edge[:, 32:] = 200
    enlarged = resize_line(edge, 256, 48)
    assert (enlarged.min(), enlarged.max()) == (40, 200)
