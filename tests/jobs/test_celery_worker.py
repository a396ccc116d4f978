"""Real workers of Celery on a real table in Redis: they read, and nothing is lost whatever is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from benchmarks.harness.ports import free_port
from benchmarks.jobs.celery import Trouble, mistakes
from benchmarks.jobs.celery_lab import Lab, LabError, Part, document

from crnn_ocr.cli import main
from crnn_ocr.jobs.messaging.redis_check import shortcomings
from tests.jobs.rabbitmq_server import running_rabbitmq

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

#: Nothing here waits for a certain time: this only ends a test that would hang.
LIMIT_S = 600


def eventually(condition: Callable[[], object], limit_s: float = LIMIT_S) -> None:
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def started(folder: Path, **given: Any) -> Lab:
    try:
        return Lab(folder, **given).__enter__()
    except LabError as error:
        if "not installed" in str(error):
            pytest.skip(str(error))
        raise


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Start Redis, a service and a worker."""
    running = started(tmp_path_factory.mktemp("lab"), workers=1)
    try:
        yield running
    finally:
        running.__exit__()


@pytest.fixture(scope="module")
def read(lab: Lab) -> str:
    """Return what `POST /ocr` reads on page 1 of document 0."""
    status, answer = lab.ask("POST", "/ocr", document(0, 1), {"Content-Type": "application/pdf"})
    assert status == 200
    return str(json.loads(answer)["text"])


def finished(lab: Lab, job: str) -> bool:
    state = lab.state(job)
    return state is not None and state["finished"] is not None


def pages_done(lab: Lab, job: str) -> int:
    state = lab.state(job)
    return 0 if state is None else int(state["pages_done"])


def attempts(lab: Lab, job: str) -> list[int]:
    return [page.attempts for page in lab.store.pages(job)]


# ---- what it does -----------------------------------------------------------------------------------


def test_a_job_is_read_as_a_request_is(lab: Lab, read: str) -> None:
    job = lab.submit("a.pdf", document(0, 5), formats="markdown")
    eventually(lambda: finished(lab, job))
    assert mistakes(lab, {job: (0, 5)}, read) == []
    assert b"Invoice" in lab.result(job, "markdown")
    assert attempts(lab, job) == [1] * 5
    assert lab.store.counts().waiting_tasks == 0
    log = lab.workers[0].log.read_text()
    assert all(line.startswith("{") for line in log.splitlines() if '"logger"' in line)
    assert '"ready for jobs"' in log


def test_metrics_tell_of_the_table(lab: Lab) -> None:
    def values() -> dict[str, float]:
        text = lab.ask("GET", "/metrics")[1].decode()
        rows = [row.rsplit(" ", 1) for row in text.splitlines() if row.startswith("crnn_ocr_job")]
        return {name: float(value) for name, value in rows}

    eventually(lambda: values()['crnn_ocr_jobs{state="succeeded"}'] >= 1)
    found = values()
    assert found["crnn_ocr_jobs_failing"] == found["crnn_ocr_job_tasks_waiting"] == 0
    assert found["crnn_ocr_job_files_limit_bytes"] > found["crnn_ocr_job_files_bytes"] > 0


# ---- what is killed ---------------------------------------------------------------------------------


def test_a_page_whose_process_was_killed_is_read_again(lab: Lab, read: str) -> None:
    job = lab.submit("b.pdf", document(1, 12))
    eventually(lambda: pages_done(lab, job) >= 1)
    eventually(lambda: lab.store.beats() and lab.workers[0].children())
    for child in lab.workers[0].children():
        child.kill()
    eventually(lambda: finished(lab, job))
    assert mistakes(lab, {job: (1, 12)}, read) == []
    assert max(attempts(lab, job)) <= 2


def test_a_killed_worker_and_a_killed_service_lose_nothing(lab: Lab, read: str) -> None:
    job = lab.submit("c.pdf", document(2, 12))
    trouble = Trouble(lab)
    eventually(lambda: pages_done(lab, job) >= 1)
    assert [trouble.strike(), trouble.strike()] == ["worker-0", "service"]
    lab.wait_for_service()
    eventually(lambda: finished(lab, job))
    assert mistakes(lab, {job: (2, 12)}, read) == []


def test_a_killed_redis_loses_nothing_and_is_found_again(lab: Lab, read: str) -> None:
    job = lab.submit("d.pdf", document(3, 12))
    eventually(lambda: pages_done(lab, job) >= 1)
    lab.redis.kill()
    before = {path.name for path in (lab.folder / "jobs" / "files").iterdir()}
    boundary = "x"
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="e.pdf"\r\n\r\n'.encode()
        + document(4, 1)
        + f"\r\n--{boundary}--\r\n".encode()
    )
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    status, answer = lab.ask("POST", "/jobs", body, headers)
    assert (status, json.loads(answer)["error"]["code"]) == (503, "JOBS_UNAVAILABLE")
    status, _ = lab.ask("POST", "/ocr", document(4, 1), {"Content-Type": "application/pdf"})
    assert status == 200, "reading without jobs goes on"
    lab.redis.start()
    eventually(lambda: finished(lab, job))
    assert mistakes(lab, {job: (3, 12)}, read) == []
    # Where it could not be told whether the job was made, its files wait for the watcher; there is no job.
    assert len({path.name for path in (lab.folder / "jobs" / "files").iterdir()} - before) <= 1
    listed = json.loads(lab.ask("GET", "/jobs")[1])["jobs"]
    assert "e.pdf" not in json.dumps(listed)


