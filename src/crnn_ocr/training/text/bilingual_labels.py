"""Composes texts of Chinese and English words from corpora: bilingual labels, capitals, signs of shops.

Slips, forms and captions join what prose keeps apart: `凭证(VOUCHER NO.):`, `图3Overview`, `等,2009(AbcNet)`.
Every function takes a generator of random numbers and a `Lexicon` and gives one text.
"""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Mapping
from typing import Protocol

from crnn_ocr.training.text import phrases
from crnn_ocr.training.text.charset import ideographs

SOURCES = frozenset({"zh", "zh_ui", "zh_words", "en", "en_ui", "en_words"})
"""Corpora that a lexicon draws from."""

_BRACKETS: tuple[tuple[str, int], ...] = (
    ("()", 58), ("（）", 27), ("[]", 4), ("【】", 3), ("(）", 2), ("（)", 2), ("<>", 2), ("《》", 2),
)  # fmt: skip
_LINKS = ("", "", "", "", "在", "和", "与", "为", "是", "的", "或", "由")
"""What Chinese goes on with behind a name."""
_LETTERS = "".join(c for c in string.ascii_uppercase if c not in "IOQ")


class Source(Protocol):
    """A source of lines of a corpus."""

    def draw(self, rng: random.Random, /) -> str:
        """Return a random line."""


class Lexicon:
    """Words and pieces of sentences from corpora."""

    def __init__(self, corpora: Mapping[str, Source]) -> None:
        """Prepare.

        Args:
            corpora: By kind of text; all of `SOURCES`.
        """
        self._corpora = corpora

    def word(self, rng: random.Random, least: int = 2, most: int = 12) -> str:
        """Return an English word in small letters; half are of a dictionary, half of running text."""
        for _ in range(30):
            kind = rng.choice(("en_words", "en_words", "en_ui", "en"))
            tokens = self._corpora[kind].draw(rng).removesuffix("'s").split()
            token = rng.choice(tokens).strip(string.punctuation) if tokens else ""
            if least <= len(token) <= most and token.isascii() and token.isalpha():
                return token.lower()
        return "".join(rng.choices(string.ascii_lowercase, k=least))

    def english(self, rng: random.Random, count: int) -> list[str]:
        """Return some words that follow one another in a text."""
        tokens = self._corpora[rng.choice(("en", "en_ui"))].draw(rng).split()
        words = [token.strip("\"'`") for token in tokens]
        words = [word for word in words if word.isascii() and any(map(str.isalnum, word))]
        start = rng.randint(0, max(0, len(words) - count))
        return words[start : start + count] or [self.word(rng)]

    def chinese(self, rng: random.Random, least: int = 2, most: int = 8) -> str:
        """Return a Chinese word, a few of them, or the beginning of an interface's text."""
        length = rng.randint(least, most)
        if rng.random() < 0.3:
            line = ideographs(self._corpora["zh_ui"].draw(rng))
            if len(line) >= least:
                return line[:length]
        words = ""
        for _ in range(length):
            words += ideographs(self._corpora["zh_words"].draw(rng))
            if len(words) >= length:
                break
        return words[: max(length, 1)] or "名称"

    def clause(self, rng: random.Random, length: int) -> str:
        """Return a piece of prose that holds a sign of punctuation, where one was met."""
        piece = ""
        for _ in range(4):
            line = self._corpora["zh"].draw(rng)
            start = rng.randrange(max(1, len(line) - length))
            piece = line[start : start + length].strip()
            if any(c in "，。；：、！？,.;:" for c in piece):
                break
        return piece or "，"


def _cased(rng: random.Random, words: list[str]) -> list[str]:
    chance = rng.random()
    if chance < 0.55:
        return [word.upper() for word in words]
    return [word.capitalize() for word in words] if chance < 0.75 else words


def name(rng: random.Random, words: Lexicon) -> str:
    """Give a name as programs, data sets and methods have: `GraphNet`, `seg-net`, `CoDaSR`, `BNT2`."""
    parts = [words.word(rng, 2, 7) for _ in range(rng.choice((1, 2, 2, 3)))]
    chance = rng.random()
    if chance < 0.3:
        text = "".join(part.capitalize() for part in parts)
    elif chance < 0.5:
        text = "".join(part[: rng.randint(2, 4)].capitalize() for part in parts[:2])
        text += "".join(rng.choices(_LETTERS, k=rng.randint(1, 4)))
    elif chance < 0.7:
        text = rng.choice("--_").join(parts)
    else:
        text = "".join(rng.choices(_LETTERS, k=rng.randint(2, 6)))
    return text + (rng.choice(("", "-", "v", " ")) + str(rng.randint(1, 20)) if rng.random() < 0.2 else "")


