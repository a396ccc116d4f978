"""Fit text regions to the ink of the page, and find isolated marks in their rows (pure functions).

The errors of a coarse map are small compared with the page but large compared with the type: boxes twice as
high as their line, ends cut off before a dash or a comma, and no box around a digit that stands alone in its
cell. All the missing parts are ink on the row of a region that was found.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from crnn_ocr.detection.boxes import Region
from crnn_ocr.detection.ink import Box, Ink, find_ink
from crnn_ocr.document import Polygon
from crnn_ocr.pixels import Pixels

# Unless stated otherwise, lengths are in heights of a line's ink, from its highest to its lowest mark.
#: Below this many map pixels per picture pixel a map is coarse: the error of a box may be as large as its
#: height.
COARSE = 0.45
#: On a coarse map, boxes higher than LOOSE are trimmed to TRIMMED; the median height of the detector's boxes
#: is 1.6.
LOOSE = 2.0
TRIMMED = 1.7
#: Least height of ink, as a share of its box, that tells the height of the line; dots and dashes have less.
LEAST_SHARE = 0.2
#: Boxes at least this many times longer than high have a reliable slope.
SHORT = 2.0
#: Boxes more than this many times higher than wide are columns.
COLUMN = 1.5
#: A line's end is searched up to REACH behind its box, across marks that are at most GAP apart.
REACH = 2.6
GAP = 0.5
#: Largest side of a mark, other than a dash, that can be missing at a line's end.
SMALL = 0.5
#: Largest width of a character that may be cut by its own box.
CUT = 1.5
#: Paper kept before and behind a line in its crop.
MARGIN = 0.2
#: An isolated mark is as high as the type beside it (HIGH) and at most WIDE, or a stroke: at most FLAT high
#: and LONG.
HIGH = (0.5, 1.3)
WIDE = 3.0
FLAT = 0.3
LONG = (0.2, 1.6)
#: Largest distance of its middle from the middle of its row.
OFF_MIDDLE = 0.35
#: Paper around an isolated mark, at least.
CLEAN = 0.25
#: Paper beside a stroke, which excludes dashed rules, and before a line's type, which excludes icons.
BESIDE = 0.6
APART = 1.0
#: A mark that fills more of its box than SOLID is a bullet or a patch of colour, unless width : height is ≤
#: SLENDER.
SOLID = 0.68
SLENDER = 0.4
#: Largest ratio of height to width of the box around it.
SLIM = 1.4
#: Least ratio of its contrast to that of its row; THIN_STRENGTH is for strokes of one or two pixels, which
#: the reduction makes paler. SAME_PAPER is the largest difference of their paper in grey levels.
STRENGTH = 0.5
THIN_STRENGTH = 0.3
SAME_PAPER = 24
#: Marks closer than this belong together, such as the digits of a number or the strokes of a sign.
TOGETHER = 0.35
#: More marks than this outside the regions are the texture of a picture.
TEXTURE = 800


@dataclass(frozen=True, slots=True)
class _Row:
    """An axis-aligned region, in ink pixels.

    Attributes:
        box: The region's box.
        inked: The bounding box of its ink.
    """

    box: Box
    inked: Box

    @property
    def height(self) -> int:
        """Height of its ink in pixels."""
        return self.inked[3] - self.inked[1]


def fitted(image: Pixels, regions: Sequence[Region], scale: float) -> list[Region]:
    """Return the regions fitted to their ink, followed by new regions around isolated marks in their rows.

    Args:
        image: (H, W) grey or (H, W, 3) BGR, uint8, in which the regions were found.
        regions: Regions in picture coordinates; those that are not axis-aligned stay as they are.
        scale: Scale of the probability map: map pixels per picture pixel.
    """
    if not regions:
        return []
    ink = find_ink(image)
    height, width = image.shape[:2]
    cover = np.zeros(ink.mask.shape, np.uint8)
    for region in regions:
        corners = np.rint(np.array(region.polygon) / ink.factor).astype(np.int32)
        cv2.fillPoly(cover, [corners], 1)
    coarse = scale < COARSE
    rows = [_row(region, ink, coarse=coarse) for region in regions]
    result = list(regions)
    for i, row in enumerate(rows):
        if row is not None:
            polygon = _polygon(_fit(row, ink, cover, trim=coarse), ink, width, height)
            result[i] = replace(regions[i], polygon=polygon)
    found = _isolated_boxes([row for row in rows if row is not None], ink, cover)
    return result + [Region(_polygon(box, ink, width, height), 0.0) for box in found]


def _row(region: Region, ink: Ink, *, coarse: bool) -> _Row | None:
    """Return a region in ink pixels; None if it is not axis-aligned, is a column or lacks ink.

    On a coarse map the slope of a short box, such as a digit's, is an accident, so the box counts as
    axis-aligned.
    """
    xs, ys = zip(*region.polygon, strict=True)
    shorter, longer = sorted((region.width, region.height))
    straight = len(set(xs)) == len(set(ys)) == 2
    if not straight and not (coarse and longer < SHORT * shorter):
        return None
    left, top = round(min(xs) / ink.factor), round(min(ys) / ink.factor)
    right, bottom = round(max(xs) / ink.factor), round(max(ys) / ink.factor)
    height = bottom - top
    if height > COLUMN * (right - left):
        return None
    marks = ink.marks(top - 0.5 * height, bottom)
    middle = (marks[:, 1] + marks[:, 3]) / 2
    centre = (marks[:, 0] + marks[:, 2]) / 2
    own = (
        (centre >= left)
        & (centre <= right)
        & (np.abs(middle - (top + bottom) / 2) <= OFF_MIDDLE * height)
        & (marks[:, 3] - marks[:, 1] <= 1.1 * height)
        & (marks[:, 2] - marks[:, 0] <= 1.1 * (right - left))
    )
    marks = marks[own]
    if not len(marks):
        return None
    high, low = int(marks[:, 1].min()), int(marks[:, 3].max())
    if low - high < LEAST_SHARE * height:
        return None
    one = marks[:, 2] - marks[:, 0] <= CUT * (low - high)  # frames and rules extend beyond the box
    starts = np.where(one, marks[:, 0], np.maximum(marks[:, 0], left))
    stops = np.where(one, marks[:, 2], np.minimum(marks[:, 2], right))
    return _Row((left, top, right, bottom), (int(starts.min()), high, int(stops.max()), low))


def _fit(row: _Row, ink: Ink, cover: Pixels, *, trim: bool) -> Box:
    """Return a row's box, grown over marks cut off at its ends and, with `trim`, cut to its ink's height."""
    left, top, right, bottom = row.box
    inked_left, inked_top, _, inked_bottom = row.inked
    height = row.height
    if trim and bottom - top > LOOSE * height:
        spare = (TRIMMED - 1) / 2 * height
        top, bottom = max(top, round(inked_top - spare)), min(bottom, round(inked_bottom + spare))
    end = _end(row, ink, cover)
    if end > right or inked_left < left:
        margin = max(1, round(MARGIN * height))
        core = (inked_left, inked_top, end, inked_bottom)
        clear = ink.clear(core, (inked_left - margin, inked_top, end + margin, inked_bottom))
        left, right = min(left, clear[0]), max(right, clear[2])
    return left, min(top, inked_top), right, max(bottom, inked_bottom)


def _end(row: _Row, ink: Ink, cover: Pixels) -> int:
    """Return the end of a line, including a dash, comma or raised minus behind its box; exclusive."""
    box, (_, top, right, bottom), height = row.box, row.inked, row.height
    end = right
    # A sign may touch the last letter, of which the box may miss a stroke's width.
    edge = box[2] + round(0.1 * height)
    marks = ink.marks(top - height, bottom)
    for mark in sorted(tuple(mark) for mark in marks[marks[:, 2] > edge].tolist()):
        if mark[2] > edge + (REACH + GAP) * height or mark[3] - mark[1] > HIGH[1] * height:
            continue
        sign = mark if mark[0] >= box[2] else ink.bounds((edge, *mark[1:]))
        wide, high, middle = sign[2] - sign[0], sign[3] - sign[1], (sign[1] + sign[3]) // 2
        small = high <= SMALL * height and wide <= SMALL * height
        dash = high <= FLAT * height and wide <= REACH * height
        if not (small or dash) or cover[middle, (sign[0] + sign[2]) // 2]:
            continue
        if not top - 0.1 * height <= middle <= bottom + 0.15 * height:
            continue
        if sign[0] > end + GAP * height or not _same_type(row, sign, ink):
            break
        end = max(end, sign[2])
    # Marks that continue beyond REACH are a leader or a rule, not a sign that ends the line.
    return end if end <= box[2] + REACH * height else right


def _isolated_boxes(rows: Sequence[_Row], ink: Ink, cover: Pixels) -> list[Box]:
    """Return boxes around isolated marks in the rows: marks as high as their type, or flat strokes.

    Args:
        rows: The axis-aligned regions with ink.
        ink: The ink of the page.
        cover: (h, w) uint8, 1 where regions are.

    Returns:
        Boxes in ink pixels, with paper around the marks.
    """
    if not rows:
        return []
    inked = np.array([row.inked for row in rows], np.float64)
    heights = inked[:, 3] - inked[:, 1]
    middles = (inked[:, 1] + inked[:, 3]) / 2
    highest = HIGH[1] * float(heights.max())
    boxes = ink.boxes
    wide, high = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    outside = cover[(boxes[:, 1] + boxes[:, 3]) // 2, (boxes[:, 0] + boxes[:, 2]) // 2] == 0
    marks = boxes[outside & (high <= highest) & (wide <= WIDE * highest) & (np.maximum(wide, high) >= 2)]
    if len(marks) > TEXTURE:
        return []
    found = []
    for box in _groups(marks):
        left, top, right, bottom = box
        w, h = right - left, bottom - top
        on = np.abs((top + bottom) / 2 - middles) <= OFF_MIDDLE * heights
        as_high = (h >= HIGH[0] * heights) & (h <= HIGH[1] * heights) & (w <= WIDE * heights)
        stroke = (h <= FLAT * heights) & (w >= 1.5 * h) & (w >= LONG[0] * heights) & (w <= LONG[1] * heights)
        fits = np.flatnonzero(on & (as_high | stroke))
        if not len(fits):
            continue
        gaps = np.maximum(inked[fits, 0] - right, left - inked[fits, 2])
        row = rows[int(fits[np.argmin(gaps)])]
        gap = float(gaps.min())
        if _is_isolated(box, row, gap, ink) and _same_type(row, box, ink):
            found.append(_framed(box, row, ink))
    return found


def _is_isolated(box: Box, row: _Row, gap: float, ink: Ink) -> bool:
    """Return whether a mark has paper around it, is not part of a dashed rule and consists of strokes."""
    left, top, right, bottom = box
    clean = max(1, round(CLEAN * row.height))
    amount = ink.amount(box)
    if ink.amount((left - clean, top - clean, right + clean, bottom + clean)) > amount:
        return False
    if bottom - top <= FLAT * row.height:
        beside = round(BESIDE * row.height)
        return ink.amount((left - beside, top, right + beside, bottom)) == amount
    solid = right - left > SLENDER * (bottom - top) and ink.fill(box) > SOLID
    return gap >= APART * row.height and not solid


def _same_type(row: _Row, box: Box, ink: Ink) -> bool:
    """Return whether the ink in a box looks like that of a row: similar contrast on the same paper."""
    paper, strength = ink.shade(row.inked)
    own_paper, own = ink.shade(box)
    ratio = own / strength
    thin = min(box[2] - box[0], box[3] - box[1]) <= 2
    least = THIN_STRENGTH if thin else STRENGTH
    return least <= ratio <= 1 / STRENGTH and abs(paper - own_paper) <= SAME_PAPER


def _framed(box: Box, row: _Row, ink: Ink) -> Box:
    """Return a mark's box grown to the size of a character of its row, as far as there is paper."""
    left, top, right, bottom = box
    spare = (TRIMMED - 1) / 2 * row.height
    high, low = min(top, row.inked[1]) - spare, max(bottom, row.inked[3]) + spare
    # Narrower boxes would be mistaken for columns.
    side = max(spare, ((low - high) / SLIM - (right - left)) / 2)
    return ink.clear(box, (round(left - side), round(high), round(right + side), round(low)))


