"""Keeps the files of jobs: sources, pages and results. A folder by default; `object_files` uses S3.

Keys are relative paths, `JOB/source/3`, `JOB/pages/0/17`, `JOB/results/docx`: everything of a job is below
its id, so deleting that leaves nothing behind.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

from crnn_ocr.errors import JobExpiredError, JobStorageFullError, JobsUnavailableError
from crnn_ocr.jobs.used_space import SharedUsedSpace

if TYPE_CHECKING:
    from typing_extensions import Buffer

PIECE = 1024 * 1024
#: Prefix of files that are still being written, and of folders that are being deleted.
_UNFINISHED, _GONE = ".part-", ".gone-"
#: File with the total size of the others.
_TOTAL = ".used-bytes"
#: Folder of marks of deleted jobs, in which nothing more may be put. Ids of jobs do not begin with a dot.
DELETED = ".deleted"
#: Seconds for which a mark is kept. Whoever still puts files into a job that has been deleted for that long
#: will find its lease lost, and the watcher finds the files (`job_ids`).
DELETED_S = 86_400.0
#: What the system answers where a disk, or the share of it that a user may have, is full.
_FULL = (errno.ENOSPC, errno.EDQUOT)
_PART = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}"
_KEY = re.compile(rf"{_PART}(/{_PART})+")
_JOB = re.compile(_PART)


def source_key(job: str, file: int) -> str:
    """Return the key of a source file."""
    return f"{job}/source/{file}"


def page_key(job: str, file: int, page: int) -> str:
    """Return the key of a page that has been read."""
    return f"{job}/pages/{file}/{page}"


def result_key(job: str, name: str) -> str:
    """Return the key of a result, by the name of its format."""
    return f"{job}/results/{name}"


def unconfirmed_key(job: str) -> str:
    """Return the key of the mark of a job of which nobody knows whether it was created."""
    return f"{job}/unconfirmed"


def is_key(text: str) -> bool:
    """Return whether a text has the form of a key, so that it cannot lead out of the store."""
    return _KEY.fullmatch(text) is not None


def is_job(text: str) -> bool:
    """Return whether a text has the form of a job's id."""
    return _JOB.fullmatch(text) is not None


class Readable(Protocol):
    """What can be read piece by piece and once, such as the body of a request; it has no length."""

    def read(self, size: int, /) -> bytes:
        """Read up to that many bytes; none at the end."""


class FileStore(Protocol):
    """Store of files by key. A file appears whole or not at all; it is safe to use from several threads.

    Keys are those of the functions above: any other raises `ValueError` where a file is put, and is a file or
    a job that does not exist everywhere else.
    """

    def put(self, key: str, content: Readable | bytes) -> int:
        """Store a file, and replace one with this key; return its bytes.

        Raises:
            JobStorageFullError: The quota or the disk is full; nothing is left of the file.
            JobsUnavailableError: The store cannot be reached or written.
            JobExpiredError: The files of the job have been deleted, maybe meanwhile; so is this one.
        """

    def get(self, key: str) -> bytes:
        """Return the content of a file.

        Raises:
            KeyError: There is no such file.
            JobsUnavailableError: The store cannot be reached.
        """

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        """Yield a path at which the file can be read while the block runs.

        Raises:
            KeyError: There is no such file.
            JobsUnavailableError: The store cannot be reached.
        """

    def temporary(self, in_memory: int) -> IO[bytes]:
        """Return an empty file for as long as it is open, which has no name and counts for no quota.

        Who writes to it does so within `storage_errors`.

        Args:
            in_memory: Bytes that are kept in memory; the whole goes to the disk when there are more.
        """

    def delete_job(self, job: str) -> None:
        """Delete all files of a job; none is fine. What is still being put will be deleted by who puts it.

        Raises:
            JobsUnavailableError: The store cannot be reached or written; some files may be left.
        """

    def job_ids(self) -> list[str]:
        """Return the ids of all jobs that have files."""

    def used_bytes(self) -> int:
        """Return the bytes of all files. It is cheap: they are counted anew only now and then."""


