from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from crnn_ocr.imaging.quality import Quality, grey_of, measure, remarks, sample_of
from tests.imaging.pictures import Pixels, text_page


def noisy(page: Pixels, deviation: float) -> Pixels:
    values = page + np.random.default_rng(3).normal(0, deviation, page.shape)
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)


def blurred(page: Pixels, deviation: float) -> Pixels:
    return np.asarray(cv2.GaussianBlur(page, (0, 0), deviation), np.uint8)


@pytest.mark.parametrize("deviation", [2, 5, 10, 20])
def test_noise_is_measured_beside_text(deviation: float) -> None:
    page = noisy(text_page(paper=150, ink=60), deviation)
    assert measure(page).noise == pytest.approx(deviation, rel=0.2, abs=0.6)


def test_text_is_not_noise() -> None:
    assert measure(text_page()).noise < 0.6
    assert measure(text_page(scale=0.4)).noise < 0.6
    crop = text_page(200, 16, scale=0.4)
    assert measure(crop).noise == 0


@pytest.mark.parametrize(("ink", "paper"), [(0, 255), (255, 0), (100, 140), (60, 50)])
def test_contrast_is_that_between_ink_and_paper(ink: int, paper: int) -> None:
    quality = measure(text_page(ink=ink, paper=paper))
    assert quality.contrast == pytest.approx(abs(paper - ink), abs=2)
    assert quality.brightness == paper


def test_contrast_is_not_raised_by_noise() -> None:
    clean = text_page(paper=150, ink=110)
    assert measure(noisy(clean, 5)).contrast == pytest.approx(measure(clean).contrast, abs=15)
    assert measure(noisy(np.full((800, 800), 128, np.uint8), 5)).contrast < 6


@pytest.mark.parametrize("deviation", [1.5, 2.0, 4.0, 8.0])
def test_blur_is_measured_in_pixels(deviation: float) -> None:
    page = text_page(1600, 1200, scale=3)
    sharp = measure(page).blur
    assert sharp is not None
    assert sharp < 1
    blur = measure(blurred(page, deviation)).blur
    assert blur == pytest.approx(deviation, rel=0.35)


def test_more_blur_measures_as_more() -> None:
    page = text_page(1600, 1200, scale=2)
    measured = [measure(blurred(page, deviation)).blur for deviation in (0.5, 1, 2, 3, 5)]
    assert None not in measured
    assert measured == sorted(measured)  # type: ignore[type-var]


def test_white_paper_with_little_text_is_not_blurred_or_pale() -> None:
    page = np.full((3000, 2000), 255, np.uint8)
    page[1500:1560, 900:1400] = text_page(500, 60)
    quality = measure(page)
    assert quality.contrast > 200
    assert quality.blur is not None
    assert quality.blur < 1


def test_light_that_falls_off_is_no_blur() -> None:
    light = np.geomspace(1, 0.03, 320)
    blur = measure((text_page(320, 200) * light).astype(np.uint8)).blur
    assert blur is not None
    assert blur < 1.2
    assert measure((np.full((200, 200), 255) * light[:200]).astype(np.uint8)).blur is None


def test_blank_paper_has_no_blur_to_speak_of() -> None:
    assert measure(np.full((500, 500), 255, np.uint8)) == Quality(255.0, 0.0, 0.0, None)


def test_colour_is_measured_by_luminance() -> None:
    page = text_page()
    assert measure(np.dstack([page] * 3)) == measure(page)
    assert grey_of(page) is page


def test_the_sample_of_a_large_picture_contains_its_text() -> None:
    page = np.full((4000, 4000), 255, np.uint8)
    page[2000:2100, 2000:3000] = text_page(1000, 100)
    sample, inside = sample_of(page)
    assert sample.shape == inside.shape
    assert sample.size <= 500_000
    assert (sample < 128).any()


