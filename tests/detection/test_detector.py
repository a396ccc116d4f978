"""The real detector, and the engine on pictures of unusual shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from crnn_ocr.detection.detector import DbDetector, DetectorParameters
from crnn_ocr.detection.load import load_detector
from crnn_ocr.engine.ocr import OCR
from crnn_ocr.models.registry import Registry
from crnn_ocr.runtime.onnx import Session
from crnn_ocr.scheduling.policy import Demand
from crnn_ocr.scheduling.work import Outcome, Task
from tests import drawing

T = TypeVar("T")
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def detector() -> DbDetector:
    return load_detector(Registry(), "ppocrv6-det-small", threads=2)


def texts(ocr: OCR, picture: drawing.Picture) -> list[str]:
    return [line.text for line in ocr.read(picture).pages[0].lines]


def test_a_box_holds_its_text_and_little_else(detector: DbDetector) -> None:
    picture = drawing.page([(200, 120, "Subtotal 118.90")], size=30, shape=(800, 600))
    rows, columns = np.nonzero(picture[:, :, 0] < 128)

    (region,) = detector.detect(picture)

    left, top = region.polygon[0]
    right, bottom = region.polygon[2]
    assert left - 3 <= columns.min()
    assert columns.max() <= right + 3
    assert top - 3 <= rows.min()
    assert rows.max() <= bottom + 3
    ink = (columns.max() - columns.min()) * (rows.max() - rows.min())
    assert (right - left) * (bottom - top) < 2.2 * ink


class OnAllCores:
    """A runner that gives every task as many cores as it can use."""

    def __init__(self) -> None:
        self.demands: list[Demand] = []

    def run(self, tasks: Sequence[Task[T]]) -> list[Outcome[T]]:
        self.demands += [task.demand for task in tasks]
        return [Outcome.of(task, task.demand.most_cores) for task in tasks]


@pytest.mark.parametrize("shape", [(1920, 1080), (500, 2600), (90, 40)])
def test_the_answer_does_not_depend_on_the_number_of_cores(
    detector: DbDetector, shape: tuple[int, int]
) -> None:
    noise = np.random.default_rng(0).integers(150, 255, (shape[1], shape[0], 3), np.uint8)
    rows = drawing.page([(20, 20 + 60 * i, f"line {i} of many") for i in range(9)], size=30, shape=shape)
    picture = np.minimum(noise, rows)
    work = OnAllCores()

    found = detector.detect(picture, work)

    assert found == detector.detect(picture)
    assert {demand.most_cores for demand in work.demands} == {2}


@pytest.mark.parametrize("shape", [(40_000, 1), (1, 40_000), (40_000, 100), (20_000, 40), (30, 13_000)])
def test_runs_of_thin_pictures_are_bounded(detector: DbDetector, shape: tuple[int, int]) -> None:
    shown: list[int] = []

    class Spy:
        inputs = ("x",)

        def run(self, feeds: dict[str, NDArray[np.float32]]) -> list[NDArray[np.float32]]:
            (tensor,) = feeds.values()
            shown.append(tensor.shape[2] * tensor.shape[3])
            return [np.zeros((1, 1, *tensor.shape[2:]), np.float32)]

    session = cast(Session, Spy())
    manifest, parameters = detector.manifest, DetectorParameters()
    spied = DbDetector(session, manifest, parameters=parameters)
    work = OnAllCores()

    spied.detect(np.full(shape, 255, np.uint8), work)

    most = parameters.area + parameters.tile * manifest.multiple  # sides are rounded up
    assert shown
    assert max(shown) <= most
    assert max(demand.memory for demand in work.demands) <= manifest.memory_per_pixel * most


def test_large_runs_declare_their_memory(detector: DbDetector) -> None:
    work = OnAllCores()

    detector.detect(np.full((720, 960, 3), 255, np.uint8), work)
    detector.detect(np.full((60, 400, 3), 255, np.uint8), work)

    large, small = work.demands
    assert 150 * MIB < large.memory < 230 * MIB
    assert small.memory == 0
    assert large.cost > 10 * small.cost


@pytest.mark.parametrize("size", [8, 10, 14, 20, 40, 80, 160])
def test_a_crop_of_one_line_is_one_line(ocr: OCR, size: int) -> None:
    assert texts(ocr, drawing.line("Total 1,299.00 EUR", size=size, pad=2)) == ["Total 1,299.00 EUR"]


@pytest.mark.parametrize("text", ["90", "U/L", "体重", "Hello world"])
def test_text_that_touches_every_border_is_found(ocr: OCR, text: str) -> None:
    assert texts(ocr, drawing.line(text, pad=0)) == [text]


def test_a_tall_receipt_is_read_completely(ocr: OCR) -> None:
    rows = [f"item {i:03d} costs {i}.50" for i in range(60)]
    picture = drawing.page([(20, 20 + 40 * i, row) for i, row in enumerate(rows)], size=24, shape=(420, 2460))

    assert texts(ocr, picture) == rows


@pytest.mark.slow
def test_a_screenshot_of_8000_pixels_has_no_seams(ocr: OCR) -> None:
    rows = [f"message {i} sent at 12:{i % 60:02d}, please reply" for i in range(107)]
    places = [(40 + i % 2 * 350, 30 + 74 * i, row) for i, row in enumerate(rows)]

    # By the better reader: a blank may be lost, and this is about seams.
    document = ocr.read(drawing.page(places, size=30, shape=(1080, 8_000)), model="accurate")
    assert document.text.split("\n") == rows


def test_digits_alone_in_their_cells_on_a_large_page_are_found(detector: DbDetector) -> None:
    words = ["Cash at bank", "Goodwill", "Vehicles", "Accruals", "Inventories", "Rent"]
    cells = [(x, 160 + 50 * i) for i in range(6) for x in (220, 1330, 1760)]
    rows = [(word, str(i + 1), str(60182 + 2467 * i)) for i, word in enumerate(words)]
    texts = [text for row in rows for text in row]
    picture = drawing.page(
        [(x, y, text) for (x, y), text in zip(cells, texts, strict=True)], size=26, shape=(2480, 3508)
    )

    found = detector.detect(picture)

    assert len(found) == len(cells)
    for x, y in cells:
        (holds,) = [
            r
            for r in found
            if r.polygon[0][0] <= x + 6 <= r.polygon[1][0] and r.polygon[0][1] <= y + 16 <= r.polygon[3][1]
        ]
        assert holds.height < 60


def test_a_thin_strip_is_read_from_left_to_right(ocr: OCR) -> None:
    words = [f"column number {i}" for i in range(28)]
    picture = drawing.page(
        [(20 + 700 * i, 30, word) for i, word in enumerate(words)], size=40, shape=(20_000, 120)
    )

    assert texts(ocr, picture) == words


def test_a_slanted_page_is_read(ocr: OCR) -> None:
    import cv2

    rows = [f"line number {i} of a slanted page" for i in range(6)]
    upright = drawing.page(
        [(120, 120 + 70 * i, row) for i, row in enumerate(rows)], size=32, shape=(900, 700)
    )
    turn = cv2.getRotationMatrix2D((450, 350), 8, 1.0)
    slanted = np.asarray(cv2.warpAffine(upright, turn, (900, 700), borderValue=(255, 255, 255)), np.uint8)

    assert texts(ocr, slanted) == rows


@pytest.mark.parametrize(
    "picture",
    [
        np.full((500, 500, 3), 255, np.uint8),
        np.zeros((1, 1, 3), np.uint8),
        np.full((5, 4000, 3), 200, np.uint8),
        np.full((4000, 3), 0, np.uint8),
        np.random.default_rng(1).integers(0, 256, (300, 400, 3), np.uint8),
    ],
    ids=["white", "pixel", "strip", "column", "noise"],
)
def test_pictures_without_text_have_no_lines(ocr: OCR, picture: drawing.Picture) -> None:
    assert texts(ocr, picture) == []
