"""How learning rates and loss weights change over a run, as functions of its progress, pure.

Progress is the share of the budget (hours or steps) that is used up. Warm-up, then a plateau, then a cosine
down to a fiftieth: a run whose budget is extended goes back to the plateau and goes on as if it had always
been meant to last that long, which a single cosine over the whole run could not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """Shares of the budget and peak values.

    Attributes:
        rate: Learning rate on the plateau.
        warmup: Share of the budget over which it rises linearly.
        decay: Last share of the budget, over which it falls.
        final: What is left of it at the end, as a factor.
        head_rate: Factor on the rate for the head, which starts from the teacher's.
        head_start: Progress at which the head begins to learn.
        distil_early: Weight of the distillation loss at first.
        distil_late: Its weight at the end.
        distil_until: Progress up to which it stays high.
        ctc_start: Weight of the CTC loss at first; it is 1 from `ctc_full` on.
        ctc_full: Progress.
        posterior: Weight of following the teacher's posteriors, from first to last.
    """

    rate: float = 1.5e-3
    warmup: float = 0.01
    decay: float = 0.45
    final: float = 0.02
    head_rate: float = 0.3
    head_start: float = 0.03
    distil_early: float = 2.0
    distil_late: float = 0.4
    distil_until: float = 0.4
    ctc_start: float = 0.1
    ctc_full: float = 0.06
    posterior: float = 0.0

    def learning_rate(self, progress: float) -> float:
        """Return the rate of everything but the head."""
        if progress < self.warmup:
            return self.rate * max(0.01, progress / self.warmup)
        left = (1.0 - min(1.0, progress)) / self.decay if self.decay > 0 else 1.0
        if left >= 1.0:
            return self.rate
        return self.rate * (self.final + (1 - self.final) * 0.5 * (1 - math.cos(math.pi * left)))

    def head_learning_rate(self, progress: float) -> float:
        """Return the rate of the head: nothing until the features below make sense, then rising."""
        ramp = _ramp(progress, self.head_start, 2 * self.head_start)
        return self.learning_rate(progress) * self.head_rate * ramp

    def ctc_weight(self, progress: float) -> float:
        """Return the weight of the CTC loss."""
        return self.ctc_start + (1 - self.ctc_start) * _ramp(progress, 0.0, self.ctc_full)

    def distil_weight(self, progress: float) -> float:
        """Return the weight of the distillation loss."""
        ramp = _ramp(progress, self.distil_until, min(1.0, self.distil_until + 0.2))
        return self.distil_early + (self.distil_late - self.distil_early) * ramp


def _ramp(value: float, start: float, end: float) -> float:
    """Return 0 up to `start`, 1 from `end` on, and what is linear between."""
    if value >= end:
        return 1.0
    return max(0.0, (value - start) / (end - start)) if end > start else 0.0