class Counting:
    """OpenCV, which counts the values that it is given."""

    def __init__(self) -> None:
        self.values = 0

    def __getattr__(self, name: str) -> Any:
        given = getattr(cv2, name)
        if not callable(given):
            return given

        def counted(image: NDArray[Any], *args: Any, **options: Any) -> Any:
            self.values += image.size
            return given(image, *args, **options)

        return counted


def test_measuring_is_cheap_however_large_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    page = np.dstack([np.tile(text_page(1000, 1000), (5, 5))] * 3)
    counting = Counting()
    monkeypatch.setattr("crnn_ocr.imaging.quality.cv2", counting)
    measure(page)
    assert counting.values < page.size / 4


@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40)))
def test_any_picture_can_be_measured(image: NDArray[np.uint8]) -> None:
    for picture in (image, np.dstack([image] * 3)):
        quality = measure(picture)
        assert 0 <= quality.brightness <= 255
        assert 0 <= quality.contrast <= 255
        assert 0 <= quality.noise < 256
        assert quality.blur is None or quality.blur > 0


# ---- remarks

GOOD = Quality(brightness=255, contrast=200, noise=0, blur=0.8)


def codes(quality: Quality, heights: list[float]) -> list[str]:
    return [remark.code for remark in remarks(quality, heights)]


def test_a_good_picture_needs_no_remark() -> None:
    assert codes(GOOD, [12, 20, 30]) == []
    assert codes(GOOD, []) == []
    assert codes(Quality(255, 0, 0, None), []) == []


def test_blur_counts_in_proportion_to_the_text() -> None:
    soft = Quality(200, 150, 0, blur=2.5)
    assert codes(soft, [20, 22, 24]) == ["IMAGE_BLURRED"]
    assert codes(soft, [50, 64]) == []
    assert codes(Quality(200, 150, 0, blur=1.0), [11]) == []  # as sharp as pixels can be


def test_strong_blur_is_reported_even_without_text() -> None:
    assert codes(Quality(200, 150, 0, blur=6.0), []) == ["IMAGE_BLURRED"]
    assert codes(Quality(200, 150, 0, blur=1.5), []) == []


def test_small_text_is_reported_with_its_median_height() -> None:
    assert codes(GOOD, [7, 8, 30]) == ["TEXT_TOO_SMALL"]
    assert codes(GOOD, [7, 12, 30]) == []


@given(st.lists(st.floats(1, 500), max_size=20), st.floats(0.3, 50) | st.none())
def test_remarks_advise_what_to_do(heights: list[float], blur: float | None) -> None:
    for remark in remarks(Quality(200, 100, 1, blur), heights):
        assert remark.code in {"IMAGE_BLURRED", "TEXT_TOO_SMALL"}
        assert "take" in remark.message


def test_rendered_pages_get_the_expected_remarks() -> None:
    page = text_page(1200, 800)
    assert codes(measure(page), [24.0]) == []
    assert codes(measure(blurred(page, 4)), [24.0]) == ["IMAGE_BLURRED"]
    assert codes(measure(noisy(blurred(page, 4), 4)), [24.0]) == ["IMAGE_BLURRED"]


@pytest.mark.parametrize("shape", [(40_000, 1), (2, 40_000), (40_000, 40), (127, 39_000)])
def test_a_sample_of_a_thin_picture_is_bounded(shape: tuple[int, int]) -> None:
    image = np.full(shape, 255, np.uint8)
    image[shape[0] // 2 : shape[0] // 2 + 400, shape[1] // 2 : shape[1] // 2 + 400 : 7] = 0

    sample, inside = sample_of(image)

    assert sample.shape == inside.shape
    assert sample.size <= 1_000_000
    assert min(sample.shape) == min(shape)
    assert inside.any()
    assert measure(image).brightness == 255


def test_a_thin_picture_measures_as_a_shorter_one() -> None:
    short = np.ascontiguousarray(text_page(3_000, 100))
    long = np.hstack([short] * 10)
    assert long.size > 1_000_000
    assert measure(long).noise == pytest.approx(measure(short).noise, abs=0.3)
    assert measure(long).contrast == pytest.approx(measure(short).contrast, abs=3)
