"""Mutated files for as long as one likes: `python -m tests.imaging.fuzz --seconds 60 [FOLDER…]`.

The tests do the same with a few hundred examples. Here the seeds are theirs, and the files of the folders;
a file that ends in anything but pages or an error of ours, or that takes too long, is kept and named.
"""

from __future__ import annotations

import argparse
import faulthandler
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from crnn_ocr.errors import OcrError
from crnn_ocr.imaging.limits import Limits
from crnn_ocr.imaging.opened import open_document
from tests.imaging import test_decode
from tests.imaging.pdf import test_pages

LIMITS = Limits(4 << 20, 2_000_000, 10_000, 3)
#: CPU seconds that a file of at most two million pixels and three pages may take.
SLOW_S = 10.0
_LARGEST_SEED = 300_000


def mutate(seed: bytes, chance: random.Random) -> bytes:
    """Change, cut, duplicate or drop a few bytes, mostly in the headers near the start."""
    data = bytearray(seed)
    for _ in range(chance.choice((1, 1, 2, 4, 8))):
        near = chance.random() < 0.6
        place = chance.randrange(min(len(data), 400) if near else len(data)) if data else 0
        length = chance.choice((1, 1, 2, 4, 16))
        kind = chance.choice(("set", "set", "random", "delete", "double", "cut"))
        if kind == "set":
            data[place : place + length] = bytes([chance.choice((0, 1, 0x7F, 0x80, 0xFF))]) * length
        elif kind == "random":
            data[place : place + length] = chance.randbytes(length)
        elif kind == "delete":
            del data[place : place + length]
        elif kind == "double":
            data[place:place] = data[place : place + length]
        elif chance.random() < 0.3:
            del data[place:]
    return bytes(data)


def run(data: bytes) -> str:
    """Return the name of the error that the file caused, or "read"."""
    try:
        with open_document(data, LIMITS, pdf_dpi=72) as document:
            while (page := document.draw()) is not None:
                assert page.size
    except OcrError as error:
        return type(error).__name__
    return "read"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("folders", nargs="*", type=Path)
    options = parser.parse_args()
    faulthandler.enable()
    files = [path.read_bytes() for folder in options.folders for path in folder.iterdir() if path.is_file()]
    seeds = [
        *test_decode.SEEDS,
        *test_pages.SEEDS,
        *(data for data in files if 0 < len(data) < _LARGEST_SEED),
    ]
    chance = random.Random(options.seed)
    ends: Counter[str] = Counter()
    bad = 0
    keep = Path(tempfile.gettempdir(), f"fuzz-{options.seed}")
    last = keep.with_suffix(".last")  # what a crash of the process leaves behind
    stop = time.monotonic() + options.seconds
    while time.monotonic() < stop:
        data = mutate(chance.choice(seeds), chance)
        last.write_bytes(data)
        started = time.process_time()
        try:
            end = run(data)
        except Exception as error:
            end = f"UNEXPECTED {type(error).__name__}"
        spent = time.process_time() - started
        if spent > SLOW_S:
            end = "SLOW"
        if end.isupper() or end.startswith("UNEXPECTED"):
            bad += 1
            keep.with_suffix(f".{bad}").write_bytes(data)
        ends[end] += 1
    last.unlink()
    sys.stdout.write(f"seed {options.seed}, {ends.total()} files of {len(seeds)} seeds: {dict(ends)}\n")
    sys.exit(f"kept: {keep}.*" if bad else 0)


if __name__ == "__main__":
    main()
