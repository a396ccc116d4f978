"""Compare numbers with their ink: the characters that were read against the components on the picture.

A recogniser whose time steps are too coarse for two thin characters drops one of them and is sure of the
rest: `102-2` becomes `1022`, `20.0000` becomes `20.000`. The text of a number does not reveal this, because
any string of digits is a number. But printed digits are separate components that can be counted, and a point,
a comma, a hyphen and a colon are at different heights. If text and ink disagree, the number is in doubt,
whatever the recogniser's confidence is.

The ink also tells where a number has a blank, for which the recogniser's time steps are too coarse. All
functions are pure.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from crnn_ocr.recognition.ink.components import Part
from crnn_ocr.recognition.network.recognizer import ReadChar, Reading

#: Greatest confidence of a number that does not fit its ink. Of 720 numbers in clean print 30 did not fit,
#: and all of them were wrong.
MISFIT = 0.5
#: Least length of a number whose ink should tell that no character was lost: of `1` and `25` it is not asked.
LEAST_LENGTH = 3

_DIGITS = frozenset("0123456789")
_LOW = frozenset(".,，．")
_MIDDLE = frozenset("-–−—~")
_DOUBLE = frozenset(":：;；")
_NUMERIC = _DIGITS | _LOW | _MIDDLE | _DOUBLE | frozenset("+/%％‰()$€£¥￥=×*#")
#: Letters that may be between the digits of a number: `1.2E-38`, `40x60`.
_LETTERS = frozenset("EeXx")
#: Characters that may consist of several parts side by side, and the greatest number of parts. Digits other
#: than 1 in small or worn print break in two.
_SPLIT = {"%": 3, "％": 3, "‰": 4, **dict.fromkeys("023456789", 2)}

#: Shares of the digits' height, from the top: least top and bottom of a point or comma; range of a hyphen;
#: and least height of a colon.
_LOW_FROM, _LOW_TO = 0.45, 0.8
_MIDDLE_FROM, _MIDDLE_TO = 0.2, 0.85
_DOUBLE_SPAN = 0.45
#: Shares of the digits' height: least height of a digit, and least height of a ring of `%`.
_TALL, _RING = 0.6, 0.3
#: Greatest width of a digit in usual widths, and least usual width in heights.
_WIDE_DIGIT, _NARROW_DIGIT = 1.3, 0.58
#: Greatest width of a broken digit's halves together: in usual widths, or in heights.
_BROKEN_WIDTH, _BROKEN_HEIGHT = 1.1, 0.8
#: Greatest depth of a digit below the others, in heights.
_HANGING = 0.12
#: Least height of digits, in pixels, for a comparison.
_LEAST_HEIGHT = 11
#: Most characters that may touch and form one part, and tolerance of its width in usual widths.
_MOST_TOUCHING, _TOLERANCE = 4, 0.4
#: Greatest error of a number's end as read by the recogniser, in heights of its digits.
_BLUR = 0.5

#: There is a blank between two digits if their middles are more than this many times the usual distance apart
#: …
_WIDE = 1.45
#: … and the white between them is more than this share of their height.
_WHITE = 0.5
#: Least white of a blank that was read: between two digits, and beside a sign, which has white of its own.
_NARROW, _NARROW_AT_SIGN = 0.22, 0.4
#: Least white behind a comma or semicolon between two numbers, and how much it must exceed the white before
#: it.
_BEHIND_COMMA, _MORE_THAN_BEFORE = 0.45, 0.35
#: Number of digits behind a thousands separator.
_THOUSANDS = 3
#: Most characters and most parts of a number; they bound the work.
_MOST_CHARACTERS, _MOST_PARTS = 48, 96
#: Most parts of a number that may be left over.
_MOST_LEFT_OVER = 8
#: Most positions that are tried as a number's border to its neighbour.
_MOST_BORDERS = 4
#: Least number of neighbouring digit pairs from which the usual distance can be told.
_LEAST_PAIRS = 3


@dataclass(frozen=True, slots=True)
class _Token:
    """A number in a line.

    Attributes:
        first: Index of its first character.
        last: One past the index of its last character.
    """

    first: int
    last: int


def has_numbers(reading: Reading, least: int = 1) -> bool:
    """Return whether a line has a number of that many characters, so that there is something to compare."""
    return next(_tokens(reading.chars, least), None) is not None


def surety(reading: Reading) -> float:
    """Return the lowest confidence of a character in a line's numbers; 1 if the line has no numbers."""
    numeric = [
        reading.chars[i].confidence
        for token in _tokens(reading.chars, least=1)
        for i in range(token.first, token.last)
        if not reading.chars[i].text.isspace()
    ]
    return min(numeric, default=1.0)


