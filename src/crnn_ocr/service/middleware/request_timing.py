"""Measures the time of each stage of a request, for the client, the log and the metrics."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from contextvars import ContextVar

_NOT_IN_TOKENS = re.compile(r"[^!#$%&'*+.^_`|~0-9A-Za-z-]")


class Timing:
    """The times of one request's stages. It is safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds: dict[str, float] = {}

    def add(self, stage: str, seconds: float) -> None:
        """Add the time that a stage took; a stage may run several times, for example once per page."""
        with self._lock:
            self._seconds[stage] = self._seconds.get(stage, 0.0) + seconds

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds that each stage took in total, in the order in which the stages first ended."""
        with self._lock:
            return dict(self._seconds)


#: The timing of the current request; None outside a request.
current_timing: ContextVar[Timing | None] = ContextVar("crnn_ocr_timing", default=None)


def server_timing(stages: Mapping[str, float], *, total_s: float, cache: str | None = None) -> str:
    """Return the value of the header `Server-Timing` (https://www.w3.org/TR/server-timing/).

    Args:
        stages: Seconds by stage.
        total_s: Seconds from the request's head to its answer.
        cache: Where the answer came from; None if the cache was not used.
    """
    parts = [f"{_token(stage)};dur={_milliseconds(spent)}" for stage, spent in stages.items()]
    if cache is not None:
        parts.append(f"cache;desc={_token(cache)}")
    parts.append(f"total;dur={_milliseconds(total_s)}")
    return ", ".join(parts)


def stage_fields(stages: Mapping[str, float]) -> dict[str, float]:
    """Return the stages as fields of a log line: milliseconds by name, such as `detect_ms`."""
    return {f"{stage}_ms": round(spent * 1000, 1) for stage, spent in stages.items()}


def _token(text: str) -> str:
    """Return a token of HTTP (RFC 9110, 5.6.2)."""
    return _NOT_IN_TOKENS.sub("_", text) or "_"


def _milliseconds(seconds: float) -> str:
    return f"{max(seconds, 0.0) * 1000:.1f}"
