"""From material to a checked pack, with recognisers of random weights: what is written, what is refused."""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("fontTools")

from crnn_ocr.engine.pack_check import check_pack  # noqa: E402
from crnn_ocr.errors import (  # noqa: E402
    ModelBrokenError,
    ModelInstallError,
    ModelNotFoundError,
    TrainingError,
)
from crnn_ocr.models.install import add  # noqa: E402
from crnn_ocr.models.registry import Pack, Registry  # noqa: E402
from crnn_ocr.training import commands  # noqa: E402
from crnn_ocr.training.adaptation.measure import Compared, Tally, judge  # noqa: E402
from crnn_ocr.training.adaptation.packing import About  # noqa: E402
from crnn_ocr.training.adaptation.run import Report, Request, adapt  # noqa: E402
from crnn_ocr.training.nets import registry  # noqa: E402
from crnn_ocr.training.nets.crnn import Crnn, NetConfig  # noqa: E402
from crnn_ocr.training.nets.edge import EdgeConfig  # noqa: E402
from crnn_ocr.training.nets.export import build  # noqa: E402
from tests.training.world import LATIN, draw_font  # noqa: E402

from .graphs import CHARACTERS, eighth, recogniser  # noqa: E402


def _pack(folder: Path, model: onnx.ModelProto, **fields: object) -> Path:
    return _pack_of(CHARACTERS, folder, model, fields)


