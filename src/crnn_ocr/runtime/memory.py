"""Keeps the resident memory of our own processes small; never called when we are a guest in another's.

glibc gives every thread its own heap ("arena"). Inference allocates and frees blocks of megabytes on many
threads, and each arena keeps its holes: reading 21 pages twice ended at 414 MiB resident (494 peak) with
the default and at 233 MiB (363 peak) with one arena, for 5 % more CPU time. What was tried and what the
whole service does is told in docs/memory.md.
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

#: `make_room` lets the process grow to this, as far as it can (figures: docs/memory.md) …
MOST = 400 * 1024 * 1024
#: … and while a block is `frugal` to this: lines come behind, and need blocks of other sizes.
FRUGAL_MOST = 320 * 1024 * 1024

_STATM = Path("/proc/self/statm")

_lock = threading.Lock()
_frugal = 0
_ours = False  # whether this process is our own, and so its allocator our business
_beside: int | None = (
    None  # resident behind the last trim without being allocated: code, stacks, small objects
)


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


def make_room(need: int = 0) -> None:
    """Before much memory is needed: let the allocator return its holes, if the process would grow too large.

    Blocks of megabytes come and go in all sizes, and glibc keeps the holes between them resident. The next
    blocks mostly fit into them, and returned holes cost a fault for each page: returning them from 320 MiB
    on, whatever was needed, cost a tenth of the CPU time under load. Where nobody called `use_one_arena` this
    does nothing.

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


def _resident() -> int | None:
    """Resident bytes of this process; None where nobody tells."""
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
    """Bytes that are allocated and not freed; None where the C library does not tell."""
    try:
        tell = _libc().mallinfo2
    except AttributeError:
        return None
    tell.restype = _Figures
    figures = tell()
    return int(figures.uordblks + figures.hblkhd)


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
