"""What a student takes over from its teacher: the start of its head, and the posteriors of every step.

The student's first D embedding numbers follow the teacher's, normalised as (e - mean) / std, so the teacher's
projection becomes weight · std and bias + weight · mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from crnn_ocr.errors import TrainingError
from crnn_ocr.training.nets.losses import ClassSample
from crnn_ocr.training.nets.teacher import TeacherHead

_NEVER = -1e4
"""Logit of a character that the teacher does not know: no share, and still a finite logarithm."""


class TeacherRows:
    """The teacher's projection for the student's classes, on normalised embeddings.

    Attributes:
        known: bool (C,) which of the student's classes the teacher knows.
        weight: float (C, D), zero where unknown.
        bias: float (C,), never where unknown.
        least: The teacher's smallest bias.
    """

    def __init__(self, teacher: TeacherHead, characters: Sequence[str], scale: dict[str, Any]) -> None:
        """Rearrange the teacher's rows.

        Args:
            teacher: Its head.
            characters: Text of the student's classes, blank first.
            scale: `mean` (list) and `std` by which the teacher's embedding is normalised; may be empty.
        """
        rows = torch.from_numpy(teacher.rows(characters))
        self.known = rows >= 0
        weight = torch.from_numpy(teacher.weight)
        mean = torch.tensor(scale.get("mean", [0.0] * weight.shape[1]), dtype=torch.float32)
        std = float(scale.get("std", 1.0))
        bias = torch.from_numpy(teacher.bias) + weight @ mean
        self.typical = float(weight.std()) * std
        self.least = float(bias.min())
        self.weight = torch.where(self.known[:, None], weight[rows] * std, 0.0)
        self.bias = torch.where(self.known, bias[rows], _NEVER)

    def shares(self, embedded: Tensor, sample: ClassSample) -> Tensor:
        """Return the logarithms of the teacher's shares of the sampled classes.

        Args:
            embedded: float (N, T, D) normalised.
            sample: The subset.

        Returns:
            float (N, T, S).
        """
        logits = functional.linear(embedded.float(), self.weight[sample.classes], self.bias[sample.classes])
        return (logits + sample.log_weight).log_softmax(dim=2)

    def to(self, device: torch.device) -> None:
        """Move to where the network is."""
        self.known = self.known.to(device)
        self.weight, self.bias = self.weight.to(device), self.bias.to(device)

    def start(self, head: nn.Linear) -> None:
        """Let a student's head begin with the teacher's rows.

        Numbers beyond the teacher's start without influence, characters that it does not know at random.

        Raises:
            TrainingError: The student's embedding is smaller than the teacher's.
        """
        size = self.weight.shape[1]
        if size > head.in_features:
            raise TrainingError(
                f"The teacher's embedding has {size} numbers, the network's only {head.in_features}.",
                hint="Give the network a larger `embed`.",
            )
        with torch.no_grad():
            head.weight[:, :size].normal_(std=self.typical)
            head.weight[:, size:] = 0.0
            head.weight[self.known, :size] = self.weight[self.known]
            # Unknown characters start as unlikely as the teacher's least likely: they must not disturb.
            head.bias[:] = torch.where(self.known, self.bias, self.least)
