"""Lines of real pages among drawn ones."""

from __future__ import annotations

import pickle
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from crnn_ocr.errors import TrainingError
from crnn_ocr.training.data.real_lines import RealLines, with_real_lines
from crnn_ocr.training.labelling.agreement import Agreement, Label, TeacherReading
from crnn_ocr.training.labelling.lines import LabelledLine, write_page
from crnn_ocr.training.types import Image

SQUARE = ((0.0, 0.0), (9.0, 0.0), (9.0, 9.0), (0.0, 9.0))


def line(text: str, agreement: Agreement, shape: tuple[int, int] = (20, 100)) -> LabelledLine:
    picture = np.full((*shape, 3), 200, np.uint8)
    return LabelledLine(picture, Label(text, agreement), SQUARE, (TeacherReading(text, 0.9),))


class Drawn:
    """Stands for the usual source."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def sample(self) -> tuple[Image, str]:
        return np.zeros((48, 40, 3), np.uint8), "drawn"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lines = [line("agreed", "all"), line("sure", "surest"), line("", "none"), line("wide", "all", (10, 900))]
    write_page(lines, tmp_path / "a.png-1.zip")
    write_page([], tmp_path / "blank.png-1.zip")
    return tmp_path


def test_surer_labels_come_more_often_and_all_at_the_height(folder: Path) -> None:
    lines = RealLines(folder, 1, height=48, max_width=1280)
    found: Counter[str] = Counter()
    for _ in range(400):
        picture, text = lines.sample()
        assert picture.shape[0] == 48
        assert picture.shape[2] == 3
        found[text] += 1
    assert set(found) == {"agreed", "sure"}
    assert found["agreed"] > 2 * found["sure"] > 0


def test_a_share_is_real_in_every_process(folder: Path) -> None:
    make = with_real_lines(partial(Drawn), folder, 0.25, height=48, max_width=1280)
    source = pickle.loads(pickle.dumps(make))(7)
    texts = Counter(source.sample()[1] == "drawn" for _ in range(400))
    assert 60 < texts[False] < 140


def test_folders_without_labels_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no labelled page"):
        RealLines(tmp_path, 0, height=48, max_width=1280)
    write_page([line("", "none")], tmp_path / "a.png-1.zip")
    with pytest.raises(TrainingError, match="Hardly any"):
        RealLines(tmp_path, 0, height=48, max_width=1280).sample()