def _groups(marks: NDArray[np.int32]) -> list[Box]:
    """Return the bounding boxes of groups of marks that are close to one another."""
    groups: list[Box] = []
    for mark in sorted(tuple(mark) for mark in marks.tolist()):
        group: Box = mark
        joined = True
        while joined:  # a grown group may be close to groups that its parts were not close to
            joined = False
            for other in groups:
                if _together(group, other):
                    groups.remove(other)
                    group = _union((group, other))
                    joined = True
                    break
        groups.append(group)
    return groups


def _together(a: Box, b: Box) -> bool:
    """Return whether two marks are closer than the width of a blank."""
    size = max(a[3] - a[1], b[3] - b[1], (a[2] - a[0]) / 2, (b[2] - b[0]) / 2)
    across = max(a[0], b[0]) - min(a[2], b[2])
    along = max(a[1], b[1]) - min(a[3], b[3])
    return across <= TOGETHER * size and along <= TOGETHER * size


def _union(boxes: Iterable[Box]) -> Box:
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def _polygon(box: Box, ink: Ink, width: int, height: int) -> Polygon:
    """Convert a box in ink pixels to corners in picture pixels, clipped to the picture."""
    left, top = float(max(0, box[0] * ink.factor)), float(max(0, box[1] * ink.factor))
    right, bottom = float(min(width, box[2] * ink.factor)), float(min(height, box[3] * ink.factor))
    return (left, top), (right, top), (right, bottom), (left, bottom)
