"""Write the lines of a page as invisible text that lies on their print."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from crnn_ocr.document import Line, Point, Polygon
from crnn_ocr.export.pdf.encoding import Encoding, natural_width, writable
from crnn_ocr.export.pdf.glyphs import ASCENT, DESCENT, EM

#: Text render modes: neither filled nor stroked, and filled (ISO 32000-1, table 106).
INVISIBLE, FILLED = 3, 0

#: Least size of a line and greatest size of any number, in units of the page. Readers keep to about 14,400
#: (ISO 32000-1, annex C); a polygon beyond it must not make the file unreadable.
_LEAST, _MOST = 0.1, 100_000.0
#: Least size of a row's text in heights of its box. poppler ignores spaces below 0.15 em in its raw order;
#: the smaller the size, the larger is a space in ems. Below this share the text is narrow, not small.
_LEAST_SHARE = 0.7
#: How far a line may rise or fall from its start to its end, in heights of its box, and still be written
#: straight: at most half of that separates text and print at the ends.
_MOST_DRIFT = 0.5


def layer(
    lines: Iterable[Line],
    place: Callable[[Point], Point],
    font: str,
    encoding: Encoding,
    mode: int = INVISIBLE,
) -> bytes:
    """Return a content stream with the text of lines.

    Every line is one string: readers take gaps between strings for spaces, or for the end of a line.

    Args:
        lines: Lines of one page in reading order.
        place: Converts a point from pixels to the page's coordinates, y up.
        font: Name of the font in the page's resources.
        encoding: Codes of the characters.
        mode: Text render mode; only a test draws the text.

    Returns:
        Operators between `q` and `Q`; empty if there is no text.
    """
    drawn = [entry for line in lines if (entry := _drawn(line, place, font, encoding))]
    if not drawn:
        return b""
    return b"q BT %d Tr\n%bET Q\n" % (mode, b"".join(drawn))


def _drawn(line: Line, place: Callable[[Point], Point], font: str, encoding: Encoding) -> bytes:
    text = writable(line.text)
    if not text:
        return b""
    width = natural_width(text)
    origin, along, length, height = _frame(line, place, width)
    x, y = origin
    cosine, sine = along
    numbers = " ".join(map(_number, (cosine, sine, -sine, cosine, x, y)))
    stretch = 100 * length / (width * height)
    return (
        f"/{font} {_number(height)} Tf {_number(stretch)} Tz {numbers} Tm ".encode()
        + encoding.hexadecimal(text)
        + b" Tj\n"
    )


def _frame(line: Line, place: Callable[[Point], Point], width: float) -> tuple[Point, Point, float, float]:
    """Return where a line's text goes: start of its baseline, unit vector along it, length and height."""
    corners = [place(corner) for corner in _finite(line.polygon)]
    column = is_column(line)
    if column:
        # The text runs down: it starts at the top edge, and its lower side is the left edge.
        corners = [*corners[1:], corners[0]]
    start, end, below_end, below_start = corners
    along, down = _sides(start, end, below_end, below_start)
    norm = math.hypot(*along)
    length, height = _clamped(norm / 2), _clamped(math.hypot(*down) / 2)
    unit = _straight((along[0] / norm, along[1] / norm) if norm else (1.0, 0.0), length, height)
    # Boxes are higher than the characters, and those of columns wider: the em is as large as it is in text
    # that is set solid, if that fits.
    least = 0 if column else _LEAST_SHARE * height
    height = _clamped(min(height, max(length / width, least)))
    # From the centre to the start of the baseline, so that the em box is in the middle of the line.
    x, y = sum(x for x, _ in corners) / 4, sum(y for _, y in corners) / 4
    back, drop = length / 2, height * ((ASCENT + DESCENT) / EM / 2)
    origin = x - unit[0] * back + unit[1] * drop, y - unit[1] * back - unit[0] * drop
    return (_bounded(origin[0]), _bounded(origin[1])), unit, length, height


def _straight(unit: Point, length: float, height: float) -> Point:
    """Return the direction of a line, made parallel to the page's side if its box still lies on its print.

    poppler ends a word where the baseline moves by half a point, and then tears long lines.
    """
    cosine, sine = unit
    if length * min(abs(cosine), abs(sine)) > _MOST_DRIFT * height:
        return unit
    if abs(cosine) > abs(sine):
        return math.copysign(1.0, cosine), 0.0
    return 0.0, math.copysign(1.0, sine)


def is_column(line: Line) -> bool:
    """Tell whether a line is a column of upright characters, read from top to bottom.

    Its polygon starts at the upper left like any other, so the text runs along its second edge.
    """
    text = writable(line.text)
    if len(text) < 2:
        return False
    across, down = _sides(*_finite(line.polygon))
    if len(line.chars) > 1:
        (fx, fy), (lx, ly) = _centre(line.chars[0].polygon), _centre(line.chars[-1].polygon)
        way = (lx - fx, ly - fy)
        return _part(way, down) > _part(way, across)
    # Without places of characters: whether the polygon has rather the shape of a row or of a column.
    shape = math.log(_clamped(math.hypot(*across)) / _clamped(math.hypot(*down)))
    return abs(shape + math.log(len(text))) < abs(shape - math.log(natural_width(text)))


def _sides(start: Point, end: Point, below_end: Point, below_start: Point) -> tuple[Point, Point]:
    """Return twice the mean vector from the start to the end of a line, and from its top to its bottom."""
    along = (
        end[0] - start[0] + below_end[0] - below_start[0],
        end[1] - start[1] + below_end[1] - below_start[1],
    )
    down = (
        below_start[0] - start[0] + below_end[0] - end[0],
        below_start[1] - start[1] + below_end[1] - end[1],
    )
    return along, down


def _part(way: Point, axis: Point) -> float:
    """Return the length of a vector in the direction of another one."""
    norm = math.hypot(*axis)
    return (way[0] * axis[0] + way[1] * axis[1]) / norm if norm else 0.0


def _centre(polygon: Polygon) -> Point:
    corners = _finite(polygon)
    return sum(x for x, _ in corners) / 4, sum(y for _, y in corners) / 4


def _finite(polygon: Polygon) -> list[Point]:
    return [(_bounded(x, 1e6), _bounded(y, 1e6)) for x, y in polygon]


def _bounded(value: float, most: float = _MOST) -> float:
    return min(max(value, -most), most) if math.isfinite(value) else 0.0


def _clamped(size: float) -> float:
    return min(max(size, _LEAST), _MOST)


def _number(value: float) -> str:
    """Write a number as PDF has it: without exponent."""
    text = f"{value:.4f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
