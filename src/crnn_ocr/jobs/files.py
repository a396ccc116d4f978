"""Keeps the files of jobs: sources, pages and results. A folder by default; `object_files` uses S3.

Keys are relative paths, `JOB/source/3`, `JOB/pages/0/17`, `JOB/results/docx`: everything of a job is below
its id, so deleting that leaves nothing behind.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from crnn_ocr.errors import JobStorageFullError, JobsUnavailableError

_PIECE = 1024 * 1024
#: Prefix of files that are still being written.
_UNFINISHED = ".part-"


def source_key(job: str, file: int) -> str:
    """Return the key of a source file."""
    return f"{job}/source/{file}"


def page_key(job: str, file: int, page: int) -> str:
    """Return the key of a page that has been read."""
    return f"{job}/pages/{file}/{page}"


def result_key(job: str, name: str) -> str:
    """Return the key of a result, by the name of its format."""
    return f"{job}/results/{name}"


class Readable(Protocol):
    """What can be read piece by piece and once, such as the body of a request; it has no length."""

    def read(self, size: int, /) -> bytes:
        """Read up to that many bytes; none at the end."""


class FileStore(Protocol):
    """Store of files by key. A file appears whole or not at all; it is safe to use from several threads."""

    def put(self, key: str, content: Readable | bytes) -> int:
        """Store a file, and replace one with this key; return its bytes.

        Raises:
            JobStorageFullError: The quota or the disk is full; nothing is left of the file.
            JobsUnavailableError: The store cannot be reached or written.
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

    def delete_job(self, job: str) -> None:
        """Delete all files of a job; none is fine."""

    def job_ids(self) -> list[str]:
        """Return the ids of all jobs that have files."""

    def used_bytes(self) -> int:
        """Return the bytes of all files."""


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
        self._quota = quota
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise _unavailable(error) from None

    def put(self, key: str, content: Readable | bytes) -> int:
        """Store a file, see `FileStore.put`."""
        path = self._folder / key
        left = self._quota - self.used_bytes()
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # Of mkstemp, so that only the owner can read it.
            descriptor, unfinished = tempfile.mkstemp(prefix=_UNFINISHED, dir=path.parent)
            try:
                with os.fdopen(descriptor, "wb") as target:
                    size = 0
                    for piece in _pieces(content):
                        size += len(piece)
                        if size > left:
                            raise JobStorageFullError("The files of all jobs take up the space set for them.")
                        target.write(piece)
                    target.flush()
                    os.fsync(target.fileno())
                Path(unfinished).replace(path)
            except BaseException:
                Path(unfinished).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise _unavailable(error) from None
        return size

    def get(self, key: str) -> bytes:
        """Return the content of a file, see `FileStore.get`."""
        try:
            return (self._folder / key).read_bytes()
        except FileNotFoundError:
            raise KeyError(key) from None
        except OSError as error:
            raise _unavailable(error) from None

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        """Yield the path of a file, see `FileStore.local`."""
        path = self._folder / key
        if not path.is_file():
            raise KeyError(key)
        yield path

    def delete_job(self, job: str) -> None:
        """Delete all files of a job."""
        # Renamed first, so that a worker that still writes into it cannot keep the folder alive.
        path = self._folder / job
        gone = self._folder / f"{_UNFINISHED}{job}"
        with suppress(FileNotFoundError):
            path.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def job_ids(self) -> list[str]:
        """Return the ids of all jobs that have files."""
        return sorted(path.name for path in self._folder.iterdir() if not path.name.startswith("."))

    def used_bytes(self) -> int:
        """Return the bytes of all files."""
        total = 0
        for folder, _, names in os.walk(self._folder):
            for name in names:
                with suppress(FileNotFoundError):
                    total += (Path(folder) / name).stat().st_size
        return total


def _pieces(content: Readable | bytes) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    while piece := content.read(_PIECE):
        yield piece


def _unavailable(error: OSError) -> JobStorageFullError | JobsUnavailableError:

    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return JobStorageFullError("The disk for the files of jobs is full.")
    return JobsUnavailableError(f"The files of jobs cannot be written: {error.strerror or error}.")
