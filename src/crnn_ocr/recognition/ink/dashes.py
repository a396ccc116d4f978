"""Tell dashes within a line from `一`, and count dashes and ellipsis dots, by their ink (pure functions).

A recogniser reads an em dash between Han characters as `一`, and it may read `——` as a single dash. The ink
differs: a dash is an even bar, thinner than the strokes of the characters or below their middle; `一` is as
thick as they are and in the middle, or has a thick end.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from crnn_ocr.pixels import Pixels
from crnn_ocr.recognition.ink.strokes import Stroke, find_strokes, ink_strength
from crnn_ocr.recognition.network.charset import is_han
from crnn_ocr.recognition.network.recognizer import ReadChar, Reading

#: Confidence of dashes and dots that were told by their ink.
SURE = 0.9

#: Least area of a dash or dot, as a share of the largest component's; less is a speck.
_SPECK = 0.01
_DASHES = frozenset("一—–-−－―ー_")
_DOTS = frozenset("…⋯.·・。")
#: Height of the ink of a line of Han characters, in em; and least height of a component that counts for it,
#: as a share of the highest one's.
_HAN_HEIGHT, _PART = 0.95, 0.3

# Measured on seven Chinese typefaces at 14 to 48 pixels:
#: Least distance of a dash's middle below the middle of the line, in em. `—` has 0.05 to 0.15, `一` -0.08 to
#: 0.02; some dashes are in the middle as well.
_LOW = 0.03
#: Greatest thickness of a dash, as a share of the usual stroke width: anywhere, and for a low one. Dashes in
#: the middle have 0.4 to 0.6, `一` 0.9 to 1.1.
_THIN, _THINNER = 0.7, 0.84
#: Least height of a line's highest component, in em; a line like `一、二` does not tell where its middle is.
_LEAST_HIGH = 0.45
#: Least type size in pixels; in smaller Song type `一` is an even bar of one pixel, too.
_LEAST_EM = 17.0
#: Greatest stroke width, in em.
_WIDE = 0.22
#: Lengths in em: least length of one dash, least length of two dashes in one, and greatest length.
_SINGLE, _DOUBLE, _LONGEST = 0.65, 1.35, 2.2
#: Greatest distance of two dashes that form one long dash, in em.
_APART = 0.3
#: Greatest distance of a bar's middle from the line's middle, in em; a bar farther away is a rule.
_OFF = 0.22
#: Range in which a recogniser may place a bar's character, in em.
_BLUR = 0.55

#: Greatest height of an ellipsis dot in em, and greatest difference of two distances as a share.
_DOT, _UNEQUAL = 0.2, 0.3


@dataclass(frozen=True, slots=True)
class _Bar:
    """A horizontal stroke: its columns in pixels, and its number of dashes; 0 for `一` or unknown."""

    left: float
    right: float
    dashes: int

    @property
    def centre(self) -> float:
        """Column of its horizontal middle."""
        return (self.left + self.right) / 2

    def distance(self, place: float) -> float:
        """Return the distance of a column in pixels, with a small term for the middle that breaks ties."""
        return max(self.left - place, place - self.right, 0.0) + 1e-3 * abs(place - self.centre)


def has_dashes(reading: Reading) -> bool:
    """Return whether a line has Han characters and a dash or dots, so that `mend` may change it."""
    texts = [char.text for char in reading.chars]
    return any(t in _DASHES or t in _DOTS for t in texts) and any(is_han(t) and t != "一" for t in texts)


def mend(reading: Reading, picture: Pixels) -> Reading:
    """Return a line with the dashes and dots that its ink shows.

    Args:
        reading: The line after `tidy`.
        picture: Its picture, (H, W) grey or (H, W, 3) BGR, uint8.
    """
    height, width = picture.shape[:2]
    strokes = find_strokes(picture, (0, 0, width, height), speck=_SPECK).strokes
    han = [char for char in reading.chars if is_han(char.text) and char.text not in _DASHES]
    if not strokes or not han:
        return reading
    top, bottom = _extent(strokes)
    em = (bottom - top) / _HAN_HEIGHT
    if max(stroke.height for stroke in strokes) < _LEAST_HIGH * em:
        return reading
    chars = list(reading.chars)
    bars = _bars(strokes, picture, em, (top + bottom) / 2)
    chars = _with_bars(chars, bars, em, width)
    chars = _with_dots(chars, _dots(strokes, em), width)
    if chars == list(reading.chars):
        return reading
    return Reading("".join(char.text for char in chars), min(reading.confidence, SURE), tuple(chars))


def _extent(strokes: Sequence[Stroke]) -> tuple[int, int]:
    """Return the top and the bottom (exclusive) of a line's characters, ignoring points and bars."""
    least = _PART * max(stroke.height for stroke in strokes)
    some = [stroke for stroke in strokes if stroke.height >= least]
    return min(stroke.top for stroke in some), max(stroke.bottom for stroke in some)


