"""Sort names as people do: `page 2` before `page 10`."""

from __future__ import annotations

import re


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key that puts `page 2` before `page 10`."""
    parts = re.findall(r"([0-9]+)|([^0-9]+)", name.casefold())
    return (*(_number(digits) if digits else (1, 0, text) for digits, text in parts), (-1, 0, name))


def _number(digits: str) -> tuple[int, int, str]:
    """Return the key of a number of any length: Python converts no more than 4,300 digits to an integer."""
    digits = digits.lstrip("0")
    return 0, len(digits), digits
