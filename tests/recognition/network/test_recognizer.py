"""The real recogniser on pictures drawn here."""

from __future__ import annotations

import random
import threading
import weakref
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from crnn_ocr.models.calibration import Calibration, CharacterCalibration, LineCalibration
from crnn_ocr.models.registry import Registry
from crnn_ocr.recognition.lines.windows import LinePicture, read_crops, read_lines
from crnn_ocr.recognition.network import confidence
from crnn_ocr.recognition.network.ctc import Frames
from crnn_ocr.recognition.network.load import load_recognizer
from crnn_ocr.recognition.network.recognizer import CtcRecognizer, PreparedLine, Reading, Window
from crnn_ocr.runtime.onnx import Session
from crnn_ocr.scheduling.scheduler import Scheduler
from crnn_ocr.scheduling.ticket import Ticket
from crnn_ocr.scheduling.work import INLINE, Outcome, Task
from tests import drawing

T = TypeVar("T")

TEXTS = [
    "Total 1,299.00",
    "The quick brown fox jumps over the lazy dog",
    "A",
    "No. 4711-B of 2026-11-22",
    "Invoices are due within thirty days of the date of issue, without deduction.",
    "0.5",
    "Terms & Conditions (c) 100%",
    "supercalifragilistic",
]


def read_alone(recognizer: CtcRecognizer, crop: drawing.Picture) -> Reading:
    line = recognizer.prepare(crop)
    return recognizer.decode(line, [recognizer.infer(window) for window in line.windows])


def fingerprint(readings: list[Reading]) -> list[bytes]:
    """Return all values of a reading, with every bit of every number."""
    return [
        repr(
            (
                r.text,
                r.confidence.hex(),
                [(c.text, c.confidence.hex(), c.start.hex(), c.end.hex()) for c in r.chars],
            )
        ).encode()
        for r in readings
    ]


@pytest.mark.parametrize("text", TEXTS)
def test_english_is_read_with_its_spaces(recognizer: CtcRecognizer, text: str) -> None:
    assert read_alone(recognizer, drawing.line(text)).text == text


@pytest.mark.parametrize(
    "text", ["发票号码", "中华人民共和国增值税专用发票", "金额（大写）：壹万贰仟叁佰元整", "體驗"]
)
def test_chinese_is_read(recognizer: CtcRecognizer, text: str) -> None:
    assert read_alone(recognizer, drawing.line(text)).text == text


def test_mixed_text_on_dark_ground_is_read(recognizer: CtcRecognizer) -> None:
    assert (
        read_alone(recognizer, drawing.line("订单 Order 8899", ink=240, paper=30)).text == "订单 Order 8899"
    )


def test_a_reading_never_depends_on_its_neighbours(recognizer: CtcRecognizer) -> None:
    crops = [drawing.line(text, size=size) for text in TEXTS for size in (18, 33)]
    alone = fingerprint([read_crops(recognizer, [crop])[0] for crop in crops])
    scheduler = Scheduler(2)

    def together(crops: list[drawing.Picture]) -> list[bytes]:
        with scheduler.admit(Ticket()) as work:
            return fingerprint(read_crops(recognizer, crops, work))

    assert together(crops) == alone

    order = list(range(len(crops)))
    random.Random(7).shuffle(order)
    shuffled = together([crops[i] for i in order])
    assert [shuffled[order.index(i)] for i in range(len(crops))] == alone

    start = threading.Barrier(4)

    def read_with_others(_: int) -> list[bytes]:
        start.wait()
        return together(crops)

    with ThreadPoolExecutor(4) as callers:
        assert list(callers.map(read_with_others, range(4))) == [alone] * 4
    scheduler.close()


