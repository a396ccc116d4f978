"""From the second attempt on pages are read in a process of their own, whose death costs one page."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from crnn_ocr import OCR
from crnn_ocr.errors import (
    ImageDecodeError,
    JobStorageFullError,
    JobsUnavailableError,
    JobWorkerLostError,
    OcrError,
    RequestCancelledError,
)
from crnn_ocr.jobs.backends import Jobs
from crnn_ocr.jobs.files import result_key
from crnn_ocr.jobs.records import Job
from crnn_ocr.jobs.store import LEASE_S
from crnn_ocr.jobs.work import isolated
from crnn_ocr.jobs.work.isolated import (
    IsolatedProcess,
    LostError,
    error_of,
    plan_isolated,
    read_isolated,
    sent_settings,
)
from crnn_ocr.jobs.work.watcher import LOOK_S, Watcher
from crnn_ocr.jobs.work.worker import Worker
from crnn_ocr.scheduling.ticket import Ticket
from crnn_ocr.settings import Settings
from tests.imaging.pdf import made
from tests.jobs.stores import Clock
from tests.jobs.working import opened, record, result, submitted, worked_off
from tests.processes import living_children

COMMAND = (sys.executable, str(Path(__file__).with_name("poisonous.py")))
PAGES = made.written(*(made.line(f"page {n}") for n in range(1, 7)))


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Jobs]:
    monkeypatch.setenv("PYTHONPATH", ":".join(path for path in sys.path if path))
    found = opened(tmp_path / "jobs")
    yield found
    found.store.close()


@pytest.fixture
def worker(jobs: Jobs, ocr: OCR) -> Iterator[Worker]:
    found = Worker(jobs, ocr, name="here", command=COMMAND)
    yield found
    found.close()


def after_a_loss(jobs: Jobs, worker: Worker, data: bytes = PAGES, *, page: int = 3) -> str:
    """Submit a job and lose a worker that was reading a page."""
    job = submitted(jobs, ("a.pdf", data))
    assert worker.run_one()  # plans
    assert worker.run_one()  # the first page
    task = jobs.store.take("doomed")
    assert task is not None
    assert page in task.pages
    assert jobs.store.begin_page(task.lease, page)
    revoked(jobs)
    return job


def revoked(jobs: Jobs) -> None:
    """Let the watcher find all leases lost."""
    clock = Clock()
    watcher = Watcher(jobs, clock=clock)
    for _ in range(round(LEASE_S / LOOK_S) + 2):
        watcher.look()
        clock.now += LOOK_S


def texts(jobs: Jobs, job: str) -> list[str]:
    return [page["text"] for page in result(jobs, job)["pages"]]


def test_what_was_read_when_a_worker_was_lost_is_read_apart(jobs: Jobs, worker: Worker, ocr: OCR) -> None:
    job = after_a_loss(jobs, worker)
    assert worked_off(jobs, worker, job).state == "succeeded"
    whole = ocr.read(PAGES)
    assert texts(jobs, job) == [page.text for page in whole.pages]
    assert {page.number: page.attempts for page in jobs.store.pages(job)}[3] == 2
    assert not living_children() or all("poisonous" not in child.name() for child in living_children())


def test_a_poisonous_page_fails_alone(jobs: Jobs, worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POISON", "3")
    job = after_a_loss(jobs, worker)
    found = worked_off(jobs, worker, job)
    assert (found.state, found.pages_done, found.pages_failed) == ("partial", 5, 1)
    failed = [page for page in jobs.store.pages(job) if page.state == "failed"]
    assert [(page.number, page.attempts) for page in failed] == [(3, 2)]
    assert failed[0].problem is not None
    assert failed[0].problem.code == "JOB_WORKER_LOST"
    pages = result(jobs, job)["pages"]
    assert [page["number"] for page in pages if page["error"] is not None] == [3]
    assert pages[2]["error"]["code"] == "JOB_WORKER_LOST"


def test_a_file_that_kills_whoever_opens_it_fails_with_a_reason(
    jobs: Jobs, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POISON", "0")
    job = submitted(jobs, ("a.pdf", PAGES))
    assert jobs.store.take("doomed") is not None
    revoked(jobs)
    found = worked_off(jobs, worker, job)
    assert found.state == "failed"
    assert found.files[0].problem is not None
    assert found.files[0].problem.code == "JOB_WORKER_LOST"


def test_a_file_whose_worker_was_lost_is_planned_apart(jobs: Jobs, worker: Worker) -> None:
    job = submitted(jobs, ("a.pdf", PAGES))
    assert jobs.store.take("doomed") is not None
    revoked(jobs)
    assert worked_off(jobs, worker, job).pages_done == 6


def test_a_page_that_hangs_is_ended(jobs: Jobs, worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANG", "3")
    monkeypatch.setattr(isolated, "PAGE_SHARE", 0.5 / jobs.settings.jobs_task_timeout_s)
    job = after_a_loss(jobs, worker)
    assert worked_off(jobs, worker, job).pages_failed == 1


def test_cancelling_ends_the_process(jobs: Jobs, worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANG", "3")
    job = after_a_loss(jobs, worker)
    cancelled = threading.Event()

    def cancel() -> None:
        while not any("poisonous" in " ".join(child.cmdline()) for child in living_children()):
            cancelled.wait(0.05)
        jobs.store.cancel(job)

    thread = threading.Thread(target=cancel)
    thread.start()
    while record(jobs, job).state != "cancelled":
        worker.run_one()
    thread.join(60)
    assert not [child for child in living_children() if "poisonous" in " ".join(child.cmdline())]


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        ("memory", OcrError, "more memory"),
        ("disk", JobStorageFullError, "full"),
        ("bug", OcrError, "ZeroDivisionError"),
    ],
)
def test_a_process_that_fails_says_why(
    jobs: Jobs, worker: Worker, monkeypatch: pytest.MonkeyPatch, fault: str, kind: type[OcrError], words: str
) -> None:
    monkeypatch.setenv("FAIL", fault)
    with pytest.raises(kind, match=words) as caught:
        IsolatedProcess(_first(jobs), Ticket(), COMMAND)
    assert type(caught.value) is kind


@pytest.mark.parametrize("do", [plan_isolated, read_isolated])
def test_a_file_that_is_missing_is_told_as_elsewhere(jobs: Jobs, ocr: OCR, do: Callable[..., Any]) -> None:
    job = submitted(jobs, ("a.pdf", PAGES))
    task = jobs.store.take("here")
    assert task is not None
    jobs.files.delete_job(job)
    with pytest.raises(JobsUnavailableError, match="missing"):
        do(jobs, ocr, task, Ticket(), COMMAND)


def test_the_process_is_the_first_to_be_killed_and_limits_its_memory(jobs: Jobs, worker: Worker) -> None:
    with IsolatedProcess(_first(jobs), Ticket(), COMMAND) as process:
        pid = process._process.pid
        assert Path(f"/proc/{pid}/oom_score_adj").read_text(encoding="ascii").strip() == "1000"
        found = psutil.Process(pid)
        soft, _ = found.rlimit(psutil.RLIMIT_AS)
        assert 0 < soft - found.memory_info().vms <= 1024 * 1024 * 1024
        assert found.nice() > psutil.Process().nice() or found.nice() == 19
        answer, data = process.ask({"page": 1}, 60.0)
        assert answer["problem"] is None
        assert data
    assert not psutil.pid_exists(pid) or not found.is_running()


def _first(jobs: Jobs) -> dict[str, Any]:
    return {
        "do": "read",
        "settings": sent_settings(jobs.settings),
        "active": {},
        "threads": 1,
        "path": str(_stored(jobs)),
        "request": "[{},[],null,60]",
        "chars": False,
    }


def _stored(jobs: Jobs) -> Path:
    path = Path(str(jobs.settings.jobs_dir)) / "one.pdf"
    path.write_bytes(PAGES)
    return path


@pytest.mark.parametrize("command", [("false",), ("true",), ("echo", "no frame"), ("cat",)])
def test_programs_that_answer_nonsense_are_lost(command: tuple[str, ...]) -> None:
    with pytest.raises((LostError, KeyError, OcrError)):
        IsolatedProcess({"do": "read", "code": "?", "message": "?", "hint": ""}, Ticket(), command)


def test_a_ticket_that_is_cancelled_ends_the_wait() -> None:
    ticket = Ticket()
    threading.Timer(0.1, ticket.cancel).start()
    with pytest.raises(RequestCancelledError):
        IsolatedProcess({"do": "read"}, ticket, ("sleep", "60"))


def test_errors_keep_their_kinds() -> None:
    error = ImageDecodeError("It is damaged.", hint="Save it again.")
    found = error_of({"code": error.code, "message": error.message, "hint": error.hint})
    assert (type(found), found.message, found.hint) == (ImageDecodeError, error.message, error.hint)
    assert isinstance(error_of({"code": "JOB_WORKER_LOST", "message": "x", "hint": ""}), JobWorkerLostError)
    assert type(error_of({"code": "??", "message": "x", "hint": ""})) is OcrError


def test_no_secret_is_sent_and_settings_come_back() -> None:
    settings = Settings.model_validate(
        {"redis_url": "redis://:secret@host/0", "jobs_dir": "/srv/jobs", "api_keys": ("a:b",), "pdf_dpi": 150}
    )
    sent = sent_settings(settings)
    assert "secret" not in str(sent)
    assert Settings(**sent).pdf_dpi == 150
    assert Settings(**sent).jobs_dir == Path("/srv/jobs")


def test_the_real_program_assembles(jobs: Jobs, ocr: OCR, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crnn_ocr.jobs.work.worker.MOST_PAGES_HERE", 1)
    worker = Worker(jobs, ocr, name="here")
    job = submitted(jobs, ("a.pdf", PAGES), formats=["markdown", "pdf"])
    found: Job = worked_off(jobs, worker, job)
    assert found.state == "succeeded"
    assert jobs.files.get(result_key(job, "pdf")).startswith(b"%PDF")
    worker.close()
