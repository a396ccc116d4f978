"""Corpora and atlas from what was fetched: what is left out, and what stays when nothing can be made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crnn_ocr.cli import main
from crnn_ocr.errors import TrainingError
from crnn_ocr.training.render import atlas, fonts
from tests.training.world import HAN, LATIN, draw_font

prepare = pytest.importorskip("crnn_ocr.training.data.prepare", reason="needs the extra `train`").prepare


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Training data with one usable font and many that are not."""
    package = tmp_path / "unpacked/fonts/own"
    draw_font(package / "good.ttf", "Good", LATIN + HAN)
    draw_font(package / "few.ttf", "Few", "abc")
    draw_font(package / "numbers.ttf", "Counters", "0123456789ABC")
    draw_font(package / "math.ttf", "Great Math", LATIN)
    (package / "broken.ttf").write_bytes(b"not a font")
    (package / "broken-web.woff2").write_bytes(b"not a font")
    (package / "cut.ttf").write_bytes((package / "good.ttf").read_bytes()[:3000])
    (package / "alone.woff").touch()
    (package / "good.woff").touch()
    draw_font(tmp_path / "unpacked/fonts/second/good.ttf", "Good", LATIN)
    return tmp_path


def test_what_is_left_out_is_named_with_the_reason(root: Path) -> None:
    sentences = list(prepare(root, with_texts=False))
    assert sentences[0] == "2 faces; 1 Chinese families"
    assert sentences[1] == "1 for numbers alone, without all 26 capitals: Counters Regular"
    assert set(sentences[2:]) == {
        "left out: 1 of a kind that is not read (.woff): alone.woff",
        "left out: 2 that cannot be opened: broken.ttf, cut.ttf",
        "left out: 1 whose name is on the list of variants and symbols: Great Math Regular",
        "left out: 1 of a name that another package has too: Good Regular (second)",
        "left out: 1 without all ten digits and without 1,500 Chinese characters: Few Regular",
        "left out: 1 of which no glyph can be drawn: broken-web",
    }


def test_long_lists_are_cut() -> None:
    left_out = [fonts.LeftOut(f"{number}.ttf", "that cannot be opened") for number in range(5)]
    assert fonts.summary(left_out) == ["5 that cannot be opened: 0.ttf, 1.ttf, 2.ttf …"]


def test_an_atlas_stays_when_no_font_can_be_used(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    list(prepare(root, with_texts=False))
    before = {path.name: path.read_bytes() for path in (root / "atlas").iterdir()}
    for path in root.glob("unpacked/fonts/*/*"):
        if path.name != "broken.ttf":
            path.unlink()
    assert main(["train", "prepare", "--data", str(root), "--no-texts"]) == 1
    assert "No font can be used: 1 that cannot be opened: broken.ttf" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in (root / "atlas").iterdir()} == before
    (root / "unpacked/fonts/own/broken.ttf").unlink()
    with pytest.raises(TrainingError, match="there are no font files"):
        list(prepare(root, with_texts=False))


def test_a_new_atlas_leaves_nothing_of_the_old_one(root: Path) -> None:
    list(prepare(root, with_texts=False))
    assert len(list((root / "atlas").glob("*.glyphs.npy"))) == 2
    (root / "unpacked/fonts/own/numbers.ttf").unlink()
    list(prepare(root, with_texts=False))
    assert {path.name for path in (root / "atlas").iterdir()} == {
        "faces.json",
        "rows.npy",
        "0000.glyphs.npy",
        "0000.pixels.npy",
    }
    assert len(atlas.load(root / "atlas").faces) == 1
    assert len(json.loads((root / "atlas/faces.json").read_text(encoding="utf-8"))) == 1


def test_corpora_stay_when_a_kind_of_text_is_not_found(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "corpora").mkdir()
    (root / "corpora/zh.txt").write_text("我的文字\n", encoding="utf-8")
    assert main(["train", "prepare", "--data", str(root)]) == 1
    error = capsys.readouterr().err
    assert "No text of the kind zh was found" in error
    assert "--no-texts" in error
    assert [path.name for path in (root / "corpora").iterdir()] == ["zh.txt"]
    assert (root / "corpora/zh.txt").read_text(encoding="utf-8") == "我的文字\n"
