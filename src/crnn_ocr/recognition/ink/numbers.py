"""Numbers against their ink: does what was read fit what stands apart on the picture? Pure.

A recogniser that has no room for two thin characters drops one of them and is sure of the rest: `102-2`
becomes `1022`, `20.0000` becomes `20.000`. In a number nothing betrays that, since every string of digits is
one. But the digits of print stand apart, so they can be counted, and a point, a comma, a hyphen and a colon
lie at different heights. Where text and ink disagree the number is in doubt, whatever the recogniser says.

The same ink tells where a blank stands in a number. The recogniser's time steps are too coarse for that.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from crnn_ocr.recognition.ink.components import Part
from crnn_ocr.recognition.network.recognizer import ReadChar, Reading

#: How sure a number can be at most that does not fit its ink. Of 720 numbers in clean print 30 did not, and
#: all of them were wrong.
MISFIT = 0.5

_DIGITS = frozenset("0123456789")
_LOW = frozenset(".,，．")
_MIDDLE = frozenset("-–−—~")
_DOUBLE = frozenset(":：;；")
_NUMERIC = _DIGITS | _LOW | _MIDDLE | _DOUBLE | frozenset("+/%％‰()$€£¥￥=×*#")
#: Letters that stand between the digits of a number: `1.2E-38`, `40x60`.
_LETTERS = frozenset("EeXx")
#: Characters that are printed in several parts side by side, and the most of them. Digits of small or worn
#: print break in two, but for the one.
_SPLIT = {"%": 3, "％": 3, "‰": 4, **dict.fromkeys("023456789", 2)}

#: Shares of the digits' height, from the top: where a point's or a comma's ink begins, and where it ends, at
#: the earliest; within which a hyphen lies; what a colon covers at least.
_LOW_FROM, _LOW_TO = 0.45, 0.8
_MIDDLE_FROM, _MIDDLE_TO = 0.2, 0.85
_DOUBLE_SPAN = 0.45
#: A part of so much of the digits' height is no sign; a ring of `%` has at least so much of it.
_TALL, _RING = 0.6, 0.3
#: A digit is no wider than so many usual ones, which have at least so much of their height.
_WIDE_DIGIT, _NARROW_DIGIT = 1.3, 0.58
#: The halves of a broken digit are together no wider than so many usual ones, or so much of their height.
_BROKEN_WIDTH, _BROKEN_HEIGHT = 1.1, 0.8
#: Digits lower than this tell nothing: in pixels.
_LEAST_HEIGHT = 11
#: So many characters at most run into one another; by how much their width may differ from the expected one.
_MOST_TOUCHING, _TOLERANCE = 4, 0.4
#: How far off a recogniser may see the end of a number, in heights of its digits.
_BLUR = 0.5

#: Two digits are a blank apart where their middles are so many times the usual distance apart ...
_WIDE = 1.45
#: ... and so much of their height is white between them.
_WHITE = 0.5
#: Less white between two digits is no blank; less between a digit and a sign, which has white of its own.
_NARROW, _NARROW_AT_SIGN = 0.22, 0.4
#: So much white behind a comma or semicolon, and so much more than before it, parts two numbers.
_BEHIND_COMMA, _MORE_THAN_BEFORE = 0.45, 0.35
#: So many digits stand behind a comma between thousands.
_THOUSANDS = 3
#: Longer strings of digits, or with more ink among them, are no numbers; it bounds the work.
_MOST_CHARACTERS, _MOST_PARTS = 48, 96
#: More parts than this are not left over in what is a number.
_MOST_LEFT_OVER = 8
#: So many places at most are tried as a number's border to a neighbour.
_MOST_BORDERS = 4
#: Fewer neighbouring digits do not tell what is usual.
_LEAST_PAIRS = 3


@dataclass(frozen=True, slots=True)
class _Token:
    """A number in a line: indices of its first character and of the one behind its last."""

    first: int
    last: int


def has_numbers(reading: Reading) -> bool:
    """Return whether there is anything to compare."""
    return any(char.text in _DIGITS for char in reading.chars)


def surety(reading: Reading) -> float:
    """Return how sure the least sure character of a line's numbers is; 1 where it has none."""
    numeric = [
        reading.chars[i].confidence
        for token in _tokens(reading.chars, least=1)
        for i in range(token.first, token.last)
        if not reading.chars[i].text.isspace()
    ]
    return min(numeric, default=1.0)


