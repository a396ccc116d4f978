"""Packs of checkpoints, down to reading with them."""

from __future__ import annotations

import argparse
import itertools
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")

from crnn_ocr.engine.pack_check import check_pack  # noqa: E402
from crnn_ocr.errors import ModelBrokenError, ModelInstallError, TrainingError  # noqa: E402
from crnn_ocr.models.install import add  # noqa: E402
from crnn_ocr.models.registry import Pack, Registry  # noqa: E402
from crnn_ocr.recognition.network.load import load_recognizer  # noqa: E402
from crnn_ocr.training import commands  # noqa: E402
from crnn_ocr.training.deliver import measure, measurements, pack, quantize  # noqa: E402
from crnn_ocr.training.deliver.measurements import Accuracy, Cost, Measurements  # noqa: E402
from crnn_ocr.training.deliver.pack import About, write_pack  # noqa: E402
from crnn_ocr.training.fit.evaluate import network_reader, scale  # noqa: E402
from crnn_ocr.training.fit.trainer import TrainConfig, Trainer  # noqa: E402
from crnn_ocr.training.nets import checkpoint, registry  # noqa: E402
from crnn_ocr.training.nets.checkpoint import State  # noqa: E402
from crnn_ocr.training.nets.crnn import NetConfig  # noqa: E402
from crnn_ocr.training.nets.edge import EdgeConfig  # noqa: E402
from crnn_ocr.training.nets.registry import restore  # noqa: E402
from tests.training.plates import CHARACTERS, Plates  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

Image = NDArray[np.uint8]
ABOUT = About("plates", "1", "Number plates", ("en",), "Reads eight plates.")


def lines(height: int) -> Sequence[Image]:
    plates = Plates(1)
    drawn = [scale(plates.sample()[0], height) for _ in range(8)]
    assert len({line.shape[1] for line in drawn}) > 2
    return drawn


@pytest.fixture
def state(shape: NetConfig, tmp_path: Path) -> State:
    torch.manual_seed(2)
    Trainer(TrainConfig(threads=1), shape, CHARACTERS, tmp_path).save()
    return checkpoint.load(tmp_path / "last.pt")


def packed(state: State, folder: Path, about: About = ABOUT, measured: Measurements | None = None) -> Pack:
    # Networks that have learnt nothing read no probe.
    return write_pack(state, folder, about, lines, measured or Measurements(), check=check_pack)


@pytest.mark.parametrize("precision", ["auto", "fp32"])
def test_a_pack_reads_what_its_checkpoint_reads(state: State, tmp_path: Path, precision: str) -> None:
    about = replace(ABOUT, precision=precision)  # type: ignore[arg-type]
    made = packed(state, tmp_path / "packs", about)
    assert made.manifest.precision == ("int8" if precision == "auto" else "fp32")
    assert [path.name for path in (tmp_path / "packs").iterdir()] == ["plates"]
    check_pack(made)

    read = network_reader(restore(state), CHARACTERS)
    images = lines(16)
    recognizer = load_recognizer(
        Registry(tmp_path / "packs"), "plates", cache_dir=tmp_path / "cache", precision="fp32"
    )
    same = [
        measure.read_line(recognizer, image) == text
        for image, text in zip(images, read(images)[0], strict=True)
    ]
    # INT8 rounds the weights, and what a net says that has learnt nothing hangs by a hair.
    assert np.mean(same) == 1 if precision == "fp32" else np.mean(same) > 0.5


def state_of(config: registry.Config) -> State:
    """Of a network that has learnt nothing."""
    torch.manual_seed(3)
    weights = dict(registry.make(config).state_dict())
    return State(config.to_dict(), CHARACTERS, weights, weights)


def test_networks_that_lose_by_int8_are_packed_in_float(tmp_path: Path) -> None:
    config = EdgeConfig(len(CHARACTERS), stem=8, widths=(8, 16, 16), neck=16, hidden=8, embed=8)
    state = state_of(config)
    made = packed(state, tmp_path / "packs")
    assert made.manifest.precision == "fp32"
    assert (made.manifest.input_height, made.manifest.stretch) == (config.height, registry.stretch(config))
    assert "PP-OCRv6_rec_tiny" not in (made.folder / "NOTICE").read_text(encoding="utf-8")

    recognizer = load_recognizer(Registry(tmp_path / "packs"), "plates")
    read = network_reader(restore(state), CHARACTERS)
    for image in lines(registry.source_height(config)):
        flat = scale(image, config.height, registry.stretch(config))
        (text,), _ = read([flat])
        assert measure.read_line(recognizer, image) == text

    with pytest.raises(TrainingError, match="loses by INT8"):
        packed(state, tmp_path / "packs", replace(ABOUT, precision="int8"))


