"""Before and after: how well lines are read, and how many of the new characters are found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from crnn_ocr.recognition.network.recognizer import CtcRecognizer
from crnn_ocr.training.adaptation.lines import Line
from crnn_ocr.training.deliver.measure import read_line
from crnn_ocr.training.fit.evaluate import normalise


@dataclass(frozen=True)
class Tally:
    """What was read in some lines, white space aside.

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


def _plain(text: str, watched: frozenset[str]) -> str:
    """Return a text as readings are compared, but new characters as they are: NFKC would turn ⅔ into 2/3."""
    return "".join(c if c in watched else normalise(c) for c in text)
