"""The client's jobs, against the real application, and against a server that misbehaves as it is told."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from crnn_ocr.client import AnswerTimeoutError, Client, ConnectionFailedError, JobStatus, UploadFileError
from crnn_ocr.client.uploads import FormBody, Upload
from crnn_ocr.document import Block, Line, Page
from crnn_ocr.engine.page_readings import PageReading
from crnn_ocr.errors import (
    IdempotencyKeyReusedError,
    JobExpiredError,
    JobFailedError,
    JobNotFoundError,
    JobNotReadyError,
    UnsupportedImageError,
)
from crnn_ocr.jobs.files import page_key, source_key
from crnn_ocr.jobs.work.page_codec import encode_page
from crnn_ocr.service.api.job_bodies import EXAMPLE
from tests.client.scripted import Step, answer, failure, hang_up, scripted_server
from tests.service.fakes import box
from tests.service.routes.jobs_world import BROKEN, PNG, World, make_world, served, zipped


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path / "jobs")


@contextmanager
def connected(world: World) -> Iterator[Client]:
    with served(world) as url, Client(url, retry_for=0) as client:
        yield client


def test_files_are_sent_from_the_disk_and_results_come_back(world: World, tmp_path: Path) -> None:
    path = tmp_path / '甲 "1".png'
    path.write_bytes(PNG)
    with connected(world) as client:
        job = client.submit(path, formats=["docx", "csv"], pages="1-2", ttl=120)
        status = job.status()
        assert (status.state, status.formats) == ("queued", ("docx", "csv", "json", "text"))
        assert not status.is_finished
        assert [file.name for file in status.files] == ['甲 "1".png']
        with pytest.raises(JobNotReadyError):
            job.result()
        content = {"docx": b"word" * 100_000, "csv": b"1,2", "json": b"{}", "text": b"t"}
        world.finish(content)
        assert job.wait().state == "succeeded"
        assert job.result() == content["docx"]
        assert job.download("csv").media_type == "text/csv"
        saved = job.save(tmp_path, "docx")
        assert (saved.parent, saved.suffix) == (tmp_path, ".docx")
        assert saved.read_bytes() == content["docx"]
        assert job.save(tmp_path / "x.csv", "csv", file=0).read_bytes() == b"1,2"
        assert not list(tmp_path.glob("*.part"))
    stored = world.jobs.store.get(job.id)
    assert stored is not None
    assert (stored.request.options, stored.request.ttl_s) == ({"pages": "1-2"}, 120)
    assert world.jobs.files.get(source_key(job.id, 0)) == PNG


def test_sources_may_be_bytes_files_and_named(world: World, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    with connected(world) as client:
        several = client.submit([path, str(path), PNG, io.BytesIO(PNG)]).status()
        named = client.submit({"b.png": PNG, "c.zip": zipped([("d.png", PNG)])}).status()
    assert [file.name for file in several.files] == ["a.png", "a.png", "document", "document"]
    assert [file.name for file in named.files] == ["b.png", "d.png"]


def test_jobs_are_listed_and_found_again(world: World) -> None:
    with connected(world) as client:
        first = client.submit(PNG)
        world.finish()
        second = client.submit(PNG)
        assert [job.id for job in client.jobs()] == [second.id, first.id]
        assert [job.id for job in client.jobs("succeeded", "failed", limit=5)] == [first.id]
        assert client.job(first.id).status().has_result
        with pytest.raises(JobNotFoundError):
            client.job("0" * 32).status()


def test_progress_and_pages(world: World) -> None:
    seen: list[JobStatus] = []
    with connected(world) as client:
        job = client.submit(PNG)
        world.plan(2)
        page = Page(200, 100, (Block((Line("合计", 0.9, box(10.0)),)),), number=1)
        world.jobs.files.put(page_key(job.id, 0, 1), encode_page(PageReading(page, "fake/1"), chars=False))
        world.read()
        assert job.page(0, 1).text == "合计"
        with pytest.raises(JobNotReadyError):
            job.page(0, 2)
        known = max(entry.sequence for entry in job.pages())
        steps = iter([lambda: world.read(problem=BROKEN), world.assemble])

        def work(status: JobStatus) -> None:
            seen.append(status)
            next(steps, lambda: None)()

        done = job.wait(on_progress=work, timeout=60)
        assert [(entry.number, entry.state) for entry in job.pages(after=known)] == [(2, "failed")]
    assert done == seen[-1]
    assert (done.state, done.pages_done, done.pages_failed) == ("partial", 1, 1)
    assert [status.pages_failed for status in seen] == sorted(status.pages_failed for status in seen)


def test_cancelled_expired_and_failed_jobs(world: World) -> None:
    with connected(world) as client:
        running = client.submit(PNG)
        assert running.cancel().state == "cancelled"
        assert running.wait().state == "cancelled"
        with pytest.raises(JobNotReadyError):
            running.result()
        finished = client.submit(PNG)
        world.finish()
        assert finished.cancel().state == "expired"
        with pytest.raises(JobExpiredError):
            finished.result()
        failed = client.submit(PNG)
        task = world.jobs.store.take("worker")
        assert task is not None
        world.jobs.store.fail(task.lease, BROKEN)
        status = failed.wait()
        assert status.files[0].error == BROKEN
        with pytest.raises(JobFailedError):
            failed.result("json")


def test_the_errors_of_the_server_arrive(world: World) -> None:
    with connected(world) as client:
        with pytest.raises(UnsupportedImageError):
            client.submit(b"plain text")
        client.submit(PNG, idempotency_key="k")
        with pytest.raises(IdempotencyKeyReusedError):
            client.submit(PNG + b"x", idempotency_key="k")
        with pytest.raises(OSError, match="no-such-file"):
            client.submit("no-such-file.png")


# ---- a server in trouble -----------------------------------------------------------------------------


def job_body(**changes: Any) -> dict[str, Any]:
    return {**EXAMPLE, **changes}


def accepted(**changes: Any) -> Step:
    return answer(202, job_body(**changes))


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    pauses: list[float] = []
    monkeypatch.setattr("crnn_ocr.client.asking.time.sleep", pauses.append)
    return pauses


def test_repeated_attempts_send_the_same_files_with_the_same_key(
    tmp_path: Path, no_pauses: list[float]
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(bytes(1_000_000))
    busy = failure(429, "JOBS_TOO_MANY", Retry_After="1")
    with scripted_server(hang_up, busy, accepted()) as server, Client(server.url) as client:
        assert client.submit(path).id == EXAMPLE["id"]
    bodies = [body for *_, body in server.seen]
    assert len(bodies[0]) > 1_000_000
    assert len(set(bodies)) == 1
    keys = {headers["Idempotency-Key"] for _, _, headers, _ in server.seen}
    assert len(keys) == 1
    assert len(no_pauses) == 2


def test_two_submissions_have_two_keys(no_pauses: list[float]) -> None:
    with scripted_server(accepted(), accepted()) as server, Client(server.url) as client:
        client.submit(PNG)
        client.submit(PNG)
    assert len({headers["Idempotency-Key"] for _, _, headers, _ in server.seen}) == 2


def test_waiting_outlives_a_restart_of_the_server(no_pauses: list[float]) -> None:
    running, done = answer(200, job_body()), answer(200, job_body(state="succeeded", sequence=99))
    away = [
        hang_up,
        failure(503, "JOBS_UNAVAILABLE", Retry_After="5"),
        answer(502, b"<html>Bad Gateway</html>"),
    ]
    with scripted_server(running, *away, done) as server, Client(server.url, retry_for=0) as client:
        assert client.job(EXAMPLE["id"]).wait().state == "succeeded"
    assert max(no_pauses) >= 5  # as the server asked


def test_waiting_gives_up_in_the_end(no_pauses: list[float]) -> None:
    with scripted_server(*[answer(200, job_body())] * 3) as server, Client(server.url) as client:
        with pytest.raises(AnswerTimeoutError):
            client.job(EXAMPLE["id"]).wait(timeout=0)
        assert len(server.seen) == 1


def test_lasting_errors_end_the_wait(no_pauses: list[float]) -> None:
    gone = failure(404, "JOB_NOT_FOUND")
    with (
        scripted_server(gone) as server,
        Client(server.url) as client,
        pytest.raises(JobNotFoundError),
    ):
        client.job("x").wait()


def test_a_result_that_breaks_off_is_fetched_again(tmp_path: Path, no_pauses: list[float]) -> None:
    def broken(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(b"half")
        handler.close_connection = True

    whole = answer(200, b"whole", Content_Disposition='attachment; filename="../../evil/.x.docx"')
    with scripted_server(broken, whole, broken) as server:
        with Client(server.url) as client:
            saved = client.job("x").save(tmp_path)
        assert saved == tmp_path / "x.docx"  # whatever the server says, it is a name without folders
        assert saved.read_bytes() == b"whole"
        with Client(server.url, retry_for=0) as client, pytest.raises(ConnectionFailedError):
            client.job("x").save(tmp_path / "y")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.docx"]


def test_a_file_that_shrinks_while_it_is_sent(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(bytes(10))
    body = FormBody([Upload.of_path(path)], {"formats": "docx"})
    assert sum(len(piece) for piece in body) == body.length
    path.write_bytes(bytes(5))
    with pytest.raises(UploadFileError):
        list(body)
    path.write_bytes(bytes(20))  # what is added later is not sent
    assert sum(len(piece) for piece in body) == body.length
