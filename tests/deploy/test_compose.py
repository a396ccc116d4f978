"""Compose: one command brings everything up, and it stays up whatever happens to its parts."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any

import pytest

from tests.deploy.docker import BUILD_LIMIT_S, Container, docker, inspect, needs_docker, run
from tests.deploy.test_container import workers
from tests.deploy.test_files import COMPOSE, program
from tests.service.rendering import png
from tests.service.wire import reply

pytestmark = [needs_docker, pytest.mark.deploy, pytest.mark.timeout(BUILD_LIMIT_S)]

PROJECT = "crnn-ocr-test"


@dataclass(frozen=True)
class Stack:
    """What Compose has started."""

    environment: dict[str, str]

    def compose(self, *arguments: str, limit_s: float = 300) -> str:
        command = [program("docker-compose"), "--file", str(COMPOSE), "--project-name", PROJECT, *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=limit_s, env=self.environment
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def part(self, name: str) -> Container:
        """Find the container of a service."""
        return Container(self.compose("ps", "--all", "--quiet", name).strip())

    @property
    def service(self) -> Container:
        return self.part("crnn-ocr")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture(scope="module")
def stack(image: str) -> Iterator[Stack]:
    """Start service and Redis; nothing is built or pulled."""
    variables = {
        "CRNN_OCR_IMAGE": image,
        "CRNN_OCR_PUBLISH_PORT": str(free_port()),
        "CRNN_OCR_CPUS": "0.5",
    }
    started = Stack({**os.environ, **variables})
    try:
        started.compose("up", "--no-build", "--pull", "never", "--wait", "--wait-timeout", "120")
        yield started
    finally:
        started.compose("--profile", "monitoring", "down", "--volumes", "--timeout", "30")


def eventually(condition: Callable[[], bool], *, limit_s: float = 60) -> None:
    deadline = time.monotonic() + limit_s
    while True:
        with contextlib.suppress(OSError, HTTPException, AssertionError, LookupError):
            if condition():
                return
        assert time.monotonic() < deadline
        time.sleep(0.3)


def reads(service: Container, text: str) -> str:
    """Read a text; return where the answer came from."""
    answer = service.read(png(text))
    assert (answer.status, answer.json["text"]) == (200, text)
    log = [json.loads(line) for line in service.logs.splitlines() if line.startswith("{")]
    return str(next(row["cache"] for row in reversed(log) if row.get("path") == "/ocr"))


def test_it_is_up_once_the_command_returns(stack: Stack) -> None:
    assert stack.service.get("/readyz").status == 200
    for name in ("crnn-ocr", "redis"):
        assert stack.part(name).state["Health"]["Status"] == "healthy"
    assert reads(stack.service, "First") == "miss"
    assert reads(stack.service, "First") == "hit"


def test_limits_are_the_kernels(stack: Stack) -> None:
    host = inspect(stack.service.identity)["HostConfig"]
    assert (host["Memory"], host["NanoCpus"], host["PidsLimit"]) == (512 * 1024 * 1024, 500_000_000, 256)
    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"]


def test_redis_is_reached_by_the_service_alone(stack: Stack) -> None:
    networks = inspect(stack.part("redis").identity)["NetworkSettings"]["Networks"]
    assert list(networks) == [f"{PROJECT}_cache"]
    assert inspect(f"{PROJECT}_cache")["Internal"] is True


def test_answers_outlive_a_worker_in_redis(stack: Stack) -> None:
    service = stack.service
    assert reads(service, "Shared") == "miss"
    (worker,) = workers(service)
    service.script(f"import os; os.kill({worker}, 9)")
    eventually(lambda: service.get("/readyz").status == 200 and workers(service) != [worker])
    assert reads(service, "Shared") == "shared"


def test_it_reads_on_without_redis_and_finds_it_again(stack: Stack) -> None:
    service, redis = stack.service, stack.part("redis")
    docker("network", "disconnect", f"{PROJECT}_cache", redis.identity)
    try:
        for number in range(3):
            assert reads(service, f"Alone {number}") == "miss"
        eventually(lambda: b"crnn_ocr_cache_shared_failing 1.0" in service.get("/metrics").body)
        assert service.get("/readyz").status == 200
    finally:
        docker("network", "connect", "--alias", "redis", f"{PROJECT}_cache", redis.identity)
    numbers = itertools.count(10)

    def found() -> bool:
        reads(service, f"Again {next(numbers)}")
        return b"crnn_ocr_cache_shared_failing 0.0" in service.get("/metrics").body

    eventually(found, limit_s=90)


def test_a_dead_redis_comes_back_by_itself(stack: Stack) -> None:
    redis = stack.part("redis")
    before = redis.state["StartedAt"]
    os.kill(redis.state["Pid"], 9)
    eventually(lambda: redis.state["Running"] and redis.state["StartedAt"] != before)
    eventually(lambda: redis.state["Health"]["Status"] == "healthy")
    assert reads(stack.service, "Still") == "miss"


def test_a_dead_service_comes_back_by_itself(stack: Stack) -> None:
    service = stack.service
    before = service.state["StartedAt"]
    os.kill(service.state["Pid"], 9)
    eventually(lambda: service.state["Running"] and service.state["StartedAt"] != before)
    eventually(lambda: service.get("/readyz").status == 200, limit_s=90)
    assert reads(service, "Back") == "miss"


# ---- monitoring -------------------------------------------------------------------------------------


def has_prometheus() -> bool:
    return run("image", "inspect", "prom/prometheus:v3.5.0").status == 0


def test_prometheus_scrapes_the_service(stack: Stack) -> None:
    """Grafana's image is seldom at hand: its files are checked where they lie (test_files.py)."""
    if not has_prometheus():
        pytest.skip("there is no image of Prometheus")
    port = free_port()
    watched = Stack({**stack.environment, "PROMETHEUS_PUBLISH": f"127.0.0.1:{port}"})
    up = ("--profile", "monitoring", "up", "--no-build", "--pull", "never", "--wait", "--wait-timeout", "120")
    watched.compose(*up, "prometheus")

    def asked(path: str) -> Any:
        connection = HTTPConnection("127.0.0.1", port, timeout=10)
        with contextlib.closing(connection):
            connection.request("GET", path)
            return reply(connection).json["data"]

    eventually(
        lambda: asked("/api/v1/query?query=up%7Bjob%3D%22crnn-ocr%22%7D")["result"][0]["value"][1] == "1"
    )
    eventually(lambda: bool(asked("/api/v1/query?query=crnn_ocr_pages_total")["result"]))
    rules = [rule["name"] for group in asked("/api/v1/rules")["groups"] for rule in group["rules"]]
    assert "CrnnOcrDown" in rules
    assert all(
        rule["health"] in ("ok", "unknown") for g in asked("/api/v1/rules")["groups"] for rule in g["rules"]
    )


# ---- the end ----------------------------------------------------------------------------------------


def test_down_leaves_nothing(image: str) -> None:
    variables = {"CRNN_OCR_IMAGE": image, "CRNN_OCR_PUBLISH_PORT": str(free_port())}
    variables["COMPOSE_PROJECT_NAME"] = other = "crnn-ocr-end"
    stack = Stack({**os.environ, **variables})
    command = [program("docker-compose"), "--file", str(COMPOSE)]
    for arguments in (
        ["up", "--no-build", "--pull", "never", "--wait"],
        ["down", "--volumes", "--timeout", "60"],
    ):
        done = subprocess.run(
            [*command, *arguments],
            env=stack.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
    for kind in ("container", "network", "volume"):
        flags = ("--all",) if kind == "container" else ()
        assert (
            docker(kind, "ls", *flags, "--quiet", "--filter", f"label=com.docker.compose.project={other}")
            == ""
        )
