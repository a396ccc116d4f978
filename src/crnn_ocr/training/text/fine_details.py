"""Generates texts of which the smallest parts tell what they say: thin letters, size, dashes, boxes, code.

`ll` and `rn` are lost or joined where print is narrow; `c` and `C` differ in size alone; a box before a word
is ticked or not; a rule that is to be written on is no letter. Every function takes a generator of random
numbers and a `Lexicon` and gives one text.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable

from crnn_ocr.training.text import number_texts, phrases
from crnn_ocr.training.text.bilingual_labels import Lexicon
from crnn_ocr.training.text.phrases import listed

Maker = Callable[[random.Random, Lexicon], str]

THIN = listed("ll ii rn fi fl tt il li ff lt ti it ri ffi ill tli nn mm ij jj")
"""Letters that stand close and are lost, doubled or joined."""
_THIN = re.compile("|".join(sorted(THIN, key=len, reverse=True)))
ALIKE = "cosuvwxz"
"""Small letters that their capitals resemble, but for the size."""
BOXES = "□□□☐☐■☑☑☒✓√●○○◎"
ANSWERS = listed(
    """是 否 有 无 男 女 同意 不同意 已婚 未婚 合格 不合格 正常 异常 其他 初诊 复诊
Yes No Agree Male Female Other New Paid"""
)
RULE = "____"
"""At least so many underscores are a blank to be filled in: a rule, and no text (see `label_of`)."""
_RULE = re.compile(f"{RULE}+")


def label_of(text: str) -> str:
    """Return what a drawn text says: the rule of a blank to be filled in (`Name: ______`) says nothing."""
    return " ".join(_RULE.sub(" ", text).split()) if RULE in text else text


def thin(rng: random.Random, words: Lexicon) -> str:
    """Return words with thin or doubled letters, `million` or `skill`, or some that are made up of them."""
    found: list[str] = []
    for _ in range(40):
        word = words.word(rng, 3, 12)
        if _THIN.search(word):
            found.append(word)
        if len(found) == 3:
            break
    if not found or rng.random() < 0.25:
        letters = (*THIN, *"aeounm")
        return "".join(rng.choices(letters, k=rng.randint(2, 6)))
    text = " ".join(found[: rng.randint(1, 3)])
    chance = rng.random()
    return text.capitalize() if chance < 0.3 else text.upper() if chance < 0.42 else text


def case(rng: random.Random, words: Lexicon) -> str:
    """Return letters whose case only their size tells, beside others that show it: `Vv`, `cOs 7`, `WoSC`."""
    chance = rng.random()
    if chance < 0.35:
        letter = rng.choice(ALIKE)
        pair = rng.choice(
            (f"{letter.upper()}{letter}", f"{letter}{letter.upper()}", f"{letter.upper()} {letter}")
        )
        return pair + rng.choice(("", "", "hd", " = 1", f" {rng.choice(ALIKE).upper()}{rng.choice(ALIKE)}"))
    if chance < 0.6:
        made = "".join(rng.choice((c, c.upper())) for c in rng.choices(ALIKE, k=rng.randint(2, 6)))
        anchor = rng.choice(("h", "d", "b", "A", "E", "1", "7", "国", "H"))
        return rng.choice((anchor + made, made + anchor))
    word = words.word(rng, 3, 9)
    for _ in range(20):
        if sum(c in ALIKE for c in word) * 2 >= len(word):
            break
        word = words.word(rng, 3, 9)
    return rng.choice(
        (word, word.capitalize(), word.upper(), word[0] + word[1:].capitalize(), word.swapcase())
    )


def dashed(rng: random.Random, words: Lexicon) -> str:
    """Return Chinese with dashes or dots between or behind it: `北京—上海`, `还没说完——`, `等等……`."""
    parts = [words.chinese(rng, 1, 6) for _ in range(rng.choice((1, 2, 2, 3)))]
    mark = rng.choice(("——", "——", "—", "—", "……", "…", "–", "-", "～", "~", "·"))
    text = mark.join(parts)
    chance = rng.random()
    if chance < 0.3:
        text += rng.choice(("——", "……", "。", "——！", "…"))
    elif chance < 0.4:
        text = rng.choice(("——", "—", "……")) + text
    return text if len(parts) > 1 or not chance > 0.4 else text + mark


def ticked(rng: random.Random, words: Lexicon) -> str:
    """Return boxes and discs, full and empty, before words: `☑ 同意 □ 不同意`, `● 是 ○ 否`."""
    front = "" if rng.random() < 0.6 else words.chinese(rng, 2, 5) + rng.choice(("", ":", "：", " "))
    box, blank = (
        rng.choice(("□☑", "□■", "☐☑", "○●", "□√", "☐☒", "○◎", "□✓", BOXES)),
        rng.choice(("", " ", " ")),
    )
    gap = rng.choice((" ", " ", "  ", ""))
    count = rng.choice((1, 2, 2, 3))
    answers = [rng.choice(ANSWERS) if rng.random() < 0.7 else words.chinese(rng, 1, 4) for _ in range(count)]
    if rng.random() < 0.12:
        return front + gap.join(answer + blank + rng.choice(box) for answer in answers)
    return front + gap.join(rng.choice(box) + blank + answer for answer in answers)


NAMES = listed("{a} {a} {a} {a}_{b} {a}_{b} _{a} __{a}__ {a}_1 {a}_t {A}_{B} {A} {a}{T}")
"""Names in programs: `a` and `b` are words, `A` and `B` the same in capitals, `T` with a capital."""
CODE = listed(
    """if ({a} {r} {n})  if ({a} && !{b}) {{  if (!{a} || {b})  {a} {s} {b};  {a} {s} {n};
{a} = ~{b} {o} {n};  {a}->{b}({n});  {a}.{b}()  {a}[i] = {n};  {a}[{b}][j]
for (i = 0; i < {a}; i++)  return {a} {o} {b};  def {a}({b}, {n}):  #define {a} {n}  {a}::{b}
// {a} {r} {b}  while ({a} {r} {b})  {a} = {b} ? {n} : 0;  {a} | {b}  $ {a} --{b}={n}  {a} {o} {b}
~{a}  !{a}  &{a}  *{a}  {a}{r}{b}  {a}{o}{b}  @{a}  {a};  {a} {s} {a} {o} 1;  ({a} ^ {b}) & {n}
/* {a} */  <{a} {b}="{n}">  {a}: {b};  `{a}`""",
    "  ",
)
"""Lines of programs: `a` and `b` are names, `n` a number or a string, `r` compares, `s` sets, `o` joins."""


def _name(rng: random.Random, words: Lexicon) -> str:
    one, two = (words.word(rng, 2, 7) for _ in "ab")
    return rng.choice(NAMES).format(a=one, b=two, A=one.upper(), B=two.upper(), T=two.capitalize())


def coded(rng: random.Random, words: Lexicon) -> str:
    """Return a piece of a program: `if (a != b && !c) {`, `mask ^= ~0x1f;`, `self._size == n_max`."""
    text = rng.choice(CODE).format(
        a=_name(rng, words),
        b=_name(rng, words),
        n=rng.choice(
            (number_texts.whole(rng, 3), "0", "1", f"0x{rng.randrange(4096):x}", f"'{words.word(rng)}'")
        ),
        r=rng.choice(listed("!= == <= >= < > !== ===")),
        s=rng.choice(listed("= = += -= ^= |= &= *= <<= %= := != ==")),
        o=rng.choice(listed("+ - * / % & | ^ << >> && ||")),
    )
    return text[:46].rstrip()


def to_fill_in(rng: random.Random, words: Lexicon) -> str:
    """Return a label with a rule behind it that is to be written on, or two: `Name: ________`, `共____页`."""
    rule = RULE + "_" * rng.randint(0, 10)
    label = rng.choice(phrases.FIELDS) if rng.random() < 0.5 else words.word(rng, 3, 9).capitalize()
    mark = rng.choice((":", "：", ": ", "", " "))
    chance = rng.random()
    if chance < 0.6:
        return f"{label}{mark}{rule}"
    if chance < 0.75:
        return f"{label}{mark}{rule}{rng.choice('年元页日 ')}"
    return f"{label}{mark}{rule} {words.chinese(rng, 2, 4)}{mark}{rule}"


MAKERS: dict[Maker, float] = {thin: 30, case: 14, dashed: 13, ticked: 16, coded: 19, to_fill_in: 8}


def detail(rng: random.Random, words: Lexicon) -> str:
    """Return a text of any of these kinds."""
    return phrases.weighted(rng, MAKERS)(rng, words)
