"""The folder in which the worker processes keep their metrics.

Each worker writes into memory-mapped files named after its process id (`mmap_values`), and
`prometheus_client` adds the files up. The supervisor clears up after workers that ended
(`archive`); a lock keeps it from changing files that are being read.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: The variable by which workers, and `prometheus_client`, find the folder.
VARIABLE = "PROMETHEUS_MULTIPROC_DIR"

_PREFIX = "crnn-ocr-metrics-"
_ALIVE = "alive"  # locked as long as a process of the service lives
#: Name of the file whose lock is held by whoever reads (shared) or changes files of ended workers.
LOCK = "lock"
#: Room of a file at first.
FIRST_BYTES = 64 * 1024
#: Room that the files of one process usually take: five, one of which may grow.
_USUAL_BYTES = 8 * FIRST_BYTES

_log = logging.getLogger(__name__)


def current() -> Path | None:
    """The folder of this service; None: the process counts for itself alone.

    A folder of another program, inside which the application runs, is left alone.
    """
    named = Path(os.environ.get(VARIABLE, ""))
    return named if named.name.startswith(_PREFIX) else None


def create(*places: Path, processes: int = 1) -> Path | None:
    """Make the folder for a service about to start; workers find it by the environment.

    Args:
        places: Where to make it: in the first of them that has room.
        processes: How many will write into it.

    Returns:
        The folder; None where there is no place, and every worker counts for itself.
    """
    os.environ.pop(VARIABLE, None)
    for place in places:
        try:
            folder = _create(place, processes * _USUAL_BYTES)
        except OSError as error:
            reason = {"folder": place, "reason": error.strerror}
            _log.warning("no folder for metrics", extra={"fields": reason})
        else:
            os.environ[VARIABLE] = str(folder)
            return folder
    return None


def _create(place: Path, size: int) -> Path:
    _remove_left(place)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
    try:
        with tempfile.TemporaryFile(dir=folder) as trial:
            os.posix_fallocate(trial.fileno(), 0, size)
        _hold(folder / _ALIVE)
        (folder / LOCK).touch()
        # The supervisor counts how workers end, and then there may be no room.
        make_file(folder / f"counter_{os.getpid()}.db")
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def make_file(path: Path) -> None:
    """Make a file of a process, with room for its first values.

    It is made as a whole: others must never see one that is shorter than they expect.

    Raises:
        OSError: There is no room for it.
    """
    beside = path.with_name(f".{path.name}.new")
    try:
        with beside.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, FIRST_BYTES)
        beside.rename(path)
    finally:
        beside.unlink(missing_ok=True)


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
    with (folder / LOCK).open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield
