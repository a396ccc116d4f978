"""Compares the CPU seconds estimated from a picture's header with those that reading it takes.

    python -m benchmarks.serving.admission [--every 2]

It reads every n-th page of the evaluation set, and blank pictures of many sizes, on one thread. The service
accepts work by these estimates (``crnn_ocr/service/ocr/admission.py``). Single pictures may be far off; the
sums should not be.
"""

from __future__ import annotations

import argparse
import time
from io import BytesIO

from PIL import Image

from benchmarks.harness import datasets
from crnn_ocr import OCR
from crnn_ocr.imaging.limits import Limits
from crnn_ocr.imaging.opened import open_document
from crnn_ocr.service.ocr.admission import estimate_seconds

BLANK = [(16, 16), (100, 32), (320, 48), (640, 480), (1920, 1080), (3840, 2160), (6000, 4000), (1000, 20_000)]
LIMITS = Limits(max_bytes=1 << 28, max_pixels=50_000_000, max_side=40_000, max_pages=50)


def blank(width: int, height: int) -> bytes:
    """Return a white picture."""
    stream = BytesIO()
    Image.new("RGB", (width, height), "white").save(stream, "PNG")
    return stream.getvalue()


def main() -> None:
    """Print one row per picture, and the sums."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--every", type=int, default=2, help="take every so many pages (default: 2)")
    args = parser.parse_args()
    paths = [sample.path for data in datasets.PAGES for sample in datasets.load(data.name)][:: args.every]
    pictures = [(path.name, path.read_bytes()) for path in paths]
    pictures += [(f"blank {width} × {height}", blank(width, height)) for width, height in BLANK]
    sums = [0.0, 0.0]
    with OCR(threads=1) as ocr:
        ocr.warm_up()
        print("| picture | megapixels | estimated s | measured s |\n|---|---|---|---|")
        for name, data in pictures:
            with open_document(data, LIMITS) as document:
                pages = [(page.width, page.height) for page in document.extents]
            megapixels = sum(width * height for width, height in pages) / 1e6
            start = time.process_time()
            ocr.read(data)
            measured = time.process_time() - start
            estimated = estimate_seconds(pages)
            if not name.startswith("blank"):
                sums = [sums[0] + estimated, sums[1] + measured]
            print(f"| {name} | {megapixels:.2f} | {estimated:.2f} | {measured:.2f} |")
    print(f"\nPages together: {sums[0]:.1f} s estimated, {sums[1]:.1f} s measured.")


if __name__ == "__main__":
    main()
