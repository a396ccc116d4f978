"""Measures what memory settings cost: peak and lasting memory, and CPU time, for the same pictures.

    python -m benchmarks.allocation [--pictures 80] [--only NAME,NAME]

Each setting reads the same pictures (those of the soak, icons to 4K) in a fresh process, four callers at a
time, as the service does. What the setting changes is listed in `SETTINGS`; everything else is as shipped.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any

import onnxruntime

from benchmarks import report
from benchmarks.serving import processes
from benchmarks.serving.pictures import SoakMix
from crnn_ocr import OCR
from crnn_ocr.runtime import memory

MIB = 1024 * 1024
CALLERS = 4
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # glibc's malloc.h


@dataclass(frozen=True)
class Setting:
    """One way to set up the process before the models are loaded.

    Attributes:
        words: how it differs from the shipped settings.
        prepare: applies the setting; called before anything else.
        cores: number of cores of the engine; all of them when None.
    """

    words: str
    prepare: Callable[[], None]
    cores: int | None = None


def _shipped() -> None:
    assert memory.use_one_arena(), "needs glibc"


def _mallopt(*values: tuple[int, int]) -> Callable[[], None]:
    def prepare() -> None:
        libc = ctypes.CDLL(None)
        for name, value in values:
            assert libc.mallopt(name, value) == 1

    return prepare


def _most(mebibytes: int) -> Callable[[], None]:
    def prepare() -> None:
        _shipped()
        memory.MOST = mebibytes * MIB

    return prepare


def _runtime(change: Callable[[Any], None], *, shrink: bool = False) -> Callable[[], None]:
    """Change the options of every session, and shrink the runtime's arena after every run if asked."""

    def prepare() -> None:
        _shipped()
        session = onnxruntime.InferenceSession
        run_options = onnxruntime.RunOptions()
        if shrink:
            run_options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")

        class Changed(session):  # type: ignore[misc, valid-type]
            def __init__(self, model: object, sess_options: Any, **rest: Any) -> None:
                change(sess_options)
                super().__init__(model, sess_options=sess_options, **rest)

            def run(self, outputs: object, feeds: object) -> Any:
                return super().run(outputs, feeds, run_options)

        onnxruntime.InferenceSession = Changed

    return prepare


def _arena(options: Any) -> None:
    options.enable_cpu_mem_arena = True


def _arena_and_pattern(options: Any) -> None:
    options.enable_cpu_mem_arena = True
    options.enable_mem_pattern = True


def _pattern(options: Any) -> None:
    options.enable_mem_pattern = True


SETTINGS: dict[str, Setting] = {
    "shipped": Setting(
        f"one malloc arena, trimmed at {memory.MOST // MIB} MiB, large pictures mapped", _shipped
    ),
    "guest": Setting("glibc's defaults, as in a program that imports the library", lambda: None),
    "arena-only": Setting("one malloc arena, never trimmed", _mallopt((_ARENA_MAX, 1))),
    "two-arenas": Setting("two malloc arenas, never trimmed", _mallopt((_ARENA_MAX, 2))),
    "trim-240": Setting("trimmed at 240 MiB", _most(240)),
    "trim-380": Setting("trimmed at 380 MiB", _most(380)),
    "trim-460": Setting("trimmed at 460 MiB", _most(460)),
    "mmap-1": Setting(
        "one arena, every block from 1 MiB on mapped", _mallopt((_ARENA_MAX, 1), (_MMAP_THRESHOLD, MIB))
    ),
    "mmap-8": Setting(
        "one arena, every block from 8 MiB on mapped", _mallopt((_ARENA_MAX, 1), (_MMAP_THRESHOLD, 8 * MIB))
    ),
    "top-32": Setting(
        "one arena, its top given back from 32 MiB on",
        _mallopt((_ARENA_MAX, 1), (_TRIM_THRESHOLD, 32 * MIB)),
    ),
    "ort-arena": Setting("ONNX Runtime's arena on", _runtime(_arena)),
    "ort-shrink": Setting("ONNX Runtime's arena on, shrunk after every run", _runtime(_arena, shrink=True)),
    "ort-both": Setting("ONNX Runtime's arena and memory pattern on", _runtime(_arena_and_pattern)),
    "ort-pattern": Setting("ONNX Runtime's memory pattern on", _runtime(_pattern)),
    "one-core": Setting("one core", _shipped, cores=1),
    "four-cores": Setting("four runs at a time", _shipped, cores=4),
}


def _measure(setting: Setting, count: int) -> dict[str, float]:
    """Read the pictures in this process."""
    setting.prepare()
    pictures = [picture.data for picture in islice(SoakMix(), count)]
    with OCR(threads=setting.cores) as engine:
        engine.warm_up()
        before = resource.getrusage(resource.RUSAGE_SELF)
        with ThreadPoolExecutor(CALLERS) as callers:
            list(callers.map(engine.read, pictures))
        after = resource.getrusage(resource.RUSAGE_SELF)
        resident = processes.memory(os.getpid())
        return {
            "peak": resident.peak_rss,
            "rest": resident.rss,
            "user_s": after.ru_utime - before.ru_utime,
            "system_s": after.ru_stime - before.ru_stime,
        }


def main() -> None:
    """Measure each setting in a process of its own and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pictures", type=int, default=80, help="how many are read (default: 80)")
    parser.add_argument("--only", default=",".join(SETTINGS), help="settings, by name")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(_measure(SETTINGS[arguments.child], arguments.pictures)))
        return
    found: dict[str, dict[str, float]] = {}
    for name in arguments.only.split(","):
        command = [sys.executable, "-m", "benchmarks.allocation", "--child", name]
        command += ["--pictures", str(arguments.pictures)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found[name] = json.loads(done.stdout.splitlines()[-1])
    print(report.heading(f"Memory settings, {arguments.pictures} pictures"))
    rows = [
        [
            SETTINGS[name].words,
            f"{row['peak'] / MIB:.0f}",
            f"{row['rest'] / MIB:.0f}",
            f"{row['user_s'] + row['system_s']:.1f}",
            f"{row['system_s']:.1f}",
        ]
        for name, row in found.items()
    ]
    print(report.table(["setting", "peak MiB", "MiB at the end", "CPU s", "of it in the kernel"], rows))
    report.save("allocation", found)


if __name__ == "__main__":
    main()
