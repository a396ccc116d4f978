"""Labels without pictures: a small file from which the lines are cut out of the pages again."""

from __future__ import annotations

import csv
import itertools
import lzma
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO, cast

from tqdm import tqdm

from crnn_ocr.document import Polygon
from crnn_ocr.errors import TrainingError
from crnn_ocr.imaging.polygons import Turn
from crnn_ocr.pixels import Pixels
from crnn_ocr.recognition.lines.crops import crop, is_upright, turn_corners, turned
from crnn_ocr.training.labelling.agreement import Agreement, Label, decide
from crnn_ocr.training.labelling.lines import LabelledLine, lowered, read_lines, write_page
from crnn_ocr.training.labelling.pages import draw_page

_FIELDS = ("page", "text", "agreement", "polygon")


def write_table(lines: Path, table: Path) -> int:
    """Write the labels of a folder that `label` filled, decided anew, into one xz-packed table.

    Args:
        lines: The folder.
        table: TSV, written whole or not at all.

    Returns:
        How many lines have a label.

    Raises:
        TrainingError: There are no labelled pages, or a file of them is damaged.
    """
    files = sorted(lines.glob("*.zip"))
    if not files:
        raise TrainingError(f"{lines} holds no labelled page.", hint="crnn-ocr train label makes them.")
    partial = table.with_suffix(".partial")
    count = 0
    with lzma.open(partial, "wt", encoding="utf-8", newline="", preset=9) as packed:
        rows = csv.writer(cast(TextIO, packed), delimiter="\t", lineterminator="\n")
        rows.writerow(_FIELDS)
        for file in tqdm(files, "labels", unit="page", disable=None):
            for line in read_lines(file):
                label = decide(line.readings)
                if label.text:
                    corners = ",".join(f"{value:g}" for point in line.polygon for value in point)
                    rows.writerow((file.stem, label.text, label.agreement, corners))
                    count += 1
    partial.replace(table)
    return count


def cut_lines(pages: Path, table: Path, lines: Path) -> int:
    """Cut the lines of a table out of the pages, into files as `label` writes them; what is there is kept.

    Args:
        pages: Folder of the pages that were labelled.
        table: What `write_table` wrote.
        lines: Folder for the lines; made where it is missing.

    Returns:
        How many pages are in the table.

    Raises:
        TrainingError: The table is damaged, or a page is missing.
        OcrError: A page cannot be read.
    """
    lines.mkdir(parents=True, exist_ok=True)
    count = 0
    for name, labelled in tqdm(_by_page(table), "lines", unit="page", disable=None):
        target = lines / f"{name}.zip"
        count += 1
        if target.exists():
            continue
        file, _, number = name.rpartition("-")
        path = pages / file
        if not path.is_file():
            raise TrainingError(f"There is no page {path}.", hint="Name the folder that was labelled.")
        image = draw_page(path, int(number))
        write_page(
            [LabelledLine(lowered(_cut(image, where)), label, where, ()) for label, where in labelled], target
        )
    return count


def _cut(image: Pixels, polygon: Polygon) -> Pixels:
    """Return the picture of a line as it was read: lines that stand by quarters are not resampled."""
    quarters: tuple[tuple[Turn, Turn], ...] = ((0, 0), (90, 270), (180, 180), (270, 90))
    for turn, back in quarters:
        standing = turn_corners(polygon, back)
        if is_upright(standing):
            return turned(crop(image, standing), turn)
    return crop(image, polygon)


def _by_page(table: Path) -> Iterator[tuple[str, list[tuple[Label, Polygon]]]]:
    try:
        with lzma.open(table, "rt", encoding="utf-8", newline="") as packed:
            reader = csv.DictReader(cast(TextIO, packed), delimiter="\t")
            for name, rows in itertools.groupby(reader, key=lambda row: row["page"]):
                yield name, [_label(row) for row in rows]
    except (lzma.LZMAError, EOFError, KeyError, TypeError, ValueError) as error:
        raise TrainingError(f"{table} is no table of labels, or damaged.") from error


def _label(row: dict[str, str]) -> tuple[Label, Polygon]:
    x1, y1, x2, y2, x3, y3, x4, y4 = (float(value) for value in row["polygon"].split(","))
    return Label(row["text"], cast(Agreement, row["agreement"])), ((x1, y1), (x2, y2), (x3, y3), (x4, y4))
