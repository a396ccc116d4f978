"""Draws texts for training lines: prose and words from corpora, generated phrases, rare characters."""

from __future__ import annotations

import bisect
import random
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from crnn_ocr.errors import TrainingError
from crnn_ocr.training import phrases
from crnn_ocr.training.charset import characters, known, spell

WEIGHTS = {
    "zh": 24.0,
    "zh_ui": 8.0,
    "zh_words": 7.0,
    "addresses": 3.0,
    "poems": 4.0,
    "tw": 6.0,
    "en": 7.0,
    "en_ui": 5.0,
    "en_words": 5.0,
    "latin": 2.5,
    "phrases": 22.0,
    "mixed": 6.5,
}
"""How often each kind of text is drawn."""

LENGTHS = ((1, 2, 0.08), (3, 6, 0.17), (7, 14, 0.28), (15, 28, 0.28), (29, 50, 0.19))
"""(least, most, share) of the characters of a line of Chinese; Latin letters count half."""

SYMBOLS = (
    "℃℉×÷±≤≥≠≈●■□▲△◆★☆○√✓→←↑↓№￥¥€£$§©®™①②③④⑤⑥⑦⑧⑨⑩°·…—～%‰"
    "【】「」《》〈〉『』（）()[]{}“”‘’、。；：！？&@#*+=_/\\|<>^~"
)
"""Signs of everyday documents, drawn more often than their share of the set."""

_HALF_WIDTH = str.maketrans("，。：；！？（）０１２３４５６７８９", ",.:;!?()0123456789")
_WIDE_DIGITS = str.maketrans("0123456789", "０１２３４５６７８９")
_LATIN_NEXT_TO_HAN = re.compile(r"(?<=[一-鿿])(?=[A-Za-z0-9])|(?<=[A-Za-z0-9])(?=[一-鿿])")


class Corpus:
    """The lines of a text file, mapped, so that processes share it."""

    def __init__(self, path: Path) -> None:
        """Open a corpus.

        Raises:
            TrainingError: The file is missing or empty.
        """
        if not path.is_file() or path.stat().st_size < 2:
            raise TrainingError(
                f"The corpus {path.name} is missing or empty.",
                hint="Collect the texts: crnn-ocr train prepare.",
            )
        self._path = path

    @cached_property
    def _bytes(self) -> NDArray[np.uint8]:
        return np.memmap(self._path, np.uint8, "r")

    def draw(self, rng: random.Random) -> str:
        """Return a random line; long ones are drawn more often, by their length."""
        data = self._bytes
        at = rng.randrange(len(data))
        reach = 8192
        before = bytes(data[max(0, at - reach) : at])
        after = bytes(data[at : at + reach])
        start = before.rfind(b"\n") + 1
        end = after.find(b"\n")
        line = before[start:] + after[: end if end >= 0 else len(after)]
        return line.decode("utf-8", errors="ignore")


@dataclass(frozen=True)
class TextConfig:
    """Which texts are drawn.

    Attributes:
        folder: Of the corpora.
        held_out: Whether the held-out lines are drawn instead of those for training.
        kinds: Kinds and weights; None takes `WEIGHTS`.
        rare: Share of lines that get characters drawn uniformly from the whole set.
    """

    folder: Path
    held_out: bool = False
    kinds: tuple[tuple[str, float], ...] | None = None
    rare: float = 0.22


