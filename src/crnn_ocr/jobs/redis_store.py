"""Keeps the table of jobs in Redis (6.2 or later) or Valkey, for workers on any number of hosts.

Every method is one run of a script, which Redis carries out as a whole; the script is in `tables/`, with what
is kept where. It needs one Redis, not a cluster, that evicts nothing (`maxmemory-policy noeviction`) and
writes what it does to its disk (`appendonly yes`).
"""

from __future__ import annotations

import json
import secrets
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import resources
from typing import TYPE_CHECKING, Any, cast

from crnn_ocr.errors import (
    IdempotencyKeyReusedError,
    JobStorageFullError,
    JobsUnavailableError,
    MissingExtraError,
    SettingsError,
    TooManyJobsError,
)
from crnn_ocr.jobs.records import (
    MOST_ATTEMPTS,
    MOST_DELIVERIES,
    FileRecord,
    Job,
    JobState,
    NewJob,
    PageRecord,
    PageState,
    Problem,
    Task,
    TaskKind,
)
from crnn_ocr.jobs.store import Beat, JobCounts
from crnn_ocr.jobs.tables.decisions import CROWD, LARGEST_PAGE, RETRY_S, checked_plan, worker_lost
from crnn_ocr.jobs.tables.encoding import (
    decode_problem,
    decode_request,
    encode,
    encode_problem,
    encode_request,
)

if TYPE_CHECKING:
    from redis import Redis

#: Prefix of every key; the number is raised whenever the table's form changes.
NAMESPACE = "crnn-ocr:jobs:1:"
#: Seconds that Redis may be silent. A script takes milliseconds, the longest (a plan of 100,000 pages) 0.1 s.
TIMEOUT_S = 5.0

_KINDS: tuple[TaskKind, ...] = ("plan", "read", "assemble", "notify")
_PAGE_STATES: tuple[PageState, ...] = ("queued", "running", "done", "failed")
#: A page's record: state, attempts, sequence, microseconds; and where it belongs: file × _FILE + page.
_PAGE = struct.Struct(">BBII")
_FILE = 262_144
_MOST_MICROSECONDS = 2**32 - 1
#: Errors by which Redis says that it cannot write now. The client has classes for some of them alone, and up
#: to version 6 of Redis they come wrapped in others.
_STATES = ("MISCONF", "READONLY", "LOADING", "MASTERDOWN", "NOREPLICAS", "BUSY", "CLUSTERDOWN", "NOPERM")