def test_a_worker_that_is_told_to_stop_gives_its_task_back(lab: Lab, read: str) -> None:
    lost = lab.store.counts().expired_leases
    job = lab.submit("f.pdf", document(5, 20))
    eventually(lambda: pages_done(lab, job) >= 2)
    assert lab.workers[0].stop(LIMIT_S) == 0
    assert lab.store.beats() == []
    assert not finished(lab, job)
    lab.workers[0].start()
    eventually(lambda: finished(lab, job))
    assert mistakes(lab, {job: (5, 20)}, read) == []
    assert lab.store.counts().expired_leases == lost
    assert max(attempts(lab, job)) == 1


# ---- what belongs to Celery -------------------------------------------------------------------------


def test_celerys_own_command_line_and_flower_know_the_worker(lab: Lab, read: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "celery", "-A", "crnn_ocr.jobs.celery_app"]
    environment = lab.workers[0].environment
    lab.workers[0].stop(LIMIT_S)
    theirs = Part("theirs", [*command, "worker", "-n", "theirs@here"], environment, tmp_path / "theirs.log")
    port = free_port()
    flower = Part(
        "flower",
        [*command, "flower", f"--port={port}", "--address=127.0.0.1"],
        {**environment, "FLOWER_UNAUTHENTICATED_API": "true"},
        tmp_path / "flower.log",
    )
    theirs.start()
    flower.start()
    try:
        job = lab.submit("g.pdf", document(6, 3))
        eventually(lambda: finished(lab, job))
        assert mistakes(lab, {job: (6, 3)}, read) == []
        asked = subprocess.run(
            [*command, "inspect", "ping", "--timeout", "60", "-d", "theirs@here"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "theirs@here: OK" in asked.stdout, asked.stdout + asked.stderr

        def shown() -> dict[str, Any]:
            with (
                suppress(OSError),
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api/workers?refresh=1", timeout=30) as told,
            ):
                found: dict[str, Any] = json.load(told)
                return found
            return {}

        eventually(lambda: "theirs@here" in shown())
        assert "crnn_ocr.jobs.work" in shown()["theirs@here"]["registered"]
    finally:
        flower.kill()
        theirs.kill()
        lab.workers[0].start()


def test_rabbitmq_calls_the_workers_as_well(tmp_path: Path, lab: Lab, read: str) -> None:
    with running_rabbitmq(tmp_path) as url:
        folder = tmp_path / "lab"
        folder.mkdir()
        running = started(folder, workers=1, broker=url)
        try:
            job = running.submit("h.pdf", document(7, 10))
            eventually(lambda: pages_done(running, job) >= 1)
            for child in running.workers[0].children():
                child.kill()
            eventually(lambda: finished(running, job))
            assert mistakes(running, {job: (7, 10)}, read) == []
        finally:
            running.__exit__()


# ---- how it starts ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "CRNN_OCR_JOBS is embedded"),
        ({"JOBS": "celery"}, "there is no Redis for the table of jobs"),
        (
            {"JOBS": "celery", "JOBS_REDIS_URL": "http://h"},
            "CRNN_OCR_JOBS_REDIS_URL: the URL must begin with",
        ),
        (
            {"JOBS": "celery", "JOBS_REDIS_URL": "redis://h:x/0"},
            "CRNN_OCR_JOBS_REDIS_URL: the URL is malformed",
        ),
        ({"JOBS": "celery", "JOBS_REDIS_URL": "redis://h", "MODEL": "none-such"}, "MODEL_NOT_FOUND"),
    ],
)
def test_wrong_settings_end_the_start_with_a_message(
    settings: dict[str, str],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(f"CRNN_OCR_{name}", value)
    assert main(["worker"]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("number", ["0", "-1", "65", "two"])
def test_a_number_of_processes_that_makes_no_sense_is_refused(
    number: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["worker", "--concurrency", number])
    assert caught.value.code == 2
    assert "is not a number from 1 to 64" in capsys.readouterr().err


def test_a_redis_that_forgets_is_remarked_on() -> None:
    assert shortcomings({"maxmemory_policy": "noeviction", "aof_enabled": 1}) == []
    remarks = shortcomings({"maxmemory_policy": "allkeys-lru", "aof_enabled": 0})
    assert ["noeviction" in remark or "appendonly" in remark for remark in remarks] == [True, True]


def test_one_command_runs_redis_service_and_worker(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CRNN_OCR_")}
    port = free_port()
    environment = {**kept, "XDG_STATE_HOME": str(tmp_path), "CRNN_OCR_PORT": str(port)}
    lab = Lab(tmp_path, workers=0)
    lab.port = port
    command = Part(
        "all", [sys.executable, str(root / "scripts" / "run-redis")], environment, tmp_path / "log"
    )
    command.start()
    try:
        try:
            lab.wait_for_service()
        except LabError:
            if "redis-server is not installed" in (tmp_path / "log").read_text():
                pytest.skip("redis-server is not installed (Debian: redis-server)")
            raise
        job = lab.submit("i.pdf", document(8, 2))
        eventually(lambda: finished(lab, job))
        assert (tmp_path / "crnn-ocr" / "redis" / "appendonlydir").is_dir()
        children = command.children()
        assert len(children) == 3
        assert command.process is not None
        command.process.send_signal(signal.SIGINT)
        assert command.process.wait(LIMIT_S) == 0
        assert not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children)
    finally:
        for child in command.children():
            child.terminate()
        command.kill()
