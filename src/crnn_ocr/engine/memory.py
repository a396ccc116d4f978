"""Keeps the resident memory of our own processes small; never called when we are a guest in another's.

glibc gives every thread its own heap ("arena"). Inference allocates and frees blocks of megabytes on many
threads, and each arena keeps its holes: reading 21 pages twice ended at 414 MiB resident (494 peak) with
the default and at 233 MiB (363 peak) with one arena, for 5 % more CPU time. The table is in
docs/benchmarks.md.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

_M_ARENA_MAX = -8  # from glibc's malloc.h

#: From so much resident memory on, `relieve` has the allocator return what it keeps for later.
PRESSURE = 288 * 1024 * 1024

_STATM = Path("/proc/self/statm")

_ours = False  # whether this process is our own, and so its allocator our business


def use_one_arena() -> bool:
    """Limit glibc to one arena; call it before threads start.

    Returns:
        Whether the C library took it: False on musl, macOS and Windows.
    """
    global _ours
    if not sys.platform.startswith("linux"):
        return False
    try:
        _ours = bool(ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1))
    except (AttributeError, OSError):
        return False
    return _ours


def relieve() -> None:
    """Before much memory is needed: let the allocator return its holes, if the process has grown large.

    Blocks of megabytes come and go in all sizes, and glibc keeps the holes between them resident. Where
    nobody called `use_one_arena` this does nothing.
    """
    if not _ours:
        return
    try:
        resident = int(_STATM.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return
    if resident > PRESSURE:
        ctypes.CDLL(None).malloc_trim(0)


def give_back() -> bool:
    """Return what was freed to the operating system, where it would otherwise wait for the next allocation.

    A network's weights are many blocks between others: without this they stay resident after the network is
    closed. Unloading the default models left 213 MiB resident and with this 121, for 12 ms; collecting cycles
    too took 35 ms more and freed nothing.

    Returns:
        Whether the C library took it: False on musl, macOS and Windows.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError):
        return False
    return True
