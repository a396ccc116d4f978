"""Writes what every benchmark reports: the machine, Markdown tables, JSON files."""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Protocol, TypeVar

from benchmarks.harness.engines import ENGINES, OURS, Engine

RESULTS = Path(__file__).resolve().parents[1] / "results"


def machine() -> dict[str, str]:
    """Return processor, cores in use, system and the versions that matter for our own engine."""
    facts = {
        "cpu": _cpu_model(),
        "cores": str(len(os.sched_getaffinity(0))),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }
    for package in ("onnxruntime", "opencv-python-headless", "numpy"):
        try:
            facts[package] = version(package)
        except PackageNotFoundError:
            facts[package] = "absent"
    return facts


def _cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    match = re.search(r"model name\s*:\s*(.+)", info.read_text(encoding="utf-8")) if info.exists() else None
    return match[1].strip() if match else platform.processor() or "unknown"


def heading(title: str) -> str:
    """Return a title and the machine as Markdown."""
    facts = ", ".join(f"{name} {value}" for name, value in machine().items())
    return f"\n## {title}\n\nMachine: {facts}\n"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; all columns but the first are right-aligned."""
    marks = ["---", *("---:" for _ in header[1:])]
    return "\n".join("| " + " | ".join(row) + " |" for row in (header, marks, *rows)) + "\n"


def save(name: str, results: object) -> Path:
    """Save results as JSON under ``benchmarks/results``."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    content = {"machine": machine(), "results": results}
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return path


def add_engine_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--engines``: a comma-separated choice, by default all that are installed."""
    parser.add_argument(
        "--engines",
        type=lambda text: text.split(","),
        default=list(ENGINES),
        help=f"comma-separated, of: {', '.join(ENGINES)} (default: all that are installed)",
    )


def chosen_engines(names: Sequence[str]) -> list[Engine]:
    """Return the chosen engines that are installed; name the others on standard error."""
    unknown = [name for name in names if name not in ENGINES]
    if unknown:
        sys.exit(f"Unknown engine {', '.join(unknown)}; there are: {', '.join(ENGINES)}")
    engines = only_installed(ENGINES, names)
    if not engines:
        sys.exit(f"No engine to measure; make at least {OURS} work.")
    return engines


class _Installable(Protocol):
    @property
    def installed(self) -> bool: ...


_Kind = TypeVar("_Kind", bound=_Installable)


def only_installed(known: Mapping[str, _Kind], names: Sequence[str]) -> list[_Kind]:
    """Return those of the names that are installed; name the others on standard error."""
    for name in names:
        if not known[name].installed:
            print(f"{name}: not installed, left out (run benchmarks/make-peers)", file=sys.stderr)
    return [known[name] for name in names if known[name].installed]