class TextSampler:
    """Draws the texts of lines. Every character of a text is in the set; see `charset.spell` for spelling."""

    def __init__(self, config: TextConfig, seed: int) -> None:
        self._rng = random.Random(seed)  # noqa: S311
        self._config = config
        kinds = dict(config.kinds or WEIGHTS.items())
        suffix = ".heldout.txt" if config.held_out else ".txt"
        own = {"phrases", "mixed"}
        names = (set(kinds) - own) | ({"zh", "en_words"} if "mixed" in kinds else set())
        self._corpora = {name: Corpus(config.folder / f"{name}{suffix}") for name in sorted(names)}
        self._kinds, weights = list(kinds), list(kinds.values())
        self._cumulative = np.cumsum(weights).tolist()
        usable = [c for c in characters()[1:] if c != " " and spell(c) == c]
        self._everything = usable
        self._signs = [c for c in usable if not "一" <= c <= "鿿"]

    def draw(self) -> str:
        """Return the text of a line, 1 to about 50 characters."""
        for _ in range(100):
            text = spell(self._text())
            if text and all(c in known() for c in text):
                return text
        raise TrainingError(
            "The corpora hold nothing but unknown characters.",
            hint="Check the texts against the character set.",
        )

    def _text(self) -> str:
        rng = self._rng
        kind = self._kinds[bisect.bisect(self._cumulative, rng.random() * self._cumulative[-1])]
        least, most, _ = rng.choices(LENGTHS, [share for *_, share in LENGTHS])[0]
        text = self._of_kind(kind, rng.randint(least, most))
        if rng.random() < self._config.rare:
            text = self._with_rare(text)
        if rng.random() < 0.07:
            text = phrases.item(rng, text)
        return self._varied(text, kind)

    def _of_kind(self, kind: str, length: int) -> str:
        rng = self._rng
        if kind == "phrases":
            text = phrases.phrase(rng)
            if length > 14 and rng.random() < 0.5:
                text += rng.choice((" ", "  ", "，", "；", "/")) + phrases.phrase(rng)
            return text
        if kind == "mixed":
            text = self._cut(self._corpora["zh"].draw(rng), max(2, length // 2))
            at = rng.randint(0, len(text))
            foreign = rng.choice(
                (phrases.phrase(rng), self._english(rng.randint(1, 3)), phrases.english_sign(rng))
            )
            space = rng.choice(("", "", " "))
            return text[:at] + space + foreign + space + text[at:]
        if kind == "en_words":
            return self._english(max(1, length // 5))
        line = self._corpora[kind].draw(rng)
        if kind == "zh_words":
            words = [line] + [self._corpora[kind].draw(rng) for _ in range(min(6, length // 4))]
            return rng.choice(("", "", "", " ", "、")).join(words)[: max(length, 2)]
        if kind in {"en", "en_ui", "latin"}:
            return self._cased(self._cut(line, length * 2))
        if kind == "addresses" and length > 6:
            return line[:50]
        return self._cut(line, length)

    def _english(self, count: int) -> str:
        words = [self._corpora["en_words"].draw(self._rng) for _ in range(count)]
        return self._cased(" ".join(w.removesuffix("'s") if self._rng.random() < 0.8 else w for w in words))

    def _cased(self, text: str) -> str:
        """Return English in the case of prose, headings or signs."""
        chance = self._rng.random()
        return text.upper() if chance < 0.22 else text.title() if chance < 0.35 else text

    def _cut(self, line: str, length: int) -> str:
        """Return a piece of a line; of English, whole words mostly."""
        rng = self._rng
        if len(line) <= length:
            return line
        start = 0 if rng.random() < 0.3 else rng.randrange(len(line) - length + 1)
        piece = line[start : start + length]
        if " " in piece.strip() and piece.isascii() and rng.random() < 0.9:
            head = 0 if start == 0 or line[start - 1] == " " else piece.find(" ") + 1
            tail = (
                len(piece) if start + length >= len(line) or line[start + length] == " " else piece.rfind(" ")
            )
            return piece[head:tail] if tail > head else piece
        return piece

    def _with_rare(self, text: str) -> str:
        """Return the text with characters drawn evenly from the whole set, or from its signs."""
        rng = self._rng
        chance = rng.random()
        if chance < 0.25:
            return "".join(rng.choices(self._everything, k=rng.randint(1, 12)))
        latin = all(ord(c) < 0x250 for c in text)
        pool = SYMBOLS if chance < 0.42 else self._signs if latin or chance < 0.55 else self._everything
        for _ in range(rng.randint(1, 4)):
            at = rng.randint(0, len(text))
            drop = rng.randint(0, 1)
            text = text[:at] + rng.choice(pool) + text[at + drop :]
        return text

    def _varied(self, text: str, kind: str) -> str:
        """Return the text with the liberties of real typing: widths of signs, spaces around Latin."""
        rng = self._rng
        chance = rng.random()
        if chance < 0.12:
            text = text.translate(_HALF_WIDTH)
        elif chance < 0.14:
            text = text.translate(_WIDE_DIGITS)
        if kind in {"zh", "tw", "mixed"} and rng.random() < 0.25:
            text = _LATIN_NEXT_TO_HAN.sub(" ", text)
        return text
