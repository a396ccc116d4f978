"""Kills everything that jobs with Celery consist of, in turn, while they run: is anything lost or done twice?

    python -m benchmarks.jobs_celery [--pages 1000] [--workers 4] [--every 20] [--rounds N]

A real Redis, a service and workers, each a process of its own on this machine. Jobs of many pages, each of
which shows a number of its own, are sent. Every 20 seconds one part is killed with SIGKILL and started again:
a worker with all its processes, a process of a worker's pool, the service, Redis. At the end every job must
have succeeded, and its result must hold every number once, in order, with the text that `POST /ocr` reads.

How long a page was in nobody's hands is told, too: from the death of its worker until another one begins it.
Times are of the clock; where other programs compute on the machine, they are longer than they would be.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from PIL import Image, ImageDraw, ImageFont

from crnn_ocr.errors import OcrError
from crnn_ocr.jobs.records import PageRecord
from crnn_ocr.jobs.redis_store import RedisStore, connect

#: Pages of each job: several jobs share the workers.
JOB_PAGES = 100
_START_S = 120.0
#: What is to be reached: kills that a run survives, and seconds until a page is in hand again.
_LEAST_KILLS, _RECOVERY_S = 4, 15.0
_POLL_S = 0.25


class LabError(Exception):
    """The parts did not start; the message says which."""


# ---- material ---------------------------------------------------------------------------------------


def number_of(job: int, page: int) -> str:
    """Return the number that a page shows."""
    return f"{7_000_000 + job * 10_000 + page}"


def document(job: int, pages: int) -> bytes:
    """Make a PDF whose pages are pictures, each with a number of its own."""
    font = ImageFont.load_default(size=44)
    pictures = []
    for page in range(1, pages + 1):
        picture = Image.new("L", (640, 200), 255)
        draw = ImageDraw.Draw(picture)
        draw.text((40, 30), f"Invoice {number_of(job, page)}", font=font, fill=0)
        draw.text((40, 110), "Total 1,250.00 EUR", font=font, fill=0)
        pictures.append(picture)
    stream = io.BytesIO()
    pictures[0].save(stream, "PDF", save_all=True, append_images=pictures[1:], resolution=96)
    return stream.getvalue()


# ---- processes --------------------------------------------------------------------------------------


def free_port() -> int:
    """Return a port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Part:
    """A program of the laboratory, which can be killed and started again.

    Attributes:
        name: Its name.
        command: How it is started.
        environment: Its variables.
        log: File to which it writes.
    """

    name: str
    command: Sequence[str]
    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, in a session of its own."""
        with self.log.open("ab") as stream:
            self.process = subprocess.Popen(
                self.command, env=self.environment, stdout=stream, stderr=stream, start_new_session=True
            )

    def kill(self) -> None:
        """Kill it and all of its processes, as a machine that loses its power."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def stop(self, limit_s: float = 60) -> int:
        """Ask it to end, and return its status."""
        assert self.process is not None
        self.process.terminate()
        try:
            return self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def children(self) -> list[psutil.Process]:
        """Return the processes that it has started."""
        assert self.process is not None
        with contextlib.suppress(psutil.NoSuchProcess):
            return [child for child in psutil.Process(self.process.pid).children() if child.is_running()]
        return []


