"""Generates what corpora lack: numbers, dates, amounts, codes, forms, signs, symbols, look-alikes.

Every function takes a generator of random numbers and gives one short text. Nothing here is real: persons,
companies, phone and account numbers are put together at random.
"""

from __future__ import annotations

import random
import string
import tomllib
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from typing import TypeVar

_WORDS: dict[str, str] = tomllib.loads(
    resources.files(__package__).joinpath("vocabulary.toml").read_text(encoding="utf-8")
)
(
    FIELDS,
    SIGNS,
    ENGLISH_SIGNS,
    PLACES,
    TRADES,
    UNITS,
    COMPANY_ENDS,
    LOOKALIKES,
    WORDS_OF_LOOKALIKES,
    SHOPS,
    SHORT_NAMES,
) = (
    tuple(_WORDS[name].split())
    for name in (
        "fields",
        "signs",
        "english_signs",
        "places",
        "trades",
        "units",
        "company_ends",
        "lookalikes",
        "words_of_lookalikes",
        "shops",
        "short_names",
    )
)
SURNAMES, GIVEN = ("".join(_WORDS[name].split()) for name in ("surnames", "given"))
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
NUMERALS = "零壹贰叁肆伍陆柒捌玖"
UNAMBIGUOUS = "".join(c for c in string.ascii_uppercase if c not in "IOQ") + string.digits * 2
"""Serial numbers avoid letters that look like digits; so a reader may take a round sign for a zero."""
ENUMERATORS = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫"
BULLETS = "●■□◆◇★☆○◎▲△▶√✓✕☑☐※→♥◆•·❖➢▪№"
PAIRS = ("【】", "「」", "《》", "（）", "()", "[]", "“”", '""', "〈〉", "『』", "‘’", "〔〕", "{}", "<>")


T = TypeVar("T")


def weighted(rng: random.Random, weights: Mapping[T, float]) -> T:
    """Draw one of the keys, each as often as its weight says."""
    return rng.choices(tuple(weights), tuple(weights.values()))[0]


def listed(text: str, mark: str = " ") -> tuple[str, ...]:
    """Return the entries of a list that is written with a mark, or an end of line, between any two."""
    return tuple(text.replace("\n", mark).split(mark))


def digits(rng: random.Random, least: int = 1, most: int = 12) -> str:
    """Give a run of digits."""
    return "".join(rng.choices(string.digits, k=rng.randint(least, most)))


def number(rng: random.Random) -> str:
    """Give a number as tables hold it: `509,510,514.92`, `-3.5`, `0.04`, `96`."""
    value = rng.choice((rng.randint(0, 9), rng.randint(0, 999), rng.randint(0, 10 ** rng.randint(3, 11))))
    decimals = rng.choice((0, 0, 1, 2, 2, 2, 3, 4))
    grouped = f"{value:,}" if rng.random() < 0.6 else str(value)
    sign = rng.choice(("", "", "", "", "", "-", "+", "±", "≤", "≥", "<", ">", "≈", "~"))
    return sign + grouped + (f".{rng.randrange(10**decimals):0{decimals}d}" if decimals else "")


def sums(rng: random.Random) -> str:
    """Give one or a few sums as accounts have them, with thousands apart: `5,288,011,738.39`, `1,250.00`."""
    decimals = rng.choice((2, 2, 2, 0))
    values = [10 ** rng.uniform(3, 10) for _ in range(rng.choice((1, 1, 1, 1, 2, 3)))]
    return rng.choice((" ", "  ", "/")).join(f"{value:,.{decimals}f}" for value in values)


def spelt_amount(rng: random.Random) -> str:
    """Give an amount in banker's numerals: `人民币壹万贰仟叁佰元整`."""
    out, started = [], False
    for digit, place in zip(digits(rng, 5, 5), ("万", "仟", "佰", "拾", "元"), strict=True):
        if digit != "0":
            out.append(NUMERALS[int(digit)] + place)
            started = True
        elif place == "元" and started:
            out.append("元")
    text = "".join(out) or "零元"
    tail = rng.choice(
        (
            "整",
            "正",
            f"{rng.choice(NUMERALS[1:])}角",
            f"{rng.choice(NUMERALS[1:])}角{rng.choice(NUMERALS[1:])}分",
        )
    )
    return rng.choice(("", "", "人民币", "⊗", "（大写）")) + text + tail


def amount(rng: random.Random) -> str:
    """Give a price or a sum."""
    value = number(rng).lstrip("-+±≤≥<>≈~")
    if rng.random() < 0.15:
        return spelt_amount(rng)
    front = rng.choice(("￥", "¥", "¥ ", "$", "€", "£", "RMB ", "US$", "HK$", "人民币", ""))
    return (
        front
        + value
        + (
            rng.choice(("元", "元/件", "万元", "亿元", "起", "/kg", "/斤", "元整", "円"))
            if rng.random() < 0.5
            else ""
        )
    )


def percentage(rng: random.Random) -> str:
    """Give a percentage or per mille."""
    return f"{rng.uniform(0, 120):.{rng.choice((0, 1, 2, 4))}f}" + rng.choice(
        ("%", "%", "%", "％", "‰", " %")
    )


