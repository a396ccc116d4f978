"""Turn a network's own probabilities into calibrated confidences (pure functions).

A network's probabilities belong to single time steps, and they are too high. A user wants to know whether a
line may be used without checking the picture. So a line's confidence is the probability that all of it is
right, a logistic function of three doubts (J. Platt, Probabilistic outputs for support vector machines, 1999,
with logarithms of the inputs). A character's confidence is a logistic function of its surprisal. No weight is
negative, so no doubt ever raises a confidence. The weights are fitted to lines with known text and stored in
the pack's manifest. A pack without them gives the mean of its network's probabilities.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crnn_ocr.models.calibration import Calibration
from crnn_ocr.recognition.network.ctc import Frames, Token

#: Least surprisal of a character in nats; float32 cannot distinguish less from 0.
LEAST_SURPRISE = 1e-5
#: Least surprisal, in nats, of everything between the characters of a line.
LEAST_BETWEEN = 0.01
#: Least gap in line heights; narrower gaps occur between any two characters.
LEAST_GAP = 0.5

_LEAST_SHARE = 1e-7  # least probability of a time step; its surprisal is 16 nats


@dataclass(frozen=True, slots=True)
class Evidence:
    """Evidence that a line may be wrong.

    Attributes:
        characters: Total surprisal of its characters, ignoring white space; nats, above 0.
        between: Total surprisal of the blank time steps that touch no character; nats, 0 or above. A
            character that the network missed leaves a trace there.
        gap: Widest part of the line without a visible character, including its ends; line heights.
    """

    characters: float
    between: float
    gap: float

    def logarithms(self) -> tuple[float, float, float]:
        """Return the inputs of the logistic function, in the order of the fields."""
        return (
            math.log(self.characters),
            math.log(self.between + LEAST_BETWEEN),
            math.log(max(self.gap, LEAST_GAP)),
        )


def gather(frames: Frames, tokens: Sequence[Token], *, blank: int, frame_width: float) -> Evidence:
    """Collect the evidence of a line.

    Args:
        frames: The line's time steps.
        tokens: The line's visible characters, from left to right; at least one.
        blank: Class index of the CTC blank.
        frame_width: Width of a time step in line heights.
    """
    quiet = frames.ids == blank
    apart = quiet.copy()
    apart[1:] &= quiet[:-1]
    apart[:-1] &= quiet[1:]
    edges = [0, *(edge for token in tokens for edge in (token.first, token.last + 1)), len(frames)]
    widest = max(end - start for start, end in zip(edges[::2], edges[1::2], strict=True))
    shares = np.array([token.confidence for token in tokens])
    return Evidence(
        float(_surprisal(shares).sum()) + LEAST_SURPRISE * len(tokens),
        float(_surprisal(frames.confidences[apart]).sum()),
        widest * frame_width,
    )


def line_confidence(calibration: Calibration, evidence: Evidence) -> float:
    """Return the probability that all of a line is right, ignoring white space; 0 to the ceiling."""
    weights = calibration.line
    characters, between, gap = evidence.logarithms()
    score = weights.bias - weights.characters * characters - weights.between * between - weights.gap * gap
    return min(_logistic(score), calibration.ceiling)


def character_confidence(calibration: Calibration, share: float) -> float:
    """Return the probability that a character is right; 0 to the ceiling.

    Args:
        calibration: The network's calibration.
        share: The network's own probability, 0 to 1.
    """
    weights = calibration.character
    score = weights.bias - weights.weight * character_logarithm(share)
    return min(_logistic(score), calibration.ceiling)


def character_logarithm(share: float) -> float:
    """Return the logarithm of a character's surprisal, the input of the logistic function."""
    return math.log(-math.log(min(max(share, _LEAST_SHARE), 1.0)) + LEAST_SURPRISE)


def _surprisal(shares: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the negative natural logarithms of probabilities."""
    return -np.log(np.clip(shares.astype(np.float64), _LEAST_SHARE, 1.0))


def _logistic(score: float) -> float:
    """Return 1 / (1 + exp(-score)) without overflow."""
    if score >= 0:
        return 1.0 / (1.0 + math.exp(-score))
    return math.exp(score) / (1.0 + math.exp(score))
