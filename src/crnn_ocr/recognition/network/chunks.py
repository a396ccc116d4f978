"""Cut long lines into overlapping windows and join their frames at seams (pure functions).

Windows start at multiples of the stride, so their frames share one grid. The left one of two neighbouring
windows is used up to the seam, the right one from there on. The seam is at a frame where both agree,
preferably on "blank" (between two characters), as near as possible to the middle of the overlap, where both
have seen enough context. Frames are joined rather than texts, so nothing has to be guessed from repeated
characters.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from crnn_ocr.recognition.network.ctc import Frames


def windows(width: int, *, longest: int, overlap: int, stride: int) -> tuple[tuple[int, int], ...]:
    """Cut a line into overlapping windows of about the same width.

    Args:
        width: Width of the line in pixels, at least 1.
        longest: Greatest width of a window in pixels.
        overlap: Least number of pixels that neighbours share; less than half of `longest`.
        stride: Windows start at multiples of this, in pixels.

    Returns:
        (start, end) in pixels, from left to right; the first starts at 0, the last ends at `width`.

    Raises:
        ValueError: An argument is out of range.
    """
    if width < 1 or stride < 1 or not 0 <= overlap <= longest // 2 - stride:
        raise ValueError(f"cannot cut {width} px into windows of {longest} px with {overlap} px overlap")
    if width <= longest:
        return ((0, width),)
    count = -(-(width - overlap) // (longest - overlap - stride))
    step = (width - overlap) / count
    starts = [int(i * step) // stride * stride for i in range(count)]
    ends = [min(width, start + overlap + stride) for start in starts[1:]]
    return tuple(zip(starts, [*ends, width], strict=True))


def stitch(pieces: Sequence[tuple[int, Frames]], *, blank: int = 0) -> Frames:
    """Join the frames of overlapping windows.

    Args:
        pieces: (first frame on the common grid, frames) per window, from left to right. Each window starts
            inside its predecessor or exactly at its end.
        blank: Class index of the CTC blank.

    Returns:
        The frames of the whole line, from the first frame of the first window to the last frame of the last
        one.

    Raises:
        ValueError: A window leaves a gap behind its predecessor.
    """
    if not pieces:
        return Frames(np.empty(0, np.int64), np.empty(0, np.float32))
    origin, joined = pieces[0]
    ids, confidences = joined.ids, joined.confidences
    for start, frames in pieces[1:]:
        offset = start - origin
        if not 0 <= offset <= len(ids):
            raise ValueError(f"window at frame {start} leaves a gap after frame {origin + len(ids)}")
        shared = min(len(ids) - offset, len(frames))
        seam = _seam(ids[offset : offset + shared], frames.ids[:shared], blank)
        ids = np.concatenate((ids[: offset + seam], frames.ids[seam:]))
        confidences = np.concatenate((confidences[: offset + seam], frames.confidences[seam:]))
    return Frames(ids, confidences)


def _seam(left: NDArray[np.int64], right: NDArray[np.int64], blank: int) -> int:
    """Return the index in the overlap from which the right window is used."""
    count = len(left)
    if count == 0:
        return 0
    distance = np.abs(np.arange(count) - (count - 1) / 2)
    agree = left == right
    # Near its end a window lacks context and may read anything, so the inner half of the overlap is
    # preferred: frames where both are blank, then where both have the same character, then agreement farther
    # out, then the middle.
    inner = distance <= count / 4
    rank = np.select([inner & agree & (left == blank), inner & agree, agree], [0, 1, 2], 3)
    return int(np.lexsort((distance, rank))[0])