class RedisStore:
    """The table in Redis, see `JobStore`."""

    def __init__(
        self, client: Redis, *, prefix: str = NAMESPACE, clock: Callable[[], float] | None = None
    ) -> None:
        """Use a client; nothing is sent yet.

        Args:
            client: Client of the Redis, see `connect`.
            prefix: Prefix of every key.
            clock: Returns seconds since 1970; the clock of Redis when None.
        """
        self._client = client
        self._prefix = prefix
        self._clock = clock
        self._script = client.register_script(_script())

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    # ---- for clients -------------------------------------------------------------------------------

    def create(self, new: NewJob, *, most_unfinished: int) -> tuple[Job, bool]:
        """Create a job, see `JobStore.create`."""
        if not new.files:
            raise ValueError("a job has at least one file")
        outcome, detail = self._run(
            "create",
            new.id,
            new.owner,
            "" if new.idempotency_key is None else f"={new.idempotency_key}",
            new.digest,
            encode_request(new.request),
            # What replaces it later: Lua cannot write all JSON as it was.
            encode_request(bare) if (bare := new.request.without_secrets()) != new.request else "",
            encode([[file.name, file.size] for file in new.files]),
            len(new.files),
            new.request.ttl_s,
            int(new.request.webhook is not None),
            most_unfinished,
        )
        if outcome == b"reused":
            raise IdempotencyKeyReusedError("This Idempotency-Key was used with another request.")
        if outcome == b"too many":
            raise TooManyJobsError(f"There are {detail} unfinished jobs already.", retry_after=RETRY_S)
        job = _job(detail)
        return job, job.id == new.id

    def get(self, job: str) -> Job | None:
        """Return a job, see `JobStore.get`."""
        found = self._run("get", job)
        return None if found is None else _job(found)

    def jobs(self, owner: str, *, states: Sequence[JobState] = (), limit: int = 100) -> list[Job]:
        """Return the newest jobs of an owner, see `JobStore.jobs`."""
        return [_job(found) for found in self._run("jobs", owner, limit, *states)]

    def pages(self, job: str, *, after: int = 0, limit: int = 1000) -> list[PageRecord]:
        """Return the pages of a job that changed, see `JobStore.pages`."""
        pages: list[PageRecord] = []
        following: int | None = after
        while following is not None and len(pages) < limit:
            following, found = self._run("pages", job, following, limit - len(pages))
            pages.extend(_page(*found[at : at + 3]) for at in range(0, len(found), 3))
        return pages

    def page(self, job: str, file: int, number: int) -> PageRecord | None:
        """Return a page of a job, see `JobStore.page`."""
        if file < 0 or not 1 <= number <= LARGEST_PAGE:  # the script counts bytes from the page's number
            return None
        found = self._run("page", job, file, number)
        return None if found is None else _page(*found)

    def cancel(self, job: str) -> bool:
        """Cancel a job, see `JobStore.cancel`."""
        return bool(self._run("cancel", job))

    def expire(self, job: str) -> None:
        """Mark a finished job as expired, see `JobStore.expire`."""
        self._run("expire", job)

    def due(self, now: float) -> list[str]:
        """Return jobs whose time is over, see `JobStore.due`."""
        return [job.decode() for job in self._run("due", now)]

    def forget(self, before: float) -> None:
        """Delete the records of jobs that expired, see `JobStore.forget`."""
        while self._run("forget", before):
            pass

    # ---- for workers -------------------------------------------------------------------------------

    def take(self, worker: str) -> Task | None:
        """Take the next task, see `JobStore.take`."""
        lease = secrets.token_hex(16)
        taken = self._run("take", lease, worker)
        if taken is None:
            return None
        job, kind, file, attempt, pages, request, owner = taken
        return Task(
            job=job.decode(),
            lease=lease,
            kind=_KINDS[kind - 1],
            request=decode_request(request),
            owner=owner.decode(),
            file=file,
            pages=tuple(pages),
            attempt=attempt,
        )

    def beat(self, lease: str) -> bool:
        """Renew a lease, see `JobStore.beat`."""
        return bool(self._run("beat", lease))

    def plan(self, lease: str, tasks: Sequence[Sequence[int]]) -> bool:
        """End a `plan` task, see `JobStore.plan`."""
        planned = checked_plan(tasks)
        largest = max((page for pages in planned for page in pages), default=0)
        return bool(self._run("plan", lease, encode(planned), largest))

    def begin_page(self, lease: str, page: int) -> bool:
        """Count an attempt at a page, see `JobStore.begin_page`."""
        return bool(self._run("begin_page", lease, page))

    def end_page(
        self, lease: str, page: int, *, elapsed_ms: float = 0.0, problem: Problem | None = None
    ) -> bool:
        """Record the end of a page, see `JobStore.end_page`."""
        elapsed = min(max(0, round(elapsed_ms * 1000)), _MOST_MICROSECONDS)
        return bool(
            self._run("end_page", lease, page, elapsed, "" if problem is None else encode_problem(problem))
        )

    def finish(self, lease: str, *, problem: Problem | None = None) -> bool:
        """End a task, see `JobStore.finish`."""
        return bool(self._run("finish", lease, "" if problem is None else encode_problem(problem)))

    def fail(self, lease: str, problem: Problem, *, retry_after_s: float | None = None) -> bool:
        """End a task without its result, see `JobStore.fail`."""
        delay = "" if retry_after_s is None else max(0.0, retry_after_s)
        return bool(self._run("fail", lease, encode_problem(problem), delay))

    def release(self, lease: str) -> bool:
        """Give a task back, see `JobStore.release`."""
        return bool(self._run("release", lease))

    # ---- for the watcher ---------------------------------------------------------------------------

    def beats(self) -> list[Beat]:
        """Return all leases that are held."""
        return [Beat(lease.decode(), int(count)) for lease, count in _pairs(self._run("beats"))]

    def revoke(self, beat: Beat) -> bool:
        """Give the task of a lost lease out again, see `JobStore.revoke`."""
        return bool(self._run("revoke", beat.lease, beat.count))

    def counts(self) -> JobCounts:
        """Return the figures of all jobs."""
        found, oldest = self._run("counts")
        figures = {name.decode(): value for name, value in _pairs(found)}
        jobs = {name[5:]: int(value) for name, value in figures.items() if name.startswith("jobs:")}
        return JobCounts(
            jobs={cast(JobState, state): number for state, number in jobs.items() if number},
            pages={state: int(figures.get(f"p{at}", 0)) for at, state in enumerate(_PAGE_STATES, 1)},
            waiting_tasks=int(figures.get("waiting", 0)),
            oldest=float(oldest[1]) if oldest else None,
            expired_leases=int(figures.get("expired_leases", 0)),
            retries=int(figures.get("retries", 0)),
        )

    def _run(self, operation: str, *values: str | float) -> Any:
        """Run an operation of the script.

        Raises:
            JobsUnavailableError: Redis does not answer, or cannot do it now.
            JobStorageFullError: Redis has no memory left.
        """
        now = "" if self._clock is None else repr(self._clock())
        arguments = [repr(value) if isinstance(value, float) else value for value in values]
        with _translated():
            return self._script(keys=[self._prefix], args=[operation, now, *arguments])


