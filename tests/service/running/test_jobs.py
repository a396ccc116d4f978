"""Jobs of a real service with the real engine: sent, followed, fetched; it may be killed meanwhile."""

from __future__ import annotations

import json
import signal
import socket
from pathlib import Path

import pytest

from crnn_ocr.client import Client, JobStatus
from tests.service.rendering import encoded, picture
from tests.service.wire import Server, running_server

TEXTS = ("Invoice 4711", "Total 59.90", "Thank you")


def pictures() -> dict[str, bytes]:
    return {f"{number}.png": encoded(picture(text), "PNG") for number, text in enumerate(TEXTS)}


def streamed(server: Server, path: str) -> list[tuple[str, dict[str, object]]]:
    """Return the events of a stream that the server ends."""
    reply = server.get(path)
    assert reply.headers["Content-Type"].startswith("text/event-stream")
    found = []
    for block in reply.body.decode().split("\n\n"):
        fields = dict(row.split(": ", 1) for row in block.splitlines() if not row.startswith(":"))
        if "event" in fields:
            found.append((fields["event"], json.loads(fields["data"])))
    return found


def test_a_job_reads_what_the_service_reads_at_once(tmp_path: Path) -> None:
    with running_server(CRNN_OCR_JOBS_DIR=str(tmp_path)) as server, Client(server.url) as client:
        job = client.submit(pictures(), formats=["markdown"])
        events = streamed(server, f"/jobs/{job.id}/events")  # until it has finished
        assert [kind for kind, _ in events][-1] == "job"
        pages = [page for kind, page in events if kind == "page" and page["state"] == "done"]
        done = {(page["file"], page["number"]) for page in pages}
        assert done == {(0, 1), (1, 1), (2, 1)}
        status = job.wait(timeout=240)
        assert (status.state, status.pages_done) == ("succeeded", 3)
        for number, (name, data) in enumerate(pictures().items()):
            at_once = client.ocr(data)
            page = job.page(number, 1)
            assert (page.text, page.lines) == (at_once.text, at_once.lines)
            assert job.result("text", file=number).decode().strip() == at_once.text.strip()
            assert name == f"{number}.png"
        saved = job.save(tmp_path, "markdown")
        assert saved.name.endswith(".md.zip")
        assert job.cancel().state == "expired"
        assert not (tmp_path / "files" / job.id).exists()


def test_a_job_outlives_its_service(tmp_path: Path) -> None:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    folder = str(tmp_path)
    with running_server("--port", str(port), CRNN_OCR_JOBS_DIR=folder) as server:
        with Client(server.url) as client:
            job_id = client.submit(pictures(), formats=["markdown"]).id
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
    seen: list[JobStatus] = []
    with (
        running_server("--port", str(port), CRNN_OCR_JOBS_DIR=folder) as server,
        Client(server.url) as client,
    ):
        job = client.job(job_id)
        status = job.wait(timeout=240, on_progress=seen.append)
        assert (status.state, status.pages_done) == ("succeeded", 3)
        assert [job.page(number, 1).text for number in range(3)] == list(TEXTS)
    assert [entry.pages_done for entry in seen] == sorted(entry.pages_done for entry in seen)


def test_a_large_upload_is_stored_and_not_held(tmp_path: Path) -> None:
    size = 96 * 1024 * 1024
    source = tmp_path / "large.png"
    with source.open("wb") as out:
        out.write(encoded(picture("large"), "PNG"))
        out.truncate(size)  # zeros behind the picture, which its decoder does not look at

    def peak(server: Server) -> int:
        """Return the largest memory that any worker of the service has had, in bytes."""
        children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
        found = []
        for child in children:
            rows = Path(f"/proc/{child}/status").read_text().splitlines()
            found += [int(row.split()[1]) * 1024 for row in rows if row.startswith("VmHWM")]
        return max(found)

    if not Path("/proc/self/status").exists():
        pytest.skip("the system does not tell the memory of processes")
    with running_server(CRNN_OCR_JOBS_DIR=str(tmp_path / "jobs")) as server, Client(server.url) as client:
        before = peak(server)
        job = client.submit(source)
        after = peak(server)
        assert job.status().files[0].size == size
        job.cancel()
    assert after - before < size / 4
