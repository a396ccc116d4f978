"""Tells texts that carry figures alone from others."""

from __future__ import annotations

import re

#: Text that carries figures alone: numbers, units, percentages, marks; a year names a column or a row.
_VALUE = re.compile(r"^[\s\d.,:;%‰$€£¥+\-–—−/()<>≤≥±*†‡~≈=·…^]+$")
_DIGIT = re.compile(r"\d")
_YEAR = re.compile(r"^(1[89]|20)\d\d(\s*[-–/]\s*\d{2,4})?年?\*{0,3}$")
#: A number by itself; one with a mark for thousands or decimals, a percentage or an amount; what may be the
#: first and the second part of a number with blanks between thousands.
_NUMBER = re.compile(r"^[-–−+$€£¥]?\d[\d,]*(\.\d+)?%?$")
_MARKED = re.compile(r"[.,%$€£¥]")
_THOUSANDS = re.compile(r"^[-–−+$€£¥]?\d{1,3} \d{3}([.,]\d+)?$")


def are_numbers_apart(one: str, other: str) -> bool:
    """Return whether two neighbouring words are two numbers, not one with a blank in it, or a code."""
    if not (_NUMBER.match(one) and _NUMBER.match(other)):
        return False
    return bool(_MARKED.search(one + other)) and not _THOUSANDS.match(f"{one} {other}")


def is_value(text: str) -> bool:
    """Return whether a text carries figures alone and is no year."""
    return bool(_VALUE.match(text) and _DIGIT.search(text)) and not _YEAR.match(text.strip())
