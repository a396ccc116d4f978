"""A small HTTP client over the standard library, and the server it talks to."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPMessage
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

START_LIMIT_S = 60
STOP_LIMIT_S = 30

MAX_BODY = 8 * 1024 * 1024
"""The body limit of the server that the tests share, in bytes."""


@dataclass(frozen=True)
class Reply:
    status: int
    headers: HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The error code; fails where the answer is no error."""
        assert self.json["success"] is False
        return str(self.json["error"]["code"])


@dataclass(frozen=True)
class Server:
    """A running `crnn-ocr serve`."""

    process: subprocess.Popen[str]
    url: str
    log: Path
    environment: Mapping[str, str] = field(repr=False)

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        assert parts.hostname is not None
        assert parts.port is not None
        return parts.hostname, parts.port

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        chunked: bool = False,
    ) -> Reply:
        connection = HTTPConnection(*self.address, timeout=120)
        with contextlib.closing(connection):
            connection.request(
                method,
                path,
                body=_chunks(body or b"") if chunked else body,
                headers=dict(headers or {}),
                encode_chunked=chunked,
            )
            return reply(connection)

    def get(self, path: str) -> Reply:
        return self.ask("GET", path)

    def read(self, picture: bytes, kind: str = "image/png", query: str = "") -> Reply:
        return self.ask("POST", f"/ocr{query}", picture, {"Content-Type": kind})

    def read_json(self, payload: object) -> Reply:
        return self.ask("POST", "/ocr", json.dumps(payload).encode(), {"Content-Type": "application/json"})

    def records(self) -> list[dict[str, Any]]:
        """What the server has logged so far."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]


def reply(connection: HTTPConnection) -> Reply:
    response = connection.getresponse()
    return Reply(response.status, response.headers, response.read())


def _chunks(data: bytes, size: int = 65536) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def clean_environment(**settings: str) -> dict[str, str]:
    """The environment without any setting of the product or of ONNX Runtime, plus the given ones."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("CRNN_OCR_", "ORT_"))}
    return {**kept, **settings}


@contextlib.contextmanager
def running_server(
    *flags: str, wait: bool = True, program: tuple[str, ...] = ("crnn_ocr", "serve"), **settings: str
) -> Iterator[Server]:
    """Start `crnn-ocr serve` on a free port, wait until it is ready, stop it in the end."""
    environment = clean_environment(CRNN_OCR_LOG_FORMAT="json", **settings)
    command = [sys.executable, "-m", *program, "--port", "0", *flags]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "log.jsonl")
        with (
            log.open("w") as stream,
            subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=stream, text=True, env=environment
            ) as process,
        ):
            try:
                assert process.stdout is not None
                server = Server(process, _url(process.stdout), log, environment)
                if wait:
                    _wait_until_ready(server)
                yield server
            finally:
                stop(process)


def stop(process: subprocess.Popen[str]) -> int:
    """Ask a server to end; kill it where it does not."""
    process.terminate()
    try:
        return process.wait(STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


def _url(stdout: IO[str]) -> str:
    line = stdout.readline()
    found = [word for word in line.split() if word.startswith("http://")]
    assert found, f"no URL in {line!r}"
    return found[0]


def _wait_until_ready(server: Server) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while server.process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(ConnectionError):
            if server.get("/readyz").status == 200:
                return
        time.sleep(0.1)
    raise AssertionError(f"the server did not become ready: {server.log.read_text()}")
