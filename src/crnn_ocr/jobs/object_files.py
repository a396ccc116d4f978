"""Keeps the files of jobs in a bucket of an S3-compatible store (extra `s3`).

The keys are those of the folder, below the prefix of the URL. Credentials, region and endpoint come from the
environment, as in all programs that use S3: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`,
`AWS_ENDPOINT_URL`, or the role of the machine.
"""

from __future__ import annotations

import logging
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from crnn_ocr.errors import (
    JobExpiredError,
    JobStorageFullError,
    JobsUnavailableError,
    MissingExtraError,
    SettingsError,
)
from crnn_ocr.jobs.files import (
    DELETED,
    DELETED_S,
    Readable,
    is_job,
    is_key,
    pieces,
    storage_errors,
    write_all,
)
from crnn_ocr.jobs.used_space import RECOUNT_S, OwnUsedSpace

if TYPE_CHECKING:
    from obstore import WritableFile
    from obstore.store import S3Store

_log = logging.getLogger(__name__)

#: Bytes of one part of a large file, the least that S3 takes; of as many parts at a time.
_PART = 5 * 1024 * 1024
_PARTS_AT_A_TIME = 3
#: Keys that one request deletes (S3's limit).
_DELETED_AT_A_TIME = 1000
#: A store that does not answer must not hold a worker for longer than its lease.
_CONNECT_TIMEOUT = timedelta(seconds=3)
_RETRY_TIMEOUT = timedelta(seconds=5)
_MOST_RETRIES = 3
#: Longest time for one request; one part of a large file is one request.
_REQUEST_TIMEOUT = timedelta(seconds=60)
_BUCKET_URL = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9!_.*'()/-]*)?")
#: Codes of S3-compatible stores that are full.
_FULL = ("QuotaExceeded", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "InsufficientStorage")


