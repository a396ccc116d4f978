"""Generates numbers of every make: digits and the signs among them, alone in their cell or among words.

A reader that has seen few of a kind reads it as one that it knows: `102-2` became `1022`, `2.5` became `25`,
`11:11:11` became `1111`, and it was sure of each. So no sign and no repeated digit may be unlikely here: half
of the numbers are of one or two digits alone, and a sign may stand between any two. Every function takes a
generator of random numbers and gives one text.
"""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable

from crnn_ocr.training.text import phrases
from crnn_ocr.training.text.bilingual_labels import Lexicon
from crnn_ocr.training.text.phrases import listed

CURRENCIES = listed("¥|¥|￥|$|$|€|£|₩|₹|¥ |$ |€ |£ |US$|HK$|NT$|RMB |USD ", "|")
BEHIND = listed(" €|€| EUR| USD| CNY|元|元| 元|万元| 万元|亿元|元/月|/kg|元起", "|")
SIGNS = "-–—/×√✓*+±=~～%#…↑↓"
"""What a cell may hold by itself, beside a digit."""
FEW = listed("--|---|...|——|//|**|N/A|0.0|00|00.00|-0|+1|-1|1.|1)|(1)|-/-|0/0|1-1|1/1|1:1|0.|×1|-.-", "|")
"""What it may hold of two or more."""
RAISED = str.maketrans("0123456789-+", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺")
IONS = listed("Na⁺|K⁺|Cl⁻|OH⁻|H⁺|Fe³⁺|Fe²⁺|Ca²⁺|Mg²⁺|Cu²⁺|Zn²⁺|Al³⁺|SO₄²⁻|CO₃²⁻|NH₄⁺|NO₃⁻", "|")
FORMULAS = listed(
    "CO₂|H₂O|H₂SO₄|O₂|N₂|NH₃|CH₄|Fe₂O₃|SiO₂|Al₂O₃|CaCO₃|C₆H₁₂O₆|PM₂.₅|NO₂|SO₂|H₂O₂|x₁|x₂|a₁₀", "|"
)
POWERS = listed("m²|m³|cm²|km²|kg/m³|m/s²|cm³|dm³|W/m²|a²+b²=c²|x²|x³|r²|R²|πr²|s⁻¹|mm²|kg/m²|2⁸", "|")

TIMES = listed(
    """####-##-##|####-##-##|####/##/##|####.##.##|####.#.#|####-#-##|##/##/####|##.##.####|##-##-####|##/##/##
##-##-##|####-##|####/##|##/##|##-##|########|####年#月##日|####年##月#日|#### 年 # 月 ## 日|#月##日
####年|####年##月|## & ####|& ##, ####|##-&-##|# & ####|& ####|####-####|Q# ####|##:##|##:##|##:##:##
##:##:##|#:##|##:##:##.#|##:##:##.###|#:##:##|##：##|#:## AM|##:## PM|##:##-##:##|##:## - ##:##|##时##分
##.## h|##'##"|####-##-## ##:##:##|####-##-## ##:##|####/#/## #:##|####-##-##T##:##:##|##:##:## ##/##/##
####.##.## ##:##|##h ##min|## 年 ## 个月""",
    "|",
)
"""Spellings of dates and times; `#` is any digit, `&` a month. They need not be of this world."""
GROUPS = listed(
    """### #### ####|###-####-####|###-###-####|###-####|####-####|#### ####|#### #### #### ####
#### #### #### #### ###|####-####-####-####|###-########|####-#######|###-##-####|#-###-###-####
## ### ###|## ## ## ## ##|######-####|+## ## #### ####|+## ### #### ####|(###) ###-####|(###)########
##### #####|##.###.###|#.###.###|### ### ###|####–####|###/###/###|###-########-###|### ### x##
####-######转##|###-### ####|#####-####""",
    "|",
)
"""Numbers of phones, cards, accounts and towns."""
CODES = listed(
    """###-#|###-##|##-##|#-#|####-#|###-###|#/##|##/#|##/##|#.#.#|#.#.##|##.#.#.#|#-#-#|##-##-##|#.#-#|###.#/#
@-#|@@-##|@@@-###|@@-####-##|@@@###|@#|@##-#|@@/###/##|@@.##.#|@@ ### @|###@|##@##|#@-##|@@@ #####|@-#/#
V#.#|v#.#.#|v#.##.#|#.##.###|##.#.####|#.#.#-#|Ver. #.#|###.###.#.#|##.#.#.###|###.##.###.##
##.##.#.#/##|###.#.#.#:####|##°##′##″@|##.####°|##.##°@|##.######, ###.######|-##.####, ##.####|(##, ##)
(#, #)|(#.#, #.#)|[#, ##]|#:#|##:#|#:##|##:##|# : #|#：#|##×##|## × ##|##x##|###*###|##×##×##|#/#|#/#
##/##|# #/#|#½|¼|½|¾|##¼|No. #####|No.####|NO.########|№ ###|INV-####-####|#### #### @@|#####|編號：####
编号：######|S/N ########|ID: #####|订单号:############|票号 ########|Ref. ####/##|#-##-######-#
978-#-###-#####-#|GB/T ####.#-####|ISO ####-#:####|§ #.#|#.#.#.#|(#)|[##]|#)|#.|# / #|# of ##""",
    "|",
)
"""Codes of articles, versions, invoices, places on the net and on the globe, ratios; `@` is a letter."""
COUNTED = listed(
    """第 # 阶段|第#页|第 # 章|第##条|共 # 篇|共##页|# 个|##人|# 次|#.|##、|(#)|第 # 階段|## 歲|表 #|图 #
（#）|##|#|第 ## 页 共 ## 页|## 号楼|#-# 年级|约 ## %|达 ##%|为 #.# 倍|第 # 階段與第 # 階段|#/# 页
增长 #.#%|降至 ##.#℃|№ #|# 年|# 分钟""",
    "|",
)
"""Words with a number in the midst, as Chinese counts."""

_PLACES = re.compile("#+|[@&]")


def pool(rng: random.Random) -> str:
    """Return the digits that a number is made of: any, or, half of the time, one or two values alone."""
    chance = rng.random()
    if chance < 0.2:
        return rng.choice(("1", "1", "0", rng.choice(string.digits)))
    return "".join(rng.choices("1" + string.digits, k=2)) if chance < 0.5 else string.digits


def run(rng: random.Random, least: int, most: int | None = None, of: str = "") -> str:
    """Return so many digits `of` these, or of a pool of their own."""
    count = rng.randint(least, least if most is None else most)
    return "".join(rng.choices(of or pool(rng), k=count))


def filled(pattern: str, rng: random.Random) -> str:
    """Return a pattern with digits for every `#`, a capital for every `@`, and a month for `&`.

    Half of the time all of its digits are of one pool, which makes `11:11:11` as likely as `11:40:26`.
    """
    values = pool(rng) if rng.random() < 0.5 else ""

    def fill(found: re.Match[str]) -> str:
        place = found[0]
        if place == "@":
            return rng.choice(phrases.UNAMBIGUOUS[:23])
        return rng.choice(phrases.MONTHS) if place == "&" else run(rng, len(place), of=values)

    return _PLACES.sub(fill, pattern)


def whole(rng: random.Random, most: int = 9, of: str = "") -> str:
    """Return a whole number of at most so many digits, without leading zeros."""
    return run(rng, 1, most, of).lstrip("0") or "0"


def grouped(digits: str, mark: str = ",") -> str:
    """Return digits with a mark between the thousands: `12,000,000`."""
    first = len(digits) % 3 or 3
    return mark.join((digits[:first], *(digits[at : at + 3] for at in range(first, len(digits), 3))))


def decimal(rng: random.Random) -> str:
    """Return a number with up to six places: `2.5`, `20.0000`, `1,111.11`, `0.00031`, `.75`, `1.234,56`."""
    values = pool(rng)
    text = whole(rng, rng.choice((1, 1, 2, 2, 3, 4, 5, 6, 9)), values)
    point, mark = (".", ",") if rng.random() < 0.95 else (",", rng.choice((".", " ", "'")))
    if len(text) > 3 and rng.random() < 0.65:
        text = grouped(text, mark)
    places = rng.choice((0, 1, 1, 2, 2, 2, 2, 3, 4, 4, 5, 6))
    fraction = run(rng, places, of=values)
    chance = rng.random()
    if places > 2 and chance < 0.35:  # of these the last zeros were lost
        fraction = fraction[: rng.randint(0, 2)].ljust(places, "0")
    elif places > 2 and chance < 0.5:
        fraction = fraction[: rng.randint(1, 2)].rjust(places, "0")
    if places and rng.random() < 0.12:
        text = rng.choice(("0", "0", "0", ""))
    return text + (point + fraction if places else "")


def signed(rng: random.Random) -> str:
    """Return a number with a sign before it, with one of comparison, or in the brackets of accounts."""
    text = decimal(rng)
    if rng.random() < 0.12:
        return f"({text})"
    return rng.choice(listed("-|-|-|-|+|±|<|>|≤|≥|≈|~|- |+ |≥ |< |±", "|")) + text


def money(rng: random.Random) -> str:
    """Return a sum with its currency before it, behind it, or both."""
    front, rear = rng.choice(("", "", "", "-")) + rng.choice(CURRENCIES), rng.choice(BEHIND)
    chance = rng.random()
    return (front if chance < 0.6 else "") + decimal(rng) + (rear if chance > 0.5 else "")


def percent(rng: random.Random) -> str:
    """Return a percentage or per mille, half-width mostly: many Latin faces draw `%` as wide as `％`."""
    front = rng.choice(("", "", "", "", "-", "-", "+", "±", "≥", "<"))
    return front + decimal(rng) + rng.choice((*["%"] * 16, " %", "‰", "‰", "％", "%以上", "%左右", "% vol"))


def spread(rng: random.Random) -> str:
    """Return a range or a value with its tolerance: `155-165`, `3.5 ± 0.2`, `10~20`, `1.5–2.5 mm`."""
    places = rng.choice((0, 0, 0, 1, 2))
    low, high = (whole(rng, 4) + (f".{run(rng, places)}" if places else "") for _ in "ab")
    text = low + rng.choice(listed("-|-|-|–|—|~|～| - | – |±| ± |至| to |/|→", "|")) + high
    return text + (rng.choice(("", " ")) + phrases.quantity_unit(rng) if rng.random() < 0.25 else "")


def exponent(rng: random.Random) -> str:
    """Return a number with an exponent, or what is raised or lowered: `1.2E-38`, `3.5×10⁴`, `CO₂`, `m²`."""
    chance = rng.random()
    mantissa = whole(rng, 1) + (f".{run(rng, 1, 4)}" if rng.random() < 0.75 else "")
    if chance < 0.45:
        return f"{mantissa}{rng.choice('EEEe')}{rng.choice(('-', '-', '+', ''))}{run(rng, 1, 3)}"
    power = (rng.choice(("", "", "-")) + whole(rng, rng.choice((1, 1, 2)))).translate(RAISED)
    if chance < 0.72:
        return (
            mantissa
            + rng.choice(listed("×|×| × |·", "|"))
            + "10"
            + power
            + rng.choice(listed("||| J| Pa| mol/L|/L| kg|个", "|"))
        )
    if chance < 0.78:
        return rng.choice(("2", "10", "x", "n", "a", "e", "y")) + power + rng.choice(("", "", "=", "+1"))
    if chance < 0.86:
        return rng.choice(listed("、|+| + |, |→", "|")).join(
            rng.sample(FORMULAS, rng.choice((1, 1, 1, 2, 3)))
        )
    if chance < 0.92:
        return "、".join(rng.sample(IONS, rng.randint(1, 4)))
    return rng.choice(("", decimal(rng), f"{decimal(rng)} ")) + rng.choice(POWERS)


def mixture(rng: random.Random) -> str:
    """Return one to five runs of digits with any signs between them, before and behind."""
    text = run(rng, 1, 4)
    for _ in range(rng.randint(0, 4)):
        text += rng.choice(listed(".|.|.|,|,|-|-|:|/| |+|=|*|×|·|(|)|%|'|~|--|..|x|#|. |, ", "|")) + run(
            rng, 1, 4
        )
    ends = rng.choice(listed("||||||||-|+|.|(|#|*|$", "|")), rng.choice(listed("||||||||-|%|.|)|*|+|,", "|"))
    return ends[0] + text + ends[1]


def lone(rng: random.Random) -> str:
    """Return what a cell holds where there is little to say: a digit, a sign, two or three of them."""
    chance = rng.random()
    if chance < 0.4:
        return rng.choice(string.digits + "1107")
    if chance < 0.55:
        return run(rng, 2, 3)
    return rng.choice(SIGNS if chance < 0.85 else FEW)


def equation(rng: random.Random) -> str:
    """Return a sum or an equation."""
    blank, text = rng.choice(("", "", " ")), whole(rng, 4)
    for _ in range(rng.randint(1, 3)):
        number = decimal(rng) if rng.random() < 0.4 else whole(rng, 3)
        text += f"{blank}{rng.choice('+-×÷=*/<>≤≥≠')}{blank}{number}"
    return text + rng.choice(("", "", f"{blank}=", f"{blank}={blank}{whole(rng, 4)}"))


def moment(rng: random.Random) -> str:
    """Return a date, a time, or both, in any spelling; every third is of this world."""
    return phrases.date(rng) if rng.random() < 0.35 else filled(rng.choice(TIMES), rng)


def coded(rng: random.Random) -> str:
    """Return a code, a version, an address of the net, a place on the globe, a ratio, a fraction."""
    return filled(rng.choice(CODES), rng)


def in_groups(rng: random.Random) -> str:
    """Return the number of a phone, a card or an account."""
    return filled(rng.choice(GROUPS), rng)


MAKERS: dict[Callable[[random.Random], str], float] = {
    decimal: 22, signed: 10, money: 9, percent: 9, spread: 6, exponent: 7, moment: 11, in_groups: 8,
    coded: 15, mixture: 9, lone: 8, equation: 4,
}  # fmt: skip
"""What makes numbers, with weights."""


def value(rng: random.Random) -> str:
    """Return a number of any kind by itself."""
    return phrases.weighted(rng, MAKERS)(rng)


def among(rng: random.Random, words: Lexicon) -> str:
    """Return a number with words of either language before it, behind it, or around it."""
    blank, chance = rng.choice(("", "", " ")), rng.random()
    if chance < 0.3:
        return filled(rng.choice(COUNTED), rng) + blank + words.chinese(rng, 2, 8)
    if chance < 0.6:
        front = words.chinese(rng, 2, 7) + rng.choice(listed("|| |:|：|为|约|, ", "|"))
        return front + value(rng) + rng.choice(listed("||| |,|，|。|；", "|")) + words.chinese(rng, 1, 6)
    front, rear = (" ".join(words.english(rng, rng.randint(1, 3))) for _ in "fr")
    number = value(rng)
    return rng.choice(
        (f"{front} {number}", f"{front} {number} {rear}", f"{number} {rear}", f"{front}: {number}")
    )


def number(rng: random.Random, words: Lexicon) -> str:
    """Return a number alone (mostly), a few as in a row of a table, or one among words."""
    chance = rng.random()
    if chance < 0.7:
        return value(rng)
    if chance < 0.8:
        few = [decimal(rng) for _ in range(rng.choice((2, 2, 3, 4)))]
        return rng.choice((" ", " ", "  ", ", ", "; ")).join(few)
    return among(rng, words)
