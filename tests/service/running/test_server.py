"""The real service: Gunicorn, the real engine, real sockets."""

from __future__ import annotations

import base64
import contextlib
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

import psutil
import pytest
from PIL import Image

from crnn_ocr.service.launcher import share_of_cores
from crnn_ocr.settings import Settings
from tests.service.rendering import bomb_png, encoded, picture, png, tiff
from tests.service.wire import MAX_BODY, Reply, Server, clean_environment, reply, running_server

FORM = "multipart/form-data; boundary=bound"


def form(data: bytes, name: str = "a.png") -> bytes:
    head = f'--bound\r\nContent-Disposition: form-data; name="image"; filename="{name}"\r\n\r\n'
    return head.encode() + data + b"\r\n--bound--\r\n"


def content(answer: Reply) -> object:
    """What was read, without what is about this very request."""
    return {
        key: value for key, value in answer.json.items() if key not in ("cached", "elapsed_ms", "request_id")
    }


def test_it_reads_the_same_from_all_three_forms(server: Server) -> None:
    data = png("Invoice 10234", "Total 99.50 EUR")
    from_json = server.read_json({"image": base64.b64encode(data).decode()})
    from_form = server.ask("POST", "/ocr", form(data), {"Content-Type": FORM})
    from_raw = server.read(data)
    chunked = server.ask("POST", "/ocr", data, {"Content-Type": "image/png"}, chunked=True)
    assert from_json.status == 200, from_json.body
    assert content(from_json) == content(from_form) == content(from_raw) == content(chunked)
    answer = from_json.json
    assert answer["text"] == "Invoice 10234\nTotal 99.50 EUR"
    assert (answer["width"], answer["height"]) == (640, 136)
    assert answer["model"] == server.get("/models").json["active"]  # other tests switch it
    for line, top in zip(answer["lines"], (20, 76), strict=True):
        (left, upper), _, (right, lower), _ = line["polygon"]
        assert 10 < left < 40
        assert right > 150
        assert top - 12 < upper < lower < top + 50
        assert line["confidence"] > 0.8


def test_pages_of_a_tiff_come_one_by_one(server: Server) -> None:
    pages = [picture("First page"), picture("Second page", width=500)]
    answer = server.read(tiff(pages), "image/tiff").json
    assert answer["text"] == "First page\n\nSecond page"
    assert [(page["number"], page["width"], page["text"]) for page in answer["pages"]] == [
        (1, 640, "First page"),
        (2, 500, "Second page"),
    ]


def test_options_reach_the_engine(server: Server) -> None:
    data = png("Invoice 10234")
    assert server.read(data, query="?min_confidence=1.0").json["lines"] == []
    assert server.read(data, query="?min_confidence=0.1").json["text"] == "Invoice 10234"
    unknown = server.read(data, query="?model=none-such")
    assert (unknown.status, unknown.code) == (404, "MODEL_NOT_FOUND")


