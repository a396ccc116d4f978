"""The lines that are learnt from: the user's texts drawn, the user's pictures, and ordinary text besides."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from crnn_ocr.errors import TrainingError
from crnn_ocr.training.adaptation.faces import Glyphs
from crnn_ocr.training.adaptation.material import Picture, speller
from crnn_ocr.training.data.dataset import LineSampler, SampleConfig, Texts
from crnn_ocr.training.render.compose import Typesetter
from crnn_ocr.training.synth.rescan import rescanned
from crnn_ocr.training.text import phrases
from crnn_ocr.training.text.charset import big5_common, gb2312
from crnn_ocr.training.types import Image

LONGEST = 32
"""Characters of a piece of a long text line; Latin letters count half."""
_FREQUENT = 3755
"""GB 2312's first level: the frequent ideographs."""
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Line:
    """A line picture to learn from or to be measured on.

    Attributes:
        image: uint8 (H, W, 3) BGR.
        text: What it says.
        familiar: Whether the recogniser can read such lines already, and is to go on as before.
    """

    image: Image
    text: str
    familiar: bool


def ordinary_characters(known: frozenset[str], seed: int, ideographs: int = 1200) -> list[str]:
    """Return what ordinary text is drawn with: all signs and letters that are known, and some ideographs."""
    rng = random.Random(seed)  # noqa: S311
    signs = sorted(c for c in known if len(c) == 1 and not "㐀" <= c <= "鿿" and not "가" <= c <= "힯")
    pool = [c for n, c in enumerate(gb2312()) if n < _FREQUENT and c in known]
    pool += rng.sample(list(big5_common()), 600)
    chosen = [c for c in rng.sample(pool, min(len(pool), ideographs)) if c in known]
    return list(dict.fromkeys([*signs, *chosen]))


class OrdinaryTexts:
    """A source of texts with known characters: phrases, words, signs, ideographs in any order."""

    def __init__(self, known: frozenset[str], glyphs: Glyphs, seed: int) -> None:
        self._rng = random.Random(seed)  # noqa: S311
        self._usable = known & glyphs.drawable | {" "}
        self._respell = speller(known)
        self._ideographs = sorted(c for c in self._usable if "㐀" <= c <= "鿿")
        self._signs = sorted(c for c in self._usable - set(self._ideographs) if c not in "ʼ " and len(c) == 1)

    def draw(self) -> str:
        """Return the text of a line."""
        for _ in range(50):
            text = self._respell(self._text())
            if text and all(c in self._usable for c in text):
                return text
        return self._words()

    def _text(self) -> str:
        rng = self._rng
        chance = rng.random()
        if chance < 0.4:
            return phrases.phrase(rng)
        if chance < 0.5:
            return phrases.english_sign(rng)
        if chance < 0.7 and self._ideographs:
            return "".join(rng.choices(self._ideographs, k=rng.randint(2, 14)))
        if chance < 0.9 and self._signs:
            host = phrases.phrase(rng) if rng.random() < 0.6 else self._words()
            for _ in range(rng.randint(1, 4)):
                host = insert(host, rng.choice(self._signs), rng)
            return host
        return self._words()

    def _words(self) -> str:
        """Return words of letters in any order."""
        rng = self._rng
        words = ["".join(rng.choices(_LETTERS, k=rng.randint(2, 9))) for _ in range(rng.randint(1, 4))]
        text = " ".join(words)
        return rng.choice((text, text.title(), text.upper()))


