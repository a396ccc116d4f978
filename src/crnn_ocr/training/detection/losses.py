"""What the detector is punished for."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def map_loss(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Return the loss of a batch of maps.

    Args:
        logits: float (N, 1, h, w).
        target: float (N, 1, h, w), the teacher's probabilities.

    Returns:
        Cross-entropy per pixel, all of them alike: more weight on text makes text of doubtful edges, and
        lines touch. And the Dice loss (1 - twice the overlap over both sums, with squares in the sums;
        Milletari et al., "V-Net", 2016), which weighs small cores of text like large ones of paper.
    """
    entropy = nn.functional.binary_cross_entropy_with_logits(logits, target)
    shown = torch.sigmoid(logits)
    over = (shown * shown).sum() + (target * target).sum()
    dice = 1.0 - 2.0 * (shown * target).sum() / over.clamp(min=1.0)
    return entropy, dice
