"""Find superscripts and subscripts by the position of their ink (pure functions).

A recogniser that knows only shapes reads `10⁴` as `104` or `10*`. But a superscript is smaller than the
character before it, and its bottom is far above that character's. So it is removed from the line, read alone
at the size of ordinary digits, and reinserted as its Unicode superscript. The line is read again without it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from crnn_ocr.pixels import Pixels
from crnn_ocr.recognition.ink.components import Part
from crnn_ocr.recognition.ink.old_style import HANGING, has_old_style_figures
from crnn_ocr.recognition.network.recognizer import ReadChar, Reading

#: Confidence of a superscript or subscript, and of one before which a character may be missing.
SURE, UNSURE = 0.92, 0.5

_RAISED = str.maketrans("0123456789+-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")
_LOWERED = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
#: Letters that a single digit is mistaken for, and the digit.
_FIGURES = str.maketrans("OoDQlI|!SZ", "0000111152")

_LOW_LETTERS = frozenset("acemnorsuvwxzμ")
_BELOW = frozenset("gjpqyQ")
#: Fractions, whose numerators are raised as well.
_FRACTIONS = frozenset("½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞/⁄")
_LOW_HEIGHT = 0.72  # height of low letters, as a share of the digits' height

# The next lengths are in heights of the line's digits; the baseline is that of the character before the
# group.
#: Range of the height of a superscript or subscript.
_LEAST, _MOST = 0.45, 0.8
#: Least height of a superscript's bottom and top above the baseline.
_FOOT, _HEAD = 0.28, 0.72
#: For a subscript: least depth of its bottom below the baseline, and the range of its top above it. A comma's
#: top is lower.
_DROP, _LOWEST_HEAD, _DROPPED_HEAD = 0.07, 0.3, 0.62
#: For a raised sign: greatest height, and least height of its bottom above the baseline.
_SIGN, _SIGN_FOOT = 0.55, 0.4
#: The same for a raised minus, which is higher than a hyphen.
_BAR, _BAR_FOOT = 0.2, 0.55
#: Greatest distance from the character before it, and greatest overlap with that; least ratio of a minus'
#: sides.
_GAP, _OVERLAP = 0.35, 0.2
_BAR_LENGTH = 1.6

#: Greatest share of ink in the corners of a plus, and least share along its middle.
_CORNER, _FULL = 0.15, 0.7
#: Size in pixels below which a plus, an asterisk and a ring look alike.
_LEAST_CROSS = 7
#: Least gap of a blank behind a group, in heights of the group.
_NO_BLANK = 0.5
#: Distance behind a superscript, in heights of the base, from which the next character is separate.
_APART = 0.3
#: Greatest width of a digit in its heights.
_WIDE = 0.85
#: The end of an ion's formula.
_ION = re.compile(r"(?<![A-Za-z])[A-Z][A-Za-z]{0,2}\d?$")


@dataclass(frozen=True, slots=True)
class Group:
    """A superscript or subscript of one or more digits, or a sign.

    Attributes:
        parts: Its ink, from left to right.
        lowered: Whether it is a subscript.
        sign: The sign that its ink shows; None for digits, which have to be read.
        clear: Whether the base before it is a separate character; if not, a minus may be merged with the
            base.
    """

    parts: tuple[Part, ...]
    lowered: bool
    sign: str | None = None
    clear: bool = True

    @property
    def left(self) -> int:
        """First column, in pixels of the line's picture."""
        return self.parts[0].left

    @property
    def right(self) -> int:
        """One past the last column."""
        return max(part.right for part in self.parts)

    @property
    def top(self) -> int:
        """First row."""
        return min(part.top for part in self.parts)

    @property
    def bottom(self) -> int:
        """One past the last row."""
        return max(part.bottom for part in self.parts)


def may_have_superscripts(reading: Reading) -> bool:
    """Return whether a line has ASCII letters or digits, which may have superscripts."""
    return any(char.text.isascii() and char.text.isalnum() for char in reading.chars)


