"""What moves the weights: the optimiser, its state, and the average that follows them.

Nothing here asks a card for a number: an answer would have to wait for all that the card was told before.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

Moments = dict[str, tuple[Tensor, Tensor]]


def adamw(net: nn.Module, rate: float, weight_decay: float) -> torch.optim.AdamW:
    """Return AdamW with the groups `matrices` (kernels, too), `vectors` and `head`; only the first decay."""
    groups: dict[str, list[Tensor]] = {"matrices": [], "vectors": [], "head": []}
    for name, parameter in net.named_parameters():
        kind = "head" if name.startswith("head.") else "matrices" if parameter.ndim > 1 else "vectors"
        groups[kind].append(parameter)
    decay = {"matrices": weight_decay, "vectors": 0.0, "head": 0.0}
    return torch.optim.AdamW(
        [{"params": params, "name": name, "weight_decay": decay[name]} for name, params in groups.items()],
        lr=rate,
        betas=(0.9, 0.98),
    )


def moments_of(net: nn.Module, optimiser: torch.optim.AdamW) -> Moments:
    """Return first and second moment of every parameter that has them; the live tensors."""
    moments = {}
    for name, parameter in net.named_parameters():
        known = optimiser.state.get(parameter)
        if known:
            moments[name] = (known["exp_avg"], known["exp_avg_sq"])
    return moments


def restore_moments(net: nn.Module, optimiser: torch.optim.AdamW, moments: Moments, step: float) -> None:
    """Give the optimiser the moments of an earlier sitting, laid out like their parameters."""
    for name, parameter in net.named_parameters():
        if name in moments:
            first, second = moments[name]
            optimiser.state[parameter] = {
                "step": torch.tensor(float(step)),
                "exp_avg": torch.empty_like(parameter).copy_(first.reshape(parameter.shape)),
                "exp_avg_sq": torch.empty_like(parameter).copy_(second.reshape(parameter.shape)),
            }


def drop_broken_gradients(parameters: Iterable[Tensor]) -> None:
    """Make gradients that are no numbers zero: after clipping all of them are, where one was infinite."""
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.grad.nan_to_num_(nan=0.0, posinf=0.0, neginf=0.0)


class Average:
    """A network whose weights and running statistics follow another's."""

    def __init__(self, average: nn.Module, net: nn.Module) -> None:
        own = net.state_dict()
        pairs = [(tensor, own[name]) for name, tensor in average.state_dict().items()]
        self._moving = [pair for pair in pairs if pair[0].dtype.is_floating_point]
        self._counting = [pair for pair in pairs if not pair[0].dtype.is_floating_point]

    def follow(self, keep: float) -> None:
        """Keep that share of the average, take the rest from the network."""
        with torch.no_grad():
            averages, own = (list(side) for side in zip(*self._moving, strict=True))
            torch._foreach_lerp_(averages, own, 1 - keep)
            for average, other in self._counting:
                average.copy_(other)