def _bars(strokes: Sequence[Stroke], picture: Pixels, em: float, middle: float) -> list[_Bar]:
    """Find the horizontal bars of a line from left to right; `middle` is the row of the line's middle."""
    lying = sorted(
        (
            stroke
            for stroke in strokes
            if stroke.lies(em)
            and _SINGLE * em <= stroke.length <= _LONGEST * em
            and abs(stroke.middle - middle) <= _OFF * em
            and stroke.is_even(em)
            and not any(_above_or_below(stroke, other) for other in strokes)
        ),
        key=lambda stroke: stroke.left,
    )
    if not lying:
        return []
    usual = _usual_thickness(picture, em)
    found: list[_Bar] = []
    for stroke in lying:
        low = stroke.middle - middle >= _LOW * em and stroke.thickness <= _THINNER * usual
        thin = stroke.thickness <= _THIN * usual
        double = stroke.length >= _DOUBLE * em
        dashes = (2 if double else 1) if (low or thin) and (double or em >= _LEAST_EM) else 0
        last = found[-1] if found else None
        if last and last.dashes == dashes == 1 and stroke.left - last.right <= _APART * em:
            found[-1] = _Bar(last.left, stroke.right, 2)
        else:
            found.append(_Bar(stroke.left, stroke.right, dashes))
    return found


def _above_or_below(one: Stroke, other: Stroke) -> bool:
    """Return whether other ink is above or below a bar, which makes it part of a character."""
    return other is not one and min(one.right, other.right) - max(one.left, other.left) > 0.2 * one.width


def _usual_thickness(picture: Pixels, em: float) -> float:
    """Return the usual stroke width of a line's vertical strokes, in pixels."""
    strength = ink_strength(picture)
    if strength is None:
        return 0.0
    inside = np.pad(strength >= 0.4, ((0, 0), (1, 1)))
    change = np.diff(inside.astype(np.int8), axis=1)
    rows, starts = np.nonzero(change == 1)
    _, ends = np.nonzero(change == -1)
    sums = np.pad(np.cumsum(np.pad(strength, ((0, 0), (1, 1))), axis=1), ((0, 0), (1, 1)), mode="edge")
    runs = sums[rows, ends + 2] - sums[rows, starts]
    runs = runs[runs <= _WIDE * em]  # longer runs go along a horizontal stroke
    return float(np.median(runs)) if len(runs) else 0.0


def _with_bars(chars: list[ReadChar], bars: Sequence[_Bar], em: float, width: int) -> list[ReadChar]:
    """Return the characters with each bar's dashes in place of what was read there."""
    places = [_centre(char) * width for char in chars]
    # The bar nearest to each character that was read as a dash; a bar replaces only its own characters.
    owners = [
        min(bars, key=lambda bar: bar.distance(place)) if char.text in _DASHES and bars else None
        for char, place in zip(chars, places, strict=True)
    ]
    for bar in reversed(bars):
        if not bar.dashes:
            continue
        near = [i for i, place in enumerate(places) if bar.distance(place) <= _BLUR * em / 2]
        read = [i for i in near if owners[i] is bar][: bar.dashes]
        if read and read[-1] - read[0] >= len(read):
            continue
        if bar.dashes == 1 and read and read[0] in {0, len(chars) - 1}:
            continue  # a dash is between characters, but `一` may be at the end: `星期一`
        if not read and (bar.dashes < 2 or len(near) > 1):
            continue
        if all(chars[i].text == "—" for i in read) and len(read) == bar.dashes:
            continue
        at = read[0] if read else sum(place < bar.centre for place in places)
        step = (bar.right - bar.left) / bar.dashes
        edges = [min(1.0, (bar.left + n * step) / width) for n in range(bar.dashes + 1)]
        chars[at : at + len(read)] = [ReadChar("—", SURE, *edge) for edge in itertools.pairwise(edges)]
    return chars


def _centre(char: ReadChar) -> float:
    """Return the middle of a character as a fraction of the line's width."""
    return (char.start + char.end) / 2


def _dots(strokes: Sequence[Stroke], em: float) -> list[tuple[Stroke, ...]]:
    """Return the runs of equal dots at equal distances, three or more of them."""
    small = sorted(
        (s for s in strokes if s.height <= _DOT * em and s.width <= _DOT * em), key=lambda s: s.left
    )
    runs: list[list[Stroke]] = []
    for dot in small:
        if runs and _continues(runs[-1], dot, em):
            runs[-1].append(dot)
        else:
            runs.append([dot])
    return [tuple(run) for run in runs if len(run) >= 3]


def _continues(run: Sequence[Stroke], dot: Stroke, em: float) -> bool:
    """Return whether a dot is the next one of a run."""
    last = run[-1]
    step = dot.left - last.left
    if step > 0.5 * em or abs(dot.middle - last.middle) > 0.08 * em:
        return False
    return len(run) < 2 or abs(step - (last.left - run[-2].left)) <= max(_UNEQUAL * step, 1.5)


def _with_dots(chars: list[ReadChar], runs: Sequence[tuple[Stroke, ...]], width: int) -> list[ReadChar]:
    """Return the characters with six dots as two ellipsis signs."""
    for run in reversed(runs):
        if len(run) != 6:
            continue
        left, right = run[0].left / width, run[-1].right / width
        read = [i for i, char in enumerate(chars) if char.text in "…⋯" and left <= _centre(char) <= right]
        if len(read) == 1:
            char, middle = chars[read[0]], (left + right) / 2
            one = replace(char, text="…", start=left, end=middle)
            chars[read[0] : read[0] + 1] = [one, replace(one, start=middle, end=right)]
    return chars
