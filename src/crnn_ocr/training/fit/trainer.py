"""The training loop: batches in, a better network out, and a state on disk from which to go on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from crnn_ocr.errors import TrainingError
from crnn_ocr.training.data.batches import Batch
from crnn_ocr.training.fit import devices, optimiser
from crnn_ocr.training.fit.devices import Feed, Placed
from crnn_ocr.training.fit.evaluate import LineSet, Score, evaluate, network_reader
from crnn_ocr.training.fit.parallel import Alone, Peers
from crnn_ocr.training.fit.runlog import RunLog
from crnn_ocr.training.fit.schedule import Schedule
from crnn_ocr.training.nets import checkpoint, registry
from crnn_ocr.training.nets.checkpoint import State
from crnn_ocr.training.nets.distil import TeacherRows
from crnn_ocr.training.nets.losses import (
    ClassSample,
    ClassSampler,
    ctc_loss,
    distillation_loss,
    posterior_loss,
    sampled_shares,
)
from crnn_ocr.training.nets.teacher import TeacherHead

COMPLETE = "last.pt"
COMPACT = "compact.npz"
BLANK_CALM = 0.9
"""How much less a step counts for the embedding of a gated network where the teacher is sure of the blank."""
COUNTERS = ("step", "lines", "characters", "seconds", "repeated")
FRESH_STEPS = 100
"""Steps over which the rate rises where the optimiser knows nothing yet of the gradients' sizes."""
FOLLOWED = 0.02
"""Share of a sitting's steps over which an adaptive average is taken."""
FEWEST, MOST = 50.0, 5000.0
"""Steps over which it is taken at least and at most."""


@dataclass(frozen=True)
class TrainConfig:
    """The settings of a training.

    Attributes:
        hours: Budget of training time, evaluation aside, over all sittings; or, where one of them is set,
        steps: a budget of optimiser steps over all sittings, or
        minutes: a budget of this sitting alone, from its first batch to its end, evaluation included.
        start: Progress with which a sitting of `minutes` begins: more than 0 to finish one that was cut off.
        schedule: Rates and weights.
        weight_decay: Of matrices and kernels; the head, biases and norms have none.
        clip: Largest gradient norm.
        average: Decay of the moving average of the weights; None averages over a fiftieth of the sitting.
        negatives: Random classes per batch in the CTC loss.
        neighbours: Look-alike classes per class of the batch.
        half: bfloat16 autocast: twice as fast on CPUs with AVX512-BF16 or AMX, slower elsewhere.
        threads: PyTorch's.
        device: Where the network is trained (see `devices.choose`).
        echo: How often a card that waits is shown a batch again (see `devices.Feed`).
        compiled: Whether PyTorch fuses the layers before the LSTM (a compiler must be there).
        compact: Whether compact checkpoints hold the optimiser's second moment, too.
        log_every: Steps between two rows of the log.
        save_every: Seconds between two checkpoints.
        evaluate_every: Seconds between two evaluations.
        seed: Of initial weights and dropout.
    """

    hours: float = 2.0
    steps: int | None = None
    minutes: float | None = None
    start: float = 0.0
    schedule: Schedule = field(default_factory=Schedule)
    weight_decay: float = 0.02
    clip: float = 5.0
    average: float | None = 0.998
    negatives: int = 500
    neighbours: int = 1
    half: bool = False
    threads: int = 2
    device: str = "cpu"
    echo: int = 0
    compiled: bool = False
    compact: bool = True
    log_every: int = 25
    save_every: float = 300.0
    evaluate_every: float = 600.0
    seed: int = 0


