from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from crnn_ocr.runtime import cgroups, memory

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells and takes back memory so")

_HOLES = """
import re, sys
import numpy as np
from crnn_ocr.runtime import memory

def resident():
    with open("/proc/self/status") as status:
        return int(re.search(r"VmRSS:\\s+(\\d+)", status.read())[1]) // 1024

if "ours" in sys.argv:
    assert memory.use_one_arena()
blocks = [np.ones(100_000, np.uint8) for _ in range(int(sys.argv[1]) * 10)]
del blocks[::2], blocks[:-1]  # what is left lies behind all the holes
before = resident()
memory.make_room()
print(before - resident())
"""


def freed(mebibytes: int, *arguments: str) -> int:
    """MiB that `make_room` gives back in a process that has so much in holes."""
    command = [sys.executable, "-c", _HOLES, str(mebibytes), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return int(re.fullmatch(r"(-?\d+)\n", done.stdout)[1])  # type: ignore[index]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc")
def test_holes_are_given_back_when_the_process_is_large() -> None:
    assert freed(400, "ours") > 200


def test_small_processes_keep_their_holes() -> None:
    assert freed(60, "ours") < 5


def test_a_host_program_keeps_its_own_policy() -> None:
    assert freed(400) < 5


_NEEDED = """
import re
import numpy as np
from crnn_ocr.runtime import memory

MIB = 2**20
assert memory.use_one_arena()

def resident():
    with open("/proc/self/status") as status:
        return int(re.search(r"VmRSS:\\s+(\\d+)", status.read())[1]) // 1024

def freed(need):
    blocks = [np.ones(100_000, np.uint8) for _ in range(2500)]
    del blocks[::2], blocks[:-1]
    before = resident()
    memory.make_room(need * MIB)
    return before - resident()

memory.MOST = (resident() + 350) * MIB
print(freed(50), freed(150), freed(150), freed(400))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc")
def test_holes_that_what_is_needed_fits_into_are_kept() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _NEEDED], capture_output=True, text=True, check=True, timeout=60
    )
    little, unknown, fitting, too_much = map(int, done.stdout.split())
    assert little < 5
    assert unknown > 150  # nothing is known of the holes yet, and without them it would be too much
    assert fitting < 5
    assert too_much > 150


_MAPPED = """
import re
import numpy as np
from crnn_ocr.runtime import memory

def resident():
    with open("/proc/self/status") as status:
        return int(re.search(r"VmRSS:\\s+(\\d+)", status.read())[1]) // 1024

assert memory.use_one_arena()
np.ones(31 * 2**20, np.uint8)  # freed at once: from now on glibc maps only larger blocks by themselves

def held_by_a_hole():
    block, behind = np.ones(20 * 2**20, np.uint8), np.ones(2**20, np.uint8)
    before = resident()
    del block
    return 20 - (before - resident()), behind

with memory.frugal():
    with memory.frugal():
        pass
    inside, _ = held_by_a_hole()  # a hole that were there already would be used
usual, _ = held_by_a_hole()
print(inside, usual)
"""


def test_frugal_blocks_leave_no_holes() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _MAPPED], capture_output=True, text=True, check=True, timeout=60
    )

    inside, usual = (int(value) for value in done.stdout.split())

    assert inside < 2
    assert usual > 15


@pytest.mark.parametrize(
    ("rows", "group", "expected"),
    [
        ("MemAvailable: 9 kB\nSwapFree: 1 kB\nHugePages_Total: 0", None, 10 * 1024),
        ("MemAvailable: 9 kB\nSwapFree: 1 kB", 2048, 3 * 1024),
        ("MemAvailable: 1 kB", 2048, 1024),
        ("nonsense", 2048, 2048),
        ("", None, None),
    ],
)
def test_the_memory_that_is_left_is_the_least(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: str, group: int | None, expected: int | None
) -> None:
    monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(cgroups, "memory_left", lambda: group)
    (tmp_path / "meminfo").write_text(rows, encoding="ascii")
    assert memory.memory_left() == expected
