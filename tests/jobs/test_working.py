"""Workers do the tasks of jobs: what they write is what the engine reads, and their errors are told."""

from __future__ import annotations

import errno
import io
import json
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import pytest

from crnn_ocr import OCR, ReadOptions
from crnn_ocr.document import Document
from crnn_ocr.errors import (
    ImageDecodeError,
    InvalidOptionError,
    JobStorageFullError,
    MissingExtraError,
    PdfPasswordError,
    UnsupportedImageError,
    WebhookFailedError,
)
from crnn_ocr.export import FORMATS, WriteOptions, to_json
from crnn_ocr.export.files import single_file
from crnn_ocr.jobs.backends import Jobs
from crnn_ocr.jobs.files import page_key, result_key
from crnn_ocr.jobs.records import MOST_ATTEMPTS, Task
from crnn_ocr.jobs.results import PROBLEMS, decode_problems, unique_stems
from crnn_ocr.jobs.work import worker as worker_module
from crnn_ocr.jobs.work.assembling import assemble, read_document
from crnn_ocr.jobs.work.tasks import LONGEST_RETRY_S, RETRY_S, reading_options, wait_after
from crnn_ocr.jobs.work.worker import Beside, Worker
from crnn_ocr.scheduling.ticket import Ticket
from tests.engine.test_page_readings import DOCUMENTS, tiff
from tests.full_disks import without_temporary_folder
from tests.imaging.pdf import made
from tests.jobs.working import opened, record, result, submitted, worked_off

SHORT = made.written(made.lines(["Heading", "Running text."]))
BOOK = made.written(*(made.lines([f"{n} Heading", f"Running text of page {n}"]) for n in range(1, 31)))


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    found = opened(tmp_path / "jobs")
    yield found
    found.store.close()


@pytest.fixture
def worker(jobs: Jobs, ocr: OCR) -> Iterator[Worker]:
    found = Worker(jobs, ocr, name="here")
    yield found
    found.close()


def document_of(jobs: Jobs, job: str, file: int = 0) -> Document:
    request = record(jobs, job).request
    records = [page for page in jobs.store.pages(job) if page.file == file]
    return read_document(jobs, job, request, records, reading_options(request))


# ---- what is written ---------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", ["lines", "blocks"])
@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_job_gives_the_document_of_the_engine_to_the_bit(
    jobs: Jobs, worker: Worker, ocr: OCR, name: str, layout: str
) -> None:
    data = DOCUMENTS[name]
    # A format that needs characters, so that they are kept.
    job = submitted(jobs, (name, data), formats=["tsv"], options={"layout": layout})

    worked_off(jobs, worker, job)

    whole = ocr.read(data, ReadOptions.model_validate({"layout": layout}))
    assert document_of(jobs, job) == whole
    for written in ("json", "text", "tsv"):
        expected = single_file(whole, FORMATS[written], WriteOptions(name=name)).content
        assert jobs.files.get(result_key(job, written)) == expected
    failed = [page.number for page in whole.pages if page.error is not None]
    assert [page.number for page in jobs.store.pages(job) if page.state == "failed"] == failed
    assert record(jobs, job).state == ("partial" if failed else "succeeded")


def test_without_a_format_that_needs_them_no_characters_are_kept(
    jobs: Jobs, worker: Worker, ocr: OCR
) -> None:
    job = submitted(jobs, ("a.pdf", DOCUMENTS["mixed"]), formats=["docx"])
    worked_off(jobs, worker, job)
    whole = ocr.read(DOCUMENTS["mixed"], layout="blocks")
    found = document_of(jobs, job)
    assert all(not line.chars for page in found.pages for line in page.lines)
    assert to_json(found) == to_json(whole)
    assert jobs.files.get(result_key(job, "json")).decode() == to_json(whole)
    small = len(jobs.files.get(page_key(job, 0, 1)))
    other = submitted(jobs, ("a.pdf", DOCUMENTS["mixed"]), formats=["docx", "tsv"])
    worked_off(jobs, worker, other)
    assert small < len(jobs.files.get(page_key(other, 0, 1))) / 2


