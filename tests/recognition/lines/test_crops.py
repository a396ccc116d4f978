from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.document import Polygon
from crnn_ocr.imaging.polygons import Turn, unturn_point
from crnn_ocr.recognition.lines.crops import crop, part, turn_corners, turned, unturn

TURNS: list[Turn] = [0, 90, 180, 270]
SIDES = st.integers(1, 30)


def numbered(width: int, height: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.arange(width * height, dtype=np.int64).reshape(height, width).astype(np.uint8)


def test_an_upright_region_is_cut_without_resampling() -> None:
    image = numbered(20, 10)

    cut = crop(image, ((3, 2), (9, 2), (9, 7), (3, 7)))

    assert np.array_equal(cut, image[2:7, 3:9])


def test_a_region_at_the_border_has_at_least_a_pixel() -> None:
    image = numbered(20, 10)

    assert crop(image, ((19.9, 0), (20, 0), (20, 10), (19.9, 10))).shape == (10, 1)
    assert crop(image, ((0, 9.99), (20, 9.99), (20, 10), (0, 10))).shape == (1, 20)


def test_a_slanted_region_is_straightened() -> None:
    image = np.zeros((100, 100), np.uint8)
    for i in range(60):
        image[20 + i // 2 : 30 + i // 2, 20 + i] = 255

    cut = crop(image, ((20, 20), (80, 50), (80, 60), (20, 30)))

    assert cut[2:-2, 4:-4].mean() > 200


@given(st.sampled_from(TURNS), SIDES, SIDES, st.integers(0, 10**6))
def test_unturning_finds_the_pixel_again(turn: Turn, width: int, height: int, seed: int) -> None:
    image = numbered(width, height)
    after = turned(image, turn)
    y, x = divmod(seed % after.size, after.shape[1])

    back_x, back_y = unturn_point((x + 0.5, y + 0.5), turn, width, height)

    assert image[int(back_y), int(back_x)] == after[y, x]


@pytest.mark.parametrize("turn", TURNS)
def test_turned_corners_give_the_turned_crop(turn: Turn) -> None:
    image = numbered(40, 30)
    polygon: Polygon = ((5, 5), (25, 5), (25, 15), (5, 15))
    expected = turned(crop(image, polygon), turn)

    assert crop(image, turn_corners(polygon, turn)).shape == expected.shape
    a, _, _, _ = turn_corners(polygon, turn)
    first = {0: (5, 5), 90: (5, 15), 180: (25, 15), 270: (25, 5)}[turn]
    assert a == first


def test_unturning_a_polygon_keeps_its_first_corner_first() -> None:
    polygon: Polygon = ((0, 0), (10, 0), (10, 4), (0, 4))

    assert unturn(polygon, 180, 100, 50) == ((100, 50), (90, 50), (90, 46), (100, 46))


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_part_lies_on_the_line(one: float, other: float) -> None:
    start, end = sorted((one, other))
    a, b, c, d = part(((0, 0), (100, 0), (100, 10), (0, 10)), start, end)

    assert a[0] == pytest.approx(100 * start)
    assert b[0] == pytest.approx(100 * end)
    assert (d[0], c[0]) == (a[0], b[0])
    assert (a[1], c[1]) == (0, 10)
