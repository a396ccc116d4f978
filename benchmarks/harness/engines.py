"""Defines the engines that are compared, and the worker processes that run them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

HERE = Path(__file__).resolve().parents[1]
PEERS = HERE / ".peers"
Mode = Literal["page", "line"]


@dataclass(frozen=True)
class Engine:
    """One engine: which interpreter runs which adapter, on full pages and on single lines.

    Attributes:
        name: as given to ``--engines``.
        python: interpreter of the engine's own environment.
        page: adapter script and its arguments for full pages.
        line: the same for the recogniser alone on one crop; empty where the engine offers none.
        languages: the languages that the engine's weights know.
        env: environment variables of the adapter.
    """

    name: str
    python: Path
    page: tuple[str, ...]
    line: tuple[str, ...] = ()
    languages: tuple[str, ...] = ("zh", "en")
    env: dict[str, str] = field(default_factory=dict)

    @property
    def installed(self) -> bool:
        """Whether the engine's environment has been made."""
        return self.python.exists()


def peer(name: str) -> Path:
    """Return the interpreter of a peer's environment."""
    return PEERS / name / "bin" / "python"


OURS = "crnn-ocr"
RAPIDOCR = "rapidocr"
_NETS = str(PEERS / "nets")
ENGINES: dict[str, Engine] = {
    engine.name: engine
    for engine in (
        Engine(OURS, Path(sys.executable), ("run_crnn_ocr",), ("run_crnn_ocr", "--line")),
        # Without the second look; its recogniser alone is that of the row above.
        Engine(f"{OURS}-fast", Path(sys.executable), ("run_crnn_ocr", "--recheck", "off")),
        Engine(
            f"{OURS}-accurate",
            Path(sys.executable),
            ("run_crnn_ocr",),
            ("run_crnn_ocr", "--line"),
            env={"CRNN_OCR_MODEL": "accurate"},
        ),
        Engine(RAPIDOCR, peer("rapidocr"), ("run_rapidocr",), ("run_rapidocr", "--line")),
        # faster-paddle has no way in for single lines: its net is read by RapidOCR's recogniser.
        Engine(
            "faster-paddle-tiny",
            peer("faster-paddle"),
            ("run_faster_paddle", "tiny"),
            ("run_rapidocr", "--line", "--net", f"{_NETS}/tiny"),
        ),
        Engine(
            "faster-paddle-small",
            peer("faster-paddle"),
            ("run_faster_paddle", "small"),
            ("run_rapidocr", "--line", "--net", f"{_NETS}/small"),
        ),
        Engine("tesseract", peer("tesseract"), ("run_tesseract",), ("run_tesseract", "--line")),
        Engine("easyocr", peer("easyocr"), ("run_easyocr",), ("run_easyocr", "--line"), ("en",)),
    )
}


@dataclass(frozen=True)
class Reading:
    """Answer of an engine for one file.

    Attributes:
        texts: the lines in the engine's order.
        polygons: corners of every line in pixels; empty where the engine gives none.
        confidences: of every line, 0 to 1; 1 where the engine gives none.
        cpu_s: processor seconds, all threads and child processes.
        wall_s: seconds on the clock.
        peak_rss: largest resident size of the process until now, bytes.
    """

    texts: tuple[str, ...]
    polygons: tuple[tuple[tuple[float, float], ...], ...]
    confidences: tuple[float, ...]
    cpu_s: float
    wall_s: float
    peak_rss: int


class EngineError(Exception):
    """An adapter could not start or could not read a file."""


def adapter_command(python: Path, adapter: Sequence[str]) -> list[str]:
    """Return the command line of an adapter; it runs in the root of the repository."""
    return [str(python), "-W", "ignore", "-m", f"benchmarks.peers.{adapter[0]}", *adapter[1:]]


class Worker:
    """An engine in a process of its own; use it as a context manager."""

    def __init__(self, engine: Engine, mode: Mode = "page") -> None:
        adapter = engine.page if mode == "page" else engine.line
        if not adapter:
            raise EngineError(f"{engine.name} reads no single lines")
        python = peer(RAPIDOCR) if adapter[0] == "run_rapidocr" else engine.python
        if not python.exists():
            raise EngineError(f"{engine.name} is not installed: run benchmarks/make-peers")
        self.engine = engine
        environment = {**os.environ, "ORT_DISABLE_TELEMETRY": "1", **engine.env}
        self.started = time.perf_counter()
        self._process = subprocess.Popen(
            adapter_command(python, adapter),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=environment,
            cwd=HERE.parent,
        )
        try:
            hello = self._receive()
        except EngineError:
            self.close()
            raise
        self.version = str(hello["version"])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _receive(self) -> dict[str, object]:
        assert self._process.stdout is not None
        answer = self._process.stdout.readline()
        if not answer:
            raise EngineError(f"{self.engine.name} stopped with status {self._process.wait()}")
        message: dict[str, object] = json.loads(answer)
        if "error" in message:
            raise EngineError(f"{self.engine.name}: {message['error']}")
        return message

    def ask(self, request: dict[str, object]) -> dict[str, object]:
        """Send a request and return the answer.

        Raises:
            EngineError: the engine failed on it.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return self._receive()

    def read(self, path: Path) -> Reading:
        """Read one picture.

        Raises:
            EngineError: the engine failed on it.
        """
        answer = self.ask({"path": str(path)})
        lines: Sequence[dict[str, object]] = answer["lines"]  # type: ignore[assignment]
        polygons: list[tuple[tuple[float, float], ...]] = []
        for line in lines:
            corners: Sequence[Sequence[float]] = line.get("polygon", ())  # type: ignore[assignment]
            polygons.append(tuple((float(x), float(y)) for x, y in corners))
        return Reading(
            texts=tuple(str(line["text"]) for line in lines),
            polygons=tuple(polygons),
            confidences=tuple(float(line.get("confidence", 1.0)) for line in lines),  # type: ignore[arg-type]
            cpu_s=float(answer["cpu_s"]),  # type: ignore[arg-type]
            wall_s=float(answer["wall_s"]),  # type: ignore[arg-type]
            peak_rss=int(answer["peak_rss"]),  # type: ignore[call-overload]
        )

    def cpu_s(self) -> float:
        """Return the CPU seconds of the process and its finished children, imports included."""
        stat = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii")
        fields = stat.rpartition(")")[2].split()  # the name before it may hold blanks
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")  # utime stime cutime cstime, proc(5)

    def close(self) -> None:
        """End the process."""
        if self._process.stdin and not self._process.stdin.closed:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