@pytest.mark.parametrize("fmt", ["pdf", "docx", "xlsx", "markdown", "html", "csv", "page-xml"])
def test_formats_are_those_of_a_document_that_was_read_at_once(
    jobs: Jobs, worker: Worker, ocr: OCR, fmt: str
) -> None:
    data = DOCUMENTS["mixed"]
    job = submitted(jobs, ("a.pdf", data), formats=[fmt])
    assert worked_off(jobs, worker, job).state == "succeeded"
    whole = ocr.read(data, reading_options(record(jobs, job).request))
    content = jobs.files.get(result_key(job, fmt))
    if fmt in ("pdf", "markdown", "html", "csv"):
        from crnn_ocr.imaging.opened import open_document
        from crnn_ocr.imaging.page_pictures import PagePictures
        from tests.imaging.pictures import LIMITS

        with PagePictures(lambda: open_document(data, LIMITS)) as picture:
            how = WriteOptions(original=lambda: data, picture=picture, name="a.pdf")
            assert content == single_file(whole, FORMATS[fmt], how).content
    else:  # archives that hold the time
        assert zipfile.is_zipfile(io.BytesIO(content))


def test_several_files_make_an_archive_per_format(jobs: Jobs, worker: Worker, ocr: OCR) -> None:
    files = [
        ("scan.png", DOCUMENTS["picture"]),
        ("in/scan.pdf", DOCUMENTS["texts"]),
        ("broken.pdf", b"%PDF-1.7 nothing"),
        ("../SCAN.tif", tiff("one", "two")),
    ]
    job = submitted(jobs, *files, formats=["markdown", "csv"])
    found = worked_off(jobs, worker, job)
    assert found.state == "partial"
    assert [file.pages for file in found.files] == [1, 4, None, 2]
    assert found.files[2].problem is not None
    assert found.files[2].problem.code == ImageDecodeError.code
    stems = ["scan", "scan (2)", "SCAN (3)"]
    for fmt, suffix in (("json", ".json"), ("text", ".txt"), ("markdown", ".md")):
        with zipfile.ZipFile(io.BytesIO(jobs.files.get(result_key(job, fmt)))) as archive:
            assert archive.namelist() == [stem + suffix for stem in stems]
            assert archive.testzip() is None
            if fmt == "json":
                texts = [json.loads(archive.read(name))["text"] for name in archive.namelist()]
    assert texts[1] == ocr.read(DOCUMENTS["texts"], layout="blocks").text
    with zipfile.ZipFile(io.BytesIO(jobs.files.get(result_key(job, "csv")))) as archive:
        assert archive.namelist() == []


def test_names_in_archives_are_unique_and_lead_nowhere() -> None:
    names = ["a.pdf", "b/a.png", "A.tif", "a (2).pdf", "..", "...", "c\\d.pdf", ".hidden", "/etc/passwd"]
    stems = unique_stems(names)
    assert len({stem.casefold() for stem in stems}) == len(names)
    assert stems[:2] == ["a", "a (2)"]
    assert not any("/" in stem or "\\" in stem or stem in ("", ".", "..") for stem in stems)