def find_groups(reading: Reading, parts: Sequence[Part], picture: Pixels) -> tuple[Group, ...]:
    """Find the superscripts and subscripts of a line, from left to right.

    Args:
        reading: The reading of the line; only parts behind Latin letters, digits and brackets count.
        parts: The parts of the line's picture.
        picture: The picture, (H, W) grey or (H, W, 3) BGR, uint8.
    """
    width = picture.shape[1]
    groups: list[Group] = []
    base: Part | None = None
    for i, part in enumerate(parts):
        before = groups[-1] if groups and i and groups[-1].parts[-1] is parts[i - 1] else None
        if before is None:
            base = parts[i - 1] if i else None
        # Ink above or below a character may belong to the next line.
        if base is None or base.pieces > 1 or part.pieces > 1:
            continue
        char = _char_at(reading, base, width)
        if _char_at(reading, part, width) in _FRACTIONS:
            continue
        if char is None or (not (char.isascii() and (char.isalnum() or char in ")]")) and char != "μ"):
            continue
        height = base.height / (_LOW_HEIGHT if char in _LOW_LETTERS else 1.0)
        gap = part.left - parts[i - 1].right
        if not -_OVERLAP * height <= gap <= _GAP * height or char in _BELOW:
            continue
        found = _group(part, base.bottom, height, picture)
        if found is None or (found.lowered and not (char.isalpha() or char in ")]")):
            continue
        if before and before.sign is None and found.sign is None and before.lowered == found.lowered:
            groups[-1] = replace(before, parts=(*before.parts, part))
        else:
            groups.append(replace(found, clear=not (char.isdigit() and base.width > _WIDE * height)))
    groups = _without_old_style_figures(groups, parts, reading, width)
    return tuple(group for i, group in enumerate(groups) if _is_meant(groups, i, parts, reading, width))


def _without_old_style_figures(
    groups: list[Group], parts: Sequence[Part], reading: Reading, width: int
) -> list[Group]:
    """Return the groups without those that are raised only beside a figure that hangs below the baseline."""
    if not groups:
        return groups
    texts = [_char_at(reading, part, width) for part in parts]
    shifted = {part for group in groups for part in group.parts}
    if not has_old_style_figures(texts, parts, shifted):
        return groups
    behind_hanging = {part for text, part in zip(texts, parts[1:], strict=False) if text in HANGING}
    kept: list[Group] = []
    follows: Part | None = None  # last part of a group that was left out
    for group in groups:
        place = parts.index(group.parts[0])
        if not group.lowered and (group.parts[0] in behind_hanging or parts[place - 1] is follows):
            follows = group.parts[-1]
        else:
            kept.append(group)
    return kept


def _is_meant(groups: Sequence[Group], i: int, parts: Sequence[Part], reading: Reading, width: int) -> bool:
    """Return whether a group is plausible as a superscript or subscript.

    Only signs and digits directly follow a superscript digit. A sign without digits must be the charge of an
    ion. Subscripts are always plausible.
    """
    group = groups[i]
    place = parts.index(group.parts[0])
    base, last = parts[place - 1], place + len(group.parts) - 1
    ends = last + 1 == len(parts) or parts[last + 1].left - group.right >= _APART * base.height
    after = (
        groups[i + 1]
        if i + 1 < len(groups) and groups[i + 1].parts[0] is parts[min(last + 1, len(parts) - 1)]
        else None
    )
    before = groups[i - 1] if i and groups[i - 1].parts[-1] is base else None
    if group.lowered:
        return True
    if group.sign is None:
        behind = None if last + 1 == len(parts) else _char_at(reading, parts[last + 1], width)
        return ends or after is not None or not (behind or "").isalnum() or not (behind or "").isascii()
    if before is not None and before.sign is None:
        return ends or after is None
    if after is not None and after.sign is None:
        return True
    until, behind = _divided(reading, base, width)
    follows = behind[:1].isascii() and behind[:1].isalnum()
    return ends and not follows and _ION.search(until) is not None


