"""A real service, scraped by a real Prometheus: what the dashboard and the rules ask for is there."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families as parse

from crnn_ocr.service.middleware.api_keys import new_key
from tests.observability.test_files import EXPRESSIONS, FOLDER, exported, selectors, tool
from tests.service.rendering import png
from tests.service.server_timing import parse as parse_timing
from tests.service.wire import Reply, Server, running_server, stop

KEY = new_key("prometheus")
AUTHORIZATION = {"Authorization": f"Bearer {KEY.key}"}


def read(server: Server, picture: bytes) -> Reply:
    return server.ask("POST", "/ocr", picture, {"Content-Type": "image/png", **AUTHORIZATION})


def scrape(server: Server) -> dict[str, float]:
    text = server.ask("GET", "/metrics", headers=AUTHORIZATION).body.decode()
    return {
        sample.name + "".join(f" {value}" for _, value in sorted(sample.labels.items())): sample.value
        for family in parse(text)
        for sample in family.samples
    }


@pytest.fixture(scope="module")
def guarded() -> Iterator[Server]:
    """Start two workers that ask for a key, after a few requests of every kind."""
    with running_server("--workers", "2", CRNN_OCR_API_KEYS=KEY.entry) as server:
        for text in ("Invoice 10234", "Total 99.50", "Invoice 10234", "Thank you"):
            assert read(server, png(text)).status == 200
        assert read(server, b"no picture").status == 415
        assert server.ask("GET", "/none-such", headers=AUTHORIZATION).status == 404
        assert server.get("/metrics").status == 401
        yield server


def test_everything_that_is_asked_for_is_exported(guarded: Server) -> None:
    text = guarded.ask("GET", "/metrics", headers=AUTHORIZATION).body.decode()
    found: dict[str, set[str]] = {}
    for family in parse(text):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    for name, labels in exported().items():
        if name != "up":
            assert labels - {"job", "instance"} == found[name], name
    asked = {name for expression in EXPRESSIONS.values() for name, _ in selectors(expression)}
    assert asked - {"up"} <= found.keys()


def test_it_counts_for_all_workers(guarded: Server) -> None:
    values = scrape(guarded)
    assert values["crnn_ocr_http_requests_total POST /ocr 200"] == 4
    assert values["crnn_ocr_errors_total IMAGE_TYPE_UNSUPPORTED"] == 1
    assert values["crnn_ocr_errors_total UNAUTHORIZED"] >= 1
    assert 2 <= values["crnn_ocr_readings_total read"] <= 4
    assert values["crnn_ocr_workers"] == values["crnn_ocr_workers_configured"] == 2
    assert values["crnn_ocr_lines_total"] == values["crnn_ocr_readings_total read"]
    for stage in ("decode", "enhance", "detect", "recognise", "layout"):
        assert values[f"crnn_ocr_stage_duration_seconds_count {stage}"] >= 2
        assert values[f"crnn_ocr_stage_duration_seconds_sum {stage}"] > 0


def test_memory_is_that_of_the_processes(guarded: Server) -> None:
    supervisor = psutil.Process(guarded.process.pid)
    deadline = time.monotonic() + 30  # a worker tells of itself every few seconds
    while True:
        values = scrape(guarded)
        told = {name.split()[1]: value for name, value in values.items() if "resident" in name}
        if len(told) == 3 or time.monotonic() > deadline:
            break
        time.sleep(0.5)
    processes = {str(entry.pid): entry for entry in (supervisor, *supervisor.children())}
    assert told.keys() == processes.keys()
    for pid, value in told.items():
        assert value == pytest.approx(processes[pid].memory_info().rss, rel=0.3)
    assert values["crnn_ocr_cpu_seconds_total"] > 0.1


def test_the_answer_and_the_log_tell_where_the_time_went(guarded: Server) -> None:
    answer = read(guarded, png("Where the time goes"))
    timing = parse_timing(answer.headers["Server-Timing"])
    stages = {"decode", "enhance", "detect", "recognise", "layout"}
    assert stages | {"cache", "total"} <= timing.keys()
    assert timing["cache"]["desc"] == "miss"
    spent = sum(float(timing[stage]["dur"]) for stage in stages)
    assert 0 < spent <= float(timing["total"]["dur"]) + 1
    (line,) = [
        record for record in guarded.records() if record.get("request_id") == answer.json["request_id"]
    ]
    for stage in stages:
        assert line[f"{stage}_ms"] == float(timing[stage]["dur"])
    assert (line["key"], line["cache"], line["lines"]) == ("prometheus", "miss", 1)
    again = read(guarded, png("Where the time goes"))
    if again.json["cached"]:
        assert list(parse_timing(again.headers["Server-Timing"])) == ["cache", "total"]


def test_counts_outlive_a_killed_worker() -> None:
    with running_server() as server:
        assert server.read(png("Before")).status == 200
        before = scrape(server)
        folders = set(Path("/dev/shm").glob("crnn-ocr-*/metrics"))
        (worker,) = psutil.Process(server.process.pid).children()
        os.kill(worker.pid, signal.SIGKILL)
        after = {}
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                after = scrape(server)
                if after.get("crnn_ocr_ready_workers") == 1:
                    break
            time.sleep(0.2)
        counted = {name: value for name, value in before.items() if name.startswith("crnn_ocr_readings")}
        assert counted["crnn_ocr_readings_total read"] == 1
        assert counted.items() <= after.items()
        assert after["crnn_ocr_worker_exits_total crashed"] == 1
        assert after["crnn_ocr_workers"] == 1
    if folders:
        assert not all(folder.exists() for folder in folders)


# ---- Prometheus -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Prometheus:
    """A running Prometheus."""

    url: str

    def ask(self, path: str, **parameters: str) -> Any:
        with urlopen(f"{self.url}/api/v1/{path}?{urlencode(parameters)}", timeout=10) as answer:
            value = json.load(answer)
        assert value["status"] == "success"
        return value["data"]


@pytest.fixture(scope="module")
def prometheus(guarded: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Scrape the service every second, with the rules loaded."""
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "key").write_text(KEY.key)
    host, port = guarded.address
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(FOLDER / "alerts.yml")],
        "scrape_configs": [
            {
                "job_name": "crnn-ocr",
                "static_configs": [{"targets": [f"{host}:{port}"]}],
                "authorization": {"credentials_file": str(folder / "key")},
            }
        ],
    }
    (folder / "prometheus.yml").write_text(json.dumps(config))
    log = folder / "log"
    command = [
        tool("prometheus"),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--web.listen-address=127.0.0.1:0",
    ]
    with log.open("w") as stream, subprocess.Popen(command, stderr=stream, text=True) as process:
        try:
            yield _started(process, log)
        finally:
            stop(process)


