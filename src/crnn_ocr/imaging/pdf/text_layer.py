"""Decide whether the text that a page of a PDF holds is good, and convert it to lines in pixels.

A layer is not good if its characters have no meaning (private or replaced code points, fonts that do not tell
what their characters are), or if it is invisible and makes no sense. Such a page is read like a picture. The
pictures on a page that have no text over them are read, too.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from crnn_ocr.document import Line
from crnn_ocr.imaging.pdf.page_text import Box, PageText, UseOfText, text_line
from crnn_ocr.imaging.pdf.text_lines import Glyphs, lines_of
from crnn_ocr.imaging.pdf.text_pieces import Bools, CrowdedPageError, Effort, Floats, Piece
from crnn_ocr.imaging.polygons import Turn, bounds, corners, unturn_point

#: Largest share of characters without meaning, and of those that a font cannot name, in a good layer. A few
#: are bullets and symbols of private fonts.
MOST_BAD = 0.1
MOST_UNMAPPED = 0.2
#: Least share of letters and digits in an invisible layer, and largest share of single Latin letters among
#: its words; rubbish that scanners have left has many marks and crumbs of words.
LEAST_LETTERS, MOST_CRUMBS = 0.7, 0.4
#: Least share of the page that a picture covers to be read, and the largest share of it that text may cover.
LEAST_PICTURE, MOST_COVERED = 0.05, 0.03
#: Smallest height of a box from ascent to descent in points; smaller text is not meant to be seen.
LEAST_POINTS = 2.0
#: Directions further than this from a quarter turn are those of slanted text, in degrees.
_SLANTED = 5.0

_FARTHEST = 1e6  # points; the largest page has 14,400
_CELLS = 96  # cells per side of the raster in which pictures are joined
_POINTS_PER_INCH = 72
_TURNS: dict[int, Turn] = {0: 0, 1: 270, 2: 180, 3: 90}

_Codes = NDArray[np.uint32]


def page_text(
    found: Mapping[str, Any],
    raw: bytes,
    size: tuple[int, int],
    dpi: float,
    use: UseOfText,
    check: Callable[[], None] | None = None,
) -> PageText | None:
    """Return the text of a page.

    Args:
        found: The answer of `drawer` to the question `text`.
        raw: The arrays that follow it; see `glyphs.characters`.
        size: Width and height of the page as it would be drawn, in pixels.
        dpi: Pixels per inch.
        use: When to take it; "never" stands for never reading a picture.
        check: Raises an error if the text is no longer needed; called between steps.

    Returns:
        The text; None if the picture of the page is to be read instead, also because the text is in more
        parts than any real page has.

    Raises:
        ValueError: The arrays are malformed.
    """
    width, height = size
    layer = _Layer(found, raw, width, height)
    pictures = [_place_box(layer.matrix, box) for box in found["pictures"]]
    raster = _raster([_clipped(box, width, height) for box in pictures], width, height)
    layer.drop_hidden(raster, dpi)
    if use != "never" and not layer.is_good(float(found["unmapped"])):
        return None
    layer.drop_meaningless()
    try:
        lines, columns, turn = layer.lines(Effort(check))
    except CrowdedPageError:
        return None
    if use != "never" and (not lines or (layer.is_mostly_hidden and not makes_sense([*lines]))):
        return None
    unread = () if use == "never" else _unread(raster, lines, width, height)
    return PageText(width, height, dpi, lines, columns, turn, unread)


class _Layer:
    """The characters of one page."""

    def __init__(self, found: Mapping[str, Any], raw: bytes, width: int, height: int) -> None:
        chars, runs = int(found["chars"]), int(found["runs"])
        if len(raw) != 52 * chars + 9 * runs or min(chars, runs) < 0:
            raise ValueError("the arrays have another length")
        a, b, c, d, e, f = map(float, found["matrix"])
        self._size = width, height
        #: From points to pixels.
        self.matrix = np.array([[a * width, b * height], [c * width, d * height], [e * width, f * height]])
        parts = np.cumsum([0, 4 * chars, 16 * chars, 32 * chars, 4 * runs, 4 * runs, runs])

        def part(index: int, kind: type) -> NDArray[Any]:
            return np.frombuffer(raw[parts[index] : parts[index + 1]], kind)

        self._codes: _Codes = part(0, np.uint32)
        loose = _finite(part(1, np.float32)).reshape(-1, 4)
        tight = _finite(part(2, np.float64)).reshape(-1, 4)
        firsts = part(3, np.uint32)
        generated = (loose[:, 0] == loose[:, 2]) & (loose[:, 1] == loose[:, 3])
        run = np.maximum(np.searchsorted(firsts, np.arange(chars), "right") - 1, 0)
        self._angles: Floats = _finite(part(4, np.float32))[run] if runs else np.zeros(chars)
        self._hidden: Bools = part(5, np.uint8)[run].astype(bool) if runs else np.zeros(chars, bool)
        white = _is_white(self._codes) | generated
        self._keep: Bools = ~white & ~_is_nothing(self._codes)
        # White space counts before the next character that is kept.
        self._blank = _carried(white, self._keep)
        self._guessed = self._blank & ~_carried(white & ~generated, self._keep)
        self._boxes = self._placed(loose[:, 0], loose[:, 3], loose[:, 2], loose[:, 1])
        self._ink = self._placed(tight[:, 0], tight[:, 2], tight[:, 1], tight[:, 3])
        centre = (self._boxes[:, :2] + self._boxes[:, 2:]) / 2
        self._keep &= (centre >= 0).all(axis=1) & (centre <= (width, height)).all(axis=1)

    def _placed(self, left: Floats, bottom: Floats, right: Floats, top: Floats) -> Floats:
        """Return boxes in pixels: left, top, right, bottom."""
        one = np.stack([left, bottom, np.ones_like(left)], axis=1) @ self.matrix
        two = np.stack([right, top, np.ones_like(left)], axis=1) @ self.matrix
        return np.concatenate([np.minimum(one, two), np.maximum(one, two)], axis=1)

    @property
    def is_mostly_hidden(self) -> bool:
        """Whether most characters are invisible: the work of a program that has read the picture below."""
        return bool(self._keep.any()) and float(self._hidden[self._keep].mean()) > 0.5

    def drop_hidden(self, raster: NDArray[np.uint8], dpi: float) -> None:
        """Leave out text that nobody sees: too small, or invisible with no picture below it."""
        sides = self._boxes[:, 2:] - self._boxes[:, :2]
        self._keep &= sides.max(axis=1, initial=0.0) >= LEAST_POINTS * dpi / _POINTS_PER_INCH
        if not self._hidden.any():
            return
        width, height = self._size
        centre = (self._boxes[:, :2] + self._boxes[:, 2:]) / 2
        cell = np.clip(centre * _CELLS / (width, height), 0, _CELLS - 1).astype(int)
        self._keep &= ~self._hidden | (raster[cell[:, 1], cell[:, 0]] > 0)

    def is_good(self, unmapped: float) -> bool:
        """Return whether the characters have a meaning; False if there are none."""
        codes = self._codes[self._keep]
        return bool(len(codes)) and unmapped <= MOST_UNMAPPED and float(_is_bad(codes).mean()) <= MOST_BAD

    def drop_meaningless(self) -> None:
        """Leave out characters without a meaning."""
        self._keep &= ~_is_bad(self._codes)

    def lines(self, effort: Effort) -> tuple[tuple[Line, ...], tuple[bool, ...], Turn]:
        """Return the lines, which of them are columns, and the turn that makes most of them upright."""
        a, c = self.matrix[0], self.matrix[1]
        cos, sin = np.cos(self._angles), -np.sin(self._angles)  # the angles are clockwise, and y points up
        degrees = np.degrees(np.arctan2(a[1] * cos + c[1] * sin, a[0] * cos + c[0] * sin))
        quarters = np.round(degrees / 90)
        slanted = np.abs(degrees - 90 * quarters) > _SLANTED
        classes = quarters.astype(int) % 4
        kept = np.flatnonzero(self._keep & ~slanted)
        lines: list[Line] = []
        columns: list[bool] = []
        counts: Counter[int] = Counter()
        for quarter in sorted(set(classes[kept].tolist())):
            chosen = kept[classes[kept] == quarter]
            counts[quarter] = len(chosen)
            turn = _TURNS[quarter]
            for piece in lines_of(self._glyphs(chosen, turn), effort):
                lines.append(self._line(piece, turn))
                columns.append(piece.column)
        for line in self._slanted_lines(np.flatnonzero(self._keep & slanted), np.radians(degrees), effort):
            lines.append(line)
            columns.append(False)
        most = min(counts, key=lambda quarter: (-counts[quarter], quarter)) if counts else 0
        return tuple(lines), tuple(columns), _TURNS[most]

    def _glyphs(self, chosen: NDArray[np.intp], turn: Turn) -> Glyphs:
        codes = _read_as(self._codes[chosen])
        boxes, ink = (_turned(boxes[chosen], turn, *self._size) for boxes in (self._boxes, self._ink))
        # PDFium gives boxes without height where a font has no ascent; then the ink must do.
        flat = boxes[:, 3] - boxes[:, 1] <= 0
        boxes[flat] = ink[flat]
        return Glyphs(codes, boxes, ink, self._blank[chosen], self._guessed[chosen])

    def _line(self, piece: Piece, turn: Turn) -> Line:
        a, b, c, d = (unturn_point(point, turn, *self._size) for point in corners(piece.box))
        return text_line(piece.text, piece.shares(), (a, b, c, d), column=piece.column)

    def _slanted_lines(self, chosen: NDArray[np.intp], angles: Floats, effort: Effort) -> list[Line]:
        """Return lines of text at other angles, such as watermarks, each in its own turned frame."""
        lines: list[Line] = []
        rounded = np.round(angles[chosen], 2)
        for angle in sorted(set(rounded.tolist())):
            own = chosen[rounded == angle]
            along = np.array([np.cos(angle), np.sin(angle)])
            down = np.array([-along[1], along[0]])
            axes = np.stack([along, down], axis=1)
            middle = (self._boxes[own, :2] + self._boxes[own, 2:]) / 2 @ axes
            # The box of a turned rectangle w × h has the sides w·|cos| + h·|sin| and w·|sin| + h·|cos|; their
            # sum gives w + h, of which a character's height is about three fifths.
            sides = self._boxes[own, 2:] - self._boxes[own, :2]
            total = sides.sum(axis=1) / (abs(along[0]) + abs(along[1]))
            half = np.stack([0.2 * total, 0.3 * total], axis=1)
            boxes = np.concatenate([middle - half, middle + half], axis=1)
            codes = _read_as(self._codes[own])
            glyphs = Glyphs(codes, boxes, boxes, self._blank[own], self._guessed[own])
            for piece in lines_of(glyphs, effort):
                moved = np.array(corners(piece.box)) @ axes.T
                a, b, c, d = ((float(x), float(y)) for x, y in moved)
                lines.append(text_line(piece.text, piece.shares(), (a, b, c, d)))
        return lines


# ---- characters --------------------------------------------------------------------------------------

#: What Kangxi radicals are read as: programs put them in place of the characters that look the same.
_RADICALS = np.array(
    [ord(unicodedata.normalize("NFKC", chr(code))) for code in range(0x2F00, 0x2FD6)], np.uint32
)


def _read_as(codes: _Codes) -> _Codes:
    """Return the characters with radicals as characters, and kinds of hyphens as the usual one."""
    radical = (codes >= 0x2F00) & (codes < 0x2F00 + len(_RADICALS))
    codes = np.where((codes == 0x2010) | (codes == 0x2011), ord("-"), codes).astype(np.uint32)
    if radical.any():
        codes[radical] = _RADICALS[codes[radical] - 0x2F00]
    return codes


def _is_white(codes: _Codes) -> Bools:
    spaces = (codes >= 0x2000) & (codes <= 0x200A)
    return np.asarray(spaces | np.isin(codes, (9, 10, 11, 12, 13, 32, 0xA0, 0x202F, 0x205F, 0x3000)))


def _is_nothing(codes: _Codes) -> Bools:
    """Return which characters only control how others are shown."""
    marks = ((codes >= 0x200B) & (codes <= 0x200F)) | ((codes >= 0x202A) & (codes <= 0x202E))
    return np.asarray(marks | ((codes >= 0x2060) & (codes <= 0x2064)) | (codes == 0xFEFF))


def _is_bad(codes: _Codes) -> Bools:
    """Return which characters have no meaning: private, replaced, control and impossible ones."""
    control = (codes < 0x20) | ((codes >= 0x7F) & (codes <= 0x9F))
    private = ((codes >= 0xE000) & (codes <= 0xF8FF)) | (codes >= 0xF0000)
    none = (codes == 0xFFFD) | (codes == 0xFFFF) | ((codes >= 0xD800) & (codes <= 0xDFFF))
    return np.asarray((control & (codes != 2)) | private | none)


def _carried(marks: Bools, to: Bools) -> Bools:
    """Return for each entry of `to` whether a mark stands between it and the one before."""
    before = np.concatenate([[0], np.cumsum(marks)])[:-1]
    places = np.flatnonzero(to)
    found = np.zeros(len(to), bool)
    found[places] = np.diff(before[places], prepend=0) > 0
    return found


def makes_sense(lines: Sequence[Line]) -> bool:
    """Return whether lines that another program has read are words rather than rubbish."""
    words = [word for line in lines for word in line.text.split()]
    text = "".join(words)
    if not text:
        return False
    letters = sum(char.isalnum() for char in text) / len(text)
    latin = [word for word in words if word[0].isascii()]
    crumbs = sum(len(word) == 1 and not word.isdigit() for word in latin) / max(1, len(latin))
    return letters >= LEAST_LETTERS and crumbs <= MOST_CRUMBS


def _finite(values: NDArray[Any]) -> Floats:
    """Return values as doubles within a range in which nothing overflows; PDFs may hold any number."""
    with np.errstate(all="ignore"):
        finite = np.where(np.isfinite(values), values, 0).astype(np.float64)
    return np.clip(finite, -_FARTHEST, _FARTHEST)


# ---- places ------------------------------------------------------------------------------------------


def _turned(boxes: Floats, turn: Turn, width: int, height: int) -> Floats:
    """Return boxes on the page turned clockwise."""
    left, top, right, bottom = boxes.T
    if turn == 90:
        parts = (height - bottom, left, height - top, right)
    elif turn == 180:
        parts = (width - right, height - bottom, width - left, height - top)
    elif turn == 270:
        parts = (top, width - right, bottom, width - left)
    else:
        parts = (left, top, right, bottom)
    return np.stack(parts, axis=1)


def _place_box(matrix: Floats, box: Sequence[float]) -> Box:
    left, bottom, right, top = (float(value) for value in box)
    (x, y), (u, v) = (np.array([[left, bottom, 1.0], [right, top, 1.0]]) @ matrix).tolist()
    return min(x, u), min(y, v), max(x, u), max(y, v)


def _clipped(box: Box, width: int, height: int) -> Box:
    left, top, right, bottom = (0.0 if value != value else value for value in box)
    return (
        min(max(left, 0.0), width),
        min(max(top, 0.0), height),
        min(max(right, 0.0), width),
        min(max(bottom, 0.0), height),
    )


# ---- pictures ----------------------------------------------------------------------------------------


def _raster(boxes: Sequence[Box], width: int, height: int) -> NDArray[np.uint8]:
    """Return a coarse raster of the page in which the areas of pictures are 1."""
    raster = np.zeros((_CELLS, _CELLS), np.uint8)
    for left, top, right, bottom in boxes:
        if right > left and bottom > top:
            columns = slice(int(left * _CELLS / width), int(np.ceil(right * _CELLS / width)))
            rows = slice(int(top * _CELLS / height), int(np.ceil(bottom * _CELLS / height)))
            raster[rows, columns] = 1
    return raster


def _unread(raster: NDArray[np.uint8], lines: Sequence[Line], width: int, height: int) -> tuple[Box, ...]:
    """Return the areas of pictures that have no text over them; strips of one picture count together."""
    if not raster.any():
        return ()
    count, _, stats, _ = cv2.connectedComponentsWithStats(raster, connectivity=4)
    areas: list[Box] = []
    boxes = np.array([bounds(line.polygon) for line in lines]).reshape(-1, 4)
    for left, top, wide, high, cells in stats[1:count].tolist():
        if cells < LEAST_PICTURE * _CELLS * _CELLS:
            continue
        across, down = width / _CELLS, height / _CELLS
        box = (left * across, top * down, (left + wide) * across, (top + high) * down)
        sides = np.minimum(boxes[:, 2:], box[2:]) - np.maximum(boxes[:, :2], box[:2])
        covered = float(np.prod(np.maximum(sides, 0), axis=1).sum())
        if covered < MOST_COVERED * cells * across * down:
            areas.append(box)
    return tuple(areas)
