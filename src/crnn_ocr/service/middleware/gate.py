"""Checks requests before their bodies are read, and documents before they are decoded, against the limits.

The limits themselves know nothing of HTTP: `service/ocr/admission.py` limits the work that is accepted, and
`service/requests/body_budget.py` the request bodies that are held.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask, Response, g, request

from crnn_ocr.errors import BadRequestError
from crnn_ocr.imaging.opened import OpenedDocument
from crnn_ocr.jobs.upload_limits import upload_time_s
from crnn_ocr.net.socket_watch import SocketWatcher, socket_watcher
from crnn_ocr.runtime.cores import core_share
from crnn_ocr.scheduling.budget import Budget
from crnn_ocr.scheduling.ticket import Ticket
from crnn_ocr.service.api.error_answers import body_too_large
from crnn_ocr.service.middleware.request_scope import is_made_while_sent
from crnn_ocr.service.ocr.admission import Admission, estimate_seconds, least_seconds
from crnn_ocr.service.requests import resources
from crnn_ocr.service.requests.body_budget import Intake
from crnn_ocr.service.requests.parsing import is_json
from crnn_ocr.service.requests.timed_body import TimedBody
from crnn_ocr.service.server import handover
from crnn_ocr.service.server.client_name import client_name
from crnn_ocr.settings import Settings

#: Documents in the engine at a time. Those in the engine may hold decoded pixels; those that wait for it hold
#: only their files, which `Intake` counts. Requests that wait for the answer to an equal one do not count.
MOST_READ = 32

#: PUT requests at a time, and the bytes that they may announce together.
MOST_SWITCHES = 2
_MOST_SWITCH_BYTES = 64 * 1024

#: Bodies at a time that are stored as they arrive. They take next to no memory, but a thread each, so they
#: have threads of their own.
MOST_UPLOADS = 8

TIMEOUT_HEADER = "X-Request-Timeout"


class Gate:
    """Admits or refuses requests and documents; one per process."""

    def __init__(
        self,
        settings: Settings,
        *,
        watch: SocketWatcher = socket_watcher,
        clock: Callable[[], float] = time.monotonic,
        cpu_clock: Callable[[], float] = time.process_time,
    ) -> None:
        """Set the limits.

        Args:
            settings: Limits of the whole service; every worker process gets an equal share of them.
            watch: Notices clients that are gone or too slow.
            clock: Returns the time in seconds; it must never go back.
            cpu_clock: Returns the CPU seconds that requests have taken so far.
        """
        self._settings = settings
        self._watch = watch
        self._clock = clock
        cores = min(settings.threads or math.inf, core_share()) / settings.workers
        self.admission = Admission(settings.queue_seconds * cores, cores, cpu_clock=cpu_clock)
        self.intake = Intake(
            settings.worker_threads,
            max(1, settings.max_bytes_in_flight // settings.workers),
            retry_after=self.admission.retry_after,
        )
        # A model can be switched while all slots are taken; but bodies must not take all spare threads.
        self._switches = Intake(MOST_SWITCHES, _MOST_SWITCH_BYTES)
        self._uploads = Intake(MOST_UPLOADS, sys.maxsize)
        self._stored: dict[str, int] = {}
        self._reading = Budget(min(settings.worker_threads, MOST_READ))

    # ---- requests --------------------------------------------------------------------------------

    def install(self, app: Flask) -> None:
        """Check every request before its body is read; install it after API keys and rate limits."""
        resources.install(app)
        app.before_request(self._check_request)
        app.after_request(_release_connection)

    def store_bodies_of(self, endpoint: str, longest: int) -> None:
        """Let bodies of a route be longer, unless they are JSON: the route stores them as they arrive.

        Args:
            endpoint: Flask's name of the route.
            longest: Most bytes of such a body.
        """
        self._stored[endpoint] = longest

    def issue_ticket(self) -> Ticket:
        """Return the ticket of the current request, whose body has been read.

        The ticket is cancelled if the client disconnects before the answer is ready.

        Raises:
            BadRequestError: The request's own time-out is not a number of seconds, at least 1.
        """
        ticket = Ticket(deadline=self._clock() + self._timeout(), clock=self._clock)
        connection = request.environ.get("gunicorn.socket")
        if connection is not None:
            resources.of_request().callback(self._watch.on_gone(connection, ticket.cancel))
        return ticket

    def _check_request(self) -> None:
        if request.routing_exception is not None:
            return
        connection = request.environ.get("gunicorn.socket")
        if connection is not None:
            g.release_connection = handover.hold(connection, g.request_id)
            resources.of_request().callback(g.release_connection)
        if request.method not in ("POST", "PUT"):
            return  # bodies of other methods are not read
        is_stored = request.endpoint in self._stored and not is_json(request.mimetype)
        if is_stored:
            request.max_content_length = self._stored[request.endpoint or ""]
        longest = request.max_content_length
        announced = request.content_length
        if announced is not None and longest is not None and announced > longest:
            raise body_too_large(request)
        client = client_name(g.get("key_name"), request.remote_addr)
        total_s = self._settings.upload_timeout_s
        if request.method == "PUT":
            g.slot = self._switches.enter(announced or 0, client)
        elif is_stored:
            g.slot = self._uploads.enter(0, client)
            total_s = upload_time_s(self._settings, announced or longest or 0)
        else:
            if request.endpoint not in self._stored:  # what is only stored now is read when there is time
                self.admission.check_room(least_seconds(announced or 0))
            g.slot = self.intake.enter(announced or 0, client)
        resources.of_request().callback(g.slot.release)
        self._time_body(request.environ, total_s)

    def _time_body(self, environ: dict[str, Any], total_s: float) -> None:
        connection = environ.get("gunicorn.socket")
        if connection is not None:
            environ["wsgi.input"] = TimedBody(
                environ["wsgi.input"],
                connection,
                self._watch,
                total_s=total_s,
                min_rate=self._settings.upload_min_rate,
            )

    def _timeout(self) -> float:
        longest = self._settings.request_timeout_s
        given = request.headers.get(TIMEOUT_HEADER)
        if given is None:
            return longest
        try:
            seconds = float(given)
        except ValueError:
            seconds = 0.0
        if not seconds >= 1:  # NaN too
            raise BadRequestError(
                f"The header {TIMEOUT_HEADER} is not a number of seconds, at least 1.",
                hint=f"Write it as {TIMEOUT_HEADER}: 2.5, or leave it out.",
            )
        return min(seconds, longest)

    # ---- pictures --------------------------------------------------------------------------------

    @contextmanager
    def admit(self, document: OpenedDocument, ticket: Ticket) -> Iterator[None]:
        """Reserve capacity for the work on a document while the block runs; needs no request context.

        Raises:
            OverloadedError: There is too little.
            DeadlineExceededError: The ticket's time ran out while the document waited.
            RequestCancelledError: The ticket was cancelled while the document waited.
        """
        if not document.extents:
            yield  # reading it fails with its own error; trying again later would not help
            return
        work = estimate_seconds((page.width, page.height) for page in document.extents)
        with self.admission.admit(work, patience=ticket.remaining), self._reading.take(1, ticket):
            yield


def _release_connection(response: Response) -> Response:
    """Take the connection back from the supervisor before the first byte of the answer is sent."""
    if "release_connection" not in g:
        return response
    if is_made_while_sent(response):
        response.response = handover.release_before(response.response, g.release_connection)
    else:
        g.release_connection()
    return response