class UserTexts:
    """A source of pieces of the user's texts, texts with new characters, and ordinary texts."""

    def __init__(
        self, texts: Sequence[str], new: Sequence[str], hosts: Texts, seed: int, *, mixed: float = 0.0
    ) -> None:
        """Prepare.

        Args:
            texts: The user's lines; may be empty.
            new: Characters to be learnt that can be drawn; may be empty.
            hosts: Gives ordinary texts, which new characters are put into.
            seed: Of all that is drawn.
            mixed: Share of ordinary texts: a new face is to be read whatever it says.
        """
        self._mixed = mixed
        self._rng = random.Random(seed)  # noqa: S311
        self._texts = tuple(texts)
        self._with_new = tuple(text for text in texts if set(text) & set(new))
        self._new = tuple(new)
        self._hosts = hosts

    def draw(self) -> str:
        """Return the text of a line."""
        rng = self._rng
        if rng.random() < self._mixed:
            return self._hosts.draw()
        if self._new and (not self._texts or rng.random() < 0.5):
            if rng.random() < 0.12:
                return "".join(rng.choices(self._new, k=rng.randint(1, 4)))
            host = self._piece() if self._texts and rng.random() < 0.5 else self._hosts.draw()
            for _ in range(rng.choice((1, 1, 2, 3))):
                host = insert(host, rng.choice(self._new), rng)
            return " ".join(host.split())
        if not self._texts:
            return self._hosts.draw()
        return self._piece()

    def _piece(self) -> str:
        """Return one of the lines, or a piece of it where it is long."""
        rng = self._rng
        pool = self._with_new if self._with_new and rng.random() < 0.5 else self._texts
        text = rng.choice(pool)
        room = LONGEST * (2 if text.isascii() else 1)
        if len(text) <= room:
            return text
        start = rng.randrange(len(text) - room // 2)
        piece = text[start : start + room]
        if " " in piece.strip():  # whole words
            head = piece.find(" ") + 1 if start else 0
            tail = piece.rfind(" ") if start + room < len(text) else len(piece)
            piece = piece[head:tail] if tail > head else piece
        return piece.strip() or text[:room].strip()


def insert(text: str, character: str, rng: random.Random) -> str:
    """Put a character somewhere into a text, with or without spaces around it."""
    at = rng.choice((0, len(text), rng.randint(0, len(text))))
    before, after = rng.choice((("", ""), ("", " "), (" ", ""), (" ", " ")))
    return text[:at] + before + character + after + text[at:]


def draw_lines(
    texts: Texts, setter: Typesetter, size: tuple[int, int], seed: int, *, familiar: bool
) -> Iterator[Line]:
    """Draw lines without end.

    Args:
        texts: What they say.
        setter: In which faces.
        size: Greatest width, and height of the pictures, in pixels.
        seed: Of all that is drawn.
        familiar: As in `Line`.

    Raises:
        TrainingError: The texts cannot be drawn.
    """
    sampler = LineSampler(seed, _looks(size), setter=setter, texts=texts)
    while True:
        yield Line(*sampler.sample(), familiar=familiar)


def draw_fetched_lines(
    data: Path, known: frozenset[str], size: tuple[int, int], seed: int, *, held_out: bool
) -> Iterator[Line]:
    """Draw lines without end from the data that training fetches.

    Raises:
        TrainingError: Something of them is missing, or has nothing but unknown characters.
    """
    sampler = LineSampler(seed, replace(_looks(size), data=data, held_out_text=held_out))
    respell = speller(known)
    passed = 0
    while passed < 1000:
        image, text = sampler.sample()
        spelt = respell(text)
        if all(c in known or c == " " for c in spelt):
            passed = 0
            yield Line(image, spelt, familiar=True)
        passed += 1
    raise TrainingError("The training data hold nothing that the recogniser knows.", hint="Leave out --data.")


def _looks(size: tuple[int, int]) -> SampleConfig:
    return SampleConfig(Path(), height=size[1], max_width=size[0], icons=0.0)


def vary_pictures(pictures: Sequence[Picture], seed: int) -> Iterator[Line]:
    """Give pictures without end, one after the other: first as they are, then varied a little every time."""
    rng = random.Random(seed)  # noqa: S311
    for picture in pictures:
        yield Line(picture.image, picture.text, familiar=False)
    while pictures:
        for picture in pictures:
            yield Line(rescanned(picture.image, rng), picture.text, familiar=False)
