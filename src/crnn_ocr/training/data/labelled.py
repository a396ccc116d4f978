"""Rows of text files, and of labelled pictures, `file TAB text`: what evaluation sets and users bring."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from crnn_ocr.errors import TrainingError
from crnn_ocr.training.types import Image

LEAST_SIDE = 4
"""Pictures with a shorter side hold no line of text, in pixels."""


def rows(
    path: Path, what: str, *, most: int | None = None, hint: str = "Check the path and its permissions."
) -> list[tuple[int, str]]:
    """Return the rows of a UTF-8 file that are not blank, and their numbers from 1 on.

    Args:
        path: Of the file.
        what: It is, for messages.
        most: Characters that are looked at; None: all.
        hint: What to do where it cannot be read.

    Raises:
        TrainingError: It cannot be read, or is not UTF-8; the message names the file.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise TrainingError(
            f"{what} {path} is not UTF-8 (byte {error.start}).",
            hint="Save it as UTF-8, for instance: iconv -f GB18030 -t UTF-8.",
        ) from error
    except OSError as error:
        raise TrainingError(f"{what} {path} cannot be read: {error.strerror}.", hint=hint) from error
    return [(number, row) for number, row in enumerate(text[:most].splitlines(), 1) if row.strip()]


def entry(row: str, where: str, *, silent: bool = False) -> tuple[str, str]:
    """Split a row of a list.

    Args:
        row: Without its line break.
        where: List and row, for messages.
        silent: Whether the text may be empty: a picture in which nothing is to be read.

    Returns:
        The file as it is named, and the text.

    Raises:
        TrainingError: It is no such row.
    """
    cells = row.split("\t")
    if len(cells) != 2 or not cells[0].strip() or not (silent or cells[1].strip()):
        raise TrainingError(
            f"{where}: it must hold a file, one TAB and the text.", hint="Check for spaces in place of TAB."
        )
    return cells[0], cells[1]


def picture(path: Path, where: str) -> Image:
    """Read the picture that a row names.

    Args:
        path: Of the file.
        where: List and row, for messages.

    Returns:
        uint8 (H, W, 3) BGR.

    Raises:
        TrainingError: It is missing, no picture, or too small.
    """
    hint = "Give a JPG, PNG, BMP or TIFF picture of one line of text; paths count from the list's folder."
    try:
        coded = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise TrainingError(f"{where}: {path} cannot be read: {error.strerror}.", hint=hint) from error
    image = cv2.imdecode(coded, cv2.IMREAD_COLOR) if len(coded) else None
    if image is None:
        raise TrainingError(f"{where}: {path} is no picture that can be decoded.", hint=hint)
    if min(image.shape[:2]) < LEAST_SIDE:
        raise TrainingError(f"{where}: {path} is only {image.shape[1]}x{image.shape[0]} pixels.", hint=hint)
    return np.asarray(image, np.uint8)