def test_large_jobs_are_assembled_in_a_process_of_their_own(
    jobs: Jobs, worker: Worker, ocr: OCR, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("assembled here")

    monkeypatch.setattr(worker_module, "assemble", refuse)
    job = submitted(jobs, ("book.pdf", BOOK), formats=["markdown"], options={"password": ""})
    assert worked_off(jobs, worker, job).state == "succeeded"
    whole = ocr.read(BOOK, layout="blocks")
    assert jobs.files.get(result_key(job, "json")).decode() == to_json(whole)
    assert jobs.files.get(result_key(job, "markdown")).decode().count("Running text of page") == 30


def test_options_count(jobs: Jobs, worker: Worker) -> None:
    locked = made.locked(BOOK, "secret")
    job = submitted(jobs, ("book.pdf", locked), options={"pages": "29-,3", "password": "secret"})
    assert worked_off(jobs, worker, job).state == "succeeded"
    assert [page["number"] for page in result(jobs, job)["pages"]] == [3, 29, 30]


# ---- tasks -------------------------------------------------------------------------------------------


def test_the_first_task_is_one_page_and_no_file_is_opened_twice(
    jobs: Jobs, ocr: OCR, monkeypatch: pytest.MonkeyPatch
) -> None:
    opens: list[object] = []
    really = OCR.open_pages

    def spy(self: OCR, source: Any, *args: Any, **values: Any) -> Any:
        opens.append(source)
        return really(self, source, *args, **values)

    monkeypatch.setattr(OCR, "open_pages", spy)
    worker = Worker(jobs, ocr, name="here")
    job = submitted(jobs, ("book.pdf", BOOK))
    assert worker.run_one()  # plans
    assert record(jobs, job).pages_total == 30
    assert worker.run_one()
    assert record(jobs, job).pages_done == 1
    assert worker.run_one()
    assert record(jobs, job).pages_done == 9
    worked_off(jobs, worker, job)
    assert len(opens) == 1
    worker.close()


def test_two_workers_share_a_job(jobs: Jobs, ocr: OCR) -> None:
    job = submitted(jobs, ("book.pdf", BOOK))
    workers = [Worker(jobs, ocr, name=name) for name in ("a", "b")]

    def work(worker: Worker) -> None:
        while record(jobs, job).state != "succeeded":
            worker.run_one()

    threads = [threading.Thread(target=work, args=(worker,)) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert record(jobs, job).pages_done == 30
    assert [page["text"] for page in result(jobs, job)["pages"]] == [
        f"{n} Heading\nRunning text of page {n}" for n in range(1, 31)
    ]
    for worker in workers:
        worker.close()


# ---- errors ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "options", "code"),
    [
        (b"%PDF-1.7 nothing", {}, ImageDecodeError.code),
        (b"no picture", {}, UnsupportedImageError.code),
        (BOOK, {"pages": "99"}, InvalidOptionError.code),
        (made.locked(BOOK, "secret"), {}, PdfPasswordError.code),
        (DOCUMENTS["picture"], {"unknown": 1}, InvalidOptionError.code),
    ],
)
def test_a_file_that_cannot_be_read_is_a_problem_of_the_file(
    jobs: Jobs, worker: Worker, content: bytes, options: dict[str, Any], code: str
) -> None:
    job = submitted(jobs, ("file", content), options=options)
    found = worked_off(jobs, worker, job)
    assert found.state == "failed"
    assert found.files[0].problem is not None
    assert found.files[0].problem.code == code
    assert found.files[0].problem.message


def test_more_pages_than_a_job_may_have(tmp_path: Path, ocr: OCR) -> None:
    jobs = opened(tmp_path / "jobs", jobs_max_pages=29)
    worker = Worker(jobs, ocr, name="here")
    job = submitted(jobs, ("book.pdf", BOOK))
    problem = worked_off(jobs, worker, job).files[0].problem
    assert problem is not None
    assert problem.code == "IMAGE_TOO_LARGE"
    assert "29 pages" in problem.message
    worker.close()


def test_more_pages_than_a_request_may_have_are_read(ocr: OCR, tmp_path: Path) -> None:
    texts = [f"page {n}" for n in range(1, 4)]
    jobs = opened(tmp_path / "jobs", max_pages=1, max_image_bytes=1024)
    worker = Worker(jobs, ocr, name="here")
    job = submitted(jobs, ("scan.tif", tiff(*texts)))
    assert worked_off(jobs, worker, job).pages_done == 3
    worker.close()


def test_a_model_that_does_not_exist(jobs: Jobs, worker: Worker) -> None:
    job = submitted(jobs, ("a.png", DOCUMENTS["picture"]), options={"model": "nothing"})
    assert worked_off(jobs, worker, job).state == "failed"
    problem = jobs.store.pages(job)[0].problem
    assert problem is not None
    assert problem.code == "MODEL_NOT_FOUND"


def test_an_engine_that_fails_is_a_problem_of_the_page(
    jobs: Jobs, ocr: OCR, monkeypatch: pytest.MonkeyPatch
) -> None:
    from crnn_ocr.engine import page_reader
    from crnn_ocr.engine.stage import run_stages as really

    calls: list[int] = []

    def fail_second(*args: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise ZeroDivisionError
        return really(*args)

    monkeypatch.setattr(page_reader, "run_stages", fail_second)
    worker = Worker(jobs, ocr, name="here")
    job = submitted(jobs, ("a.tif", DOCUMENTS["tiff"]))
    found = worked_off(jobs, worker, job)
    assert (found.state, found.pages_done, found.pages_failed) == ("partial", 2, 1)
    pages = result(jobs, job)["pages"]
    assert [page["error"] is None for page in pages] == [True, False, True]
    assert "ZeroDivisionError" in pages[1]["error"]["message"]
    worker.close()


def test_a_job_none_of_whose_results_may_be_stored_fails(tmp_path: Path, ocr: OCR) -> None:
    jobs = opened(tmp_path / "jobs", jobs_max_result_bytes=1024)
    worker = Worker(jobs, ocr, name="here")
    text = [f"Running text that is long enough, {n}" for n in range(40)]
    data = made.written(*(made.lines(text[at : at + 3]) for at in range(0, len(text), 3)))
    found = worked_off(jobs, worker, submitted(jobs, ("a.pdf", data)))
    assert found.state == "failed"
    assert found.problem is not None
    assert found.problem.code == "JOB_RESULT_TOO_LARGE"
    assert "as JSON" in found.problem.message
    worker.close()


def results_of(jobs: Jobs, job: str, *names: str) -> dict[str, bytes]:
    """Return the results of a job in those of the formats that it has."""
    found = {}
    for name in names:
        with suppress(KeyError):
            found[name] = jobs.files.get(result_key(job, name))
    return found


@pytest.mark.parametrize("apart", [False, True], ids=["here", "apart"])
@pytest.mark.parametrize("files", [1, 2])
def test_a_result_that_is_too_large_costs_no_other(
    tmp_path: Path, ocr: OCR, monkeypatch: pytest.MonkeyPatch, files: int, apart: bool
) -> None:
    if apart:
        monkeypatch.setenv("PYTHONPATH", ":".join(path for path in sys.path if path))
        monkeypatch.setattr(worker_module, "MOST_PAGES_HERE", 0)
    sources = [(f"{number}.pdf", SHORT) for number in range(files)]
    formats = ("docx", "markdown")
    free = opened(tmp_path / "free")
    worker = Worker(free, ocr, name="here")
    job = submitted(free, *sources, formats=formats)
    assert worked_off(free, worker, job).state == "succeeded"
    worker.close()
    whole = results_of(free, job, "docx", "markdown", "json", "text")
    most = max(1024, *(len(content) for name, content in whole.items() if name != "docx"))
    assert len(whole["docx"]) > most

    jobs = opened(tmp_path / "jobs", jobs_max_result_bytes=most)
    worker = Worker(jobs, ocr, name="here")
    job = submitted(jobs, *sources, formats=formats)
    found = worked_off(jobs, worker, job)
    worker.close()
    assert (found.state, found.pages_failed) == ("partial", 0)
    assert found.problem is not None
    assert found.problem.code == "JOB_RESULT_TOO_LARGE"
    del whole["docx"]
    assert results_of(jobs, job, "docx", "markdown", "json", "text") == whole
    assert decode_problems(jobs.files.get(result_key(job, PROBLEMS))) == {"docx": found.problem}


@pytest.mark.parametrize("error", [ValueError("?"), MemoryError(), MissingExtraError("It is missing.")])
@pytest.mark.parametrize("files", [1, 2])
def test_a_writer_that_fails_costs_no_other_format(
    jobs: Jobs, worker: Worker, monkeypatch: pytest.MonkeyPatch, files: int, error: Exception
) -> None:
    def fail(*_: Any) -> str:
        raise error

    monkeypatch.setitem(FORMATS, "markdown", replace(FORMATS["markdown"], write=fail))
    job = submitted(jobs, *[(f"{n}.pdf", SHORT) for n in range(files)], formats=["markdown", "html"])
    found = worked_off(jobs, worker, job)
    assert found.state == "partial"
    assert found.problem is not None
    assert "Markdown" in found.problem.message
    assert found.problem.code == getattr(error, "code", "INTERNAL_ERROR")
    assert set(results_of(jobs, job, "markdown", "html", "json", "text")) == {"html", "json", "text"}


def full_disk(*_: object) -> IO[bytes]:
    return Path("/dev/full").open("w+b", buffering=0)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full disk")
def test_a_disk_that_is_full_while_archives_are_written_is_told(
    jobs: Jobs, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crnn_ocr.jobs.work.tasks.RETRY_S", 0.0)
    monkeypatch.setattr("crnn_ocr.jobs.tables.decisions.MOST_ATTEMPTS", 1)
    monkeypatch.setattr(jobs.files, "temporary", full_disk)
    found = worked_off(jobs, worker, submitted(jobs, ("a.pdf", SHORT), ("b.pdf", SHORT)))
    assert found.state == "failed"
    assert found.problem is not None
    assert found.problem.code == "JOB_STORAGE_FULL"


def test_archives_need_no_folder_for_temporary_files(
    jobs: Jobs, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crnn_ocr.jobs.work.assembling._IN_MEMORY", 1)
    without_temporary_folder(monkeypatch)
    job = submitted(jobs, ("a.pdf", SHORT), ("b.pdf", SHORT))
    assert worked_off(jobs, worker, job).state == "succeeded"
    with zipfile.ZipFile(io.BytesIO(jobs.files.get(result_key(job, "text")))) as archive:
        assert archive.namelist() == ["a.txt", "b.txt"]


def test_a_disk_that_is_full_for_a_writer_is_no_problem_of_the_format(
    jobs: Jobs, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crnn_ocr.jobs.work.tasks.RETRY_S", 0.0)
    full = True
    write = FORMATS["json"].write

    def fail_once(*args: Any) -> Any:
        nonlocal full
        if full:
            full = False
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(*args)

    monkeypatch.setitem(FORMATS, "json", replace(FORMATS["json"], write=fail_once))
    monkeypatch.setattr(
        worker_module, "assemble_isolated", lambda jobs, task, ticket, _: assemble(jobs, task.job, ticket)
    )
    assert worked_off(jobs, worker, submitted(jobs, ("a.pdf", SHORT))).state == "succeeded"
    assert not full


def test_a_disk_that_becomes_full_fails_the_job_with_a_reason(
    jobs: Jobs, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crnn_ocr.jobs.work.tasks.RETRY_S", 0.0)
    monkeypatch.setattr("crnn_ocr.jobs.tables.decisions.MOST_ATTEMPTS", 2)
    full = True
    really = jobs.files.put

    def put(key: str, content: Any) -> int:
        if full and "/pages/" in key:
            raise JobStorageFullError("The disk for the files of jobs is full.")
        return really(key, content)

    job = submitted(jobs, ("a.pdf", DOCUMENTS["texts"]))
    monkeypatch.setattr(jobs.files, "put", put)
    found = worked_off(jobs, worker, job)
    assert found.state == "failed"
    assert {page.problem.code for page in jobs.store.pages(job) if page.problem} == {"JOB_STORAGE_FULL"}
    full = False
    assert worked_off(jobs, worker, submitted(jobs, ("a.pdf", DOCUMENTS["texts"]))).state == "succeeded"


def test_a_disk_that_is_full_for_a_moment_costs_nothing(
    jobs: Jobs, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crnn_ocr.jobs.work.tasks.RETRY_S", 0.0)
    really = jobs.files.put
    refused: list[str] = []

    def put(key: str, content: Any) -> int:
        if "/pages/0/3" in key and not refused:
            refused.append(key)
            raise JobStorageFullError("The disk for the files of jobs is full.")
        return really(key, content)

    job = submitted(jobs, ("a.pdf", DOCUMENTS["texts"]))
    monkeypatch.setattr(jobs.files, "put", put)
    assert worked_off(jobs, worker, job).state == "succeeded"
    assert refused


# ---- cancelling and stopping -------------------------------------------------------------------------


class Halted:
    """Stops the engine at a page until it is cancelled."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
        from crnn_ocr.jobs.work import reading

        really = reading.read_page
        self.reached = threading.Event()
        self.on = True

        def read_page(readings: Any, number: int) -> Any:
            if number == at and self.on:
                self.reached.set()
                Ticket.wait(readings._document._pages._ticket, lambda seconds: False)
            return really(readings, number)

        monkeypatch.setattr(reading, "read_page", read_page)


def test_a_cancelled_job_stops_its_worker(
    jobs: Jobs, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    halted = Halted(monkeypatch, at=3)
    job = submitted(jobs, ("a.pdf", DOCUMENTS["texts"]))
    worker.run_one()
    worker.run_one()
    thread = threading.Thread(target=worker.run_one)
    thread.start()
    assert halted.reached.wait(60)
    assert jobs.store.cancel(job)
    thread.join(60)
    assert not thread.is_alive()
    assert record(jobs, job).state == "cancelled"
    assert not worker.run_one()


def test_a_worker_that_is_told_to_stop_gives_its_task_back(
    jobs: Jobs, ocr: OCR, monkeypatch: pytest.MonkeyPatch
) -> None:
    halted = Halted(monkeypatch, at=3)
    stopping = threading.Event()
    first = Worker(jobs, ocr, name="first", stopping=stopping.is_set)
    job = submitted(jobs, ("a.pdf", DOCUMENTS["texts"]))
    first.run_one()
    first.run_one()
    thread = threading.Thread(target=first.run_one)
    thread.start()
    assert halted.reached.wait(60)
    stopping.set()
    thread.join(60)
    assert not thread.is_alive()
    assert not first.run_one()
    assert jobs.store.beats() == []
    halted.on = False
    second = Worker(jobs, ocr, name="second")
    assert worked_off(jobs, second, job).state == "succeeded"
    assert max(page.attempts for page in jobs.store.pages(job)) == 1
    first.close()
    second.close()


def test_a_task_that_was_given_to_another_worker_is_not_told_twice(
    jobs: Jobs, worker: Worker, ocr: OCR, monkeypatch: pytest.MonkeyPatch
) -> None:
    halted = Halted(monkeypatch, at=3)
    job = submitted(jobs, ("a.pdf", DOCUMENTS["texts"]))
    worker.run_one()
    worker.run_one()
    thread = threading.Thread(target=worker.run_one)
    thread.start()
    assert halted.reached.wait(60)
    while not any(jobs.store.revoke(beat) for beat in jobs.store.beats()):
        pass  # it beats meanwhile
    thread.join(60)
    halted.on = False
    assert worked_off(jobs, worker, job).state == "succeeded"
    assert record(jobs, job).pages_done == 4
    assert {page.number: page.attempts for page in jobs.store.pages(job)} == {1: 1, 2: 1, 3: 2, 4: 1}


# ---- webhooks ----------------------------------------------------------------------------------------


def test_the_webhook_is_told_and_tried_again(jobs: Jobs, ocr: OCR, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "wait_s", lambda delivery, error: 0.0)
    told: list[str] = []

    def notify(jobs: Jobs, task: Task) -> None:
        told.append(record(jobs, task.job).state)
        if len(told) < 3:
            raise WebhookFailedError("The webhook answers with status 500.")

    worker = Worker(jobs, ocr, name="here", notify=notify)
    job = submitted(jobs, ("a.pdf", DOCUMENTS["texts"]), webhook="https://example.com/hook")
    worked_off(jobs, worker, job)
    while worker.run_one():
        pass
    assert told == ["succeeded"] * 3
    worker.close()


def test_a_store_may_be_away_for_a_quarter_of_an_hour() -> None:
    waits = [wait_after(attempt) for attempt in range(1, MOST_ATTEMPTS)]
    assert waits == sorted(waits)
    assert waits[0] == RETRY_S
    assert waits[-1] == LONGEST_RETRY_S
    assert sum(waits) > 15 * 60


def test_a_task_without_a_thread_is_done_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    beside, done = Beside(assemble=1), list[str]()
    monkeypatch.setattr(threading.Thread, "start", refuse)
    for _ in range(2):  # the place is free again
        beside.do("assemble", lambda: done.append(threading.current_thread().name))
    assert done == ["MainThread", "MainThread"]


def test_pages_do_not_wait_for_a_webhook_that_is_slow(jobs: Jobs, ocr: OCR) -> None:
    answers, told = threading.Event(), threading.Event()

    def notify(_jobs: Jobs, _task: Task) -> None:
        assert answers.wait(60)
        told.set()

    worker = Worker(jobs, ocr, name="here", notify=notify, beside=Beside(notify=1))
    first = submitted(jobs, ("a.pdf", DOCUMENTS["texts"]), webhook="https://example.com/hook")
    while record(jobs, first).state != "succeeded":
        assert worker.run_one()
    assert worker.run_one()  # the webhook, for which it does not wait
    second = submitted(jobs, ("b.pdf", DOCUMENTS["texts"]))
    while record(jobs, second).state != "succeeded":
        assert worker.run_one()
    assert not told.is_set()
    answers.set()
    assert told.wait(60)
    worker.close()
