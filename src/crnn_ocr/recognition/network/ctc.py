"""Decode CTC output greedily: from the best class per frame to characters with positions and confidences.

CTC (Graves et al., 2006): for every time step (frame) a network gives one of the classes or "blank". The text
is what remains after merging repeats and dropping blanks. Greedy decoding takes the best class of every
frame. The graph itself delivers these, so that no posteriors have to leave ONNX Runtime.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Frames:
    """The best class of every time step.

    Attributes:
        ids: (T,) int64, class indices.
        confidences: (T,) float32, their probabilities.
    """

    ids: NDArray[np.int64]
    confidences: NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.ids.ndim != 1 or self.ids.shape != self.confidences.shape:
            raise ValueError(f"frames of shapes {self.ids.shape} and {self.confidences.shape}")

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Token:
    """One run of equal non-blank frames, that is, one character.

    Attributes:
        index: Class index.
        confidence: Highest probability within the run.
        first: First frame of the run.
        last: Last frame of the run, inclusive.
    """

    index: int
    confidence: float
    first: int
    last: int

    @property
    def centre(self) -> float:
        """Middle of the run in frames; frame t covers [t, t + 1)."""
        return (self.first + self.last + 1) / 2


def decode(frames: Frames, *, blank: int = 0) -> tuple[Token, ...]:
    """Merge repeats and drop blanks.

    Args:
        frames: T time steps, possibly none.
        blank: Class index of the CTC blank.

    Returns:
        The tokens from left to right.
    """
    ids = frames.ids
    if len(ids) == 0:
        return ()
    starts = np.flatnonzero(np.concatenate(([True], ids[1:] != ids[:-1])))
    ends = np.append(starts[1:], len(ids))
    best = np.maximum.reduceat(frames.confidences, starts)
    return tuple(
        Token(int(ids[start]), float(confidence), int(start), int(end) - 1)
        for start, end, confidence in zip(starts, ends, best, strict=True)
        if ids[start] != blank
    )


CERTAIN = 0.85
"""Confidence from which a character is certain to be there."""


def without_doubles(tokens: Sequence[Token], wide: Sequence[bool]) -> tuple[Token, ...]:
    """Keep the more confident one of two wide characters at neighbouring frames.

    A network in doubt between two ideographs, such as a character's simplified and traditional form, may give
    both, one right after the other. They cannot both be there, because a frame is only a fraction of their
    width: a sixth in the recognisers at hand. In 1,400 lines two networks gave 8 such pairs; none of them was
    right, and the lower confidence of each pair was at most 0.83. If both are certain they stay, because one
    may be above the other.

    Args:
        tokens: Characters from left to right.
        wide: Whether each of them is as wide as it is high.
    """
    kept: list[Token] = []
    was_wide = False
    for token, is_wide in zip(tokens, wide, strict=True):
        crowded = was_wide and is_wide and kept[-1].first == token.last - 1
        if crowded and min(kept[-1].confidence, token.confidence) < CERTAIN:
            kept[-1] = max(kept[-1], token, key=lambda one: one.confidence)
            continue
        kept.append(token)
        was_wide = is_wide
    return tuple(kept)


def extents(tokens: Sequence[Token], frames: float) -> tuple[tuple[float, float], ...]:
    """Return the extent of each character along the line.

    CTC tells where a character was recognised, but not how wide it is. The border between two characters is
    put midway between their centres. The first and the last character extend equally to both sides, within
    the line.

    Args:
        tokens: Characters from left to right.
        frames: Width of the text in frames.

    Returns:
        (start, end) per token, in frames, ascending and within [0, frames].
    """
    centres = [min(token.centre, frames) for token in tokens]
    if not centres:
        return ()
    if len(centres) == 1:
        return ((0.0, float(frames)),)
    borders = [(left + right) / 2 for left, right in itertools.pairwise(centres)]
    first = max(0.0, 2 * centres[0] - borders[0])
    last = min(float(frames), 2 * centres[-1] - borders[-1])
    edges = [first, *borders, max(last, borders[-1])]
    return tuple(itertools.pairwise(edges))


def line_confidence(confidences: Sequence[float]) -> float:
    """Return the mean of a line's character confidences; 0 for an empty line."""
    return float(np.mean(confidences)) if len(confidences) else 0.0
