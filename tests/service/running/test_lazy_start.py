"""The real service started without a model: it answers at once, and the first request loads."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from crnn_ocr.models.registry import BUNDLED
from tests.service.rendering import png
from tests.service.wire import Server, running_server


def loaded(server: Server) -> list[str]:
    (worker,) = server.get("/models").json["workers"]
    names: list[str] = worker["loaded"]
    return names


def cpu_seconds(server: Server) -> float:
    """Of the supervisor and its workers, so far."""
    parent = psutil.Process(server.process.pid)
    times = [process.cpu_times() for process in (parent, *parent.children())]
    return float(sum(found.user + found.system for found in times))


def importing_seconds() -> float:
    """CPU time of a process that imports the libraries that the service cannot do without."""
    program = "import cv2, flask, gunicorn, numpy, onnxruntime, time; print(time.process_time())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return float(done.stdout)


def wait_for_answer(server: Server) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            assert server.get("/healthz").status == 200
            return
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_it_starts_without_a_model_and_loads_it_once_on_demand() -> None:
    with running_server(wait=False, CRNN_OCR_WARM_UP="false", CRNN_OCR_MODEL="accurate") as server:
        wait_for_answer(server)
        # Supervisor and worker together, on the same machine: importing what they stand on, and themselves.
        # It is 3 to 4 times as much.
        assert cpu_seconds(server) < 6 * importing_seconds()
        assert server.get("/readyz").status == 200
        assert loaded(server) == []
        with ThreadPoolExecutor(6) as threads:
            answers = list(threads.map(lambda n: server.read(png(f"Number {n}")), range(6)))
        assert [answer.json["text"] for answer in answers] == [f"Number {n}" for n in range(6)]
        assert loaded(server) == ["ppocrv6-det-small", "ppocrv6-small"]
        messages = [record["message"] for record in server.records()]
        assert messages.count("model loaded") == 2


def test_idle_models_are_unloaded_and_the_service_stays_ready() -> None:
    with running_server(CRNN_OCR_UNLOAD_AFTER_S="1") as server:
        worker = psutil.Process(server.process.pid).children()[0]
        assert server.read(png("Before")).json["text"] == "Before"
        held = worker.memory_info().rss
        deadline = time.monotonic() + 60
        while loaded(server):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert server.get("/readyz").status == 200
        assert held - worker.memory_info().rss > 40 * 2**20
        assert server.read(png("After")).json["text"] == "After"


@pytest.mark.parametrize("warm_up", ["true", "false"])
def test_a_broken_pack_is_told_of_and_heals_with_its_files(tmp_path: Path, warm_up: str) -> None:
    pack = tmp_path / "mine"
    shutil.copytree(BUNDLED / "ppocrv6-small", pack)
    path = pack / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8")) | {"name": "mine"}
    right = manifest["graph"]["sha256"]
    manifest["graph"]["sha256"] = "0" * 64
    path.write_text(json.dumps(manifest), encoding="utf-8")
    with running_server(
        "--model", "mine", wait=False, CRNN_OCR_MODELS_DIR=str(tmp_path), CRNN_OCR_WARM_UP=warm_up
    ) as server:
        wait_for_answer(server)
        refused = server.read(png("Number 1"))
        assert (refused.status, refused.code) == (503, "MODEL_BROKEN")
        unready = server.get("/readyz")
        assert (unready.status, unready.code) == (503, "NOT_READY")
        assert "differs from its manifest" in unready.json["error"]["message"]
        for _ in range(5):
            assert server.read(png("Number 1")).status == 503

        manifest["graph"]["sha256"] = right
        path.write_text(json.dumps(manifest), encoding="utf-8")
        deadline = time.monotonic() + 60
        while server.get("/readyz").status != 200:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert server.read(png("Number 1")).json["model"] == "mine/1"
