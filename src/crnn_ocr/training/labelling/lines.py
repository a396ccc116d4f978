"""Finds, cuts out and labels the lines of a page, and keeps them in one file per page."""

from __future__ import annotations

import csv
import io
import json
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import cv2
import numpy as np

from crnn_ocr.detection.detector import Detector
from crnn_ocr.document import Polygon
from crnn_ocr.errors import TrainingError
from crnn_ocr.pixels import Pixels
from crnn_ocr.recognition.lines.crops import turned, unturn
from crnn_ocr.recognition.lines.reader import LineReader
from crnn_ocr.recognition.lines.windows import read_crops
from crnn_ocr.recognition.network.recognizer import Recognizer
from crnn_ocr.training.labelling.agreement import Agreement, Label, TeacherReading, decide

#: Pictures of lines are kept at most this high, in pixels: networks see 32 to 48, and looks need some more.
HEIGHT = 64
_LABELS = "labels.tsv"
_FIELDS = ("file", "text", "agreement", "polygon", "readings")


@dataclass(frozen=True, slots=True)
class LabelledLine:
    """A line of a page.

    Attributes:
        picture: (H, W) grey or (H, W, 3) BGR, upright, at most `HEIGHT` high.
        label: What it says.
        polygon: Its corners in the page's picture, in pixels, its own top left first.
        readings: What each teacher reads, in their order.
    """

    picture: Pixels
    label: Label
    polygon: Polygon
    readings: tuple[TeacherReading, ...]


def label_page(image: Pixels, detector: Detector, teachers: Sequence[Recognizer]) -> list[LabelledLine]:
    """Find the lines of a page and label them.

    The first teacher decides which way up page and lines are. Columns of upright characters are left out.

    Args:
        image: (H, W) grey or (H, W, 3) BGR.
        detector: Finds the lines.
        teachers: Read them, the most accurate first; at least one.
    """
    height, width = image.shape[:2]
    reader = LineReader(teachers[0])
    found = reader.read(image, detector.detect(image))
    turn = reader.page_turn(image, found)
    if turn:
        image = turned(image, turn)
        found = reader.read(image, detector.detect(image))
    found = [entry for entry in reader.turn_unsure(image, found) if not entry.column]
    crops = [entry.picture(image).make() for entry in found]
    readings = [[TeacherReading(entry.reading.text, entry.reading.confidence) for entry in found]]
    for teacher in teachers[1:]:
        read = read_crops(teacher, crops)
        readings.append([TeacherReading(reading.text, reading.confidence) for reading in read])
    return [
        LabelledLine(
            lowered(crop), decide(of_line), unturn(entry.polygon, turn, width, height), tuple(of_line)
        )
        for entry, crop, of_line in zip(found, crops, zip(*readings, strict=True), strict=True)
    ]


def write_page(lines: Sequence[LabelledLine], path: Path) -> None:
    """Write the lines of a page into one ZIP, whole or not at all."""
    partial = path.with_suffix(".partial")
    with zipfile.ZipFile(partial, "w") as archive:  # PNG is packed already
        table = io.StringIO()
        rows = csv.writer(table, delimiter="\t", lineterminator="\n")
        rows.writerow(_FIELDS)
        for number, line in enumerate(lines):
            name = f"{number:04}.png"
            archive.writestr(name, cv2.imencode(".png", line.picture)[1].tobytes())
            readings = json.dumps([[one.text, round(one.confidence, 4)] for one in line.readings])
            polygon = json.dumps([[round(x, 1), round(y, 1)] for x, y in line.polygon])
            rows.writerow((name, line.label.text, line.label.agreement, polygon, readings))
        archive.writestr(_LABELS, table.getvalue(), zipfile.ZIP_DEFLATED)
    partial.replace(path)


def read_labels(path: Path) -> Iterator[tuple[str, str, Agreement]]:
    """Yield file name, text and agreement of every line of a page that `write_page` wrote.

    Raises:
        TrainingError: The file is damaged.
    """
    with _opened(path) as archive:
        for row in _rows(archive):
            yield row["file"], row["text"], cast(Agreement, row["agreement"])


def read_lines(path: Path) -> Iterator[LabelledLine]:
    """Yield the lines of a page that `write_page` wrote; their pictures are in colour.

    Raises:
        TrainingError: The file is damaged.
    """
    with _opened(path) as archive:
        for row in _rows(archive):
            data = np.frombuffer(archive.read(row["file"]), np.uint8)
            picture = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
            a, b, c, d = ((float(x), float(y)) for x, y in json.loads(row["polygon"]))
            readings = tuple(TeacherReading(*values) for values in json.loads(row["readings"]))
            label = Label(row["text"], cast(Agreement, row["agreement"]))
            yield LabelledLine(picture, label, (a, b, c, d), readings)


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, KeyError, TypeError, ValueError) as error:
        raise TrainingError(f"{path} is damaged.", hint="Delete it and label its page again.") from error


def _rows(archive: zipfile.ZipFile) -> csv.DictReader[str]:
    return csv.DictReader(io.StringIO(archive.read(_LABELS).decode()), delimiter="\t")


def lowered(crop: Pixels) -> Pixels:
    """Return a picture of a line, scaled down to `HEIGHT` where it is higher."""
    height, width = crop.shape[:2]
    if height <= HEIGHT:
        return crop
    size = max(1, round(width * HEIGHT / height)), HEIGHT
    return np.asarray(cv2.resize(crop, size, interpolation=cv2.INTER_AREA), np.uint8)
