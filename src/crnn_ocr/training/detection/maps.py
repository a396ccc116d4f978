"""Probability maps of pages by the teacher: what the detector learns from pictures that nobody has labelled.

A page's map is kept at the size at which the teacher sees its lines best, so that the pupil learns at small
sizes what the teacher finds at large ones. One PNG per page, resumable.
"""

from __future__ import annotations

import logging
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from crnn_ocr.detection.load import load_detector
from crnn_ocr.errors import OcrError, TrainingError
from crnn_ocr.models.registry import Registry
from crnn_ocr.pixels import Pixels
from crnn_ocr.training.detection.network import MAP_STRIDE
from crnn_ocr.training.labelling.pages import page_files, unwritten_pages

_log = logging.getLogger(__name__)

TEACHER = "ppocrv6-det-small"


def draw_maps(pages: Path, out: Path, *, teacher: str = TEACHER, registry: Registry | None = None) -> int:
    """Write the map of every page of a folder that has none yet.

    Args:
        pages: A folder with pictures and PDFs.
        out: Folder for one PNG per page; made where it is missing.
        teacher: Name or alias of a detector pack.
        registry: Where packs are found.

    Returns:
        How many files could not be read.

    Raises:
        TrainingError: There is no picture in the folder.
        ModelNotFoundError: There is no such pack.
    """
    files = page_files(pages)
    out.mkdir(parents=True, exist_ok=True)
    unreadable = 0
    with closing(load_detector(registry or Registry(), teacher, threads=1)) as detector:
        for file in tqdm(files, "maps", unit="page", disable=None):
            try:
                for target, image in unwritten_pages(file, out, ".png"):
                    _write(detector.probability_map(image), target)
            except OcrError as error:
                unreadable += 1
                _log.warning("page left out", extra={"fields": {"file": file.name, "reason": error.message}})
    return unreadable


def read_map(path: Path) -> Pixels:
    """Return a map that `draw_maps` wrote, (h, w) uint8, probabilities × 255.

    Raises:
        TrainingError: The file is damaged.
    """
    data = np.fromfile(path, np.uint8)
    heat = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE) if data.size else None
    if heat is None:
        raise TrainingError(f"{path} is damaged.", hint="Delete it and draw the maps again.")
    return np.asarray(heat, np.uint8)


def _write(heat: Pixels, path: Path) -> None:
    """Write a map at the resolution of the network's, whole or not at all."""
    height, width = (max(1, round(side / MAP_STRIDE)) for side in heat.shape)
    small = cv2.resize(heat, (width, height), interpolation=cv2.INTER_AREA)
    partial = path.with_suffix(".partial")
    partial.write_bytes(cv2.imencode(".png", small)[1].tobytes())
    partial.replace(path)
