"""Composes lines of text from an atlas: masks of coverage, before any colour or damage."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from crnn_ocr.training.render.atlas import EM, Atlas, AtlasFace, FaceInfo
from crnn_ocr.training.render.fonts import COMMON, DISPLAY, ROMAN
from crnn_ocr.training.text.charset import is_ideograph
from crnn_ocr.training.text.small_parts import Part, smallest_size
from crnn_ocr.training.types import Mask

Glyph = tuple[Mask, int, int, float]
"""Coverage, its place right of the pen and below the baseline, and the advance, in pixels."""

BASELINE = EM + EM // 2
"""Row of the baseline in a composed mask, which is 2.25 em high."""
CANVAS = 2 * EM + EM // 4
COMMON_WEIGHT = 4
CJK_TOP, CJK_BOTTOM = -0.86, 0.14
"""The em box of ideographs, relative to the baseline, in em."""


@dataclass(frozen=True)
class Layout:
    """The manner in which glyphs are set.

    Attributes:
        spacing: Added after every glyph, in em.
        space: Width of a space, in em.
        latin: Face for Latin letters and digits; None takes the same face for all.
        latin_size: Size of Latin letters and digits beside the rest, as a factor: forms in two languages have
            the second one smaller.
        jitter: Standard deviation of every glyph's vertical place, in em (typewriters, dot-matrix printers).
        apart: Between Chinese and Latin letters or digits, in em: what typesetting puts there by itself,
            where nobody typed a blank.
        parts: Of the text, which are set smaller.
    """

    spacing: float = 0.0
    space: float = 0.28
    latin: AtlasFace | None = None
    latin_size: float = 1.0
    jitter: float = 0.0
    apart: float = 0.0
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True)
class Composed:
    """A line as coverage.

    Attributes:
        mask: uint8 (CANVAS, W), 0 to 255.
        top: First row of the line's box: the ink and the letters' usual extent.
        bottom: Row after the last of the box.
        ink: (top, bottom) rows of the ink alone.
        least: Size of the part that is the hardest to read, 0 to 1 (see `small_parts.smallest_size`).
    """

    mask: Mask
    top: int
    bottom: int
    ink: tuple[int, int]
    least: float = 1.0


class Typesetter:
    """A setter of texts, in faces that can draw them."""

    def __init__(self, atlas: Atlas, ids: dict[str, int], faces: Sequence[int]) -> None:
        """Prepare.

        Args:
            atlas: The glyphs.
            ids: Character → class.
            faces: Numbers of the faces that may be used.
        """
        self._atlas = atlas
        self._ids = ids
        self._faces = list(faces)
        rows = np.asarray(atlas.rows[self._faces])
        self._covered = rows >= 0
        self._carriers: dict[int, list[int]] = {}
        groups: dict[str, dict[str, list[int]]] = {}
        for place, number in enumerate(self._faces):
            info = atlas.faces[number].info
            groups.setdefault(info.kind, {}).setdefault(info.family, []).append(place)
        self._kinds = {
            kind: [
                places
                for name, places in families.items()
                for _ in range(COMMON_WEIGHT if name in COMMON else 1)
            ]
            for kind, families in groups.items()
        }
        for kind, families in groups.items():
            small = [[p for p in places if self._info(p).pixels] for places in families.values()]
            self._kinds[f"{kind} print"] = [families[name] for name in families if name in COMMON]
            self._kinds[f"{kind} display"] = [families[name] for name in families if name in DISPLAY]
            self._kinds[f"{kind} roman"] = [families[name] for name in families if name in ROMAN]
            self._kinds[f"{kind} screen"] = [places for places in small if places]

    def _info(self, place: int) -> FaceInfo:
        return self._atlas.faces[self._faces[place]].info

    def pick(self, text: str, kind: str, rng: random.Random, *, tries: int = 8) -> AtlasFace | None:
        """Return a face of a kind, by family, that draws (nearly) all of a text; None when none was met.

        Kinds are `han`, `latin` and `digits`, each of them with ` print` (everyday families alone), ` roman`
        (those of body type), ` display` (those of signs) or ` screen` (rendered small) behind it too.
        """
        numbers = self._numbers(text)
        families = self._kinds.get(kind, [])
        for _ in range(tries if families else 0):
            place = rng.choice(rng.choice(families))
            missing = len(numbers) - int(self._covered[place, numbers].sum())
            if missing <= len(numbers) // 10:
                return self._atlas.faces[self._faces[place]]
        return None

    def carrier(self, number: int, rng: random.Random) -> AtlasFace | None:
        """Return a face that draws a class, for characters that the line's own face lacks."""
        if number not in self._carriers:
            found = np.flatnonzero(self._covered[:, number]).tolist()
            self._carriers[number] = [
                p for p in found if not self._atlas.faces[self._faces[p]].info.pixels
            ] or found
        places = self._carriers[number]
        return self._atlas.faces[self._faces[rng.choice(places)]] if places else None

    def compose(self, text: str, face: AtlasFace, layout: Layout, rng: random.Random) -> Composed | None:
        """Set a line; None when a character has no glyph anywhere or the line has no ink."""
        pen, placed = 0.0, []
        parts = {at: part for part in layout.parts for at in range(part.start, part.end)}
        substitutes: dict[int, AtlasFace] = {}
        for at, (before, character) in enumerate(zip(" " + text, text, strict=False)):
            if layout.apart and _changes_script(before, character):
                pen += layout.apart * EM
            if character == " ":
                pen += layout.space * EM
                continue
            number = self._ids[character]
            drawn_by = face
            if layout.latin is not None and ord(character) < 0x250 and layout.latin.covers(number):
                drawn_by = layout.latin
            elif not face.covers(number):
                substitute = substitutes.get(number) or self.carrier(number, rng)
                if substitute is None:
                    return None
                substitutes[number] = drawn_by = substitute
            mask, left, top, advance = _sized(drawn_by.glyph(number), character, layout, parts.get(at))
            dy = round(rng.gauss(0, layout.jitter) * EM) if layout.jitter else 0
            placed.append((mask, round(pen) + left, BASELINE + top + dy))
            pen += advance + layout.spacing * EM
        if not placed:
            return None
        return replace(_pasted(placed), least=smallest_size(text, layout.parts))

    def _numbers(self, text: str) -> list[int]:
        return [self._ids[c] for c in set(text) if c != " "]


