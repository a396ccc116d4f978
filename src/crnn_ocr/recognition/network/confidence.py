"""How sure is a reading? From a network's own figures to probabilities that hold, pure.

A network's probabilities are those of single time steps, and it is too sure of them. What a user asks is
whether a line may be used without a look at the picture. So a line's confidence is the probability that all
of it is right, by a logistic function of three doubts (J. Platt, Probabilistic outputs for support vector
machines, 1999, with logarithms of the inputs), and a character's is a logistic function of its surprisal.
Every weight is 0 or above, so that no doubt ever raises a confidence. The weights are fitted to lines whose
text is known and stand in the pack's manifest; a pack without them gives the mean of its own figures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crnn_ocr.models.calibration import Calibration
from crnn_ocr.recognition.network.ctc import Frames, Token

#: Surprisal in nats that even the surest character has: float32 cannot tell less from none.
LEAST_SURPRISE = 1e-5
#: The same for all that stands between the characters of a line.
LEAST_BETWEEN = 0.01
#: Narrower gaps are those between any two characters; in line heights.
LEAST_GAP = 0.5

_LEAST_SHARE = 1e-7  # of a time step; its surprisal is 16 nats


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks against a line.

    Attributes:
        characters: Surprisal of its characters, white space aside, added up; nats, above 0.
        between: Surprisal of the blank time steps that touch no character, added up; nats, 0 or above. A
            character that was not noticed leaves its trace there.
        gap: Widest part of the line without a visible character, its ends included; line heights.
    """

    characters: float
    between: float
    gap: float

    def logarithms(self) -> tuple[float, float, float]:
        """The three doubts as the logistic function takes them, in the order of the fields."""
        return (
            math.log(self.characters),
            math.log(self.between + LEAST_BETWEEN),
            math.log(max(self.gap, LEAST_GAP)),
        )


def gather(frames: Frames, tokens: Sequence[Token], *, blank: int, frame_width: float) -> Evidence:
    """Collect the evidence of a line.

    Args:
        frames: Its time steps.
        tokens: Its visible characters, from left to right; at least one.
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
    """Probability that a line is right as a whole, white space aside; between 0 and the ceiling."""
    weights = calibration.line
    characters, between, gap = evidence.logarithms()
    score = weights.bias - weights.characters * characters - weights.between * between - weights.gap * gap
    return min(_logistic(score), calibration.ceiling)


def character_confidence(calibration: Calibration, share: float) -> float:
    """Probability that a character is right; between 0 and the ceiling.

    Args:
        calibration: Of the network.
        share: What the network gives it, 0 to 1.
    """
    weights = calibration.character
    score = weights.bias - weights.weight * character_logarithm(share)
    return min(_logistic(score), calibration.ceiling)


def character_logarithm(share: float) -> float:
    """A character's surprisal as the logistic function takes it."""
    return math.log(-math.log(min(max(share, _LEAST_SHARE), 1.0)) + LEAST_SURPRISE)


def _surprisal(shares: NDArray[np.floating]) -> NDArray[np.float64]:
    """Negative natural logarithms of probabilities."""
    return -np.log(np.clip(shares.astype(np.float64), _LEAST_SHARE, 1.0))


def _logistic(score: float) -> float:
    """1 / (1 + exp(-score)), without overflow."""
    if score >= 0:
        return 1.0 / (1.0 + math.exp(-score))
    return math.exp(score) / (1.0 + math.exp(score))
