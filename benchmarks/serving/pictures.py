"""Prepares the pictures that are sent: those of the evaluation set, alone or joined into larger ones."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO

from PIL import Image

from benchmarks.harness import datasets

SHEET = (3840, 2160)
#: Icons, lines, pages, 1080p and 4K in a thousand. Ten thousand of the full mix take an hour of CPU time.
MIXES = {"full": (300, 330, 300, 50, 20), "light": (450, 430, 100, 14, 6)}
_WIDEST_LINE = 900
_LINE_HEIGHT = 40


@dataclass(frozen=True)
class Picture:
    """One picture that is sent.

    Attributes:
        name: unique within a run.
        data: the encoded file.
        truth: what it says; None where nobody has written it down.
        page: whether it is a full page, rather than one line.
    """

    name: str
    data: bytes
    truth: str | None = None
    page: bool = True


def _encoded(image: Image.Image, kind: str = "PNG", **parameters: int) -> bytes:
    stream = BytesIO()
    image.convert("RGB").save(stream, kind, **parameters)
    return stream.getvalue()


def pages(*, every: int = 1) -> list[Picture]:
    """Return every n-th of the labelled pages, Chinese and English."""
    samples = [sample for data in datasets.PAGES for sample in datasets.load(data.name)]
    return [Picture(sample.path.name, sample.path.read_bytes(), sample.truth) for sample in samples[::every]]


def lines(*, every: int = 1) -> list[Picture]:
    """Return every n-th of the labelled Chinese and Latin lines."""
    samples = [sample for name in ("lines_zh", "lines_latin") for sample in datasets.load(name)]
    return [
        Picture(sample.path.name, sample.path.read_bytes(), sample.truth, page=False)
        for sample in samples[::every]
    ]


def capacity_mix(*, quick: bool) -> list[Picture]:
    """Return pages and lines, three to one, in an order that mixes large and small."""
    mixed = pages(every=6 if quick else 1) + lines(every=281 if quick else 40)
    random.Random(1).shuffle(mixed)
    return mixed


def long_page(count: int = 300) -> Picture:
    """Return a page of that many real lines, one below the other, with its text."""
    crops = []
    sources = lines(every=max(1, 563 // count))
    for line in sources:
        with Image.open(BytesIO(line.data)) as image:
            width = min(_WIDEST_LINE, max(1, round(image.width * _LINE_HEIGHT / image.height)))
            crops.append(image.convert("RGB").resize((width, _LINE_HEIGHT)))
    pitch = _LINE_HEIGHT + 12
    page = Image.new("RGB", (_WIDEST_LINE + 40, pitch * count + 20), "white")
    for row in range(count):
        page.paste(crops[row % len(crops)], (20, 10 + row * pitch))
    truth = "\n".join(sources[row % len(sources)].truth or "" for row in range(count))
    return Picture(f"{count} lines", _encoded(page, "JPEG", quality=90), truth)


class SoakMix:
    """An endless sequence of pictures, from icons to 4K, each slightly different from all before it.

    A dot of its own in the corner of each picture makes any cache useless and the sizes vary without end, as
    those of people's pictures do: icons of 16 to 64 pixels, lines, pages at a scale of 0.4 to 1, screens of
    1080p and of 4K. `MIXES` says how many of each come in a thousand.
    """

    def __init__(self, mix: str = "full", *, seed: int = 7) -> None:
        self._random = random.Random(seed)
        self._shares = MIXES[mix]
        self._pages = [picture for picture in pages() if len(picture.data) < 1_200_000]
        self._lines = lines(every=3)

    def __iter__(self) -> Iterator[Picture]:
        kinds = ("icon", "line", "page", "1080p", "4K")
        number = 0
        while True:
            (kind,) = self._random.choices(kinds, self._shares)
            number += 1
            yield self._make(kind, number)

    def _make(self, kind: str, number: int) -> Picture:
        if kind == "icon":
            side = self._random.randint(16, 64)
            image = self._open(self._lines).resize((side, side))
        elif kind == "line":
            image = self._scaled(self._open(self._lines), self._random.uniform(0.7, 1.5))
        elif kind == "page":
            image = self._scaled(self._open(self._pages), self._random.uniform(0.4, 1))
        elif kind == "1080p":
            image = self._sheet(1920, 1080)
        else:
            image = self._4k.copy()
        dot = tuple(self._random.randrange(256) for _ in range(3))
        image.putpixel((image.width - 1, image.height - 1), dot)
        lossy = kind in ("1080p", "4K")
        data = _encoded(image, "JPEG", quality=90) if lossy else _encoded(image)
        return Picture(f"{number} {kind}", data)

    def _open(self, among: Sequence[Picture]) -> Image.Image:
        with Image.open(BytesIO(self._random.choice(among).data)) as image:
            return image.convert("RGB")

    @staticmethod
    def _scaled(image: Image.Image, factor: float) -> Image.Image:
        return image.resize((max(8, round(image.width * factor)), max(8, round(image.height * factor))))

    def _sheet(self, width: int, height: int) -> Image.Image:
        """Return pages side by side on a full sheet."""
        sheet = Image.new("RGB", (width, height), "white")
        left = 0
        while left < width:
            image = self._open(self._pages)
            image.thumbnail((width // 2, height))
            sheet.paste(image, (left, 0))
            left += image.width + 20
        return sheet

    @cached_property
    def _4k(self) -> Image.Image:
        return self._sheet(*SHEET)
