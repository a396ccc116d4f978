"""The mean of several checkpoints of one run.

Weights that a run passes through while its learning rate is low lie around a minimum; their mean lies nearer
to it than any of them (stochastic weight averaging: Izmailov et al., 2018). It costs nothing to train and
nothing to read with. It holds for checkpoints that descend from one another, not for runs of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from crnn_ocr.errors import TrainingError
from crnn_ocr.training.nets.checkpoint import State, Tensors


def mean(states: Sequence[State]) -> State:
    """Average checkpoints, each counting the same.

    Args:
        states: Two or more of the same network and characters.

    Returns:
        The state that has seen the most lines, with the mean of all weights and of all moving averages;
        training can go on from it.

    Raises:
        TrainingError: There are fewer than two, or they are of different networks or characters.
    """
    if len(states) < 2:
        raise TrainingError("An average is made of two checkpoints or more.")
    states = sorted(states, key=lambda state: state.counters.get("lines", 0.0))
    latest = states[-1]
    for state in states:
        if state.net != latest.net or state.characters != latest.characters:
            raise TrainingError(
                "The checkpoints are of networks of different shapes or characters.",
                hint="Average checkpoints of one run.",
            )
        if state.weights.keys() != latest.weights.keys() or state.average.keys() != latest.average.keys():
            raise TrainingError("One of the checkpoints lacks weights that another one has.")
    return replace(
        latest,
        weights=_mean_tensors([state.weights for state in states]),
        average=_mean_tensors([state.average for state in states]),
    )


def _mean_tensors(sets: Sequence[Tensors]) -> Tensors:
    return {name: _mean_tensor([tensors[name] for tensors in sets]) for name in sets[0]}


def _mean_tensor(tensors: Sequence[Tensor]) -> Tensor:
    """Return the mean of floating-point tensors; of counters the last."""
    if not tensors[0].is_floating_point():
        return tensors[-1]
    total = torch.stack([tensor.detach().cpu().double() for tensor in tensors]).mean(0)
    return total.to(tensors[0].dtype)