class Lab:
    """A Redis, a service and workers. A context manager: at its end all of them are killed."""

    def __init__(self, folder: Path, *, workers: int, broker: str | None = None, **settings: str) -> None:
        """Prepare; nothing is started yet.

        Args:
            folder: Where Redis, the jobs and the logs lie.
            workers: Number of workers, one process each.
            broker: URL of another broker than that Redis.
            settings: Further settings by name, for all of them.
        """
        self.folder = folder
        redis_port, self.port = free_port(), free_port()
        self.redis_url = f"redis://127.0.0.1:{redis_port}/0"
        given = {
            "jobs": "celery",
            "jobs_redis_url": self.redis_url,
            "jobs_dir": str(folder / "jobs"),
            "port": str(self.port),
            "threads": "1",
            "log_format": "json",
            **({} if broker is None else {"jobs_broker_url": broker}),
            **settings,
        }
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CRNN_OCR_")}
        environment = {**kept, **{f"CRNN_OCR_{name.upper()}": value for name, value in given.items()}}
        program = [sys.executable, "-m", "crnn_ocr"]
        redis = [
            *("redis-server", "--port", str(redis_port), "--bind", "127.0.0.1", "--dir", str(folder)),
            *("--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
            *("--maxmemory-policy", "noeviction"),
        ]
        self.redis = Part("redis", redis, environment, folder / "redis.log")
        self.service = Part("service", [*program, "serve"], environment, folder / "service.log")
        self.workers = [
            Part(
                f"worker-{at}",
                [*program, "worker", "--name", str(at)],
                environment,
                folder / f"worker-{at}.log",
            )
            for at in range(workers)
        ]

    @property
    def store(self) -> RedisStore:
        """The table."""
        return RedisStore(connect(self.redis_url))

    def __enter__(self) -> Lab:
        if shutil.which("redis-server") is None:
            raise LabError("redis-server is not installed (Debian: redis-server)")
        for part in (self.redis, self.service, *self.workers):
            part.start()
        self.wait_for_service()
        return self

    def __exit__(self, *_: object) -> None:
        for part in (*self.workers, self.service, self.redis):
            part.kill()

    def wait_for_service(self) -> None:
        """Wait until the service answers.

        Raises:
            LabError: It does not.
        """
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                if self.ask("GET", "/readyz")[0] == 200:
                    return
            time.sleep(0.2)
        raise LabError(f"the service did not start: {self.service.log.read_text()}")

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Send a request; return status and body.

        Raises:
            OSError: There was no answer.
        """
        url = f"http://127.0.0.1:{self.port}{path}"
        request = urllib.request.Request(url, body, headers or {}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def submit(self, name: str, content: bytes, **fields: str) -> str:
        """Make a job of a file, and return its id; as often as it takes, with the same key."""
        boundary = uuid.uuid4().hex
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'.encode()
            for field, value in fields.items()
        ]
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        body = b"".join([*parts, head.encode(), content, f"\r\n--{boundary}--\r\n".encode()])
        headers = {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Idempotency-Key": uuid.uuid4().hex,
        }
        while True:
            with contextlib.suppress(OSError):
                status, answer = self.ask("POST", "/jobs", body, headers)
                if status in (200, 202):
                    return str(json.loads(answer)["id"])
                if status not in (429, 503):
                    raise LabError(f"POST /jobs: {status} {answer.decode()}")
            time.sleep(0.5)

    def state(self, job: str) -> dict[str, Any] | None:
        """Return what the service tells of a job; None if it does not answer now."""
        with contextlib.suppress(OSError):
            status, answer = self.ask("GET", f"/jobs/{job}")
            if status == 200:
                found: dict[str, Any] = json.loads(answer)
                return found
            if status not in (503, 504):
                raise LabError(f"GET /jobs/{job}: {status} {answer.decode()}")
        return None

    def result(self, job: str, form: str) -> bytes:
        """Return a result of a finished job."""
        status, answer = self.ask("GET", f"/jobs/{job}/result?format={form}")
        if status != 200:
            raise LabError(f"result of {job}: {status} {answer.decode()}")
        return answer


# ---- trouble ----------------------------------------------------------------------------------------


@dataclass
class Trouble:
    """Kills one part after the other.

    Attributes:
        killed: What was killed, and when, in seconds on the monotonic clock.
    """

    lab: Lab
    killed: list[tuple[str, float]] = field(default_factory=list)
    _turn: Iterator[int] = field(default_factory=itertools.count)

    def strike(self) -> str:
        """Kill the next part and start it again; return what it was."""
        turn = next(self._turn)
        worker = self.lab.workers[turn // 2 % len(self.lab.workers)]
        kinds = (self._worker, self._service, self._process, self._redis)
        name = kinds[turn % len(kinds)](worker)
        self.killed.append((name, time.monotonic()))
        return name

    def _worker(self, worker: Part) -> str:
        worker.kill()
        worker.start()
        return worker.name

    def _process(self, worker: Part) -> str:
        for child in worker.children():
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        return f"process of {worker.name}"

    def _service(self, _worker: Part) -> str:
        self.lab.service.kill()
        self.lab.service.start()
        return "service"

    def _redis(self, _worker: Part) -> str:
        self.lab.redis.kill()
        self.lab.redis.start()
        return "redis"


@dataclass
class Watch:
    """Sees how long pages whose worker was killed are in nobody's hands.

    Attributes:
        recoveries: Seconds from the death of a worker until a page that was being read then was begun again.
    """

    lab: Lab
    recoveries: list[float] = field(default_factory=list)
    _after: dict[str, int] = field(default_factory=dict)
    _running: dict[tuple[str, int], int] = field(default_factory=dict)
    _lost: dict[tuple[str, int], tuple[int, float]] = field(default_factory=dict)

    def look(self, jobs: Sequence[str]) -> None:
        """Read the pages that have changed; a Redis that is away tells nothing."""
        with contextlib.suppress(OcrError):
            for job in jobs:
                for page in self.lab.store.pages(job, after=self._after.get(job, 0)):
                    self._after[job] = page.sequence
                    self._see((job, page.number), page)

    def strike(self, name: str) -> None:
        """Note that something was killed: whatever is being read may have lost its worker."""
        if name.startswith(("worker", "process")):
            self._lost |= {key: (attempts, time.monotonic()) for key, attempts in self._running.items()}

    def _see(self, key: tuple[str, int], page: PageRecord) -> None:
        if page.state == "running":
            self._running[key] = page.attempts
        else:
            self._running.pop(key, None)
        attempts, at = self._lost.get(key, (0, 0.0))
        if attempts and page.attempts > attempts:
            self.recoveries.append(time.monotonic() - at)
        if attempts and (page.attempts > attempts or page.state in ("done", "failed")):
            del self._lost[key]


# ---- the measurement --------------------------------------------------------------------------------


def mistakes(lab: Lab, jobs: dict[str, tuple[int, int]], read: str) -> list[str]:
    """Return what is wrong with the results of jobs.

    Args:
        lab: The laboratory.
        jobs: Number and pages of each job, by its id.
        read: The text of page 1 of job 0, as `POST /ocr` reads it.
    """
    found = []
    for job, (number, pages) in jobs.items():
        state = lab.state(job) or {}
        if (state.get("state"), state.get("pages_done")) != ("succeeded", pages):
            found.append(f"job {number}: {state.get('state')}, {state.get('pages_done')} of {pages} pages")
            continue
        shown = re.findall(r"7\d{6}", lab.result(job, "text").decode())
        wanted = [number_of(number, page) for page in range(1, pages + 1)]
        if shown != wanted:
            missing, twice = set(wanted) - set(shown), [each for each in shown if shown.count(each) > 1]
            found.append(f"job {number}: missing {sorted(missing)}, more than once {sorted(set(twice))}")
        text = json.loads(lab.result(job, "json"))["pages"][0]["text"]
        if text != read.replace(number_of(0, 1), number_of(number, 1)):
            found.append(f"job {number}: page 1 is {text!r}, POST /ocr reads {read!r}")
    return found


def run(
    lab: Lab, *, pages: int, every_s: float, limit_s: float, job_pages: int = JOB_PAGES
) -> dict[str, Any]:
    """Send jobs, kill parts until all are finished, and return the figures.

    Args:
        lab: The laboratory, started.
        pages: Pages of all jobs together.
        every_s: Seconds between two deaths.
        limit_s: Seconds after which it is given up.
        job_pages: Pages of each job.
    """
    headers = {"Content-Type": "application/pdf"}
    read = json.loads(lab.ask("POST", "/ocr", document(0, 1), headers)[1])["text"]
    trouble = Trouble(lab)
    watch = Watch(lab)
    jobs: dict[str, tuple[int, int]] = {}
    for number, begin in enumerate(range(0, pages, job_pages)):
        count = min(job_pages, pages - begin)
        jobs[lab.submit(f"{number}.pdf", document(number, count))] = (number, count)
    started = struck = time.monotonic()
    waiting = set(jobs)
    while waiting and time.monotonic() - started < limit_s:
        watch.look(list(jobs))
        if time.monotonic() - struck >= every_s:
            struck = time.monotonic()
            name = trouble.strike()
            watch.strike(name)
            print(f"{struck - started:6.0f} s: {name} killed, {len(waiting)} jobs to do", flush=True)
        for job in list(waiting):
            state = lab.state(job)
            if state is not None and state["finished"] is not None:
                waiting.discard(job)
        time.sleep(_POLL_S)
    lab.wait_for_service()
    return {
        "pages": pages,
        "jobs": len(jobs),
        "unfinished": len(waiting),
        "killed": [name for name, _ in trouble.killed],
        "mistakes": mistakes(lab, jobs, read),
        "recoveries_s": sorted(round(seconds, 1) for seconds in watch.recoveries),
        "seconds": round(time.monotonic() - started, 1),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; the status is 1 if anything went wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pages", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--every", type=float, default=20, metavar="SECONDS")
    parser.add_argument("--limit", type=float, default=3600, metavar="SECONDS")
    args = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, Lab(Path(folder), workers=args.workers) as lab:
        found = run(lab, pages=args.pages, every_s=args.every, limit_s=args.limit)
    recoveries = found["recoveries_s"]
    print(json.dumps(found, indent=2))
    if recoveries:
        print(f"recovery: median {statistics.median(recoveries)} s, longest {max(recoveries)} s")
    wrong = [
        *(["pages are lost or come twice"] if found["mistakes"] or found["unfinished"] else []),
        *(["killed too seldom: take more pages"] if len(found["killed"]) < _LEAST_KILLS else []),
        *(
            [f"a recovery took more than {_RECOVERY_S:g} s"]
            if max(recoveries, default=0) > _RECOVERY_S
            else []
        ),
    ]
    for sentence in wrong:
        print(f"WRONG: {sentence}")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
