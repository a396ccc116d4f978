"""A job of a server: ask how far it is, wait for it, fetch its results, cancel it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlencode

from crnn_ocr.client.answers import OcrResult, parse_result
from crnn_ocr.client.asking import Asker
from crnn_ocr.client.errors import AnswerTimeoutError
from crnn_ocr.client.job_answers import JobPage, JobResult, JobStatus, parse_job, parse_pages
from crnn_ocr.client.retry import delay, is_retryable
from crnn_ocr.client.transport import Request
from crnn_ocr.errors import OcrError

#: Seconds between two questions: at first, and in the end.
_FIRST_LOOK_S, _LONGEST_LOOK_S = 0.2, 2.0
#: Longest time for which `wait` waits for a server that does not answer, in seconds: a machine that is
#: restarted is back within minutes, and the job goes on then.
OUTAGE_S = 600.0


class RemoteJob:
    """A job of a server. It is safe to use from several threads."""

    def __init__(self, asker: Asker, job_id: str) -> None:
        """Name a job; nothing is asked yet.

        Args:
            asker: Asks the server.
            job_id: Id of the job.
        """
        self._asker = asker
        #: Id of the job, with which `Client.job` finds it again.
        self.id = job_id

    def __repr__(self) -> str:
        return f"RemoteJob({self.id!r})"

    # ---- progress --------------------------------------------------------------------------------

    def status(self) -> JobStatus:
        """Return how far the job is.

        Raises:
            OcrError: The server's error, or one of the client's own.
        """
        return self._asker.retried_object(Request("GET", self._path()), parse_job)

    def pages(self, *, after: int = 0) -> list[JobPage]:
        """Return the pages of the job in the order of their last changes.

        Args:
            after: Only those that changed after this `sequence`.

        Raises:
            OcrError: The server's error, or one of the client's own.
        """
        found: list[JobPage] = []
        while True:
            request = Request("GET", f"{self._path('/pages')}?after={after}")
            pages, following = self._asker.retried_object(request, parse_pages)
            if not pages or following <= after:
                return found
            found += pages
            after = following

    def page(self, file: int, number: int) -> OcrResult:
        """Return what was read on a page, which need not wait for the others.

        Args:
            file: Number of the file in the job, from 0.
            number: Number of the page in the file, from 1.

        Raises:
            OcrError: The page has not been read, or cannot be; or one of the client's own errors.
        """
        return self._asker.retried_object(Request("GET", self._path(f"/pages/{file}/{number}")), parse_result)

    def wait(
        self, *, on_progress: Callable[[JobStatus], None] | None = None, timeout: float | None = None
    ) -> JobStatus:
        """Wait until the job has finished, and return its last state.

        A server that is restarted meanwhile is waited for, up to ten minutes.

        Args:
            on_progress: Called with the first state, and with every one that differs from the last.
            timeout: Seconds after which to give up; the job goes on. None for no limit.

        Raises:
            AnswerTimeoutError: It has not finished in time.
            OcrError: The server's error, or one of the client's own.
        """
        started = time.monotonic()
        answered, failures, pause = started, 0, _FIRST_LOOK_S
        told: tuple[int, int | None] | None = None
        while True:
            try:
                status = self._asker.object(Request("GET", self._path()), parse_job)
            except OcrError as error:
                failures += 1
                outage = time.monotonic() - answered
                if not (is_retryable(error) or isinstance(error, AnswerTimeoutError)) or outage > OUTAGE_S:
                    raise
                pause = delay(failures, error.retry_after, random.random)
            else:
                answered, failures = time.monotonic(), 0
                if told != (status.sequence, status.position):
                    told, pause = (status.sequence, status.position), _FIRST_LOOK_S
                    if on_progress is not None:
                        on_progress(status)
                if status.is_finished:
                    return status
                pause = min(pause * 1.5, _LONGEST_LOOK_S)
            if timeout is not None and time.monotonic() + pause > started + timeout:
                raise AnswerTimeoutError(
                    f"The job has not finished within {timeout:g} seconds.",
                    hint="It goes on: wait for it again, or cancel it.",
                )
            time.sleep(pause)

    # ---- results ---------------------------------------------------------------------------------

    def result(self, format: str | None = None, *, file: int | None = None) -> bytes:  # noqa: A002
        """Return the result in a format.

        Args:
            format: Name of the format; None for the first that the job was asked for.
            file: Number of the file whose result is wanted alone; None for all.

        Raises:
            OcrError: The job has no such result (yet, or any more); or one of the client's own errors.
        """
        return self.download(format, file=file).content

    def download(self, format: str | None = None, *, file: int | None = None) -> JobResult:  # noqa: A002
        """Return the result in a format with its name and its type; see `result`."""
        return self._asker.retried(lambda: self._download(self._result_request(format, file)))

    def _download(self, request: Request) -> JobResult:
        with self._asker.opened(request) as answer:
            return JobResult(answer.name, answer.media_type, b"".join(answer.pieces()))

    def save(self, path: str | Path, format: str | None = None, *, file: int | None = None) -> Path:  # noqa: A002
        """Write the result in a format to the disk, without holding it in memory; return its path.

        Args:
            path: A file, which is replaced and appears whole or not at all; or a folder, in which it gets the
                name that the server gives.
            format: See `result`.
            file: See `result`.

        Raises:
            OcrError: See `result`.
            OSError: It cannot be written.
        """
        return self._asker.retried(lambda: self._save(Path(path), self._result_request(format, file)))

    def _save(self, path: Path, request: Request) -> Path:
        with self._asker.opened(request) as answer:
            target = path / answer.name if path.is_dir() else path
            part = target.with_name(target.name + ".part")
            try:
                with part.open("wb") as out:
                    for piece in answer.pieces():
                        out.write(piece)
                part.replace(target)
            except BaseException:
                with suppress(OSError):
                    part.unlink()
                raise
        return target

    def cancel(self) -> JobStatus:
        """Cancel the job, and delete its files, on the server; of a finished one the results.

        Raises:
            OcrError: The server's error, or one of the client's own.
        """
        return self._asker.retried_object(Request("DELETE", self._path()), parse_job)

    def _path(self, below: str = "") -> str:
        return f"/jobs/{self.id}{below}"

    def _result_request(self, format_: str | None, file: int | None) -> Request:
        given = {"format": format_, "file": file}
        query = urlencode({name: value for name, value in given.items() if value is not None})
        return Request("GET", self._path("/result") + (f"?{query}" if query else ""))
