"""Detects which fast arithmetic this CPU has, and measures CPU time.

ONNX Runtime multiplies 8-bit numbers with dot-product instructions if the CPU has them. Without them it needs
several instructions for each, and INT8 is slower than float. Linux lists the features of every core in
`/proc/cpuinfo`. Without that file no features are assumed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

_CPUINFO = Path("/proc/cpuinfo")

#: Shortest time that is reported, in seconds: the CPU clock may be too coarse for a short run.
LEAST_SECONDS = 1e-5

#: The kernel's names of AVX-512 VNNI, AVX-VNNI (x86), SDOT/UDOT and the 8-bit matrix product (ARM).
DOT_PRODUCTS = frozenset({"avx512_vnni", "avx_vnni", "asimddp", "i8mm"})

#: The kernel's names of bfloat16 products: AVX-512 BF16 and AMX.
BFLOAT16 = frozenset({"avx512_bf16", "amx_bf16"})


@cache
def features() -> frozenset[str]:
    """Return the features that every core has, as named in `/proc/cpuinfo`; empty if it cannot be read."""
    try:
        return parse(_CPUINFO.read_text(encoding="ascii", errors="replace"))
    except OSError:
        return frozenset()


def parse(cpuinfo: str) -> frozenset[str]:
    """Return the features that occur in all rows `flags` (x86) or `Features` (ARM) of a cpuinfo."""
    rows = []
    for line in cpuinfo.splitlines():
        name, _, values = line.partition(":")
        if name.strip() in ("flags", "Features"):
            rows.append(frozenset(values.split()))
    return frozenset.intersection(*rows) if rows else frozenset()


def has_dot_products() -> bool:
    """Return whether INT8 is faster than float on this CPU."""
    return bool(features() & DOT_PRODUCTS)


def has_bfloat16() -> bool:
    """Return whether this CPU multiplies bfloat16 in hardware; otherwise it is emulated and slower."""
    return bool(features() & BFLOAT16)


def timed(run: Callable[[], T]) -> tuple[T, float]:
    """Call a function; return its result and the CPU seconds of this thread, more than 0."""
    began = time.thread_time()
    result = run()
    return result, max(time.thread_time() - began, LEAST_SECONDS)
