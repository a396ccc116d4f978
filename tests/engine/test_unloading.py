"""Models that nobody uses go, and their memory with them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from crnn_ocr import OCR, Settings
from tests import drawing
from tests.service.wire import clean_environment

_MEMORY = """
from crnn_ocr.runtime.memory import use_one_arena
use_one_arena()
import json, time
from pathlib import Path
from crnn_ocr import OCR, Settings
from tests import drawing

def resident():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20

picture = drawing.page([(30, 20 + 50 * row, f"row number {row}") for row in range(12)], size=24)
seen = {"before": resident()}
with OCR(Settings(unload_after_s=1.0), threads=2) as ocr:
    expected = ocr.read(picture).text
    seen["loaded"] = resident()
    deadline = time.monotonic() + 60
    while ocr.loaded and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.2)
    seen["unloaded"] = resident()
    seen["again"] = ocr.read(picture).text == expected
print(json.dumps(seen))
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")
def test_unloading_gives_the_memory_back() -> None:
    root = Path(__file__).parents[2]
    environment = clean_environment(PYTHONPATH=str(root), OMP_NUM_THREADS="1")
    ended = subprocess.run(
        [sys.executable, "-c", _MEMORY], capture_output=True, text=True, env=environment, timeout=200
    )
    assert ended.returncode == 0, ended.stderr
    seen = json.loads(ended.stdout)
    assert seen["again"]
    assert seen["loaded"] - seen["before"] > 60  # MiB; it has loaded something
    # What stays is code that was paged in and the interpreter's own: less than half of what the models took.
    assert seen["unloaded"] - seen["before"] < 0.5 * (seen["loaded"] - seen["before"]), seen


def loaded(ocr: OCR) -> tuple[str, ...]:
    """Asked anew each time, which a type checker does not expect of an attribute."""
    return ocr.loaded


def test_what_is_used_stays_and_what_was_unloaded_comes_back() -> None:
    picture = drawing.line("still here", pad=20)
    with OCR(Settings(unload_after_s=0.3, model="accurate"), threads=1) as ocr:
        assert loaded(ocr) == ()
        for _ in range(4):
            assert ocr.read(picture).text == "still here"
        assert loaded(ocr) == ("ppocrv6-det-small", "ppocrv6-small")
        deadline = time.monotonic() + 30
        while loaded(ocr) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert ocr.problem is None
        assert not ocr.ready
        assert ocr.model == "ppocrv6-small/1"
        assert ocr.read(picture).text == "still here"