class Trainer:
    """One network in training."""

    def __init__(
        self,
        config: TrainConfig,
        net: registry.Config,
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
            config: The settings of a training.
            net: The network's shape.
            characters: Text of every class, blank first.
            folder: Where log and checkpoints go.
            teacher: Its head starts the student's head; rows of other characters start at random.
            teacher_scale: `mean` (list) and `std` by which the loader normalises the teacher's embedding,
                and whose it is (`batches.measure_teacher`).
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
        self.net = registry.make(net)
        self.counters = dict.fromkeys(COUNTERS, 0.0)
        self._teacher_scale = dict(teacher_scale or {})
        self._rows: TeacherRows | None = None
        if teacher is not None:
            self._rows = TeacherRows(teacher, self.characters, self._teacher_scale)
            self._rows.start(self.net.head)
        self.device = devices.choose(config.device)
        devices.prepare(self.device)
        self.average = registry.make(net).eval().requires_grad_(requires_grad=False)
        self.average.load_state_dict(self.net.state_dict())
        self.average.to(self.device, memory_format=torch.channels_last)
        self.net.to(self.device, memory_format=torch.channels_last)
        if self._rows is not None:
            self._rows.to(self.device)
        if config.compiled:
            self.net.features.compile(dynamic=True)
        self._optimiser = optimiser.adamw(self.net, config.schedule.rate, config.weight_decay)
        self._averaging = optimiser.Average(self.average, self.net)
        self._sampler = ClassSampler(
            net.classes, negatives=config.negatives, neighbours=config.neighbours, seed=config.seed
        )
        self._log = RunLog(folder)
        self._clock = clock
        self._peers = peers or Alone()
        if self._peers.rank:
            torch.manual_seed(config.seed + self._peers.rank)
        self._stopping = False
        self._began = self._clock()
        self._spent = 0.0
        self._first = 0.0  # step of the sitting
        self._fresh = -float(FRESH_STEPS)  # step at which the optimiser knew nothing

    # ---- the run -------------------------------------------------------------------------------------

    def stop(self) -> None:
        """End after the step that is under way; safe to call from a signal handler."""
        self._stopping = True

    @property
    def progress(self) -> float:
        """Share of the budget that is used up, 0 to 1."""
        if self.config.minutes is not None:
            share = self._spent / max(1e-9, self.config.minutes * 60)
            return min(1.0, self.config.start + (1 - self.config.start) * share)
        if self.config.steps is not None:
            return min(1.0, self.counters["step"] / max(1, self.config.steps))
        return min(1.0, self.counters["seconds"] / max(1e-9, self.config.hours * 3600))

    def run(self, batches: Iterable[Batch]) -> None:
        """Train until the budget is used up, the batches end, or `stop` is called; then save and evaluate."""
        self._began = saved = evaluated = self._clock()
        self._first = self.counters["step"]
        window = _Window(self._began, self.device)
        with (
            tqdm(total=100, unit="%", disable=None, bar_format="{l_bar}{bar}| {elapsed}{postfix}") as bar,
            Feed(batches, self.device, echo=self.config.echo) as feed,
        ):
            stream = iter(feed)
            while self._go_on():
                began = self._clock()
                batch = next(stream, None)
                if batch is None:
                    break
                fetched, lines = self._clock(), self.counters["lines"]
                losses = self._learn(batch)
                ended = self._clock()
                self.counters["seconds"] += ended - began
                if self._peers.rank:
                    continue
                taught = batch.teacher is not None
                window.add(self.counters["lines"] - lines, losses, fetched - began, taught=taught)
                if self.counters["step"] % self.config.log_every == 0:
                    row = window.row(self._clock)
                    self._log.losses({**self.counters, "rate": self._rate(), **row})
                    bar.update(100 * self.progress - bar.n)
                    bar.set_postfix(
                        ctc=f"{row['ctc']:.3f}",
                        distil=f"{row['distil']:.3f}",
                        lines=f"{row['lines_per_second']:.0f}/s",
                    )
                    window = _Window(self._clock(), self.device)
                if ended - saved >= self.config.save_every:
                    self.save()
                    saved = self._clock()
                if ended - evaluated >= self.config.evaluate_every:
                    self.measure()
                    evaluated = self._clock()
                    window = _Window(evaluated, self.device)
        if not self._peers.rank:
            self.save()
            self.measure()

    def _go_on(self) -> bool:
        """Agree with the others whether there is another step, and how far the run is."""
        going = self.progress < 1.0 and not self._stopping
        here = [float(going), self.counters["seconds"], self._clock() - self._began]
        agreed, self.counters["seconds"], self._spent = self._peers.follow(here)
        return bool(agreed)

    def step(self, batch: Batch) -> tuple[float, float, float]:
        """Learn from one batch; returns CTC loss per character, distillation loss and gradient norm."""
        ctc, distil, norm = self._learn(devices.place(batch, self.device))
        return float(ctc), float(distil), float(norm)

    def _learn(self, batch: Placed) -> tuple[Tensor, Tensor, Tensor]:
        """Do what `step` does; the answers stay on the device, which is not waited for."""
        schedule, progress = self.config.schedule, self.progress
        ramp = min(1.0, (self.counters["step"] + 1 - self._fresh) / FRESH_STEPS)
        for group in self._optimiser.param_groups:
            head = group["name"] == "head"
            rate = schedule.head_learning_rate(progress) if head else schedule.learning_rate(progress)
            group["lr"] = ramp * rate
        if self._sampler.stale or self.counters["step"] % 500 == 0:
            self._sampler.refresh(self.net.head)
        self.net.train()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.half):
            embedded = self.net(batch.images, batch.widths)
        embedded = embedded.float()
        steps = self.net.config.steps(batch.widths).clamp(max=embedded.shape[1])
        sample = self._sampler.sample(batch.labels).to(self.device)
        shares = sampled_shares(embedded, self.net.head, sample)
        ctc = ctc_loss(shares, sample, steps, batch.label_lengths, capped=True)
        loss = schedule.ctc_weight(progress) * ctc
        distil = ctc.new_zeros(())
        if batch.teacher is not None:
            followed, distil = self._distilled(batch, batch.teacher, embedded, shares, sample, steps)
            loss = loss + followed
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self._peers.average(self.net.parameters())
        norm = nn.utils.clip_grad_norm_(self.net.parameters(), self.config.clip)
        if self.device.type != "cpu":
            optimiser.drop_broken_gradients(self.net.parameters())
        if self.device.type != "cpu" or torch.isfinite(norm):
            self._optimiser.step()
            self._follow()
        self.counters["step"] += 1
        lines, characters = self._peers.total([len(batch.widths), float(batch.label_lengths.sum())])
        self.counters["lines"] += lines
        self.counters["characters"] += characters
        self.counters["repeated"] += lines * batch.again
        return ctc.detach(), distil.detach(), norm.detach()

    def measure(self) -> dict[str, Score]:
        """Evaluate the averaged weights on all sets and log it."""
        scores = evaluate(network_reader(self.average, self.characters), self.sets)
        self._log.scores(self.counters, scores)
        return scores

    # ---- the state -----------------------------------------------------------------------------------

    def state(self) -> State:
        """Return everything needed to go on; the tensors are the live ones."""
        return State(
            self.net.config.to_dict(),
            self.characters,
            dict(self.net.state_dict()),
            dict(self.average.state_dict()),
            optimiser.moments_of(self.net, self._optimiser),
            dict(self.counters),
            self._teacher_scale,
            torch.get_rng_state(),
            self._sampler.state,
        )

    def save(self) -> None:
        """Write the complete and the compact checkpoint."""
        state = self.state()
        checkpoint.save(state, self.folder / COMPLETE)
        checkpoint.save_compact(state, self.folder / COMPACT, moments=self.config.compact)

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
        optimiser.restore_moments(self.net, self._optimiser, state.moments, state.counters.get("step", 0.0))
        self.counters.update(state.counters)
        if not state.moments:
            self._fresh = self.counters["step"]
        self._teacher_scale = dict(state.teacher)
        if state.random is not None:
            torch.set_rng_state(state.random)
        if state.sampler:
            self._sampler.state = state.sampler

    # ---- inner workings --------------------------------------------------------------------------------

    def _distilled(
        self,
        batch: Placed,
        teacher: Tensor,
        embedded: Tensor,
        shares: Tensor,
        sample: ClassSample,
        steps: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Return the weighted loss against the teacher, and its embedding's part of it, without weight."""
        schedule, progress = self.config.schedule, self.progress
        loss, weight = shares.new_zeros(()), None
        if schedule.posterior and self._rows is not None:
            wanted = self._rows.shares(teacher, sample)
            loss = schedule.posterior * posterior_loss(
                shares, wanted, steps, batch.trust, batch.label_lengths
            )
            if embedded.shape[2] > self.net.head.in_features:
                # Where a gate keeps the head from being asked, it hardly matters what the embedding says.
                weight = 1.0 - BLANK_CALM * wanted[:, :, 0].exp()
        distil = distillation_loss(embedded, teacher, steps, batch.trust, 1.0, weight)
        return loss + schedule.distil_weight(progress) * distil, distil

    def _rate(self) -> float:
        return self.config.schedule.learning_rate(self.progress)

    def _follow(self) -> None:
        """Move the average a little towards the weights; faster at first."""
        step = self.counters["step"]
        decay = self.config.average
        if decay is None:
            share = max(1e-3, self.progress - self.config.start) / max(1e-3, 1 - self.config.start)
            expected = (step - self._first + 1) / share
            decay = 1 - 1 / min(max(FOLLOWED * expected, FEWEST), MOST)
        self._averaging.follow(min(decay, (1 + step) / (10 + step)))


class _Window:
    """The steps since the last row of the log; losses are added up where they are."""

    def __init__(self, began: float, device: torch.device) -> None:
        self._began = began
        self._sums = torch.zeros(3, device=device)
        self._lines = self._waiting = 0.0
        self._steps = self._taught = 0

    def add(self, lines: float, losses: tuple[Tensor, ...], waiting: float, *, taught: bool) -> None:
        self._sums += torch.stack(losses)
        self._lines += lines
        self._waiting += waiting
        self._steps += 1
        self._taught += taught

    def row(self, clock: Callable[[], float]) -> dict[str, float]:
        ctc, distil, norm = self._sums.tolist()  # waits for the device; only then the time is up
        seconds, steps = max(1e-9, clock() - self._began), max(1, self._steps)
        return {
            "ctc": ctc / steps,
            "distil": distil / max(1, self._taught),
            "norm": norm / steps,
            "lines_per_second": self._lines / seconds,
            "waiting": self._waiting / seconds,
        }
