"""Metrics of several worker processes: the multiprocess mode of `prometheus_client`, as hooks of Gunicorn.

Every worker counts in memory-mapped files, and whichever is asked adds them all up. The files are named after
the worker's place, not after its process id: a worker that replaces another one goes on where that one
stopped, so counters never fall and the files never become more.

`prometheus_client` maps sparse files, and writing to such memory on a full disk ends the process (SIGBUS). So
every file is made with all the room that it can ever need before it is mapped.
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

#: The variable by which `prometheus_client` finds the folder.
VARIABLE = "PROMETHEUS_MULTIPROC_DIR"

#: Room of each file, in bytes: more than all series take that the labels allow, which a test holds.
FILES = {
    "counter": 256 * 1024,
    "histogram": 512 * 1024,
    "gauge_livesum": 64 * 1024,
    "gauge_livemax": 16 * 1024,
}
_SUPERVISOR = "supervisor"

_log = logging.getLogger(__name__)


class SharedMetrics:
    """The hooks: where workers count, and how many of them ended."""

    def __init__(self, folder: Path) -> None:
        """Use a folder that `create` has made."""
        self._folder = folder
        self._exits: Counter | None = None

    @classmethod
    def create(cls, folder: Path, workers: int) -> Self | None:
        """Make the folder before the first worker starts; return None where it has no room."""
        os.environ.pop(VARIABLE, None)
        try:
            folder.mkdir()
            make_file(folder / f"counter_{_SUPERVISOR}.db", FILES["gauge_livemax"])
            for place in range(workers):
                make_files(folder, place)
        except OSError as error:
            _warn(folder, error)
            shutil.rmtree(folder, ignore_errors=True)  # the switch of the model needs what room there is
            return None
        os.environ[VARIABLE] = str(folder)
        return cls(folder)

    def pre_fork(self, arbiter: Any, worker: Any) -> None:
        """In the supervisor: give the new worker the first place that no living one has."""
        taken = {other.place for other in arbiter.WORKERS.values()}
        worker.place = next(place for place in count() if place not in taken)
        worker.has_left = mmap.mmap(-1, 1)

    def post_fork(self, _arbiter: object, worker: Any) -> None:
        """In the new worker: count in the files of its place; without room for them, for itself."""
        try:
            make_files(self._folder, worker.place)
        except OSError as error:
            _warn(self._folder, error)
            _count_in(None)
        else:
            _count_in(worker.place)

    def worker_exit(self, _arbiter: object, worker: Any) -> None:
        """In a worker that ends otherwise than by a signal: leave word if it ends in good order."""
        leaving = sys.exc_info()[1]
        if worker.pid == os.getpid() and isinstance(leaving, SystemExit) and not leaving.code:
            worker.has_left[0] = 1

    def child_exit(self, _arbiter: object, worker: Any) -> None:
        """In the supervisor, when a worker has ended: count it, and forget its gauges. It never fails."""
        try:
            # Imported here: the supervisor needs it only once a worker has ended.
            from prometheus_client import CollectorRegistry
            from prometheus_client.multiprocess import mark_process_dead

            from crnn_ocr.service.telemetry.metrics import worker_exits

            mark_process_dead(worker.place, str(self._folder))  # type: ignore[no-untyped-call]
            if self._exits is None:
                _count_in(_SUPERVISOR)
                self._exits = worker_exits(CollectorRegistry())
            self._exits.labels("left" if worker.has_left[0] else "crashed").inc()
        except Exception as error:
            _log.error("the end of a worker was not counted", exc_info=error)


def make_files(folder: Path, place: int) -> None:
    """Make the files of a worker's place that are missing.

    Raises:
        OSError: There is no room for them.
    """
    for kind, size in FILES.items():
        make_file(folder / f"{kind}_{place}.db", size)


def make_file(path: Path, size: int) -> None:
    """Make a file as a whole, its room reserved, unless it is there: nobody ever reads an empty one.

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


def _count_in(place: int | str | None) -> None:
    """Let the metrics that this process makes from now on count in the files of a place, or in its memory."""
    from prometheus_client import values

    values.ValueClass = (
        values.MutexValue if place is None else values.MultiProcessValue(lambda: place)  # type: ignore[no-untyped-call]
    )


def _warn(folder: Path, error: OSError) -> None:
    _log.warning(
        "no room for metrics: not shared", extra={"fields": {"folder": folder, "reason": error.strerror}}
    )
