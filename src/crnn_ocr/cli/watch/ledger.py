"""Remembers what has been converted, across restarts and for several watchers of the same folder.

The ledger is a file of JSON lines that is only appended to. A file counts as converted if one of this name,
with this content, was converted in this way: a scanner that uses names again makes new files, and a restart
makes none. Locks keep watchers apart; they end with their process, however it ends. They are locks of byte
ranges, which network file systems have, too.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from crnn_ocr.cli.outputs import OutputError
from crnn_ocr.cli.watch.folder import Signature
from crnn_ocr.errors import ImageKilledWorkerError, OcrError

#: What happened to a file: it is being read, the reading was interrupted by a signal, its results are being
#: written, they have been written, or it cannot be converted.
Event = Literal["reading", "interrupted", "begun", "done", "failed"]
#: Readings that end with the program after which a file is not read again.
MOST_READINGS = 3

_LEDGER, _LOCKS, _FAILURES = "ledger.jsonl", "locks", "failures.tsv"
#: What file systems answer that have no locks.
_NO_LOCKS = frozenset({errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS})
#: Byte of the file of locks that is held while the ledger is appended to; those of files follow it.
_APPENDING = 0
_BUSY = frozenset({errno.EACCES, errno.EAGAIN})


@dataclass(frozen=True, slots=True)
class Original:
    """A file that is converted: its path in the watched folder, and the SHA-256 of its content."""

    place: Path
    digest: str


@dataclass(frozen=True, slots=True)
class Conversion:
    """What became of a file: the path of its results without suffix, and the results."""

    base: Path
    results: tuple[Path, ...]


class Ledger:
    """Ledger of one way to convert files.

    Attributes:
        has_locks: Whether the file system has locks; without them there must be one watcher only.
    """

    def __init__(self, folder: Path, way: str) -> None:
        """Open the ledger, and read what it says.

        Args:
            folder: Folder of the ledger, which is made if it does not exist.
            way: Tells apart ways to convert, such as other formats; what was done in another one is not done
                in this.

        Raises:
            OutputError: The ledger cannot be read or written.
        """
        self.has_locks = True
        self._folder = folder
        self._way = way
        self._offset = 0
        self._forget()
        with _told(folder):
            folder.mkdir(parents=True, exist_ok=True)
            # One descriptor for all: closing any other would end the locks of the process.
            self._locks = os.open(folder / _LOCKS, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        self.refresh()
        self._failed.clear()  # tried again: what was wrong may have been put right

    def close(self) -> None:
        """Give up all locks."""
        os.close(self._locks)

    def _forget(self) -> None:
        self._done: dict[Original, Conversion] = {}
        self._latest: dict[Path, Signature] = {}
        self._owners: dict[Path, Original] = {}
        self._begun: set[Original] = set()
        self._failed: set[Original] = set()
        self._readings: Counter[Original] = Counter()

    # ---- what is known -----------------------------------------------------------------------------

    def refresh(self) -> None:
        """Read what has been appended, also by other watchers.

        Raises:
            OutputError: The ledger cannot be read.
        """
        path = self._folder / _LEDGER
        with _told(path), suppress(FileNotFoundError), path.open("rb") as file:
            if file.seek(0, os.SEEK_END) < self._offset:  # somebody has replaced it
                self._forget()
                self._offset = 0
            file.seek(self._offset)
            for row in file:
                if not row.endswith(b"\n"):  # it is still being written
                    break
                self._offset += len(row)
                with suppress(ValueError, KeyError, TypeError):  # a row that was torn by a power failure
                    self._note(json.loads(row))

    def _note(self, row: Mapping[str, Any]) -> None:
        original = Original(Path(row["place"]), row["sha256"])
        event: Event = row["event"]
        if event == "begun":
            self._begun.add(original)
            self._owners[Path(row["base"])] = original
        elif event == "done":
            self._begun.discard(original)
            self._owners[Path(row["base"])] = original
        elif event == "reading":
            self._readings[original] += 1
        if event == "interrupted":
            self._readings[original] -= 1
        elif event == "done" or (event == "failed" and row["code"] != ImageKilledWorkerError.code):
            del self._readings[original]
        if row["way"] != self._way:
            return
        if event == "done":
            results = tuple(Path(name) for name in row["results"])
            self._done[original] = Conversion(Path(row["base"]), results)
            self._latest[original.place] = Signature(*row["signature"])
            self._failed.discard(original)
        elif event == "failed":
            self._failed.add(original)

    def done(self, original: Original) -> Conversion | None:
        """Return what became of a file; None if it has not been converted."""
        return self._done.get(original)

    def failed(self, original: Original) -> bool:
        """Return whether a file has failed since this ledger was opened."""
        return original in self._failed

    def latest(self, place: Path) -> Signature | None:
        """Return the signature of the file that was converted last from a place; None without one."""
        return self._latest.get(place)

    def owner(self, base: Path) -> Original | None:
        """Return the file whose results have that path without suffix; None without one."""
        return self._owners.get(base)

    def is_begun(self, original: Original) -> bool:
        """Return whether the results of a file are being written, or their writing was cut off."""
        return original in self._begun

    def readings(self, original: Original) -> int:
        """Return how often a file was read without an end: the program ended meanwhile."""
        return self._readings[original]

    # ---- what is added -----------------------------------------------------------------------------

    def add_reading(self, original: Original) -> None:
        """Say that a file is about to be read: whoever finds only that knows that the reader was killed."""
        with self.appending():
            self._append("reading", original)

    def add_interrupted(self, original: Original) -> None:
        """Say that the reading of a file was interrupted on purpose."""
        with self.appending():
            self._append("interrupted", original)

    def add_begun(self, original: Original, base: Path) -> None:
        """Say that results are about to be written; call it within `appending`."""
        self._append("begun", original, base=base)

    def add_done(self, original: Original, conversion: Conversion, found: Signature) -> None:
        """Say that all results have been written."""
        with self.appending():
            self._append(
                "done",
                original,
                base=conversion.base,
                results=[str(path) for path in conversion.results],
                signature=list(found),
            )

    def add_failed(self, original: Original, error: OcrError) -> None:
        """Say that a file cannot be converted, and add it to the list of failures."""
        with self.appending():
            self._append("failed", original, code=error.code, message=error.message)
            cells = (_now(), str(original.place), error.code, error.message)
            self._write(_FAILURES, "\t".join(" ".join(cell.split()) for cell in cells))

    @contextmanager
    def appending(self) -> Iterator[None]:
        """Let no other watcher append while the block runs; what they have appended is known in it."""
        self._lock(_APPENDING, wait=True)
        try:
            self.refresh()
            yield
        finally:
            self._unlock(_APPENDING)

    def _append(self, event: Event, original: Original, **more: Any) -> None:
        row = {"event": event, "time": _now(), "way": self._way, "place": str(original.place)}
        row |= {"sha256": original.digest} | {
            name: str(value) if isinstance(value, Path) else value for name, value in more.items()
        }
        self._write(_LEDGER, json.dumps(row))
        self.refresh()

    def _write(self, name: str, row: str) -> None:
        path = self._folder / name
        with _told(path), path.open("a+b") as file:
            torn = False  # by a process that was killed
            if file.seek(0, os.SEEK_END):
                file.seek(-1, os.SEEK_END)
                torn = file.read(1) != b"\n"
            file.write(b"\n" * torn + row.encode("utf-8", "backslashreplace") + b"\n")
            file.flush()
            os.fsync(file.fileno())

    # ---- who works on what -------------------------------------------------------------------------

    @contextmanager
    def claim(self, place: Path) -> Iterator[bool]:
        """Claim a file while the block runs; yield whether no other watcher works on it."""
        # Two files may share a byte: then one of them is converted a little later.
        byte = 1 + int(hashlib.sha256(os.fsencode(place)).hexdigest()[:7], 16)
        mine = self._lock(byte, wait=False)
        try:
            yield mine
        finally:
            if mine:
                self._unlock(byte)

    def _lock(self, byte: int, *, wait: bool) -> bool:
        try:
            fcntl.lockf(self._locks, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB), 1, byte)
        except OSError as error:
            if error.errno in _BUSY:
                return False
            if error.errno not in _NO_LOCKS:
                raise OutputError(f"{self._folder / _LOCKS}: {error.strerror}.") from None
            self.has_locks = False
        return True

    def _unlock(self, byte: int) -> None:
        with suppress(OSError):
            fcntl.lockf(self._locks, fcntl.LOCK_UN, 1, byte)


def digest_of(content: bytes) -> str:
    """Return what tells contents apart."""
    return hashlib.sha256(content).hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"{path}: {error.strerror}.") from None
