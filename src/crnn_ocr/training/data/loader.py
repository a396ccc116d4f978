"""Batches from worker processes.

Rendering and teaching cost about as much as learning, so they go on in processes of their own, which hand
over finished batches through shared memory.
"""

from __future__ import annotations

import multiprocessing
import os
import queue
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from multiprocessing.queues import Queue as ProcessQueue
from types import TracebackType
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from crnn_ocr.errors import TrainingError
from crnn_ocr.training.data.batches import Batch, BatchMaker, LoaderConfig, Sampler, TeacherFiles
from crnn_ocr.training.data.shared_arrays import Parcel, Slots

_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Workers inherit these as 1: waiting BLAS threads spin, which doubled the cost of a line."""
SEED_STRIDE = 1_000_003
"""Between the seeds of workers: a prime, so that worker and round give each a seed of its own."""


class Loader:
    """Batches from several processes; use it as a context manager.

    Raises (while iterating):
        TrainingError: A worker failed; its own report is in the message.
    """

    def __init__(
        self,
        make_sampler: Callable[[int], Sampler],
        characters: Sequence[str],
        config: LoaderConfig,
        teacher: TeacherFiles | None = None,
    ) -> None:
        """Prepare; nothing runs yet.

        Args:
            make_sampler: Called in every worker with its seed; must survive pickling.
            characters: Text of every class, blank first.
            config: How batches are made.
            teacher: Whose embedding goes along.
        """
        context = multiprocessing.get_context("spawn")
        self._queue: ProcessQueue[Parcel | str] = context.Queue()
        self._slots = Slots(context, 2 * config.workers + 2, config.batch_bytes)
        self._processes = [
            context.Process(
                target=_work,
                args=(
                    self._queue,
                    self._slots,
                    make_sampler,
                    tuple(characters),
                    config,
                    teacher,
                    config.seed + SEED_STRIDE * k,
                ),
                daemon=True,
                name=f"render-{k}",
            )
            for k in range(config.workers)
        ]

    def __enter__(self) -> Self:
        before = {name: os.environ.get(name) for name in _ONE_THREAD}
        os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
        try:
            for process in self._processes:
                process.start()
        finally:
            for name, value in before.items():
                os.environ.pop(name)
                if value is not None:
                    os.environ[name] = value
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.join(timeout=10)
            if process.is_alive():
                process.kill()
        self._queue.cancel_join_thread()
        self._queue.close()
        self._slots.close()

    def __iter__(self) -> Iterator[Batch]:
        while True:
            try:
                item = self._queue.get(timeout=2)
            except queue.Empty:
                dead = [p for p in self._processes if not p.is_alive()]
                if dead:
                    raise TrainingError(
                        f"The process {dead[0].name} ended with {dead[0].exitcode}."
                    ) from None
                continue
            if isinstance(item, str):
                raise TrainingError(f"A rendering process failed: {item}")
            yield _batch_of(self._slots.receive(item))


def _arrays_of(batch: Batch) -> dict[str, NDArray[Any]]:
    """Return a batch's arrays by name; the plain number among them, too."""
    values = {field.name: getattr(batch, field.name) for field in fields(Batch)}
    return {name: np.asarray(value) for name, value in values.items() if value is not None}


def _batch_of(arrays: dict[str, NDArray[Any]]) -> Batch:
    """Undo `_arrays_of`."""
    return Batch(**{"teacher": None, **arrays, "left_out": int(arrays["left_out"])})  # type: ignore[arg-type]


def _work(
    results: ProcessQueue[Parcel | str],
    slots: Slots,
    make_sampler: Callable[[int], Sampler],
    characters: tuple[str, ...],
    config: LoaderConfig,
    teacher: TeacherFiles | None,
    seed: int,
) -> None:
    """Make batches for ever; this is what a worker process runs."""
    try:
        os.nice(config.nice)
        cv2.setNumThreads(1)
        maker = BatchMaker(make_sampler(seed), characters, config, teacher, seed)
        for batch in maker.batches():
            results.put(slots.send(_arrays_of(batch)))
    except Exception:  # whatever it is, the parent has to know
        results.put(traceback.format_exc(limit=8))
