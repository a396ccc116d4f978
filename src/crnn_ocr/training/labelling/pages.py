"""The pages of a folder of pictures and PDFs, and the file that is written for each of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from crnn_ocr.errors import TrainingError
from crnn_ocr.imaging.limits import Limits
from crnn_ocr.imaging.opened import open_document
from crnn_ocr.pixels import Pixels

SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".pdf", ".png", ".tif", ".tiff", ".webp"})
_LIMITS = Limits(max_bytes=1 << 28, max_pixels=50_000_000, max_side=30_000, max_pages=1000)


def page_files(folder: Path) -> list[Path]:
    """Return the pictures and PDFs of a folder, sorted by name.

    Raises:
        TrainingError: There is none.
    """
    entries = folder.iterdir() if folder.is_dir() else iter(())
    files = sorted(path for path in entries if path.suffix.lower() in SUFFIXES)
    if not files:
        raise TrainingError(f"{folder} holds no picture.", hint="Name a folder with pictures or PDFs.")
    return files


def page_name(file: Path, number: int) -> str:
    """Return the name under which things about a page are kept, without a suffix; pages count from 1."""
    return f"{file.name}-{number}"


def unwritten_pages(file: Path, out: Path, suffix: str) -> Iterator[tuple[Path, Pixels]]:
    """Yield the picture of every page of a file that has nothing written in `out` yet, and the path for it.

    A file whose pages are all done is not decoded: a resumed run comes to the first new page at once.

    Raises:
        OcrError: The file cannot be read.
    """
    with open_document(file, _LIMITS) as document:
        targets = [out / (page_name(file, 1 + index) + suffix) for index in range(len(document.extents))]
        if targets and all(target.exists() for target in targets):
            return
        for number in itertools.count(1):
            image = document.draw()
            if image is None:
                return
            target = out / (page_name(file, number) + suffix)
            if not target.exists():
                yield target, image


def draw_page(file: Path, number: int) -> Pixels:
    """Return the picture of one page of a file, (H, W, 3) BGR; pages count from 1.

    Raises:
        OcrError: The file cannot be read, or it has no such page.
    """
    with open_document(file, _LIMITS) as document:
        if number not in document.numbers:
            raise TrainingError(f"{file} has no page {number}.")
        document.choose([document.numbers.index(number)])
        image = document.draw_next()
    return image if image.ndim == 3 else np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR), np.uint8)