def date(rng: random.Random) -> str:
    """Give a date, a time of day, or both."""
    year, month, day = rng.randint(1949, 2035), rng.randint(1, 12), rng.randint(1, 31)
    hour, minute, second = rng.randint(0, 23), rng.randint(0, 59), rng.randint(0, 59)
    days = (
        f"{year}年{month}月{day}日",
        f"{year}-{month:02d}-{day:02d}",
        f"{year}/{month:02d}/{day:02d}",
        f"{day:02d}/{month:02d}/{year}",
        f"{year}.{month}.{day}",
        f"{year}{month:02d}{day:02d}",
        f"{month}月{day}日",
        f"{year}年第{rng.choice('一二三四')}季度",
        f"{year % 100:02d}-{month:02d}-{day:02d}",
        f"{rng.choice(MONTHS)} {day}, {year}",
        f"{day:02d}{rng.choice(MONTHS).upper()}{year % 100:02d}",
        f"星期{rng.choice('一二三四五六日')}",
    )
    times = (
        f"{hour:02d}:{minute:02d}",
        f"{hour:02d}:{minute:02d}:{second:02d}",
        f"{hour}时{minute}分",
        f"{hour % 12}:{minute:02d} {rng.choice(('AM', 'PM'))}",
    )
    return rng.choice((rng.choice(days), rng.choice(times), f"{rng.choice(days)} {rng.choice(times)}"))


def span(rng: random.Random) -> str:
    """Give a range: `155-165`, `12～24`, `1~5`."""
    low = rng.randint(0, 200)
    return f"{low}{rng.choice('-–—~～至/×x')}{low + rng.randint(1, 100)}" + (
        quantity_unit(rng) if rng.random() < 0.3 else ""
    )


def quantity_unit(rng: random.Random) -> str:
    """Give a unit."""
    return rng.choice(UNITS)


def quantity(rng: random.Random) -> str:
    """Give a number with a unit: `-40℃`, `5 mg/dl`, `±0.5mm`."""
    return number(rng) + rng.choice(("", "", " ")) + quantity_unit(rng)


def sum_(rng: random.Random) -> str:
    """Give a sum as school books have it: `2.4×0.2=`."""
    a, b = (
        rng.choice((str(rng.randint(0, 1000)), f"{rng.uniform(0, 10):.{rng.randint(1, 2)}f}")) for _ in "ab"
    )
    sign = rng.choice("+-×÷×÷=<>≤≥≠≈±*/√^∞π∠⊥∥∵∴")
    left = rng.choice((f"{a}{sign}{b}", f"{sign}{b}", f"{a} {sign} {b}", f"({a}{sign}{b})²", f"√{a}"))
    return left + rng.choice(("=", "=", f"={number(rng)}", "", " = ?", "≈"))


def code(rng: random.Random) -> str:
    """Give a serial number, a card number, a licence plate, a version, an identifier."""
    kind = rng.randrange(9)
    if kind == 0:
        return "".join(rng.choices(UNAMBIGUOUS, k=rng.randint(4, 18)))
    if kind == 1:
        return rng.choice(("NO.", "No.", "No:", "№", "NO：", "编号：", "S/N: ")) + digits(rng, 4, 12)
    if kind == 2:
        return " ".join(digits(rng, 4, 4) for _ in range(4)) + digits(rng, 0, 3)
    if kind == 3:
        return (
            rng.choice("京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼")
            + rng.choice(string.ascii_uppercase)
            + rng.choice("··· ")
            + "".join(rng.choices(UNAMBIGUOUS, k=5))
        )
    if kind == 4:
        return rng.choice(("v", "V", "")) + ".".join(digits(rng, 1, 2) for _ in range(rng.randint(2, 4)))
    if kind == 5:
        return "-".join(
            "".join(rng.choices(UNAMBIGUOUS, k=rng.randint(2, 6))) for _ in range(rng.randint(2, 4))
        )
    if kind == 6:
        return digits(rng, 17, 17) + rng.choice(string.digits + "X")
    if kind == 7:
        return "".join(rng.choices("0123456789ABCDEFabcdef", k=rng.randint(6, 24)))
    letters = string.ascii_lowercase.replace("l", "") + (UNAMBIGUOUS[:23] if rng.random() < 0.3 else "")
    return "".join(rng.choices(letters, k=rng.randint(3, 9))) + digits(rng, 0, 4)


def phone(rng: random.Random) -> str:
    """Give a phone number."""
    return rng.choice(
        (
            f"1{rng.choice('3456789')}{digits(rng, 9, 9)}",
            f"0{digits(rng, 2, 3)}-{digits(rng, 7, 8)}",
            f"400-{digits(rng, 3, 3)}-{digits(rng, 4, 4)}",
            f"+86 1{digits(rng, 2, 2)} {digits(rng, 4, 4)} {digits(rng, 4, 4)}",
            f"({digits(rng, 3, 3)}) {digits(rng, 3, 3)}-{digits(rng, 4, 4)}",
            f"TEL:{digits(rng, 8, 11)}",
        )
    )


