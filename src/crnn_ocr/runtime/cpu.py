"""What this CPU can do: whether 8-bit arithmetic pays, and what a run takes.

ONNX Runtime multiplies 8-bit numbers with dot-product instructions where the CPU has them; without them it
needs several instructions for one and INT8 is slower than float. Linux lists the features of every core in
`/proc/cpuinfo`; where there is no such file nothing is known, and nothing is assumed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

_CPUINFO = Path("/proc/cpuinfo")

#: A run that the clock of the CPU is too coarse for counts as this long, in seconds.
LEAST_SECONDS = 1e-5

#: As the kernel names them: AVX-512 VNNI, AVX-VNNI (x86); SDOT/UDOT and the 8-bit matrix product (ARM).
DOT_PRODUCTS = frozenset({"avx512_vnni", "avx_vnni", "asimddp", "i8mm"})

#: Products of bfloat16: AVX-512 BF16 and AMX.
BFLOAT16 = frozenset({"avx512_bf16", "amx_bf16"})


@cache
def features() -> frozenset[str]:
    """Features that every core has, as `/proc/cpuinfo` names them; empty where it cannot be read."""
    try:
        return parse(_CPUINFO.read_text(encoding="ascii", errors="replace"))
    except OSError:
        return frozenset()


def parse(cpuinfo: str) -> frozenset[str]:
    """The features that all rows `flags` (x86) or `Features` (ARM) of a cpuinfo name."""
    rows = []
    for line in cpuinfo.splitlines():
        name, _, values = line.partition(":")
        if name.strip() in ("flags", "Features"):
            rows.append(frozenset(values.split()))
    return frozenset.intersection(*rows) if rows else frozenset()


def has_dot_products() -> bool:
    """Whether INT8 is worth choosing on this CPU."""
    return bool(features() & DOT_PRODUCTS)


def has_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 by itself; elsewhere it is emulated and slower."""
    return bool(features() & BFLOAT16)


def timed(run: Callable[[], T]) -> tuple[T, float]:
    """What it returns, and the CPU seconds that this thread spent on it; more than 0."""
    began = time.thread_time()
    result = run()
    return result, max(time.thread_time() - began, LEAST_SECONDS)