def test_padding_is_no_part_of_a_line(recognizer: CtcRecognizer) -> None:
    """Check that the same content gives the same text in the smallest and in a larger bucket."""
    crop = drawing.line("Due 30.11.", size=40)
    crop = np.asarray(cv2.resize(crop, (crop.shape[1] * 48 // crop.shape[0], 48)), np.uint8)
    longer = np.concatenate([crop, np.full((48, 200, 3), 255, np.uint8)], axis=1)

    assert read_alone(recognizer, crop).text == read_alone(recognizer, longer).text == "Due 30.11."


def test_a_long_line_is_read_as_well_as_its_parts(recognizer: CtcRecognizer) -> None:
    words = " ".join(f"item {n} costs {n * 7 % 97}.{n % 10}0 euro," for n in range(1, 33))
    crop = drawing.line(words, size=40)
    assert crop.shape[1] > 4000 * crop.shape[0] / 48

    line = recognizer.prepare(crop)
    assert len(line.windows) > 2
    assert read_alone(recognizer, crop).text == words


def test_characters_stand_where_they_were_drawn(recognizer: CtcRecognizer) -> None:
    reading = read_alone(recognizer, drawing.line("left" + " " * 30 + "right", size=32))
    place = {char.text: (char.start + char.end) / 2 for char in reading.chars}

    assert place["l"] < place["f"] < 0.25
    assert 0.75 < place["i"] < place["h"] <= 1


def test_grey_and_colour_pictures_read_alike(recognizer: CtcRecognizer) -> None:
    crop = drawing.line("Grey or colour")

    grey = read_alone(recognizer, np.ascontiguousarray(crop[:, :, 0]))

    assert fingerprint([grey]) == fingerprint([read_alone(recognizer, crop)])


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 900, 3), (900, 1, 3), (5, 5, 3), (48, 2, 3)])
def test_odd_shapes_are_survived(recognizer: CtcRecognizer, shape: tuple[int, ...]) -> None:
    reading = read_alone(recognizer, np.full(shape, 200, np.uint8))

    assert 0 <= reading.confidence <= 1


def test_an_uncalibrated_pack_gives_the_mean_of_its_shares(recognizer: CtcRecognizer) -> None:
    manifest = recognizer._manifest.model_copy(update={"calibration": None})
    plain = CtcRecognizer(recognizer._session, manifest, recognizer._charset)

    reading = read_alone(plain, drawing.line("No calibration"))

    assert all(char.confidence == char.share for char in reading.chars)
    visible = [char.share for char in reading.chars if char.text != " "]
    assert reading.confidence == pytest.approx(float(np.mean(visible)))


def test_a_calibrated_line_is_as_sure_as_its_evidence_allows(recognizer: CtcRecognizer) -> None:
    calibration = Calibration(
        line=LineCalibration(bias=-1.0, characters=1.0, between=0.5, gap=0.5),
        character=CharacterCalibration(bias=0.0, weight=1.0),
    )
    manifest = recognizer._manifest.model_copy(update={"calibration": calibration})
    calibrated = CtcRecognizer(recognizer._session, manifest, recognizer._charset)
    clear = drawing.line("Calibrated lines", size=32)
    blurred = np.asarray(cv2.GaussianBlur(clear, (0, 0), 5.5), np.uint8)

    for crop in (clear, blurred):
        line = calibrated.prepare(crop)
        frames = [calibrated.infer(window) for window in line.windows]
        reading, evidence = calibrated.decode(line, frames), calibrated.evidence(line, frames)
        assert evidence is not None
        assert reading.confidence == confidence.line_confidence(calibration, evidence)
        for char in reading.chars:
            assert char.confidence == confidence.character_confidence(calibration, char.share)
    assert read_alone(calibrated, clear).confidence > 0.9 > read_alone(calibrated, blurred).confidence


def test_an_empty_picture_gives_no_evidence(recognizer: CtcRecognizer) -> None:
    line = recognizer.prepare(np.full((48, 200, 3), 255, np.uint8))
    frames = [recognizer.infer(window) for window in line.windows]

    assert recognizer.evidence(line, frames) is None
    assert recognizer.decode(line, frames) == Reading("", 0.0)


