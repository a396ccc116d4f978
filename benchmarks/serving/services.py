"""Defines the services that are compared, and starts each afresh in processes of its own."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from benchmarks.harness.engines import HERE, PEERS
from benchmarks.harness.ports import free_port
from benchmarks.serving.memory_group import MemoryGroup
from benchmarks.serving.pictures import Picture

START_S = 120
STOP_S = 60
OURS = "crnn-ocr"


@dataclass(frozen=True)
class Request:
    """One POST, ready to be sent."""

    path: str
    body: bytes
    headers: Mapping[str, str]


def _raw(picture: Picture) -> Request:
    return Request("/ocr", picture.data, {"Content-Type": "application/octet-stream"})


def _form(picture: Picture) -> Request:
    boundary = uuid.uuid4().hex
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="image_file"; filename="a"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    body = head.encode() + picture.data + f"\r\n--{boundary}--\r\n".encode()
    return Request("/ocr", body, {"Content-Type": f"multipart/form-data; boundary={boundary}"})


def _our_texts(answer: Any) -> list[str]:
    return [line["text"] for line in answer["lines"]]


def _rapidocr_texts(answer: Any) -> list[str]:
    return [line["rec_txt"] for line in answer.values()]


@dataclass(frozen=True)
class Service:
    """A service: how to start it and how to send a picture.

    Attributes:
        name: as given to ``--services``.
        python: interpreter of its environment.
        command: what follows the interpreter; ``{port}`` stands for the port.
        request: makes the request for a picture.
        texts: takes the lines out of an answer.
        settings: environment variables.
    """

    name: str
    python: Path
    command: tuple[str, ...]
    request: Callable[[Picture], Request] = _raw
    texts: Callable[[Any], list[str]] = _our_texts
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def installed(self) -> bool:
        """Whether its environment has been made."""
        return self.python.exists()


def _python(environment: str) -> Path:
    return PEERS / environment / "bin" / "python"


def _faster_paddle(size: str) -> Service:
    # One engine for all requests, as its package is meant to be used; it has threads of its own.
    command = ("-m", "gunicorn", "--bind", "127.0.0.1:{port}", "--workers", "1", "--threads", "16")
    return Service(
        f"faster-paddle-{size}",
        _python("faster-paddle-service"),
        (*command, "--no-control-socket", f"benchmarks.peers.serve_faster_paddle:make('{size}')"),
    )


SERVICES: dict[str, Service] = {
    service.name: service
    for service in (
        Service(OURS, Path(sys.executable), ("-m", "crnn_ocr", "serve", "--port", "{port}")),
        Service(
            "rapidocr-api",
            _python("rapidocr-api"),
            ("-m", "rapidocr_api.main", "-ip", "127.0.0.1", "-p", "{port}"),
            _form,
            _rapidocr_texts,
        ),
        _faster_paddle("small"),
        _faster_paddle("tiny"),
    )
}


@dataclass(frozen=True)
class Running:
    """A service that answers.

    Attributes:
        service: which one.
        port: on loopback.
        pid: of the process that was started; the others are its descendants.
        log: what it has written.
    """

    service: Service
    port: int
    pid: int
    log: Path

    def connect(self, timeout: float = 180) -> HTTPConnection:
        """Open a new connection."""
        return HTTPConnection("127.0.0.1", self.port, timeout=timeout)


class StartError(Exception):
    """A service did not start."""


@contextlib.contextmanager
def running(
    service: Service, probe: Picture, group: MemoryGroup | None = None, /, **settings: str
) -> Iterator[Running]:
    """Start a service, wait until it has read the probe, and stop it in the end.

    Args:
        service: which one.
        probe: a picture, so that no model is loaded within the measured time.
        group: the control group that all its processes are in.
        **settings: further environment variables.

    Raises:
        StartError: it ends or does not answer in time.
    """
    port = free_port()
    command = [str(service.python), *(part.format(port=port) for part in service.command)]
    if group is not None:
        command = group.inside(command)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CRNN_OCR_")}
    environment = {**kept, "ORT_DISABLE_TELEMETRY": "1", **service.settings, **settings}
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "log")
        with log.open("wb") as stream:
            process = subprocess.Popen(
                command,
                stdout=stream,
                stderr=stream,
                env=environment,
                cwd=HERE.parent,
                start_new_session=True,
            )
            try:
                _wait(service, port, process, probe, log)
                yield Running(service, port, process.pid, log)
            finally:
                _stop(process)


def _wait(service: Service, port: int, process: subprocess.Popen[bytes], probe: Picture, log: Path) -> None:
    request = service.request(probe)
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError, HTTPException):
            connection = HTTPConnection("127.0.0.1", port, timeout=START_S)
            with contextlib.closing(connection):
                connection.request("POST", request.path, request.body, dict(request.headers))
                answer = connection.getresponse()
                body = answer.read()
            if answer.status == 200:
                service.texts(json.loads(body))
                return
        time.sleep(0.1)
    # Colours of a terminal have no business in a message.
    words = re.sub(r"\x1b\[[0-9;]*m", "", log.read_text(errors="replace"))
    raise StartError(f"{service.name} did not start: {words[-800:].strip()}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the service and all processes that it started, which form a session of their own."""
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
