"""What the network is trained on: sampled CTC, and a teacher's embedding followed step by step.

**Sampled CTC.** Over 6,900 classes the head, its soft-max and their gradients cost more than they teach: most
classes of a batch are neither its characters nor like them. The soft-max of every step is therefore taken
over a subset of the classes:

* all that occur in the batch's labels, and the blank,
* optionally their nearest neighbours in the head (the characters that could be mistaken for them),
* `negatives` random ones of the R remaining classes, drawn without replacement.

Random ones stand for the R classes that they were drawn from: log(R / negatives) is added to their logits, so
that the sum over the subset is an unbiased estimate of the whole soft-max's denominator (sampled soft-max,
Bengio & Senécal 2003). The network that results is used with all classes and its probabilities mean what
they say. With every class sampled the correction is zero and the loss is CTC (Graves et al., 2006) itself.

A network with a *gate* (see `edge`) answers in two parts: blank or not, then which character; `gated_shares`
puts them together, and everything else stays the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

LEGIBLE = 1.0
"""Nats per character up to which every line counts in full."""
OUTSTANDING = 3.0
"""How many times a batch's mean loss per character a line's may be before it counts less."""
FEWEST = 8
"""Characters that a line is taken to have at least: one error in a short line is no sign of illegibility."""


@dataclass(frozen=True)
class ClassSample:
    """A subset of the classes.

    Attributes:
        classes: int64 (S,) class numbers; position 0 is the blank.
        log_weight: float (S,) what is added to the logits.
        labels: int64 (sum of lengths,) the batch's labels as positions in `classes`.
    """

    classes: Tensor
    log_weight: Tensor
    labels: Tensor

    def to(self, device: torch.device) -> ClassSample:
        """Return the same on another device, without waiting for it."""
        here = (self.classes, self.log_weight, self.labels)
        return ClassSample(*(values.to(device, non_blocking=True) for values in here))


class ClassSampler:
    """A sampler of the classes over which a batch's loss is taken.

    It draws on the CPU, wherever the network is: the same classes on every device, and how many there are is
    known without asking one.
    """

    def __init__(self, classes: int, *, negatives: int, neighbours: int = 0, seed: int = 0) -> None:
        """Prepare to sample.

        Args:
            classes: Size of the head, blank included.
            negatives: Random classes per batch; all that there are when fewer remain.
            neighbours: Look-alikes per class of the batch; needs `refresh`.
            seed: Of the random choice.
        """
        self._classes = classes
        self._negatives = negatives
        self._neighbours = neighbours
        self._near: Tensor | None = None
        self._generator = torch.Generator().manual_seed(seed)

    def refresh(self, head: nn.Linear) -> None:
        """Find every class's nearest neighbours by the angle between their weights."""
        if self._neighbours < 1:
            return
        with torch.no_grad():
            unit = functional.normalize(head.weight.detach().float(), dim=1)
            nearest = []
            for rows in torch.arange(self._classes, device=unit.device).split(1024):
                likeness = unit[rows] @ unit.T
                likeness[torch.arange(len(rows), device=unit.device), rows] = -2.0
                nearest.append(likeness.topk(min(self._neighbours, self._classes - 1), dim=1).indices)
            self._near = torch.cat(nearest).cpu()

    @property
    def state(self) -> dict[str, Tensor]:
        """What the next samples depend on."""
        known = {} if self._near is None else {"near": self._near}
        return {"generator": self._generator.get_state(), **known}

    @state.setter
    def state(self, values: dict[str, Tensor]) -> None:
        self._generator.set_state(values["generator"])
        self._near = values.get("near")

    @property
    def stale(self) -> bool:
        """Whether look-alikes are wanted and not known yet."""
        return self._neighbours > 0 and self._near is None

    def sample(self, labels: Tensor) -> ClassSample:
        """Choose the classes for a batch whose labels, joined, are `labels` (no blanks), on the CPU."""
        chosen = torch.zeros(self._classes, dtype=torch.bool)
        chosen[0] = True
        chosen[labels] = True
        if self._near is not None:
            chosen[self._near[torch.unique(labels)].flatten()] = True
        certain = chosen.nonzero().squeeze(1)
        rest = (~chosen).nonzero().squeeze(1)
        drawn = rest[torch.randperm(len(rest), generator=self._generator)[: self._negatives]]
        classes = torch.cat([certain, drawn])
        log_weight = torch.zeros(len(classes))
        if len(drawn):
            log_weight[len(certain) :] = torch.log(torch.tensor(len(rest) / len(drawn)))
        position = torch.full((self._classes,), -1, dtype=torch.int64)
        position[classes] = torch.arange(len(classes))
        return ClassSample(classes, log_weight, position[labels])


def gated_shares(logits: Tensor, gate: Tensor) -> Tensor:
    """Return the logarithms of the factorised posterior: first blank or not, then which character.

    Args:
        logits: float (N, T, S) of the head; the blank's, the first, is ignored.
        gate: float (N, T, 1) logit of the blank against all characters together.

    Returns:
        float (N, T, S); its exponentials sum to 1 at every step.
    """
    characters = functional.logsigmoid(-gate) + logits[:, :, 1:].log_softmax(dim=2)
    return torch.cat([functional.logsigmoid(gate), characters], dim=2)


