"""Several training processes as one: each takes its own batches, all take the mean of their gradients.

On CPUs this is how to use more than one core: PyTorch's own threads wait for each other inside every
operator, spinning, and on cores that anything else uses two of them are slower than one. Processes meet once
per step.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import tempfile
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Protocol

import torch
from torch import Tensor, distributed

from crnn_ocr.errors import TrainingError

TIMEOUT = timedelta(minutes=30)
"""How long the others wait for the first one, which evaluates and saves."""


class Peers(Protocol):
    """The processes beside the trainer, as it sees them."""

    rank: int

    def follow(self, values: list[float]) -> list[float]:
        """Return the first process's values."""

    def total(self, values: list[float]) -> list[float]:
        """Return the sums over all processes."""

    def average(self, parameters: Iterable[Tensor]) -> None:
        """Replace every gradient by its mean over all processes."""


class Alone:
    """One process."""

    rank = 0

    def follow(self, values: list[float]) -> list[float]:
        """Return the values."""
        return values

    def total(self, values: list[float]) -> list[float]:
        """Return the values."""
        return values

    def average(self, parameters: Iterable[Tensor]) -> None:
        """Leave the gradients."""


class Group:
    """This process among others of the same group, which must make the same calls in the same order."""

    def __init__(self, rank: int, size: int, meeting: Path) -> None:
        """Wait until all are there.

        Args:
            rank: This process's number; 0 leads.
            size: How many there are.
            meeting: A file that does not exist yet, the same for all.
        """
        self.rank = rank
        self._size = size
        distributed.init_process_group(
            "gloo", init_method=f"file://{meeting.absolute()}", rank=rank, world_size=size, timeout=TIMEOUT
        )

    def follow(self, values: list[float]) -> list[float]:
        """Return the first process's values."""
        shared = torch.tensor(values, dtype=torch.float64)
        distributed.broadcast(shared, 0)
        return [float(value) for value in shared]

    def total(self, values: list[float]) -> list[float]:
        """Return the sums over all processes."""
        shared = torch.tensor(values, dtype=torch.float64)
        distributed.all_reduce(shared)
        return [float(value) for value in shared]

    def average(self, parameters: Iterable[Tensor]) -> None:
        """Replace every gradient by its mean over all processes, in one exchange."""
        gradients = [p.grad for p in parameters if p.grad is not None]
        joined = torch.cat([gradient.flatten() for gradient in gradients])
        try:
            distributed.all_reduce(joined)
        except RuntimeError as error:
            raise TrainingError(
                "Another training process has ended.", hint="Its own message tells why; go on with --resume."
            ) from error
        joined /= self._size
        for gradient, mean in zip(gradients, joined.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(mean.view_as(gradient))

    def close(self) -> None:
        """Leave the group."""
        distributed.destroy_process_group()


@contextlib.contextmanager
def run_processes(size: int, work: Callable[[int, int, Path], None]) -> Iterator[Peers]:
    """Start `size - 1` processes that run `work(rank, size, meeting)`; give this one's peers.

    Args:
        size: Processes, this one included.
        work: Survives pickling; it makes its own `Group` of the three values.
    """
    if size <= 1:
        yield Alone()
        return
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        meeting = Path(folder) / "meeting"
        others = [
            context.Process(target=_shielded, args=(work, rank, size, meeting), name=f"train-{rank}")
            for rank in range(1, size)
        ]
        for process in others:
            process.start()
        group = Group(0, size, meeting)
        try:
            yield group
        finally:
            group.close()
            for process in others:
                process.join(timeout=30)
                if process.is_alive():
                    process.kill()


def _shielded(work: Callable[[int, int, Path], None], rank: int, size: int, meeting: Path) -> None:
    """Run `work` deaf to the signals that end a run: the first process tells when."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _nothing)  # unlike SIG_IGN, not inherited by the rendering processes
    work(rank, size, meeting)


def _nothing(_number: int, _frame: FrameType | None) -> None:
    """Handle a signal by going on."""
