"""Kills everything that jobs with Celery consist of, in turn, while they run: is anything lost or done twice?

    python -m benchmarks.jobs.celery [--pages 1000] [--workers 4] [--every 20]

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
import itertools
import json
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from benchmarks.jobs.celery_lab import Lab, Part, document, number_of
from crnn_ocr.errors import OcrError
from crnn_ocr.jobs.records import PageRecord

#: Pages of each job: several jobs share the workers.
JOB_PAGES = 100
#: What is to be reached: kills that a run survives, and seconds until a page is in hand again.
_LEAST_KILLS, _RECOVERY_S = 4, 15.0
_POLL_S = 0.25


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
        *(["no page was seen that a killed worker had begun"] if not recoveries else []),
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
