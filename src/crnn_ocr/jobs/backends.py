"""Opens the table and the files of jobs as the settings say, once and when they are first needed."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from crnn_ocr.errors import JobsDisabledError, JobsUnavailableError
from crnn_ocr.jobs.files import FileStore, FolderFiles
from crnn_ocr.jobs.store import JobStore
from crnn_ocr.settings import Settings

#: Names in the folder of jobs.
_TABLE, _FILES = "jobs.sqlite", "files"


@dataclass(frozen=True, slots=True)
class Jobs:
    """The table of jobs with its queue, and the files of jobs.

    Attributes:
        store: The table and the queue.
        files: The files.
        settings: Their limits.
        announce: Called after a job was created, to call workers that would not look by themselves.
    """

    store: JobStore
    files: FileStore
    settings: Settings
    announce: Callable[[], None] = lambda: None


def open_jobs(settings: Settings) -> Jobs:
    """Open the table and the files of jobs.

    Raises:
        JobsDisabledError: There are no jobs in this installation.
        JobsUnavailableError: The table or the folder cannot be reached or written.
        MissingExtraError: The settings need a package that is not installed.
        SettingsError: There is no Redis for the table, or its URL is not valid.
    """
    if settings.jobs == "off":
        raise JobsDisabledError("This service runs no jobs.")
    folder = jobs_folder(settings)
    files = open_files(settings, folder / _FILES)
    # Imported late, since no installation needs both.
    if settings.jobs == "celery":
        from crnn_ocr.jobs.messaging.configuration import table_url
        from crnn_ocr.jobs.redis_store import RedisStore, connect

        return Jobs(RedisStore(connect(table_url(settings))), files, settings)
    from crnn_ocr.jobs.sqlite_store import SqliteStore

    return Jobs(SqliteStore(folder / _TABLE), files, settings)


def open_files(settings: Settings, folder: Path) -> FileStore:
    """Return the store of files that the settings name.

    Each process opens its own: the library behind S3 has threads, which do not survive a fork.

    Args:
        settings: The settings.
        folder: Folder for the files, unless there is a bucket.

    Raises:
        SettingsError: The URL of the bucket is malformed.
        MissingExtraError: The package for S3 is not installed.
        JobsUnavailableError: The folder cannot be made.
    """
    if settings.jobs_files_url is None:
        return FolderFiles(folder, quota=settings.jobs_quota_bytes)
    from crnn_ocr.jobs.object_files import ObjectFiles  # late: the library behind it is an extra

    return ObjectFiles(settings.jobs_files_url.get_secret_value(), quota=settings.jobs_quota_bytes)


def has_table(settings: Settings) -> bool:
    """Return whether there may be jobs: with a table in a file, whether it is there.

    Raises:
        JobsUnavailableError: No folder is set, and the user has no home folder.
    """
    if settings.jobs != "embedded":
        return settings.jobs == "celery"
    try:
        return (jobs_folder(settings) / _TABLE).exists()
    except OSError as error:
        raise JobsUnavailableError(f"The table of jobs cannot be read: {error.strerror}.") from None


def jobs_folder(settings: Settings) -> Path:
    """Return the folder with the files of jobs.

    Raises:
        JobsUnavailableError: None is set, and the user has no home folder.
    """
    if settings.jobs_dir is not None:
        return settings.jobs_dir
    try:
        # https://specifications.freedesktop.org/basedir-spec/: data that should survive a restart.
        state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    except RuntimeError:
        raise JobsUnavailableError(
            "There is no home folder to keep jobs in.", hint="The operator can set CRNN_OCR_JOBS_DIR."
        ) from None
    return Path(state) / "crnn-ocr" / "jobs"


class LazyJobs:
    """The jobs of a process, opened with the first request for them, again and again until that works.

    So a folder that cannot be written, or a Redis that is away, fails requests for jobs and nothing else.
    """

    def __init__(self, settings: Settings, open_: Callable[[Settings], Jobs] = open_jobs) -> None:
        """Prepare; nothing is opened yet."""
        self.settings = settings
        self._open = open_
        self._lock = threading.Lock()
        self._opened: Jobs | None = None

    def get(self) -> Jobs:
        """Return the jobs.

        Raises:
            OcrError: See `open_jobs`.
        """
        with self._lock:
            if self._opened is None:
                self._opened = self._open(self.settings)
            return self._opened
