"""The routes of jobs: submit, list, look, follow, fetch, delete."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast, overload

from flask import Blueprint, Flask, Response, g, request, url_for

from crnn_ocr.errors import (
    BadRequestError,
    InvalidOptionError,
    JobNotFoundError,
    JobStorageFullError,
    JobsUnavailableError,
    OcrError,
    TooManyJobsError,
)
from crnn_ocr.jobs.backends import Jobs, LazyJobs
from crnn_ocr.jobs.description import job_out, page_out
from crnn_ocr.jobs.records import FINISHED, Job, JobState
from crnn_ocr.jobs.results import formats_of
from crnn_ocr.jobs.upload_limits import longest_body
from crnn_ocr.service.api.job_bodies import MOST_SEQUENCE, STATES
from crnn_ocr.service.api.responses import json_of, json_response
from crnn_ocr.service.middleware.gate import Gate
from crnn_ocr.service.ocr.engine_protocol import Reader
from crnn_ocr.service.requests import resources
from crnn_ocr.service.requests.parsing import DETAIL, wanted_detail
from crnn_ocr.service.routes.jobs.events import event_stream
from crnn_ocr.service.routes.jobs.pictures import PagePainter
from crnn_ocr.service.routes.jobs.results import check_finished, file_response, page_response
from crnn_ocr.service.routes.jobs.submit import submit
from crnn_ocr.service.server.client_name import client_name
from crnn_ocr.service.server.event_streams import StreamPlaces, is_stopping

#: Most jobs and pages in one answer.
MOST_JOBS, MOST_PAGES = 500, 1000
#: More than any job has files.
MOST_FILES = 10_000
_ID = re.compile(r"[0-9a-f]{32}")
#: Seconds after which a request may succeed that failed with one of these errors: a page takes about a
#: second, files expire after minutes at least, and a store that is restarted is back in seconds.
_RETRY_AFTER_S: dict[type[OcrError], int] = {
    TooManyJobsError: 10,
    JobStorageFullError: 60,
    JobsUnavailableError: 5,
}


def install(app: Flask, jobs: LazyJobs, gate: Gate, reader: Reader) -> None:
    """Add the routes.

    Args:
        app: The application.
        jobs: Opens the table and the files.
        gate: Limits the bodies of requests, and admits the drawing of pages.
        reader: Has the room that pictures share.
    """
    gate.store_bodies_of("jobs.submit_job", longest_body(jobs.settings))
    access = _Access(jobs)
    routes = Blueprint("jobs", __name__)
    _add_jobs(routes, access)
    _add_progress(routes, access)
    _add_results(routes, access, PagePainter(reader, admit=gate.admit, issue_ticket=gate.issue_ticket))
    app.register_blueprint(routes)


class _Access:
    """Jobs as the client of the current request may see them: those of its own API key."""

    def __init__(self, jobs: LazyJobs) -> None:
        self._jobs = jobs

    @property
    def owner(self) -> str:
        """Name of the API key of the request; "" without keys."""
        name: str = g.get("key_name", "")
        return name

    @contextmanager
    def opened(self) -> Iterator[Jobs]:
        """Yield the jobs; errors that pass tell when to try again.

        Raises:
            OcrError: See `open_jobs`.
        """
        try:
            yield self._jobs.get()
        except (TooManyJobsError, JobStorageFullError, JobsUnavailableError) as error:
            if error.retry_after is None:
                error.retry_after = _RETRY_AFTER_S[type(error)]
            raise

    def own(self, jobs: Jobs, job_id: str) -> Job:
        """Return a job of the client.

        Raises:
            JobNotFoundError: There is none, or it belongs to another key, which is not told apart.
        """
        job = jobs.store.get(job_id) if _ID.fullmatch(job_id) else None
        if job is None or job.owner != self.owner:
            raise JobNotFoundError("There is no job with this id.")
        return job


def _add_jobs(routes: Blueprint, access: _Access) -> None:
    @routes.post("/jobs")
    def submit_job() -> Response:
        with access.opened() as jobs:
            job = submit(request, jobs, access.owner)
        g.result_size = {"job": job.id, "files": len(job.files)}
        response = _job_response(job, 202)
        response.headers["Location"] = url_for("jobs.show_job", job_id=job.id)
        return response

    @routes.get("/jobs")
    def list_jobs() -> Response:
        states = _wanted_states()
        limit = _number("limit", 100, 1, MOST_JOBS)
        _only("state", "limit")
        with access.opened() as jobs:
            found = jobs.store.jobs(access.owner, states=states, limit=limit)
        body = {"success": True, "jobs": [job_out(job) for job in found], "request_id": g.request_id}
        return json_response(json_of(body))

    @routes.get("/jobs/<job_id>")
    def show_job(job_id: str) -> Response:
        _only()
        with access.opened() as jobs:
            return _job_response(access.own(jobs, job_id))

    @routes.delete("/jobs/<job_id>")
    def delete_job(job_id: str) -> Response:
        _only()
        with access.opened() as jobs:
            job = access.own(jobs, job_id)
            try:
                cancelled = jobs.store.cancel(job_id)
            except JobStorageFullError:  # the files make room for that
                jobs.files.delete_job(job_id)
                cancelled = jobs.store.cancel(job_id)
            # What a worker of it still puts is deleted by the store of files.
            jobs.files.delete_job(job_id)
            if not cancelled and job.state not in ("cancelled", "expired"):
                jobs.store.expire(job_id)
            return _job_response(access.own(jobs, job_id))


def _add_progress(routes: Blueprint, access: _Access) -> None:
    places = StreamPlaces()

    @routes.get("/jobs/<job_id>/pages")
    def list_pages(job_id: str) -> Response:
        after = _number("after", 0, 0, MOST_SEQUENCE)
        limit = _number("limit", MOST_PAGES, 1, MOST_PAGES)
        _only("after", "limit")
        with access.opened() as jobs:
            access.own(jobs, job_id)
            pages = jobs.store.pages(job_id, after=after, limit=limit)
        body = {
            "success": True,
            "pages": [page_out(page) for page in pages],
            "next": pages[-1].sequence if pages else after,
            "request_id": g.request_id,
        }
        return json_response(json_of(body))

    @routes.get("/jobs/<job_id>/events")
    def follow_job(job_id: str) -> Response:
        after = _last_event()
        _only("after")
        with access.opened() as jobs:
            job = access.own(jobs, job_id)
        if job.state in FINISHED and after >= job.sequence:
            return Response(status=204)  # a browser does not reconnect then
        client = client_name(g.get("key_name"), request.remote_addr)
        resources.of_request().callback(places.take(client))
        events = event_stream(jobs.store, job_id, after, is_stopping=is_stopping.get())
        # Otherwise proxies such as nginx buffer the events.
        headers = {"X-Accel-Buffering": "no"}
        return Response(events, content_type="text/event-stream; charset=utf-8", headers=headers)


def _add_results(routes: Blueprint, access: _Access, painter: PagePainter) -> None:
    @routes.get("/jobs/<job_id>/result")
    def fetch_result(job_id: str) -> Response:
        given = request.args.getlist("format")
        number = _number("file", None, 0, MOST_FILES)
        _only("format", "file")
        with access.opened() as jobs:
            job = access.own(jobs, job_id)
            fmt = _wanted_format(job, given)
            check_finished(job)
            return file_response(jobs, job, fmt, number)

    @routes.get("/jobs/<job_id>/pages/<file>/<number>")
    def show_page(job_id: str, file: str, number: str) -> Response:
        detail = wanted_detail(request)
        _only(DETAIL)
        with access.opened() as jobs:
            job = access.own(jobs, job_id)
            place = _place(file, MOST_FILES), _place(number, MOST_SEQUENCE)
            return page_response(jobs, job, *place, detail)

    @routes.get("/jobs/<job_id>/pages/<file>/<number>/picture")
    def draw_page(job_id: str, file: str, number: str) -> Response:
        _only()
        with access.opened() as jobs:
            job = access.own(jobs, job_id)
            place = _place(file, MOST_FILES), _place(number, MOST_SEQUENCE)
            return painter.response(jobs, job, *place)


# ---- answers -----------------------------------------------------------------------------------------


def _job_response(job: Job, status: int = 200) -> Response:
    body = {**job_out(job), "success": True, "request_id": g.request_id}
    return json_response(json_of(body), status)


# ---- parameters --------------------------------------------------------------------------------------


def _only(*names: str) -> None:
    """Make sure that there are no other query parameters.

    Raises:
        InvalidOptionError: There are.
    """
    unknown = sorted(set(request.args) - set(names))
    if unknown:
        raise InvalidOptionError(f"There is no parameter {unknown[0]!r}.")


def _place(text: str, most: int) -> int:
    """Return a number in a path.

    Raises:
        JobNotFoundError: It is no number, so there is no such page.
    """
    return _bounded([text], 0, most, "The number of a file or page", JobNotFoundError)


@overload
def _number(name: str, default: int, least: int, most: int) -> int: ...
@overload
def _number(name: str, default: None, least: int, most: int) -> int | None: ...
def _number(name: str, default: int | None, least: int, most: int) -> int | None:
    """Return the number in a query parameter.

    Raises:
        InvalidOptionError: It is not a number within the bounds, or is given twice.
    """
    given = request.args.getlist(name)
    if not given:
        return default
    return _bounded(given, least, most, f"{name!r}", InvalidOptionError)


def _bounded(given: list[str], least: int, most: int, what: str, error: Callable[..., OcrError]) -> int:
    text = given[0]
    good = len(given) == 1 and text.isascii() and text.isdecimal() and len(text) <= len(str(most))
    if not good or not least <= int(text) <= most:
        raise error(f"{what} is not a number from {least} to {most}, given once.", hint="Write it in digits.")
    return int(text)


def _wanted_states() -> tuple[JobState, ...]:
    given = request.args.getlist("state")
    names = [name.strip() for name in given[0].split(",")] if given else []
    if len(given) > 1 or any(name not in STATES for name in names):
        raise InvalidOptionError(
            "'state' names states, separated by commas, once.", hint=f"There are: {', '.join(STATES)}."
        )
    return tuple(cast(JobState, name) for name in names)


def _wanted_format(job: Job, given: list[str]) -> str:
    formats = formats_of(job)
    if len(given) > 1 or (given and given[0] not in formats):
        raise InvalidOptionError(
            "'format' must name one of the formats of this job, once.", hint=f"It has: {', '.join(formats)}."
        )
    return given[0] if given else formats[0]


def _last_event() -> int:
    """Return the place in the changes up to which the client knows them.

    Raises:
        BadRequestError: It is not one of the ids that this route sends.
    """
    header = request.headers.get("Last-Event-ID")
    if header:
        return _bounded([header], 0, MOST_SEQUENCE, "The header Last-Event-ID", BadRequestError)
    return _number("after", 0, 0, MOST_SEQUENCE)
