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
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

_M_ARENA_MAX = -8  # from glibc's malloc.h
_M_MMAP_THRESHOLD = -3  # likewise
_FRUGAL_BYTES = 8 * 1024 * 1024
_USUAL_BYTES = 32 * 1024 * 1024  # to where glibc raises the threshold by itself

#: From so much resident memory on, `relieve` has the allocator return what it keeps for later.
PRESSURE = 320 * 1024 * 1024

_STATM = Path("/proc/self/statm")

_lock = threading.Lock()
_frugal = 0
_ours = False  # whether this process is our own, and so its allocator our business


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)


def use_one_arena() -> bool:
    """Limit glibc to one arena; call it before threads start.

    Returns:
        Whether the C library took it: False on musl, macOS and Windows.
    """
    global _ours
    if not sys.platform.startswith("linux"):
        return False
    try:
        _ours = bool(_libc().mallopt(_M_ARENA_MAX, 1))
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
        _libc().malloc_trim(0)


@contextmanager
def frugal() -> Iterator[None]:
    """While the block runs, large allocations are mapped one by one: no holes, but every page is a fault.

    A run of the detector at its largest then takes 130 to 165 MiB instead of 185 to 255, for 0.15 s more CPU
    time. Does nothing where nobody called `use_one_arena`.
    """
    global _frugal
    if not _ours:
        yield
        return
    libc = _libc()
    with _lock:
        _frugal += 1
        libc.mallopt(_M_MMAP_THRESHOLD, _FRUGAL_BYTES)
    try:
        yield
    finally:
        with _lock:
            _frugal -= 1
            if not _frugal:
                libc.mallopt(_M_MMAP_THRESHOLD, _USUAL_BYTES)


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
        _libc().malloc_trim(0)
    except (AttributeError, OSError):
        return False
    return True