def compare(reading: Reading, parts: Sequence[Part], width: int) -> Reading:
    """Return a reading whose numbers have been held against the ink.

    Args:
        reading: A line, tidied.
        parts: The ink of its picture, from left to right.
        width: Width of that picture in pixels.

    Returns:
        The line with blanks where the ink has them, and less sure where text and ink disagree.
    """
    chars = list(reading.chars)
    confidence = reading.confidence
    for token in reversed(list(_tokens(chars))):
        here = chars[token.first : token.last]
        matched = _match(chars, token, parts, width)
        if matched is None:
            continue
        if matched:
            here = _spaced(here, matched)
        else:
            here = [replace(char, confidence=min(char.confidence, MISFIT)) for char in here]
            confidence = min(confidence, MISFIT)
        chars[token.first : token.last] = here
    if chars == list(reading.chars):
        return reading
    return Reading("".join(char.text for char in chars), confidence, tuple(chars))


def _tokens(chars: Sequence[ReadChar], least: int = 2) -> Iterator[_Token]:
    """Give the numbers of a line: digits and what stands between them and beside them, without words.

    Args:
        chars: Of the line.
        least: Numbers of fewer characters are left out.
    """
    for numeric, run in itertools.groupby(enumerate(chars), key=lambda item: _can_be_inside(item[1].text)):
        if not numeric:
            continue
        indices = [i for i, _ in run]
        while indices and chars[indices[0]].text not in _NUMERIC:
            indices.pop(0)
        while indices and chars[indices[-1]].text not in _NUMERIC:
            indices.pop()
        if len(indices) >= least and any(chars[i].text in _DIGITS for i in indices):
            yield _Token(indices[0], indices[-1] + 1)


def _can_be_inside(text: str) -> bool:
    """Return whether a character can stand within a number."""
    return text in _NUMERIC or text in _LETTERS or text.isspace()


def _match(
    chars: Sequence[ReadChar], token: _Token, parts: Sequence[Part], width: int
) -> list[tuple[int, Part]] | None:
    """Return which part is which character of a number.

    Returns:
        Pairs of an index into the number and its part; nothing where there is ink that nobody read; None
        where the ink does not tell: there is none, or too little.
    """
    height = _digit_height(chars, token, parts, width)
    if height is None or height[1] - height[0] < _LEAST_HEIGHT:
        return None
    top, bottom = height
    visible = [i for i in range(token.first, token.last) if not chars[i].text.isspace()]
    texts = [chars[i].text for i in visible]
    if len(texts) > _MOST_CHARACTERS:
        return None
    ways = [
        _aligned(texts, parts[first:last], top, bottom)
        for first, last in itertools.product(*_borders(chars, token, parts, width, _BLUR * (bottom - top)))
    ]
    fitting = [way for way in ways if way is not None and not way.left_over]
    for way in fitting:
        if None not in way.ink:
            return [(i - token.first, part) for i, part in zip(visible, way.ink, strict=True) if part]
    if fitting:
        return None
    if any(way is not None and None not in way.ink for way in ways):
        return []  # everything that was read has its ink, and there is more
    # In small or blurred print characters touch. Where as many digits stand apart as were read, they do not.
    alone = sum(not char.text.isspace() for char in chars) == len(visible)
    tall = sum(part.height >= _TALL * (bottom - top) for part in parts)
    return [] if alone and tall == sum(text in _DIGITS for text in texts) else None