def person(rng: random.Random) -> str:
    """Give a Chinese name."""
    return rng.choice(SURNAMES) + "".join(rng.choices(GIVEN, k=rng.choice((1, 2, 2))))


def company(rng: random.Random) -> str:
    """Give the name of a company."""
    brand = "".join(rng.choices(GIVEN + SURNAMES, k=rng.choice((2, 2, 3))))
    place = rng.choice(PLACES) + rng.choice(("", "市", "省", ""))
    return place + brand + rng.choice(TRADES) + rng.choice(COMPANY_ENDS)


def field(rng: random.Random) -> str:
    """Give a field of a form, with or without a value, with or without its English name."""
    label = rng.choice(FIELDS)
    if rng.random() < 0.15:
        label += rng.choice(("({})", "（{}）", "/{}", " {}", "[{}]")).format(rng.choice(ENGLISH_SIGNS))
    if rng.random() < 0.3:
        return label + rng.choice(("", "", ":", "：", " (%)", "(元)", "（元）", "/m", "(吨)"))
    return label + rng.choice((":", "：", ": ", " ", "： ")) + rng.choice(_VALUES)(rng)


def sign(rng: random.Random) -> str:
    """Give one to three words of shops, screens and signs."""
    return rng.choice(("", " ", " ", "，", "·", "/", "｜", "|")).join(
        rng.sample(SIGNS, rng.choice((1, 1, 2, 2, 3)))
    )


def english_sign(rng: random.Random) -> str:
    """Give upper-case English of tickets and signs."""
    return " ".join(rng.choices(ENGLISH_SIGNS, k=rng.choice((1, 1, 2, 3)))) + rng.choice(
        ("", "", "", ":", f" {digits(rng)}")
    )


def address_of_net(rng: random.Random) -> str:
    """Give a URL, an e-mail address, a path or a file name."""

    def word() -> str:
        return "".join(rng.choices(string.ascii_lowercase, k=rng.randint(2, 9)))

    end = rng.choice((".com", ".cn", ".com.cn", ".org", ".net", ".io", ".gov.cn", ".edu.cn"))
    return rng.choice(
        (
            f"https://www.{word()}{end}/{word()}",
            f"http://{word()}{end}",
            f"www.{word()}{end}",
            f"{word()}{digits(rng, 0, 4)}@{word()}{end}",
            f"{word()}_{word()}.{rng.choice(('py', 'txt', 'pdf', 'docx', 'png', 'jpg'))}",
            f"/{word()}/{word()}/{word()}",
            f"C:\\{word().title()}\\{word()}",
            f"--{word()}={digits(rng, 1, 4)}",
            f"@{word()}{digits(rng, 0, 3)}",
            f"#{word()}#",
            f"{word()}({word()}, {digits(rng, 1, 3)})",
            f"{word()}[{digits(rng, 1, 2)}] = {{{word()}}};",
        )
    )


def lookalikes(rng: random.Random) -> str:
    """Give characters that are taken for one another: `未末`; and words that show which is meant: `AI`."""
    if rng.random() < 0.5:
        return rng.choice(("", "", digits(rng, 1, 3), sign(rng))) + rng.choice(WORDS_OF_LOOKALIKES)
    return "".join(rng.choices(rng.choice(LOOKALIKES), k=rng.randint(1, 4)))


_VALUES: Sequence[Callable[[random.Random], str]] = (
    number,
    amount,
    date,
    code,
    phone,
    person,
    company,
    quantity,
    percentage,
    digits,
    sign,
)

GENERATORS: dict[Callable[[random.Random], str], float] = {
    number: 14, sums: 10, amount: 8, percentage: 4, date: 9, span: 4, quantity: 7, sum_: 5, code: 10,
    phone: 4, person: 5, company: 5, field: 22, sign: 12, english_sign: 8, address_of_net: 5, lookalikes: 3,
}  # fmt: skip
"""Generators with their weights."""


def phrase(rng: random.Random) -> str:
    """Give a text of any of the kinds."""
    return weighted(rng, GENERATORS)(rng)


def item(rng: random.Random, text: str) -> str:
    """Put a bullet, a number or brackets to a text, as lists and headings have them."""
    front = (
        lambda: rng.choice(BULLETS) + rng.choice(("", " ")),
        lambda: rng.choice(ENUMERATORS),
        lambda: f"{rng.randint(1, 30)}{rng.choice(('.', '、', ')', '．', '. '))}",
        lambda: f"({rng.randint(1, 20)})",
        lambda: f"（{rng.choice('一二三四五六七八九十')}）",
        lambda: f"{rng.choice('一二三四五六七八九十')}、",
        lambda: f"第{rng.choice('一二三四五六七八九十')}{rng.choice('章节条款回部')} ",
        lambda: (
            rng.choice(("图", "表", "例", "图 ", "表 "))
            + f"{rng.randint(1, 9)}{rng.choice(('', '-1', '.2'))} "
        ),
    )
    if rng.random() < 0.6:
        return rng.choice(front)() + text
    pair = rng.choice(PAIRS)
    cut = rng.randint(1, len(text)) if text else 0
    return pair[0] + text[:cut] + pair[1] + text[cut:]
