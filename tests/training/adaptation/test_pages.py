"""Unlabelled pages: the lines that are learnt from, and a pack that the real readers taught."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from crnn_ocr.cli import main
from crnn_ocr.errors import TrainingError
from crnn_ocr.models.registry import Registry
from crnn_ocr.training.adaptation import pages
from crnn_ocr.training.adaptation.pages import read_pages
from crnn_ocr.training.labelling.agreement import Label, TeacherReading
from crnn_ocr.training.labelling.lines import LabelledLine, write_page
from tests import drawing

KNOWN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.")
SQUARE = ((0.0, 0.0), (9.0, 0.0), (9.0, 9.0), (0.0, 9.0))


def labelled(text: str, own: str, agreement: str = "surest") -> LabelledLine:
    readings = TeacherReading(text or "other", 0.99), TeacherReading(own, 0.5)
    label = Label(text, agreement)  # type: ignore[arg-type]
    return LabelledLine(np.zeros((8, 60, 3), np.uint8), label, SQUARE, readings)


@pytest.fixture
def labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of labels that are there already."""
    counts = {"all": 3, "surest": 2, "none": 1, "unreadable": 2}
    monkeypatch.setattr(pages, "label", lambda *_, **__: counts)
    return tmp_path


def test_lines_that_the_base_misreads_come_first(labels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "_LEAST_KNOWN", 1)
    registry = Registry()
    lines = [
        labelled("right 1", "right 1", "all"),
        labelled("total 19.80", "total 1980"),
        labelled("right 2", "right 2", "all"),
        labelled("", "nothing", "none"),
        labelled("℮ is new", "e is new"),
    ]
    write_page(lines, labels / "a.png-1.zip")
    write_page(lines, labels / "gone.png-1.zip")  # a page that is not in the folder any more
    (labels / "a.png").touch()

    found = read_pages(labels, labels, registry.find("crnn-zh-en"), registry, KNOWN)

    texts = [picture.text for picture in found.pictures]
    assert texts[0] == "total 19.80"
    assert len(texts) == 2
    assert texts[1].startswith("right")
    assert "2 of 6 lines" in found.told
    assert [row.split()[0] for row in found.left] == ["1", "1", "2"]


def test_what_cannot_be_used_is_refused(labels: Path) -> None:
    registry = Registry()
    base = registry.find("crnn-zh-en")
    write_page([labelled("", "nothing", "none")], labels / "a.png-1.zip")
    for name in ("a.png", "b.png"):
        (labels / name).touch()
    with pytest.raises(TrainingError, match="can be learnt from"):
        read_pages(labels, labels, base, registry, KNOWN)
    other = labelled("right", "right", "all")
    one = LabelledLine(other.picture, other.label, SQUARE, other.readings[:1])
    write_page([one], labels / "b.png-1.zip")
    with pytest.raises(TrainingError, match="other readers"):
        read_pages(labels, labels, base, registry, KNOWN)


def test_the_readers_are_the_teachers_and_the_base() -> None:
    registry = Registry()
    assert pages._teachers(registry.find("crnn-zh-en"), registry) == (["ppocrv6-small", "crnn-zh-en"], 1)
    assert pages._teachers(registry.find("accurate"), registry) == (["ppocrv6-small", "crnn-zh-en"], 0)
    edge = registry.find("crnn-zh-en-edge")
    assert pages._teachers(edge, registry) == (["ppocrv6-small", "crnn-zh-en", "crnn-zh-en-edge"], 2)


@pytest.mark.slow
def test_an_archive_is_shown_and_learnt(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    for number in range(3):
        rows = [(40, 40 + 60 * i, f"Position {number}{i} costs {i}9.80") for i in range(4)]
        cv2.imwrite(str(scans / f"{number}.png"), drawing.page(rows, size=28, shape=(560, 300)))
    (scans / "broken.png").write_bytes(b"no picture")
    command = ["train", "adapt", "--name", "scans", "--out", str(tmp_path / "packs"), "--pages", str(scans)]

    assert main([*command, "--lines", "40", "--steps", "10"]) == 0

    printed = capsys.readouterr().out
    assert "pictures held out: 2 lines" in printed
    assert "Learnt from 12 of 12 lines of pages" in printed
    assert "1 files of the pages could not be read" in printed
    card = (tmp_path / "packs" / "scans" / "CARD.md").read_text(encoding="utf-8")
    assert "12 of 12 lines of pages" in card
    assert len(list((tmp_path / "packs" / "scans.labels").glob("*.zip"))) == 3
