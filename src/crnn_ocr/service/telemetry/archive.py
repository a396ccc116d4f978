"""What becomes of the metrics of worker processes that ended: kept and counted by their supervisor.

What a worker counted must outlive it, else rates would break; but the files of all workers that ever lived
would fill the folder (`metrics_folder`). So the supervisor adds the counts of an ended
worker to one archive and removes its files. A lock keeps a scrape from seeing counts twice, or not at all,
in between.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import struct
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from crnn_ocr.service.server.runtime_folder import folders
from crnn_ocr.service.telemetry import metrics_folder

if TYPE_CHECKING:
    from prometheus_client import Counter

_MEMORY = Path("/dev/shm")  # noqa: S108  (a private folder is made in it)
_ARCHIVE = 0  # no process has this id
_ADDED_UP = ("counter", "histogram")

#: The supervisor must not wait for a worker for longer than this, in seconds: a scrape takes milliseconds.
_PATIENCE_S = 0.5

_log = logging.getLogger(__name__)


class Supervision:
    """Hooks of Gunicorn; those in the supervisor keep what ended workers counted, and count them."""

    def __init__(self, folder: Path) -> None:
        """Use a folder that was just made."""
        self._folder = folder
        self._waiting: list[int] = []
        self._exits: Counter | None = None

    @classmethod
    def begin(cls, workers: int) -> Self | None:
        """Make the folder, before the first worker starts; None where none can be written."""
        folder = metrics_folder.create(*folders(_MEMORY), processes=workers + 1)
        return None if folder is None else cls(folder)

    def end(self) -> None:
        """Remove the folder."""
        metrics_folder.remove(self._folder)

    def worker_exit(self, _arbiter: object, worker: Any) -> None:
        """In a worker that ends otherwise than by a signal: leave a mark if it ends in good order."""
        leaving = sys.exc_info()[1]
        if worker.pid == os.getpid() and isinstance(leaving, SystemExit) and not leaving.code:
            with suppress(OSError):
                self._mark(worker.pid).touch()

    def child_exit(self, _arbiter: object, worker: Any) -> None:
        """In the supervisor, when a worker has ended, however it did. It must not fail, nor wait for long."""
        try:
            self.bury(worker.pid)
        except OSError as error:  # no room: its files stay, and are added up with the others
            reason = {"folder": self._folder, "reason": error.strerror}
            _log.warning("metrics of an ended worker wait", extra={"fields": reason})
        except Exception as error:
            _log.error("metrics of a worker lost", exc_info=error)

    def bury(self, pid: int) -> None:
        """Keep the counts of an ended worker, and of those before it that had to wait; remove their files."""
        mark = self._mark(pid)
        reason = "left" if mark.exists() else "crashed"
        mark.unlink(missing_ok=True)
        self._waiting.append(pid)
        self._count(reason)
        with (self._folder / metrics_folder.LOCK).open("rb") as file:
            if _locked(file.fileno()):
                while self._waiting:
                    _archive(self._folder, self._waiting[-1])
                    self._waiting.pop()

    def _count(self, reason: str) -> None:
        if self._exits is None:
            # Imported here: the supervisor needs it only once a worker has ended.
            from prometheus_client import CollectorRegistry

            from crnn_ocr.service.telemetry import mmap_values
            from crnn_ocr.service.telemetry.metrics import worker_exits

            mmap_values.install(self._folder)
            self._exits = worker_exits(CollectorRegistry())
        self._exits.labels(reason).inc()

    def _mark(self, pid: int) -> Path:
        return self._folder / f"left_{pid}"


def _archive(folder: Path, pid: int) -> None:
    """Add the counts of an ended worker to those of the ended ones before it; the lock is held.

    Raises:
        OSError: There is no room for them; nothing is added.
    """
    from prometheus_client.multiprocess import mark_process_dead

    from crnn_ocr.service.telemetry.mmap_values import ReservedDict

    read = ReservedDict.read_all_values_from_file
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
        archive = ReservedDict(folder / f"{kind}_{_ARCHIVE}.db")
        try:
            # Places for all of them before any is changed.
            kept = [archive.read_value(key)[0] for key, _ in entries]  # type: ignore[no-untyped-call]
            for (key, value), before in zip(entries, kept, strict=True):
                archive.write_value(key, before + value, 0.0)  # type: ignore[no-untyped-call]
        finally:
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
