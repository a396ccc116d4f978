"""The real service where /dev/shm is full: of that, people who send pictures notice nothing."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families as parse

from tests.service import small_memory
from tests.service.running.test_faults import Load, eventually
from tests.service.wire import Server, running_server

pytestmark = [
    pytest.mark.faults,
    pytest.mark.slow,
    pytest.mark.skipif(not small_memory.possible(), reason="no mount namespaces here"),
]


def memory_of(server: Server) -> Path:
    """The service's /dev/shm, as seen from here."""
    return Path(f"/proc/{server.process.pid}/root/dev/shm")


def switch(server: Server, model: str) -> tuple[int, str]:
    body, kind = json.dumps({"model": model}).encode(), {"Content-Type": "application/json"}
    answer = server.ask("PUT", "/models/active", body, kind)
    return answer.status, answer.json["model"] if answer.status == 200 else answer.code


def counted(server: Server, name: str = "crnn_ocr_readings_total") -> float:
    answer = server.get("/metrics")
    assert answer.status == 200
    families = parse(answer.body.decode())
    return sum(sample.value for family in families for sample in family.samples if sample.name == name)


def told(server: Server) -> list[str]:
    return [record["message"] for record in server.records() if record["level"] != "info"]


def test_full_memory_kills_no_worker_and_fails_no_request(tmp_path: Path) -> None:
    load = Load()
    with running_server(
        "--workers", "2", program=("tests.service.small_memory",), CRNN_OCR_THREADS="2", TMPDIR=str(tmp_path)
    ) as server:
        memory = memory_of(server)
        assert list(memory.glob("crnn-ocr-*/metrics/counter_*.db"))
        model = server.get("/models").json["active"].partition("/")[0]
        parent = psutil.Process(server.process.pid)
        before = {child.pid for child in parent.children()}
        with load.running(server, 3):
            load.await_reads(3)
            filler = small_memory.fill(memory)
            # Series appear that nobody has met so far.
            for path in ("/models", "/options", "/limits", "/docs", "/none", "/openapi.json", "/ui/none"):
                server.get(path)
            for body, kind in ((b"x", "image/png"), (b"", "image/png"), (b"", "a/b")):
                assert 400 <= server.read(body, kind).status < 500
            load.await_reads(4)
            assert {child.pid for child in parent.children()} == before
            assert switch(server, model) == (409, "MODEL_SWITCH_FAILED")
            # One worker more, which finds no room at all.
            server.process.send_signal(signal.SIGTTIN)
            eventually(lambda: "no room for metrics: not shared" in told(server))
            load.await_reads(8)
            # And one that goes on where another one stopped.
            victim = before.pop()
            psutil.Process(victim).kill()
            eventually(lambda: len({child.pid for child in parent.children()} - {victim}) == 3)
            load.await_reads(8)
            assert counted(server) > 0, "those of the others"
            filler.unlink()
            eventually(lambda: switch(server, model)[0] == 200)
        assert load.wrong == []
        assert load.seen["lost"] <= 3, "what the killed worker was reading"
        assert counted(server, "crnn_ocr_worker_exits_total") == 1
        assert len(told(server)) < 30, "each of them once"


def test_it_starts_where_memory_is_full(tmp_path: Path) -> None:
    """Its folders are on the disk then."""
    full_memory = ("tests.service.small_memory", "--full")
    with running_server(program=full_memory, CRNN_OCR_THREADS="1", TMPDIR=str(tmp_path)) as server:
        load = Load()
        assert load.ask(server, 4711) == "read"
        assert load.wrong == []
        assert counted(server) == 1
        assert list(tmp_path.glob("crnn-ocr-*/metrics/counter_*.db"))
        assert list(memory_of(server).glob("crnn-ocr-*")) == []