def _divided(reading: Reading, part: Part, width: int) -> tuple[str, str]:
    """Return the text up to the character nearest to a part, and the text behind it."""
    chars = reading.chars
    at = min(range(len(chars)), key=lambda i: abs((chars[i].start + chars[i].end) / 2 * width - part.centre))
    return "".join(char.text for char in chars[: at + 1]), "".join(char.text for char in chars[at + 1 :])


def _char_at(reading: Reading, part: Part, width: int) -> str | None:
    """Return the visible character nearest to a part."""
    visible = [char for char in reading.chars if not char.text.isspace()]
    if not visible:
        return None
    return min(visible, key=lambda char: abs((char.start + char.end) / 2 * width - part.centre)).text


def _group(part: Part, foot: float, height: float, picture: Pixels) -> Group | None:
    """Return a part as a superscript or subscript; None if it is neither.

    Args:
        part: The ink.
        foot: Row of the baseline: the bottom of the character before it.
        height: Height of the line's digits in pixels.
        picture: The line's picture.
    """
    above, head, high = foot - part.bottom, foot - part.top, part.height
    if _LEAST * height <= high <= _MOST * height:
        if above >= _FOOT * height and head >= _HEAD * height:
            cross = high <= _SIGN * height and _is_cross(part, picture)
            return Group((part,), lowered=False, sign="+" if cross else None)
        if above <= -_DROP * height and _LOWEST_HEAD * height <= head <= _DROPPED_HEAD * height:
            return Group((part,), lowered=True)
    if high <= _SIGN * height and above >= _SIGN_FOOT * height and _is_cross(part, picture):
        return Group((part,), lowered=False, sign="+")
    if high <= _BAR * height and above >= _BAR_FOOT * height and part.width >= _BAR_LENGTH * high:
        return Group((part,), lowered=False, sign="-")
    return None


def _is_cross(part: Part, picture: Pixels) -> bool:
    """Return whether a part is a plus: ink along its middle row and column, none in its corners."""
    if not 0.7 <= part.width / part.height <= 1.4 or min(part.width, part.height) < _LEAST_CROSS:
        return False
    ink = _ink(picture[part.top : part.bottom, part.left : part.right], picture)
    y, x = ink.shape[0] // 3, ink.shape[1] // 3
    corners = np.concatenate([ink[a, b].ravel() for a in _ends(y) for b in _ends(x)])
    lying = ink[y : ink.shape[0] - y].sum(axis=0).clip(0, 1).mean()
    upright = ink[:, x : ink.shape[1] - x].sum(axis=1).clip(0, 1).mean()
    return bool(corners.mean() < _CORNER and min(lying, upright) > _FULL)


def _ends(length: int) -> tuple[slice, slice]:
    """Return the first and the last pixels of a side."""
    return slice(0, length), slice(-length, None)


def _ground(picture: Pixels) -> NDArray[np.float64]:
    """Return the grey level or BGR colour of the paper, the median of the first and last row."""
    rows = np.concatenate((picture[0], picture[-1])).astype(np.float64)
    return np.asarray(np.median(rows, axis=0))


def _ink(piece: Pixels, picture: Pixels) -> NDArray[np.float64]:
    """Return how much each pixel of a piece differs from the paper, (H, W), divided by the maximum."""
    away = np.abs(piece.astype(np.float64) - _ground(picture))
    away = away if away.ndim == 2 else away.mean(axis=2)
    return np.asarray(away / max(1.0, float(away.max())))


def isolate(picture: Pixels, group: Group) -> Pixels:
    """Return a picture of a group alone, with paper around it; (H, W) or (H, W, 3), uint8."""
    height = group.bottom - group.top
    pad = max(2, round(0.35 * height))
    shape = (height + 2 * pad, group.right - group.left + 4 * pad, *picture.shape[2:])
    canvas = np.empty(shape, np.uint8)
    canvas[:] = np.rint(_ground(picture)).astype(np.uint8)
    piece = picture[max(0, group.top - 1) : group.bottom + 1, max(0, group.left - 1) : group.right + 1]
    y, x = pad - (group.top > 0), 2 * pad - (group.left > 0)
    canvas[y : y + piece.shape[0], x : x + piece.shape[1]] = piece
    return canvas


