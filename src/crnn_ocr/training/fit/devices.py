"""Where a network is trained, and how batches get there.

A card is kept busy by never being asked anything: batches travel ahead of it from page-locked memory, and
what the host needs to know of them (lengths, labels) stays on the host.
"""

from __future__ import annotations

import contextlib
import queue
import random
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from types import TracebackType
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from crnn_ocr.errors import TrainingError
from crnn_ocr.training.data.batches import Batch

AHEAD = 4
"""Batches under way to a card."""
LEAST_KEPT = 32
"""Batches that must be there before one is shown again."""
KEPT_SHARE = 0.3
"""Of a card's free memory, for batches that are shown again."""
_BFLOAT16_SINCE = (8, 0)
"""Compute capability of the first cards that multiply bfloat16 (Ampere)."""


def choose(name: str) -> torch.device:
    """Return the device of a name: `cpu`, `cuda` (or `cuda:1` …), or `auto`, a card where there is one.

    Raises:
        TrainingError: There is no such device.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        device = torch.device("meta")
    if device.type not in ("cpu", "cuda"):
        raise TrainingError(f"There is no device {name!r}.", hint="Name auto, cpu, cuda or cuda:NUMBER.")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise TrainingError(
            f"PyTorch sees no device {name!r}.",
            hint="Install a build of PyTorch for your card and its driver, or train with --device cpu.",
        )
    return device


def prefers_half(device: torch.device) -> bool:
    """Tell whether a card multiplies bfloat16 by itself."""
    return bool(device.type == "cuda" and torch.cuda.get_device_capability(device) >= _BFLOAT16_SINCE)


def prepare(device: torch.device) -> None:
    """Let a card multiply float32 with the mantissa of TF32: what is not in bfloat16 is precise enough so."""
    if device.type == "cuda":
        torch.set_float32_matmul_precision("high")


@dataclass(frozen=True)
class Placed:
    """A batch where it is needed (see `batches.Batch`).

    Attributes:
        images: uint8 (N, H, W, 3); on the device.
        widths: On the CPU.
        labels: On the CPU.
        label_lengths: On the CPU.
        teacher: On the device.
        trust: On the device.
        again: Whether the network has seen it before.
    """

    images: Tensor
    widths: Tensor
    labels: Tensor
    label_lengths: Tensor
    teacher: Tensor | None
    trust: Tensor
    again: bool = False


def place(batch: Batch, device: torch.device) -> Placed:
    """Bring a batch to a device; to a card from page-locked memory, without waiting for its arrival."""
    pinned = device.type == "cuda"

    def there(array: NDArray[Any]) -> Tensor:
        return _tensor(array, pinned=pinned).to(device, non_blocking=True)

    return Placed(
        there(batch.images),
        _tensor(batch.widths, pinned=pinned),
        _tensor(batch.labels, pinned=pinned),
        _tensor(batch.label_lengths, pinned=pinned),
        None if batch.teacher is None else there(batch.teacher),
        there(batch.trust),
    )


def _tensor(array: NDArray[Any], *, pinned: bool) -> Tensor:
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    return tensor.pin_memory() if pinned else tensor


class Feed:
    """Batches brought to a device, on a card by a thread, some ahead; use it as a context manager.

    Rendering on few cores may be slower than learning on a fast card. Instead of waiting the card may then be
    shown batches again that it has seen ("data echoing", Choi et al. 2019), drawn from those that it keeps.
    """

    def __init__(
        self,
        batches: Iterable[Batch],
        device: torch.device,
        *,
        echo: int = 0,
        room: float | None = None,
        threaded: bool | None = None,
    ) -> None:
        """Prepare; nothing is taken yet.

        Args:
            batches: From the host.
            device: Where they go.
            echo: How often at most a batch is shown again on average, where the next one is not there yet.
            room: Bytes of batches to keep for that; None takes a share of a card's memory.
            threaded: Whether a thread brings them; None lets the device decide.
        """
        self._batches = batches
        self._device = device
        self._kept = _Kept(device, echo, room=room)
        self._threaded = device.type == "cuda" if threaded is None else threaded
        self._ended = threading.Event()
        self._ready: queue.Queue[tuple[Placed, Any] | BaseException | None] = queue.Queue(AHEAD)
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._thread is not None:
            with contextlib.suppress(queue.Empty):
                while True:
                    self._ready.get_nowait()
            self._thread.join(timeout=30)

    def __iter__(self) -> Iterator[Placed]:
        if not self._threaded:
            for batch in self._batches:
                yield place(batch, self._device)
            return
        self._thread = threading.Thread(target=self._bring, name="feed", daemon=True)
        self._thread.start()
        while True:
            try:
                item = self._ready.get(block=not self._kept.offers)
            except queue.Empty:
                yield self._kept.draw()
                continue
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            placed, arrived = item
            _arrive(placed, arrived, self._device)
            self._kept.add(placed)
            yield placed

    def _bring(self) -> None:
        """Bring batches to the device; this is what the thread runs."""
        try:
            stream = torch.cuda.Stream(self._device) if self._device.type == "cuda" else None
            with torch.cuda.stream(stream) if stream else contextlib.nullcontext():
                for batch in self._batches:
                    placed = place(batch, self._device)
                    if not self._hand_over((placed, stream.record_event() if stream else None)):
                        return
            self._hand_over(None)
        except BaseException as error:  # whatever it is, the training has to know
            self._hand_over(error)

    def _hand_over(self, item: tuple[Placed, Any] | BaseException | None) -> bool:
        while not self._ended.is_set():
            with contextlib.suppress(queue.Full):
                self._ready.put(item, timeout=0.2)
                return True
        return False


class _Kept:
    """Batches that may be shown again; the oldest give way."""

    def __init__(self, device: torch.device, echo: int, *, room: float | None) -> None:
        self._echo = echo
        self._batches: deque[Placed] = deque()
        self._rng = random.Random(0)  # noqa: S311
        self._left = 0
        self._taken = 0.0
        if room is None:
            room = torch.cuda.mem_get_info(device)[0] * KEPT_SHARE if echo and device.type == "cuda" else 0.0
        self._room = room

    @property
    def offers(self) -> bool:
        """Whether there is something to show again."""
        return self._left > 0 and len(self._batches) >= LEAST_KEPT

    def add(self, batch: Placed) -> None:
        """Keep a batch."""
        if not self._echo:
            return
        self._batches.append(batch)
        self._taken += _size(batch)
        while self._taken > self._room and self._batches:
            self._taken -= _size(self._batches.popleft())
        self._left = min(self._left + self._echo, AHEAD * self._echo)

    def draw(self) -> Placed:
        """Return one of those that are kept."""
        self._left -= 1
        return replace(self._rng.choice(self._batches), again=True)


def _size(batch: Placed) -> float:
    return float(batch.images.nbytes + (0 if batch.teacher is None else batch.teacher.nbytes))


def _arrive(batch: Placed, arrived: Any, device: torch.device) -> None:
    """Let the training's stream wait for a batch, and the batch's memory for the training."""
    if arrived is None:
        return
    current = torch.cuda.current_stream(device)
    current.wait_event(arrived)
    for name in (field.name for field in fields(Placed)):
        value = getattr(batch, name)
        if isinstance(value, Tensor) and value.is_cuda:
            value.record_stream(current)
