"""A detector learns from a teacher's maps of unlabelled pages, stops and goes on."""

from __future__ import annotations

import csv
import random
from dataclasses import replace
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import pytest
import torch

from crnn_ocr.cli import main
from crnn_ocr.detection.load import load_detector
from crnn_ocr.errors import ModelBrokenError, TrainingError
from crnn_ocr.models.registry import Pack, Registry
from crnn_ocr.training.detection import crops
from crnn_ocr.training.detection.crops import CropSampler, TeacherPage, teacher_pages
from crnn_ocr.training.detection.fit import Fit, FitConfig, fit
from crnn_ocr.training.detection.maps import draw_maps, read_map
from crnn_ocr.training.detection.measure import measure
from crnn_ocr.training.detection.pack import write_pack
from crnn_ocr.training.fit.schedule import Schedule
from crnn_ocr.training.nets import checkpoint
from tests import drawing
from tests.training.detection.test_network import SMALL


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two pages, a file that is none, and the real teacher's maps of them."""
    pages = tmp_path_factory.mktemp("pages")
    for number in range(2):
        rows = [(30, 40 + 60 * i, f"Position {i} costs {number}9.80") for i in range(6)]
        cv2.imwrite(str(pages / f"{number}.png"), drawing.page(rows, size=28, shape=(640, 420)))
    (pages / "broken.png").write_bytes(b"no picture")
    maps = tmp_path_factory.mktemp("maps")
    assert draw_maps(pages, maps) == 1
    return pages, maps


def test_maps_are_drawn_once(
    material: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pages, maps = material
    assert sorted(path.name for path in maps.iterdir()) == ["0.png-1.png", "1.png-1.png"]
    heat = read_map(maps / "0.png-1.png")
    assert heat.shape == (210, 320)
    assert 0.02 < (heat > 127).mean() < 0.3
    assert heat[:12].max() == 0  # nothing stands above the first line
    written = {path: path.stat().st_mtime_ns for path in maps.iterdir()}
    assert main(["train", "detector", "maps", str(pages), str(maps)]) == 0
    assert "2 maps; 1 files could not be read" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in maps.iterdir()} == written
    (tmp_path / "damaged.png").write_bytes(b"")
    with pytest.raises(TrainingError, match="is damaged"):
        read_map(tmp_path / "damaged.png")
    with pytest.raises(TrainingError, match="holds no map"):
        teacher_pages(pages, tmp_path / "none")