def _started(process: subprocess.Popen[str], log: Path) -> Prometheus:
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        for connection in psutil.Process(process.pid).net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN:
                running = Prometheus(f"http://127.0.0.1:{connection.laddr.port}")
                with contextlib.suppress(URLError, OSError):
                    if running.ask("query", query="count_over_time(crnn_ocr_workers[1m]) > 3")["result"]:
                        return running
        time.sleep(0.3)
    raise AssertionError(f"Prometheus did not scrape: {log.read_text()}")


@pytest.mark.slow
def test_prometheus_evaluates_every_expression(prometheus: Prometheus, guarded: Server) -> None:
    for text in ("One", "Two", "One"):
        assert read(guarded, png(text)).status == 200
    time.sleep(2.5)
    (target,) = prometheus.ask("targets")["activeTargets"]
    assert target["health"] == "up", target["lastError"]
    empty = [
        name
        for name, expression in EXPRESSIONS.items()
        if not name.startswith("CrnnOcr") and not prometheus.ask("query", query=expression)["result"]
    ]
    assert empty == []


@pytest.mark.slow
def test_no_alert_fires_on_a_healthy_service(prometheus: Prometheus) -> None:
    assert prometheus.ask("alerts")["alerts"] == []
    (group,) = prometheus.ask("rules")["groups"]
    assert {rule["health"] for rule in group["rules"]} <= {"ok", "unknown"}
    assert not any(rule.get("lastError") for rule in group["rules"])