def erase(picture: Pixels, groups: Sequence[Group]) -> Pixels:
    """Return a copy of a line's picture with some groups replaced by paper."""
    painted = picture.copy()
    for group in groups:
        top, left = max(0, group.top - 1), max(0, group.left - 1)
        painted[top : group.bottom + 1, left : group.right + 1] = np.rint(_ground(picture)).astype(np.uint8)
    return painted


@dataclass(frozen=True, slots=True)
class Extraction:
    """The superscripts and subscripts that were removed from a line.

    Attributes:
        picture: The line's picture without them, (H, W) or (H, W, 3), uint8.
        parts: The parts of the line, including the groups.
        groups: Each group with its digits or its sign, from left to right.
    """

    picture: Pixels
    parts: tuple[Part, ...]
    groups: tuple[tuple[Group, str], ...]


def extract(
    picture: Pixels, parts: Sequence[Part], read: Sequence[tuple[Group, str | None]]
) -> Extraction | None:
    """Remove groups from a line.

    Args:
        picture: The line's picture.
        parts: Its parts.
        read: The groups, from left to right, and the text read from each alone; None if nothing was read.

    Returns:
        The removed groups; None if none of them consists of digits or a sign.
    """
    known = []
    for group, text in read:
        text = group.sign or (text and _figures(text, len(group.parts)))
        if text:
            known.append((group, text))
    if not known:
        return None
    return Extraction(erase(picture, [group for group, _ in known]), tuple(parts), tuple(known))


def _figures(text: str, count: int) -> str | None:
    """Return a text as `count` digits; None if it is something else.

    A single zero is refused, because it is the degree sign.
    """
    plain = unicodedata.normalize("NFKC", text).replace(" ", "").translate(_FIGURES)
    fits = len(plain) == count and plain != "0" and all(char in "0123456789" for char in plain)
    return plain if fits else None


def reinsert(reading: Reading, taken: Extraction) -> Reading:
    """Insert the removed superscripts and subscripts into a line.

    Args:
        reading: The reading of the line without them.
        taken: The removed groups.

    Returns:
        The whole line.
    """
    width = taken.picture.shape[1]
    chars = list(reading.chars)
    for group, text in reversed(taken.groups):
        text = text.translate(_LOWERED if group.lowered else _RAISED)
        at = _place_behind(chars, group, taken, width)
        step, sure = (group.right - group.left) / len(text), SURE if group.clear else UNSURE
        new = [
            ReadChar(sign, sure, (group.left + n * step) / width, (group.left + (n + 1) * step) / width)
            for n, sign in enumerate(text)
        ]
        behind = [part.left for part in taken.parts if part.left >= group.right]
        close = behind and behind[0] - group.right < _NO_BLANK * (group.bottom - group.top)
        if at < len(chars) and chars[at].text.isspace() and close:
            del chars[at]
        chars[at:at] = new
    confidence = min(reading.confidence, *(SURE if group.clear else UNSURE for group, _ in taken.groups))
    return Reading("".join(char.text for char in chars), confidence, tuple(chars))


def _place_behind(chars: Sequence[ReadChar], group: Group, taken: Extraction, width: int) -> int:
    """Return the index behind the character that is before a group."""
    out = {part for other, _ in taken.groups for part in other.parts}
    before = [part for part in taken.parts if part not in out and part.left < group.left]
    visible = [i for i, char in enumerate(chars) if not char.text.isspace()]
    if not before or not visible:
        return 0
    centre = before[-1].centre
    nearest = min(visible, key=lambda i: abs((chars[i].start + chars[i].end) / 2 * width - centre))
    return nearest + 1
