"""Find the ink of a page: connected components that stand out from the paper around them (pure functions).

The detector's map is coarse. On a large page one map pixel covers three or four picture pixels in each
direction, and a digit that stands alone leaves no trace on it. The picture itself still has its full size,
and finding its connected components costs a tenth of the network's time. Paper is the typical grey level of a
neighbourhood, so both dark type on light paper and light type on a dark bar are ink.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from crnn_ocr.pixels import Pixels

#: Larger pictures are reduced to a half, a third and so on, because labels take 4 bytes per pixel.
MOST_PIXELS = 6_000_000
#: Ink differs from its paper by more than this many grey levels; light grey type on white differs by 60.
CONTRAST = 40
#: Least contrast, as a share of the strongest, of ink inside a stroke rather than of the grey between
#: strokes.
NEARLY = 0.6
#: The paper's level is the median of 31 × 31 samples, taken at every fourth pixel in each direction. The
#: window covers 124 pixels, several lines of ordinary type. Strokes wider than half of it would be mistaken
#: for paper.
STEP = 4
WINDOW = 31

#: Left, top, right and bottom in pixels; right and bottom are exclusive.
Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Ink:
    """The ink of a picture; its connected components are called marks.

    Attributes:
        factor: Reduction of the picture: this many picture pixels, in each direction, make one pixel here.
        grey: (h, w) uint8, the reduced picture.
        paper: (h, w) uint8, the grey level of the paper at each pixel.
        mask: (h, w) uint8, 1 where there is ink.
        boxes: (n, 4) int32, left, top, right, bottom of every mark, sorted by top.
    """

    factor: int
    grey: Pixels
    paper: Pixels
    mask: Pixels
    boxes: NDArray[np.int32]

    def marks(self, top: float, bottom: float) -> NDArray[np.int32]:
        """Return the boxes, (n, 4) int32, of the marks whose top lies in [top, bottom), in ink pixels."""
        first, last = np.searchsorted(self.boxes[:, 1], (top, bottom))
        return self.boxes[first:last]

    def amount(self, box: Box) -> int:
        """Return the number of ink pixels in a box, which may extend beyond the border."""
        left, top, right, bottom = (max(0, side) for side in box)
        return int(np.count_nonzero(self.mask[top:bottom, left:right]))

    def bounds(self, box: Box) -> Box:
        """Return the bounding box of the ink in a box, which must contain some."""
        left, top, right, bottom = box
        mask = self.mask[top:bottom, left:right]
        columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
        return (
            left + int(columns[0]),
            top + int(rows[0]),
            left + int(columns[-1]) + 1,
            top + int(rows[-1]) + 1,
        )

    def shade(self, box: Box) -> tuple[int, int]:
        """Return the paper's level in the middle of a box, and the signed contrast of its strongest ink."""
        left, top, right, bottom = (max(0, side) for side in box)
        paper = self.paper[top:bottom, left:right]
        difference = self.grey[top:bottom, left:right].astype(np.int16) - paper
        strongest = int(np.argmax(np.abs(difference)))
        return int(paper[paper.shape[0] // 2, paper.shape[1] // 2]), int(difference.flat[strongest])

    def fill(self, box: Box) -> float:
        """Return the share of a box that is nearly as strong as its strongest ink, 0 to 1."""
        left, top, right, bottom = (max(0, side) for side in box)
        difference = cv2.absdiff(self.grey[top:bottom, left:right], self.paper[top:bottom, left:right])
        return float(np.mean(difference > NEARLY * difference.max()))

    def clear(self, box: Box, wanted: Box) -> Box:
        """Grow a box towards a larger one as far as there is only paper in between.

        Args:
            box: A box with a mark, inside the picture.
            wanted: The larger box, which contains `box`.

        Returns:
            The grown box, clipped to the picture.
        """
        height, width = self.mask.shape
        across = self.mask[box[1] : box[3]].max(axis=0)
        left, right = _free(across, box[0], box[2], max(0, wanted[0]), min(width, wanted[2]))
        along = self.mask[:, left:right].max(axis=1)
        top, bottom = _free(along, box[1], box[3], max(0, wanted[1]), min(height, wanted[3]))
        return left, top, right, bottom


def find_ink(image: Pixels, *, most_pixels: int = MOST_PIXELS) -> Ink:
    """Find the ink of a picture.

    Args:
        image: (H, W) grey or (H, W, 3) BGR, uint8.
        most_pixels: Pictures with more pixels are reduced.
    """
    height, width = image.shape[:2]
    factor = max(1, math.ceil(math.sqrt(height * width / most_pixels)))
    if factor > 1:
        size = (max(1, width // factor), max(1, height // factor))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    grey = image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
    sample = cv2.medianBlur(np.ascontiguousarray(grey[::STEP, ::STEP]), WINDOW)
    paper = np.asarray(cv2.resize(sample, grey.shape[::-1], interpolation=cv2.INTER_NEAREST), np.uint8)
    mask = np.asarray(cv2.threshold(cv2.absdiff(grey, paper), CONTRAST, 1, cv2.THRESH_BINARY)[1], np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8, ltype=cv2.CV_32S)
    boxes = np.asarray(stats[1:, :4], np.int32)
    boxes[:, 2:] += boxes[:, :2]
    return Ink(factor, grey, paper, mask, boxes[np.argsort(boxes[:, 1], kind="stable")])


def _free(inked: Pixels, start: int, stop: int, first: int, last: int) -> tuple[int, int]:
    """Grow an interval [start, stop) towards [first, last) until the next ink."""
    before = np.flatnonzero(inked[first:start])
    behind = np.flatnonzero(inked[stop:last])
    return (
        first + int(before[-1]) + 1 if len(before) else min(first, start),
        stop + int(behind[0]) if len(behind) else max(last, stop),
    )