def compare(reading: Reading, parts: Sequence[Part], width: int) -> Reading:
    """Compare the numbers of a line with its ink.

    Args:
        reading: The line after `tidy`.
        parts: The parts of its picture, from left to right.
        width: Width of that picture in pixels.

    Returns:
        The line with blanks where the ink has them, and with lower confidence where text and ink disagree.
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
    return Reading("".join(char.text for char in chars), confidence, tuple(chars))


def unverified(reading: Reading, parts: Sequence[Part], width: int) -> tuple[tuple[float, float], ...]:
    """Return where numbers stand that may be short, and whose ink does not tell.

    That is so in small print, whose characters touch, and whose signs are a grey pixel. Of 1,440 random
    numbers in 24 typefaces at 14 and 18 pixels per em the default recogniser has 66 wrong, 45 of them with a
    confidence of 0.95 or more.

    Args:
        reading: The line, as for `compare`.
        parts: The parts of its picture, from left to right.
        width: Width of that picture in pixels.

    Returns:
        (start, end) of each number, as fractions of the line's width.
    """
    chars = reading.chars
    return tuple(
        (chars[token.first].start, chars[token.last - 1].end)
        for token in _tokens(chars, least=LEAST_LENGTH)
        if _match(chars, token, parts, width) is None
    )


def _tokens(chars: Sequence[ReadChar], least: int = 2) -> Iterator[_Token]:
    """Yield the numbers of a line: digits with the signs between and beside them, without words.

    Args:
        chars: The characters of the line.
        least: Least number of characters of a number.
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
    """Return whether a character can be inside a number."""
    return text in _NUMERIC or text in _LETTERS or text.isspace()


def _match(
    chars: Sequence[ReadChar], token: _Token, parts: Sequence[Part], width: int
) -> list[tuple[int, Part]] | None:
    """Match the characters of a number with the parts of its ink.

    Returns:
        Pairs of an index into the number and its part; an empty list if there is ink that was not read; None
        if there is no ink or too little to tell.
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
        return []  # everything that was read has its ink, and there is more ink
    # In small or blurred print characters touch. If there are as many separate digits as were read, they do
    # not.
    alone = sum(not char.text.isspace() for char in chars) == len(visible)
    tall = sum(part.height >= _TALL * (bottom - top) for part in parts)
    return [] if alone and tall == sum(text in _DIGITS for text in texts) else None


def _borders(
    chars: Sequence[ReadChar], token: _Token, parts: Sequence[Part], width: int, reach: float
) -> tuple[list[int], list[int]]:
    """Return the indices of parts at which a number may begin, and those at which it may end (exclusive).

    A number at the start or the end of a line owns all ink up to there. Elsewhere the recogniser gives the
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
    """Return the indices of the few edges nearest to `place`, none of them farther than `reach`."""
    near = [i for i, edge in enumerate(edges) if abs(edge - place) <= reach]
    return sorted(near, key=lambda i: abs(edges[i] - place))[:_MOST_BORDERS]


def _digit_height(
    chars: Sequence[ReadChar], token: _Token, parts: Sequence[Part], width: int
) -> tuple[float, float] | None:
    """Return the top and the bottom (exclusive) of a number's digits; None if there is no ink."""
    left, right = chars[token.first].start * width, chars[token.last - 1].end * width
    here = [part for part in parts if left <= part.centre <= right]
    if not here:
        return None
    tallest = max(part.height for part in here)
    tall = [part for part in here if part.height >= _TALL * tallest]
    return statistics.median(part.top for part in tall), statistics.median(part.bottom for part in tall)