class Fragile:
    """A recogniser that fails for windows of one width."""

    name = "fragile/1"
    seconds_per_column = 1e-5
    bytes_per_column = 45_056

    def __init__(self, recognizer: CtcRecognizer, width: int) -> None:
        self._recognizer = recognizer
        self._width = width
        self.characters = recognizer.characters

    def window_widths(self, width: int, height: int) -> tuple[int, ...]:
        return self._recognizer.window_widths(width, height)

    def prepare(self, crop: drawing.Picture) -> PreparedLine:
        return self._recognizer.prepare(crop)

    def infer(self, window: Window) -> Frames:
        if window.pixels.shape[1] == self._width:
            raise RuntimeError("broken")
        return self._recognizer.infer(window)

    def decode(self, line: PreparedLine, frames: Sequence[Frames]) -> Reading:
        return self._recognizer.decode(line, frames)


def test_a_line_that_fails_lets_the_others_be(recognizer: CtcRecognizer) -> None:
    crops = [drawing.line(text) for text in ("before", "The quick brown fox jumps over", "after")]
    width = recognizer.prepare(crops[1]).windows[0].pixels.shape[1]

    outcomes = read_lines(Fragile(recognizer, width), [LinePicture.of(crop) for crop in crops])

    assert [outcome.get().text for outcome in outcomes[::2]] == ["before", "after"]
    with pytest.raises(RuntimeError, match="broken"):
        outcomes[1].get()


@pytest.mark.parametrize(
    "shape", [(48, 1), (1, 1), (30, 400), (20, 3000), (48, 20_000), (500, 30), (7, 4200)]
)
def test_windows_are_known_before_they_are_cut(recognizer: CtcRecognizer, shape: tuple[int, int]) -> None:
    height, width = shape

    line = recognizer.prepare(np.zeros((height, width, 3), np.uint8))

    assert recognizer.window_widths(width, height) == tuple(window.pixels.shape[1] for window in line.windows)


def test_pictures_are_not_made_before_their_turn(recognizer: CtcRecognizer) -> None:
    """Check that crops exist only while they are read, here one at a time."""
    alive: list[weakref.ref[drawing.Picture]] = []
    crop = drawing.line("one of many")

    def make() -> drawing.Picture:
        assert all(made() is None for made in alive)
        made = crop.copy()
        alive.append(weakref.ref(made))
        return made

    pictures = [LinePicture(crop.shape[1], crop.shape[0], make)] * 5

    assert [outcome.get().text for outcome in read_lines(recognizer, pictures)] == ["one of many"] * 5
    assert len(alive) == 5


@pytest.mark.parametrize("name", ["crnn-zh-en", "ppocrv6-small"])
def test_the_cost_of_a_column_is_measured_at_load(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Check it with a clock that moves only while the network runs, a millisecond per column."""
    now = 5.0
    run = Session.run

    def slow(session: Session, feeds: Mapping[str, NDArray[Any]], *rest: Any) -> list[NDArray[Any]]:
        nonlocal now
        now += 0.001 * next(iter(feeds.values())).shape[3]
        return run(session, feeds, *rest)

    monkeypatch.setattr(Session, "run", slow)
    monkeypatch.setattr("crnn_ocr.runtime.cpu.time", SimpleNamespace(thread_time=lambda: now))

    network = load_recognizer(Registry(), name, cache_dir=tmp_path)

    assert network.seconds_per_column == pytest.approx(0.001)


class Recorded:
    """A runner that runs tasks in order and records their demands."""

    def __init__(self) -> None:
        self.costs: list[float] = []

    def run(self, tasks: Sequence[Task[T]]) -> list[Outcome[T]]:
        """Run tasks as `Work.run` does."""
        self.costs += [task.demand.cost for task in tasks]
        return INLINE.run(tasks)


def test_lines_demand_what_their_reader_costs(recognizer: CtcRecognizer) -> None:
    crop = drawing.line("Total due 19.80 EUR")
    work, dear = Recorded(), Fragile(recognizer, 0)
    dear.seconds_per_column = 1e-2

    read_crops(recognizer, [crop], work)
    read_crops(dear, [crop], work)

    width = sum(recognizer.window_widths(crop.shape[1], crop.shape[0]))
    assert work.costs == pytest.approx([recognizer.seconds_per_column * width, 1e-2 * width])
