"""Defines what "right" means: normalisers and measures. Pure functions.

Every figure names its normaliser, because white space alone moves a Chinese line accuracy by ten points.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from rapidfuzz.distance import Levenshtein

# Hyphens, dashes, minus signs and the line drawn for a Chinese dash: all one stroke to a reader.
_DASHES = "‐‑‒–—―−﹘﹣－─━"
_SINGLE_QUOTES = "‘’‚‛′`´"
_DOUBLE_QUOTES = "“”„‟″〝〞"
_FOLD = str.maketrans(
    {
        **dict.fromkeys(_DASHES, "-"),
        **dict.fromkeys(_SINGLE_QUOTES, "'"),
        **dict.fromkeys(_DOUBLE_QUOTES, '"'),
    }
)


def normalise(text: str, *, spaces: bool, case: bool = True, widths: bool = False) -> str:
    """Return a text in the form in which it is compared.

    Dashes and quotes are folded, then Unicode NFKC is applied (full width and half width become one), so that
    the fold also sees characters such as the acute accent that NFKC would take apart.

    Args:
        text: any text.
        spaces: keep white space, every run of it as one blank and none at the ends; else drop it all.
        case: tell upper from lower case.
        widths: tell `％` from `%`: Unicode NFC instead of NFKC, which leaves every character that has a
            compatible one (`²`, `㎡`) as it is.
    """
    form: Literal["NFC", "NFKC"] = "NFC" if widths else "NFKC"
    previous = None
    while text != previous:  # dropping a blank may bring a letter and an accent together that compose
        previous = text
        text = unicodedata.normalize(form, text.translate(_FOLD)).translate(_FOLD)
        if not case:
            text = text.casefold()
        text = (" " if spaces else "").join(text.split())
    return text


@dataclass(frozen=True)
class LineScore:
    """Score of the lines of one folder.

    Attributes:
        cer: character error rate in percent: edits over characters of the truth, white space dropped.
        exact: lines that are right to the character in percent, white space dropped.
        exact_spaces: the same with white space (runs as one blank).
        exact_widths: as `exact`, and every character in its own width.
        count: number of lines.
    """

    cer: float
    exact: float
    exact_spaces: float
    exact_widths: float
    count: int


def score_lines(pairs: Sequence[tuple[str, str]], *, case: bool = True) -> LineScore:
    """Score pairs of (truth, answer)."""
    edits = characters = exact = exact_spaces = exact_widths = 0
    for truth, answer in pairs:
        wanted, got = normalise(truth, spaces=False, case=case), normalise(answer, spaces=False, case=case)
        edits += Levenshtein.distance(wanted, got)
        characters += len(wanted)
        exact += wanted == got
        exact_spaces += normalise(truth, spaces=True, case=case) == normalise(answer, spaces=True, case=case)
        wanted, got = (normalise(text, spaces=False, case=case, widths=True) for text in (truth, answer))
        exact_widths += wanted == got
    count = len(pairs)
    return LineScore(
        cer=100 * edits / max(characters, 1),
        exact=100 * exact / max(count, 1),
        exact_spaces=100 * exact_spaces / max(count, 1),
        exact_widths=100 * exact_widths / max(count, 1),
        count=count,
    )


@dataclass(frozen=True)
class PageScore:
    """Score of the pages of one folder in any order of lines; white space is dropped unless named.

    Attributes:
        f1: character F1 in percent: twice the characters that truth and answer share, counted as bags page
            by page and added up, over the characters of both.
        hits: lines of the truth, in percent, that stand exactly somewhere in the answer, whose lines are
            joined in the engine's order. A line that an engine joins with its neighbour still counts.
        hits_spaces: the same with white space (runs as one blank).
        hits_widths: as `hits`, and every character in its own width.
        own_lines: lines of the truth, in percent, that are exactly one line of the answer.
        pages: number of pages.
        lines: number of lines in the truth.
    """

    f1: float
    hits: float
    hits_spaces: float
    hits_widths: float
    own_lines: float
    pages: int
    lines: int


def truth_lines(truth: str, *, spaces: bool = False, case: bool = True, widths: bool = False) -> list[str]:
    """Return the normalised lines of a page's truth, without the empty ones."""
    lines = (normalise(line, spaces=spaces, case=case, widths=widths) for line in truth.splitlines())
    return [line for line in lines if line]


def missed_lines(truth: str, answer: Iterable[str]) -> list[tuple[str, str]]:
    """Return the normalised lines of the truth that are not exactly in the answer.

    Returns:
        Each with the line of the answer that is most like it, by edit distance; empty where there is none.
    """
    given = [normalise(line, spaces=False) for line in answer]
    text = "".join(given)
    missed = [line for line in truth_lines(truth) if line not in text]
    return [
        (line, min(given, key=lambda other: Levenshtein.distance(line, other), default="")) for line in missed
    ]


def score_pages(pairs: Sequence[tuple[str, Sequence[str]]]) -> PageScore:
    """Score pairs of (truth, lines of the answer)."""
    shared = characters = count = hits = hits_spaces = hits_widths = own = 0
    for truth, answer in pairs:
        wanted, got = normalise(truth, spaces=False), normalise("\n".join(answer), spaces=False)
        shared += (Counter(wanted) & Counter(got)).total()
        characters += len(wanted) + len(got)
        lines = truth_lines(truth)
        count += len(lines)
        hits += sum(line in got for line in lines)
        spaced = normalise("\n".join(answer), spaces=True)
        hits_spaces += sum(line in spaced for line in truth_lines(truth, spaces=True))
        exact = normalise("\n".join(answer), spaces=False, widths=True)
        hits_widths += sum(line in exact for line in truth_lines(truth, widths=True))
        standing = {normalise(line, spaces=False) for line in answer}
        own += sum(line in standing for line in lines)
    return PageScore(
        f1=200 * shared / max(characters, 1),
        hits=100 * hits / max(count, 1),
        hits_spaces=100 * hits_spaces / max(count, 1),
        hits_widths=100 * hits_widths / max(count, 1),
        own_lines=100 * own / max(count, 1),
        pages=len(pairs),
        lines=count,
    )
