"""Determines how many cores this process may really use, from its affinity and cgroup quota."""

from __future__ import annotations

import math
import os
from pathlib import Path

_CGROUP_V2 = Path("/sys/fs/cgroup/cpu.max")
_CGROUP_V1_QUOTA = Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us")
_CGROUP_V1_PERIOD = Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us")


def available_cores() -> int:
    """Return the number of cores that this process may keep busy: at least 1, a fraction rounded up."""
    return max(1, math.ceil(core_share()))


def core_share() -> float:
    """Return the core seconds per second that this process gets: affinity or quota, whichever is less."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _quota_v2(_read(_CGROUP_V2))
    if quota is None:
        quota = _quota_v1(_read(_CGROUP_V1_QUOTA), _read(_CGROUP_V1_PERIOD))
    return float(affinity) if quota is None or quota <= 0 else min(float(affinity), quota)


def _quota_v2(text: str | None) -> float | None:
    """Return the cores from cgroup v2's `cpu.max`, whose content is "QUOTA PERIOD" or "max PERIOD"."""
    if not text:
        return None
    try:
        quota, period = text.split()
        return None if quota == "max" else int(quota) / int(period)
    except (ValueError, ZeroDivisionError):
        return None


def _quota_v1(quota: str | None, period: str | None) -> float | None:
    """Return the cores from cgroup v1's two files; a quota of -1 means unlimited."""
    if not quota or not period:
        return None
    try:
        return None if int(quota) <= 0 else int(quota) / int(period)
    except (ValueError, ZeroDivisionError):
        return None


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return None
