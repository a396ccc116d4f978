"""Measures how long a picture of one line takes while a page of hundreds is read.

    python -m benchmarks.fairness [--lines 300] [--rounds 12]

One engine reads a long page over and over in one thread; in another it reads a picture of one line, again
and again while the page is read. The same is measured alone before and after, as wall time depends on what
else is done on the machine. Exits with 1 if the median beside the page is more than `--limit` times that
alone.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import threading
import time

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from benchmarks import report
from crnn_ocr import OCR

Picture = NDArray[np.uint8]
_WORDS = "the quick brown fox jumps over the lazy dog and pays in cash"


def drawn(count: int) -> Picture:
    """Return a page with that many lines."""
    font = ImageFont.load_default(20)
    image = Image.new("L", (700, 20 + 34 * count), 255)
    draw = ImageDraw.Draw(image)
    for n in range(count):
        draw.text((20, 10 + 34 * n), f"{n:03d} {_WORDS}", font=font, fill=0)
    return np.asarray(image, np.uint8)


def waits(engine: OCR, picture: Picture, rounds: int, pause: float) -> list[float]:
    """Return the wall seconds of each reading."""
    seconds = []
    for _ in range(rounds):
        time.sleep(pause)
        start = time.perf_counter()
        engine.read(picture)
        seconds.append(time.perf_counter() - start)
    return seconds


def beside(
    engine: OCR, picture: Picture, page: Picture, rounds: int, pause: float
) -> tuple[list[float], list[float]]:
    """Return the wall seconds of short readings while long ones run, and of the long ones."""
    stop = threading.Event()
    long: list[float] = []

    def read_pages() -> None:
        while not stop.is_set():
            start = time.perf_counter()
            engine.read(page)
            long.append(time.perf_counter() - start)

    thread = threading.Thread(target=read_pages)
    thread.start()
    try:
        return waits(engine, picture, rounds, pause), long
    finally:
        stop.set()
        thread.join()


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--lines", type=int, default=300, help="lines of the long page (default: 300)")
    parser.add_argument("--rounds", type=int, default=12, help="short readings of each kind (default: 12)")
    parser.add_argument("--limit", type=float, default=10.0, help="times that alone (default: 10)")
    arguments = parser.parse_args()
    short, page = drawn(1), drawn(arguments.lines)
    with OCR() as engine:
        engine.read(short)
        alone = waits(engine, short, arguments.rounds, pause=0.05)
        start = time.perf_counter()
        engine.read(page)
        pause = (time.perf_counter() - start) / arguments.rounds
        among, long = beside(engine, short, page, arguments.rounds, pause)
        alone += waits(engine, short, arguments.rounds, pause=0.05)
    ratio = statistics.median(among) / statistics.median(alone)
    print(report.heading(f"One line beside {arguments.lines}"))
    rows = [
        [name, f"{1000 * statistics.median(times):.0f}", f"{1000 * max(times):.0f}"]
        for name, times in (("alone", alone), ("beside the page", among), ("the page itself", long))
    ]
    print(report.table(["reading", "median ms", "longest ms"], rows))
    print(f"{ratio:.1f} times that alone; allowed: {arguments.limit:.1f}.")
    report.save("fairness", {"lines": arguments.lines, "alone": alone, "beside": among, "page": long})
    sys.exit(ratio > arguments.limit)


if __name__ == "__main__":
    main()
