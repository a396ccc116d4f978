"""Real Redis, service and workers for jobs with Celery, each a process of its own on this machine."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from PIL import Image, ImageDraw, ImageFont

from benchmarks.harness.ports import free_port
from crnn_ocr.jobs.redis_store import RedisStore, connect

_START_S = 120.0


class LabError(Exception):
    """The parts did not start; the message says which."""


# ---- material ---------------------------------------------------------------------------------------


def number_of(job: int, page: int) -> str:
    """Return the number that a page shows."""
    return f"{7_000_000 + job * 10_000 + page}"


def document(job: int, pages: int) -> bytes:
    """Make a PDF whose pages are pictures, each with a number of its own."""
    font = ImageFont.load_default(size=44)
    pictures = []
    for page in range(1, pages + 1):
        picture = Image.new("L", (640, 200), 255)
        draw = ImageDraw.Draw(picture)
        draw.text((40, 30), f"Invoice {number_of(job, page)}", font=font, fill=0)
        draw.text((40, 110), "Total 1,250.00 EUR", font=font, fill=0)
        pictures.append(picture)
    stream = io.BytesIO()
    pictures[0].save(stream, "PDF", save_all=True, append_images=pictures[1:], resolution=96)
    return stream.getvalue()


# ---- processes --------------------------------------------------------------------------------------


@dataclass
class Part:
    """A program of the laboratory, which can be killed and started again.

    Attributes:
        name: Its name.
        command: How it is started.
        environment: Its variables.
        log: File to which it writes.
    """

    name: str
    command: Sequence[str]
    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, in a session of its own."""
        with self.log.open("ab") as stream:
            self.process = subprocess.Popen(
                self.command, env=self.environment, stdout=stream, stderr=stream, start_new_session=True
            )

    def kill(self) -> None:
        """Kill it and all of its processes, as a machine that loses its power."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def stop(self, limit_s: float = 60) -> int:
        """Ask it to end, and return its status."""
        assert self.process is not None
        self.process.terminate()
        try:
            return self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def children(self) -> list[psutil.Process]:
        """Return the processes that it has started."""
        assert self.process is not None
        with contextlib.suppress(psutil.NoSuchProcess):
            return [child for child in psutil.Process(self.process.pid).children() if child.is_running()]
        return []


class Lab:
    """A Redis, a service and workers. A context manager: at its end all of them are killed."""

    def __init__(self, folder: Path, *, workers: int, broker: str | None = None, **settings: str) -> None:
        """Prepare; nothing is started yet.

        Args:
            folder: Where Redis, the jobs and the logs lie.
            workers: Number of workers, one process each.
            broker: URL of another broker than that Redis.
            settings: Further settings by name, for all of them.
        """
        self.folder = folder
        redis_port, self.port = free_port(), free_port()
        self.redis_url = f"redis://127.0.0.1:{redis_port}/0"
        given = {
            "jobs": "celery",
            "jobs_redis_url": self.redis_url,
            "jobs_dir": str(folder / "jobs"),
            "port": str(self.port),
            "threads": "1",
            "log_format": "json",
            **({} if broker is None else {"jobs_broker_url": broker}),
            **settings,
        }
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CRNN_OCR_")}
        environment = {**kept, **{f"CRNN_OCR_{name.upper()}": value for name, value in given.items()}}
        program = [sys.executable, "-m", "crnn_ocr"]
        redis = [
            *("redis-server", "--port", str(redis_port), "--bind", "127.0.0.1", "--dir", str(folder)),
            *("--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
            *("--maxmemory-policy", "noeviction"),
        ]
        self.redis = Part("redis", redis, environment, folder / "redis.log")
        self.service = Part("service", [*program, "serve"], environment, folder / "service.log")
        self.workers = [
            Part(
                f"worker-{at}",
                [*program, "worker", "--name", str(at)],
                environment,
                folder / f"worker-{at}.log",
            )
            for at in range(workers)
        ]

    @property
    def store(self) -> RedisStore:
        """The table."""
        return RedisStore(connect(self.redis_url))

    def __enter__(self) -> Lab:
        if shutil.which("redis-server") is None:
            raise LabError("redis-server is not installed (Debian: redis-server)")
        for part in (self.redis, self.service, *self.workers):
            part.start()
        self.wait_for_service()
        return self

    def __exit__(self, *_: object) -> None:
        for part in (*self.workers, self.service, self.redis):
            part.kill()

    def wait_for_service(self) -> None:
        """Wait until the service answers.

        Raises:
            LabError: It does not.
        """
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                if self.ask("GET", "/readyz")[0] == 200:
                    return
            time.sleep(0.2)
        raise LabError(f"the service did not start: {self.service.log.read_text()}")

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Send a request; return status and body.

        Raises:
            OSError: There was no answer.
        """
        url = f"http://127.0.0.1:{self.port}{path}"
        request = urllib.request.Request(url, body, headers or {}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def submit(self, name: str, content: bytes, **fields: str) -> str:
        """Make a job of a file, and return its id; as often as it takes, with the same key."""
        boundary = uuid.uuid4().hex
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'.encode()
            for field, value in fields.items()
        ]
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        body = b"".join([*parts, head.encode(), content, f"\r\n--{boundary}--\r\n".encode()])
        headers = {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Idempotency-Key": uuid.uuid4().hex,
        }
        while True:
            with contextlib.suppress(OSError):
                status, answer = self.ask("POST", "/jobs", body, headers)
                if status in (200, 202):
                    return str(json.loads(answer)["id"])
                if status not in (429, 503):
                    raise LabError(f"POST /jobs: {status} {answer.decode()}")
            time.sleep(0.5)

    def state(self, job: str) -> dict[str, Any] | None:
        """Return what the service tells of a job; None if it does not answer now."""
        with contextlib.suppress(OSError):
            status, answer = self.ask("GET", f"/jobs/{job}")
            if status == 200:
                found: dict[str, Any] = json.loads(answer)
                return found
            if status not in (503, 504):
                raise LabError(f"GET /jobs/{job}: {status} {answer.decode()}")
        return None

    def result(self, job: str, form: str) -> bytes:
        """Return a result of a finished job."""
        status, answer = self.ask("GET", f"/jobs/{job}/result?format={form}")
        if status != 200:
            raise LabError(f"result of {job}: {status} {answer.decode()}")
        return answer
