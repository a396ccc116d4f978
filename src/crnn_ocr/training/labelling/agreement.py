"""Decides what a line says from the readings of several recognisers; pure.

Readings are compared without blanks and without the width of their signs: recognisers differ in these by
habit.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Agreement = Literal["all", "most", "surest", "none"]
"""Who is behind a label: every reader, at least two of them, the most accurate that is sure, or nobody."""

#: Weight of a line in training, by who is behind its label.
WEIGHTS: dict[Agreement, float] = {"all": 1.0, "most": 0.7, "surest": 0.3, "none": 0.0}
#: Calibrated confidence from which one reader is believed against the others.
SURE = 0.98
#: Least number of characters that one reader is believed: a lone one is an icon more often than not.
LEAST_SURE = 3


@dataclass(frozen=True, slots=True)
class TeacherReading:
    """What one recogniser reads.

    Attributes:
        text: The line.
        confidence: Probability that all of it is right, 0 to 1.
    """

    text: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Label:
    """What a line is taken to say.

    Attributes:
        text: The line; empty where nobody is believed.
        agreement: Who is behind it.
    """

    text: str
    agreement: Agreement

    @property
    def weight(self) -> float:
        """How much the line counts in training, 0 to 1."""
        return WEIGHTS[self.agreement]


def decide(readings: Sequence[TeacherReading]) -> Label:
    """Decide on the label of a line.

    Args:
        readings: One of each teacher, the most accurate first: of those that agree, its blanks are taken.

    Returns:
        The label. Of a single reader it is "surest" at most, since there is nobody to agree with.
    """
    keys = [_key(reading.text) for reading in readings]
    counts = {key: keys.count(key) for key in keys if key}
    if counts and (best := max(counts, key=lambda key: (counts[key], -keys.index(key)))):
        text = readings[keys.index(best)].text.strip()
        if counts[best] == len(readings) > 1:
            return Label(text, "all")
        if counts[best] > 1 and 2 * counts[best] > len(readings):
            return Label(text, "most")
        sure = (reading for reading in readings if reading.confidence >= SURE)
        surest = next((reading for reading in sure if len(_key(reading.text)) >= LEAST_SURE), None)
        if surest is not None:
            return Label(surest.text.strip(), "surest")
    return Label("", "none")


def _key(text: str) -> str:
    """Return what is compared."""
    return "".join(unicodedata.normalize("NFKC", text).split())
