"""What the worker processes of one service know of each other: small files in a folder of their own.

The supervisor makes the folder before the first worker starts, and it goes with the service. In it are

* `choice.json`: which model is active, and which one is to become so. Every change counts its generation up.
* `PID-N.lock`: held by a worker for as long as it lives, however it ends.
* `PID-N.json`: what that worker has made of the choice.
* `switch.lock`: held by whoever is making a switch.
* `service.lock`: held by the supervisor and, from the fork on, by its workers: a folder in which nobody holds
  it was left by a service that was killed, and is removed by the next one.

Files are replaced whole, so nobody reads half of one; locks are the kernel's, so the dead hold none.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from crnn_ocr.errors import ModelSwitchRunningError, SettingsError
from crnn_ocr.service.server.runtime_folder import folders

_MEMORY = Path("/dev/shm")  # noqa: S108  (a private folder is made in it)
_PREFIX, _SERVICE_LOCK = "crnn-ocr-", "service.lock"
#: Others look whether a switch is being made; they hold its lock for an instant.
_LOCK_PATIENCE_S = 0.5


@dataclass(frozen=True, slots=True)
class Choice:
    """Which model all workers are to use.

    Attributes:
        generation: Counts the changes.
        active: Name of the pack.
        candidate: Name of the pack that is to be loaded beside it; None: no switch is being made.
    """

    generation: int
    active: str
    candidate: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What a living worker has made of the choice.

    Attributes:
        pid: The worker.
        generation: Of the last choice that it has followed, -1 before the first.
        model: Name and version of its active model.
        loaded: Names of the packs that it has in memory.
        problem: Why it could not follow; None where it could.
    """

    pid: int
    generation: int = -1
    model: str = ""
    loaded: tuple[str, ...] = ()
    problem: str | None = None


class Runtime:
    """The folder; every process has its own object of it."""

    def __init__(self, folder: Path) -> None:
        """Use a folder that there is."""
        self.folder = folder
        self._choice_file = folder / "choice.json"
        self._read_last: tuple[tuple[int, int], Choice] | None = None

    @classmethod
    def create(cls, active: str, *, memory: Path = _MEMORY) -> Self:
        """Make the folder for a service that starts with that model, in memory or else on the disk.

        Raises:
            SettingsError: There is no room for it.
        """
        reason: str | None = "there is none"
        for base in folders(memory):
            try:
                return cls._create(base, active)
            except OSError as error:
                reason = error.strerror
        raise SettingsError(
            f"No folder for temporary files can be written to: {reason}.",
            hint="Make room in it, or name another one with TMPDIR.",
        )

    @classmethod
    def _create(cls, base: Path, active: str) -> Self:
        for left in base.glob(f"{_PREFIX}*/{_SERVICE_LOCK}"):
            with suppress(OSError):  # another user's
                if not _is_held(left):
                    shutil.rmtree(left.parent, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base))
        try:
            made = cls(folder)
            made.choose(Choice(0, active))
            _hold(folder / _SERVICE_LOCK)
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return made

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    # ---- the choice ---------------------------------------------------------------------------------

    def choice(self) -> Choice:
        """The choice as it is now; asked ten times a second, so the file is read only where it is another."""
        found = self._choice_file.stat()
        version = (found.st_ino, found.st_mtime_ns)
        last = self._read_last
        if last is None or last[0] != version:
            # If it is replaced between the look and the reading, the next call sees another version.
            last = self._read_last = (version, Choice(**_read(self._choice_file)))
        return last[1]

    def choose(self, choice: Choice) -> None:
        """Tell all workers."""
        _write(self._choice_file, asdict(choice))

    @contextmanager
    def switching(self) -> Iterator[None]:
        """Be the only one who changes the choice while the block runs.

        Raises:
            ModelSwitchRunningError: Somebody else is.
        """
        deadline = time.monotonic() + _LOCK_PATIENCE_S
        with (self.folder / "switch.lock").open("ab") as stream:
            while not _locked(stream.fileno(), fcntl.LOCK_EX):
                if time.monotonic() >= deadline:
                    raise ModelSwitchRunningError("Another model is just being made the active one.")
                time.sleep(0.01)
            yield

    def being_switched(self) -> bool:
        """Whether somebody is inside `switching`."""
        with (self.folder / "switch.lock").open("ab") as stream:
            return not _locked(stream.fileno(), fcntl.LOCK_SH)

    # ---- workers ------------------------------------------------------------------------------------

    def join(self) -> Member:
        """Become one of the workers until this process ends."""
        return Member(self.folder)

    def reports(self) -> list[Report]:
        """One per living worker, also of those that have not reported yet."""
        found = []
        for lock in sorted(self.folder.glob("[0-9]*.lock")):
            with suppress(FileNotFoundError):
                if _is_held(lock):
                    found.append(_report(lock))
                else:
                    lock.with_suffix(".json").unlink(missing_ok=True)
                    lock.unlink(missing_ok=True)
        return found


class Member:
    """A worker, as the others see it."""

    def __init__(self, folder: Path) -> None:
        """Tell that this process lives."""
        self._own = folder / f"{os.getpid()}-{time.monotonic_ns()}.json"  # a name that is used once
        self._lock = _hold(self._own.with_suffix(".lock"))

    def report(self, report: Report) -> None:
        """Tell the others."""
        _write(self._own, asdict(report))

    def leave(self) -> None:
        """Count no more; the end of the process does the same."""
        os.close(self._lock)


def _report(lock: Path) -> Report:
    pid = int(lock.stem.partition("-")[0])
    try:
        values = _read(lock.with_suffix(".json"))
    except FileNotFoundError:
        return Report(pid)
    return Report(**{**values, "loaded": tuple(values["loaded"])})


def _is_held(lock: Path) -> bool:
    with lock.open("rb") as stream:
        return not _locked(stream.fileno(), fcntl.LOCK_SH)


def _hold(lock: Path) -> int:
    """Make a lock and hold it until the process ends, or the bare descriptor that is returned is closed.

    It is held before it bears its name: others take a free one for that of somebody who has died.
    """
    beside = lock.with_name(f".{lock.name}")
    descriptor = os.open(beside, os.O_CREAT | os.O_WRONLY, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    beside.rename(lock)
    return descriptor


def _locked(descriptor: int, kind: int) -> bool:
    """Try to lock; whoever opened the file gives the lock back by closing it."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(path: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return values


def _write(path: Path, values: dict[str, Any]) -> None:
    """Replace a file as a whole; one writer per file."""
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps(values), encoding="utf-8")
    beside.replace(path)
