"""Reads pages, or assembles a job, in a process of its own, whose death costs no worker.

It is used from the second attempt on, when a worker was lost, and to assemble large jobs, whose memory is
given back at its end.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from crnn_ocr import errors
from crnn_ocr.engine.ocr import OCR
from crnn_ocr.errors import JobWorkerLostError, OcrError
from crnn_ocr.imaging.process import program
from crnn_ocr.jobs.backends import Jobs
from crnn_ocr.jobs.files import page_key
from crnn_ocr.jobs.records import Problem, Task
from crnn_ocr.jobs.tables.encoding import encode_request
from crnn_ocr.jobs.work.reading import begin, end
from crnn_ocr.jobs.work.tasks import keeps_chars, problem_of, source_file
from crnn_ocr.scheduling.ticket import POLL_S, Ticket
from crnn_ocr.settings import Settings

#: Longest time for one page, as a share of the longest time of a task (`jobs_task_timeout_s`): a page that
#: hangs twice fails before its task is over, or the other pages of the task would fail with it.
PAGE_SHARE = 0.25
#: Longest time for assembling, in seconds of wall time: only what hangs takes so long.
ASSEMBLE_S = 3600.0
#: The program, as a command line.
COMMAND = (sys.executable, "-m", "crnn_ocr.jobs.work.isolated_program")
#: Bytes of a page at most, which are as many as the codec reads.
_LARGEST = 64 * 1024 * 1024


class LostError(Exception):
    """The process ended before it had answered."""


class IsolatedProcess:
    """A process that answers questions, one at a time. A context manager; at its end the process ends."""

    def __init__(self, first: dict[str, Any], ticket: Ticket, command: Sequence[str] = COMMAND) -> None:
        """Start the process and ask the first question.

        Args:
            first: The first question, see `isolated_program`.
            ticket: Once it is invalid, the process is killed.
            command: The program.

        Raises:
            LostError: The process ended.
            OcrError: The answer is an error.
            RequestCancelledError: The ticket was cancelled.
        """
        self._ticket = ticket
        self._process = subprocess.Popen(  # noqa: S603  (our own program)
            list(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        try:
            #: What it answered to the first question.
            self.begun, _ = self.ask(first, ASSEMBLE_S)
        except BaseException:
            self.close()
            raise

    def ask(self, question: dict[str, Any], seconds: float) -> tuple[dict[str, Any], bytes]:
        """Ask a question and return the answer, and the bytes that follow it; raise as `__init__` does."""
        with self._watched(seconds):
            try:
                program.send(_raw(self._process.stdin), question)
                answer = program.receive(_raw(self._process.stdout))
                data = bytearray(min(int(answer.get("bytes", 0)), _LARGEST))
                program.read_exactly(_raw(self._process.stdout), memoryview(data))
            except (EOFError, OSError, ValueError) as error:
                self._ticket.check()
                raise LostError from error
        if "code" in answer:
            raise error_of(answer)
        return answer, bytes(data)

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _watched(self, seconds: float) -> Iterator[None]:
        """Kill the process if the block takes longer, or the ticket becomes invalid."""
        done = threading.Event()
        limit = time.monotonic() + seconds

        def watch() -> None:
            while not done.wait(POLL_S):
                if time.monotonic() > limit or not self._ticket.valid:
                    self._process.kill()
                    return

        threading.Thread(target=watch, name="isolated-watch", daemon=True).start()
        try:
            yield
        finally:
            done.set()


def read_isolated(jobs: Jobs, ocr: OCR, task: Task, ticket: Ticket, command: Sequence[str] = COMMAND) -> None:
    """Read the pages of a task in a process of its own, see `reading.read_pages`.

    A page at which the process dies twice fails; the other pages are read.

    Raises:
        RequestCancelledError: The job was cancelled, or the task was given to another worker.
        OcrError: An error that is not the page's own.
    """
    left = list(task.pages)
    died: int | None = None
    with source_file(jobs, task.job, task.file) as path:
        first = _first("read", jobs, ocr, task, path)
        while left:
            ticket.check()
            number = left[0]
            begin(jobs, task, number)  # opening the file may be what it dies of
            try:
                with IsolatedProcess(first, ticket, command) as process:
                    while True:
                        answer, data = process.ask({"page": number}, _page_s(jobs))
                        jobs.files.put(page_key(task.job, task.file, number), data)
                        problem = answer["problem"]
                        failed = None if problem is None else problem_of(error_of(problem))
                        end(jobs, task, number, answer["elapsed_ms"], failed)
                        left.pop(0)
                        if not left:
                            break
                        number = left[0]
                        begin(jobs, task, number)
            except LostError:
                if died == number:
                    left.pop(0)
                    end(jobs, task, number, 0.0, _problem())
                died = number
    jobs.store.finish(task.lease)


def plan_isolated(
    jobs: Jobs, ocr: OCR, task: Task, ticket: Ticket, command: Sequence[str] = COMMAND
) -> list[list[int]]:
    """Return the pages of each task of a file, see `planning.plan`; a process of its own opens it.

    Raises:
        JobWorkerLostError: The process died.
        JobsUnavailableError: The file is missing.
        OcrError: As `plan`.
    """
    with source_file(jobs, task.job, task.file) as path:
        first = _first("plan", jobs, ocr, task, path)
        try:
            with IsolatedProcess(first, ticket, command) as process:
                answer, _ = process.ask({"plan": True}, _page_s(jobs))
        except LostError:
            raise JobWorkerLostError("The process that opened the file ended before it was done.") from None
    return [[int(page) for page in pages] for pages in answer["tasks"]]


def _page_s(jobs: Jobs) -> float:
    return PAGE_SHARE * jobs.settings.jobs_task_timeout_s


def _first(do: str, jobs: Jobs, ocr: OCR, task: Task, path: Path) -> dict[str, Any]:
    return {
        "do": do,
        "settings": sent_settings(jobs.settings),
        "active": dict(ocr.active_packs),
        "threads": ocr.scheduler_stats().cores,
        "path": str(path.absolute()),
        "request": encode_request(task.request),
        "chars": keeps_chars(task.request),
    }


def assemble_isolated(
    jobs: Jobs, task: Task, ticket: Ticket, command: Sequence[str] = COMMAND
) -> Problem | None:
    """Assemble a job in a process of its own, see `assembling.assemble`; return what that returns.

    Raises:
        JobWorkerLostError: The process died.
        OcrError: As `assemble`.
    """
    first = {"do": "assemble", "settings": sent_settings(jobs.settings), "job": task.job}
    try:
        with IsolatedProcess(first, ticket, command) as process:
            problem = process.begun["problem"]
    except LostError:
        raise JobWorkerLostError("The process that wrote the results ended before it was done.") from None
    return None if problem is None else problem_of(error_of(problem))


def sent_settings(settings: Settings) -> dict[str, Any]:
    """Return settings as JSON; secrets are left to the environment, which the process inherits."""
    values = settings.model_dump(mode="json", exclude_defaults=True)
    secret = {name for name, value in settings if hasattr(value, "get_secret_value")}
    return {name: value for name, value in values.items() if name not in secret}


def error_of(answer: dict[str, Any]) -> OcrError:
    """Return the error of an answer."""
    kinds: dict[str, type[OcrError]] = {}
    for name in errors.__all__:
        kind: Any = getattr(errors, name)
        if issubclass(kind, OcrError):
            kinds[kind.code] = kind
    code = str(answer["code"])
    return kinds.get(code, OcrError)(str(answer["message"]), hint=str(answer["hint"]) or None)


def _problem() -> Problem:
    return problem_of(JobWorkerLostError("The process that read this page ended before it was done."))


def _raw(stream: Any) -> Any:
    return stream