def _pack_of(characters: str, folder: Path, model: onnx.ModelProto, fields: dict[str, object]) -> Path:
    folder.mkdir(parents=True)
    (folder / "net.onnx").write_bytes(model.SerializeToString())
    (folder / "characters.txt").write_text("\n".join(characters) + "\n", encoding="utf-8")
    values = {
        "name": folder.name,
        "version": "3",
        "kind": "rec",
        "title": "Random plates",
        "licence": "MIT",
        "provenance": "Made up",
        "graph": {"path": "net.onnx", "sha256": _sha256(folder / "net.onnx")},
        "charset": {"path": "characters.txt", "sha256": _sha256(folder / "characters.txt")},
        **fields,
    }
    (folder / "manifest.json").write_text(json.dumps(values), encoding="utf-8")
    return folder


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(autouse=True)
def few_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random weights read nothing, however much of it is measured."""
    monkeypatch.setattr("crnn_ocr.training.adaptation.run._VALIDATED", 6)
    monkeypatch.setattr("crnn_ocr.training.adaptation.run._CHECKED", 7)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return _pack(tmp_path / "packs" / "plates", recogniser())


@pytest.fixture
def signs(tmp_path: Path) -> Path:
    path = tmp_path / "signs.txt"
    path.write_text("☢\n⚠\n", encoding="utf-8")
    return path


@pytest.fixture
def font(tmp_path: Path) -> Path:
    draw_font(tmp_path / "fonts" / "own.ttf", "Own", [*LATIN, "☢", "⚠"])
    return tmp_path / "fonts"


def _request(base: Path | str, tmp_path: Path, **fields: object) -> Request:
    values = {"about": About("mine"), "out": tmp_path / "out", "lines": 12, "steps": 3, "force": True}
    return Request(str(base), **(values | fields))  # type: ignore[arg-type]


def _adapt(base: Path | str, tmp_path: Path, **fields: object) -> Report:
    # Random weights read no probe.
    return adapt(_request(base, tmp_path, **fields), check=check_pack)


@pytest.mark.parametrize("kind", ["scores", "int8", "best"])
def test_every_kind_of_pack_becomes_a_pack_with_new_characters(
    kind: str, tmp_path: Path, signs: Path, font: Path
) -> None:
    if kind == "best":
        torch.manual_seed(1)
        shape = NetConfig(len(CHARACTERS) + 1, stem=8, widths=(8, 8, 16), depths=(1, 1, 1), hidden=8, embed=8)
        model, fields = build(Crnn(shape).eval()), {"output": "best", "space": False}
    else:
        model, fields = (eighth(), {"precision": "int8"}) if kind == "int8" else (recogniser(), {})
    base = _pack(tmp_path / "packs" / "plates", model, **fields)
    (base / "NOTICE").write_text("Credits\n", encoding="utf-8")
    report = _adapt(base, tmp_path, charset=signs, fonts=(font,))
    made = report.pack
    assert made.folder == tmp_path / "out" / "mine"
    check_pack(made)
    assert (made.manifest.output, made.manifest.precision) == (
        fields.get("output", "scores"),
        fields.get("precision", "fp32"),
    )
    listed = (made.folder / "characters.txt").read_text(encoding="utf-8").split("\n")
    assert "".join(listed) == CHARACTERS + (" " if kind != "best" else "") + "☢⚠"
    assert "plates/3" in made.manifest.provenance
    assert made.manifest.licence == "MIT"
    assert (made.folder / "NOTICE").read_text(encoding="utf-8") == "Credits\n"
    card = (made.folder / "CARD.md").read_text(encoding="utf-8")
    assert "☢ ⚠" in card
    assert "| ordinary | 7 |" in card
    kept = {item.name: item.raw_data for item in onnx.load(made.folder / "net.onnx").graph.initializer}
    convolution = "conv0_w" if kind == "best" else "w"
    assert kept[convolution] == next(i.raw_data for i in model.graph.initializer if i.name == convolution)
    registry = Registry(tmp_path / "installed")
    assert add(made.folder, registry, check_pack).manifest.name == "mine"


def test_what_is_made_of_the_second_reader_gets_no_second_look(tmp_path: Path, signs: Path) -> None:
    font, more = tmp_path / "own.ttf", tmp_path / "more.txt"
    draw_font(font, "Own", [*LATIN, "☢", "⚠", "☮"])
    more.write_text("☮\n", encoding="utf-8")
    small, other = (_pack(tmp_path / name, recogniser()) for name in ("ppocrv6-small", "other"))

    def made(base: Path, name: str, charset: Path) -> Pack:
        return _adapt(base, tmp_path, about=About(name), charset=charset, fonts=(font,)).pack

    once = made(small, "mine", signs)
    assert not once.manifest.second_look
    assert not made(once.folder, "mine-again", more).manifest.second_look
    assert made(other, "another", signs).manifest.second_look


def test_pictures_are_learnt_and_some_held_out(tmp_path: Path, base: Path) -> None:
    rng = np.random.default_rng(0)
    rows = []
    for number in range(10):
        cv2.imwrite(str(tmp_path / f"{number}.png"), rng.integers(0, 256, (30, 120, 3)).astype(np.uint8))
        rows.append(f"{number}.png\tA{number}\n")
    (tmp_path / "labels.tsv").write_text("".join(rows), encoding="utf-8")
    report = _adapt(base, tmp_path, images=tmp_path / "labels.tsv")
    assert {row.name: row.before.lines for row in report.compared} == {
        "pictures held out": 2,
        "ordinary": 7,
    }
    (tmp_path / "labels.tsv").write_text("".join(rows[:3]), encoding="utf-8")
    report = _adapt(base, tmp_path, images=tmp_path / "labels.tsv")
    assert [row.name for row in report.compared] == ["ordinary"]
    assert "fewer than five pictures" in report.remarks[0]


def test_a_new_character_may_be_in_pictures_alone(tmp_path: Path, base: Path) -> None:
    cv2.imwrite(str(tmp_path / "1.png"), np.full((30, 120, 3), 200, np.uint8))
    charset = tmp_path / "logo.txt"
    charset.write_text("\U00016a66\n", encoding="utf-8")  # Mro, which no common font has
    (tmp_path / "labels.tsv").write_text("1.png\tA\U00016a66\n", encoding="utf-8")
    report = _adapt(base, tmp_path, images=tmp_path / "labels.tsv", charset=charset)
    assert "\U00016a66" in (report.pack.folder / "characters.txt").read_text(encoding="utf-8")
    assert [row.name for row in report.compared] == ["ordinary"]


def test_a_mark_of_the_private_use_area_is_learnt_from_pictures(tmp_path: Path, base: Path) -> None:
    rng = np.random.default_rng(0)
    for number in range(6):
        cv2.imwrite(str(tmp_path / f"{number}.png"), rng.integers(0, 256, (30, 120, 3)).astype(np.uint8))
    rows = "".join(f"{number}.png\tA\ue000{number}\n" for number in range(6))
    (tmp_path / "labels.tsv").write_text(rows, encoding="utf-8")
    (tmp_path / "marks.txt").write_text("\ue000\n", encoding="utf-8")
    report = _adapt(base, tmp_path, images=tmp_path / "labels.tsv", charset=tmp_path / "marks.txt")
    assert report.pack.folder.joinpath("characters.txt").read_text(encoding="utf-8").endswith("\n\ue000\n")
    pictures = report.compared[0]
    assert (pictures.name, pictures.before.lines, pictures.before.new) == ("pictures held out", 1, 1)


def test_a_base_of_its_own_probe_hands_it_on(tmp_path: Path, signs: Path, font: Path) -> None:
    probe = tmp_path / "packs" / "plates" / "probe" / "line.png"
    base = _pack(tmp_path / "packs" / "plates", recogniser())
    probe.parent.mkdir()
    cv2.imwrite(str(probe), np.full((30, 120, 3), 200, np.uint8))
    manifest = json.loads((base / "manifest.json").read_text(encoding="utf-8"))
    manifest["probe"] = {"image": {"path": "probe/line.png", "sha256": _sha256(probe)}, "text": "LINE"}
    (base / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    made = _adapt(base, tmp_path, charset=signs, fonts=(font,)).pack
    made.verify()
    assert (made.folder / "probe" / "line.png").read_bytes() == probe.read_bytes()


def test_a_pack_that_cannot_read_is_not_written(tmp_path: Path, base: Path, signs: Path, font: Path) -> None:
    with pytest.raises(ModelBrokenError, match="cannot read its probe"):
        adapt(_request(base, tmp_path, charset=signs, fonts=(font,), force=True))
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_no_pack_is_left_alone(
    tmp_path: Path, base: Path, signs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out" / "mine").mkdir(parents=True)
    (tmp_path / "out" / "mine" / "guide.md").write_text("written by hand")

    def early(*_: object) -> None:
        pytest.fail("the work began")

    monkeypatch.setattr("crnn_ocr.training.adaptation.run._gather", early)
    with pytest.raises(ModelInstallError, match="no model pack"):
        _adapt(base, tmp_path, charset=signs)
    assert (tmp_path / "out" / "mine" / "guide.md").read_text() == "written by hand"


def test_enough_lines_of_text_are_split_and_odd_ones_told_of(tmp_path: Path, base: Path, font: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("\n".join(f"LINE {n}" for n in range(60)) + "\nLINE ☢\n", encoding="utf-8")
    report = _adapt(base, tmp_path, texts=(text,), fonts=(font,))
    assert report.compared[0].name == "drawn, text held out"
    assert "60 lines of text" in report.material
    assert any("☢ (U+2622)" in remark and "--charset" in remark for remark in report.remarks)


def test_a_character_that_nothing_draws_or_shows_is_refused(tmp_path: Path, base: Path) -> None:
    charset = tmp_path / "extra.txt"
    charset.write_text("\U00016a66\n", encoding="utf-8")  # Mro, which no common font has
    with pytest.raises(TrainingError, match=r"No font has a glyph for .*U\+16A66") as told:
        _adapt(base, tmp_path, charset=charset)
    assert "--fonts" in told.value.hint


def test_what_cannot_be_is_refused_before_any_work(tmp_path: Path, base: Path, signs: Path) -> None:
    for fields, message in (
        ({}, "nothing to learn from"),
        ({"charset": signs, "about": About("plates")}, "cannot be called 'plates'"),
        ({"charset": signs, "about": About("No Name!")}, "cannot have the name"),
        ({"charset": signs, "about": About("mine", "")}, "cannot have the version"),
        ({"charset": signs, "steps": 0}, "--steps must be at least 1"),
    ):
        with pytest.raises(TrainingError, match=message):
            _adapt(base, tmp_path, **fields)
    assert not (tmp_path / "out").exists()


def test_a_base_that_cannot_be_used_is_refused(tmp_path: Path, base: Path, signs: Path) -> None:
    with pytest.raises(ModelNotFoundError, match="absent"):
        _adapt("absent", tmp_path, charset=signs)
    (base / "net.onnx").write_bytes(b"broken")
    with pytest.raises(ModelBrokenError, match="differs from its manifest"):
        _adapt(base, tmp_path, charset=signs)
    gated = _pack(tmp_path / "packs" / "gated", recogniser(gated=True))
    with pytest.raises(TrainingError, match="every time step"):
        _adapt(gated, tmp_path, charset=signs)
    torch.manual_seed(1)
    shape = EdgeConfig(len(CHARACTERS) + 1, stem=8, widths=(8, 16, 16), neck=16, hidden=8, embed=8)
    fields = {"output": "best", "space": False, "input_height": shape.height, "stretch": shape.stretch}
    edge = _pack(tmp_path / "packs" / "edge", registry.build(registry.make(shape).eval()), **fields)
    with pytest.raises(TrainingError, match="every time step") as told:
        _adapt(edge, tmp_path, charset=signs)
    assert "gate" in told.value.hint
    short = _pack(tmp_path / "packs" / "short", recogniser(classes=20))
    with pytest.raises(ModelBrokenError, match="lists 38 classes, its graph has 20"):
        _adapt(short, tmp_path, charset=signs)
    detector = Registry().find("ppocrv6-det-small", "det").folder
    with pytest.raises(TrainingError, match="finds lines and does not read"):
        _adapt(detector, tmp_path, charset=signs)


def test_an_earlier_pack_stays_when_the_new_one_is_refused(
    tmp_path: Path, base: Path, signs: Path, font: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = _adapt(base, tmp_path, charset=signs, fonts=(font,))
    before = (first.pack.folder / "manifest.json").read_bytes()
    monkeypatch.setattr("crnn_ocr.training.adaptation.measure._TOLERATED", -9.0)
    monkeypatch.setattr("crnn_ocr.training.adaptation.measure._REMARKED", -9.0)
    monkeypatch.setattr("crnn_ocr.training.adaptation.measure._NOISE", -(10**6))
    with pytest.raises(TrainingError, match="The pack was not written"):
        _adapt(base, tmp_path, charset=signs, fonts=(font,), force=False, seed=3)
    assert (first.pack.folder / "manifest.json").read_bytes() == before
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]


def _compared(name: str, before: int, after: int, found: int = 0, new: int = 0) -> Compared:
    def tally(errors: int, hits: int) -> Tally:
        return Tally(lines=100, exact=50, characters=1000, errors=errors, new=new, found=hits)

    return Compared(name, tally(before, 0), tally(after, found))


def test_a_result_is_judged_by_what_it_costs_and_gains() -> None:
    assert list(judge([_compared("ordinary", 20, 22), _compared("drawn", 90, 30, 48, 50)], force=False)) == []
    (remark,) = judge([_compared("ordinary", 20, 28)], force=False)
    assert "2.0 % of characters wrong before, 2.8 % after" in remark
    with pytest.raises(TrainingError, match="not written") as told:
        list(judge([_compared("ordinary", 20, 40)], force=False))
    assert "--force" in told.value.hint
    assert "4.0 % after" in next(judge([_compared("ordinary", 20, 40)], force=True))
    remarks = list(judge([_compared("drawn", 30, 60, 5, 50)], force=False))
    assert remarks[0].startswith("No gain (drawn)")
    assert remarks[1].startswith("Of 50 new characters (drawn) 5 were found")


def test_the_command_prints_before_and_after(
    tmp_path: Path, signs: Path, font: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Without digits there is no probe that it would have to read.
    letters = "".join(c for c in CHARACTERS if c.isalpha())
    base = _pack_of(letters, tmp_path / "packs" / "plates", recogniser(classes=len(letters) + 2), {})
    parser = argparse.ArgumentParser()
    commands.add(parser.add_subparsers(required=True))
    words = ["adapt", "--base", base, "--name", "mine", "--out", tmp_path / "out", "--charset", signs]
    words += ["--fonts", font, "--lines", 10, "--steps", 2, "--force"]
    assert commands.run(parser.parse_args([str(word) for word in words])) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("drawn: 6 lines, CER ")
    assert "new characters 0 -> " in printed[0]
    assert printed[1].startswith("ordinary: 7 lines, CER ")
    assert printed[-1] == str(tmp_path / "out" / "mine")
