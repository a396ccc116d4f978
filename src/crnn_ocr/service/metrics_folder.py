"""The folder in which the worker processes keep their metrics, and what becomes of those that ended.

Each worker writes into memory-mapped files named after its process id; `prometheus_client` adds the files
up. What a worker counted must outlive it, else rates would break; but a file per worker that ever lived would
fill the folder. So the supervisor adds the counts of an ended worker to one archive and removes its files. A
lock keeps a scrape from seeing the counts twice, or not at all, in between.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import shutil
import struct
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from prometheus_client import Counter

#: The variable by which `prometheus_client` finds the folder; it must stand before that is imported.
VARIABLE = "PROMETHEUS_MULTIPROC_DIR"

_MEMORY = Path("/dev/shm")  # noqa: S108  (a private folder is made in it)
_PREFIX = "crnn-ocr-metrics-"
_ALIVE = "alive"  # locked as long as a process of the service lives
_LOCK = "lock"
_ARCHIVE = 0  # no process has this id
_ADDED_UP = ("counter", "histogram")

#: The supervisor must not wait for a worker for longer than this, in seconds: a scrape takes milliseconds.
_PATIENCE_S = 0.5

_log = logging.getLogger(__name__)


def current() -> Path | None:
    """The folder of this service; None: the process counts for itself alone."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else None


def create(parent: Path | None) -> Path | None:
    """Make the folder for a service about to start; workers find it by the environment.

    Args:
        parent: Where to make it; the folder for temporary files when None.

    Returns:
        The folder; None where none can be written, and every worker counts for itself.
    """
    os.environ.pop(VARIABLE, None)
    place = Path(tempfile.gettempdir()) if parent is None else parent
    try:
        _remove_left(place)
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
        _hold(folder / _ALIVE)
        (folder / _LOCK).touch()
    except OSError as error:
        _log.warning("no folder for metrics", extra={"fields": {"folder": place, "reason": error.strerror}})
        return None
    os.environ[VARIABLE] = str(folder)
    return folder


def remove(folder: Path) -> None:
    """Remove the folder at the end of the service; nobody is led to it any more."""
    shutil.rmtree(folder, ignore_errors=True)
    if current() == folder:
        del os.environ[VARIABLE]


def _hold(path: Path) -> None:
    """Lock a file until this process and its children have ended."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)


def _remove_left(place: Path) -> None:
    """Remove the folders of services that were killed."""
    for folder in place.glob(f"{_PREFIX}*"):
        try:
            with (folder / _ALIVE).open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue  # alive, just being made, or somebody else's


@contextmanager
def unchanged(folder: Path) -> Iterator[None]:
    """Keep the supervisor from changing the files during the block."""
    with (folder / _LOCK).open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield


# ---- the supervisor -----------------------------------------------------------------------------------


class Supervision:
    """The supervisor's part, as hooks of Gunicorn: keeps what ended workers counted, and counts them."""

    def __init__(self, folder: Path) -> None:
        """Use a folder that was just made."""
        self._folder = folder
        self._waiting: list[int] = []
        self._exits: Counter | None = None

    @classmethod
    def begin(cls) -> Self | None:
        """Make the folder, before the first worker starts; None where none can be written."""
        folder = create(_MEMORY if os.access(_MEMORY, os.W_OK) else None)
        return None if folder is None else cls(folder)

    def end(self) -> None:
        """Remove the folder."""
        remove(self._folder)

    def worker_exit(self, _arbiter: object, worker: Any) -> None:
        """In a worker that ends otherwise than by a signal: leave a mark if it ends in good order."""
        leaving = sys.exc_info()[1]
        if worker.pid == os.getpid() and isinstance(leaving, SystemExit) and not leaving.code:
            self._mark(worker.pid).touch()

    def child_exit(self, _arbiter: object, worker: Any) -> None:
        """In the supervisor, when a worker has ended, however it did. It must not fail, nor wait for long."""
        try:
            self.bury(worker.pid)
        except Exception as error:
            _log.error("metrics of a worker lost", exc_info=error)

    def bury(self, pid: int) -> None:
        """Keep the counts of an ended worker, and of those before it that had to wait; remove their files."""
        mark = self._mark(pid)
        reason = "left" if mark.exists() else "crashed"
        mark.unlink(missing_ok=True)
        self._waiting.append(pid)
        with (self._folder / _LOCK).open("rb") as file:
            if _locked(file.fileno()):
                while self._waiting:
                    _archive(self._folder, self._waiting.pop())
        self._count(reason)

    def _count(self, reason: str) -> None:
        if self._exits is None:
            # Imported here: the supervisor needs it only once a worker has ended.
            from prometheus_client import CollectorRegistry

            from crnn_ocr.service.metrics import worker_exits

            self._exits = worker_exits(CollectorRegistry())
        self._exits.labels(reason).inc()

    def _mark(self, pid: int) -> Path:
        return self._folder / f"left_{pid}"


def _archive(folder: Path, pid: int) -> None:
    """Add the counts of an ended worker to those of the ended ones before it; the lock is held."""
    from prometheus_client.mmap_dict import MmapedDict
    from prometheus_client.multiprocess import mark_process_dead

    read = MmapedDict.read_all_values_from_file
    mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]
    for kind in _ADDED_UP:
        source = folder / f"{kind}_{pid}.db"
        if not source.exists():
            continue
        try:
            # All of it before any of it: a damaged file must not spoil the archive.
            entries = [(_checked(key), value) for key, value, *_ in read(str(source))]  # type: ignore[no-untyped-call]
        except (OSError, RuntimeError, ValueError, struct.error) as error:
            _log.error("metrics of a worker lost", exc_info=error)
            entries = []
        archive = MmapedDict(str(folder / f"{kind}_{_ARCHIVE}.db"))  # type: ignore[no-untyped-call]
        for key, value in entries:
            kept, _ = archive.read_value(key)  # type: ignore[no-untyped-call]
            archive.write_value(key, kept + value, 0.0)  # type: ignore[no-untyped-call]
        archive.close()  # type: ignore[no-untyped-call]
        source.unlink()


def _checked(key: str) -> str:
    """A key as `prometheus_client` writes it: the JSON of a list."""
    if not isinstance(json.loads(key), list):
        raise ValueError("not the key of a value")
    return key


def _locked(descriptor: int) -> bool:
    """Take the lock; False where a scrape holds it for too long, for example in a worker that is stopped."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.01)
        else:
            return True
