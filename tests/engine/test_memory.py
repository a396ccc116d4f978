"""Memory: no picture outlives its reading, and many large ones at once keep to the budget."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
import pytest

from crnn_ocr import OCR
from crnn_ocr.engine import page_reader
from crnn_ocr.engine.stage import run_stages
from crnn_ocr.errors import DeadlineExceededError
from crnn_ocr.imaging.opened import OpenedDocument
from crnn_ocr.scheduling.ticket import Ticket
from tests import drawing

needs_proc = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="no /proc: nobody tells the peak"
)

#: The service may take 512 MiB, and its supervisor has 32 that the worker does not share …
WORKER_MIB = 480
#: … and Flask, Gunicorn and eight bodies some 16.
BUSY_WORKER_MIB = 464


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("size", [(420, 140), (3000, 2000)])
def test_a_picture_is_gone_as_soon_as_it_has_been_read(
    ocr: OCR, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def spy(stages: Any, state: Any, *rest: Any) -> Any:
        seen.append(weakref.ref(state.image))
        return run_stages(stages, state, *rest)

    monkeypatch.setattr(page_reader, "run_stages", spy)
    page = drawing.page([(30, 30, "Total due 19.80"), (30, 90, "Eight blue Widgets")], shape=size)

    # A file, so that the engine alone has its pixels.
    document = ocr.read(cv2.imencode(".png", page)[1].tobytes(), recheck="auto")

    assert document.text.replace(" ", "") == "Totaldue19.80\nEightblueWidgets"  # it has been read at all
    assert [picture() is None for picture in seen] == [True]


@pytest.mark.parametrize(("size", "thread"), [((420, 140), "MainThread"), ((3000, 2000), "crnn-ocr-core")])
def test_large_pictures_are_decoded_where_memory_is_counted(
    ocr: OCR, size: tuple[int, int], thread: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = OpenedDocument.draw_next
    drawn = []

    def spy(pages: OpenedDocument) -> Any:
        drawn.append(threading.current_thread().name)
        return draw(pages)

    monkeypatch.setattr(OpenedDocument, "draw_next", spy)
    page = np.full((size[1], size[0], 3), 255, np.uint8)

    ocr.read(cv2.imencode(".bmp", page)[1].tobytes())

    assert [name.startswith(thread) for name in drawn] == [True]


def test_pictures_that_others_decode_share_the_room(ocr: OCR) -> None:
    most, late = page_reader.PICTURE_BYTES, Ticket(deadline=time.monotonic() + 0.5)
    with ocr.hold(most + 1, Ticket()):
        assert ocr._scheduler._policy._reserved == most + 1
        with pytest.raises(DeadlineExceededError), ocr.hold(most // 2, late):
            pass
    with ocr.hold(most // 2, Ticket()), ocr.hold(most // 2, Ticket()):
        assert ocr._scheduler._policy._reserved == 0


_TEXT = "The quick brown fox jumps over the lazy dog, and again over it"

# Not ru_maxrss: that starts from what the process had that forked this one.
_PROGRAM = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from crnn_ocr.runtime.memory import use_one_arena
assert use_one_arena()
from crnn_ocr import OCR

data, count, expected = Path(sys.argv[1]).read_bytes(), int(sys.argv[2]), sys.argv[3]
with OCR(threads=2) as ocr, ThreadPoolExecutor(count) as callers:
    answers = list(callers.map(lambda _: ocr.read(data), range(count)))
read = [answer.text.replace(" ", "").split("\\n") for answer in answers]
wanted = [expected.replace(" ", "")] * 6 if expected else [""]
assert read == [wanted] * count, answers[0].text
print(next(int(row.split()[1]) // 1024 for row in open("/proc/self/status") if row.startswith("VmHWM")))
"""


def photograph(width: int, height: int, target: Path) -> Path:
    """A page with six lines and the noise of a camera, as a picture file."""
    rows = [(width // 20, height // 12 + i * height // 8, _TEXT) for i in range(6)]
    page = drawing.page(rows, size=width // 36, shape=(width, height))[:, :, 0]
    noise = np.abs(np.random.default_rng(0).normal(0, 2, (height // 4, width // 4))).astype(np.uint8)
    grey = cv2.subtract(np.ascontiguousarray(page), cv2.resize(noise, (width, height)))
    cv2.imwrite(str(target), cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR))
    return target


def peak(picture: Path, count: int, text: str = _TEXT) -> int:
    """Largest resident size, in MiB, of a process that reads a picture so many times at once."""
    command = [sys.executable, "-c", _PROGRAM, str(picture), str(count), text]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.slow
@needs_proc
@pytest.mark.parametrize(("width", "height"), [(4096, 3072), (1920, 1080)])
def test_eight_pictures_at_once_keep_to_the_budget(width: int, height: int, tmp_path: Path) -> None:
    page = photograph(width, height, tmp_path / "page.jpg")
    # Of eight threads that read at once the peak differs by some 60 MiB from run to run, with how they meet.
    assert median(peak(page, 8) for _ in range(3)) <= BUSY_WORKER_MIB


@pytest.mark.slow
@needs_proc
@pytest.mark.parametrize("shape", [(40_000, 1), (1, 40_000)])
def test_eight_thin_pictures_at_once_keep_to_the_budget(shape: tuple[int, int], tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "thin.png"), np.full(shape, 255, np.uint8))
    assert peak(tmp_path / "thin.png", 8, "") <= BUSY_WORKER_MIB


@pytest.mark.slow
@needs_proc
@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_a_picture_at_the_limit_fits_alone(suffix: str, tmp_path: Path) -> None:
    assert peak(photograph(8160, 6120, tmp_path / f"page.{suffix}"), 1) <= WORKER_MIB
