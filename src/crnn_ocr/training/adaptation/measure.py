"""Before and after: how well lines are read, and how many of the new characters are found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from crnn_ocr.errors import TrainingError
from crnn_ocr.recognition.network.recognizer import CtcRecognizer
from crnn_ocr.training.adaptation.lines import Line
from crnn_ocr.training.deliver.measure import read_line
from crnn_ocr.training.fit.evaluate import normalise

_TOLERATED, _REMARKED = 0.01, 0.003
"""Rise of the character error rate of ordinary lines that is refused, and that is remarked on."""
_NOISE = 4
"""Errors more or less that say nothing."""


@dataclass(frozen=True)
class Tally:
    """Counts of what was read in some lines, white space aside.

    Attributes:
        lines: How many lines.
        exact: How many of them without an error.
        characters: Of the labels.
        errors: Edits from the readings to the labels.
        new: Occurrences of new characters in the labels.
        found: How many of these the readings hold.
    """

    lines: int
    exact: int
    characters: int
    errors: int
    new: int
    found: int

    @property
    def cer(self) -> float:
        """Character error rate, 0 upwards."""
        return self.errors / max(1, self.characters)


@dataclass(frozen=True)
class Compared:
    """Some lines, read before and after.

    Attributes:
        name: What the lines are.
        before: As the old pack reads them.
        after: As the new pack does.
    """

    name: str
    before: Tally
    after: Tally


def tally(recogniser: CtcRecognizer, lines: Sequence[Line], new: Sequence[str]) -> Tally:
    """Read lines as the engine does and count."""
    watched = frozenset(new)
    exact = characters = errors = wanted = found = 0
    for line in lines:
        got, label = _plain(read_line(recogniser, line.image), watched), _plain(line.text, watched)
        wrong = Levenshtein.distance(got, label)
        exact, characters, errors = exact + (wrong == 0), characters + len(label), errors + wrong
        hits, there = Counter(got), Counter(label)
        wanted += sum(there[c] for c in watched)
        found += sum(min(hits[c], there[c]) for c in watched)
    return Tally(len(lines), exact, characters, errors, wanted, found)


def judge(compared: Sequence[Compared], *, force: bool) -> Iterator[str]:
    """Give remarks about the result.

    Raises:
        TrainingError: Ordinary lines are read clearly worse than before, and that was not allowed.
    """
    for row in compared:
        a, b = row.before, row.after
        rise, more = b.cer - a.cer, b.errors - a.errors
        change = f"{100 * a.cer:.1f} % of characters wrong before, {100 * b.cer:.1f} % after"
        if row.name == "ordinary" and more > _NOISE and rise > _REMARKED:
            sentence = f"Ordinary lines are read worse: {change}."
            if rise > _TOLERATED and not force:
                raise TrainingError(
                    f"{sentence} The pack was not written.",
                    hint="Take more, and more varied, material, or fewer --steps; --force writes it anyway.",
                )
            yield sentence
        elif row.name != "ordinary" and more > _NOISE:
            yield f"No gain ({row.name}): {change}."
        if a.new and b.found < 0.8 * b.new:
            yield (
                f"Of {b.new} new characters ({row.name}) {b.found} were found. Give more text with them, "
                "pictures of them, or more --lines."
            )


def _plain(text: str, watched: frozenset[str]) -> str:
    """Return a text as readings are compared, but new characters as they are: NFKC would turn ⅔ into 2/3."""
    return "".join(c if c in watched else normalise(c) for c in text)
