"""The real service around a reader that sleeps: `python -m tests.service.slow_server`.

A picture says how long it takes: `slow_png` writes the seconds, and a file that ends the wait, behind the
picture's end, where no decoder looks.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from flask import Flask
from PIL import Image

from crnn_ocr.document import Document
from crnn_ocr.options import ReadOptions
from crnn_ocr.scheduling.ticket import Ticket
from crnn_ocr.service import launcher
from crnn_ocr.settings import load_settings
from tests.service.fakes import FakeReader
from tests.service.rendering import encoded
from tests.service.wire import Server, running_server

#: Environment variable: bytes of answers that the server keeps for its clients.
MOST_UNSENT = "SLOW_SERVER_MOST_UNSENT"

_MARK = b"takes "
_CRASH = b"crashes"
_EATS = b"eats"


def slow_png(
    seconds: float, *, until: Path | None = None, width: int = 32, height: int = 32, name: str = ""
) -> bytes:
    """A picture that takes that long, or until a file is there; the name tells it from others like it."""
    told = f"{seconds} {until or ''}".encode()
    return encoded(Image.new("L", (width, height), 255)) + name.encode() + _MARK + told


def crashing_png(name: str = "") -> bytes:
    """A picture that ends the process that reads it."""
    return encoded(Image.new("L", (32, 32), 255)) + name.encode() + _CRASH


def eating_png(name: str = "") -> bytes:
    """A picture that takes memory without end from the process that reads it."""
    return encoded(Image.new("L", (32, 32), 255)) + name.encode() + _EATS


@contextlib.contextmanager
def slow_server(group: Path | None = None, /, **settings: str) -> Iterator[Server]:
    """Run it, in that control group if there is one."""
    program: tuple[str, ...] = ("tests.service.slow_server",)
    if group is not None:
        program = ("tests.service.grouped", str(group), *program)
    with running_server(wait=True, program=program, **settings) as server:
        yield server


class SlowReader(FakeReader):
    """Sleeps as long as the picture says, and asks its ticket in between as the engine does."""

    def work(self, source: bytes, options: ReadOptions, ticket: Ticket | None) -> Document:
        if source.endswith(_CRASH):
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            # As a fault does, it meets this very thread. A signal to the process meets the main thread, and
            # until that has its turn this one would go on, take its connection back and fail to answer.
            signal.pthread_kill(threading.get_ident(), signal.SIGSEGV)
        if source.endswith(_EATS):
            eaten = []
            while True:
                eaten.append(b"x" * 2**20)
        seconds, _, path = source.rpartition(_MARK)[2].decode().partition(" ")
        deadline = time.monotonic() + float(seconds or 0)
        while time.monotonic() < deadline and not (path and Path(path).exists()):
            assert ticket is not None
            ticket.check()
            time.sleep(0.02)
        return super().work(source, options, ticket)


class _Application(launcher._Application):
    def load(self) -> Flask:
        from tests.service.fakes import create_app

        app = create_app(SlowReader(), self._settings)
        app.add_url_rule("/slow", view_func=_sleep, methods=["GET", "DELETE"])
        return app


def _sleep() -> str:
    """A request without a body that takes long."""
    time.sleep(60)
    return "slept"


def main() -> None:
    from crnn_ocr.logging import configure_logging
    from crnn_ocr.service.server import unsent_answers

    # Tests that hold clients which do not read may themselves take long on a busy machine.
    unsent_answers.PATIENCE_S = 600.0
    unsent_answers.MOST_BYTES = int(os.environ.get(MOST_UNSENT, unsent_answers.MOST_BYTES))
    settings = load_settings().model_copy(update={"port": 0})
    configure_logging(settings.log_level, settings.log_format)
    listener = launcher.bind(settings)
    print(f"serves {launcher.url_of(listener)}", flush=True)  # noqa: T201
    _Application(settings, listener).run()


if __name__ == "__main__":
    main()
