"""Shares of the lines that were added after the held-out sets had been fixed, and are trained on alone."""

from __future__ import annotations

import random
from dataclasses import dataclass

_TINY = ("print", "print", "screen", "")
FACES = {
    "figures": _TINY,
    "labels": _TINY,
    "signs": ("display", "display", ""),
    "pages": ("print",),
    "numbers": ("print", "screen", "", "", "", "display"),
    "details": ("print", "screen", "", ""),
}
"""Kinds of line with looks of their own, and which faces they are set in (see `Typesetter.pick`)."""
_OWN_TEXTS = ("figures", "labels", "signs", "numbers", "details")
"""Those of them that have texts of their own; pages show the usual ones."""


@dataclass(frozen=True)
class Extras:
    """Shares from 0 to 1; the defaults leave everything as the held-out sets have it.

    Attributes:
        figures: Of values and clauses that are drawn small (see `small_figures`, `synth.low_resolution`).
        labels: Of labels, citations and captions that are drawn small (see `bilingual_labels.label`).
        signs: Of words on signs (see `bilingual_labels.sign`, `synth.signs`).
        surrounded: Of all but signs, with icons, rules or other lines around them (see `synth.distractors`).
        tight: Of all lines, with blanks of a sixth of an em, as in condensed print.
        apart: Of all lines, with Chinese and Latin set apart by an eighth to a third of an em, which is no
            blank: word processors do so, and in print it looks like one.
        roman: Of Chinese in body type, with what is Latin set in a Times or in LaTeX's own roman.
        drawn_small: Of the usual texts, with the looks of `figures`: pages shown at the size of a screen.
        pages: Of the usual texts, as everyday print looks (see `low_resolution.PAGE`).
        small_latin: Of Chinese with English in brackets, with the brackets half as high, and raised.
        small_han: Of prices, with the Chinese behind the digits smaller than these.
        raised: Of references behind words (`word[12]`), small and raised.
        numbers: Of numbers of every make in cells (see `number_texts`, `low_resolution.CELL`).
        details: Of texts whose smallest parts tell what they say, in cells too (see `fine_details`).
        underlined: Of pages, numbers and details, with a rule under them (see `overprints.underlined`).
        sealed: Of pages, with the print of a seal over them (see `overprints.seal`).
        rules: Of texts with four underscores and more, with these a rule to write on, which says nothing.
    """

    figures: float = 0.0
    labels: float = 0.0
    signs: float = 0.0
    surrounded: float = 0.0
    tight: float = 0.0
    apart: float = 0.0
    roman: float = 0.0
    drawn_small: float = 0.0
    pages: float = 0.0
    small_latin: float = 0.0
    small_han: float = 0.0
    raised: float = 0.0
    numbers: float = 0.0
    details: float = 0.0
    underlined: float = 0.0
    sealed: float = 0.0
    rules: float = 0.0

    def kinds(self) -> tuple[str, ...]:
        """Return the kinds of line that have texts and looks of their own."""
        return tuple(kind for kind in _OWN_TEXTS if getattr(self, kind) > 0)

    def kind(self, rng: random.Random) -> str:
        """Draw which of these kinds a line is of; empty for the usual lines."""
        chance = rng.random()
        for kind in _OWN_TEXTS:
            chance -= getattr(self, kind)
            if chance < 0:
                return kind
        return ""


TRAINING = Extras(
    figures=0.06,
    labels=0.06,
    signs=0.12,
    surrounded=0.16,
    tight=0.06,
    apart=0.4,
    roman=0.6,
    drawn_small=0.08,
    pages=0.3,
    small_latin=0.45,
    small_han=0.35,
    raised=0.8,
    numbers=0.16,
    details=0.07,
    underlined=0.05,
    sealed=0.08,
    rules=1.0,
)
"""The shares of training."""
