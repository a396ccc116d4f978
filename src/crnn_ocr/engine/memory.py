"""Keeps the resident memory of our own processes small; never called when we are a guest in another's.

glibc gives every thread its own heap ("arena"). Inference allocates and frees blocks of megabytes on many
threads, and each arena keeps its holes: reading 21 pages twice ended at 414 MiB resident (494 peak) with
the default and at 233 MiB (363 peak) with one arena, for 5 % more CPU time. The table is in
docs/benchmarks.md.
"""

from __future__ import annotations

import ctypes
import sys

_M_ARENA_MAX = -8  # from glibc's malloc.h


def use_one_arena() -> bool:
    """Limit glibc to one arena; call it before threads start.

    Returns:
        Whether the C library took it: False on musl, macOS and Windows.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        return bool(ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1))
    except (AttributeError, OSError):
        return False


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
