"""Tells texts that carry figures alone from others."""

from __future__ import annotations

import re

#: Text that carries figures alone: numbers, units, percentages, marks; a year names a column or a row.
_VALUE = re.compile(r"^[\s\d.,:;%‰$€£¥+\-–—−/()<>≤≥±*†‡~≈=·…^]*\d[\s\d.,:;%‰$€£¥+\-–—−/()<>≤≥±*†‡~≈=·…^]*$")
_YEAR = re.compile(r"^(1[89]|20)\d\d(\s*[-–/]\s*\d{2,4})?年?\*{0,3}$")


def is_value(text: str) -> bool:
    """Return whether a text carries figures alone and is no year."""
    return bool(_VALUE.match(text)) and not _YEAR.match(text.strip())
