"""Trains a last projection and a correction of the embedding on what a kept network makes of lines.

The old projection W (classes, D) becomes W + Δ with new rows below, and the embedding e becomes e + c(f),
where f is what e was made from and c a layer of R units that starts at zero. So training starts from the old
recogniser exactly. Three things hold it there where nothing new is to be learnt: Δ decays towards zero
(decoupled weight decay, Loshchilov & Hutter 2019), familiar lines are mixed in, and on these the soft-max is
to stay what it was (Kullback-Leibler divergence of the new from the old: learning without forgetting, Li &
Hoiem 2016).

The loss is CTC over a sample of the classes (`losses`), among them always the new ones and those that the old
recogniser thought likely in these very lines.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from crnn_ocr.training.adaptation.graph import Correction, Head
from crnn_ocr.training.nets.losses import ClassSample, ctc_loss, posterior_loss

Floats = NDArray[np.float32]
Halves = NDArray[np.float16]

_POOL = 8
"""Batches that are drawn together and sorted by length, so that little is padded."""


@dataclass(frozen=True)
class Example:
    """A line as the kept network sees it.

    Attributes:
        embedding: float16 (T, D).
        features: float16 (T, F).
        label: int64 (L,) classes of the text, those of the new projection.
        rivals: int64, classes that the old recogniser thought likely somewhere in the line.
        familiar: Whether the old recogniser's judgement is to be kept.
    """

    embedding: Halves
    features: Halves
    label: NDArray[np.int64]
    rivals: NDArray[np.int64]
    familiar: bool


@dataclass(frozen=True)
class LearnConfig:
    """The settings of learning. Rates are in units of the spread of what they change.

    Attributes:
        steps: Weight updates.
        batch: Lines per update.
        rank: Units of the correction.
        new_rate: Of new rows, in standard deviations of the old rows.
        old_rate: Of the old rows, likewise.
        correction_rate: Of the correction, whose output is in standard deviations of the embedding.
        decay: Of the change of old rows.
        keep: Weight of the divergence from the old judgement on familiar lines.
        negatives: Random classes in every batch's soft-max.
        seed: Of all that is drawn.
    """

    steps: int = 600
    batch: int = 32
    rank: int = 64
    new_rate: float = 0.05
    old_rate: float = 0.001
    correction_rate: float = 0.003
    decay: float = 0.1
    keep: float = 4.0
    negatives: int = 400
    seed: int = 0


@dataclass(frozen=True)
class Learnt:
    """The result of learning.

    Attributes:
        head: The new projection.
        correction: Of the embedding.
        reach: Least and greatest number of the corrected embedding over the examples.
        loss: CTC loss per character over the last tenth of the steps.
    """

    head: Head
    correction: Correction
    reach: tuple[float, float]
    loss: float


class Adapter(nn.Module):  # type: ignore[misc]  # an Any where PyTorch is not installed
    """The projection and the correction while they are trained."""

    def __init__(
        self, head: Head, new: int, rank: int, examples: Sequence[Example], blank: int, seed: int
    ) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        some = examples[:: max(1, len(examples) // 200)]
        features = torch.from_numpy(np.concatenate([e.features for e in some]).astype(np.float32))
        embedding = torch.from_numpy(np.concatenate([e.embedding for e in some]).astype(np.float32))
        weight, bias = torch.from_numpy(head.weight), torch.from_numpy(head.bias)
        self.register_buffer("old_weight", weight)
        self.register_buffer("old_bias", bias)
        self.register_buffer("mean", features.mean(dim=0))
        self.register_buffer("spread", features.std(dim=0).clamp(min=1e-3))
        self.scale = float(embedding.std())
        self.row = float(weight.std())
        size, dimensions = weight.shape
        inputs = features.shape[1]
        others = torch.ones(size, dtype=torch.bool)
        others[blank] = False
        mean_row = weight[others].mean(dim=0)
        noise = torch.randn((new, dimensions), generator=generator) * self.row
        self.new_weight = nn.Parameter((mean_row + 0.3 * noise) / self.row)
        self.new_bias = nn.Parameter(bias[others].mean().repeat(new) / self.row)
        self.change = nn.Parameter(torch.zeros_like(weight))
        self.change_bias = nn.Parameter(torch.zeros_like(bias))
        self.inward = nn.Parameter(torch.randn((inputs, rank), generator=generator) / math.sqrt(inputs))
        self.offset = nn.Parameter(torch.zeros(rank))
        self.outward = nn.Parameter(torch.zeros(rank, dimensions))

    def correct(self, embedding: Tensor, features: Tensor) -> Tensor:
        """Return the corrected embedding, (N, T, D)."""
        seen = ((features - self.mean) / self.spread) @ self.inward + self.offset
        corrected: Tensor = embedding + self.scale * (seen.relu() @ self.outward)
        return corrected

    def rows(self, classes: Tensor) -> tuple[Tensor, Tensor]:
        """Return weight (S, D) and bias (S,) of classes, which come with the old ones first."""
        old = classes[classes < len(self.old_bias)]
        new = classes[classes >= len(self.old_bias)] - len(self.old_bias)
        weight = torch.cat(
            [self.old_weight[old] + self.row * self.change[old], self.row * self.new_weight[new]]
        )
        bias = torch.cat(
            [self.old_bias[old] + self.row * self.change_bias[old], self.row * self.new_bias[new]]
        )
        return weight, bias

    def result(self) -> tuple[Head, Correction]:
        """Return both as plain matrices, standardisation folded in."""
        with torch.no_grad():
            weight, bias = self.rows(torch.arange(len(self.old_bias) + len(self.new_bias)))
            inward = self.inward / self.spread[:, None]
            offset = self.offset - self.mean @ inward
            outward = self.scale * self.outward
        return (
            Head(_numpy(weight), _numpy(bias)),
            Correction(_numpy(inward), _numpy(offset), _numpy(outward)),
        )


def rivals(embedding: Floats, head: Head, blank: int, *, most: int = 6) -> NDArray[np.int64]:
    """Return the classes that a projection finds likely where it reads anything."""
    scores = embedding @ head.weight.T + head.bias
    shown = scores[scores.argmax(axis=1) != blank]
    if not len(shown):
        return np.empty(0, np.int64)
    return np.unique(torch.from_numpy(shown).topk(min(most, shown.shape[1]), dim=1).indices.numpy())


def learn(
    head: Head,
    new: int,
    blank: int,
    examples: Sequence[Example],
    config: LearnConfig,
    progress: Callable[[int, float], None] = lambda step, loss: None,
) -> Learnt:
    """Train.

    Args:
        head: The old projection.
        new: New classes, numbered behind the old ones.
        blank: Class of the CTC blank.
        examples: Lines to learn from; at least one.
        config: How.
        progress: Told the number of steps done and the loss after each.
    """
    net = Adapter(head, new, config.rank, examples, blank, config.seed)
    groups = [
        {"params": [net.new_weight, net.new_bias], "lr": config.new_rate, "weight_decay": 0.0},
        {"params": [net.change, net.change_bias], "lr": config.old_rate, "weight_decay": config.decay},
        {
            "params": [net.inward, net.offset, net.outward],
            "lr": config.correction_rate,
            "weight_decay": config.decay,
        },
    ]
    optimiser = torch.optim.AdamW(groups, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, config.steps))
    choice = _ClassChoice(len(head.bias), new, blank, config)
    tail: list[float] = []
    for step, batch in zip(range(config.steps), _batches(examples, config), strict=False):
        loss, read = _loss(net, batch, choice, config.keep)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        schedule.step()
        if step >= 0.9 * config.steps - 1:
            tail.append(read)
        progress(step + 1, read)
    low, high = math.inf, -math.inf
    with torch.no_grad():
        for example in examples:
            corrected = net.correct(
                torch.from_numpy(example.embedding).float(), torch.from_numpy(example.features).float()
            )
            low, high = min(low, float(corrected.min())), max(high, float(corrected.max()))
    made, correction = net.result()
    return Learnt(made, correction, (low, high), float(np.mean(tail)))


def _rate(step: int, steps: int) -> float:
    warm = max(1, steps // 20)
    return min((step + 1) / warm, 0.5 * (1 + math.cos(math.pi * step / steps)))


def _batches(examples: Sequence[Example], config: LearnConfig) -> Iterator[list[Example]]:
    """Give batches of lines of similar length without end, every line once per round."""
    rng = np.random.default_rng(config.seed)
    while True:
        order = rng.permutation(len(examples))
        size = config.batch * _POOL
        for start in range(0, len(order), size):
            pool = sorted(order[start : start + size].tolist(), key=lambda n: len(examples[n].embedding))
            parts = [pool[at : at + config.batch] for at in range(0, len(pool), config.batch)]
            for number in rng.permutation(len(parts)):
                yield [examples[n] for n in parts[number]]


def _loss(net: Adapter, batch: Sequence[Example], choice: _ClassChoice, keep: float) -> tuple[Tensor, float]:
    """Return the loss of a batch, and its CTC part per character."""
    steps = torch.tensor([len(e.embedding) for e in batch])
    lengths = torch.tensor([len(e.label) for e in batch])
    embedding = _padded([e.embedding for e in batch])
    features = embedding if batch[0].features is batch[0].embedding else _padded([e.features for e in batch])
    labels = torch.from_numpy(np.concatenate([e.label for e in batch]))
    sample = choice.draw(labels, np.unique(np.concatenate([e.rivals for e in batch])))
    weight, bias = net.rows(sample.classes)
    logits = net.correct(embedding, features) @ weight.T + bias + sample.log_weight
    shares = logits.log_softmax(dim=2)
    ctc = ctc_loss(shares, sample, steps, lengths)
    familiar = torch.tensor([float(e.familiar) for e in batch])
    if not keep or not bool(familiar.any()):
        return ctc, float(ctc.detach())
    known = len(sample.classes) - len(net.new_bias)
    with torch.no_grad():
        before = embedding @ net.old_weight[sample.classes[:known]].T + net.old_bias[sample.classes[:known]]
        before = (before + sample.log_weight[:known]).log_softmax(dim=2)
    kept = posterior_loss(shares[:, :, :known], before, steps, familiar, lengths)
    return ctc + keep * kept, float(ctc.detach())


class _ClassChoice:
    """A sampler of the classes of a batch's loss (see `losses`), the new ones always among them."""

    def __init__(self, old: int, new: int, blank: int, config: LearnConfig) -> None:
        self._old, self._blank, self._negatives = old, blank, config.negatives
        self._new = torch.arange(old, old + new)
        self._generator = torch.Generator().manual_seed(config.seed)

    def draw(self, labels: Tensor, likely: NDArray[np.int64]) -> ClassSample:
        """Choose classes: the blank first, other old ones, the new ones last."""
        chosen = torch.zeros(self._old, dtype=torch.bool)
        chosen[labels[labels < self._old]] = True
        chosen[torch.from_numpy(likely)] = True
        chosen[self._blank] = False
        certain = torch.cat([torch.tensor([self._blank]), chosen.nonzero().squeeze(1)])
        chosen[self._blank] = True
        rest = (~chosen).nonzero().squeeze(1)
        drawn = rest[torch.randperm(len(rest), generator=self._generator)[: self._negatives]]
        classes = torch.cat([certain, drawn, self._new])
        log_weight = torch.zeros(len(classes))
        if len(drawn):
            log_weight[len(certain) : len(certain) + len(drawn)] = math.log(len(rest) / len(drawn))
        position = torch.full((self._old + len(self._new),), -1, dtype=torch.int64)
        position[classes] = torch.arange(len(classes))
        return ClassSample(classes, log_weight, position[labels])


def _padded(rows: Sequence[Halves]) -> Tensor:
    out = torch.zeros((len(rows), max(len(row) for row in rows), rows[0].shape[1]))
    for number, row in enumerate(rows):
        out[number, : len(row)] = torch.from_numpy(row)
    return out


def _numpy(tensor: Tensor) -> Floats:
    return np.ascontiguousarray(tensor.detach().numpy(), dtype=np.float32)
