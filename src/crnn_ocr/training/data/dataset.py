"""Training lines without end: text → mask → picture of a line as detectors cut it."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from crnn_ocr.errors import TrainingError
from crnn_ocr.training.render import atlas
from crnn_ocr.training.render.compose import Composed, Layout, Typesetter, embolden, warp
from crnn_ocr.training.render.fonts import SONG, held_out
from crnn_ocr.training.synth import distractors, low_resolution, overprints, scene, signs
from crnn_ocr.training.synth.degrade import damage
from crnn_ocr.training.text import fine_details
from crnn_ocr.training.text.charset import characters
from crnn_ocr.training.text.corpus import TextConfig, TextSampler
from crnn_ocr.training.text.mixture import FACES, TRAINING, Extras
from crnn_ocr.training.text.small_parts import smaller as smaller_parts
from crnn_ocr.training.types import Image


@dataclass(frozen=True)
class Looks:
    """One manner of appearance: what the draws of a line are weighted by.

    Attributes:
        grounds: Backgrounds (see `scene.background`) and their weights.
        native: (least, most) height of the picture before it is scaled to the network's, in pixels.
        small: Chance of a native height in the lower third of that range: enlarged screenshots.
        plain: Chance of black on bright or white on dark.
        contrast: Least difference of brightness between text and background.
        warped: Chance and strength of a geometric change.
        damages: (least, most) damages, and their (least, most) strength.
        stroke: Greatest change of stroke width, in pixels of the atlas.
        lcd: Chance of coloured fringes of LCD text, for small native heights.
    """

    grounds: tuple[tuple[str, float], ...]
    native: tuple[int, int]
    small: float
    plain: float
    contrast: float
    warped: tuple[float, float]
    damages: tuple[int, int, float, float]
    stroke: float
    lcd: float


CLEAN = Looks(
    (("white", 68), ("paper", 10), ("plain", 16), ("gradient", 6)),
    (13, 64), 0.5, 0.75, 80, (0.08, 0.3), (0, 1, 0.1, 0.35), 0.5, 0.2,
)  # fmt: skip
MILD = Looks(
    (("white", 32), ("paper", 33), ("plain", 14), ("gradient", 8), ("texture", 7), ("photo", 6)),
    (14, 72), 0.4, 0.6, 60, (0.35, 0.6), (1, 3, 0.1, 0.55), 1.0, 0.05,
)  # fmt: skip
HARD = Looks(
    (("white", 16), ("paper", 32), ("plain", 14), ("gradient", 10), ("texture", 13), ("photo", 15)),
    (12, 72), 0.4, 0.5, 42, (0.6, 1.0), (2, 5, 0.2, 0.85), 1.6, 0.0,
)  # fmt: skip


@dataclass(frozen=True)
class SampleConfig:
    """The settings of the lines that are drawn.

    Attributes:
        data: Folder of the training data (`atlas/`, `corpora/`).
        height: Pixels of a line.
        max_width: Longer texts are cut.
        shares: Of clean, mild and hard lines.
        unseen_fonts: Whether the families held out are used, and they alone, instead of the others.
        held_out_text: Whether the held-out lines of the corpora are used instead of the others.
        kinds: Kinds of text and weights; None takes the usual ones.
        rare: Share of lines with characters drawn evenly from the set.
        icons: Share of lines with a pictogram before them, which is not part of the text.
        extras: Shares of further lines; they need the corpora, and are left out where texts are given.
    """

    data: Path
    height: int = 48
    max_width: int = 1280
    shares: tuple[float, float, float] = (0.35, 0.45, 0.20)
    unseen_fonts: bool = False
    held_out_text: bool = False
    kinds: tuple[tuple[str, float], ...] | None = None
    rare: float = 0.08
    icons: float = 0.03
    extras: Extras = TRAINING


class Texts(Protocol):
    """A source of texts."""

    def draw(self) -> str:
        """Return the text of a line."""


class LineSampler:
    """A source of drawn lines; the same seed and configuration give the same lines."""

    def __init__(
        self, seed: int, config: SampleConfig, *, setter: Typesetter | None = None, texts: Texts | None = None
    ) -> None:
        """Open atlas and corpora.

        Args:
            seed: Of all that is drawn.
            config: The settings of the lines that are drawn.
            setter: Sets the texts; None takes the faces of the data's atlas.
            texts: Gives them, in characters that the setter has ids for; None takes the data's corpora.

        Raises:
            TrainingError: Something of the data is missing.
        """
        self._rng = random.Random(seed)  # noqa: S311
        self._config = config
        self._setter = setter or self._atlas_setter()
        self._texts = texts or TextSampler(
            TextConfig(config.data / "corpora", config.held_out_text, config.kinds, config.rare), seed + 1
        )
        self._extras = config.extras if texts is None else Extras()
        self._own: dict[str, Texts] = {}
        for number, kind in enumerate(self._extras.kinds()):
            drawn = TextConfig(config.data / "corpora", config.held_out_text, ((kind, 1.0),), rare=0.0)
            self._own[kind] = TextSampler(drawn, seed + 2 + number)
        self.last_face = ""

    def _atlas_setter(self) -> Typesetter:
        """Return what sets texts in the faces of the data's atlas."""
        config = self._config
        opened = atlas.load(config.data / "atlas")
        ids = {text: number for number, text in enumerate(characters()) if number}
        if opened.rows.shape[1] != len(characters()):
            raise TrainingError(
                "The glyph atlas was built for another character set.",
                hint="Build it again: crnn-ocr train prepare.",
            )
        usable = [
            n
            for n, face in enumerate(opened.faces)
            if face.info.kind != "unused" and (face.info.family in held_out()) is config.unseen_fonts
        ]
        if not usable:
            raise TrainingError(
                "No face is left to draw with.", hint="Fetch the fonts and build the atlas again."
            )
        return Typesetter(opened, ids, usable)

    def sample(self) -> tuple[Image, str]:
        """Return the next line: uint8 (height, W, 3) BGR, and what it says."""
        for _ in range(1000):
            made = self._sample()
            if made is not None:
                return made
        raise TrainingError("A thousand texts in a row cannot be drawn.", hint="Check fonts and texts.")

    def _sample(self) -> tuple[Image, str] | None:
        rng = self._rng
        if self._own and (kind := self._extras.kind(rng)):
            return self._sample_extra(kind, self._own[kind].draw())
        if self._extras.drawn_small and rng.random() < self._extras.drawn_small:
            return self._sample_extra("figures", self._texts.draw())
        if self._extras.pages and rng.random() < self._extras.pages:
            return self._sample_extra("pages", self._texts.draw())
        looks = rng.choices((CLEAN, MILD, HARD), self._config.shares)[0]
        text = self._texts.draw()
        line, text, pixels = self._set(text)
        if line is None or not text:
            return None
        exact = pixels is not None and atlas.EM % pixels == 0 and rng.random() < 0.8
        grid = atlas.EM // pixels if pixels and exact else 0
        mask = line.mask if grid else self._bent(line.mask, looks)
        mask = scene.boxed(replace(line, mask=mask), rng, grid=grid or 1)
        if mask.max(initial=0) < 64:
            return None
        extra = self._extra(mask.shape)
        if not grid:
            mask, extra = self._surrounded(mask, extra)
        native, stretch = self._native_height(looks), self._stretch()
        if grid:  # a screenshot, pixel by pixel
            native, stretch = max(4, mask.shape[0] // grid), 1.0
        elif line.least < 1.0:
            native = max(native, math.ceil(low_resolution.LEGIBLE * mask.shape[0] / (atlas.EM * line.least)))
        size = (max(4, round(mask.shape[1] * native / mask.shape[0] * stretch)), native)
        way = cv2.INTER_AREA if native < mask.shape[0] else cv2.INTER_LINEAR
        if not grid and native <= 36 and rng.random() < looks.lcd:
            shrunk = scene.subpixels(mask, size)
        else:
            shrunk = cv2.resize(mask, size, interpolation=way).astype(np.uint8)
        rest = None if extra is None else cv2.resize(extra, size, interpolation=way).astype(np.uint8)
        picture = self._painted(shrunk, rest, looks)
        least, most, weak, strong = looks.damages
        picture = damage(picture, rng, rng.uniform(weak, strong), rng.randint(least, most))
        return self._finished(picture), text

    def _sample_extra(self, kind: str, text: str) -> tuple[Image, str] | None:
        """Return a line with the looks of a kind (`mixture.FACES`): of a sign, of a page, or drawn small."""
        rng = self._rng
        line, text, pixels = self._set(text, rng.choice(FACES[kind]))
        if line is None or not text:
            return None
        if kind == "signs":
            picture = signs.picture(line, rng, self._another)
        else:
            extras, look = self._extras, low_resolution.LOOKS.get(kind, low_resolution.TINY)
            if (
                kind in low_resolution.LOOKS
                and not pixels
                and "_" not in text
                and rng.random() < extras.underlined
            ):
                line = overprints.underlined(line, rng)
            over = self._seal if kind == "pages" and rng.random() < extras.sealed else None
            picture = low_resolution.picture(line, pixels, rng, look, self._surrounded, over)
        return None if picture is None else (self._finished(picture), text)

    def _another(self) -> Composed | None:
        """Return another line, to stand beside one."""
        return self._set(self._texts.draw())[0]

    def _seal(self, ground: NDArray[np.float32]) -> None:
        """Print a seal over a picture, in place."""
        overprints.seal(ground, self._another(), self._rng)

    def _finished(self, picture: Image) -> Image:
        """Scale a picture to the network's height; a quarter turn grey."""
        rng, (native, width) = self._rng, picture.shape[:2]
        final = max(8, min(round(width * self._config.height / native), self._config.max_width))
        picture = _resized(picture, (final, self._config.height), rng)
        if rng.random() < 0.25:
            grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
            picture = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR).astype(np.uint8)
        return np.ascontiguousarray(picture)

    def _surrounded(
        self, mask: NDArray[np.uint8], extra: NDArray[np.uint8] | None
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
        """Put pictograms, rules and parts of other lines beside a line, if it gets any."""
        rng = self._rng
        if rng.random() < self._config.icons:
            before = mask.shape[1]
            mask, shown = scene.icon(mask, rng)
            if extra is not None:
                moved = cv2.copyMakeBorder(extra, 0, 0, mask.shape[1] - before, 0, cv2.BORDER_REPLICATE)
                shown = np.maximum(shown, moved.astype(np.uint8))
            extra = shown
        if self._extras.surrounded and rng.random() < self._extras.surrounded:
            return distractors.surround(mask, extra, rng, self._another)
        return mask, extra

    def _bent(self, mask: NDArray[np.uint8], looks: Looks) -> NDArray[np.uint8]:
        """Change strokes and geometry."""
        rng = self._rng
        if looks.stroke and rng.random() < 0.3:
            mask = embolden(mask, rng.uniform(-0.7, 1.0) * looks.stroke)
        chance, strength = looks.warped
        return warp(mask, rng, strength) if rng.random() < chance else mask

    def _set(self, text: str, faces: str = "") -> tuple[Composed | None, str, int | None]:
        """Choose faces and layout and compose the text, cut to the greatest width.

        Args:
            text: To be set.
            faces: `print`, `display` or `screen` (see `Typesetter.pick`); empty takes any.

        Returns:
            (line, its text, pixels per em where its face is a small one of screens).
        """
        rng, setter = self._rng, self._setter
        room = int(self._config.max_width / self._config.height * 0.95)  # em that fit
        wide = 0.0
        for at, character in enumerate(text):
            wide += 0.55 if ord(character) < 0x2E80 else 1.0
            if wide > room:
                text = text[:at].rstrip()
                break
        latin_only = all(ord(c) < 0x250 for c in text)
        kind = "latin" if latin_only and rng.random() < 0.7 else "han"
        if rng.random() < 0.15 and all(c in "0123456789.:-" for c in text):
            kind = "digits"
        face = (
            (setter.pick(text, f"{kind} {faces}", rng) if faces else None)
            or setter.pick(text, kind, rng)
            or setter.pick(text, "han", rng)
            or setter.pick(text, "latin", rng, tries=30)
        )
        if face is None:
            return None, text, None
        self.last_face = face.info.name
        latin = None
        if kind == "han" and rng.random() < 0.3:
            latin = setter.pick("0Aa", "latin print" if faces == "print" else "latin", rng)
        spacing, space, apart = self._distances(latin_only)
        jitter = rng.uniform(0.005, 0.03) if rng.random() < 0.05 else 0.0
        smaller = not latin_only and rng.random() < 0.06
        latin_size = rng.uniform(0.55, 0.85) if smaller else 1.0
        parts = smaller_parts(text, self._extras, rng)
        if parts and parts[0].rise and latin is None and kind == "han":
            latin = setter.pick("0Aa", "latin print", rng)
        if self._extras.roman and face.info.family in SONG and rng.random() < self._extras.roman:
            latin = setter.pick("0Aa", "latin roman", rng) or latin
        latin = None if latin is None or latin.info.pixels else latin
        pixels = face.info.pixels
        if pixels:  # everything stands on whole pixels
            spacing, space, apart = (round(value * pixels) / pixels for value in (spacing, space, apart))
            latin, latin_size, jitter, parts = None, 1.0, 0.0, ()
        layout = Layout(spacing, space, latin, latin_size, jitter, apart, parts)
        share = self._extras.rules if fine_details.RULE in text else 0.0
        said = fine_details.label_of(text) if share and rng.random() < share else text
        return setter.compose(text, face, layout, rng), said, pixels

    def _distances(self, latin_only: bool) -> tuple[float, float, float]:
        """Return a layout's `spacing`, `space` and `apart`."""
        rng = self._rng
        chance = rng.random()
        spacing = (
            0.0 if chance < 0.6 else rng.uniform(-0.04, 0.15) if chance < 0.92 else rng.uniform(0.2, 1.1)
        )
        if latin_only:
            spacing *= 0.4
        space = rng.uniform(0.22, 0.4) if rng.random() < 0.85 else rng.uniform(0.4, 1.5)
        if spacing > 0.1:  # spread letters would be read apart, were the spaces not wider still
            space += spacing * 1.5
        if self._extras.tight and rng.random() < self._extras.tight:
            spacing, space = min(spacing, 0.01), rng.uniform(0.14, 0.2)
        apart = 0.0
        if self._extras.apart and rng.random() < self._extras.apart:
            apart = rng.uniform(0.12, 0.33)
        return spacing, space, apart

    def _extra(self, shape: tuple[int, ...]) -> NDArray[np.uint8] | None:
        """Return the coverage of rules and of a neighbouring line, if the crop has any."""
        rng = self._rng
        extra: NDArray[np.uint8] | None = None
        if rng.random() < 0.1:
            extra = scene.rules(np.zeros(shape[:2], np.uint8), rng)
        if rng.random() < 0.06:
            other, _, _ = self._set(self._texts.draw())
            if other is not None:
                part = scene.neighbour((shape[0], shape[1]), other, rng)
                extra = part if extra is None else np.maximum(extra, part)
        return extra

    def _native_height(self, looks: Looks) -> int:
        least, most = looks.native
        if self._rng.random() < looks.small:
            most = least + (most - least) // 4
        return self._rng.randint(least, most)

    def _stretch(self) -> float:
        """Return the ratio by which the line is made wider or narrower: print is often condensed."""
        return self._rng.uniform(0.68, 1.18) if self._rng.random() < 0.35 else 1.0

    def _painted(self, mask: NDArray[np.uint8], extra: NDArray[np.uint8] | None, looks: Looks) -> Image:
        """Paint text and rules on a background."""
        rng = self._rng
        names, weights = zip(*looks.grounds, strict=True)
        kind = rng.choices(names, weights)[0]
        ground, mean = scene.background(mask.shape[0], mask.shape[1], rng, kind)
        restless = 1.2 * float(ground[:, :, 1].std()) if kind in {"texture", "photo", "gradient"} else 0.0
        colour = scene.ink_colour(mean, rng, plain=looks.plain, contrast=looks.contrast + restless)
        if rng.random() < (0.3 if kind == "photo" else 0.05) and mask.ndim == 2:
            scene.decorate(ground, mask, colour, rng)
        if extra is not None:
            other = colour if rng.random() < 0.7 else scene.ink_colour(mean, rng, plain=0.5, contrast=30)
            scene.blend(ground, extra, other)
        scene.blend(ground, mask, colour)
        if kind in {"white", "paper"} and rng.random() < 0.05:
            scene.stamp(ground, rng)
        return np.clip(ground, 0, 255).astype(np.uint8)


def _resized(picture: Image, size: tuple[int, int], rng: random.Random) -> Image:
    """Scale to the network's height, as engines do (area when shrinking), or a little otherwise."""
    shrinks = picture.shape[0] > size[1]
    usual = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    way = usual if rng.random() < 0.6 else rng.choice((cv2.INTER_LINEAR, cv2.INTER_CUBIC))
    return cv2.resize(picture, size, interpolation=way).astype(np.uint8)


def sampler_factory(config: SampleConfig) -> Callable[[int], LineSampler]:
    """Return what makes a sampler from a seed; it can be pickled."""
    return partial(_make, config)


def _make(config: SampleConfig, seed: int) -> LineSampler:
    return LineSampler(seed, config)
