"""Loads a network for tables and proves it on a table that it must be able to read."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from crnn_ocr.errors import ModelBrokenError
from crnn_ocr.models.manifest import PrecisionChoice
from crnn_ocr.models.registry import Pack
from crnn_ocr.models.sessions import open_session
from crnn_ocr.pixels import Pixels
from crnn_ocr.tables.network.recognizer import TableRecognizer

#: Rows and columns of the table that is drawn as a probe.
PROBE = (4, 3)


def load_pack(
    pack: Pack, *, cache_dir: Path | None = None, precision: PrecisionChoice = "auto"
) -> TableRecognizer:
    """Load a pack of the kind "table".

    Args:
        pack: The pack.
        cache_dir: Folder for prepared graphs; None for the user's cache folder.
        precision: Precision of packs with an INT8 graph.

    Raises:
        ModelBrokenError: The pack's files differ from its manifest, or its graph is of another form.
    """
    session = open_session(pack, precision=precision, cache_dir=cache_dir)
    return TableRecognizer(session, pack.manifest)


def check_reads(recognizer: TableRecognizer, pack: Pack) -> None:
    """Check that a loaded network reads the grid of a drawn table.

    Raises:
        ModelBrokenError: It does not.
    """
    picture = draw_probe()
    height, width = picture.shape[:2]
    grids = recognizer.grids(picture, (0.0, 0.0, float(width), float(height)), ())
    found = [(grid.rows, grid.cols, len(grid.cells)) for grid in grids]
    rows, cols = PROBE
    if found != [(rows, cols, rows * cols)]:
        seen = f"{found[0][0]} × {found[0][1]} cells" if found else "no table"
        raise ModelBrokenError(
            f"pack {pack.manifest.name!r} sees {seen} where {rows} × {cols} are drawn",
            hint="The weights or the vocabulary do not fit the network.",
        )


def draw_probe() -> Pixels:
    """Return a table with rules and a number in every cell, (H, W, 3) BGR."""
    rows, cols = PROBE
    width, height = 150, 44
    picture = np.full((rows * height + 9, cols * width + 9, 3), 255, np.uint8)
    for row in range(rows):
        for col in range(cols):
            corner = (4 + col * width, 4 + row * height)
            cv2.rectangle(picture, corner, (corner[0] + width, corner[1] + height), (0, 0, 0), 1)
            text = f"{(row + 3) * 137 + col * 29}"
            place = (corner[0] + 48, corner[1] + 30)
            cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.7, (0, 0, 0), 2, cv2.LINE_AA)
    return picture
