"""The end of the real service, with real processes and sockets; the reader only sleeps."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from tests.service.slow_server import slow_png, slow_server
from tests.service.wire import Server

PROBE = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


def wait_for(condition: Callable[[], object], limit: float = 20) -> None:
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def workers_of(server: Server) -> list[int]:
    return [child.pid for child in psutil.Process(server.process.pid).children()]


def is_told_to_stop(pid: int) -> bool:
    """Whether a SIGTERM waits for a stopped process."""
    (pending,) = [
        int(row.split()[1], 16)
        for row in Path(f"/proc/{pid}/status").read_text().splitlines()
        if row.startswith("ShdPnd:")
    ]
    return bool(pending >> (signal.SIGTERM - 1) & 1)


def bodies(server: Server) -> int:
    """Requests whose body the service holds, all workers together."""
    rows = server.get("/metrics").body.decode().splitlines()
    return round(sum(float(row.split()[-1]) for row in rows if row.startswith("crnn_ocr_intake_bodies ")))


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_stopping_service_ends_its_work_and_refuses_more(workers: str) -> None:
    with (
        slow_server(CRNN_OCR_THREADS="4", CRNN_OCR_WORKERS=workers) as server,
        ThreadPoolExecutor(4) as pool,
    ):
        running = [pool.submit(server.read, slow_png(8, name=str(number))) for number in range(4)]
        wait_for(lambda: bodies(server) == 4)
        server.process.send_signal(signal.SIGTERM)
        wait_for(lambda: is_refused(server), 6)
        for _ in range(20):
            assert is_refused(server)
        assert not any(future.done() for future in running)
        assert [future.result(30).status for future in running] == [200] * 4
        assert server.process.wait(15) == 0


def is_refused(server: Server) -> bool:
    """Whether a new client is told at once that nobody listens."""
    try:
        with socket.create_connection(server.address, timeout=10):
            return False
    except (ConnectionRefusedError, ConnectionResetError):  # reset: it was waiting when the listener closed
        return True


@pytest.mark.parametrize("count", [1, 2])
def test_who_was_connected_before_the_end_is_answered(count: int) -> None:
    with slow_server(CRNN_OCR_WORKERS=str(count)) as server, contextlib.ExitStack() as held:
        workers = workers_of(server)
        assert len(workers) == count
        for pid in workers:  # busy elsewhere: it accepts nobody
            os.kill(pid, signal.SIGSTOP)
            held.callback(resume, pid)
        # One that has not stopped yet would take the SIGTERM first: of two signals the lower one.
        wait_for(lambda: all(psutil.Process(pid).status() == psutil.STATUS_STOPPED for pid in workers))
        clients = [
            held.enter_context(socket.create_connection(server.address, timeout=20)) for _ in range(40)
        ]
        for client in clients:
            client.sendall(PROBE)
        server.process.send_signal(signal.SIGTERM)
        wait_for(lambda: all(map(is_told_to_stop, workers)))
        for pid in workers:
            resume(pid)
        for client in clients:
            answer = client.makefile("rb").read()  # to the end
            assert answer.startswith(b"HTTP/1.1 200 ")
            assert b"Connection: close" in answer
        assert server.process.wait(15) == 0


def resume(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


def test_workers_of_a_killed_supervisor_let_go_of_the_address() -> None:
    with slow_server(CRNN_OCR_WORKERS="2") as server, ThreadPoolExecutor(1) as pool:
        workers = workers_of(server)
        running = pool.submit(server.read, slow_png(6))
        wait_for(lambda: bodies(server) == 1)
        server.process.kill()
        wait_for(lambda: is_refused(server), 5)
        assert running.result(20).status == 200
        wait_for(lambda: not any(map(psutil.pid_exists, workers)))
