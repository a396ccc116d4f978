"""Implements the protocol of the adapters: JSON lines on stdin and stdout.

An adapter says ``{"ready": true, "version": …}`` once its engine can be used. Then each request
``{"path": …}`` is answered by ``{"lines": [{"text", "polygon"?, "confidence"?}], "cpu_s", "wall_s",
"peak_rss"}``, or by ``{"error": …}``. The clock runs from the path of the file to the text: reading and
decoding are part of it.

Adapters that read tables are asked ``{"path": …, "lines": […]}`` and answer ``{"html": …, "cpu_s", …}``: the
lines are those of crnn-ocr, so that every method has the same text.

This module needs the standard library only, because it runs in the environments of all peers.
"""

from __future__ import annotations

import json
import os
import re
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Line = dict[str, Any]
Reader = Callable[[str], list[Line]]
TableReader = Callable[[str, list[Line]], str]


def cpu_seconds() -> float:
    """Return the processor time of this process and its finished children, in seconds (user and system)."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def peak_rss() -> int:
    """Return the largest resident size so far, in bytes: of this process or its largest child.

    ``VmHWM`` is read instead of ``ru_maxrss`` for this process: a new program inherits the latter from the
    process that started it.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    match = re.search(r"VmHWM:\s+(\d+) kB", status)
    own = int(match[1]) if match else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) * 1024


def serve(start: Callable[[], tuple[str, Reader]]) -> None:
    """Answer requests for the lines of pictures until stdin closes.

    Args:
        start: loads the engine and returns its version and its reader (path → lines).
    """

    def begin() -> tuple[str, Callable[[dict[str, Any]], dict[str, Any]]]:
        version, read = start()
        return version, lambda request: {"lines": read(request["path"])}

    _serve(begin)


def serve_tables(start: Callable[[], tuple[str, TableReader]]) -> None:
    """Answer requests for the table on a picture until stdin closes.

    Args:
        start: loads the engine and returns its version and its reader (path, lines → HTML of the table).
    """

    def begin() -> tuple[str, Callable[[dict[str, Any]], dict[str, Any]]]:
        version, read = start()
        return version, lambda request: {"html": read(request["path"], request["lines"])}

    _serve(begin)


def _serve(start: Callable[[], tuple[str, Callable[[dict[str, Any]], dict[str, Any]]]]) -> None:
    # Engines may print what they like: the answers have a descriptor of their own.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def say(message: dict[str, Any]) -> None:
        answers.write(json.dumps(message, ensure_ascii=False) + "\n")
        answers.flush()

    version, answer = start()
    say({"ready": True, "version": version})
    for row in sys.stdin:
        request = json.loads(row)
        cpu, wall = cpu_seconds(), time.perf_counter()
        try:
            found = answer(request)
        except Exception as error:  # one bad file must not end the run
            say({"error": f"{type(error).__name__}: {error}"})
            continue
        spent = {"wall_s": time.perf_counter() - wall, "cpu_s": cpu_seconds() - cpu, "peak_rss": peak_rss()}
        say({**found, **spent})
