"""The training loop: batches in, a better network out, and a state on disk from which to go on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from crnn_ocr.errors import TrainingError
from crnn_ocr.training import checkpoint, networks
from crnn_ocr.training.checkpoint import State
from crnn_ocr.training.distil import TeacherRows
from crnn_ocr.training.evaluate import LineSet, Score, evaluate, network_reader
from crnn_ocr.training.loader import Batch
from crnn_ocr.training.losses import (
    ClassSample,
    ClassSampler,
    ctc_loss,
    distillation_loss,
    posterior_loss,
    sampled_shares,
)
from crnn_ocr.training.parallel import Alone, Peers
from crnn_ocr.training.runlog import RunLog
from crnn_ocr.training.schedule import Schedule
from crnn_ocr.training.teacher import TeacherHead

COMPLETE = "last.pt"
COMPACT = "compact.npz"
BLANK_CALM = 0.9
"""How much less a step counts for the embedding of a gated network where the teacher is sure of the blank."""
COUNTERS = ("step", "lines", "characters", "seconds")


@dataclass(frozen=True)
class TrainConfig:
    """How to train.

    Attributes:
        hours: Budget of training time, evaluation aside, over all sittings; or, where it is set,
        steps: a budget of optimiser steps.
        schedule: Rates and weights.
        weight_decay: Of matrices and kernels; the head, biases and norms have none.
        clip: Largest gradient norm.
        average: Decay of the moving average of the weights.
        negatives: Random classes per batch in the CTC loss.
        neighbours: Look-alike classes per class of the batch.
        half: bfloat16 autocast: twice as fast on CPUs with AVX512-BF16 or AMX, slower elsewhere.
        threads: PyTorch's.
        log_every: Steps between two rows of the log.
        save_every: Seconds between two checkpoints.
        evaluate_every: Seconds between two evaluations.
        seed: Of initial weights and dropout.
    """

    hours: float = 2.0
    steps: int | None = None
    schedule: Schedule = field(default_factory=Schedule)
    weight_decay: float = 0.02
    clip: float = 5.0
    average: float = 0.998
    negatives: int = 500
    neighbours: int = 1
    half: bool = False
    threads: int = 2
    log_every: int = 25
    save_every: float = 300.0
    evaluate_every: float = 600.0
    seed: int = 0


class Trainer:
    """One network in training."""

    def __init__(
        self,
        config: TrainConfig,
        net: networks.Config,
        characters: Sequence[str],
        folder: Path,
        *,
        teacher: TeacherHead | None = None,
        teacher_scale: dict[str, Any] | None = None,
        sets: Sequence[LineSet] = (),
        clock: Callable[[], float] = time.monotonic,
        peers: Peers | None = None,
    ) -> None:
        """Make a fresh network.

        Args:
            config: How to train.
            net: The network's shape.
            characters: Text of every class, blank first.
            folder: Where log and checkpoints go.
            teacher: Its head starts the student's head; rows of other characters start at random.
            teacher_scale: `mean` (list) and `std` by which the loader normalises the teacher's embedding.
            sets: What is evaluated.
            clock: Seconds; for tests.
            peers: The processes that train with this one; the first of them logs, saves and evaluates.
        """
        if len(characters) != net.classes:
            raise TrainingError(f"{len(characters)} characters for a network of {net.classes} classes.")
        torch.set_num_threads(config.threads)
        torch.manual_seed(config.seed)
        self.config = config
        self.characters = tuple(characters)
        self.folder = folder
        self.sets = tuple(sets)
        self.net = networks.make(net)
        self.counters = dict.fromkeys(COUNTERS, 0.0)
        self._teacher_scale = dict(teacher_scale or {})
        self._rows: TeacherRows | None = None
        if teacher is not None:
            self._rows = TeacherRows(teacher, self.characters, self._teacher_scale)
            self._rows.start(self.net.head)
        self.net.to(memory_format=torch.channels_last)
        self.average = networks.make(net).eval().requires_grad_(requires_grad=False)
        self.average.load_state_dict(self.net.state_dict())
        self._optimiser = self._make_optimiser()
        self._sampler = ClassSampler(
            net.classes, negatives=config.negatives, neighbours=config.neighbours, seed=config.seed
        )
        self._log = RunLog(folder)
        self._clock = clock
        self._peers = peers or Alone()
        if self._peers.rank:
            torch.manual_seed(config.seed + self._peers.rank)
        self._stopping = False

    # ---- the run -------------------------------------------------------------------------------------

    def stop(self) -> None:
        """End after the step that is under way; safe to call from a signal handler."""
        self._stopping = True

    @property
    def progress(self) -> float:
        """Share of the budget that is used up, 0 to 1."""
        if self.config.steps is not None:
            return min(1.0, self.counters["step"] / max(1, self.config.steps))
        return min(1.0, self.counters["seconds"] / max(1e-9, self.config.hours * 3600))

    def run(self, batches: Iterable[Batch]) -> None:
        """Train until the budget is used up, the batches end, or `stop` is called; then save and evaluate."""
        saved = evaluated = self._clock()
        window = _Window(self._clock())
        with tqdm(total=100, unit="%", disable=None, bar_format="{l_bar}{bar}| {elapsed}{postfix}") as bar:
            stream = iter(batches)
            while self._go_on():
                began = self._clock()
                batch = next(stream, None)
                if batch is None:
                    break
                fetched, lines = self._clock(), self.counters["lines"]
                ctc, distil, norm = self.step(batch)
                ended = self._clock()
                self.counters["seconds"] += ended - began
                if self._peers.rank:
                    continue
                window.add(self.counters["lines"] - lines, ctc, distil, norm, fetched - began)
                if self.counters["step"] % self.config.log_every == 0:
                    row = window.row(ended)
                    self._log.losses({**self.counters, "rate": self._rate(), **row})
                    bar.update(100 * self.progress - bar.n)
                    bar.set_postfix(
                        ctc=f"{row['ctc']:.3f}",
                        distil=f"{row['distil']:.3f}",
                        lines=f"{row['lines_per_second']:.0f}/s",
                    )
                    window = _Window(ended)
                if ended - saved >= self.config.save_every:
                    self.save()
                    saved = self._clock()
                if ended - evaluated >= self.config.evaluate_every:
                    self.measure()
                    evaluated = self._clock()
                    window = _Window(evaluated)
        if not self._peers.rank:
            self.save()
            self.measure()

    def _go_on(self) -> bool:
        """Agree with the others whether there is another step, and how far the run is."""
        going = self.progress < 1.0 and not self._stopping
        agreed, self.counters["seconds"] = self._peers.follow([float(going), self.counters["seconds"]])
        return bool(agreed)

    def step(self, batch: Batch) -> tuple[float, float, float]:
        """Learn from one batch; returns CTC loss per character, distillation loss and gradient norm."""
        schedule, progress = self.config.schedule, self.progress
        for group in self._optimiser.param_groups:
            head = group["name"] == "head"
            group["lr"] = schedule.head_learning_rate(progress) if head else schedule.learning_rate(progress)
        if self._sampler.stale or self.counters["step"] % 500 == 0:
            self._sampler.refresh(self.net.head)
        self.net.train()
        widths = torch.from_numpy(batch.widths)
        lengths = torch.from_numpy(batch.label_lengths)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.config.half):
            shown = batch.images if batch.features is None else batch.features
            embedded = self.net(torch.from_numpy(shown), widths)
        embedded = embedded.float()
        steps = self.net.config.steps(widths).clamp(max=embedded.shape[1])
        sample = self._sampler.sample(torch.from_numpy(batch.labels))
        shares = sampled_shares(embedded, self.net.head, sample)
        ctc = ctc_loss(shares, sample, steps, lengths)
        loss = schedule.ctc_weight(progress) * ctc
        distil = torch.zeros(())
        if batch.teacher is not None:
            followed, distil = self._distilled(batch, embedded, shares, sample, steps)
            loss = loss + followed
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self._peers.average(self.net.parameters())
        norm = nn.utils.clip_grad_norm_(self.net.parameters(), self.config.clip)
        if torch.isfinite(norm):
            self._optimiser.step()
            self._follow()
        self.counters["step"] += 1
        lines, characters = self._peers.total([len(batch.widths), float(batch.label_lengths.sum())])
        self.counters["lines"] += lines
        self.counters["characters"] += characters
        return float(ctc.detach()), float(distil.detach()), float(norm)

    def measure(self) -> dict[str, Score]:
        """Evaluate the averaged weights on all sets and log it."""
        scores = evaluate(network_reader(self.average, self.characters), self.sets)
        self._log.scores(self.counters, scores)
        return scores

    # ---- the state -----------------------------------------------------------------------------------

    def state(self) -> State:
        """Return everything needed to go on; the tensors are the live ones."""
        moments = {}
        for name, parameter in self.net.named_parameters():
            known = self._optimiser.state.get(parameter)
            if known:
                moments[name] = (known["exp_avg"], known["exp_avg_sq"])
        return State(
            self.net.config.to_dict(),
            self.characters,
            dict(self.net.state_dict()),
            dict(self.average.state_dict()),
            moments,
            dict(self.counters),
            self._teacher_scale,
            torch.get_rng_state(),
            self._sampler.state,
        )

    def save(self) -> None:
        """Write the complete and the compact checkpoint."""
        state = self.state()
        checkpoint.save(state, self.folder / COMPLETE)
        checkpoint.save_compact(state, self.folder / COMPACT)

    def restore(self, state: State) -> None:
        """Go on from a state.

        Raises:
            TrainingError: It is of another network or character set.
        """
        if state.characters != self.characters:
            raise TrainingError("The checkpoint was trained with another character set.")
        checkpoint.check_shapes(state, dict(self.net.state_dict()))
        self.net.load_state_dict(state.weights)
        self.average.load_state_dict(state.average)
        for name, parameter in self.net.named_parameters():
            if name in state.moments:
                first, second = state.moments[name]
                self._optimiser.state[parameter] = {
                    "step": torch.tensor(float(state.counters["step"])),
                    "exp_avg": first.clone().reshape(parameter.shape),
                    "exp_avg_sq": second.clone().reshape(parameter.shape),
                }
        self.counters.update(state.counters)
        self._teacher_scale = dict(state.teacher)
        if state.random is not None:
            torch.set_rng_state(state.random)
        if state.sampler:
            self._sampler.state = state.sampler

    # ---- inner workings --------------------------------------------------------------------------------

    def _distilled(
        self, batch: Batch, embedded: Tensor, shares: Tensor, sample: ClassSample, steps: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the weighted loss against the teacher, and its embedding's part of it, without weight."""
        schedule, progress = self.config.schedule, self.progress
        teacher, trust = torch.from_numpy(batch.teacher), torch.from_numpy(batch.trust)
        loss, weight = torch.zeros(()), None
        if schedule.posterior and self._rows is not None:
            wanted = self._rows.shares(teacher, sample)
            lengths = torch.from_numpy(batch.label_lengths)
            loss = schedule.posterior * posterior_loss(shares, wanted, steps, trust, lengths)
            if embedded.shape[2] > self.net.head.in_features:
                # Where a gate keeps the head from being asked, it hardly matters what the embedding says.
                weight = 1.0 - BLANK_CALM * wanted[:, :, 0].exp()
        distil = distillation_loss(embedded, teacher, steps, trust, 1.0, weight)
        return loss + schedule.distil_weight(progress) * distil, distil

    def _rate(self) -> float:
        return self.config.schedule.learning_rate(self.progress)

    def _make_optimiser(self) -> torch.optim.AdamW:
        groups: dict[str, list[Tensor]] = {"matrices": [], "vectors": [], "head": []}
        for name, parameter in self.net.named_parameters():
            if not parameter.requires_grad:
                continue
            kind = "head" if name.startswith("head.") else "matrices" if parameter.ndim > 1 else "vectors"
            groups[kind].append(parameter)
        decay = {"matrices": self.config.weight_decay, "vectors": 0.0, "head": 0.0}
        return torch.optim.AdamW(
            [
                {"params": params, "name": name, "weight_decay": decay[name]}
                for name, params in groups.items()
            ],
            lr=self.config.schedule.rate,
            betas=(0.9, 0.98),
        )

    def _follow(self) -> None:
        """Move the average a little towards the weights; faster at first."""
        step = self.counters["step"]
        keep = min(self.config.average, (1 + step) / (10 + step))
        with torch.no_grad():
            own = self.net.state_dict()
            for name, average in self.average.state_dict().items():
                if average.dtype.is_floating_point:
                    average.lerp_(own[name], 1 - keep)
                else:
                    average.copy_(own[name])


class _Window:
    """What happened since the last row of the log."""

    def __init__(self, began: float) -> None:
        self._began = began
        self._sums = np.zeros(5)
        self._steps = 0

    def add(self, lines: float, ctc: float, distil: float, norm: float, waiting: float) -> None:
        self._sums += (lines, ctc, distil, norm, waiting)
        self._steps += 1

    def row(self, now: float) -> dict[str, float]:
        lines, ctc, distil, norm, waiting = self._sums.tolist()
        seconds, steps = max(1e-9, now - self._began), max(1, self._steps)
        return {
            "ctc": ctc / steps,
            "distil": distil / steps,
            "norm": norm / steps,
            "lines_per_second": lines / seconds,
            "waiting": waiting / seconds,
        }
