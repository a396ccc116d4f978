"""Fits the map from a network's own figures to probabilities that hold (`recognition.network.confidence`).

Lines are read by the pack as the engine reads them, and compared with what they say. Two logistic functions
are fitted by penalised maximum likelihood: of a line's being right, and of a character's. Weights that would
let a doubt raise the confidence are set to 0. What is reported was measured on lines left out of the fit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np
from numpy.typing import NDArray

from crnn_ocr.errors import TrainingError
from crnn_ocr.models.calibration import Calibration, CharacterCalibration, LineCalibration
from crnn_ocr.recognition.network import confidence
from crnn_ocr.recognition.network.confidence import Evidence
from crnn_ocr.recognition.network.recognizer import CtcRecognizer, Reading
from crnn_ocr.recognition.text.postprocess import tidy
from crnn_ocr.training.fit.evaluate import normalise
from crnn_ocr.training.types import Image

Floats = NDArray[np.float64]

#: The held-out sets that calibrations are fitted to: of printed matter in proportion, poems apart.
SETS = ("known-fonts-degraded", "unseen-fonts-clean", "unseen-fonts-degraded")

#: Parts that are left out in turn where something is measured on the lines of the fit.
FOLDS = 5
#: Penalty on squared standardised weights, per line: enough to keep separable data finite.
RIDGE = 1e-3
#: Fewer wrong (or right) lines do not tell how often a line is wrong.
LEAST_OF_EACH = 20


@dataclass(frozen=True)
class Example:
    """A line that was read, and what is known of it.

    Attributes:
        evidence: What speaks against it.
        legibility: Mean of its characters' shares, 0 to 1.
        right: Whether it was read without an error, white space aside.
        chars: (share, whether right) of every visible character that was read.
    """

    evidence: Evidence
    legibility: float
    right: bool
    chars: tuple[tuple[float, bool], ...]


@dataclass(frozen=True)
class Bin:
    """Lines of about the same confidence.

    Attributes:
        confidence: Their mean confidence, 0 to 1.
        right: Share of them that is right, 0 to 1.
        count: How many they are.
    """

    confidence: float
    right: float
    count: int

    @property
    def interval(self) -> tuple[float, float]:
        """Where the share lies at 95 % (E. B. Wilson, J. Am. Stat. Assoc. 22, 1927)."""
        z, n, p = 1.96, self.count, self.right
        centre = (p + z * z / (2 * n)) / (1 + z * z / n)
        reach = z / (1 + z * z / n) * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max(0.0, float(centre - reach)), min(1.0, float(centre + reach))


def examples(
    recognizer: CtcRecognizer, lines: Iterable[tuple[Image, str]], *, ignore_case: bool = False
) -> list[Example]:
    """Read labelled lines; those where nothing is read are passed over, since they have no confidence.

    Args:
        recognizer: The pack, as the engine uses it.
        lines: (H, W, 3) BGR pictures and their texts.
        ignore_case: Whether case counts.
    """
    found = []
    for image, truth in lines:
        line = recognizer.prepare(image)
        frames = [recognizer.infer(window) for window in line.windows]
        evidence = recognizer.evidence(line, frames)
        if evidence is None:
            continue
        reading = tidy(recognizer.decode(line, frames))
        wanted = normalise(truth, ignore_case=ignore_case)
        right = normalise(reading.text, ignore_case=ignore_case) == wanted
        marks = _marks(reading, wanted, ignore_case=ignore_case)
        found.append(Example(evidence, reading.legibility, right, marks))
    return found


def fit(found: Sequence[Example]) -> Calibration:
    """Fit a calibration.

    Raises:
        TrainingError: There are too few right or wrong lines to tell them apart.
    """
    right = np.array([example.right for example in found], np.float64)
    wrong = len(right) - int(right.sum())
    if min(wrong, int(right.sum())) < LEAST_OF_EACH:
        raise TrainingError(
            f"A calibration needs at least {LEAST_OF_EACH} lines that are read right and as many that are"
            f" read wrong; of {len(found)} lines {wrong} are wrong.",
            hint="Use more lines, or sets that are harder (or easier) for this network.",
        )
    bias, weights = fit_logistic(np.array([example.evidence.logarithms() for example in found]), right)
    shares, hits = zip(*(char for example in found for char in example.chars), strict=True)
    own = np.array([[confidence.character_logarithm(share)] for share in shares])
    own_bias, own_weight = fit_logistic(own, np.array(hits, np.float64))
    return Calibration(
        line=LineCalibration(
            bias=_rounded(bias),
            characters=_rounded(weights[0]),
            between=_rounded(weights[1]),
            gap=_rounded(weights[2]),
        ),
        character=CharacterCalibration(bias=_rounded(own_bias), weight=_rounded(own_weight[0])),
        # Laplace's rule of succession: what none of so many lines contradicts may still be wrong.
        ceiling=round(1 - 1 / (len(found) + 2), 5),
    )


def fit_logistic(doubts: Floats, right: Floats) -> tuple[float, Floats]:
    """Fit P(right) = 1 / (1 + exp(-(bias - weights · doubts))) with weights of 0 or above.

    Newton's method on the penalised likelihood of standardised doubts. Doubts whose weight comes out below 0
    are left out one after the other, the worst first.

    Args:
        doubts: (N, K).
        right: (N,) of 0 and 1.

    Returns:
        Bias and (K,) weights.
    """
    mean, spread = doubts.mean(axis=0), np.maximum(doubts.std(axis=0), 1e-9)
    standard = (doubts - mean) / spread
    kept = list(range(doubts.shape[1]))
    while True:
        columns = np.column_stack([np.ones(len(right)), -standard[:, kept]])
        found = _newton(columns, right)
        lowest = int(np.argmin(found[1:])) if kept else -1
        if not kept or found[1 + lowest] >= 0:
            break
        del kept[lowest]
    weights = np.zeros(doubts.shape[1])
    weights[kept] = found[1:] / spread[kept]
    return float(found[0] + weights @ mean), weights


def left_out(found: Sequence[Example]) -> Floats:
    """Return float64 (N,): every line's confidence by a calibration that was fitted without it."""
    confidences = np.zeros(len(found))
    for fold in range(FOLDS):
        calibration = fit([example for i, example in enumerate(found) if i % FOLDS != fold])
        for i in range(fold, len(found), FOLDS):
            confidences[i] = confidence.line_confidence(calibration, found[i].evidence)
    return confidences


