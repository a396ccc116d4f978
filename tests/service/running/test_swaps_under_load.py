"""The real service, two workers, two models: switched under load, a worker killed, packs come and go."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from pathlib import Path

import psutil
import pytest

from tests.service.packs import NEXT_DIGIT, shifted_pack
from tests.service.rendering import png
from tests.service.wire import Reply, Server, running_server

pytestmark = pytest.mark.slow

SWAPS = 20
CLIENTS = 6


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The watched folder, with the pack `shifted`."""
    made = tmp_path_factory.mktemp("models")
    shifted_pack(made)
    return made


@pytest.fixture(scope="module")
def service(folder: Path) -> Iterator[Server]:
    with running_server(
        "--workers",
        "2",
        CRNN_OCR_MODEL="accurate",
        CRNN_OCR_MODELS_DIR=str(folder),
        CRNN_OCR_THREADS="1",
    ) as running:
        yield running


def put(service: Server, model: str) -> Reply:
    body = json.dumps({"model": model}).encode()
    return service.ask("PUT", "/models/active", body, {"Content-Type": "application/json"})


def expected(text: str) -> dict[str, str]:
    """What each model says to that text."""
    return {"ppocrv6-small/1": text, "shifted/1": text.translate(NEXT_DIGIT)}


def read(service: Server, text: str, *, fresh: bool = True, query: str = "") -> tuple[str, str]:
    """The model and its text; fails where the answer is no success."""
    headers = {"Content-Type": "image/png"} | ({"Cache-Control": "no-store"} if fresh else {})
    answer = service.ask("POST", f"/ocr{query}", png(text, width=330), headers)
    assert answer.status == 200, answer.body
    return answer.json["model"], answer.json["text"]


def eventually(condition: Callable[[], bool], *, limit_s: float = 60) -> None:
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_twenty_swaps_under_load_fail_and_mix_up_nothing(service: Server) -> None:
    over = threading.Event()

    def client(number: int) -> list[tuple[str, str, str]]:
        said = []
        turn = 0
        while not over.is_set():
            # Every other one may come from the cache, which must not give one model's answer for the other's.
            text = f"Number {1000 + 37 * number + turn % 3}"
            said.append((text, *read(service, text, fresh=turn % 2 == 0)))
            turn += 1
        return said

    with ThreadPoolExecutor(CLIENTS) as threads:
        clients = [threads.submit(client, number) for number in range(CLIENTS)]
        try:
            for turn in range(SWAPS):
                wanted = ("shifted", "ppocrv6-small")[turn % 2]
                answer = put(service, wanted)
                assert (answer.status, answer.json["workers"]) == (200, 2), answer.body
                assert answer.json["model"] == f"{wanted}/1"
                # Whatever begins after the answer is read by the new model, whichever worker it comes to.
                for _ in range(3):
                    assert read(service, "Number 4711") == (
                        f"{wanted}/1",
                        expected("Number 4711")[f"{wanted}/1"],
                    )
        finally:
            over.set()
        said = [answer for running in clients for answer in running.result(120)]

    assert [(text, model, found) for text, model, found in said if found != expected(text).get(model)] == []
    assert {model for _, model, _ in said} == {"ppocrv6-small/1", "shifted/1"}
    assert len(said) > SWAPS


def test_a_request_may_name_its_model(service: Server) -> None:
    assert put(service, "ppocrv6-small").status == 200
    for _ in range(4):
        assert read(service, "Number 4711", query="?model=shifted") == ("shifted/1", "Number 5822")
        assert read(service, "Number 4711") == ("ppocrv6-small/1", "Number 4711")


def test_the_command_line_switches_a_running_service(service: Server) -> None:
    command = [sys.executable, "-m", "crnn_ocr", "models", "use", "shifted", "--url", service.url]
    ended = subprocess.run(
        command, capture_output=True, text=True, env=dict(service.environment), timeout=120
    )
    assert ended.stdout.startswith("shifted/1 is active in 2 worker(s)"), ended.stderr
    assert read(service, "Number 4711") == ("shifted/1", "Number 5822")


