"""A real RabbitMQ on free ports, for as long as a test needs it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

#: Where Debian keeps the program itself; what it puts on the path asks for another user.
PROGRAM = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
START_LIMIT_S = 90


@contextlib.contextmanager
def running_rabbitmq(folder: Path) -> Iterator[str]:
    """Yield the URL of a RabbitMQ that keeps everything in a folder."""
    program = str(PROGRAM) if PROGRAM.is_file() else shutil.which("rabbitmq-server")
    if program is None or shutil.which("epmd") is None:
        pytest.skip("rabbitmq-server is not installed (Debian: rabbitmq-server)")
    node, distribution, mapper = free_ports(3)
    (folder / "plugins").write_text("[].")
    environment = {
        **os.environ,
        "HOME": str(folder),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(mapper),
        "RABBITMQ_NODENAME": f"crnn-ocr-test-{node}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(node),
        "RABBITMQ_DIST_PORT": str(distribution),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
    }
    with (folder / "out").open("w") as out:
        server = subprocess.Popen(
            [program], env=environment, stdout=out, stderr=out, cwd=folder, start_new_session=True
        )
    try:
        _wait_for(node, server, folder / "out")
        yield f"amqp://guest:guest@127.0.0.1:{node}//"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait(30)
        subprocess.run(["epmd", "-port", str(mapper), "-kill"], capture_output=True, check=False)


def free_ports(number: int) -> list[int]:
    """Return ports that nobody uses now."""
    with contextlib.ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(number)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def _wait_for(port: int, server: subprocess.Popen[bytes], out: Path) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        assert server.poll() is None, out.read_text()
        assert time.monotonic() < deadline, out.read_text()
        time.sleep(0.2)
