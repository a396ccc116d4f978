"""Crops of real pages with the teacher's map of them, damaged anew every time."""

from __future__ import annotations

import glob
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from crnn_ocr.detection.tiles import working_scale
from crnn_ocr.errors import TrainingError
from crnn_ocr.pixels import Pixels
from crnn_ocr.training.detection.drawn import DrawnPages
from crnn_ocr.training.detection.maps import read_map
from crnn_ocr.training.detection.network import MAP_STRIDE
from crnn_ocr.training.labelling.pages import draw_page, page_files
from crnn_ocr.training.synth import degrade

#: Longer side at which the detector first looks at an ordinary page; `DetectorParameters.side`.
_FIRST_LOOK = 960
#: Share of the crops that are drawn, where there are fonts.
_DRAWN = 0.25
#: Every so many pages one is held out.
_HOLD_OUT = 40
#: Decoded pages from which crops are drawn.
_POOL = 24
#: Crops that are taken from a decoded page on average before another page takes its place.
_CROPS_PER_PAGE = 3

_DAMAGES: dict[degrade.Damage, float] = {
    degrade.jpeg: 6,
    degrade.sensor_noise: 4,
    degrade.gamma: 4,
    degrade.low_contrast: 4,
    degrade.uneven_light: 3,
    degrade.cast_shadow: 2,
    degrade.sharpen: 2,
    degrade.speckle: 1,
}
"""Those of a line's damages that do not depend on the picture's height, with their weights."""


@dataclass(frozen=True, slots=True)
class TeacherPage:
    """A page and where the teacher's map of it is.

    Attributes:
        picture: File of the page.
        number: Page within the file, from 1.
        heat: PNG of the map.
    """

    picture: Path
    number: int
    heat: Path


def teacher_pages(pages: Path, maps: Path) -> tuple[list[TeacherPage], list[TeacherPage]]:
    """Return the pages that have maps: those to learn from, and those that are held out.

    Raises:
        TrainingError: There is no page, or none of them has a map.
    """
    found = []
    for file in page_files(pages):
        for heat in sorted(maps.glob(f"{glob.escape(file.name)}-*.png")):
            number = heat.stem.rpartition("-")[2]
            found.append(TeacherPage(file, int(number), heat))
    learnt = [page for index, page in enumerate(found) if index % _HOLD_OUT]
    held_out = found[::_HOLD_OUT]
    if not learnt:
        raise TrainingError(
            f"{maps} holds no map of a page in {pages}.", hint="Draw them: crnn-ocr train detector maps."
        )
    return learnt, held_out


@dataclass(frozen=True, slots=True)
class _Decoded:
    image: Pixels
    heat: Pixels


