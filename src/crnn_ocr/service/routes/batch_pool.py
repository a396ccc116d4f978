"""Threads for the pictures of all batches of a process, so that many batches do not mean many threads."""

from __future__ import annotations

import contextvars
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

from crnn_ocr.errors import OverloadedError
from crnn_ocr.scheduling.ticket import Ticket

_T = TypeVar("_T")

#: Batches at a time, and pictures of all of them if there are few cores.
MOST_BATCHES = 16
#: Those of one client; the rest is left to the others.
MOST_OF_CLIENT = 12


class BatchPool:
    """A thread pool that batches share evenly: each has a few pictures in it at a time."""

    def __init__(self, cores: int, *, retry_after: Callable[[], int] = lambda: 1) -> None:
        """Prepare; threads are started when they are needed.

        Args:
            cores: Number of cores that read.
            retry_after: Returns the seconds after which a refused client should try again.
        """
        # One more than cores, so that a picture can be decoded while the cores compute.
        self._at_once = cores + 1
        self._retry_after = retry_after
        self._lock = threading.Lock()
        self._held: Counter[str] = Counter()
        self._pool = ThreadPoolExecutor(max(MOST_BATCHES, self._at_once), thread_name_prefix="crnn-ocr-batch")

    def check_room(self, client: str) -> None:
        """Return if a batch of that client would be taken now.

        Raises:
            OverloadedError: All places are taken, or the client has its share of them.
        """
        with self._lock:
            self._check(client)

    @contextmanager
    def place(self, client: str) -> Iterator[None]:
        """Hold one of the places for batches while the block runs.

        Raises:
            OverloadedError: All places are taken, or the client has its share of them.
        """
        with self._lock:
            self._check(client)
            self._held[client] += 1
        try:
            yield
        finally:
            with self._lock:
                self._held -= Counter([client])  # without those that hold none

    def _check(self, client: str) -> None:
        if self._held.total() >= MOST_BATCHES:
            message = f"The service reads {MOST_BATCHES} batches, and takes no more."
        elif self._held[client] >= MOST_OF_CLIENT:
            message = f"The service reads {MOST_OF_CLIENT} batches of this client, and takes no more of them."
        else:
            return
        raise OverloadedError(message, retry_after=max(1, self._retry_after()))

    def run(self, works: Sequence[Callable[[], _T]], ticket: Ticket) -> Iterator[tuple[int, _T]]:
        """Yield index and result of each work when it is done.

        Args:
            works: What to do, each in a copy of the context of the first step.
            ticket: Cancelled where the iterator is closed before the end; it must make works that run end.
        """
        waiting = enumerate([(contextvars.copy_context(), work) for work in works])
        running: dict[Future[_T], int] = {}

        def begin(count: int) -> None:
            for index, (context, work) in islice(waiting, count):
                running[self._pool.submit(context.run, work)] = index

        try:
            begin(self._at_once)
            while running:
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    index = running.pop(future)
                    begin(1)
                    yield index, future.result()
        finally:
            if running:
                ticket.cancel()
                for future in running:
                    future.cancel()
                wait(running)