def connect(url: str, *, setting: str = "CRNN_OCR_JOBS_REDIS_URL") -> Redis:
    """Return a client for that URL; nothing is sent yet.

    Args:
        url: URL of the Redis, which may contain a password.
        setting: Name of the setting that it comes from.

    Raises:
        SettingsError: The URL is malformed.
        MissingExtraError: The client library is not installed.
    """
    try:
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.exceptions import ConnectionError as RedisConnectionError
        from redis.retry import Retry
    except ModuleNotFoundError:
        raise MissingExtraError(
            "Jobs are to be kept in Redis, but the Python package 'redis' is not installed.",
            hint="Install it: pip install 'crnn-ocr[redis]'.",
        ) from None
    try:
        return Redis.from_url(
            url,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            # One immediate retry: a kept connection may have been closed by a Redis that was restarted. An
            # operation that is run twice so does no harm: a task taken twice is given out again.
            retry=Retry(NoBackoff(), 1, (RedisConnectionError,)),
        )
    except ValueError:
        raise SettingsError(f"{setting}: the URL is malformed") from None


def _script() -> str:
    """Return the script, with the constants that it shares with Python."""
    folder = resources.files("crnn_ocr.jobs.tables")
    parts = (folder.joinpath(f"redis_{name}.lua").read_text("utf-8") for name in ("table", "operations"))
    # A JSON string without escapes is a Lua string.
    lost = json.dumps(encode_problem(worker_lost()))
    constants = f"local CROWD, MOST_ATTEMPTS, MOST_DELIVERIES = {CROWD}, {MOST_ATTEMPTS}, {MOST_DELIVERIES}\n"
    return "".join([constants, f"local LOST = {lost}\n", *parts])


@contextmanager
def _translated() -> Iterator[None]:
    from redis.exceptions import OutOfMemoryError, RedisError, ResponseError

    try:
        yield
    except (RedisError, OSError) as error:
        text = str(error)
        if isinstance(error, OutOfMemoryError) or "OOM" in text:  # up to version 6 it comes wrapped
            raise JobStorageFullError(
                "Redis has no memory left for the table of jobs.",
                hint="Wait until jobs expire; raise `maxmemory` of the Redis that keeps the jobs.",
            ) from None
        state = next((state for state in _STATES if state in text), None)
        if type(error) is ResponseError and "user_script" in text and state is None:
            raise  # a mistake in the script
        reason = state or type(error).__name__
        raise JobsUnavailableError(
            f"Redis, which keeps the table of jobs, cannot be used: {reason}.", retry_after=5
        ) from None


def _pairs(flat: Any) -> Iterator[tuple[bytes, bytes]]:
    """Yield the pairs of a flat list, as scripts return hashes."""
    return zip(flat[::2], flat[1::2], strict=True)


def _job(found: Any) -> Job:
    """Return the job that the script's `read_job` returned."""
    flat, flat_files, length, position = found
    fields = {name.decode(): value for name, value in _pairs(flat)}
    planned = {int(file): value for file, value in _pairs(flat_files)}
    files = []
    for file, (name, size) in enumerate(json.loads(fields["files"])):
        entry = planned.get(file)
        if entry is None or not entry.startswith(b"["):
            files.append(FileRecord(file, name, size, None if entry is None else int(entry)))
        else:
            files.append(FileRecord(file, name, size, None, decode_problem(entry)))
    pages = [int(fields.get(f"p{state}", 0)) for state in range(1, 5)]
    return Job(
        id=fields["id"].decode(),
        owner=fields["owner"].decode(),
        request=decode_request(fields["request"]),
        state=cast(JobState, fields["state"].decode()),
        created=float(fields["created"]),
        started=_time(fields, "started"),
        finished=_time(fields, "finished"),
        expires=_time(fields, "expires"),
        files=tuple(files),
        pages_total=sum(pages) if len(planned) == len(files) else None,
        pages_done=pages[2],
        pages_failed=pages[3],
        sequence=int(fields.get("sequence", length)),
        position=position,
        problem=decode_problem(fields.get("problem")),
    )


def _time(fields: dict[str, bytes], name: str) -> float | None:
    return float(fields[name]) if name in fields else None


def _page(place: int, record: bytes, problem: bytes) -> PageRecord:
    """Return the page of a record."""
    state, attempts, sequence, microseconds = _PAGE.unpack(record)
    return PageRecord(
        file=place // _FILE,
        number=place % _FILE,
        state=_PAGE_STATES[state - 1],
        attempts=attempts,
        sequence=sequence,
        problem=decode_problem(problem),
        elapsed_ms=microseconds / 1000,
    )
