"""Parts of a text that are set smaller, and raised: English in brackets, references, the ends of prices."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from crnn_ocr.training.text.charset import ideographs
from crnn_ocr.training.text.mixture import Extras

REFERENCE_RISE = 0.3
"""How far references stand above the baseline, in em."""
HAN_NEEDS = 9 / 7
"""How much larger Chinese has to be than Latin to be legible: 9 pixels per em instead of 7."""

_ENGLISH = re.compile(
    r"(?<=[一-鿿])[(（\[【][^一-鿿()（）\[\]【】]*[A-Za-z]{2}[^一-鿿()（）\[\]【】]*[)）\]】]?"
)
_REFERENCES = re.compile(r"(?<=[^\s\[\]])(?:\[\d{1,3}\])+(?! ?=)")
_PRICE_END = re.compile(r"(?<=[0-9])(?: ?[万亿]?元[整起]?| ?起| ?折| ?块|元?/[一-鿿]{1,2})$")


@dataclass(frozen=True)
class Part:
    """A part of a text.

    Attributes:
        start: First character.
        end: Character after the last.
        size: Of the rest's.
        rise: How far it stands above the baseline, in em.
    """

    start: int
    end: int
    size: float
    rise: float = 0.0


def smaller(text: str, extras: Extras, rng: random.Random) -> tuple[Part, ...]:
    """Draw which parts of a text are set smaller; where `extras` has none of them nothing is drawn."""
    if extras.small_latin and (found := [*_ENGLISH.finditer(text)]) and rng.random() < extras.small_latin:
        size = rng.uniform(0.45, 0.75)
        rise = rng.uniform(0.0, 0.5) * (1 - size)
        return tuple(Part(*one.span(), size, rise) for one in found)
    if extras.raised and (found := [*_REFERENCES.finditer(text)]) and rng.random() < extras.raised:
        size = rng.uniform(0.6, 0.85)
        return tuple(Part(*one.span(), size, REFERENCE_RISE) for one in found)
    if extras.small_han and (end := _PRICE_END.search(text)) and rng.random() < extras.small_han:
        return (Part(*end.span(), rng.uniform(0.5, 0.85)),)
    return ()


def smallest_size(text: str, parts: tuple[Part, ...]) -> float:
    """Return the size of the part that is the hardest to read, as that of Latin letters; 1 without parts."""
    sizes = (part.size / (HAN_NEEDS if ideographs(text[part.start : part.end]) else 1.0) for part in parts)
    return min(sizes, default=1.0)