def _changes_script(before: str, after: str) -> bool:
    """Tell whether one of two neighbours is Chinese and the other a Latin letter or a digit."""
    pairs = ((before, after), (after, before))
    return any(is_ideograph(one) and other.isascii() and other.isalnum() for one, other in pairs)


def _sized(glyph: Glyph, character: str, layout: Layout, part: Part | None) -> Glyph:
    """Give a glyph the size, and the height above the baseline, that it has in its layout."""
    if part is not None:
        mask, left, top, advance = _smaller(*glyph, part.size)
        return mask, left, top - round(part.rise * EM), advance
    latin = layout.latin_size != 1.0 and ord(character) < 0x250
    return _smaller(*glyph, layout.latin_size) if latin else glyph


def _smaller(mask: Mask, left: int, top: int, advance: float, size: float) -> Glyph:
    """Scale a glyph and its metrics by a factor; it stays on the baseline."""
    height, width = (max(1, round(side * size)) for side in mask.shape)
    scaled = cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA) if mask.size else mask
    return scaled.astype(np.uint8), round(left * size), round(top * size), advance * size


def _pasted(placed: Sequence[tuple[Mask, int, int]]) -> Composed:
    """Paste masks at (left, top), the brighter pixel winning, into a canvas as wide as they need."""
    start = min(left for _, left, _ in placed)
    width = max(left + mask.shape[1] for mask, left, _ in placed) - start
    canvas = np.zeros((CANVAS, width), np.uint8)
    first, last = CANVAS, 0
    for mask, left, top in placed:
        above = max(0, -top)
        height = min(mask.shape[0], CANVAS - top)
        if height <= above:
            continue
        part = canvas[top + above : top + height, left - start : left - start + mask.shape[1]]
        np.maximum(part, mask[above:height], out=part)
        first, last = min(first, top + above), max(last, top + height)
    box = (BASELINE + round(CJK_TOP * EM), BASELINE + round(CJK_BOTTOM * EM))
    return Composed(canvas, min(first, box[0]), max(last, box[1]), (first, max(last, first + 1)))


def embolden(mask: Mask, pixels: float) -> Mask:
    """Thicken (positive) or thin (negative) strokes by about `pixels` at the atlas's size."""
    whole = abs(pixels)
    size = 2 if whole < 1.5 else 3
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    changed = cv2.dilate(mask, kernel) if pixels > 0 else cv2.erode(mask, kernel)
    share = min(1.0, whole)
    return cv2.addWeighted(changed, share, mask, 1 - share, 0).astype(np.uint8)


def warp(mask: Mask, rng: random.Random, strength: float) -> Mask:
    """Slant, turn, bend or tilt a mask a little, as cameras and feeders do.

    Args:
        mask: Coverage, the line in the middle of its height.
        rng: Source of randomness.
        strength: 0 to 1; at 1 up to 3.5 degrees or a tenth of the height.
    """
    height, width = mask.shape
    kind = rng.random()
    if kind < 0.35:
        slant = rng.uniform(-0.3, 0.3) * strength
        matrix = np.array([[1, slant, -slant * height / 2], [0, 1, 0]], np.float32)
        return cv2.warpAffine(mask, matrix, (width, height), flags=cv2.INTER_LINEAR).astype(np.uint8)
    if kind < 0.65:
        most = min(3.5, 600 / max(width, 1)) * strength
        matrix32 = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(-most, most), 1.0)
        return cv2.warpAffine(mask, matrix32, (width, height), flags=cv2.INTER_LINEAR).astype(np.uint8)
    if kind < 0.82:
        amplitude = rng.uniform(0.02, 0.1) * height * strength
        phase, waves = rng.uniform(0, 6.28), rng.uniform(0.3, 1.2)
        columns = np.arange(width, dtype=np.float32)
        shift = (amplitude * np.sin(phase + waves * 3.14 * columns / width)).astype(np.float32)
        rows = np.arange(height, dtype=np.float32)[:, None] + shift[None, :]
        return cv2.remap(
            mask, np.broadcast_to(columns, rows.shape).astype(np.float32), rows, cv2.INTER_LINEAR
        ).astype(np.uint8)
    ends = rng.uniform(-0.12, 0.12) * height * strength
    old = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    new = old + np.array([[0, ends], [0, -ends], [0, ends], [0, -ends]], np.float32)
    return cv2.warpPerspective(
        mask, cv2.getPerspectiveTransform(old, new), (width, height), flags=cv2.INTER_LINEAR
    ).astype(np.uint8)
