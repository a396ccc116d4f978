"""Tell which texts of a table are numbers, shares, money or dates, and how a spreadsheet shows them.

Only what can be shown again as it was printed becomes a value. What may be a code stays text: leading zeros,
more digits than a spreadsheet keeps, many digits without separators, hyphens between digits.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

#: The sign before the decimals.
DecimalSign = Literal[".", ","]

#: A spreadsheet keeps 15 significant digits (IEEE 754 doubles).
_MOST_DIGITS = 15
#: Digits without separators from which a whole number is rather a code: mobile numbers of China have 11,
#: barcodes 13, cards 16; people group the digits of amounts as long as that.
_CODE_DIGITS = 11
#: Excel counts days from 1900 and takes that year for a leap year, so earlier days are one off.
_FIRST_DAY = dt.date(1900, 3, 1)

#: Signs of full width, other minus signs and blanks become plain ones; superscripts stay what they are.
_PLAIN = str.maketrans(
    "".join(map(chr, range(0xFF01, 0xFF5F))) + "−–‐‑\xa0\u202f\u2009\u3000￥",
    "".join(map(chr, range(0x21, 0x7F))) + "----    ¥",
)

_CURRENCIES = r"HK\$|US\$|NT\$|CN¥|RMB|CNY|USD|EUR|GBP|HKD|JPY|CHF|[¥$€£₩₹]"
_UNITS = rf"{_CURRENCIES}|元"
_AMOUNT = re.compile(
    rf"(?P<open>\()?(?P<sign>[-+])?\s?(?P<before>{_CURRENCIES})?(?P<gap>\s?)(?P<inner>[-+])?"
    rf"(?P<digits>[0-9][0-9.,' ]*)(?P<space>\s?)(?P<after>%|{_UNITS})?(?P<close>\))?"
)
_DATES = (
    (re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})"), "yyyy-mm-dd"),
    (re.compile(r"([0-9]{4})/([0-9]{2})/([0-9]{2})"), "yyyy/mm/dd"),
    (re.compile(r"([0-9]{4})/([0-9]{1,2})/([0-9]{1,2})"), "yyyy/m/d"),
    (re.compile(r"([0-9]{4})\.([0-9]{2})\.([0-9]{2})"), 'yyyy"."mm"."dd'),
    (re.compile(r"([0-9]{4})年([0-9]{2})月([0-9]{2})日"), 'yyyy"年"mm"月"dd"日"'),
    (re.compile(r"([0-9]{4})年([0-9]{1,2})月([0-9]{1,2})日"), 'yyyy"年"m"月"d"日"'),
)


@dataclass(frozen=True, slots=True)
class Value:
    """What a text means.

    Attributes:
        content: The number, or the day of a date. A share of 12.5 % is 0.125.
        form: How a spreadsheet shows it (ECMA-376, part 1, 18.8.31), so that it looks as printed.
    """

    content: float | dt.date
    form: str


def value_of(text: str, decimal: DecimalSign = ".") -> Value | None:
    """Return what a text means; None if it is, or may be, just text.

    Args:
        text: The text of a cell.
        decimal: The sign before decimals in its column, see `decimal_sign`.
    """
    plain = _plain(text)
    value = _date(plain) or _amount(plain, decimal)
    if value is not None and "￥" in text:
        return Value(value.content, value.form.replace("¥", "￥"))
    return value


def decimal_sign(texts: Iterable[str], otherwise: DecimalSign = ".") -> DecimalSign:
    """Return the sign before the decimals in most texts of a column.

    Texts such as "1,234" leave it open; "1.234,5", "12,50" and "1.234.567" do not.

    Args:
        texts: The texts of the column's cells.
        otherwise: What to return if they leave it open, or are undecided.
    """
    points = commas = 0
    for text in texts:
        match = _AMOUNT.fullmatch(_plain(text))
        if match is None:
            continue
        digits = match["digits"].strip()
        point, comma = (_grouped(digits, sign) is not None for sign in (".", ","))
        points += point and not comma
        commas += comma and not point
    if points == commas:
        return otherwise
    return "." if points > commas else ","


def _plain(text: str) -> str:
    """Return the text with digits and signs of usual width: "１２．５％" becomes "12.5%"."""
    return text.translate(_PLAIN).strip()


def _date(text: str) -> Value | None:
    for pattern, form in _DATES:
        match = pattern.fullmatch(text)
        if match is None:
            continue
        try:
            day = dt.date(*map(int, match.groups()))
        except ValueError:
            return None
        return Value(day, form) if day >= _FIRST_DAY else None
    return None


def _amount(text: str, decimal: DecimalSign) -> Value | None:
    match = _AMOUNT.fullmatch(text)
    if match is None or not _fits_together(match):
        return None
    grouped = _grouped(match["digits"].rstrip(), decimal)
    if grouped is None or not _is_amount(*grouped, alone=not (match["before"] or match["after"])):
        return None
    whole, decimals, by_groups = grouped
    # "(1)" is a note; "(1.50)" and "(1,200)" are what accountants write for less than zero.
    if match["open"] and not (decimals or by_groups or match["before"] or match["after"]):
        return None
    number = float(f"{whole}.{decimals or '0'}{'e-2' if match['after'] == '%' else ''}")
    sign = match["sign"] or match["inner"] or match["open"]
    if number == 0 and sign:  # a spreadsheet knows no zero with a sign
        return None
    form = _with_unit(
        ("#,##0" if by_groups else "0") + ("." + "0" * len(decimals) if decimals else ""), match
    )
    if sign == "+":
        form = f"+{form};-{form};{form}"
    if sign == "(":
        form = f"{form};({form})"
    return Value(-number if sign in ("-", "(") else number, form)


def _fits_together(match: re.Match[str]) -> bool:
    """Tell whether brackets, signs and units are at most those that one number has."""
    before, after, sign, inner = match["before"], match["after"], match["sign"], match["inner"]
    if bool(match["open"]) != bool(match["close"]) or (before and after) or (sign and inner):
        return False
    if match["open"] and (sign or inner or after == "%"):
        return False
    return bool(before) or not (inner or match["gap"])


def _with_unit(form: str, match: re.Match[str]) -> str:
    """Return a number format with the sign for per cent or the currency of a text."""
    digits, before, after = match["digits"], match["before"], match["after"]
    space = digits[len(digits.rstrip()) :] + match["space"]
    if after:
        return form + (f"{_quoted(space)}%" if after == "%" else _quoted(space + after))
    return _quoted(before + match["gap"]) + form if before else form


def _is_amount(whole: str, decimals: str, by_groups: bool, *, alone: bool) -> bool:
    """Tell whether digits are a number rather than a code."""
    if len(whole) > 1 and whole[0] == "0":
        return False
    if len((whole + decimals).lstrip("0")) > _MOST_DIGITS:
        return False
    return by_groups or bool(decimals) or not alone or len(whole) < _CODE_DIGITS


def _grouped(digits: str, decimal: str) -> tuple[str, str, bool] | None:
    """Return the digits before and after the decimal sign and whether they are grouped by three.

    Returns:
        None if the text is not written so with that decimal sign.
    """
    whole, found, decimals = digits.partition(decimal)
    if found and not _is_digits(decimals):
        return None
    if _is_digits(whole):
        return whole, decimals, False
    group = next((char for char in whole if not _is_digits(char)), "")
    first, *others = whole.split(group)
    if not 1 <= len(first) <= 3 or not all(len(part) == 3 for part in others):
        return None
    joined = first + "".join(others)
    # A blank may also stand between two numbers, so one alone does not group.
    if not _is_digits(joined) or (group == " " and len(others) == 1 and not decimals):
        return None
    return joined, decimals, True


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def _quoted(text: str) -> str:
    """Return a text as a literal of a number format."""
    return f'"{text}"' if text else ""
