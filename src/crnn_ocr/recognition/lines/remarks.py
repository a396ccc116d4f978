"""Warn about text that was lost or may be wrong (pure functions).

A result must say what it has lost, because a program that takes amounts from it cannot compare it with the
picture. Clean pages get no warnings.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from crnn_ocr.document import Polygon, Remark
from crnn_ocr.imaging.polygons import Turn
from crnn_ocr.pixels import Pixels
from crnn_ocr.recognition.ink.components import ink_parts
from crnn_ocr.recognition.ink.numbers import surety
from crnn_ocr.recognition.lines.crops import unturn
from crnn_ocr.recognition.lines.regions import ReadRegion

#: Regions with a lower legibility count as unread; the caller asked for leaving out those above it.
_READ = 0.5
#: Least ratio of length to height of a line; a shorter region may be an icon as well as a character.
_LINE = 1.5
#: From this number of unread regions and this share of all, short ones are reported, too: they are not all
#: icons.
_MANY, _MANY_SHARE = 3, 0.2
#: A number is reported if one of its characters has a lower confidence.
_NUMBER_SURE = 0.6
#: Least number and least share of turned lines among upright ones to be reported.
_TURNED, _TURNED_SHARE = 2, 0.1
#: Most positions or texts that are listed.
_NAMED = 5
#: Most characters of a line's text in a message.
_LONGEST = 40
#: Greatest distance in pixels at which a line touches the border of the picture.
_BORDER = 1.0
#: Least share of parts that are cut in a line at the upper or lower border.
_CUT_SHARE = 0.3


def reading_remarks(
    found: Sequence[ReadRegion], kept: Sequence[ReadRegion], image: Pixels, turn: Turn = 0
) -> tuple[Remark, ...]:
    """Return the warnings about the reading of a page.

    Args:
        found: Every region that was detected, with its reading.
        kept: The regions that are part of the result.
        image: The picture that was read, (H, W) grey or (H, W, 3) BGR, uint8.
        turn: Clockwise rotation in degrees from the input picture to `image`.

    Returns:
        `TEXT_UNREAD`, `NUMBER_UNSURE`, `TEXT_CUT` and `MIXED_ORIENTATION`, if they apply.
    """
    height, width = image.shape[:2] if turn in (0, 180) else image.shape[1::-1]
    lost = [
        replace(entry, polygon=unturn(entry.polygon, turn, width, height))
        for entry in found
        if entry.reading.legibility < _READ or not entry.reading.text
    ]
    remarks = (
        _unread(lost, len(found)),
        _unsure_numbers(kept),
        _cut(kept, image),
        _mixed(kept),
    )
    return tuple(remark for remark in remarks if remark is not None)


def _unread(lost: Sequence[ReadRegion], found: int) -> Remark | None:
    lines = [entry for entry in lost if _aspect(entry.polygon) >= _LINE]
    if len(lost) >= max(_MANY, _MANY_SHARE * found):
        lines = list(lost)
    if not lines:
        return None
    places = _listed([f"({round(entry.polygon[0][0])}, {round(entry.polygon[0][1])})" for entry in lines])
    return Remark(
        "TEXT_UNREAD",
        f"{_counted(len(lines), 'place that looks', 'places that look')} like text could not be read and "
        f"{'is' if len(lines) == 1 else 'are'} missing: at (x, y) = {places}.",
    )


def _unsure_numbers(kept: Sequence[ReadRegion]) -> Remark | None:
    unsure = [entry.reading.text for entry in kept if surety(entry.reading) < _NUMBER_SURE]
    if not unsure:
        return None
    texts = _listed([text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…" for text in unsure])
    return Remark(
        "NUMBER_UNSURE",
        f"{_counted(len(unsure), 'line has a number', 'lines have numbers')} that may be wrong, compare with "
        f"the picture: {texts}.",
    )


def _cut(kept: Sequence[ReadRegion], image: Pixels) -> Remark | None:
    count = sum(_is_cut(entry, image) for entry in kept)
    if not count:
        return None
    return Remark(
        "TEXT_CUT",
        f"The picture's border cuts {_counted(count, 'line', 'lines')}, so text is missing there: take the "
        "picture with some room around the text.",
    )


def _mixed(kept: Sequence[ReadRegion]) -> Remark | None:
    turned = sum(entry.turn != 0 for entry in kept)
    if turned < max(_TURNED, _TURNED_SHARE * len(kept)) or turned == len(kept):
        return None
    return Remark(
        "MIXED_ORIENTATION",
        f"{_counted(turned, 'line', 'lines')} of {len(kept)} are turned sideways or upside down; the "
        "order of the lines may not be the intended reading order.",
    )


def _is_cut(entry: ReadRegion, image: Pixels) -> bool:
    """Return whether the border of the picture cuts characters of a line."""
    height, width = image.shape[:2]
    xs, ys = zip(*entry.polygon, strict=True)
    left, right = min(xs) <= _BORDER, max(xs) >= width - _BORDER
    top, bottom = min(ys) <= _BORDER, max(ys) >= height - _BORDER
    if not (left or right or top or bottom):
        return False
    x, y = max(0, math.floor(min(xs))), max(0, math.floor(min(ys)))
    picture = image[y : math.ceil(max(ys)), x : math.ceil(max(xs))]
    parts = ink_parts(picture) if picture.size else ()
    if not parts:
        return False
    high, wide = picture.shape[:2]
    return (
        (left and parts[0].left == 0)
        or (right and max(part.right for part in parts) == wide)
        or (top and sum(part.top == 0 for part in parts) >= _CUT_SHARE * len(parts))
        or (bottom and sum(part.bottom == high for part in parts) >= _CUT_SHARE * len(parts))
    )


def _aspect(polygon: Polygon) -> float:
    """Return the ratio of a region's longer side to its shorter side."""
    sides = sorted((math.dist(polygon[0], polygon[1]), math.dist(polygon[0], polygon[3])))
    return sides[1] / max(sides[0], 1.0)


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _listed(names: Sequence[str]) -> str:
    """Return the first few names and the number of the others."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