def test_the_same_checkpoint_gives_the_same_pack(state: State, tmp_path: Path) -> None:
    first, second = (packed(state, tmp_path / name) for name in "ab")
    assert first.manifest == second.manifest


def test_the_archive_can_be_added(state: State, tmp_path: Path) -> None:
    made = packed(state, tmp_path / "packs")
    for number, form in enumerate(("zip", "tar.gz")):
        whole = pack.archive(made, form)  # type: ignore[arg-type]
        assert whole.name == f"plates-1.{form}"
        added = add(whole, Registry(tmp_path / str(number)), check_pack)
        assert added.manifest == made.manifest
        assert (added.folder / "CARD.md").read_text() == (made.folder / "CARD.md").read_text()
        assert (added.folder / "NOTICE").is_file()


def test_the_card_tells_origin_and_measurements(state: State, tmp_path: Path) -> None:
    state.teacher["mean"] = [0.0]
    measured = Measurements(
        machine="a small machine",
        accuracy=(
            Accuracy(set="plates", precision="int8", lines=8, cer=0.0125, exact=0.875),
            Accuracy(set="plates", precision="fp32", lines=8, cer=0.01, exact=1.0),
        ),
        cost=(Cost(precision="int8", threads=1, cpu_ms=1.5, wall_ms=1.6),),
    )
    made = packed(state, tmp_path / "packs", measured=measured)
    card = (made.folder / "CARD.md").read_text(encoding="utf-8")
    assert card.startswith("# Number plates\n")
    assert "| plates | 8 | 1.25 % / 87.5 % | 1.00 % / 100.0 % |" in card
    assert "| INT8 | 1 | 1.50 | 1.60 |" in card
    assert "a small machine" in card
    assert "PP-OCRv6_rec_tiny" in (made.folder / "NOTICE").read_text(encoding="utf-8")
    assert "Reads eight plates." in card

    state.teacher["name"] = "inference"
    taught = (packed(state, tmp_path / "packs").folder / "NOTICE").read_text(encoding="utf-8")
    assert "inference, a work of the PaddleOCR" in " ".join(taught.split()), "what has no notice is theirs"
    state.teacher |= {"name": "own", "notice": "Model pack own\nThe training imitated somebody's net."}
    taught = (packed(state, tmp_path / "packs").folder / "NOTICE").read_text(encoding="utf-8")
    assert "imitated own, and" in " ".join(taught.split())
    assert "imitated somebody's net" in " ".join(taught.split())

    state.teacher.clear()
    alone = packed(state, tmp_path / "packs")
    assert "PaddleOCR" not in (alone.folder / "NOTICE").read_text(encoding="utf-8")
    assert "## Measured" not in (alone.folder / "CARD.md").read_text(encoding="utf-8")


def test_a_pack_is_measured_in_every_precision(
    state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import cv2

    made = packed(state, tmp_path / "packs")
    folder, plates = tmp_path / "lines", Plates(2)
    folder.mkdir()
    for number in range(3):
        image, text = plates.sample()
        cv2.imwrite(str(folder / f"{number}.png"), image)
        with (folder / "labels.tsv").open("a", encoding="utf-8") as file:
            file.write(f"{number}.png\t{text}\n")

    monkeypatch.setattr(measure, "RUNS", 3)
    found = measure.measure(made.folder, [folder], machine="here")

    assert [(a.set, a.precision, a.lines) for a in found.accuracy] == [
        ("lines", "int8", 3),
        ("lines", "fp32", 3),
    ]
    assert [(c.precision, c.threads) for c in found.cost] == [
        ("int8", 1),
        ("int8", 2),
        ("fp32", 1),
        ("fp32", 2),
    ]
    measurements.write(found, tmp_path / "found.json")
    assert measurements.read(tmp_path / "found.json") == found
    card = measure.write_section(made.folder, found)
    measure.write_section(made.folder, found)
    assert card.read_text(encoding="utf-8").count("## Measured") == 1


@pytest.mark.parametrize(("ticks", "wanted"), [((0.0,), 0.01), ((0.0, 0.0, 0.0, 0.0, 0.0, 0.01), 10 / 3)])
def test_a_coarse_clock_of_the_cpu_still_tells_a_time(
    state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ticks: tuple[float, ...], wanted: float
) -> None:
    made = packed(state, tmp_path / "packs")
    told = iter(itertools.cycle(ticks))
    monkeypatch.setattr(measure, "RUNS", 3)
    monkeypatch.setattr(time, "process_time", lambda: next(told))
    found = measure.measure(made.folder, [])
    assert [cost.cpu_ms for cost in found.cost] == [pytest.approx(wanted, abs=1e-3)] * 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no JSON"),
        ("[]", "the whole"),
        ('{"colour": 1}', "colour"),
        (
            '{"accuracy": [{"set": "a", "precision": "int8", "lines": 0, "cer": 0, "exact": 1}]}',
            r"accuracy\.0\.lines",
        ),
        (None, "cannot be read"),
    ],
)
def test_wrong_measurements_are_named(tmp_path: Path, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / "m.json").write_text(text)
    with pytest.raises(TrainingError, match=message):
        measurements.read(tmp_path / "m.json")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "../evil"}, "name"),
        ({"version": ""}, "version"),
        ({"max_width": 10}, "max_width"),
        ({"max_width": 1000}, "max_width 1000: must be a multiple of 32"),
    ],
)
def test_impossible_fields_are_named(
    state: State, tmp_path: Path, change: dict[str, object], message: str
) -> None:
    about = replace(ABOUT, precision="fp32", **change)  # type: ignore[arg-type]
    with pytest.raises(TrainingError, match=f"manifest cannot have the {message}"):
        packed(state, tmp_path / "packs", about)
    assert not (tmp_path / "packs").exists()