class ObjectFiles:
    """Files in a bucket. Each process opens its own, after it has been forked."""

    def __init__(self, url: str, *, quota: int, recount_s: float = RECOUNT_S) -> None:
        """Use a bucket; nothing is sent yet.

        Args:
            url: The bucket and the prefix of the keys, `s3://BUCKET/PREFIX`.
            quota: Most bytes of all files together. Other processes' files are counted now and then, so that
                all together may exceed it by what they write between two counts.
            recount_s: Seconds between two counts of an empty store.

        Raises:
            SettingsError: The URL is malformed, or a setting of S3 is wrong.
            MissingExtraError: The package `obstore` is not installed.
        """
        try:
            import obstore
            from obstore.exceptions import BaseError
        except ModuleNotFoundError:
            raise MissingExtraError(
                "Files of jobs in a bucket need the package 'obstore'.",
                hint="Install it: pip install 'crnn-ocr[s3]'.",
            ) from None
        self._obstore: Any = obstore
        self._failure = BaseError
        self._store = self._open(url)
        self._space = OwnUsedSpace(self._count, quota=quota, recount_s=recount_s)

    def _open(self, url: str) -> S3Store:
        from obstore.store import S3Store

        if not _BUCKET_URL.fullmatch(url):  # which is not shown: it may hold credentials by mistake
            raise SettingsError("CRNN_OCR_JOBS_FILES_URL is not s3://BUCKET or s3://BUCKET/PREFIX.")
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
        bucket, _, prefix = url.removeprefix("s3://").partition("/")
        try:
            return S3Store(
                bucket,
                prefix=prefix.strip("/") or None,
                client_options={
                    "allow_http": endpoint.startswith("http://"),
                    "connect_timeout": _CONNECT_TIMEOUT,
                    "timeout": _REQUEST_TIMEOUT,
                },
                retry_config={"max_retries": _MOST_RETRIES, "retry_timeout": _RETRY_TIMEOUT},
                config={"endpoint": endpoint} if endpoint else None,
            )
        except (self._failure, ValueError) as error:
            _log.debug("the settings of S3 are wrong", exc_info=error)
            raise SettingsError(
                "CRNN_OCR_JOBS_FILES_URL or a variable AWS_… is wrong; the log at level debug says more."
            ) from None

    def put(self, key: str, content: Readable | bytes) -> int:
        """Store a file, see `FileStore.put`. A large one is sent in parts, of which few are in memory."""
        if not is_key(key):
            raise ValueError(key)
        taken = 0
        first = bytearray()
        writer = None
        try:
            for piece in pieces(content):  # its errors are not those of the store
                with self._mapped_errors():
                    self._space.take(len(piece))
                    taken += len(piece)
                    if writer is None and len(first) + len(piece) <= _PART:
                        first += piece
                        continue
                    writer = writer or self._begin(key, first)
                    writer.write(piece)
            with self._mapped_errors():
                if writer is None:
                    self._obstore.put(self._store, key, bytes(first), use_multipart=False)
                else:
                    writer.close()
                self._refuse_deleted(key)
        except BaseException as error:
            self._space.give(taken)
            if writer is not None and not writer.closed():
                with suppress(Exception):  # the parts that have been sent are dropped
                    writer.__exit__(type(error), error, None)
            raise
        return taken

    def _begin(self, key: str, first: bytearray) -> WritableFile:
        """Begin a file that is sent in parts, and write its first bytes."""
        writer: WritableFile = self._obstore.open_writer(
            self._store, key, buffer_size=_PART, max_concurrency=_PARTS_AT_A_TIME
        )
        writer.write(bytes(first))
        first.clear()
        return writer

    def _refuse_deleted(self, key: str) -> None:
        """Delete a file again if its job was deleted before or meanwhile."""
        with suppress(FileNotFoundError):
            self._obstore.head(self._store, f"{DELETED}/{key.partition('/')[0]}")
            self._obstore.delete(self._store, key)
            raise JobExpiredError("The files of the job have been deleted.")

    def get(self, key: str) -> bytes:
        """Return the content of a file, see `FileStore.get`."""
        if not is_key(key):
            raise KeyError(key)
        with self._mapped_errors(key):
            return bytes(self._obstore.get(self._store, key).bytes())

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        """Yield a copy of a file in a folder for temporary files, see `FileStore.local`."""
        if not is_key(key):
            raise KeyError(key)
        path: Path | None = None
        try:
            # Of mkstemp, so that only the owner can read it.
            with storage_errors():
                descriptor, name = tempfile.mkstemp(prefix="crnn-ocr-job-")
            path = Path(name)
            try:
                with self._mapped_errors(key):
                    for piece in self._obstore.get(self._store, key).stream(min_chunk_size=_PART):
                        with storage_errors():
                            write_all(descriptor, piece)
            finally:
                os.close(descriptor)
            yield path
        finally:
            if path is not None:
                path.unlink(missing_ok=True)

    def temporary(self, in_memory: int) -> IO[bytes]:
        """Return an empty file in the folder for temporary files, see `FileStore.temporary`."""
        return tempfile.SpooledTemporaryFile(in_memory)

    def delete_job(self, job: str) -> None:
        """Delete all files of a job, see `FileStore.delete_job`."""
        if not is_job(job):
            return
        with self._mapped_errors():
            self._obstore.put(self._store, f"{DELETED}/{job}", b"", use_multipart=False)
            self._delete(f"{job}/")

    def _delete(self, prefix: str) -> None:
        keys: list[str] = []
        for entry in self._entries(prefix):
            keys.append(entry["path"])
            self._space.give(entry["size"])
        for start in range(0, len(keys), _DELETED_AT_A_TIME):
            self._obstore.delete(self._store, keys[start : start + _DELETED_AT_A_TIME])

    def job_ids(self) -> list[str]:
        """Return the ids of all jobs that have files."""
        with self._mapped_errors():
            found = self._obstore.list_with_delimiter(self._store)["common_prefixes"]
            return sorted(name for name in found if is_job(name))

    def used_bytes(self) -> int:
        """Return the bytes of all files."""
        with self._mapped_errors():
            return self._space.size()

    def _count(self) -> int:
        """Return the bytes of all files, and delete old marks of deleted jobs."""
        total = 0
        old = []
        before = datetime.now(UTC) - timedelta(seconds=DELETED_S)
        for entry in self._entries():
            total += entry["size"]
            if entry["path"].startswith(f"{DELETED}/") and entry["last_modified"] < before:
                old.append(entry["path"])
        for start in range(0, len(old), _DELETED_AT_A_TIME):
            self._obstore.delete(self._store, old[start : start + _DELETED_AT_A_TIME])
        return total

    def _entries(self, prefix: str | None = None) -> Iterator[dict[str, Any]]:
        for batch in self._obstore.list(self._store, prefix, chunk_size=_DELETED_AT_A_TIME):
            yield from batch

    @contextmanager
    def _mapped_errors(self, key: str | None = None) -> Iterator[None]:
        """Raise the store's errors as those of the product; with a key, a missing file as `KeyError`."""
        try:
            yield
        except FileNotFoundError as error:
            if key is None or "NoSuchBucket" in str(error):
                raise self._unavailable(error) from None
            raise KeyError(key) from None
        except self._failure as error:
            raise self._unavailable(error) from None

    def _unavailable(self, error: Exception) -> JobStorageFullError | JobsUnavailableError:
        # Only the log may name host and bucket, and not at the usual level.
        _log.debug("the store of files failed", exc_info=error)
        if any(code in str(error) for code in _FULL):
            return JobStorageFullError("The bucket for the files of jobs is full.")
        return JobsUnavailableError(f"The bucket for the files of jobs failed with {type(error).__name__}.")
