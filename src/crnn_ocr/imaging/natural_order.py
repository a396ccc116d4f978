"""Sort names as people do: `page 2` before `page 10`."""

from __future__ import annotations

import re


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key that puts `page 2` before `page 10`."""
    parts = re.findall(r"([0-9]+)|([^0-9]+)", name.casefold())
    return (*((0, int(number), "") if number else (1, 0, text) for number, text in parts), (-1, 0, name))
