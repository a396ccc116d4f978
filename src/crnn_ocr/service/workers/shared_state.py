"""Shares state between the worker processes of one service, as small files in a private folder.

The supervisor makes the folder before the first worker starts, and removes it at the end. It holds

* `choice.json`: which models are active, and which one is to become so. Every change raises its generation.
* `PID.json`: the report of that worker; the supervisor removes it when the worker has ended.
* `crashed.json`: which workers crashed or were killed lately.
* `switch.lock`: locked by the worker that leads a switch.
* `service.lock`: locked by the supervisor and, from the fork on, by its workers. A folder in which it is not
  locked was left by a service that was killed, and is removed by the next one.

Files are replaced atomically. Locks are the kernel's, so they end with their process.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

from crnn_ocr.errors import ModelSwitchRunningError, SettingsError

_MEMORY = Path("/dev/shm")  # noqa: S108  (a private folder is made in it)
_PREFIX, _SERVICE_LOCK = "crnn-ocr-", "service.lock"
_MOST_CRASHED = 64


@dataclass(frozen=True, slots=True)
class Choice:
    """The models that all workers are to use.

    Attributes:
        generation: Number of changes so far.
        active: Names of the active packs, by kind.
        candidate: Name of a pack that is to be loaded beside the active ones; None: no switch is being made.
    """

    generation: int
    active: Mapping[str, str]
    candidate: str | None = None

    def switched(self, kind: str, name: str) -> Choice:
        """Return the next choice, in which that pack is the active one of its kind."""
        return Choice(self.generation + 1, {**self.active, kind: name})

    def cancelled(self) -> Choice:
        """Return the next choice, with the same active packs and no candidate."""
        return replace(self, generation=self.generation + 1, candidate=None)


@dataclass(frozen=True, slots=True)
class Report:
    """State of a living worker: which choice it has followed, and with what result.

    Attributes:
        pid: Process id of the worker.
        generation: Generation of the last choice that it has followed; -1 before the first.
        model: Name and version of its active recogniser.
        loaded: Names of the packs that it has in memory.
        problem: Why it could not follow; None if it could.
    """

    pid: int
    generation: int = -1
    model: str = ""
    loaded: tuple[str, ...] = ()
    problem: str | None = None


class SharedState:
    """The shared folder; every process has an object of its own."""

    def __init__(self, folder: Path) -> None:
        """Use an existing folder."""
        self.folder = folder
        self._choice_file = folder / "choice.json"
        self._crashed_file = folder / "crashed.json"

    @classmethod
    def create(cls, active: Mapping[str, str], *, memory: Path = _MEMORY) -> Self:
        """Make the folder for a service that starts with these packs, in memory or otherwise on the disk.

        Args:
            active: Names of the packs, by kind.
            memory: Folder of a file system in memory.

        Raises:
            SettingsError: There is no room for it.
        """
        reason: str | None = "there is none"
        for base in _places(memory):
            try:
                return cls._create(base, active)
            except OSError as error:
                reason = error.strerror
        raise SettingsError(
            f"No folder for temporary files can be written to: {reason}.",
            hint="Make room in it, or name another one with TMPDIR.",
        )

    @classmethod
    def _create(cls, base: Path, active: Mapping[str, str]) -> Self:
        for folder in base.glob(f"{_PREFIX}*"):
            _remove_left(folder)
        made = cls(Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base)))
        try:
            made.choose(Choice(0, active))
            _hold(made.folder / _SERVICE_LOCK)
        except OSError:
            made.remove()
            raise
        return made

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    # ---- the choice ---------------------------------------------------------------------------------

    def choice(self) -> Choice:
        """Return the present choice."""
        return Choice(**_read(self._choice_file))

    def choose(self, choice: Choice) -> None:
        """Set the choice, which all workers then follow."""
        _write(self._choice_file, asdict(choice))

    @contextmanager
    def switching(self) -> Iterator[None]:
        """Lock the choice against switches by other processes while the block runs.

        Raises:
            ModelSwitchRunningError: Another process holds the lock.
        """
        with (self.folder / "switch.lock").open("ab") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ModelSwitchRunningError("Another switch of the model is in progress.") from None
            yield

    # ---- workers ------------------------------------------------------------------------------------

    def report(self, report: Report) -> None:
        """Publish the report of a worker."""
        _write(self.folder / f"{report.pid}.json", asdict(report))

    def reports(self) -> list[Report]:
        """Return one report per living worker."""
        found = []
        for path in sorted(self.folder.glob("[0-9]*.json")):
            with suppress(FileNotFoundError):
                values = _read(path)
                found.append(Report(**{**values, "loaded": tuple(values["loaded"])}))
        return found

    def crashed(self) -> list[int]:
        """Return the process ids of the last workers that crashed or were killed."""
        try:
            return [int(pid) for pid in _read(self._crashed_file)["pids"]]
        except FileNotFoundError:
            return []

    def forget(self, pid: int, *, crashed: bool) -> None:
        """In the supervisor, when a worker has ended: remove its report, and cancel a switch that it led."""
        if crashed:  # before its report is gone, as whoever misses that looks here
            with suppress(OSError):
                _write(self._crashed_file, {"pids": [*self.crashed()[1 - _MOST_CRASHED :], pid]})
        (self.folder / f"{pid}.json").unlink(missing_ok=True)
        self.give_up_orphan()

    def give_up_orphan(self) -> Choice:
        """Cancel a switch whose leader has ended, and return the present choice.

        Raises:
            OSError: There is no room to cancel it.
        """
        with suppress(ModelSwitchRunningError), self.switching():
            choice = self.choice()
            if choice.candidate is not None:  # and nobody holds the lock, so its leader is gone
                self.choose(choice.cancelled())
        return self.choice()


def _places(memory: Path) -> Iterator[Path]:
    """Yield folders that may take temporary files, the best first: in memory, then on a disk."""
    if os.access(memory, os.W_OK):
        yield memory
    with suppress(OSError):  # it tries all folders that the system has for this
        yield Path(tempfile.gettempdir())


def _remove_left(folder: Path) -> None:
    """Remove the folder of a service that was killed.

    Anybody may make folders here. So nothing is opened that could block, no link is followed, and what
    belongs to another user is left alone.
    """
    own = os.geteuid()
    with suppress(OSError), ExitStack() as held:
        directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        held.callback(os.close, directory)
        lock = os.open(_SERVICE_LOCK, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW, dir_fd=directory)
        held.callback(os.close, lock)
        of_folder, of_lock = os.fstat(directory), os.fstat(lock)
        if of_folder.st_uid != own or of_lock.st_uid != own or not stat.S_ISREG(of_lock.st_mode):
            return
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)  # raises where the service lives
        shutil.rmtree(folder, ignore_errors=True)


def _hold(lock: Path) -> None:
    """Make a lock file and hold the lock until this process and its children have ended.

    It is locked before it gets its name, because an unlocked one counts as left by a process that died.
    """
    beside = lock.with_name(f".{lock.name}")
    descriptor = os.open(beside, os.O_CREAT | os.O_WRONLY, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    beside.rename(lock)


def _read(path: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return values


def _write(path: Path, values: dict[str, Any]) -> None:
    """Replace a file atomically; every file has only one writer."""
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps(values), encoding="utf-8")
    beside.replace(path)
