"""Docker from its command line: images are looked into, containers are started, asked and broken."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import pytest

from tests.service.wire import Reply, reply

ROOT = Path(__file__).resolve().parents[2]
#: `scripts/test-deploy` sets it: images may be built, containers run.
ENABLED = "CRNN_OCR_TEST_DEPLOY"
#: The limits of a container in the recipe that the project comes from.
MEMORY, CPUS = "512m", "0.5"
#: As a CPU with dot products chooses; others make the float form at each start, which takes time and memory.
INT8 = {"CRNN_OCR_PRECISION": "int8"}
#: For the first test that asks for the image: it waits for its building, in seconds.
BUILD_LIMIT_S = 2400
#: On a busy machine; nothing is said about speed by it.
START_LIMIT_S = 120.0

needs_docker = pytest.mark.skipif(
    not os.environ.get(ENABLED), reason="needs a Docker Engine: `make test-deploy` runs it"
)


@dataclass(frozen=True)
class Done:
    """What a command has left."""

    status: int
    output: str
    errors: str


def run(*arguments: str, given: bytes | None = None, limit_s: float = 600) -> Done:
    """Run `docker …`; its status is for the caller to judge."""
    program = shutil.which("docker")
    assert program is not None
    done = subprocess.run(
        [program, *arguments], input=given, capture_output=True, check=False, timeout=limit_s
    )
    errors = done.stderr.decode("utf-8", "replace")
    # An engine without forwarding says so at every start.
    errors = "".join(line for line in errors.splitlines(True) if "IPv4 forwarding" not in line)
    return Done(done.returncode, done.stdout.decode("utf-8", "replace"), errors)


def docker(*arguments: str, given: bytes | None = None, limit_s: float = 600) -> str:
    """Run `docker …`, which has to succeed; return what it printed."""
    done = run(*arguments, given=given, limit_s=limit_s)
    assert done.status == 0, f"docker {' '.join(arguments)}: {done.errors or done.output}"
    return done.output


def inspect(name: str) -> dict[str, Any]:
    """Ask the engine what it knows about an image or a container."""
    (entry,) = json.loads(docker("inspect", name))
    assert isinstance(entry, dict)
    return entry


def hardened(memory: str = MEMORY, cpus: str = CPUS) -> list[str]:
    """List the flags of the strictest container that the image promises to run in."""
    return [
        *("--read-only", "--tmpfs", "/tmp:size=16m,mode=1777", "--cap-drop", "ALL"),
        *("--security-opt", "no-new-privileges", "--pids-limit", "256"),
        *("--memory", memory, "--memory-swap", memory, "--cpus", cpus),
    ]


@dataclass(frozen=True)
class Container:
    """A container; its port 5000 is published on a free one of this machine."""

    identity: str

    @property
    def state(self) -> dict[str, Any]:
        """As the engine sees it."""
        state: dict[str, Any] = inspect(self.identity)["State"]
        return state

    @property
    def address(self) -> tuple[str, int]:
        (published,) = inspect(self.identity)["NetworkSettings"]["Ports"]["5000/tcp"]
        return "127.0.0.1", int(published["HostPort"])

    @property
    def logs(self) -> str:
        done = run("logs", self.identity)
        return done.output + done.errors

    def ask(self, method: str, path: str, body: bytes | None = None, kind: str = "image/png") -> Reply:
        connection = HTTPConnection(*self.address, timeout=120)
        with contextlib.closing(connection):
            connection.request(method, path, body=body, headers={"Content-Type": kind} if body else {})
            return reply(connection)

    def get(self, path: str) -> Reply:
        return self.ask("GET", path)

    def read(self, picture: bytes, kind: str = "image/png") -> Reply:
        return self.ask("POST", "/ocr", picture, kind)

    def execute(self, *command: str) -> str:
        """Run a program inside; return what it printed."""
        return docker("exec", self.identity, *command)

    def script(self, code: str) -> str:
        """Run Python inside."""
        return self.execute("python", "-c", code)

    def cpu_seconds(self) -> float:
        """Return the CPU time of the container since it was made."""
        return float(self.script(_CPU))

    def wait_until_ready(self, limit_s: float = START_LIMIT_S) -> None:
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline and self.state["Running"]:
            with contextlib.suppress(OSError, HTTPException):
                if self.get("/readyz").status == 200:
                    return
            time.sleep(0.1)
        raise AssertionError(f"the container did not become ready: {self.logs}")

    def wait_for_end(self, limit_s: float = 60) -> int:
        """Wait until it has ended; return its exit status."""
        return int(docker("wait", self.identity, limit_s=limit_s))


_CPU = """
try:
    print(int(open("/sys/fs/cgroup/cpuacct/cpuacct.usage").read()) / 1e9)
except OSError:
    rows = dict(line.split() for line in open("/sys/fs/cgroup/cpu.stat"))
    print(int(rows["usage_usec"]) / 1e6)
"""


@contextlib.contextmanager
def container(
    image: str, *flags: str, wait: bool = True, settings: Mapping[str, str] | None = None
) -> Iterator[Container]:
    """Start a container, remove it in the end."""
    variables = {"CRNN_OCR_ALLOW_ANONYMOUS": "true", **(settings or {})}
    environment = [part for name, value in variables.items() for part in ("--env", f"{name}={value}")]
    identity = docker("run", "--detach", "--publish", "127.0.0.1::5000", *flags, *environment, image)
    started = Container(identity.strip())
    try:
        if wait:
            started.wait_until_ready()
        yield started
    finally:
        docker("rm", "--force", "--volumes", started.identity)


def size_of(image: str) -> float:
    """Return the unpacked size of an image, in megabytes as its engine counts them."""
    return float(inspect(image)["Size"]) / 1e6
