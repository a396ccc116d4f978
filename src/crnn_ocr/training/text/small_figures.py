"""Generates what is drawn small: sums with their thousands apart, percentages, pairs, short values, clauses.

In the cells of tables and on screens of former days a comma is a dot with a tail of one grey pixel. Who is to
tell it from a full stop needs to see many of both at that size; see `synth.low_resolution.picture`.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from crnn_ocr.training.text import phrases
from crnn_ocr.training.text.bilingual_labels import Lexicon

_UNITS = (
    "元",
    "起",
    "万",
    "%",
    "股",
    "件",
    "分",
    "米",
    "吨",
    "月",
    "天",
    "次",
    "cm",
    "kg",
    "mm",
    "℃",
    "h",
    "s",
    "G",
)
_SHORT_LABELS = (
    "单位:股",
    "单位:元",
    "单位：万元",
    "合计",
    "小计",
    "其中:",
    "注:",
    "续表",
    "是",
    "否",
    "无",
    "—",
)


def sum_of_money(rng: random.Random) -> str:
    """Give one sum: `7,412,908.50`, `-1,020.00`, `(3,300.15)`, `88.3`."""
    value = 10 ** rng.uniform(0.5, 10)
    text = f"{value:,.{rng.choice((2, 2, 2, 2, 1, 0, 4))}f}"
    chance = rng.random()
    return f"-{text}" if chance < 0.08 else f"({text})" if chance < 0.12 else text


def percent(rng: random.Random) -> str:
    """Give a percentage, mostly with two places."""
    sign, places = rng.choice(("", "", "", "", "-", "+")), rng.choice((0, 1, 2, 2, 2))
    # So small, `%` and `％` differ by a pixel or two, and print has hardly any of the latter beside `0`.
    mark = rng.choice((*["%"] * 15, *[""] * 4, "％"))
    return f"{sign}{rng.uniform(0, 130):.{places}f}{mark}"


def pair(rng: random.Random) -> str:
    """Give two values with a stroke, a dash or a colon between them: `66/48`, `12.5-30.0`, `3:2`."""
    places = rng.choice((0, 0, 0, 1, 2))
    low, high = (f"{rng.uniform(0, rng.choice((10, 100, 1000))):.{places}f}" for _ in "ab")
    return f"{low}{rng.choice(('/', '/', '/', '-', '~', ':', '×'))}{high}"


def short(rng: random.Random) -> str:
    """Give two to six characters: a value with its unit, a short label."""
    chance = rng.random()
    if chance < 0.12:
        return rng.choice(_SHORT_LABELS)
    if chance < 0.32:
        return rng.choice(phrases.FIELDS)[:4] + rng.choice(("", "", ":", "："))
    value = f"{rng.uniform(0, rng.choice((10, 100, 100, 1000))):.{rng.choice((0, 1, 1, 2, 2))}f}"
    return (
        rng.choice(("", "", "", "", "¥", "￥", "-", "<", "±"))
        + value
        + (rng.choice(_UNITS) if rng.random() < 0.45 else "")
    )


_VALUES: dict[Callable[[random.Random], str], float] = {
    sum_of_money: 45, percent: 14, pair: 10, short: 16, phrases.date: 6, phrases.number: 9,
}  # fmt: skip


def value(rng: random.Random) -> str:
    """Give a value of any of these kinds."""
    return phrases.weighted(rng, _VALUES)(rng)


def figure(rng: random.Random, words: Lexicon) -> str:
    """Give a line of values, a label with its value, or a clause with its punctuation."""
    chance = rng.random()
    if chance < 0.42:
        return value(rng)
    if chance < 0.6:
        joint = rng.choice((" ", " ", "  ", "/", "; ", "，"))
        return joint.join(value(rng) for _ in range(rng.choice((2, 2, 3, 4))))
    if chance < 0.76:
        return words.chinese(rng, 2, 8) + rng.choice((":", "：", "", " ", "；", ";")) + value(rng)
    return words.clause(rng, rng.randint(6, 26))
