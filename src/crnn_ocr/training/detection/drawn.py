"""Drawn pages whose maps are exact: what a teacher misses on real ones, and what real ones lack.

Lone digits and strokes (`1`, `一`, `|`), signs at the ends of lines, tables of short cells, vertical columns,
small labels of any colour. A line's core is its box, shrunken as the teacher's maps are: PP-OCRv6 small's
cores of printed lines of 16 to 40 pixels are half as high as an em and a quarter of an em shorter at each
end; those of single characters are smaller by a twelfth of an em on each side. Both follow from moving every
side inwards by A (1 - r²) / P (area A, perimeter P; Liao et al., 2020) with 1 - r² = 1/2.
"""

from __future__ import annotations

import functools
import itertools
import random
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from crnn_ocr.errors import TrainingError
from crnn_ocr.pixels import Pixels
from crnn_ocr.training.detection.network import MAP_STRIDE
from crnn_ocr.training.render import fonts, rasterise
from crnn_ocr.training.text import number_texts, phrases
from crnn_ocr.training.text.charset import gb2312

#: Shrinking of a box; see above.
_SHRINK = 0.5
#: What stands between a line's ink and its box, and the least width of a box, in em.
_MARGIN, _LEAST_WIDTH = 0.04, 0.5
#: Least extent of a box above and below the baseline, in em, so that thin strokes have a core.
_ABOVE, _BELOW = 0.7, 0.05
_STROKES = "一一一丨〡|lI11i!二三十口"
_PUNCTUATION = {True: ("，", "。", "、", "；", "："), False: (",", ".", ":", ";", "!")}

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels."""
Colour = tuple[int, int, int]


class DrawnPages:
    """An endless source of drawn pages."""

    def __init__(self, folder: Path, seed: int) -> None:
        """Draw with the fonts of a folder.

        Args:
            folder: With font files at any depth.
            seed: Of the randomness.

        Raises:
            TrainingError: There is no Chinese or no Latin face among them.
        """
        self._rng = random.Random(seed)  # noqa: S311
        faces = _faces(folder)
        self._han, self._latin = faces["han"], faces["latin"] + faces["han"]
        if not self._han or not faces["latin"]:
            raise TrainingError(f"{folder} needs a Chinese and a Latin font.", hint="crnn-ocr train fetch.")
        self._common = tuple(gb2312())[:3755]  # level 1

    def sample(self, side: int) -> tuple[Pixels, Pixels]:
        """Return a page (side, side, 3) BGR and its map (side / 2, side / 2), probabilities × 255."""
        rng = self._rng
        dark = rng.random() < 0.2
        paper = tuple(rng.randint(0, 60) if dark else rng.randint(215, 255) for _ in "rgb")
        page = _Page(side, (paper[0], paper[1], paper[2]), dark)
        drawn = rng.choices((self._paragraphs, self._table, self._labels, self._columns), (30, 35, 30, 5))[0]
        self._clutter(page)
        drawn(page)
        return page.finished()

    def _text(self, *, han: bool, most: int) -> str:
        """Return a text of up to so many characters."""
        rng = self._rng
        chance = rng.random()
        if chance < 0.2:
            return number_texts.value(rng)
        if chance < 0.4 and han:
            return phrases.phrase(rng)
        count = rng.randint(1, most)
        if han:
            text = "".join(rng.choices(self._common, k=count))
        else:
            letters = "etaoinshrdlucmfwypvbgkjqxz"
            words = (
                "".join(rng.choices(letters, range(26, 0, -1), k=rng.randint(1, 9))) for _ in range(count)
            )
            text = " ".join(words)[: 2 * most].strip()
            text = rng.choice((text, text.capitalize(), text.title(), text.upper()))
        return text + rng.choice((*_PUNCTUATION[han], "", "", ""))

    def _cell(self, *, han: bool) -> str:
        """Return what a cell of a table holds."""
        rng = self._rng
        chance = rng.random()
        if chance < 0.35:
            return rng.choice("0123456789111" + _STROKES)
        return number_texts.value(rng) if chance < 0.7 else self._text(han=han, most=6)

    def _face(self, texts: Sequence[str], size: int) -> ImageFont.FreeTypeFont:
        """Return a face that has the characters of these texts."""
        plain = all(ord(character) < 0x250 for text in texts for character in text)
        path, index = self._rng.choice(self._latin if plain else self._han)
        return _opened(path, index, size)

    def _paragraphs(self, page: _Page) -> None:
        rng, y = self._rng, self._rng.uniform(0, 40)
        while y < page.side:
            han, size = rng.random() < 0.6, round(rng.triangular(9, 44, 16))
            x, leading = rng.uniform(-20, page.side / 2), rng.uniform(1.15, 2.0) * size
            most = max(1, round((page.side - x) / size))
            texts = [self._text(han=han, most=most) for _ in range(rng.randint(1, 6))]
            font, ink = self._face(texts, size), page.ink(rng)
            for text in texts:
                page.write(text, (x, y + size), font, ink)
                y += leading
            y += rng.uniform(0, 2) * size

    def _table(self, page: _Page) -> None:
        rng = self._rng
        han, size = rng.random() < 0.5, round(rng.triangular(10, 26, 14))
        faces = {plain: self._face(("1" if plain else "一",), size) for plain in (True, False)}
        ink = page.ink(rng)
        height = rng.uniform(1.4, 2.6) * size
        edges = [rng.uniform(-30, 40)]
        while edges[-1] < page.side:
            edges.append(edges[-1] + rng.uniform(1.5, 9) * size)
        top = rng.uniform(-10, 60)
        rows = round(rng.uniform(3, 1.2 * page.side / height))
        if rng.random() < 0.6:
            page.grid(edges, [top + row * height for row in range(rows + 1)], ink)
        for row in range(rows):
            baseline = top + row * height + height / 2 + 0.35 * size
            for left, right in itertools.pairwise(edges):
                if rng.random() < 0.15:
                    continue
                text = self._cell(han=han)
                font = faces[all(ord(character) < 0x250 for character in text)]
                width = font.getlength(text)
                if width > right - left - 4:
                    text, width = text[:1], font.getlength(text[:1])
                side = rng.choice((left + 3, (left + right - width) / 2, right - width - 3))
                page.write(text, (side, baseline), font, ink)

    def _labels(self, page: _Page) -> None:
        rng = self._rng
        for _ in range(rng.randint(8, 45)):
            han, size = rng.random() < 0.6, round(rng.triangular(9, 60, 13))
            text = rng.choice(_STROKES) if rng.random() < 0.1 else self._text(han=han, most=10)
            font = self._face((text,), size)
            place = (rng.uniform(-10, page.side - 20), rng.uniform(size, page.side))
            if rng.random() < 0.25:
                page.button(text, place, font, rng)
            else:
                page.write(text, place, font, page.ink(rng))

    def _columns(self, page: _Page) -> None:
        rng = self._rng
        size = round(rng.uniform(14, 36))
        font, ink = self._face(self._common[:1], size), page.ink(rng)
        x, apart = rng.uniform(0, 60), rng.uniform(1.4, 2.5) * size
        while x < page.side - size:
            text = "".join(rng.choices(self._common, k=rng.randint(2, 14)))
            page.write_down(text, (x, rng.uniform(0, 60)), font, ink)
            x += apart

    def _clutter(self, page: _Page) -> None:
        """Draw what is not text: areas, frames, rules, discs."""
        rng = self._rng
        for _ in range(rng.choice((0, 0, 1, 3, 8))):
            page.shape(rng)


class _Page:
    """A page in the making: the picture, and the boxes of its lines."""

    def __init__(self, side: int, paper: Colour, dark: bool) -> None:
        self.side = side
        self._dark = dark
        self._image = Image.new("RGB", (side, side), paper)
        self._draw = ImageDraw.Draw(self._image)
        self._boxes: list[Box] = []

    def ink(self, rng: random.Random) -> Colour:
        """Return a colour that can be told from the paper."""
        if rng.random() < 0.6:
            level = rng.randint(190, 255) if self._dark else rng.randint(0, 90)
            return (level, level, level)
        colour = [rng.randint(130, 255) if self._dark else rng.randint(0, 150) for _ in "rgb"]
        return (colour[0], colour[1], colour[2])

    def write(self, text: str, place: tuple[float, float], font: ImageFont.FreeTypeFont, ink: Colour) -> None:
        """Write a line from a point on its baseline, unless another is in the way."""
        if not text.strip():
            return
        box = _line_box(self._draw.textbbox(place, text, font=font, anchor="ls"), place[1], float(font.size))
        if self._free(box):
            self._draw.text(place, text, font=font, fill=ink, anchor="ls")
            self._boxes.append(box)

    def write_down(
        self, text: str, place: tuple[float, float], font: ImageFont.FreeTypeFont, ink: Colour
    ) -> None:
        """Write a column of upright characters from its top left."""
        step = font.size * 1.08
        box = (place[0], place[1], place[0] + font.size, place[1] + step * len(text))
        if self._free(box):
            for number, character in enumerate(text):
                self._draw.text((place[0], place[1] + number * step), character, font=font, fill=ink)
            self._boxes.append(box)

    def button(
        self, text: str, place: tuple[float, float], font: ImageFont.FreeTypeFont, rng: random.Random
    ) -> None:
        """Write a line on a filled area of its own."""
        left, top, right, bottom = self._draw.textbbox(place, text, font=font, anchor="ls")
        pad = font.size * rng.uniform(0.3, 0.9)
        area = (left - pad, top - pad, right + pad, bottom + pad)
        if self._free(area):
            light = rng.random() < 0.5
            fill = tuple(rng.randint(200, 255) if light else rng.randint(0, 140) for _ in "rgb")
            self._draw.rounded_rectangle(area, pad, fill=fill)
            level = rng.randint(0, 80) if light else 255
            self.write(text, place, font, (level, level, level))

    def grid(self, columns: Sequence[float], rows: Sequence[float], ink: Colour) -> None:
        """Draw the rules of a table."""
        for x in columns:
            self._draw.line((x, rows[0], x, rows[-1]), fill=ink)
        for y in rows:
            self._draw.line((columns[0], y, columns[-1], y), fill=ink)

    def shape(self, rng: random.Random) -> None:
        """Draw an area, a frame, a rule or a disc."""
        x, y, w, h = (
            rng.uniform(0, self.side),
            rng.uniform(0, self.side),
            *rng.choices((8, 20, 60, 200), k=2),
        )
        colour = tuple(rng.randint(0, 255) for _ in "rgb")
        kind = rng.randrange(4)
        if kind == 0:
            self._draw.rectangle((x, y, x + w, y + h), fill=colour)
        elif kind == 1:
            self._draw.rectangle((x, y, x + w, y + h), outline=colour, width=rng.randint(1, 3))
        elif kind == 2:
            ends = (x, y, x + 3 * w, y) if rng.random() < 0.5 else (x, y, x, y + 3 * h)
            self._draw.line(ends, fill=colour, width=rng.randint(1, 3))
        else:
            self._draw.ellipse((x, y, x + min(w, h), y + min(w, h)), fill=colour)

    def finished(self) -> tuple[Pixels, Pixels]:
        """Return picture and map."""
        size = self.side // MAP_STRIDE
        heat = np.zeros((size, size), np.uint8)
        for box in self._boxes:
            left, top, right, bottom = (value / MAP_STRIDE * 16 for value in _core(box))
            corners = np.rint([(left, top), (right, top), (right, bottom), (left, bottom)]).astype(np.int32)
            cv2.fillPoly(heat, [corners - 8], 255, cv2.LINE_AA, shift=4)  # pixels' centres are whole numbers
        rgb = np.asarray(self._image, np.uint8)
        return np.ascontiguousarray(rgb[:, :, ::-1]), np.asarray(
            cv2.GaussianBlur(heat, (0, 0), 0.6), np.uint8
        )

    def _free(self, box: Box) -> bool:
        left, top, right, bottom = box
        return all(
            right < other[0] or other[2] < left or bottom < other[1] or other[3] < top
            for other in self._boxes
        )


def _line_box(ink: Sequence[float], baseline: float, em: float) -> Box:
    """Return the box of a line from the box of its ink."""
    left, top, right, bottom = ink
    spare = max(0.0, _LEAST_WIDTH * em - (right - left)) / 2 + _MARGIN * em
    return (
        left - spare,
        min(top, baseline - _ABOVE * em) - _MARGIN * em,
        right + spare,
        max(bottom, baseline + _BELOW * em) + _MARGIN * em,
    )


def _core(box: Box) -> Box:
    """Return the core of a box, every side moved inwards."""
    left, top, right, bottom = box
    w, h = right - left, bottom - top
    inset = _SHRINK * w * h / (2 * (w + h))
    return left + inset, top + inset, right - inset, bottom - inset


def _faces(folder: Path) -> dict[str, list[tuple[Path, int]]]:
    """Return the faces of a folder by kind (`han`, `latin`), those in one file alone."""
    found: dict[str, list[tuple[Path, int]]] = {"han": [], "latin": []}
    for face in fonts.discover(folder):
        if len(face.files) == 1 and face.pixels is None:
            codes = rasterise.mapped(*face.files[0])[0]
            kind = rasterise.kind_of(set(codes)) if codes else None
            if kind in found:
                found[kind].append(face.files[0])
    return found


@functools.lru_cache(256)
def _opened(path: Path, index: int, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(path), size, index=index)
