"""Labels a folder of pages: resumable, page by page, with a report of what was labelled and what was left."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from tqdm import tqdm

from crnn_ocr.detection.load import load_detector
from crnn_ocr.errors import OcrError, TrainingError
from crnn_ocr.models.registry import Registry
from crnn_ocr.recognition.network.load import load_recognizer
from crnn_ocr.training.labelling.lines import label_page, read_labels, write_page
from crnn_ocr.training.labelling.pages import page_files, unwritten_pages

_log = logging.getLogger(__name__)

#: Independent recognisers that come with the package, the most accurate first.
TEACHERS = ("accurate", "crnn-zh-en")
DETECTOR = "ppocrv6-det-small"


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
    files = page_files(pages)
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
                for target, image in unwritten_pages(file, out, ".zip"):
                    write_page(label_page(image, detector, readers), target)
            except OcrError as error:
                unreadable += 1
                _log.warning("page left out", extra={"fields": {"file": file.name, "reason": error.message}})
    found: Counter[str] = Counter()
    for path in out.glob("*.zip"):
        found.update(agreement for _, _, agreement in read_labels(path))
    found["unreadable"] = unreadable
    return found