def test_a_killed_worker_comes_back_with_the_chosen_model(service: Server) -> None:
    assert put(service, "shifted").status == 200
    killed = int(service.get("/models").json["workers"][0]["pid"])
    over = threading.Event()

    def client(number: int) -> list[str]:
        """Answers, and what a client would try again."""
        seen = []
        fresh = {"Content-Type": "image/png", "Cache-Control": "no-store"}
        while not over.is_set():
            text = f"Number {2000 + number}"
            try:
                answer = service.ask("POST", "/ocr", png(text, width=330), fresh)
            except (OSError, HTTPException):
                seen.append("retry")
                continue
            if answer.status == 503:
                assert answer.code == "WORKER_LOST"
                seen.append("retry")
            else:
                said = answer.json["model"], answer.json["text"]
                assert said == ("shifted/1", text.translate(NEXT_DIGIT))
                seen.append("read")
        return seen

    with ThreadPoolExecutor(4) as threads:
        clients = [threads.submit(client, number) for number in range(4)]
        time.sleep(0.5)
        os.kill(killed, signal.SIGKILL)
        try:
            eventually(lambda: len(workers(service)) == 2 and killed not in workers(service))
            eventually(lambda: all(model == "shifted/1" for model in workers(service).values()))
            time.sleep(1)
        finally:
            over.set()
        seen = [one for running in clients for one in running.result(60)]
    # Whoever was in the killed process is told at once to come back; nobody hangs, the others are read.
    assert seen.count("retry") <= 8
    assert seen.count("read") > 8
    assert put(service, "ppocrv6-small").json["workers"] == 2


def workers(service: Server) -> dict[int, str]:
    try:
        return {worker["pid"]: worker["model"] for worker in service.get("/models").json["workers"]}
    except (OSError, HTTPException):
        return {}


def test_packs_come_and_go_without_a_restart(service: Server, folder: Path, tmp_path: Path) -> None:
    def names() -> list[str]:
        return [model["name"] for model in service.get("/models").json["models"]]

    def broken() -> list[str]:
        return [pack["name"] for pack in service.get("/models").json["broken"]]

    whole = shifted_pack(tmp_path, "newcomer")
    assert "newcomer" not in names()
    target = folder / "newcomer"
    target.mkdir()
    shutil.copy(whole / "manifest.json", target)  # as it is while somebody copies
    (target / "characters.txt").write_bytes((whole / "characters.txt").read_bytes()[:1000])
    assert "newcomer" not in names()
    assert "newcomer" in broken()
    refused = service.read(png("Number 1"), query="?model=newcomer")
    assert (refused.status, refused.code) == (503, "MODEL_BROKEN")
    failed = put(service, "newcomer")
    assert failed.status in (409, 503)
    assert set(workers(service).values()) == {"ppocrv6-small/1"}
    for name in ("characters.txt", "probe.png"):
        shutil.copy(whole / name, target)
    assert "newcomer" in names()
    eventually(lambda: service.read(png("Number 4711"), query="?model=newcomer").status == 200)
    shutil.rmtree(target)
    assert "newcomer" not in names()
    eventually(lambda: service.read(png("Number 4712"), query="?model=newcomer").status == 404)


def test_all_turn_down_a_pack_that_cannot_read_its_probe(service: Server, folder: Path) -> None:
    liar = shifted_pack(folder, "liar")
    manifest = json.loads((liar / "manifest.json").read_text())
    del manifest["probe"]  # then the program's own digits count, and it calls each by another's name
    (liar / "manifest.json").write_text(json.dumps(manifest))
    refused = put(service, "liar")
    assert (refused.status, refused.code) == (409, "MODEL_SWITCH_FAILED")
    assert "cannot read its probe" in refused.json["error"]["message"]
    assert set(workers(service).values()) == {"ppocrv6-small/1"}
    assert read(service, "Number 4711") == ("ppocrv6-small/1", "Number 4711")
    shutil.rmtree(liar)


def test_the_engine_is_never_in_the_process_that_forks(service: Server) -> None:
    parent = psutil.Process(service.process.pid)
    assert not any("onnxruntime" in entry.path for entry in parent.memory_maps())
    for worker in parent.children():
        assert any("onnxruntime" in entry.path for entry in worker.memory_maps())


def test_the_shared_folder_goes_with_the_service(folder: Path) -> None:
    with running_server(CRNN_OCR_MODELS_DIR=str(folder)) as running:
        (worker,) = psutil.Process(running.process.pid).children()
        held = {Path(entry.path).parent for entry in worker.open_files() if "/crnn-ocr-" in entry.path}
        (own,) = {path for path in held if (path / "choice.json").is_file()}
    assert not own.exists()
