"""Decide a line's orientation by reading it (pure functions).

Other programs use a small classifier, which turns short crops such as `90`, `U/L` or `￥5999.00` upside down.
A recogniser knows better: text that it reads with confidence is upright. So a line is first read as it
stands. Only if that fails are other orientations tried. One of them wins only if it is read with much more
confidence, and with enough characters that do not look like other characters upside down (`6` and `9`, `n`
and `u`). Legibility, the mean of the characters, is compared rather than the line's confidence, because a
long line with a possibly wrong character is still upright.
"""

from __future__ import annotations

from collections.abc import Sequence

from crnn_ocr.recognition.network.recognizer import Reading

#: Characters that look like a character upside down, so they do not tell the orientation.
AMBIGUOUS = frozenset(
    "0125689oOxXzZsSnuUNHIlbdpqwWMm一二三工王十口日田中申"
    "○●■□◆×÷+=%/\\|-—_~.,·:;!¡'\"()[]{}<>（）《》【】。，、：；！“”‘’￥ "
)

# Measured on 600 rendered lines that were held out of training, a third of them clean. With these limits the
# default recogniser and `accurate` turn no upright line, and turn 508 and 526 of the upside-down ones (479
# and 506 with 0.86 and 0.15). The default recogniser reads letters in upside-down lines, with a legibility of
# 0.6 on average and 0.9 at most.
#: Legibility from which a line counts as upright without trying other orientations.
SURE = 0.9
#: How much higher the legibility of another orientation must be.
MARGIN = 0.1
#: Least legibility of another orientation.
CONVINCING = 0.8
#: Least number of unambiguous characters in it.
EVIDENCE = 2
#: Some recognisers read columns turned by a quarter as well as upright ones, but skip the punctuation. A
#: column's legibility is lower by no more than this; lines that really are turned have 0.04 to 0.5 less when
#: read as columns.
COLUMN = 0.02
#: Least legibility of the only orientation in which a region can be read at all.
READABLE = 0.5
#: Number of unsure lines that are tried upside down in any case. A rendered newspaper of 992 × 1419 pixels
#: has 103, on which these tries took a twelfth of its time; the answers on the 38 pages of the evaluation
#: are the same with and without this bound.
TRIED_FIRST = 24


def is_sure(reading: Reading) -> bool:
    """Return whether a line is legible enough that no other orientation has to be tried."""
    return bool(reading.text) and reading.legibility >= SURE


def evidence(reading: Reading) -> int:
    """Return the number of characters of a reading that tell its orientation."""
    return sum(char.text not in AMBIGUOUS and char.share >= CONVINCING for char in reading.chars)


def outweigh(readings: Sequence[Reading], standing: float) -> bool:
    """Return whether another orientation is clearly better than the lines as they stand.

    Args:
        readings: The lines, read in the other orientation.
        standing: Weighted legibility of the lines as they stand.
    """
    legibility = weighted_legibility(readings)
    enough = sum(evidence(reading) for reading in readings) >= EVIDENCE
    return enough and legibility >= max(CONVINCING, standing + MARGIN)


def tried_late(lines: Sequence[tuple[float, int]]) -> frozenset[int]:
    """Return which unsure lines need to be tried upside down only if one of the others turns out to be.

    On a page of small print most lines are unsure and none is upside down; the least legible ones show it.

    Args:
        lines: Legibility and index of each unsure line.
    """
    return frozenset(index for _, index in sorted(lines)[TRIED_FIRST:])


def better(upright: Reading, others: Sequence[Reading]) -> int | None:
    """Return the index of the best orientation that is clearly better than `upright`; None if none is."""
    convincing = [i for i, other in enumerate(others) if outweigh([other], upright.legibility)]
    return max(convincing, key=lambda index: others[index].legibility, default=None)


def are_columns(columns: Sequence[Reading], turned: Sequence[Reading]) -> bool:
    """Return whether lines are columns of upright characters rather than turned by a quarter.

    Args:
        columns: Their readings as columns.
        turned: Their readings when turned by a quarter.
    """
    legibility = weighted_legibility(columns)
    return legibility >= CONVINCING and legibility >= weighted_legibility(turned) - COLUMN


def surest(upright: Reading, others: Sequence[Reading], index: int) -> int | None:
    """Return `index` if that other orientation is clearly the most legible of all; otherwise None."""
    rest = [upright, *(other for i, other in enumerate(others) if i != index)]
    least = max(READABLE, *(other.legibility + MARGIN for other in rest))
    return index if evidence(others[index]) and others[index].legibility >= least else None


def weighted_legibility(readings: Sequence[Reading]) -> float:
    """Return the mean legibility of lines, weighted by number of characters; 0 if nothing was read."""
    total = sum(len(reading.chars) for reading in readings)
    if not total:
        return 0.0
    return sum(reading.legibility * len(reading.chars) for reading in readings) / total
