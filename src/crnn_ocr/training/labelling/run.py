"""Labels a folder of pages: resumable, page by page, with a report of what was labelled and what was left."""

from __future__ import annotations

import itertools
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from tqdm import tqdm

from crnn_ocr.detection.load import load_detector
from crnn_ocr.errors import OcrError, TrainingError
from crnn_ocr.imaging.limits import Limits
from crnn_ocr.imaging.opened import open_document
from crnn_ocr.models.registry import Registry
from crnn_ocr.pixels import Pixels
from crnn_ocr.recognition.network.load import load_recognizer
from crnn_ocr.training.labelling.pages import label_page, read_labels, write_page

_log = logging.getLogger(__name__)

#: Independent recognisers that come with the package, the most accurate first.
TEACHERS = ("accurate", "crnn-zh-en")
DETECTOR = "ppocrv6-det-small"
SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".pdf", ".png", ".tif", ".tiff", ".webp"})
_LIMITS = Limits(max_bytes=1 << 28, max_pixels=50_000_000, max_side=30_000, max_pages=1000)


def label(
    pages: Path, out: Path, *, teachers: Sequence[str] = TEACHERS, registry: Registry | None = None
) -> Counter[str]:
    """Label every page of a folder that has not been labelled yet.

    Args:
        pages: A folder with pictures and PDFs.
        out: Folder for one ZIP per page; made where it is missing.
        teachers: Names or aliases of recogniser packs, the most accurate first.
        registry: Where packs are found.

    Returns:
        How many lines each agreement is behind, and under "unreadable" how many files could not be read.

    Raises:
        TrainingError: There is no picture in the folder, or not two teachers.
        ModelNotFoundError: There is no such pack.
    """
    files = (
        sorted(path for path in pages.iterdir() if path.suffix.lower() in SUFFIXES) if pages.is_dir() else []
    )
    if not files:
        raise TrainingError(f"{pages} holds no picture.", hint="Name a folder with pictures or PDFs.")
    if len(set(teachers)) < 2:
        raise TrainingError("Labels are what at least two teachers agree on.", hint="Name two packs.")
    registry = registry or Registry()
    out.mkdir(parents=True, exist_ok=True)
    unreadable = 0
    with ExitStack() as held:
        detector = held.enter_context(closing(load_detector(registry, DETECTOR, threads=1)))
        readers = [held.enter_context(closing(load_recognizer(registry, name))) for name in teachers]
        for file in tqdm(files, "pages", unit="page", disable=None):
            try:
                for target, image in _unlabelled_pages(file, out):
                    write_page(label_page(image, detector, readers), target)
            except OcrError as error:
                unreadable += 1
                _log.warning("page left out", extra={"fields": {"file": file.name, "reason": error.message}})
    found: Counter[str] = Counter()
    for path in out.glob("*.zip"):
        found.update(agreement for _, _, agreement in read_labels(path))
    found["unreadable"] = unreadable
    return found


def _unlabelled_pages(file: Path, out: Path) -> Iterator[tuple[Path, Pixels]]:
    """Yield the picture of every page that has no labels yet, and the path for them.

    A file whose pages are all labelled is not decoded: a resumed run comes to the first new page at once.
    """
    with open_document(file, _LIMITS) as document:
        targets = [out / f"{file.stem}-{number}.zip" for number in range(1, len(document.extents) + 1)]
        if targets and all(target.exists() for target in targets):
            return
        for number in itertools.count(1):
            image = document.draw()
            if image is None:
                return
            target = out / f"{file.stem}-{number}.zip"
            if not target.exists():
                yield target, image
