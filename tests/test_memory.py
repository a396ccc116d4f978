"""Memory under concurrency: fresh processes read many large pictures at once and must keep to the budget."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc: nobody tells the peak"),
]

#: The service may take 512 MiB. Its supervisor takes 48, and Flask, Gunicorn and eight bodies some 16.
WORKER_MIB = 448

_PROGRAM = """
import io, sys
from concurrent.futures import ThreadPoolExecutor
from crnn_ocr.engine.memory import use_one_arena
assert use_one_arena()
import cv2
import numpy as np
from crnn_ocr import OCR
from tests import drawing

width, height, count = (int(value) for value in sys.argv[1:])
text = "The quick brown fox jumps over the lazy dog, and again over it"
rows = [(width // 20, height // 12 + i * height // 8, text) for i in range(6)]
page = drawing.page(rows, size=width // 36, shape=(width, height))
noise = np.random.default_rng(0).normal(0, 2, (height // 4, width // 4)).astype(np.float32)
page = np.clip(page - np.abs(cv2.resize(noise, (width, height)))[:, :, None], 0, 255).astype(np.uint8)
data = cv2.imencode(".jpg", page)[1].tobytes()
del page, noise, rows
with OCR(threads=2) as ocr, ThreadPoolExecutor(count) as callers:
    answers = list(callers.map(lambda _: ocr.read(data), range(count)))
assert [answer.text.split("\\n") for answer in answers] == [[text] * 6] * count, answers[0].text
# Not ru_maxrss: that starts from what the process had that forked this one.
print(next(int(row.split()[1]) // 1024 for row in open("/proc/self/status") if row.startswith("VmHWM")))
"""


def peak(width: int, height: int, count: int) -> int:
    """Largest resident size, in MiB, of a process that reads so many pictures at once."""
    command = [sys.executable, "-c", _PROGRAM, str(width), str(height), str(count)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.parametrize(("width", "height"), [(4096, 3072), (1920, 1080)])
def test_eight_pictures_at_once_keep_to_the_budget(width: int, height: int) -> None:
    assert peak(width, height, 8) <= WORKER_MIB


def test_a_picture_at_the_limit_fits_alone() -> None:
    assert peak(8160, 6120, 1) <= WORKER_MIB
