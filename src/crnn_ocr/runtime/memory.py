"""Keeps the resident memory of our own processes small; programs that import the library are left alone.

glibc gives every thread its own heap ("arena"). Inference allocates and frees blocks of megabytes on many
threads, and each arena keeps its holes: reading 21 pages twice ended at 414 MiB resident (494 peak) with
the default and at 233 MiB (363 peak) with one arena, for 5 % more CPU time. docs/memory.md describes the
whole service, and what else was tried.
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

from crnn_ocr.runtime import cgroups

_M_ARENA_MAX = -8  # from glibc's malloc.h
_M_MMAP_THRESHOLD = -3  # likewise
_FRUGAL_BYTES = 8 * 1024 * 1024
_USUAL_BYTES = 32 * 1024 * 1024  # glibc itself raises the threshold up to this

#: `make_room` returns holes when the process would grow beyond this, in bytes (figures: docs/memory.md).
MOST = 360 * 1024 * 1024
#: The same while a `frugal` block runs. It is less, since the lines read after it need blocks of other sizes.
FRUGAL_MOST = 320 * 1024 * 1024

_STATM = Path("/proc/self/statm")
_MEMINFO = Path("/proc/meminfo")

_lock = threading.Lock()
_frugal = 0
_ours = False  # whether this process is our own, so that we may tune its allocator
#: Resident bytes that were not allocated after the last trim: code, stacks, small objects.
_beside: int | None = None


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)


def use_one_arena() -> bool:
    """Limit glibc to one arena; call this before threads start.

    Returns:
        Whether the C library accepted it: False on musl, macOS and Windows.
    """
    global _ours
    if not sys.platform.startswith("linux"):
        return False
    try:
        _ours = bool(_libc().mallopt(_M_ARENA_MAX, 1))
    except (AttributeError, OSError):
        return False
    return _ours


def make_room(need: int = 0) -> None:
    """Return the allocator's holes to the system if the process would otherwise grow too large.

    Call this before a large allocation. Blocks of megabytes come and go in all sizes, and glibc keeps the
    holes between them resident. The next blocks usually fit into the holes, and returned holes cost a fault
    for each page: returning them from 320 MiB on, whatever was needed, cost a tenth of the CPU time under
    load. Without `use_one_arena` this does nothing.

    Args:
        need: Bytes that will be allocated.
    """
    global _beside
    if not _ours:
        return
    most = FRUGAL_MOST if _frugal else MOST
    resident = _resident()
    if resident is None or resident + need <= most:
        return
    allocated = _allocated()
    holes = 0 if allocated is None or _beside is None else resident - allocated - _beside
    if resident + max(0, need - holes) <= most:
        return
    _libc().malloc_trim(0)
    resident = _resident()
    _beside = None if resident is None or allocated is None else resident - allocated


def memory_left() -> int | None:
    """Return the bytes that the machine and all control groups leave to this process; None where unknown.

    Free swap space counts, so that nothing is refused that fits.
    """
    machine = _machine()
    found = [left for left in (machine.get("MemAvailable"), cgroups.memory_left()) if left is not None]
    return min(found) + machine.get("SwapFree", 0) if found else None


def _machine() -> dict[str, int]:
    """Return the figures of /proc/meminfo in bytes; none where they are unknown."""
    try:
        rows = (row.split() for row in _MEMINFO.read_text(encoding="ascii").splitlines())
        return {row[0].rstrip(":"): int(row[1]) * 1024 for row in rows}
    except (OSError, ValueError, IndexError):
        return {}


def _resident() -> int | None:
    """Return the resident bytes of this process; None where they are unknown."""
    try:
        return int(_STATM.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None


class _Figures(ctypes.Structure):
    """`struct mallinfo2` of glibc 2.33."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            "arena", "ordblks", "smblks", "hblks", "hblkhd",
            "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost",
        )
    ]  # fmt: skip


def _allocated() -> int | None:
    """Return the bytes that are allocated and not freed; None if the C library does not tell."""
    try:
        tell = _libc().mallinfo2
    except AttributeError:
        return None
    tell.restype = _Figures
    figures = tell()
    return int(figures.uordblks + figures.hblkhd)


@contextmanager
def frugal() -> Iterator[None]:
    """Map each large allocation by itself while the block runs: it leaves no hole, but every page is a fault.

    A run of the detector at its largest then takes 130 to 165 MiB instead of 185 to 255, for 0.15 s more CPU
    time. Without `use_one_arena` this does nothing.
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
    """Return freed memory to the operating system, instead of keeping it for the next allocation.

    A network's weights are many blocks between others; without this they stay resident after the network is
    closed. Unloading the default models left 213 MiB resident, and 121 with this, which takes 12 ms.
    Collecting reference cycles as well took 35 ms more and freed nothing.

    Returns:
        Whether the C library accepted it: False on musl, macOS and Windows.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        _libc().malloc_trim(0)
    except (AttributeError, OSError):
        return False
    return True
