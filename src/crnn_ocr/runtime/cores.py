"""Determines how many cores this process may really use, from its affinity and cgroup quotas."""

from __future__ import annotations

import math
import os
from pathlib import Path

from crnn_ocr.runtime import cgroups


def available_cores() -> int:
    """Return the number of cores that this process may keep busy: at least 1, a fraction rounded up."""
    return max(1, math.ceil(core_share()))


def core_share() -> float:
    """Return the core seconds per second that this process gets: affinity or quota, whichever is less."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quotas = [quota for group in cgroups.groups("cpu") if (quota := _quota(group)) is not None]
    return min([float(affinity), *quotas])


def _quota(group: Path) -> float | None:
    """Return the cores that a group may keep busy; None if they are unlimited or unknown."""
    try:  # cgroup v2: "QUOTA PERIOD" or "max PERIOD"
        first, period = map(int, (group / "cpu.max").read_text(encoding="ascii").split())
    except (OSError, ValueError):
        quota = cgroups.number(group / "cpu.cfs_quota_us")  # cgroup v1: -1 means unlimited
        first, period = quota or 0, cgroups.number(group / "cpu.cfs_period_us") or 0
    return first / period if first > 0 and period > 0 else None
