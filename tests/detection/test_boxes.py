from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from crnn_ocr.detection.boxes import BoxParameters, Region, boxes_from_map

PARAMETERS = BoxParameters()


def heat_with(centre: tuple[float, float], size: tuple[float, float], angle: float) -> NDArray[np.uint8]:
    heat = np.zeros((300, 400), np.uint8)
    corners = np.rint(cv2.boxPoints((centre, size, angle))).astype(np.int32)
    cv2.fillPoly(heat, [corners], 230)
    return heat


def boxes(heat: NDArray[np.uint8], scale: float = 1.0) -> list[Region]:
    height, width = heat.shape
    return boxes_from_map(
        heat,
        scale_x=scale,
        scale_y=scale,
        width=round(width / scale),
        height=round(height / scale),
        parameters=PARAMETERS,
    )


def test_a_core_grows_by_what_the_training_shrank_it() -> None:
    (region,) = boxes(heat_with((200, 150), (160, 16), 0))

    offset = 160 * 16 * PARAMETERS.unclip / (2 * (160 + 16))
    assert region.width == pytest.approx(160 + 2 * offset, abs=3)
    assert region.height == pytest.approx(16 + 2 * offset, abs=3)
    assert region.score == pytest.approx(230 / 255, abs=0.01)


@given(st.floats(-44, 44), st.integers(60, 180), st.integers(10, 24))
def test_corners_go_clockwise_from_the_top_left(angle: float, width: int, height: int) -> None:
    (region,) = boxes(heat_with((200, 150), (width, height), angle))
    a, b, c, d = region.polygon

    assert a[0] < b[0]
    assert d[0] < c[0]
    assert a[1] < d[1]
    assert b[1] < c[1]
    doubled_area = sum(p[0] * q[1] - q[0] * p[1] for p, q in ((a, b), (b, c), (c, d), (d, a)))
    assert doubled_area > 0
    slope = math.degrees(math.atan2(b[1] - a[1], b[0] - a[0]))
    assert slope == 0 or slope == pytest.approx(angle, abs=4)


def test_a_hardly_slanted_box_is_set_upright() -> None:
    (region,) = boxes(heat_with((200, 150), (100, 20), 0.8))

    assert region.polygon[0][1] == region.polygon[1][1]


def test_a_long_slanted_box_keeps_its_slant() -> None:
    (region,) = boxes(heat_with((200, 150), (300, 12), 2.5))

    assert region.polygon[1][1] - region.polygon[0][1] > 5


def test_boxes_come_in_picture_coordinates_and_stay_inside() -> None:
    heat = np.zeros((100, 200), np.uint8)
    heat[2:20, :] = 255

    (region,) = boxes(heat, scale=0.5)

    assert all(0 <= x <= 400 and 0 <= y <= 200 for x, y in region.polygon)
    assert region.width == 400


def test_weak_and_tiny_cores_are_noise() -> None:
    heat = np.zeros((100, 200), np.uint8)
    heat[10:30, 10:100] = 100  # above the pixel threshold, below the box threshold
    heat[60, 60] = 255

    assert boxes(heat) == []


@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(1, 60))
def test_any_map_gives_valid_boxes(seed: int, width: int, height: int) -> None:
    heat = np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)

    for region in boxes(cv2.GaussianBlur(heat, (0, 0), 1.5).astype(np.uint8)):
        assert region.width >= 1
        assert region.height >= 1
        assert all(0 <= x <= width and 0 <= y <= height for x, y in region.polygon)
        assert PARAMETERS.box_threshold <= region.score <= 1