def _borders(
    chars: Sequence[ReadChar], token: _Token, parts: Sequence[Part], width: int, reach: float
) -> tuple[list[int], list[int]]:
    """Return with which parts a number may begin, and behind which it may end.

    The first and the last number of a line have all the ink up to its ends. Elsewhere a recogniser sees the
    border to a neighbour only roughly.
    """
    firsts, lasts = [0], [len(parts)]
    if any(not char.text.isspace() for char in chars[: token.first]):
        place = chars[token.first].start * width
        near = _nearest([part.left for part in parts], place, reach)
        firsts = near or [sum(part.centre < place for part in parts)]
    if any(not char.text.isspace() for char in chars[token.last :]):
        place = chars[token.last - 1].end * width
        near = _nearest([part.right for part in parts], place, reach)
        lasts = [i + 1 for i in near] or [sum(part.centre < place for part in parts)]
    return firsts, lasts


def _nearest(edges: Sequence[int], place: float, reach: float) -> list[int]:
    """Return the indices of the few edges that are nearest to a place, none of them further than `reach`."""
    near = [i for i, edge in enumerate(edges) if abs(edge - place) <= reach]
    return sorted(near, key=lambda i: abs(edges[i] - place))[:_MOST_BORDERS]


def _digit_height(
    chars: Sequence[ReadChar], token: _Token, parts: Sequence[Part], width: int
) -> tuple[float, float] | None:
    """Return the first row of a number's digits and the row behind their last; None where there is no ink."""
    left, right = chars[token.first].start * width, chars[token.last - 1].end * width
    here = [part for part in parts if left <= part.centre <= right]
    if not here:
        return None
    tallest = max(part.height for part in here)
    tall = [part for part in here if part.height >= _TALL * tallest]
    return statistics.median(part.top for part in tall), statistics.median(part.bottom for part in tall)


@dataclass(frozen=True, slots=True)
class _Way:
    """A way to account for the ink of a number, from left to right.

    Attributes:
        ink: Of each character; None for those without ink of their own. These are too faint, or touch a
            neighbour and share a part that is wide enough for both.
        left_over: Parts that no character accounts for.
    """

    ink: tuple[Part | None, ...] = ()
    left_over: int = 0

    @property
    def cost(self) -> tuple[int, int]:
        """What is to be as little as can be."""
        return self.left_over, self.ink.count(None)


def _aligned(texts: Sequence[str], parts: Sequence[Part], top: float, bottom: float) -> _Way | None:
    """Return the best way to read the parts as those characters; None where the ends do not fit."""
    if len(parts) > _MOST_PARTS:
        return None
    wide = _usual_width(parts, bottom - top)
    ways: dict[tuple[int, int], _Way] = {(0, 0): _Way()}
    for read, used in itertools.product(range(len(texts) + 1), range(len(parts) + 1)):
        way = ways.get((read, used))
        if way is None:
            continue
        if 0 < read < len(texts) and used < len(parts) and way.left_over < _MOST_LEFT_OVER:
            missed = _may_be_read(parts[used], top, bottom)
            _offer(ways, (read, used + 1), _Way(way.ink, way.left_over + missed))
        if read < len(texts):
            for ink, count in _choices(texts[read:], parts[used:], top, bottom, wide):
                _offer(ways, (read + len(ink), used + count), _Way((*way.ink, *ink), way.left_over))
    return ways.get((len(texts), len(parts)))


def _may_be_read(part: Part, top: float, bottom: float) -> bool:
    """Return whether a part can be a digit or a sign of a number; what hangs at the top is a smear."""
    return part.height >= _TALL * (bottom - top) or part.top - top >= _MIDDLE_FROM * (bottom - top)


def _offer(ways: dict[tuple[int, int], _Way], at: tuple[int, int], way: _Way) -> None:
    """Keep a way to get there if it is the best so far."""
    if at not in ways or way.cost < ways[at].cost:
        ways[at] = way


