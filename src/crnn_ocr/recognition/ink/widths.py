"""Decide between full-width and half-width signs: `％` or `%`, `，` or `,`, `（` or `(` (pure functions).

A recogniser knows both forms of a sign, but on the crop of a line they differ by a few white pixels at most.
The right form follows from the surrounding script:

* Letters, digits and arithmetic signs are half-width, in Chinese too. None of 1,420 line labels has another
form. * `，：；？！` and brackets are full-width in Chinese text (GB/T 15834), that is, behind Han characters,
and half-width
  in Latin text and in numbers. For brackets the enclosed text counts, and both brackets of a pair are alike.

Still, some Chinese is typed with half-width signs. A full-width sign fills one half of its cell and leaves
the other half white, so the ink of its neighbours is a whole Han character apart. If this spacing is small
and a half-width sign was read, the sign stays half-width. If the spacing cannot be measured, as at the ends
of a line, a sign is half-width only if most others of its page are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from crnn_ocr.recognition.ink.sign_spacing import BRACKETS, CLOSING, OPENING
from crnn_ocr.recognition.network.charset import is_han
from crnn_ocr.recognition.network.recognizer import ReadChar, Reading

#: Offset of Unicode's full-width forms of ASCII. The table leaves out the signs of Chinese text, and `－` and
#: `～`, which are strokes of another length in print.
_OFFSET = 0xFEE0
_HALF = {
    chr(code + _OFFSET): chr(code)
    for code in range(0x21, 0x7F)
    if chr(code).isalnum() or chr(code) in "%.+/=<>&#$*@^\\"
}

_FULL_OF = dict(zip(",:;?!()", "，：；？！（）", strict=True))
_HALF_OF = {full: half for half, full in _FULL_OF.items()}
_HALF_STOPS = _FULL_OF.keys() - BRACKETS
_STOPS = frozenset([*_HALF_STOPS, *(_FULL_OF[stop] for stop in _HALF_STOPS)])
#: Characters that, before a sign, mark Chinese text as a Han character does.
_CHINESE = frozenset("）》〉」』】〕々〇")
#: Before a sign, these are not a word that it could end.
_NO_WORDS = frozenset(["", *_HALF_STOPS])

#: Spacing of a stop, in cells, below which it is half-width. Between Han characters in rendered lines of
#: seven typefaces, full-width stops have 0.90 or more and half-width stops 0.57 or less (above 0.5 in some
#: fixed-pitch ones). None of 84 full-width commas in real print, many of them squeezed to justify the line,
#: has less than 0.58.
_SMALL_ROOM = 0.55
#: The same limits for brackets next to Han characters. In rendered lines full-width brackets have 0.58 or
#: more and half-width ones 0.05 to 0.29; with a blank, half-width ones have up to 0.54 in real print.
_SMALL_WHITE, _LARGE_WHITE = 0.3, 0.58


#: Width of a typed blank, in cells of a Han character.
_BLANK = 0.3


def halved(chars: Iterable[ReadChar]) -> list[ReadChar]:
    """Return characters with letters, digits and arithmetic signs in half width."""
    return [replace(char, text=_HALF[char.text]) if char.text in _HALF else char for char in chars]


def half_width(text: str) -> str:
    """Return a text with letters, digits and arithmetic signs in half width."""
    return "".join(_HALF.get(char, char) for char in text)


def settled(readings: Sequence[Reading], measured: Sequence[Mapping[int, float]]) -> list[Reading]:
    """Return the lines of a page with every sign in its right width.

    Args:
        readings: The lines after `tidy`.
        measured: The result of `measure_spacing` for each line; empty if nothing was measured.

    Returns:
        One reading per line, in order.
    """
    lines = [_Line(reading, room) for reading, room in zip(readings, measured, strict=True)]
    votes = [vote for line in lines for vote in line.votes()]
    mostly_half = 2 * sum(votes) > len(votes)
    return [line.settled(mostly_half) for line in lines]


class _Line:
    """One line, whose signs are converted to the right width."""

    def __init__(self, reading: Reading, room: Mapping[int, float]) -> None:
        self._reading = reading
        self._texts = [char.text for char in reading.chars]
        # People who type half-width signs put a blank beside them, whose width must be subtracted.
        self._room = {at: white - _BLANK * self._has_blank(at) for at, white in room.items()}
        self._visible = _visible(reading)
        self._has_han = any(is_han(text) for text in self._texts)

    def votes(self) -> Iterator[bool]:
        """Yield for each measurable sign in Chinese text whether it is half-width."""
        for before, at, after in self._signs(_STOPS):
            if after and self._is_chinese(before, at, after):
                if self._is_full(at):
                    yield False
                elif at in self._room:
                    yield self._room[at] < _SMALL_ROOM
        for at in self._room:
            if self._texts[at] in BRACKETS and self._has_han:
                yield not self._is_full(at) and self._room[at] < _SMALL_WHITE

    def settled(self, mostly_half: bool) -> Reading:
        """Return the line with its signs in the right width.

        Args:
            mostly_half: Whether most signs in Chinese text on this page are half-width.
        """
        # Brackets first, because a sign behind a full-width bracket is in Chinese text.
        for pair in self._pairs():
            full = self._bracket_is_full(pair, mostly_half)
            for at in pair:
                if at is not None:
                    self._widen(at, full)
        for before, at, after in self._signs(_STOPS):
            if not self._is_full(at) and self._is_chinese(before, at, after):
                half = self._room[at] < _SMALL_ROOM if at in self._room else mostly_half
                self._widen(at, not half)
        chars = tuple(
            char if char.text == text else replace(char, text=text)
            for char, text in zip(self._reading.chars, self._texts, strict=True)
        )
        if chars == self._reading.chars:
            return self._reading
        return replace(self._reading, text="".join(self._texts), chars=chars)

    def _signs(self, kinds: frozenset[str]) -> Iterator[tuple[str, int, str]]:
        """Yield the visible character before each sign, the sign's index and the visible one behind it."""
        places = self._visible
        for k, at in enumerate(places):
            if self._texts[at] in kinds:
                before = self._texts[places[k - 1]] if k else ""
                after = self._texts[places[k + 1]] if k + 1 < len(places) else ""
                yield before, at, after

    def _has_blank(self, at: int) -> bool:
        """Return whether a half-width sign was read with a blank on its outer side."""
        beside = at - 1 if self._texts[at] in OPENING else at + 1
        return not self._is_full(at) and 0 <= beside < len(self._texts) and self._texts[beside].isspace()

    def _is_full(self, at: int) -> bool:
        return self._texts[at] in _HALF_OF

    def _widen(self, at: int, full: bool) -> None:
        table = _FULL_OF if full else _HALF_OF
        self._texts[at] = table.get(self._texts[at], self._texts[at])

    def _is_chinese(self, before: str, at: int, after: str) -> bool:
        """Return whether a sign is in Chinese text, judged by what is before it and behind it."""
        if is_han(before) or before in _CHINESE:
            return True
        # `!` and `?` belong to the words that they end, so Han characters behind them do not count.
        if not before.isascii() or before in _NO_WORDS or self._texts[at] in "!?！？":
            return False
        if after:
            return is_han(after)
        # A foreign word or number at the end of a Chinese line. But a colon there ends a bilingual label.
        return self._texts[at] not in ":：" and self._follows_han(at)

    def _follows_han(self, at: int) -> bool:
        """Return whether only ASCII other than brackets is between a Han character and a sign."""
        for text in reversed(self._texts[:at]):
            if not text.isascii() or text in BRACKETS:
                return is_han(text)
        return False

    def _pairs(self) -> Iterator[tuple[int | None, int | None]]:
        """Yield pairs of brackets; a bracket whose partner is on another line comes with None."""
        opened: list[int] = []
        for at, text in enumerate(self._texts):
            if text in OPENING:
                opened.append(at)
            elif text in CLOSING:
                yield (opened.pop() if opened else None), at
        for at in opened:
            yield at, None

    def _bracket_is_full(self, pair: tuple[int | None, int | None], mostly_half: bool) -> bool:
        """Return whether a pair of brackets is full-width."""
        first, last = pair
        known = [at for at in pair if at is not None]
        white = [self._room[at] for at in known if at in self._room]
        read = [self._is_full(at) for at in known]
        if white and max(white) >= _LARGE_WHITE and self._has_han:
            return True
        if white and max(white) < _SMALL_WHITE and not any(read):
            return False
        if self._holds_han(first, last):
            return bool(white) or any(read) or not mostly_half
        # A recogniser can see a bracket's width only if there are characters on both sides of it.
        begins = first is not None and first == self._visible[0]
        return read[-1] if begins else read[0]

    def _holds_han(self, first: int | None, last: int | None) -> bool:
        """Return whether Han characters are between two brackets, or inside next to an unpaired one."""
        inside = self._texts[0 if first is None else first + 1 : last]
        if first is None:
            inside = inside[-1:]
        elif last is None:
            inside = inside[:1]
        return any(is_han(text) for text in inside)


def _visible(reading: Reading) -> list[int]:
    """Return the indices of a line's visible characters."""
    return [i for i, char in enumerate(reading.chars) if not char.text.isspace()]