def test_characters_that_are_not_the_networks_make_no_pack(state: State, tmp_path: Path) -> None:
    before = packed(state, tmp_path / "packs", replace(ABOUT, precision="fp32"))
    state.characters = state.characters[:-1]
    with pytest.raises(ModelBrokenError, match="38 classes, the character list makes 37"):
        packed(state, tmp_path / "packs", replace(ABOUT, precision="fp32", version="2"))
    assert json.loads((before.folder / "manifest.json").read_text())["version"] == "1"


def test_a_network_that_cannot_read_replaces_no_pack(state: State, tmp_path: Path) -> None:
    about = replace(ABOUT, precision="fp32")
    before = packed(state, tmp_path / "packs", about)
    with pytest.raises(ModelBrokenError, match="cannot read its probe"):
        write_pack(state, tmp_path / "packs", replace(about, version="2"), lines, Measurements())
    assert json.loads((before.folder / "manifest.json").read_text())["version"] == "1"
    assert [path.name for path in (tmp_path / "packs").iterdir()] == ["plates"]


def test_a_folder_that_is_no_pack_is_left_alone(
    state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plates").mkdir()
    (tmp_path / "plates" / "photograph.jpg").write_text("the only one")

    def early(*_: object) -> None:
        pytest.fail("the work began")

    monkeypatch.setattr(registry, "build", early)
    with pytest.raises(ModelInstallError, match="no model pack"):
        packed(state, tmp_path)
    assert (tmp_path / "plates" / "photograph.jpg").read_text() == "the only one"


def test_a_checkpoint_of_another_shape_makes_no_pack(state: State, tmp_path: Path) -> None:
    state.net["hidden"] = 8
    with pytest.raises(TrainingError, match="has shape"):
        packed(state, tmp_path / "packs")


def test_a_folder_that_cannot_be_written_is_told(state: State, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(TrainingError, match="cannot be written"):
        packed(state, tmp_path / "file" / "packs")


def run(*words: object) -> int:
    parser = argparse.ArgumentParser()
    commands.add(parser.add_subparsers(required=True))
    return commands.run(parser.parse_args([str(word) for word in words]))


def test_pack_and_measure_from_the_command_line(
    shape: NetConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Without digits there is no probe that it would have to read.
    letters = ("", *(c for c in CHARACTERS if c.isalpha()))
    Trainer(TrainConfig(threads=1), replace(shape, classes=len(letters)), letters, tmp_path).save()
    monkeypatch.setattr(quantize, "calibration_lines", lambda _, height: lines(height))
    known = Measurements(cost=(Cost(precision="fp32", threads=4, cpu_ms=9.0, wall_ms=3.0),))
    measurements.write(known, tmp_path / "known.json")
    named = ["--name", "plates", "--version", "2", "--languages", "en, de"]
    more = [
        "--no-second-look",
        "--data",
        tmp_path,
        "--measurements",
        tmp_path / "known.json",
        "--archive",
        "zip",
    ]
    assert run("pack", tmp_path / "last.pt", tmp_path / "packs", *named, *more) == 0
    out = capsys.readouterr().out
    assert "net.onnx" in out
    assert out.endswith("plates-2.zip\n")
    manifest = json.loads((tmp_path / "packs" / "plates" / "manifest.json").read_text())
    assert manifest["languages"] == ["en", "de"]
    assert manifest["second_look"] is False
    assert "| FP32 | 4 | 9.00 | 3.00 |" in (tmp_path / "packs" / "plates" / "CARD.md").read_text()

    monkeypatch.setattr(measure, "RUNS", 2)
    assert run("measure", tmp_path / "packs" / "plates", "--json", tmp_path / "found.json") == 0
    assert "| INT8 | 2 |" in capsys.readouterr().out
    assert len(measurements.read(tmp_path / "found.json").cost) == 4
