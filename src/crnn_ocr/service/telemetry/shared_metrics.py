"""Shares metrics between worker processes, with the multiprocess mode of `prometheus_client`.

Every worker counts in memory-mapped files, and whichever is asked adds them all up. The files are named after
the worker's slot, not its process id: a worker that replaces another one continues with its files, so that
counters never decrease and the number of files does not grow.

`prometheus_client` maps sparse files, and writing to such memory on a full disk ends the process (SIGBUS). So
the whole size that a file can ever need is allocated before it is mapped.
"""

from __future__ import annotations

import logging
import mmap
import os
import shutil
import sys
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from prometheus_client import Counter

#: Environment variable that tells `prometheus_client` the folder.
VARIABLE = "PROMETHEUS_MULTIPROC_DIR"

#: Size of each file, in bytes: more than all series that the labels allow need, which a test checks.
FILES = {
    "counter": 256 * 1024,
    "histogram": 512 * 1024,
    "gauge_livesum": 64 * 1024,
    "gauge_livemax": 16 * 1024,
}
_SUPERVISOR = "supervisor"

_log = logging.getLogger(__name__)


class SharedMetrics:
    """Hooks of Gunicorn that give each worker its files, and count the workers that ended."""

    def __init__(self, folder: Path) -> None:
        """Use a folder that `create` has made."""
        self._folder = folder
        self._exits: Counter | None = None

    @classmethod
    def create(cls, folder: Path, workers: int) -> Self | None:
        """Make the folder before the first worker starts; return None if there is no room for it."""
        os.environ.pop(VARIABLE, None)
        try:
            folder.mkdir()
            make_file(folder / f"counter_{_SUPERVISOR}.db", FILES["gauge_livemax"])
            for slot in range(workers):
                make_files(folder, slot)
        except OSError as error:
            _warn(folder, error)
            shutil.rmtree(folder, ignore_errors=True)  # the switch of the model needs the remaining room
            return None
        os.environ[VARIABLE] = str(folder)
        return cls(folder)

    def pre_fork(self, arbiter: Any, worker: Any) -> None:
        """In the supervisor: give the new worker the first free slot."""
        taken = {other.slot for other in arbiter.WORKERS.values()}
        worker.slot = next(slot for slot in count() if slot not in taken)
        worker.has_left = mmap.mmap(-1, 1)

    def post_fork(self, _arbiter: object, worker: Any) -> None:
        """In the new worker: count in the files of its slot, or in memory if there is no room for them."""
        try:
            make_files(self._folder, worker.slot)
        except OSError as error:
            _warn(self._folder, error)
            _count_in(None)
        else:
            _count_in(worker.slot)

    def worker_exit(self, _arbiter: object, worker: Any) -> None:
        """In a worker that ends by itself: record whether it ends normally."""
        leaving = sys.exc_info()[1]
        if worker.pid == os.getpid() and isinstance(leaving, SystemExit) and not leaving.code:
            worker.has_left[0] = 1

    def child_exit(self, _arbiter: object, worker: Any) -> None:
        """In the supervisor, when a worker has ended: count it, and remove its gauges. It never fails."""
        try:
            # Imported late, because the supervisor needs it only once a worker has ended.
            from prometheus_client import CollectorRegistry
            from prometheus_client.multiprocess import mark_process_dead

            from crnn_ocr.service.telemetry.metrics import worker_exits

            mark_process_dead(worker.slot, str(self._folder))  # type: ignore[no-untyped-call]
            if self._exits is None:
                _count_in(_SUPERVISOR)
                self._exits = worker_exits(CollectorRegistry())
            self._exits.labels("left" if worker.has_left[0] else "crashed").inc()
        except Exception as error:
            _log.error("the end of a worker was not counted", exc_info=error)


def make_files(folder: Path, slot: int) -> None:
    """Make the files of a worker's slot that are missing.

    Raises:
        OSError: There is no room for them.
    """
    for kind, size in FILES.items():
        make_file(folder / f"{kind}_{slot}.db", size)


def make_file(path: Path, size: int) -> None:
    """Make a file of its full size, atomically, unless it exists.

    Raises:
        OSError: There is no room for it.
    """
    if path.exists():
        return
    beside = path.with_suffix(".new")
    try:
        with beside.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, size)
        beside.rename(path)
    finally:
        beside.unlink(missing_ok=True)


def _count_in(slot: int | str | None) -> None:
    """Let all metrics made from now on count in the files of a slot; in memory if it is None."""
    from prometheus_client import values

    values.ValueClass = (
        values.MutexValue if slot is None else values.MultiProcessValue(lambda: slot)  # type: ignore[no-untyped-call]
    )


def _warn(folder: Path, error: OSError) -> None:
    _log.warning(
        "no room for metrics: not shared", extra={"fields": {"folder": folder, "reason": error.strerror}}
    )
