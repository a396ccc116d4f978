"""Fitting of regions, as a detector with a coarse map gives them, on drawn pages."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from crnn_ocr.detection.boxes import Region
from crnn_ocr.detection.fit import fitted
from tests import drawing

Box = tuple[float, float, float, float]
FINE, RAW = 1.0, 0.27


def region(left: float, top: float, right: float, bottom: float) -> Region:
    return Region(((left, top), (right, top), (right, bottom), (left, bottom)), 0.9)


def sides(found: Region) -> Box:
    return (*found.polygon[0], *found.polygon[2])


def inked(picture: drawing.Picture, box: Box) -> Box:
    left, top, right, bottom = (round(side) for side in box)
    rows, columns = np.nonzero(picture[top:bottom, left:right, 0] < 128)
    return left + columns.min(), top + rows.min(), left + columns.max() + 1, top + rows.max() + 1


def table(cell: str, *, size: int = 24) -> tuple[drawing.Picture, list[Region], Box]:
    """Draw three rows of words, in which the detector missed a cell; return the cell's position, too."""
    words = [(40, 40 + 60 * i, "Goodwill") for i in range(3)] + [
        (700, 40 + 60 * i, "61,823") for i in range(3)
    ]
    picture = drawing.page([*words, (420, 100, cell)], size=size, shape=(900, 260))
    regions = [region(x - 8, y - 2, x + 5 * size, y + 1.4 * size) for x, y, _ in words]
    return picture, regions, inked(picture, (380, 90, 600, 150))


@pytest.mark.parametrize("cell", [*"1234567890", "-", "/", "|", "+", "N", "12"])
def test_a_sign_alone_in_its_row_is_found(cell: str) -> None:
    picture, regions, ink = table(cell)

    found = fitted(picture, regions, FINE)

    (new,) = found[len(regions) :]
    left, top, right, bottom = sides(new)
    assert left <= ink[0]
    assert top <= ink[1]
    assert right >= ink[2]
    assert bottom >= ink[3]
    # It has the height of a line, however flat it is, and does not stand on end.
    assert 20 <= new.height <= 45
    assert new.height <= 1.5 * new.width


@pytest.mark.parametrize("size", [14, 20, 28, 40])
def test_found_whatever_the_size(size: int) -> None:
    picture, regions, _ = table("7", size=size)

    assert len(fitted(picture, regions, FINE)) == len(regions) + 1


def test_light_type_on_dark_paper_is_found() -> None:
    picture, regions, _ = table("7")

    assert len(fitted(255 - picture, regions, FINE)) == len(regions) + 1


def test_rules_around_a_cell_stay_outside_its_box() -> None:
    picture, regions, ink = table("7")
    for x in (400, 450):
        cv2.line(picture, (x, 80), (x, 150), (0, 0, 0), 2)
    for y in (90, 145):
        cv2.line(picture, (20, y), (880, y), (0, 0, 0), 2)

    (new,) = fitted(picture, regions, FINE)[len(regions) :]

    left, top, right, bottom = sides(new)
    assert 401 <= left <= ink[0]
    assert ink[2] <= right <= 450
    assert top > 90
    assert bottom < 146


def disc(picture: NDArray[np.uint8]) -> None:
    cv2.circle(picture, (430, 114), 9, (0, 0, 0), -1)


def patch(picture: NDArray[np.uint8]) -> None:
    picture[105:123, 420:440] = 0


def faint(picture: NDArray[np.uint8]) -> None:
    cv2.putText(picture, "7", (420, 122), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (190, 190, 190), 2)


def other_paper(picture: NDArray[np.uint8]) -> None:
    picture[90:140, 400:460] = 205
    cv2.putText(picture, "7", (420, 122), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (0, 0, 0), 2)


def rule(picture: NDArray[np.uint8]) -> None:
    picture[113:115, 300:600] = 0


def dashed_rule(picture: NDArray[np.uint8]) -> None:
    for x in range(300, 600, 18):
        picture[113:115, x : x + 10] = 0


def large(picture: NDArray[np.uint8]) -> None:
    cv2.circle(picture, (430, 114), 24, (0, 0, 0), 3)


def between_rows(picture: NDArray[np.uint8]) -> None:
    cv2.putText(picture, "7", (420, 155), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (0, 0, 0), 2)


def before_a_word(picture: NDArray[np.uint8]) -> None:
    cv2.circle(picture, (684, 114), 8, (0, 0, 0), 2)


def specks(picture: NDArray[np.uint8]) -> None:
    at = np.random.default_rng(0).integers(0, (picture.shape[0], 300), (150, 2))
    picture[at[:, 0], 300 + at[:, 1]] = 0


@pytest.mark.parametrize(
    "drawn",
    [disc, patch, faint, other_paper, rule, dashed_rule, large, between_rows, before_a_word, specks],
)
def test_other_ink_gives_no_region(drawn: object) -> None:
    picture, regions, _ = table(" 7")
    picture[90:150, 380:600] = 255
    assert callable(drawn)

    drawn(picture)

    assert fitted(picture, regions, FINE)[len(regions) :] == []