def inside(rng: random.Random, words: Lexicon) -> str:
    """Give the English that stands in the brackets of a label: `BATCH NO.`, `NAME&CODE`, `creatine,CK`."""
    if rng.random() < 0.12:
        return name(rng, words)
    parts = [words.word(rng) for _ in range(rng.choice((1, 1, 1, 2, 2, 2, 3, 4)))]
    if rng.random() < 0.15:
        parts.append(rng.choice(phrases.ENGLISH_SIGNS))
    parts = _cased(rng, parts)
    joint = rng.choice(("", "", " ", " ", " ", " ", "&", " & ", "-", ".", "/", ",", ", "))
    text = joint.join(parts)
    chance = rng.random()
    if chance < 0.12:
        text += rng.choice(("NO.", " NO.", " No.", "No.", "."))
    elif chance < 0.2:
        text += rng.choice((",", ", ", "，")) + "".join(rng.choices(_LETTERS, k=rng.randint(2, 4)))
    elif chance < 0.28:
        text += rng.choice((",", ", ", "，", " ")) + str(rng.randint(1950, 2030))
    elif chance < 0.33:
        text += str(rng.randint(1, 99))
    return text


def bilingual(rng: random.Random, words: Lexicon) -> str:
    """Give a Chinese label with English in brackets, with or without what follows it."""
    label = rng.choice(phrases.FIELDS) if rng.random() < 0.3 else words.chinese(rng, 2, 7)
    if rng.random() < 0.07:
        label += rng.choice("&/、") + words.chinese(rng, 2, 4)
    pairs, weights = zip(*_BRACKETS, strict=True)
    brackets: str = rng.choices(pairs, weights)[0]
    text = label + rng.choice(("", "", "", "", "", " ")) + brackets[0] + inside(rng, words) + brackets[1]
    chance = rng.random()
    if chance < 0.25:
        text += rng.choice(":：")
    elif chance < 0.45:
        value = rng.choice((phrases.digits(rng, 2, 9), words.chinese(rng, 2, 5), phrases.date(rng)))
        text += rng.choice(("", "", ":", "：", ": ", " ")) + value
    return text


def citation(rng: random.Random, words: Lexicon) -> str:
    """Give an author, a year and a method, as papers cite them."""
    author = words.word(rng, 3, 8).capitalize() if rng.random() < 0.5 else phrases.person(rng)
    comma, (opened, closed) = rng.choice((",", ",", "，", ", ")), rng.choice(("()", "()", "（）", "[]"))
    year = rng.randint(1985, 2030)
    return rng.choice(
        (
            f"{author}等{comma}{year}{opened}{name(rng, words)}{closed}",
            f"等{comma}{year}{opened}{name(rng, words)}{closed}",
            f"{author}等人{opened}{year}{closed}",
            f"{author} et al.{comma}{year}",
            f"{opened}{author}{comma}{year}{closed}{words.chinese(rng, 2, 6)}",
        )
    )


def referring(rng: random.Random, words: Lexicon) -> str:
    """Give a piece of a sentence with references, as encyclopedias have them: `are rare.[12][5] The`."""
    chinese = rng.random() < 0.3
    front, rear = (
        words.clause(rng, rng.randint(4, 14))
        if chinese
        else " ".join(words.english(rng, rng.choice((1, 2, 2, 3))))
        for _ in "ab"
    )
    marks = "".join(f"[{rng.randint(1, 199)}]" for _ in range(rng.choice((1, 1, 2, 3))))
    end = rng.choice("。，") if chinese else rng.choice((".", ".", ",", ""))
    return (
        front.rstrip(".,，。 ")
        + end
        + marks
        + rng.choice(("", "" if chinese else " "))
        + rng.choice(("", rear))
    )


def header(rng: random.Random, words: Lexicon) -> str:
    """Give the head or the foot of a page: its number between dots or dashes, or beside a title."""
    number = str(rng.randint(1, 999))
    around = rng.choice(("··", "··", "··", "--", "——", "  ", "()", "//"))
    text = around[0] + rng.choice(("", "", " ")) + number + rng.choice(("", "", " ")) + around[1]
    title = words.chinese(rng, 3, 8) if rng.random() < 0.6 else " ".join(words.english(rng, 3))
    return rng.choice((text, f"{text}  {title}", f"{title}  {text}", f"{text}{title}")).strip()


