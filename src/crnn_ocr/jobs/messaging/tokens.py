"""Sends tokens through Celery: one message for each task that can be taken, so that a worker comes for it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from crnn_ocr.errors import JobsUnavailableError
from crnn_ocr.jobs.messaging.configuration import QUEUE, TASK, make_app
from crnn_ocr.jobs.store import JobStore
from crnn_ocr.settings import Settings

if TYPE_CHECKING:
    from celery import Celery

_log = logging.getLogger(__name__)

#: Seconds between two comparisons of the table with the queue.
COMPARE_S = 1.0
#: Most tokens that wait at a time: enough that no worker of some hundred is idle between two comparisons, and
#: about 1 MB in Redis, however many pages wait in the table.
MOST_WAITING = 1000


class Queue(Protocol):
    """Queue of tokens; it is safe to use from several threads."""

    def waiting(self) -> int:
        """Return how many tokens wait for a worker.

        Raises:
            JobsUnavailableError: The broker cannot be reached.
        """

    def send(self, number: int) -> None:
        """Add tokens.

        Raises:
            JobsUnavailableError: The broker cannot be reached; some of the tokens may have been added.
        """


class CeleryQueue:
    """Celery's queue in Redis or RabbitMQ. Make it after a fork, not before."""

    def __init__(self, settings: Settings) -> None:
        """Make an application of its own, whose connections nobody else uses; nothing is connected yet.

        Raises:
            SettingsError: There is no broker, or its URL is not valid.
            MissingExtraError: Celery is not installed.
        """
        self._app = make_app(settings)

    def waiting(self) -> int:
        """See `Queue.waiting`; what workers are at does not count."""
        with _broker_errors(self._app), self._app.pool.acquire(block=True) as connection:
            channel = connection.default_channel
            # Declaring it makes the queue, or does nothing, and answers with its length.
            found: int = self._app.amqp.queues[QUEUE].bind(channel).queue_declare().message_count
            return found

    def send(self, number: int) -> None:
        """See `Queue.send`."""
        with _broker_errors(self._app), self._app.amqp.producer_pool.acquire(block=True) as producer:
            for _ in range(number):
                self._app.send_task(TASK, producer=producer, retry=False, ignore_result=True)


@contextmanager
def _broker_errors(app: Celery) -> Iterator[None]:
    try:
        yield
    except (*_connection_errors(app), OSError) as error:
        raise JobsUnavailableError(
            f"The broker of the jobs cannot be reached: {type(error).__name__}."
        ) from error


def _connection_errors(app: Celery) -> tuple[type[Exception], ...]:
    from kombu.exceptions import KombuError

    connection = app.connection_for_write()
    return (*connection.connection_errors, *connection.channel_errors, KombuError)


def top_up(store: JobStore, queue: Queue) -> int:
    """Send the tokens that are missing: as many as tasks can be taken now, less those that wait.

    Returns:
        How many were sent.

    Raises:
        JobsUnavailableError: The table or the broker cannot be reached.
    """
    wanted = min(store.counts().waiting_tasks, MOST_WAITING)
    missing = wanted - queue.waiting() if wanted else 0
    if missing > 0:
        queue.send(missing)
    return max(0, missing)


class TokenKeeper:
    """Thread that tops up the queue every second, and at once when it is woken.

    It replaces tokens that are lost, and sends those of a new job, so that no request waits for the broker.
    """

    def __init__(self, store: Callable[[], JobStore], queue: Queue, *, every_s: float = COMPARE_S) -> None:
        """Prepare; `start` begins.

        Args:
            store: Opens the table, or returns it; it raises `JobsUnavailableError` while it is away.
            queue: The queue.
            every_s: Seconds between two comparisons.
        """
        self._store = store
        self._queue = queue
        self._every_s = every_s
        self._woken = threading.Event()
        self._ended = False
        self._failing = False
        self._thread = threading.Thread(target=self._run, name="job-tokens", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Let it compare now, because there is new work."""
        self._woken.set()

    def stop(self, timeout_s: float | None = None) -> None:
        """End, and wait for the end, at most for that many seconds."""
        self._ended = True
        self._woken.set()
        self._thread.join(timeout_s)

    def compare(self) -> None:
        """Top up once; a table or a broker that is away is logged once."""
        try:
            sent = top_up(self._store(), self._queue)
        except JobsUnavailableError as error:
            if not self._failing:
                _log.warning(
                    "jobs cannot be announced to workers", extra={"fields": {"reason": error.message}}
                )
            self._failing = True
            return
        if self._failing:
            _log.info("jobs are announced to workers again")
        self._failing = False
        if sent:
            _log.debug("jobs announced to workers", extra={"fields": {"tokens": sent}})

    def _run(self) -> None:
        while not self._ended:
            try:
                self.compare()
            except Exception as error:  # a fault must not end the thread: nobody would take jobs any more
                _log.error("jobs cannot be announced to workers", exc_info=error)
            self._woken.wait(self._every_s)
            self._woken.clear()
