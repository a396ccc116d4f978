from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from crnn_ocr.imaging.seals import without_seals

Picture = NDArray[np.uint8]
RED, BLUE, DARK_RED = (220, 30, 30), (30, 60, 200), (150, 20, 25)


def page(
    colour: tuple[int, int, int] | None,
    *,
    print_: bool = True,
    shape: str = "ellipse",
    filled: bool = False,
    box: tuple[int, int, int, int] = (140, 60, 290, 210),
) -> Picture:
    """Draw black bars as print with a seal across them, BGR."""
    image = Image.new("RGB", (420, 270), "white")
    pen = ImageDraw.Draw(image)
    if colour is not None:
        draw = pen.ellipse if shape == "ellipse" else pen.rectangle
        draw(box, outline=colour, width=5, fill=colour if filled else None)
        pen.line((180, 90, 250, 90), colour, 6)
    if print_:
        for y in (100, 135, 170):
            for x in range(40, 380, 12):
                pen.rectangle((x, y, x + 3, y + 18), fill=(10, 10, 10))
    return np.ascontiguousarray(np.asarray(image)[:, :, ::-1])


@pytest.mark.parametrize("colour", [RED, BLUE, DARK_RED])
@pytest.mark.parametrize("box", [(140, 60, 290, 210), (120, 70, 330, 210)])
def test_a_round_seal_over_print_vanishes_and_the_print_stays(
    colour: tuple[int, int, int], box: tuple[int, int, int, int]
) -> None:
    cleaned = without_seals(page(colour, box=box))
    plain = page(None)
    assert (cleaned[plain.max(axis=2) < 50] < 80).all()
    assert (np.abs(cleaned.astype(int) - plain).max(axis=2) > 60).mean() < 0.002


def test_nothing_else_is_changed() -> None:
    picture = page(RED)
    before = picture.copy()
    cleaned = without_seals(picture)
    assert (picture == before).all()
    outside = np.ones(picture.shape[:2], bool)
    outside[50:220, 130:300] = False
    assert (cleaned[outside] == picture[outside]).all()


@pytest.mark.parametrize(
    "picture",
    [
        page(None),
        page(RED, print_=False),
        page(RED, shape="rectangle"),
        page(RED, filled=True),
        page((30, 160, 40)),
        page(RED, box=(200, 120, 225, 145)),
        page(RED)[:, :, 0],
    ],
    ids=["no colour", "no print", "frame", "disk", "green", "small", "grey"],
)
def test_other_coloured_shapes_stay(picture: Picture) -> None:
    assert without_seals(picture) is picture


def test_coloured_text_across_a_ruled_form_stays() -> None:
    picture = page(None)
    picture[60:64, 20:400] = picture[220:224, 20:400] = (40, 40, 200)
    picture[60:224, 20:24] = picture[60:224, 396:400] = (40, 40, 200)
    picture[110:130, 60:64] = (40, 40, 200)
    assert without_seals(picture) is picture


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_any_picture_can_be_looked_at(height: int, width: int, seed: int) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    assert without_seals(noise).shape == noise.shape