@dataclass(frozen=True, slots=True)
class _Way:
    """An assignment of a number's ink to its characters, from left to right.

    Attributes:
        ink: The part of each character; None for characters without ink of their own, which are too faint, or
            touch a neighbour and share a part that is wide enough for both.
        left_over: Number of parts that are assigned to no character.
    """

    ink: tuple[Part | None, ...] = ()
    left_over: int = 0

    @property
    def cost(self) -> tuple[int, int]:
        """The cost to minimise: parts left over first, then characters without ink."""
        return self.left_over, self.ink.count(None)


def _aligned(texts: Sequence[str], parts: Sequence[Part], top: float, bottom: float) -> _Way | None:
    """Return the best assignment of the parts to the characters; None if there is none or too much work."""
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
    """Return whether a part can be a digit or a sign of a number; a low part at the top is a smear."""
    return part.height >= _TALL * (bottom - top) or part.top - top >= _MIDDLE_FROM * (bottom - top)


def _offer(ways: dict[tuple[int, int], _Way], at: tuple[int, int], way: _Way) -> None:
    """Store a partial assignment if it is the best so far."""
    if at not in ways or way.cost < ways[at].cost:
        ways[at] = way


def _usual_width(parts: Sequence[Part], height: float) -> float:
    """Return the usual width of a digit in pixels; ones are narrower, and touching digits are wider."""
    widths = sorted(part.width for part in parts if part.height >= _TALL * height)
    return max(_NARROW_DIGIT * height, widths[round(0.6 * (len(widths) - 1))] if widths else 0.0)


def _choices(
    texts: Sequence[str], parts: Sequence[Part], top: float, bottom: float, wide: float
) -> Iterator[tuple[tuple[Part | None, ...], int]]:
    """Yield the ways to assign ink to the next characters: their parts, and how many parts are used."""
    height = bottom - top
    yield (None,), 0
    for count in range(1, min(_SPLIT.get(texts[0], 1), len(parts)) + 1):
        if count > 1 and min(part.height for part in parts[:count]) < _RING * height:
            break
        part = _together(parts[:count])
        if count > 1 and texts[0] in _DIGITS and not _is_broken(part, bottom, height, wide):
            break
        if _looks_like(texts[0], part, top, bottom, wide):
            yield (part,), count
    if parts and parts[0].height >= _TALL * height:
        for count in range(2, min(_MOST_TOUCHING, len(texts)) + 1):
            expected = sum(wide if text in _DIGITS else wide / 3 for text in texts[:count])
            if abs(parts[0].width - expected) <= _TOLERANCE * wide:
                yield (None,) * count, 1


def _is_broken(part: Part, bottom: float, height: float, wide: float) -> bool:
    """Return whether two parts together can be one digit: not if one is the comma below a `7`."""
    narrow = part.width <= max(_BROKEN_WIDTH * wide, _BROKEN_HEIGHT * height)
    return narrow and part.bottom <= bottom + _HANGING * height


def _together(parts: Sequence[Part]) -> Part:
    """Join neighbouring parts into one."""
    return Part(
        parts[0].left,
        min(part.top for part in parts),
        max(part.right for part in parts),
        max(part.bottom for part in parts),
        max(part.pieces for part in parts),
    )


def _looks_like(text: str, part: Part, top: float, bottom: float, wide: float) -> bool:
    """Return whether a part's position and size fit the character."""
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
    """Return the number of leading digits."""
    return sum(1 for _ in itertools.takewhile(lambda char: char.text in _DIGITS, chars))


def _spaced(chars: Sequence[ReadChar], matched: Sequence[tuple[int, Part]]) -> list[ReadChar]:
    """Return a number with blanks exactly where its ink has them."""
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
        # Fixed-pitch type has as much white behind a thousands separator.
        if chars[i].text in ",;" and _digits_behind(chars[j:]) != _THOUSANDS:
            wide = white > max(_BEHIND_COMMA, before + _MORE_THAN_BEFORE)
        if (had and white >= (_NARROW if both else _NARROW_AT_SIGN)) or (not had and wide):
            spaced.append(chars[i + 1] if had else replace(chars[i], text=" ", start=chars[i].end))
        spaced.append(chars[j])
        before = white
    return spaced