def sampled_shares(embedded: Tensor, head: nn.Linear, sample: ClassSample) -> Tensor:
    """Return the logarithms of the sampled classes' shares.

    Args:
        embedded: (N, T, E), or (N, T, E + 1) of a network with a gate, which comes last.
        head: The classes' weights and biases, E inputs.
        sample: The subset.

    Returns:
        float (N, T, S).
    """
    size = head.in_features
    logits = functional.linear(embedded[:, :, :size], head.weight[sample.classes], head.bias[sample.classes])
    logits = logits.float() + sample.log_weight
    gated = embedded.shape[2] > size
    return gated_shares(logits, embedded[:, :, size:].float()) if gated else logits.log_softmax(dim=2)


def ctc_loss(
    shares: Tensor, sample: ClassSample, steps: Tensor, label_lengths: Tensor, *, capped: bool = False
) -> Tensor:
    """CTC over the sampled classes, per character.

    Args:
        shares: (N, T, S) of `sampled_shares`.
        sample: The subset, with the joined labels of the batch, where the shares are. They are int64, which
            keeps cuDNN's CTC out: it wants labels in 32 bits on the CPU, of at most 256 characters.
        steps: int64 (N,) valid time steps; on the CPU, or a card has to be waited for.
        label_lengths: int64 (N,), on the CPU as well.
        capped: Whether lines that hardly anybody could read count less (see `line_weights`).

    Returns:
        Scalar: the negative log likelihood of the batch divided by its characters. A line too narrow for its
        label counts nothing.
    """
    lines = functional.ctc_loss(
        shares.transpose(0, 1),
        sample.labels,
        steps,
        label_lengths,
        blank=0,
        reduction="none",
        zero_infinity=True,
    )
    lengths = label_lengths.to(lines.device, non_blocking=True)
    weights = line_weights(lines.detach(), lengths) if capped else 1.0
    return (weights * lines).sum() / lengths.sum().clamp(min=1)


def line_weights(losses: Tensor, lengths: Tensor) -> Tensor:
    """Return how much each line of a batch counts: 1, or less where its loss stands out.

    A line whose loss per character is more than `LEGIBLE` nats, and more than `OUTSTANDING` times the batch's
    mean, has the weight that brings its loss down to that. Its gradient is the largest of the batch
    otherwise, and late in training mostly noise (docs/notes/training-diary.md, "The loss"). Where all lines
    are as bad, all count 1.

    Args:
        losses: (N,) of the lines, without gradient.
        lengths: (N,) characters of each.
    """
    most = (OUTSTANDING * losses.sum() / lengths.sum().clamp(min=1)).clamp(min=LEGIBLE)
    return (most * lengths.clamp(min=FEWEST) / losses.clamp(min=1e-6)).clamp(max=1.0)


def posterior_loss(
    shares: Tensor, teacher: Tensor, steps: Tensor, trust: Tensor, label_lengths: Tensor
) -> Tensor:
    """Kullback-Leibler divergence of the student's posteriors from the teacher's, per character.

    Args:
        shares: (N, T, S) logarithms, the student's.
        teacher: (N, T, S) logarithms over the same classes, the teacher's.
        steps: int64 (N,) valid time steps.
        trust: float (N,) weight of every line.
        label_lengths: int64 (N,).

    Returns:
        Scalar: 0 is the teacher's own answer.
    """
    inside = _inside(shares.shape[1], steps, shares.device)
    divergence = (teacher.exp() * (teacher - shares)).sum(dim=2)
    total = (divergence * inside * trust[:, None]).sum()
    lengths = label_lengths.to(shares.device, non_blocking=True)
    return total / (trust * lengths).sum().clamp(min=1e-6)


def distillation_loss(
    embedded: Tensor,
    teacher: Tensor,
    steps: Tensor,
    trust: Tensor,
    variance: float,
    weight: Tensor | None = None,
) -> Tensor:
    """Squared error to the teacher's embedding in units of its variance.

    Args:
        embedded: (N, T, E); the first D numbers are compared. Where the student has twice the teacher's time
            steps, neighbouring steps are averaged.
        teacher: (N, T', D), T' = T or T / 2.
        steps: int64 (N,) valid steps of the student.
        trust: float (N,) weight of every line.
        variance: Mean variance of the teacher's numbers.
        weight: float (N, T') of every step; all alike when None.

    Returns:
        Scalar: 1.0 is as good as answering the teacher's mean.
    """
    wanted = teacher.float()
    own = embedded[:, :, : wanted.shape[2]].float()
    ratio = own.shape[1] // wanted.shape[1]
    if ratio > 1:
        own = own[:, : wanted.shape[1] * ratio].unflatten(1, (-1, ratio)).mean(dim=2)
        steps = torch.div(steps, ratio, rounding_mode="floor")
    inside = _inside(own.shape[1], steps, own.device)
    counted = inside * trust[:, None] * (1.0 if weight is None else weight)
    error = (own - wanted).square().mean(dim=2)
    return (error * counted).sum() / (counted.sum().clamp(min=1e-6) * variance)


def _inside(length: int, steps: Tensor, device: torch.device) -> Tensor:
    """Return bool (N, length): which time steps are read."""
    return torch.arange(length, device=device) < steps.to(device, non_blocking=True)[:, None]
