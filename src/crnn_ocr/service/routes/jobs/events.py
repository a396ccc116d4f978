"""Tells the changes of a job as a stream of server-sent events.

https://html.spec.whatwg.org/multipage/server-sent-events.html: the id of an event is the job's `sequence`,
so a client that reconnects with `Last-Event-ID` is told what has changed since, and nothing twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from crnn_ocr.errors import JobsUnavailableError
from crnn_ocr.jobs.description import job_out, page_out
from crnn_ocr.jobs.records import FINISHED, PageRecord
from crnn_ocr.jobs.store import JobStore
from crnn_ocr.service.api.responses import json_of

#: Seconds between two looks at the table: half a second is what a person takes for at once.
POLL_S = 0.5
#: Seconds without an event after which a comment is sent; proxies such as nginx give up after 60.
KEEP_ALIVE_S = 15.0
#: Milliseconds after which a browser reconnects to a stream that has ended.
_RECONNECT_MS = 2000
#: Pages in one look at the table.
_PAGES = 500


def event_stream(
    store: JobStore,
    job_id: str,
    after: int,
    *,
    is_stopping: Callable[[], bool] = lambda: False,
    pause: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[bytes]:
    """Yield the events of a job until it has finished, or the service stops.

    Args:
        store: The table.
        job_id: The job, which exists.
        after: The `sequence` up to which the client knows the changes.
        is_stopping: Tells whether the service stops; the client then reconnects to another worker.
        pause: Waits for that many seconds.
        clock: Returns a time in seconds that never goes back.
    """
    yield f"retry: {_RECONNECT_MS}\n\n".encode()
    told: tuple[int, int | None] | None = None
    spoke = clock()
    while not is_stopping():
        try:
            job = store.get(job_id)
            if job is None:
                return
            # Read after the job: a job that has finished changes no page any more.
            for page in _changes(store, job_id, after) if job.sequence > after else ():
                after, spoke = page.sequence, clock()
                yield _event("page", after, json_of(page_out(page)))
        except JobsUnavailableError:
            return  # the client reconnects, and learns the reason from the answer
        after = max(after, job.sequence)
        if told != (job.sequence, job.position):
            told, spoke = (job.sequence, job.position), clock()
            yield _event("job", after, json_of(job_out(job)))
        if job.state in FINISHED:
            return
        if clock() - spoke >= KEEP_ALIVE_S:
            spoke = clock()
            yield b": keep-alive\n\n"
        pause(POLL_S)


def _changes(store: JobStore, job_id: str, after: int) -> Iterator[PageRecord]:
    while pages := store.pages(job_id, after=after, limit=_PAGES):
        yield from pages
        if len(pages) < _PAGES:
            return
        after = pages[-1].sequence


def _event(kind: str, number: int, data: str) -> bytes:
    # JSON holds no line breaks, so one line of data is enough.
    return f"id: {number}\nevent: {kind}\ndata: {data}\n\n".encode("utf-8", "replace")