def _usual_width(parts: Sequence[Part], height: float) -> float:
    """Return how wide a digit is; ones are narrower, and what runs together is wider."""
    widths = sorted(part.width for part in parts if part.height >= _TALL * height)
    return max(_NARROW_DIGIT * height, widths[round(0.6 * (len(widths) - 1))] if widths else 0.0)


def _choices(
    texts: Sequence[str], parts: Sequence[Part], top: float, bottom: float, wide: float
) -> Iterator[tuple[tuple[Part | None, ...], int]]:
    """Give the ways to account for the next character or more: their ink, and how many parts it is."""
    height = bottom - top
    yield (None,), 0
    for count in range(1, min(_SPLIT.get(texts[0], 1), len(parts)) + 1):
        if count > 1 and min(part.height for part in parts[:count]) < _RING * height:
            break
        part = _together(parts[:count])
        if (
            count > 1
            and texts[0] in _DIGITS
            and part.width > max(_BROKEN_WIDTH * wide, _BROKEN_HEIGHT * height)
        ):
            break
        if _looks_like(texts[0], part, top, bottom, wide):
            yield (part,), count
    if parts and parts[0].height >= _TALL * height:
        for count in range(2, min(_MOST_TOUCHING, len(texts)) + 1):
            expected = sum(wide if text in _DIGITS else wide / 3 for text in texts[:count])
            if abs(parts[0].width - expected) <= _TOLERANCE * wide:
                yield (None,) * count, 1


def _together(parts: Sequence[Part]) -> Part:
    """Return neighbouring parts as one."""
    return Part(
        parts[0].left,
        min(part.top for part in parts),
        max(part.right for part in parts),
        max(part.bottom for part in parts),
        max(part.pieces for part in parts),
    )


def _looks_like(text: str, part: Part, top: float, bottom: float, wide: float) -> bool:
    """Return whether a part stands where the character's ink does."""
    height = bottom - top
    above, below = (part.top - top) / height, (part.bottom - top) / height
    if text in _DIGITS:
        return part.height >= _TALL * height and part.width <= _WIDE_DIGIT * wide
    if text in _LOW:
        return above >= _LOW_FROM and below >= _LOW_TO
    if text in _MIDDLE:
        return above >= _MIDDLE_FROM and below <= _MIDDLE_TO
    if text in _DOUBLE:
        return part.pieces > 1 or below - above >= _DOUBLE_SPAN
    return True


def _digits_behind(chars: Sequence[ReadChar]) -> int:
    """Return with how many digits some characters begin."""
    return sum(1 for _ in itertools.takewhile(lambda char: char.text in _DIGITS, chars))


def _spaced(chars: Sequence[ReadChar], matched: Sequence[tuple[int, Part]]) -> list[ReadChar]:
    """Return a number with the blanks that its ink has, and no others."""
    pairs = list(itertools.pairwise(matched))
    digits = [
        right.centre - left.centre
        for (i, left), (j, right) in pairs
        if chars[i].text in _DIGITS and chars[j].text in _DIGITS
    ]
    usual = statistics.median(digits) if len(digits) >= _LEAST_PAIRS else None
    height = max(part.height for _, part in matched)
    spaced = [chars[matched[0][0]]]
    before = 0.0
    for (i, left), (j, right) in pairs:
        white = (right.left - left.right) / height
        both = chars[i].text in _DIGITS and chars[j].text in _DIGITS
        had = j - i > 1
        wide = both and usual is not None and right.centre - left.centre > _WIDE * usual and white > _WHITE
        # Fixed pitch has as much white behind the comma between thousands.
        if chars[i].text in ",;" and _digits_behind(chars[j:]) != _THOUSANDS:
            wide = white > max(_BEHIND_COMMA, before + _MORE_THAN_BEFORE)
        if (had and white >= (_NARROW if both else _NARROW_AT_SIGN)) or (not had and wide):
            spaced.append(chars[i + 1] if had else replace(chars[i], text=" ", start=chars[i].end))
        spaced.append(chars[j])
        before = white
    return spaced
