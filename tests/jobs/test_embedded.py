"""Jobs inside the real service: they survive kill -9, end with it in time, and disturb nobody."""

from __future__ import annotations

import os
import signal
import time
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from crnn_ocr import OCR
from crnn_ocr.export import to_json
from crnn_ocr.jobs.sqlite_store import SqliteStore
from tests.imaging.pdf import made
from tests.processes import living_children
from tests.service.wire import Server, running_server

BOOK = made.written(*(made.lines([f"{n} Heading", f"Running text of page {n}"]) for n in range(1, 41)))
FINISHED = {"succeeded", "partial", "failed", "cancelled", "expired"}


def submit(server: Server, content: bytes) -> str:
    bound = uuid.uuid4().hex
    head = f'--{bound}\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n'
    body = head.encode() + content + f"\r\n--{bound}--\r\n".encode()
    answer = server.ask("POST", "/jobs", body, {"Content-Type": f"multipart/form-data; boundary={bound}"})
    assert answer.status == 202, answer.body
    return str(answer.json["id"])


def job(server: Server, name: str) -> Any:
    return server.get(f"/jobs/{name}").json


def finished(server: Server, name: str, *, limit: float = 240) -> Any:
    end = time.monotonic() + limit
    while (state := job(server, name))["state"] not in FINISHED:
        assert time.monotonic() < end, state
        time.sleep(0.1)
    return state


def test_a_job_is_read_in_the_service_as_the_library_reads(tmp_path: Path, ocr: OCR) -> None:
    with running_server(CRNN_OCR_JOBS_DIR=str(tmp_path / "jobs")) as server:
        name = submit(server, BOOK)
        state = finished(server, name)
        assert (state["state"], state["pages_done"]) == ("succeeded", 40)
        found = server.get(f"/jobs/{name}/result?format=json").body.decode()
    assert found == to_json(ocr.read(BOOK))


@pytest.mark.slow
def test_nothing_is_lost_and_nothing_comes_twice_when_the_service_is_killed(tmp_path: Path, ocr: OCR) -> None:
    folder = tmp_path / "jobs"
    done = 0
    name = ""
    for _ in range(3):
        with running_server(CRNN_OCR_JOBS_DIR=str(folder), CRNN_OCR_WORKERS="2") as server:
            name = name or submit(server, BOOK)
            end = time.monotonic() + 240
            while job(server, name)["pages_done"] <= done:  # it goes on where it was
                assert time.monotonic() < end
                time.sleep(0.02)
            done = job(server, name)["pages_done"]
            children = living_children(server.process.pid)
            server.process.kill()
            for child in children:
                if child.is_running():
                    os.kill(child.pid, signal.SIGKILL)
    with running_server(CRNN_OCR_JOBS_DIR=str(folder)) as server:
        state = finished(server, name)
        assert (state["state"], state["pages_done"]) == ("succeeded", 40)
        pages = server.get(f"/jobs/{name}/pages").json["pages"]
        assert sorted(page["number"] for page in pages) == list(range(1, 41))
        assert server.get(f"/jobs/{name}/result?format=json").body.decode() == to_json(ocr.read(BOOK))


def test_a_folder_that_cannot_be_made_fails_jobs_and_nothing_else(tmp_path: Path) -> None:
    taken = tmp_path / "file"
    taken.write_bytes(b"")
    with running_server(CRNN_OCR_JOBS_DIR=str(taken / "jobs")) as server:
        bound = uuid.uuid4().hex
        head = f'--{bound}\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n'
        body = head.encode() + BOOK + f"\r\n--{bound}--\r\n".encode()
        kind = {"Content-Type": f"multipart/form-data; boundary={bound}"}
        refused = server.ask("POST", "/jobs", body, kind)
        assert (refused.status, refused.code) == (503, "JOBS_UNAVAILABLE")
        assert server.read(BOOK, "application/pdf").status == 200


def test_a_service_without_jobs_makes_no_table(tmp_path: Path) -> None:
    folder = tmp_path / "jobs"
    with running_server(CRNN_OCR_JOBS_DIR=str(folder)) as server:
        assert server.read(BOOK, "application/pdf").status == 200
        time.sleep(2)  # the threads look several times
    assert not folder.exists()


def test_a_stopping_service_gives_its_task_back_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "jobs"
    with running_server(CRNN_OCR_JOBS_DIR=str(folder)) as server:
        name = submit(server, BOOK)
        while not job(server, name)["pages_done"]:
            time.sleep(0.02)
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(60)
    with closing(SqliteStore(folder / "jobs.sqlite")) as store:
        assert store.beats() == []
        assert store.counts().expired_leases == 0
    with running_server(CRNN_OCR_JOBS_DIR=str(folder)) as server:
        assert finished(server, name)["state"] == "succeeded"
        pages = server.get(f"/jobs/{name}/pages").json["pages"]
        assert max(page["attempts"] for page in pages) == 1