def test_without_regions_nothing_is_added() -> None:
    picture, _, _ = table("7")

    assert fitted(picture, [], FINE) == []


@pytest.mark.parametrize("sign", ["-", ",", "."])
def test_a_sign_behind_the_box_belongs_to_the_line(sign: str) -> None:
    picture = drawing.page([(40, 60, "Goodwill" + sign)], size=30, shape=(400, 160))
    ink = inked(picture, (30, 50, 390, 120))
    word = inked(drawing.page([(40, 60, "Goodwill")], size=30, shape=(400, 160)), (30, 50, 390, 120))

    (found,) = fitted(picture, [region(word[0] - 5, word[1] - 8, word[2], word[3] + 8)], FINE)

    assert sides(found)[2] >= ink[2] + 2
    assert sides(found)[:2] == (word[0] - 5, word[1] - 8)


def test_a_long_dash_behind_the_box_belongs_to_the_line() -> None:
    picture = drawing.page([(40, 60, "Goodwill")], size=30, shape=(400, 160))
    left, top, right, bottom = inked(picture, (30, 50, 390, 120))
    cv2.line(picture, (int(right) + 3, 80), (int(right) + 43, 80), (0, 0, 0), 2)

    (found,) = fitted(picture, [region(left - 5, top - 8, right + 2, bottom + 8)], FINE)

    assert sides(found)[2] >= right + 44


def test_the_slope_of_a_digit_is_no_slope_on_a_coarse_map() -> None:
    picture, regions, ink = table("2")
    left, top, right, bottom = ink
    tilted = Region(
        ((left - 8, top - 2), (right + 2, top - 6), (right + 8, bottom + 12), (left - 2, bottom + 16)), 0.9
    )

    found = fitted(picture, [*regions, tilted], RAW)

    assert len(found) == len(regions) + 1
    assert sides(found[-1])[0] < left
    assert sides(found[-1])[3] > bottom
    assert found[-1].polygon[0][1] == found[-1].polygon[1][1]
    assert found[-1].height < 2 * (bottom - top)
    assert fitted(picture, [*regions, tilted], FINE)[-1] == tilted


def test_a_character_that_the_box_cuts_is_taken_in() -> None:
    picture = drawing.page([(40, 60, "33932")], size=30, shape=(300, 160))
    ink = inked(picture, (30, 50, 290, 120))

    (found,) = fitted(picture, [region(ink[0] + 4, ink[1] - 8, ink[2] - 5, ink[3] + 8)], FINE)

    assert sides(found)[0] < ink[0]
    assert sides(found)[2] > ink[2]


def test_a_leader_is_no_end() -> None:
    picture = drawing.page([(40, 60, "Goodwill " + "." * 40)], size=30, shape=(700, 160))
    box = region(36, 52, 160, 100)

    (found,) = fitted(picture, [box], FINE)

    assert found == box


def test_a_line_that_fits_stays_as_it_is() -> None:
    picture = drawing.page([(40, 60, "Goodwill 1,204")], size=30, shape=(400, 160))
    left, top, right, bottom = inked(picture, (30, 50, 390, 120))
    box = region(left - 9, top - 9, right + 9, bottom + 9)

    assert fitted(picture, [box], FINE) == [box]


def test_only_the_loose_boxes_of_a_coarse_map_are_trimmed() -> None:
    picture = drawing.page([(40, 60, "Goodwill 1,204")], size=24, shape=(400, 160))
    left, top, right, bottom = inked(picture, (30, 50, 390, 120))
    box = region(left - 12, top - 10, right + 12, bottom + 34)

    assert fitted(picture, [box], FINE) == [box]
    (found,) = fitted(picture, [box], RAW)
    height = bottom - top
    assert found.height == pytest.approx(1.7 * height, abs=3)
    assert sides(found)[1] <= top - 0.2 * height
    assert sides(found)[3] >= bottom + 0.2 * height


def test_slanted_lines_and_columns_stay_as_they_are() -> None:
    picture, _, _ = table("7")
    slanted = Region(((40, 40), (200, 44), (199, 74), (39, 70)), 0.9)
    column = region(690, 30, 720, 200)

    assert fitted(picture, [slanted, column], RAW)[:2] == [slanted, column]


@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.tuples(*[st.integers(0, 120)] * 4), max_size=6),
    st.sampled_from([FINE, RAW]),
)
def test_regions_stay_inside_any_picture_and_keep_their_order(
    seed: int, corners: list[tuple[int, int, int, int]], scale: float
) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, (100, 120), np.uint8)
    picture = np.where(cv2.GaussianBlur(noise, (0, 0), 3) < 122, 0, 255).astype(np.uint8)
    regions = [
        region(min(a, c), min(b, d, 98), max(a, c) + 1.0, min(max(b, d) + 1.0, 100))
        for a, b, c, d in corners
        if max(a, c) < 120
    ]

    found = fitted(picture, regions, scale)

    assert len(found) >= len(regions)
    assert [f.score for f in found[: len(regions)]] == [r.score for r in regions]
    for fitted_region in found:
        left, top, right, bottom = sides(fitted_region)
        assert 0 <= left < right <= 120
        assert 0 <= top < bottom <= 100