class CropSampler:
    """An endless source of damaged crops, of a pool of pages that changes all the time."""

    def __init__(
        self, pages: Sequence[TeacherPage], side: int, seed: int, drawn: DrawnPages | None = None
    ) -> None:
        """Draw crops from pages.

        Args:
            pages: At least one.
            side: Height and width of a crop in pixels, a multiple of `network.MULTIPLE`.
            seed: Of the randomness.
            drawn: Drawn pages, of which every fourth crop is.
        """
        self._drawn = drawn
        self._pages = pages
        self._side = side
        self._rng = random.Random(seed)  # noqa: S311
        self._pool: list[_Decoded] = []

    def __iter__(self) -> Iterator[tuple[Pixels, Pixels]]:
        """Yield crops (side, side, 3) BGR and maps (side / 2, side / 2), probabilities × 255."""
        while True:
            yield self.sample()

    def sample(self) -> tuple[Pixels, Pixels]:
        """Return one crop and its map, as `__iter__` yields them."""
        rng = self._rng
        tilt = rng.uniform(-6, 6) if rng.random() < 0.3 else 0.0
        reach = round(self._side * (1.0 + 0.2 * (tilt != 0.0)))  # corners of a tilted square are further out
        if self._drawn is not None and rng.random() < _DRAWN:
            image, heat = self._drawn.sample(reach)
        else:
            image, heat = _cut(self._page(), reach, rng)
        image = _turned(image, tilt, self._side, cv2.BORDER_REPLICATE)
        heat = _turned(heat, tilt, self._side // MAP_STRIDE, cv2.BORDER_CONSTANT)
        turns = rng.choices((0, 1, 2, 3), (80, 5, 10, 5))[0]
        image, heat = np.rot90(image, turns), np.rot90(heat, turns)
        return _damaged(np.ascontiguousarray(image), rng), np.ascontiguousarray(heat)

    def _page(self) -> _Decoded:
        """Return a page of the pool, which changes now and then."""
        rng = self._rng
        if len(self._pool) < min(_POOL, len(self._pages)):
            self._pool.append(_decoded(rng.choice(self._pages)))
        elif rng.random() < 1 / _CROPS_PER_PAGE:
            self._pool[rng.randrange(len(self._pool))] = _decoded(rng.choice(self._pages))
        return rng.choice(self._pool)


def _decoded(page: TeacherPage) -> _Decoded:
    return _Decoded(draw_page(page.picture, page.number), read_map(page.heat))


def _cut(page: _Decoded, side: int, rng: random.Random) -> tuple[Pixels, Pixels]:
    """Cut a square out of a page, at a size between the first look's and the teacher's."""
    height, width = page.image.shape[:2]
    best = MAP_STRIDE * page.heat.shape[1] / width
    first = min(best, working_scale(width, height, _FIRST_LOOK))
    least = max(0.75 * first, 0.5 * best)  # smaller ones cannot be told from texture
    scale = math.exp(rng.uniform(math.log(least), math.log(1.25 * best)))
    stretch = math.exp(rng.uniform(-0.12, 0.12))
    w, h = side / (scale * stretch), side * stretch / scale
    places = [(rng.uniform(-0.1 * w, width - 0.9 * w), rng.uniform(-0.1 * h, height - 0.9 * h)) for _ in "ab"]
    if rng.random() < 0.7:
        places.sort(key=lambda place: -_mass(page, (*place, w, h)))
    box = (*places[0], w, h)
    image = _shown(page.image, box, side, cv2.BORDER_REPLICATE)
    of_map = MAP_STRIDE / best  # picture pixels per map pixel
    x, y, w, h = (value / of_map for value in box)
    return image, _shown(page.heat, (x, y, w, h), side // MAP_STRIDE, cv2.BORDER_CONSTANT)


def _mass(page: _Decoded, box: tuple[float, float, float, float]) -> float:
    """Return how much text there is in a box of the picture."""
    by = page.heat.shape[1] / page.image.shape[1]
    x, y, w, h = (round(value * by) for value in box)
    return float(page.heat[max(0, y) : max(0, y + h), max(0, x) : max(0, x + w)].sum())


def _shown(image: Pixels, box: tuple[float, float, float, float], side: int, border: int) -> Pixels:
    """Return a box (x, y, width, height) of a picture as a square; the box may stand out of the picture."""
    x, y, w, h = box
    height, width = image.shape[:2]
    left, top, right, bottom = round(x), round(y), round(x + w), round(y + h)
    inside = image[max(0, top) : min(height, bottom), max(0, left) : min(width, right)]
    padded = cv2.copyMakeBorder(
        inside, max(0, -top), max(0, bottom - height), max(0, -left), max(0, right - width), border
    )
    shrinks = padded.shape[0] >= side
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(padded, (side, side), interpolation=way), np.uint8)


def _turned(image: Pixels, degrees: float, side: int, border: int) -> Pixels:
    """Turn a square about its centre and return the middle of it, a square of `side` pixels."""
    if degrees:
        middle = (image.shape[1] / 2, image.shape[0] / 2)
        turn = cv2.getRotationMatrix2D(middle, degrees, 1.0)
        image = np.asarray(cv2.warpAffine(image, turn, image.shape[1::-1], borderMode=border), np.uint8)
    left = (image.shape[0] - side) // 2
    return image[left : left + side, left : left + side]


def _damaged(image: Pixels, rng: random.Random) -> Pixels:
    """Change colours, blur, light and compression of a crop (H, W, 3)."""
    if rng.random() < 0.1:
        image = np.asarray(255 - image, np.uint8)
    if rng.random() < 0.15:
        image = np.asarray(
            cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR), np.uint8
        )
    elif rng.random() < 0.15:
        image = np.ascontiguousarray(image[:, :, rng.sample(range(3), 3)])
    if rng.random() < 0.25:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.3)), np.uint8)
    if rng.random() < 0.5:
        for damage in rng.choices(tuple(_DAMAGES), tuple(_DAMAGES.values()), k=rng.choice((1, 1, 2))):
            image = damage(image, rng, rng.uniform(0.2, 0.9))
    return image
