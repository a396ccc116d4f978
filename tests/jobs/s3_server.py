"""A real server of S3 (moto) on a free port, for as long as a test needs it."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

START_LIMIT_S = 60
#: What programs that use S3 read; any key will do.
ACCESS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}


@dataclass
class S3Server:
    """Can be stopped and started again; its port stays, its content does not."""

    port: int
    process: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        return {**ACCESS, "AWS_ENDPOINT_URL": self.url}

    def start(self) -> None:
        command = [
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "moto.server",
            "-H",
            "127.0.0.1",
            "-p",
            str(self.port),
        ]
        # Flags of the tests' own Python, such as warnings that are errors, are not meant for it.
        environment = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}
        self.process = subprocess.Popen(
            [*command, "-p", str(self.port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        deadline = time.monotonic() + START_LIMIT_S
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            assert self.process.poll() is None, "the server of S3 ended"
            assert time.monotonic() < deadline, "the server of S3 did not start"
            time.sleep(0.05)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(START_LIMIT_S)
            self.process = None

    def make_bucket(self, name: str) -> None:
        self._ask("PUT", name)

    def keys(self, bucket: str) -> list[str]:
        return re.findall(r"<Key>([^<]*)</Key>", self._ask("GET", f"{bucket}?list-type=2"))

    def unfinished_uploads(self, bucket: str) -> int:
        return self._ask("GET", f"{bucket}?uploads").count("<UploadId>")

    def _ask(self, method: str, target: str) -> str:
        request = urllib.request.Request(f"{self.url}/{target}", method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return str(answer.read().decode())


@contextlib.contextmanager
def running_s3() -> Iterator[S3Server]:
    for module in ("moto", "flask_cors", "obstore"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"the package {module} is not installed (extras `test`, `s3`)")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = S3Server(port)
    server.start()
    try:
        yield server
    finally:
        server.stop()
