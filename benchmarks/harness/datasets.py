"""Loads the evaluation pictures: labelled lines and labelled pages.

They are not part of the repository. ``CRNN_OCR_EVAL_DIR`` names their folder; without it, ``../shared/eval``
beside the repository is taken.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

_DEFAULT = Path(__file__).resolve().parents[3] / "shared" / "eval"
_PICTURES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp"}


@dataclass(frozen=True)
class DataSet:
    """One folder, and how it is compared.

    Attributes:
        name: the folder.
        language: "zh" or "en", the main language of its text.
        case: whether upper and lower case differ.
    """

    name: str
    language: str
    case: bool = True


LINES = (
    DataSet("lines_zh", "zh"),
    DataSet("lines_latin", "en"),
    DataSet("lines_en", "en", case=False),
    DataSet("lines_traditional", "zh"),
)
PAGES = (DataSet("pages_zh", "zh"), DataSet("pages_en", "en"))


@dataclass(frozen=True)
class Sample:
    """One picture and what it says; a page's lines are separated by line feeds."""

    path: Path
    truth: str


def root() -> Path:
    """Return the folder of the evaluation pictures; exit with a hint if it is missing."""
    folder = Path(os.environ.get("CRNN_OCR_EVAL_DIR") or _DEFAULT)
    if not folder.is_dir():
        sys.exit(f"No evaluation pictures at {folder}: set CRNN_OCR_EVAL_DIR to their folder.")
    return folder


def load(name: str) -> list[Sample]:
    """Return the samples of one folder in the order of their names."""
    folder = root() / name
    labels = folder / "labels.tsv"
    if labels.exists():
        rows = (row.split("\t", 1) for row in labels.read_text(encoding="utf-8").splitlines() if row.strip())
        return [Sample(folder / file, text) for file, text in rows]
    pages = sorted(path for path in folder.iterdir() if path.suffix.lower() in _PICTURES)
    return [Sample(path, path.with_suffix(".gt.txt").read_text(encoding="utf-8")) for path in pages]
