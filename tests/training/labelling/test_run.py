"""Real pages labelled by the real teachers."""

from __future__ import annotations

import lzma
from pathlib import Path

import cv2
import numpy as np
import pytest

from crnn_ocr.cli import main
from crnn_ocr.errors import TrainingError
from crnn_ocr.training.labelling.lines import HEIGHT, read_labels, read_lines
from crnn_ocr.training.labelling.run import label
from crnn_ocr.training.labelling.table import cut_lines, write_table
from tests import drawing

ROWS = ["Invoice number 10234", "Total due 99.50 EUR", "Thank you for shopping"]


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """A page, the same page upside down, an empty one, and a file that is none."""
    folder = tmp_path / "pages"
    folder.mkdir()
    page = drawing.page([(40, 40 + 70 * i, text) for i, text in enumerate(ROWS)], size=30, shape=(640, 260))
    cv2.imwrite(str(folder / "page.png"), page)
    cv2.imwrite(str(folder / "turned.png"), cv2.rotate(page, cv2.ROTATE_180))
    cv2.imwrite(str(folder / "blank.png"), np.full((200, 300, 3), 255, np.uint8))
    (folder / "broken.jpg").write_bytes(b"\xff\xd8 no picture")
    return folder


def test_pages_are_labelled_once(pages: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "lines"

    assert main(["train", "label", str(pages), str(out)]) == 0

    assert "6 lines: all agree on 6" in capsys.readouterr().out
    for name in ("page.png-1.zip", "turned.png-1.zip"):
        rows = list(read_labels(out / name))
        assert sorted(text for _, text, _ in rows) == sorted(ROWS)
        assert {agreement for _, _, agreement in rows} == {"all"}
        for line, (_, text, _) in zip(read_lines(out / name), rows, strict=True):
            assert line.label.text == text
            assert [reading.text for reading in line.readings] == [text, text]
            assert line.picture.shape[0] <= HEIGHT
            assert line.picture.shape[1] > 4 * line.picture.shape[0]
    assert list(read_labels(out / "blank.png-1.zip")) == []
    written = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    found = label(pages, out)
    assert {path.name: path.stat().st_mtime_ns for path in out.iterdir()} == written
    assert (found["all"], found["unreadable"]) == (6, 1)


def test_what_cannot_be_labelled_is_refused(pages: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(TrainingError, match="holds no picture"):
        label(tmp_path / "empty", tmp_path / "out")
    with pytest.raises(TrainingError, match="holds no picture"):
        label(tmp_path / "none", tmp_path / "out")
    with pytest.raises(TrainingError, match="at least two"):
        label(pages, tmp_path / "out", teachers=["accurate"])
    assert not (tmp_path / "out").exists()


def test_a_damaged_file_of_labels_is_named(tmp_path: Path) -> None:
    (tmp_path / "page.png-1.zip").write_bytes(b"no archive")
    with pytest.raises(TrainingError, match="is damaged"):
        list(read_labels(tmp_path / "page.png-1.zip"))


def test_labels_travel_without_pictures(
    pages: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Lines that are cut out again are the lines that were labelled, also of the page upside down."""
    first, again, table = tmp_path / "lines", tmp_path / "again", tmp_path / "labels.tsv.xz"
    label(pages, first)
    assert main(["train", "label-pack", str(first), str(table)]) == 0
    assert main(["train", "label-cut", str(pages), str(table), str(again)]) == 0
    assert "6 lines\n2 pages" in capsys.readouterr().out
    for name in ("page.png-1.zip", "turned.png-1.zip"):
        for one, other in zip(read_lines(first / name), read_lines(again / name), strict=True):
            assert other.label == one.label
            shape = one.picture.shape[1::-1]
            resized = cv2.resize(other.picture, shape)
            assert np.abs(resized.astype(int) - one.picture).mean() < 12
    assert cut_lines(pages, table, again) == 2  # nothing is left to do


def test_bad_tables_are_refused(pages: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no labelled page"):
        write_table(pages, tmp_path / "labels.tsv.xz")
    (tmp_path / "bad.tsv.xz").write_bytes(b"no table")
    with pytest.raises(TrainingError, match="damaged"):
        cut_lines(pages, tmp_path / "bad.tsv.xz", tmp_path / "out")
    with lzma.open(tmp_path / "other.tsv.xz", "wt") as packed:
        packed.write("page\ttext\tagreement\tpolygon\nnone.png-1\tab\tall\t0,0,9,0,9,9,0,9\n")
    with pytest.raises(TrainingError, match=r"no page .*none\.png"):
        cut_lines(pages, tmp_path / "other.tsv.xz", tmp_path / "out")
