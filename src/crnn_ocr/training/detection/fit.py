"""Trains the detector: resumable, with a log of losses and scores."""

from __future__ import annotations

import copy
import csv
import logging
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

import torch
from torch.optim.swa_utils import update_bn
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from crnn_ocr.pixels import Pixels
from crnn_ocr.training.detection.crops import CropSampler, TeacherPage
from crnn_ocr.training.detection.drawn import DrawnPages
from crnn_ocr.training.detection.losses import map_loss
from crnn_ocr.training.detection.measure import SIDES, measure
from crnn_ocr.training.detection.network import DetectorConfig, DetectorNet
from crnn_ocr.training.fit.optimiser import Average, adamw, drop_broken_gradients, moments_of, restore_moments
from crnn_ocr.training.fit.schedule import Schedule
from crnn_ocr.training.nets import checkpoint

_log = logging.getLogger(__name__)

LOSSES = "losses.csv"
SCORES = "scores.csv"
_STATISTICS = 40
"""Batches from which the averaged network's own batch statistics are taken before it is measured."""
#: Seconds between two rows of the log, two checkpoints, two measurements on held-out pages.
_LOG_EVERY, _SAVE_EVERY, _MEASURE_EVERY = 30.0, 300.0, 1200.0


@dataclass(frozen=True)
class FitConfig:
    """How a detector is trained.

    Attributes:
        hours: Budget of training time over all sittings; the learning rate falls towards its end.
        minutes: Budget of this sitting, or None: as long as the whole budget lasts.
        side: Height and width of a crop in pixels.
        batch: Crops of a step.
        schedule: The learning rate.
        weight_decay: Of matrices and kernels.
        keep: Share that the moving average keeps at every step.
        threads: PyTorch's.
        workers: Processes that draw crops.
        seed: Of the crops and the first weights.
        fonts: Folder of fonts for drawn pages; None: real pages alone.
    """

    hours: float = 4.0
    minutes: float | None = None
    side: int = 480
    batch: int = 3
    schedule: Schedule = field(default_factory=lambda: Schedule(rate=2e-3, decay=0.5))
    weight_decay: float = 0.02
    keep: float = 0.998
    threads: int = 1
    workers: int = 1
    seed: int = 0
    fonts: Path | None = None


class Crops(IterableDataset[tuple[Pixels, Pixels]]):  # type: ignore[misc]  # an Any where PyTorch is missing
    """Crops as PyTorch's loader wants them: every process draws others."""

    def __init__(self, pages: Sequence[TeacherPage], side: int, seed: int, fonts: Path | None) -> None:
        self._pages, self._side, self._seed, self._fonts = pages, side, seed, fonts

    def __iter__(self) -> Iterator[tuple[Pixels, Pixels]]:
        """Yield crops and their maps."""
        info = get_worker_info()
        torch.set_num_threads(1)
        if info is not None:  # the training itself is told to stop, and then ends its loader
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)
        seed = self._seed * 1000 + (info.id if info else 0)
        drawn = DrawnPages(self._fonts, seed) if self._fonts else None
        return iter(CropSampler(self._pages, self._side, seed, drawn))