def stuck(rng: random.Random, words: Lexicon) -> str:
    """Give Latin words that stand in Chinese without blanks, or captions of English, mostly without any."""
    chance = rng.random()
    if chance < 0.25:
        front = rng.choice(("Fig.", "Fig", "Table", "Figure", "Tab.", "Eq.", "图", "表", "Sec.", "No."))
        sentence = words.english(rng, rng.randint(1, 4))
        mark, blank = rng.choice(("", "", ".", ":")), rng.choice(("", "", " "))
        return f"{front}{blank}{rng.randint(1, 20)}{mark}{blank}{blank.join(sentence).capitalize()}"
    foreign = name(rng, words) if chance < 0.65 else "".join(_cased(rng, [words.word(rng)]))
    front = rng.choice(("", words.chinese(rng, 1, 6), f"{name(rng, words)}{rng.choice('，,、')}在"))
    return front + foreign + rng.choice(("", "", "，", ",", "、", "(")) + words.chinese(rng, 1, 7)


def short(rng: random.Random, words: Lexicon) -> str:
    """Give a name of letters and digits, alone or among words: `B12`, `A4纸`, `CO2、H2O`, `Vitamin-D3`."""
    chance = rng.random()
    if chance < 0.3:
        text = rng.choice(phrases.SHORT_NAMES)
    elif chance < 0.85:
        letters = rng.choice(_LETTERS) + (rng.choice(_LETTERS) if rng.random() < 0.25 else "")
        text = letters + str(rng.randint(0, 9) if rng.random() < 0.8 else rng.randint(10, 40))
    else:
        text = str(rng.randint(1, 9)) + rng.choice("BCDEFGHKMTX")
    chance = rng.random()
    if chance < 0.35:
        return text
    if chance < 0.45:
        return words.word(rng, 3, 8).capitalize() + rng.choice("-- /") + text
    if chance < 0.55:
        return f"{text}{rng.choice('=:：>')}{phrases.number(rng)}"
    if chance < 0.65:
        return text + rng.choice(("、", "/", ", ", "，", "和")) + rng.choice(phrases.SHORT_NAMES)
    front = "" if chance < 0.85 else words.chinese(rng, 1, 6)
    joint = rng.choice(("", "", "", "，", ",", "、"))
    return front + text + joint + rng.choice(_LINKS) + words.chinese(rng, 1, 7)


def priced(rng: random.Random, words: Lexicon) -> str:
    """Give a label with the sign of money behind it, whose sum stands elsewhere: `合计￥`."""
    return words.chinese(rng, 1, 5) + rng.choice(("", "价", "价", "金额")) + rng.choice("￥￥¥¥$€")


def capitals(rng: random.Random, words: Lexicon) -> str:
    """Give English in capitals, with or without blanks."""
    chosen = words.english(rng, rng.randint(1, 6))
    return rng.choice((" ", " ", " ", " ", " ", "")).join(chosen).upper()[:44].strip()


_LABELS: dict[Callable[[random.Random, Lexicon], str], float] = {
    bilingual: 52,
    stuck: 20,
    capitals: 18,
    citation: 10,
    referring: 12,
    header: 6,
    short: 14,
    priced: 3,
}


def label(rng: random.Random, words: Lexicon) -> str:
    """Give a label of any of these kinds."""
    return phrases.weighted(rng, _LABELS)(rng, words)


def sign(rng: random.Random, words: Lexicon) -> str:
    """Give what a sign says: one English word mostly, or the name of a shop in two to eight characters."""
    chance = rng.random()
    if chance < 0.62:
        found = [words.word(rng, 3, 10) for _ in range(1 if rng.random() < 0.88 else 2)]
        casing = rng.random()
        text = " ".join(found)
        return text.upper() if casing < 0.38 else text.title() if casing < 0.6 else text
    if chance < 0.72:
        return rng.choice(phrases.SIGNS) + (rng.choice(phrases.SIGNS) if rng.random() < 0.3 else "")
    if chance < 0.86:
        brand = "".join(rng.choices(phrases.GIVEN + phrases.SURNAMES, k=rng.choice((2, 2, 3))))
        return (
            brand
            + rng.choice((*phrases.TRADES, *phrases.SHOPS))
            + rng.choice(("", "", rng.choice(phrases.SHOPS)))
        )
    return words.chinese(rng, 2, 8)