def bad_pictures() -> dict[str, tuple[bytes, int, str]]:
    good = png("Some text", "and more of it", width=900)
    jpeg = encoded(picture("Some text"), "JPEG")
    return {
        "nothing": (b"", 400, "IMAGE_EMPTY"),
        "text": (b"hello", 415, "IMAGE_TYPE_UNSUPPORTED"),
        "HTML": (b"<!doctype html><html><body>hi</body></html>", 415, "IMAGE_TYPE_UNSUPPORTED"),
        "zip": (b"PK\x03\x04" + bytes(100), 422, "IMAGE_DECODE_FAILED"),
        "PNG cut in its data": (good[: len(good) // 2], 422, "IMAGE_DECODE_FAILED"),
        "PNG cut in its header": (good[:20], 422, "IMAGE_DECODE_FAILED"),
        "JPEG cut in its header": (jpeg[:30], 422, "IMAGE_DECODE_FAILED"),
        "bomb": (bomb_png(), 413, "IMAGE_TOO_LARGE"),
        "long side": (bomb_png(100_000, 10), 413, "IMAGE_TOO_LARGE"),
    }


@pytest.mark.parametrize("what", bad_pictures())
def test_bad_pictures_are_refused_in_every_form(server: Server, what: str) -> None:
    data, status, code = bad_pictures()[what]
    answers = [
        server.read(data, "image/jpeg"),
        server.ask("POST", "/ocr", form(data, "a.jpg"), {"Content-Type": FORM}),
        server.read_json({"image": base64.b64encode(data).decode()}),
    ]
    assert [(answer.status, answer.code) for answer in answers] == [(status, code)] * 3
    for answer in answers:
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.json["error"]["message"]
        assert answer.json["error"]["hint"]


def test_sixteen_at_a_time_get_each_their_own_answer(server: Server) -> None:
    numbers = [str(1000 + 37 * index) for index in range(16)]
    pictures = [png(f"Number {number}", f"Again {number}") for number in numbers]
    with ThreadPoolExecutor(16) as pool:
        together = list(pool.map(server.read, pictures))
    assert [answer.json["text"] for answer in together] == [
        f"Number {number}\nAgain {number}" for number in numbers
    ]
    assert len({answer.json["request_id"] for answer in together}) == 16
    alone = [server.read(data) for data in pictures[:4]]
    assert [content(answer) for answer in alone] == [content(answer) for answer in together[:4]]


def test_an_announced_oversize_is_refused_before_it_is_sent(server: Server) -> None:
    with contextlib.closing(HTTPConnection(*server.address, timeout=10)) as connection:
        connection.putrequest("POST", "/ocr")
        connection.putheader("Content-Type", "image/png")
        connection.putheader("Content-Length", str(100 * MAX_BODY))
        connection.endheaders()
        answer = reply(connection)  # though the body never comes
    assert (answer.status, answer.code) == (413, "BODY_TOO_LARGE")
    assert str(MAX_BODY) in answer.json["error"]["message"]


@pytest.mark.parametrize("chunked", [True, False])
def test_an_oversize_that_is_sent_is_refused(server: Server, chunked: bool) -> None:
    answer = server.ask(
        "POST", "/ocr", bytes(MAX_BODY + 500_000), {"Content-Type": "image/png"}, chunked=chunked
    )
    assert (answer.status, answer.code) == (413, "BODY_TOO_LARGE")


@pytest.mark.parametrize(
    ("path", "kind", "status"),
    [("/nothing", "image/png", 404), ("/ocr", "text/plain", 415), ("/ocr?gray=on", "image/png", 422)],
)
def test_a_refusal_reaches_a_client_that_sends_first(
    server: Server, path: str, kind: str, status: int
) -> None:
    with contextlib.closing(HTTPConnection(*server.address, timeout=30)) as connection:
        connection.request("POST", path, bytes(MAX_BODY - 1000), {"Content-Type": kind})
        assert reply(connection).status == status
    assert server.get("/healthz").status == 200


def test_a_client_that_hangs_up_disturbs_nobody(server: Server) -> None:
    for _ in range(3):
        with socket.create_connection(server.address, timeout=10) as connection:
            connection.sendall(
                b"POST /ocr HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
                b"Content-Length: 100\r\n\r\nabc"
            )
    assert server.get("/healthz").status == 200
    assert server.read(png("Still here")).json["text"] == "Still here"


@pytest.mark.parametrize("chunk", [b"zz\r\nabc\r\n", b"3\r\nabcdef\r\n", b"-1\r\n\r\n", b"3;\x00\r\nabc\r\n"])
def test_broken_chunks_are_refused(server: Server, chunk: bytes) -> None:
    with socket.create_connection(server.address, timeout=10) as connection:
        connection.sendall(
            b"POST /ocr HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        connection.sendall(chunk)
        connection.shutdown(socket.SHUT_WR)
        status = connection.makefile("rb").readline()
    assert b" 400 " in status


def test_connections_are_kept_open_also_after_errors(server: Server) -> None:
    with contextlib.closing(HTTPConnection(*server.address, timeout=30)) as connection:
        for path, status in [("/nothing", 404), ("/healthz", 200), ("/ocr", 405), ("/readyz", 200)]:
            connection.request("GET", path)
            assert reply(connection).status == status
        for body, status in [(b"not a picture", 415), (png("Kept open"), 200), (b"", 400)]:
            connection.request("POST", "/ocr", body, {"Content-Type": "image/png"})
            answer = reply(connection)
            assert answer.status == status
            assert answer.headers["Connection"] == "keep-alive"


def test_paths_are_not_redirected(server: Server) -> None:
    for path in ("/ocr/", "/%2e%2e/ocr", "/ui/../../app.py", "/ui/%2e%2e/app.py"):
        assert server.get(path).status == 404, path


def test_ready_while_busy(server: Server) -> None:
    heavy = encoded(picture(*[f"Line number {row} of a long page" for row in range(40)]))
    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(server.read, heavy) for _ in range(4)]
        states = [server.get("/readyz").status for _ in range(5)]
        assert not all(future.done() for future in running)
        assert all(future.result().status == 200 for future in running)
    assert states == [200] * 5


def test_the_log_is_json_with_one_line_per_request_and_no_text(server: Server) -> None:
    given = f"log-{time.monotonic_ns()}"
    secret = "Confidential 4711"
    headers = {"Content-Type": "image/png", "X-Request-Id": given}
    answer = server.ask("POST", "/ocr", png(secret), headers)
    assert answer.json["text"] == secret
    entries = [record for record in server.records() if record.get("request_id") == given]
    assert [entry["message"] for entry in entries] == ["request"]
    assert entries[0]["status"] == 200
    assert entries[0]["lines"] == 1
    assert "Confidential" not in server.log.read_text()


def test_the_engine_lives_in_the_workers_only(server: Server) -> None:
    parent = psutil.Process(server.process.pid)
    workers = parent.children()
    assert len(workers) == 1
    assert not any("onnxruntime" in entry.path for entry in parent.memory_maps())
    assert any("onnxruntime" in entry.path for entry in workers[0].memory_maps())


def test_a_killed_worker_is_replaced() -> None:
    with running_server() as server:
        parent = psutil.Process(server.process.pid)
        (worker,) = parent.children()
        worker.kill()
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                if server.get("/readyz").status == 200:
                    break
            time.sleep(0.2)
        assert server.read(png("Back again")).json["text"] == "Back again"
        assert parent.children() != [worker]


def test_sigterm_lets_requests_in_flight_finish() -> None:
    rows = [f"Line number {row} of a very long page of text" for row in range(90)]
    heavy = encoded(picture(*rows, width=900))
    with running_server() as server, ThreadPoolExecutor(1) as pool:
        # Its connection stands before the signal; the answer must come after it.
        running = pool.submit(server.read, heavy)
        time.sleep(0.5)
        server.process.terminate()
        assert not running.done()
        answer = running.result(60)
        assert answer.status == 200
        assert len(answer.json["lines"]) == len(rows)
        assert server.process.wait(30) == 0
        with pytest.raises(OSError, match="refused"):
            server.get("/healthz")


def test_sigint_stops_at_once() -> None:
    heavy = encoded(picture(*[f"Line number {row} of a long page" for row in range(90)], width=900))
    with running_server() as server, ThreadPoolExecutor(1) as pool:
        running = pool.submit(server.read, heavy)
        time.sleep(0.5)
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(4) == 0
        assert running.result(10).code == "WORKER_LOST"


def test_a_quick_stop_does_not_wait_for_the_pools_lock() -> None:
    program = """
from concurrent.futures import ThreadPoolExecutor
from crnn_ocr.service.server.gunicorn_worker import Worker

worker = Worker.__new__(Worker)
worker.tpool = ThreadPoolExecutor(1)
with worker.tpool._shutdown_lock:
    worker.handle_quit(3, None)
"""
    assert subprocess.run([sys.executable, "-c", program], timeout=20).returncode == 0


def test_a_request_before_the_models_are_loaded_is_answered() -> None:
    with running_server(wait=False) as server:
        assert server.read(png("Early bird")).json["text"] == "Early bird"


def test_nothing_is_written_into_the_home_folder(tmp_path: Path) -> None:
    with running_server(HOME=str(tmp_path), CRNN_OCR_CACHE_DIR=str(tmp_path / "cache")) as server:
        assert server.get("/healthz").status == 200
        assert {entry.name for entry in tmp_path.iterdir()} <= {"cache"}


def test_workers_that_cannot_start_end_the_service(tmp_path: Path) -> None:
    tmp_path.joinpath("sitecustomize.py").write_text("import sys; sys.modules['crnn_ocr.engine.ocr'] = None")
    command = [sys.executable, "-m", "crnn_ocr", "serve", "--port", "0"]
    environment = clean_environment(PYTHONPATH=str(tmp_path))
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)
    assert ended.returncode == 1
    assert "crnn_ocr.engine.ocr" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_two_workers() -> None:
    with running_server("--workers", "2") as server:
        assert len(psutil.Process(server.process.pid).children()) == 2
        assert server.read(png("Two of us")).json["text"] == "Two of us"


def cores(server: Server) -> float:
    rows = server.get("/metrics").body.decode().splitlines()
    return sum(float(row.split()[-1]) for row in rows if row.startswith("crnn_ocr_cores "))


def test_workers_share_the_cores() -> None:
    with running_server("--workers", "2", CRNN_OCR_THREADS="4") as server:
        deadline = time.monotonic() + 30
        while cores(server) < 4 and time.monotonic() < deadline:  # until both have told
            time.sleep(0.1)
        assert [cores(server) for _ in range(40)] == [4.0] * 40


@pytest.mark.parametrize(("threads", "workers", "share"), [(4, 2, 2), (5, 2, 2), (2, 4, 1), (3, 1, 3)])
def test_the_share_of_a_worker(threads: int, workers: int, share: int) -> None:
    assert share_of_cores(Settings(threads=threads, workers=workers)) == share
    whole = share_of_cores(Settings(workers=1))
    assert share_of_cores(Settings(workers=workers)) == max(1, whole // workers)


def test_a_grey_picture_without_text_is_a_success(server: Server) -> None:
    answer = server.read(encoded(Image.new("L", (300, 200), 128)))
    assert answer.status == 200
    assert answer.json["lines"] == []