def test_crops_show_what_their_maps_say(material: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Ink is where the map has text, whatever the crop's size and turn."""
    monkeypatch.setattr(crops, "_damaged", lambda image, rng: image)
    pages = [TeacherPage(material[0] / f"{n}.png", 1, material[1] / f"{n}.png-1.png") for n in range(2)]
    sampler = CropSampler(pages, 96, seed=5)
    for _ in range(30):
        image, heat = sampler.sample()
        assert image.shape == (96, 96, 3)
        assert heat.shape == (48, 48)
        dark = cv2.resize(255 - image[:, :, 0], (48, 48), interpolation=cv2.INTER_AREA)
        near = cv2.dilate(heat, np.ones((9, 9), np.uint8)) > 60
        if (heat > 127).sum() > 80:
            assert dark[heat > 127].mean() > 4 * dark[~near].mean() + 5
    again = CropSampler(pages, 96, seed=5)
    first, second = (next(iter(source))[0] for source in (again, CropSampler(pages, 96, seed=6)))
    assert first.shape == second.shape
    assert not np.array_equal(first, second)


def test_damages_keep_the_shape() -> None:
    rng = random.Random(1)
    picture = drawing.page([(10, 10, "text")], size=24, shape=(96, 64))
    for _ in range(60):
        damaged = crops._damaged(picture, rng)
        assert damaged.shape == picture.shape
        assert damaged.dtype == np.dtype(np.uint8)


CONFIG = FitConfig(side=64, batch=2, workers=0, hours=1.0, schedule=Schedule(rate=1e-2, warmup=0.0))


def losses(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


def test_a_run_learns_stops_and_goes_on(material: tuple[Path, Path], tmp_path: Path) -> None:
    pages, maps = material
    found = teacher_pages(pages, maps)
    assert [len(side) for side in found] == [1, 1]
    run = Fit(CONFIG, SMALL, None)
    steps = iter(range(40))

    fit(run, CONFIG, found, tmp_path, lambda: next(steps, None) is None)

    assert run.counters["step"] == 41
    assert run.counters["crops"] == 82
    state = checkpoint.load(tmp_path / "last.pt")
    for name, value in run.net.state_dict().items():
        assert torch.equal(state.weights[name], value)
    again = Fit(CONFIG, SMALL, state)
    assert again.counters == run.counters
    fit(again, CONFIG, found, tmp_path, lambda: True)
    assert again.counters["step"] == 42
    assert [row["step"] for row in losses(tmp_path / "losses.csv")] == ["41", "42"]
    scores = losses(tmp_path / "scores.csv")
    assert {row["side"] for row in scores} == {"960", "1440"}
    compact = Fit(CONFIG, SMALL, checkpoint.load(tmp_path / "compact.npz"))
    for name, value in again.average.state_dict().items():
        assert torch.allclose(compact.average.state_dict()[name].float(), value.float(), atol=2e-2)


def test_the_loss_falls_on_one_batch(material: tuple[Path, Path]) -> None:
    found, _ = teacher_pages(*material)
    sampler = CropSampler(found, 64, seed=2)
    pairs = [sampler.sample() for _ in range(4)]
    pictures = torch.from_numpy(np.stack([pair[0] for pair in pairs]))
    maps = torch.from_numpy(np.stack([pair[1] for pair in pairs]))
    run = Fit(CONFIG, SMALL, None)
    first = run.step(pictures, maps)
    for _ in range(60):
        last = run.step(pictures, maps)
    assert sum(last) < 0.6 * sum(first)


def test_the_teachers_own_map_scores_full(
    material: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, held_out = teacher_pages(*material)
    run = Fit(CONFIG, SMALL, None)
    empty = measure(run.average, held_out, 320)
    assert empty.recall < 0.5
    heat = read_map(held_out[0].heat)
    monkeypatch.setattr("crnn_ocr.training.detection.measure.look", lambda *_: heat)
    score = measure(run.average, held_out, 320)
    assert (score.recall, score.precision) == (1.0, 1.0)


def test_the_command_trains_and_says_what_is_wrong(material: tuple[Path, Path], tmp_path: Path) -> None:
    shape = '{"stem": 2, "widths": [2, 2, 2, 2], "depths": [0, 0, 0, 0], "pyramid": 2, "head": 2}'
    command = ["train", "detector", "fit", *map(str, material), "--out", str(tmp_path), "--minutes", "0"]
    assert main([*command, "--shape", shape]) == 0
    assert main([*command, "--resume", str(tmp_path / "last.pt")]) == 0
    assert [row["step"] for row in losses(tmp_path / "losses.csv")] == ["1", "2"]
    assert main([*command, "--resume", str(tmp_path / "none.pt")]) != 0


def test_a_pack_of_a_checkpoint_finds_lines_in_every_precision(
    material: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Fit(CONFIG, SMALL, None)
    checkpoint.save(run.state(), tmp_path / "last.pt")
    command = ["train", "detector", "pack", str(tmp_path / "last.pt"), *map(str, material)]
    assert main([*command, str(tmp_path / "packs"), "--name", "mine", "--version", "1"]) == 0
    assert "of the teacher's regions" in capsys.readouterr().out
    pack = Registry(tmp_path / "packs").find("mine", "det")
    assert "PP-OCRv6_small_det" in (pack.folder / "NOTICE").read_text()
    picture = drawing.page([(30, 40, "Total 19.80")], size=28, shape=(320, 200))
    precisions: tuple[Literal["int8", "fp32"], ...] = ("int8", "fp32")
    for precision in precisions:
        detector = load_detector(
            Registry(tmp_path / "packs"), "mine", threads=2, precision=precision, cache_dir=tmp_path / "cache"
        )
        assert detector.probability_map(picture).shape == (200, 320)
        detector.close()


def test_a_pack_is_whole_or_not_there(material: tuple[Path, Path], tmp_path: Path) -> None:
    def refuse(pack: Pack) -> None:
        raise ModelBrokenError("no good")

    learnt, _ = teacher_pages(*material)
    state = Fit(CONFIG, SMALL, None).state()
    with pytest.raises(ModelBrokenError):
        write_pack(state, tmp_path, "mine", "1", learnt, {}, refuse)
    assert list(tmp_path.iterdir()) == []
    other = replace(state, net={"kind": "edge"})
    with pytest.raises(TrainingError, match="not the state of a detector"):
        write_pack(other, tmp_path, "mine", "1", learnt, {})