class Fit:
    """A training run: network, average, optimiser, counters."""

    def __init__(self, config: FitConfig, shape: DetectorConfig, state: checkpoint.State | None) -> None:
        """Start a run, or go on with one.

        Args:
            config: How to train.
            shape: The network's shape; that of the state where there is one.
            state: What an earlier run has left.

        Raises:
            TrainingError: The state is not a detector's.
        """
        torch.manual_seed(config.seed)
        self._config = config
        if state is not None:
            shape = DetectorConfig.from_dict(state.net)
        self.net = DetectorNet(shape)
        self.average = copy.deepcopy(self.net).eval()
        self._follow = Average(self.average, self.net)
        self._optimiser = adamw(self.net, config.schedule.rate, config.weight_decay)
        self.counters = {"step": 0.0, "crops": 0.0, "seconds": 0.0}
        if state is not None:
            checkpoint.check_shapes(state, dict(self.net.state_dict()))
            self.net.load_state_dict(state.weights)
            self.average.load_state_dict(state.average)
            self.counters |= state.counters
            restore_moments(self.net, self._optimiser, state.moments, self.counters["step"])
        self.net.to(memory_format=torch.channels_last)

    def state(self) -> checkpoint.State:
        """Return what is needed to go on."""
        return checkpoint.State(
            self.net.config.to_dict(),
            (),
            dict(self.net.state_dict()),
            dict(self.average.state_dict()),
            moments_of(self.net, self._optimiser),
            dict(self.counters),
        )

    @property
    def progress(self) -> float:
        """The share of the budget that is used up, 0 to 1."""
        return min(1.0, self.counters["seconds"] / (3600 * self._config.hours))

    def step(self, pictures: torch.Tensor, maps: torch.Tensor) -> tuple[float, float]:
        """Learn from one batch.

        Args:
            pictures: uint8 (N, H, W, 3) BGR.
            maps: uint8 (N, H / 2, W / 2), probabilities × 255.

        Returns:
            Cross-entropy and Dice loss.
        """
        for group in self._optimiser.param_groups:
            group["lr"] = self._config.schedule.learning_rate(self.progress)
        self.net.train()
        entropy, dice = map_loss(self.net(pictures), maps[:, None].float() / 255)
        self._optimiser.zero_grad(set_to_none=True)
        (entropy + 0.5 * dice).backward()
        drop_broken_gradients(self.net.parameters())
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self._optimiser.step()
        self.counters["step"] += 1
        self.counters["crops"] += len(pictures)
        # At first the average would be of weights that were thrown at random.
        self._follow.follow(min(self._config.keep, self.counters["step"] / (self.counters["step"] + 20)))
        return entropy.item(), dice.item()


def fit(
    run: Fit,
    config: FitConfig,
    pages: tuple[Sequence[TeacherPage], Sequence[TeacherPage]],
    out: Path,
    stopped: Callable[[], bool] = lambda: False,
) -> None:
    """Train until the budget is used up, and leave checkpoints and the log in a folder.

    Args:
        run: What is trained.
        config: How.
        pages: Pages to learn from, and pages that are held out.
        out: Folder for `last.pt`, `compact.npz` and the log.
        stopped: Says that the run is to end now.
    """
    torch.set_num_threads(config.threads)
    out.mkdir(parents=True, exist_ok=True)
    learnt, held_out = pages
    seed = config.seed + int(run.counters["step"])  # a resumed run draws other crops
    loader = DataLoader(
        Crops(learnt, config.side, seed, config.fonts),
        batch_size=config.batch,
        num_workers=config.workers,
        prefetch_factor=4 if config.workers else None,
    )
    began = time.monotonic()
    logged = saved = measured = began
    recent: deque[torch.Tensor] = deque(maxlen=_STATISTICS)
    entropies: list[float] = []
    dices: list[float] = []
    for pictures, maps in loader:
        now = time.monotonic()
        entropy, dice = run.step(pictures, maps)
        recent.append(pictures)
        entropies.append(entropy)
        dices.append(dice)
        after = time.monotonic()
        run.counters["seconds"] += after - now
        over = config.minutes is not None and after - began > 60 * config.minutes
        done = stopped() or over or run.progress >= 1.0
        if done or after - logged > _LOG_EVERY:
            rate = config.schedule.learning_rate(run.progress)
            row = [*run.counters.values(), rate, fmean(entropies), fmean(dices)]
            _append(out / LOSSES, [*run.counters, "rate", "entropy", "dice"], row)
            entropies, dices, logged = [], [], after
        if done or after - measured > _MEASURE_EVERY:  # before it is saved
            update_bn(list(recent), run.average)  # the weights' average is no average of their activations
            _measure(run, held_out, out)
            measured = time.monotonic()
        if done or after - saved > _SAVE_EVERY:
            checkpoint.save(run.state(), out / "last.pt")
            checkpoint.save_compact(run.state(), out / "compact.npz")
            saved = time.monotonic()
        if done:
            return


def _measure(run: Fit, pages: Sequence[TeacherPage], out: Path) -> None:
    for side in SIDES:
        score = measure(run.average, pages, side)
        row = [*run.counters.values(), side, score.recall, score.precision]
        _append(out / SCORES, [*run.counters, "side", "recall", "precision"], row)
        _log.info(
            "measured",
            extra={"fields": {"side": side, "recall": score.recall, "precision": score.precision}},
        )


def _append(path: Path, columns: Sequence[str], row: Sequence[float]) -> None:
    fresh = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if fresh:
            writer.writerow(columns)
        writer.writerow([f"{value:.6g}" for value in row])