class FolderFiles:
    """Files in a folder, readable by their owner alone."""

    def __init__(self, folder: Path, *, quota: int) -> None:
        """Use a folder, which is made if it does not exist.

        Args:
            folder: The folder.
            quota: Most bytes of all files together.

        Raises:
            JobsUnavailableError: The folder cannot be made.
        """
        self._folder = folder
        self._space = SharedUsedSpace(folder / _TOTAL, self._count, quota=quota)
        with storage_errors():
            _make(folder)

    def put(self, key: str, content: Readable | bytes) -> int:
        """Store a file, see `FileStore.put`."""
        if not is_key(key):
            raise ValueError(key)
        job = key.partition("/")[0]
        path = self._folder / key
        if self._is_deleted(job):
            raise _expired()
        try:
            with storage_errors():
                _make(path.parent)
                # Of mkstemp, so that only the owner can read it.
                descriptor, unfinished = tempfile.mkstemp(prefix=_UNFINISHED, dir=path.parent)
            return self._fill(descriptor, Path(unfinished), path, content)
        except JobsUnavailableError:
            if self._is_deleted(job):
                raise _expired() from None
            raise
        finally:
            # Deleted meanwhile: the folder that was made above may be younger than that.
            if self._is_deleted(job):
                self._remove(job)

    def _fill(self, descriptor: int, unfinished: Path, path: Path, content: Readable | bytes) -> int:
        size = 0
        try:
            try:
                for piece in pieces(content):  # its errors are not those of the store
                    with storage_errors():
                        self._space.take(len(piece))
                        size += len(piece)
                        write_all(descriptor, piece)
                with storage_errors():
                    os.fsync(descriptor)
            finally:
                os.close(descriptor)
            with storage_errors():
                replaced = _size(path)
                unfinished.replace(path)
                _sync(path.parent)
        except BaseException:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
                self._space.give(size)
            raise
        if self._is_deleted(path.relative_to(self._folder).parts[0]):
            raise _expired()
        self._space.give(replaced)
        return size

    def get(self, key: str) -> bytes:
        """Return the content of a file, see `FileStore.get`."""
        with self.local(key) as path, storage_errors(key):
            return path.read_bytes()

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        """Yield the path of a file, see `FileStore.local`."""
        path = self._folder / key
        if not is_key(key) or not path.is_file():
            raise KeyError(key)
        yield path

    def temporary(self, in_memory: int) -> IO[bytes]:
        """Return an empty file without a name, see `FileStore.temporary`; it is on the disk of the others."""
        # Where the system knows no files without names it has one for a moment, which is no job's.
        return tempfile.SpooledTemporaryFile(in_memory, prefix=_UNFINISHED, dir=str(self._folder))

    def delete_job(self, job: str) -> None:
        """Delete all files of a job, see `FileStore.delete_job`."""
        if is_job(job):
            with storage_errors():
                marked = self._mark_deleted(job)
                self._remove(job)
                if not marked and self._mark_deleted(job):  # on a full disk there is room only now
                    self._remove(job)  # what was put meanwhile

    def _mark_deleted(self, job: str) -> bool:
        """Mark a job as deleted; return False if the disk is too full for that."""
        try:
            _make(self._folder / DELETED)
            (self._folder / DELETED / job).touch(mode=0o600)
        except OSError as error:
            if error.errno not in _FULL:
                raise
            return False
        return True

    def _remove(self, job: str) -> None:
        """Remove the folder of a job. It needs no room: a full disk is no reason to keep files."""
        with storage_errors():
            gone = self._folder / f"{_GONE}{job}-{secrets.token_hex(8)}"
            try:
                # Renamed first, so that who still writes into it cannot keep the folder alive.
                (self._folder / job).rename(gone)
            except FileNotFoundError:
                return
            except OSError as error:
                if error.errno not in _FULL:
                    raise
                gone = self._folder / job  # no room for the other name
            size = sum(_size(path) for path in _walk(gone) if not path.name.startswith(_UNFINISHED))
            shutil.rmtree(gone, ignore_errors=True)
            with _unless_full():  # then the files are counted anew some time later
                self._space.give(size)

    def _is_deleted(self, job: str) -> bool:
        return (self._folder / DELETED / job).exists()

    def job_ids(self) -> list[str]:
        """Return the ids of all jobs that have files."""
        with storage_errors():
            return sorted(path.name for path in self._folder.iterdir() if is_job(path.name))

    def used_bytes(self) -> int:
        """Return the bytes of all files."""
        with storage_errors():
            return self._space.size()

    def _count(self) -> int:
        """Return the bytes of all files, and clear up what deletions left behind."""
        for path in self._folder.glob(f"{_GONE}*"):
            shutil.rmtree(path, ignore_errors=True)
        for path in self._folder.glob(f"{DELETED}/*"):
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < time.time() - DELETED_S:
                    path.unlink()
        return sum(_size(path) for path in _walk(self._folder) if path.name != _TOTAL)


def pieces(content: Readable | bytes) -> Iterator[bytes]:
    """Yield what is to be stored, piece by piece."""
    if isinstance(content, bytes):
        yield content
        return
    while piece := content.read(PIECE):
        yield piece


def write_all(descriptor: int, piece: Buffer) -> None:
    """Write all of a piece, however many calls that takes."""
    left = memoryview(piece)
    while left:
        left = left[os.write(descriptor, left) :]


def _walk(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        for name in names:
            yield Path(parent, name)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _make(folder: Path) -> None:
    """Make a folder and those above it for the owner alone; `Path.mkdir` gives those above other rights."""
    for path in (*reversed(folder.parents), folder):
        if not path.is_dir():
            path.mkdir(exist_ok=True, mode=0o700)


def _sync(folder: Path) -> None:
    """Have the names in a folder survive a power failure, too."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def storage_errors(key: str | None = None) -> Iterator[None]:
    """Raise the system's errors as those of the product; with a key, a missing file as `KeyError`."""
    try:
        yield
    except OSError as error:
        if key is not None and isinstance(error, FileNotFoundError):
            raise KeyError(key) from None
        raise storage_error(error) from None


@contextmanager
def _unless_full() -> Iterator[None]:
    """Leave the block without an error where the disk is full."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise


def storage_error(error: OSError) -> JobStorageFullError | JobsUnavailableError:
    """Return the error of the product for one of the system."""
    if error.errno in _FULL:
        return JobStorageFullError("The disk for the files of jobs is full.")
    return JobsUnavailableError(f"The files of jobs cannot be used: {error.strerror or error}.")


def _expired() -> JobExpiredError:
    return JobExpiredError("The files of the job have been deleted.")
