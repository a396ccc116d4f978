"""Draws texts for training lines: prose and words from corpora, generated phrases, rare characters."""

from __future__ import annotations

import bisect
import codecs
import random
import re
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from crnn_ocr.errors import TrainingError
from crnn_ocr.training.text import bilingual_labels, fine_details, forms, number_texts, phrases, small_figures
from crnn_ocr.training.text.charset import characters, gb2312, ideographs, is_ideograph, known, spell

WEIGHTS = {
    "zh": 14.0,
    "even": 20.0,
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
"""How often each kind of text is drawn; `even` is made of `zh_words` (see `EvenWords`)."""

EVERYDAY = WEIGHTS | {"zh": WEIGHTS["zh"] + 10, "even": 0.0}
"""The same for the held-out sets: texts as they come, without words that are there for their characters."""

# Of training alone: held-out sets stay as they were before these.
WEIGHTS |= {"labels": 12.0, "figures": 3.0, "forms": 9.0, "numbers": 5.0, "details": 3.0}

COMPOSED = {
    "labels": bilingual_labels.label,
    "forms": forms.form,
    "figures": small_figures.figure,
    "signs": bilingual_labels.sign,
    "numbers": number_texts.number,
    "details": fine_details.detail,
}
"""Kinds that are composed of words of several corpora; all but forms have looks of their own too."""
AS_COMPOSED = frozenset({"numbers", "details"})
"""Those of them in which every sign counts: no bullet comes before them, no width is changed."""

LENGTHS = ((1, 2, 0.08), (3, 6, 0.17), (7, 14, 0.28), (15, 28, 0.28), (29, 50, 0.19))
"""(least, most, share) of the characters of a line of Chinese; Latin letters count half."""

SYMBOLS = "℃℉×÷±≤≥≠≈●■□▲△◆★☆○√✓→←↑↓№￥¥€£$§©®™①②③④⑤⑥⑦⑧⑨⑩…～%‰【】「」《》〈〉『』（）()[]{}“”&@#*+=_/<>"
"""Signs of everyday documents, drawn more often than their share of the set."""

FIRST_LEVEL = 3755
"""Characters of GB 2312's first level."""
RARER = 0.25
"""How often an even word is drawn for a character of its second level."""

SAMPLES, SAMPLE_BYTES = 16, 4096
"""In how many places a corpus is looked at when it is opened, and how much of it is read there."""

_SEAMS = re.compile(r"^|$|(?<=[\s,.;:!?，。；：！？、()（）])|(?=[\s(（])")
"""Where a sign may be put into a text: where words end."""

_HALF_WIDTH = str.maketrans("，。：；！？（）０１２３４５６７８９", ",.:;!?()0123456789")
_WIDE_DIGITS = str.maketrans("0123456789", "０１２３４５６７８９")
_LATIN_NEXT_TO_HAN = re.compile(r"(?<=[一-鿿])(?=[A-Za-z0-9])|(?<=[A-Za-z0-9])(?=[一-鿿])")


class Corpus:
    """The lines of a text file, mapped, so that processes share it."""

    def __init__(self, path: Path) -> None:
        """Open a corpus.

        Raises:
            TrainingError: The file is missing or empty, or a sample of it is no text or not UTF-8.
        """
        if not exists(path):
            raise TrainingError(
                f"The corpus {path.name} is missing or empty.",
                hint="Collect the texts: crnn-ocr train prepare.",
            )
        self._path = path
        _check(path)

    @cached_property
    def _bytes(self) -> NDArray[np.uint8]:
        return np.memmap(self._path, np.uint8, "r")

    def lines(self) -> list[str]:
        """Return all lines."""
        return self._path.read_text(encoding="utf-8", errors="ignore").splitlines()

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


def exists(path: Path) -> bool:
    """Tell whether there is a corpus with something in it."""
    return path.is_file() and path.stat().st_size >= 2


def _check(path: Path) -> None:
    """Look at a file in `SAMPLES` places: whole files have a hundred megabytes, and every process opens them.

    Raises:
        TrainingError: What is there is white space alone, or not UTF-8.
    """
    size, text = path.stat().st_size, False
    with path.open("rb") as file:
        for start in sorted({n * max(0, size - SAMPLE_BYTES) // (SAMPLES - 1) for n in range(SAMPLES)}):
            file.seek(start)
            found = file.read(SAMPLE_BYTES)
            # The first character may have begun before, the last may end behind.
            cut = next((n for n, byte in enumerate(found[:4]) if byte & 0xC0 != 0x80), 4) if start else 0
            try:
                decoded, _ = codecs.utf_8_decode(found[cut:], "strict", start + len(found) == size)
            except UnicodeDecodeError as error:
                raise TrainingError(
                    f"The corpus {path.name} is not UTF-8 (byte {start + cut + error.start}).",
                    hint="Save it as UTF-8, for instance: iconv -f GB18030 -t UTF-8.",
                ) from error
            text = text or bool(decoded.strip())
    if not text:
        raise TrainingError(
            f"The corpus {path.name} holds blank lines alone.", hint="Write one paragraph a line into it."
        )


class EvenWords:
    """Words that show every common character equally often, and those that are less common as well.

    Corpora have their own subjects: in ours, software and news, half of the characters of a medical report
    or of a garment's label come less than once in a thousand lines. So a character is drawn evenly from a
    level of GB 2312 (the 3,755 of everyday use, or, `RARER` of the time, the 3,008 of names, medicine, the
    kitchen …), then a word that holds it.
    """

    def __init__(self, words: Iterable[str]) -> None:
        """Index words by their characters; those that no word holds stand for themselves."""
        self._words: list[str] = []
        ideographs_of_gb2312 = tuple(gb2312())
        self._common = ideographs_of_gb2312[:FIRST_LEVEL]
        self._rarer = ideographs_of_gb2312[FIRST_LEVEL:]
        self._holders: dict[str, array[int]] = {c: array("I") for c in ideographs_of_gb2312}
        for word in words:
            for character in set(word):
                if (holders := self._holders.get(character)) is not None:
                    holders.append(len(self._words))
            self._words.append(word)

    def draw(self, rng: random.Random) -> str:
        """Return a word."""
        character = rng.choice(self._rarer if rng.random() < RARER else self._common)
        holders = self._holders[character]
        return self._words[rng.choice(holders)] if holders else character


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
    rare: float = 0.08


def encodable(text: str, encoding: str) -> bool:
    """Tell whether an encoding has every character of a text."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def script_of(text: str) -> str:
    """Return the encoding whose repertoire a text's Chinese characters share: `gb2312`, `big5` or `any`.

    GB 2312 holds simplified characters, Big5 traditional ones, both those that were never simplified.
    """
    han = ideographs(text)
    if encodable(han, "gb2312"):
        return "gb2312"
    return "big5" if encodable(han, "big5") else "any"


def _all_there(folder: Path, files: Sequence[str]) -> None:
    """Name every corpus that is missing, not just the first.

    Raises:
        TrainingError: One is missing or empty.
    """
    absent = [file for file in files if not exists(folder / file)]
    if absent:
        raise TrainingError(
            f"Missing or empty in {folder}: {', '.join(absent)}.",
            hint="Collect the texts (crnn-ocr train prepare), or write these files yourself:"
            " docs/training-data.md, section 'Your own data'.",
        )


class TextSampler:
    """A source of texts, all of whose characters are in the set; see `charset.spell` for spelling."""

    def __init__(self, config: TextConfig, seed: int) -> None:
        self._rng = random.Random(seed)  # noqa: S311
        self._config = config
        kinds = dict(config.kinds or WEIGHTS.items())
        suffix = ".heldout.txt" if config.held_out else ".txt"
        own = {"phrases": set[str](), "mixed": {"zh", "en_words"}, "even": {"zh_words"}}
        own |= {kind: set(bilingual_labels.SOURCES) for kind in COMPOSED}
        names = set[str]().union(*(own.get(kind, {kind}) for kind in kinds))
        _all_there(config.folder, [f"{name}{suffix}" for name in sorted(names)])
        self._corpora = {name: Corpus(config.folder / f"{name}{suffix}") for name in sorted(names)}
        self._lexicon = bilingual_labels.Lexicon(self._corpora)
        self._kinds, weights = list(kinds), list(kinds.values())
        self._cumulative = np.cumsum(weights).tolist()
        usable = [c for c in characters()[1:] if c != " " and spell(c) == c]
        self._everything = usable
        self._signs = [c for c in usable if not is_ideograph(c)]
        han = [c for c in usable if is_ideograph(c)]
        self._scripts = {name: [c for c in han if encodable(c, name)] for name in ("gb2312", "big5")}
        self._scripts["any"] = han

    @cached_property
    def _even(self) -> EvenWords:
        return EvenWords(self._corpora["zh_words"].lines())

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
        if rng.random() < 0.07 and kind not in {"figures", "signs", *AS_COMPOSED}:
            text = phrases.item(rng, text)
        return text if kind in AS_COMPOSED else self._varied(text, kind)

    def _of_kind(self, kind: str, length: int) -> str:
        rng = self._rng
        if kind == "phrases":
            text = phrases.phrase(rng)
            if length > 14 and rng.random() < 0.5:
                text += rng.choice((" ", "  ", "，", "；", "/")) + phrases.phrase(rng)
            return text
        if kind in COMPOSED:
            return COMPOSED[kind](rng, self._lexicon)
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
        if kind == "even":
            words = [self._even.draw(rng) for _ in range(max(1, length // 3))]
            return rng.choice(("", "", "", "", " ", "、")).join(words)[: max(length, 2)]
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
        """Return the text with what corpora have too little of, in places where a reader may expect it.

        Characters that are drawn evenly teach what they look like. Thrown into the middle of sentences they
        would also teach that anything may stand anywhere (`100OU/L`, `流动资产；`, a traditional character in
        a simplified line), and the LSTM would learn nothing from the context: so they come either by
        themselves or one at a time and of the line's own script.
        """
        rng = self._rng
        chance = rng.random()
        if chance < 0.35:
            pool = self._scripts[rng.choice(("gb2312", "big5"))] if rng.random() < 0.5 else self._everything
            return "".join(rng.choices(pool, k=rng.randint(1, 12)))
        han = [at for at, character in enumerate(text) if is_ideograph(character)]
        if chance < 0.75 and han:
            at = rng.choice(han)
            return text[:at] + rng.choice(self._scripts[script_of(text)]) + text[at + 1 :]
        sign = rng.choice(SYMBOLS if chance < 0.92 else self._signs)
        at = rng.choice([found.start() for found in _SEAMS.finditer(text)])
        return text[:at] + sign + text[at:]

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