def characters_left_out(found: Sequence[Example]) -> tuple[Floats, NDArray[np.bool_]]:
    """Return confidences (M,) of all characters, as `left_out` does, and which of them are right, (M,)."""
    values, hits = [], []
    for fold in range(FOLDS):
        calibration = fit([example for i, example in enumerate(found) if i % FOLDS != fold])
        for example in found[fold::FOLDS]:
            values += [confidence.character_confidence(calibration, share) for share, _ in example.chars]
            hits += [hit for _, hit in example.chars]
    return np.array(values), np.array(hits, bool)


def bins(confidences: Floats, right: Sequence[bool] | NDArray[np.bool_], *, count: int = 10) -> list[Bin]:
    """Sort lines by confidence into bins of equal numbers, the least confident first.

    Args:
        confidences: (N,).
        right: (N,), which of them are right.
        count: At most so many bins, of ten lines at least.
    """
    order = np.argsort(confidences, kind="stable")
    hits = np.asarray(right, np.float64)
    groups = np.array_split(order, max(1, min(count, len(order) // 10)))
    return [
        Bin(float(confidences[group].mean()), float(hits[group].mean()), len(group))
        for group in groups
        if len(group)
    ]


def at_least(confidences: Floats, right: Sequence[bool] | NDArray[np.bool_], least: float) -> Bin | None:
    """Return the lines of at least that confidence as one bin; None where there is none."""
    chosen = confidences >= least
    if not chosen.any():
        return None
    hits = np.asarray(right, np.float64)[chosen]
    return Bin(float(confidences[chosen].mean()), float(hits.mean()), int(chosen.sum()))


def _marks(reading: Reading, wanted: str, *, ignore_case: bool) -> tuple[tuple[float, bool], ...]:
    """Return every visible character's share, and whether it is part of what reading and truth share."""
    pieces = [normalise(char.text, ignore_case=ignore_case) for char in reading.chars]
    owners = [i for i, piece in enumerate(pieces) for _ in piece]
    matched = SequenceMatcher(None, "".join(pieces), wanted, autojunk=False).get_matching_blocks()
    right = {owners[k] for block in matched for k in range(block.a, block.a + block.size)}
    return tuple((reading.chars[i].share, i in right) for i, piece in enumerate(pieces) if piece)


def _newton(columns: Floats, right: Floats) -> Floats:
    """Return the weights of a penalised logistic regression; the first, the constant's, is free."""
    penalty = RIDGE * len(right) * np.r_[0.0, np.ones(columns.shape[1] - 1)]
    weights = np.zeros(columns.shape[1])
    for _ in range(100):
        expected = 1 / (1 + np.exp(-np.clip(columns @ weights, -500, 500)))
        slope = columns.T @ (right - expected) - penalty * weights
        bend = (columns * (expected * (1 - expected))[:, None]).T @ columns + np.diag(penalty + 1e-9)
        step = np.linalg.solve(bend, slope)
        weights = weights + step * min(1.0, 5 / max(1e-12, float(np.abs(step).max())))
        if np.abs(step).max() < 1e-9:
            break
    return weights


def _rounded(value: float) -> float:
    return round(float(value), 4) + 0.0  # no negative zero
