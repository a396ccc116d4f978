"""Draws a page as SVG: its picture, its blocks or lines, and its text over them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

from crnn_ocr.document import Line, Page, Point, Polygon, block_id
from crnn_ocr.export.escaping import attributes, one_row, xml
from crnn_ocr.export.kinds import KINDS
from crnn_ocr.export.places import outline
from crnn_ocr.export.words import is_column


def upright_size(page: Page) -> tuple[int, int]:
    """Return width and height of the page after its rotation."""
    return (page.height, page.width) if page.rotation in (90, 270) else (page.width, page.height)


def picture_element(page: Page, url: str) -> str:
    """Return the picture of an upright page as an element."""
    width, height = upright_size(page)
    return f"<image{attributes(href=url, width=width, height=height)}/>"


def in_place(page: Page, content: str) -> str:
    """Return content in the pixels of the input, turned as the page is turned to be upright."""
    matrix = {
        90: f"matrix(0 1 -1 0 {page.height} 0)",
        180: f"matrix(-1 0 0 -1 {page.width} {page.height})",
        270: f"matrix(0 -1 1 0 0 {page.width})",
    }.get(page.rotation)
    return f"<g{attributes(transform=matrix)}>{content}</g>"


def block_shapes(page: Page, *, links: str | None = None) -> Iterator[str]:
    """Yield the outlines of the blocks, coloured by kind, with kinds and ids as titles.

    Args:
        page: The page.
        links: Prefix of the ids that the shapes link to; no links when None.
    """
    for index, block in enumerate(page.blocks):
        names, id_ = KINDS[block.kind], block_id(page.number, index)
        title = f"{id_} {names.title}" + (f" {block.level}" if block.level else "")
        shape = (
            f"<polygon{attributes(points=_points(outline(page, block)), fill=names.colour)} "
            f'fill-opacity=".12" stroke="{names.colour}" stroke-width="{_stroke(page)}">'
            f"<title>{xml(title)}</title></polygon>"
        )
        if block.table is not None:
            shape += "".join(
                f"<polygon{attributes(points=_points(cell.polygon))} "
                f'fill="none" stroke="{names.colour}" stroke-width="{_stroke(page) / 2:g}"/>'
                for cell in block.table.cells
            )
        yield shape if links is None else f"<a{attributes(href=f'#{links}{id_}')}>{shape}</a>"


def line_shapes(page: Page) -> Iterator[str]:
    """Yield the outlines of the lines."""
    for line in page.lines:
        yield (
            f'<polygon{attributes(points=_points(line.polygon))} fill="none" '
            f'stroke="#2563eb" stroke-width="{_stroke(page)}"/>'
        )


def order_marks(page: Page) -> Iterator[str]:
    """Yield the path of reading from block to block, and their numbers; needs the marker `arrow`."""
    places = [_centre(outline(page, block)) for block in page.blocks]
    size = max(10.0, min(page.width, page.height) / 55)
    for (x1, y1), (x2, y2) in pairwise(places):
        length = math.hypot(x2 - x1, y2 - y1)
        if length <= 2 * size:
            continue  # the numbers touch
        # The arrow ends at the edge of the number's disc.
        x2, y2 = x2 - (x2 - x1) * size / length, y2 - (y2 - y1) * size / length
        yield (
            f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#111" '
            f'stroke-opacity=".55" stroke-width="{size / 8:g}" marker-end="url(#arrow)"/>'
        )
    turn = -page.rotation
    for number, (block, (x, y)) in enumerate(zip(page.blocks, places, strict=True), start=1):
        yield (
            f'<circle cx="{x:g}" cy="{y:g}" r="{size:g}" fill="{KINDS[block.kind].colour}"/>'
            f'<text x="{x:g}" y="{y:g}" transform="rotate({turn} {x:g} {y:g})" font-size="{size:g}" '
            f'fill="#fff" text-anchor="middle" dominant-baseline="central">{number}</text>'
        )


def text_elements(page: Page, *, visible: bool) -> Iterator[str]:
    """Yield the lines as text that can be selected, stretched to the places where it stands on the page.

    Args:
        page: The page.
        visible: Whether it is painted; over a picture it is not.
    """
    for line in page.lines:
        text = one_row(line.text).strip()
        if text:
            yield _text_element(line, text, "#111" if visible else "transparent")


def _text_element(line: Line, text: str, fill: str) -> str:
    upper_left, upper_right, _, lower_left = line.polygon
    along = (upper_right[0] - upper_left[0], upper_right[1] - upper_left[1])
    down = (lower_left[0] - upper_left[0], lower_left[1] - upper_left[1])
    length, size = math.hypot(*along), math.hypot(*down)
    if is_column(line):
        return _column(line, text, fill)
    # The baseline of most faces is a fifth of the line's height above its lower edge.
    x, y = f"{lower_left[0] - down[0] / 5:.1f}", f"{lower_left[1] - down[1] / 5:.1f}"
    angle = math.degrees(math.atan2(along[1], along[0]))
    turn = f"rotate({angle:.2f} {x} {y})" if abs(angle) >= 0.005 else None
    marks = attributes(x=x, y=y, transform=turn, textLength=f"{length:.1f}", fill=fill)
    return (
        f'<text{marks} font-size="{max(size * 0.8, 1):.1f}" lengthAdjust="spacingAndGlyphs" '
        f'xml:space="preserve">{xml(text)}</text>'
    )


def _column(line: Line, text: str, fill: str) -> str:
    """Return a column of characters, each at a place of its own: browsers pile up stretched vertical text."""
    upper_left, upper_right, lower_right, lower_left = line.polygon
    top = ((upper_left[0] + upper_right[0]) / 2, (upper_left[1] + upper_right[1]) / 2)
    bottom = ((lower_left[0] + lower_right[0]) / 2, (lower_left[1] + lower_right[1]) / 2)
    size = math.dist(top, bottom) / len(text)
    # Four fifths of a character are above its baseline.
    shares = [(at + 0.8) / len(text) for at in range(len(text))]
    marks = attributes(
        x=" ".join(f"{top[0] + (bottom[0] - top[0]) * share:.1f}" for share in shares),
        y=" ".join(f"{top[1] + (bottom[1] - top[1]) * share:.1f}" for share in shares),
        fill=fill,
    )
    size = max(min(size, math.dist(upper_left, upper_right)) * 0.9, 1)
    return f'<text{marks} font-size="{size:.1f}" text-anchor="middle" xml:space="preserve">{xml(text)}</text>'


def _points(polygon: Polygon) -> str:
    return " ".join(f"{round(x, 1):g},{round(y, 1):g}" for x, y in polygon)


def _centre(polygon: Polygon) -> Point:
    return round(sum(x for x, _ in polygon) / 4, 1), round(sum(y for _, y in polygon) / 4, 1)


def _stroke(page: Page) -> float:
    """Return a width of strokes that shows at the size of a screen, in pixels of the page."""
    return max(1.0, round(max(page.width, page.height) / 900, 1))
