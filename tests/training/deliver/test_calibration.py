"""Calibration: the fit, what is told of it, and the command on the real recogniser."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import pytest

from crnn_ocr.cli import main
from crnn_ocr.errors import TrainingError
from crnn_ocr.models.manifest import read_manifest
from crnn_ocr.models.registry import BUNDLED, Registry
from crnn_ocr.recognition.network import confidence
from crnn_ocr.recognition.network.confidence import Evidence
from crnn_ocr.recognition.network.load import load_recognizer
from crnn_ocr.recognition.network.recognizer import CtcRecognizer
from tests import drawing
from tests.training.plates import CHARACTERS

pytest.importorskip("torch")

from crnn_ocr.training.data import dataset, heldout_sets
from crnn_ocr.training.deliver import calibration, reliability
from crnn_ocr.training.deliver.calibration import Bin, Example
from crnn_ocr.training.deliver.reliability import Measured
from crnn_ocr.training.nets import export, registry
from crnn_ocr.training.nets.edge import EdgeConfig
from crnn_ocr.training.text.charset import write_characters

BIAS, WEIGHTS = 1.5, np.array([1.2, 0.0, 0.7])


def drawn(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Doubts, and whether lines with them are right, by a known law."""
    rng = np.random.default_rng(seed)
    doubts = rng.normal(0, 2, (count, 3))
    right = rng.random(count) < 1 / (1 + np.exp(-(BIAS - doubts @ WEIGHTS)))
    return doubts, right.astype(np.float64)


def lines(count: int, seed: int = 1) -> list[Example]:
    """Lines that are right as often as a known law says."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        surprise = float(np.exp(rng.normal(-2, 2)))
        right = bool(rng.random() < 1 / (1 + surprise))
        share = float(np.exp(-surprise / 5))
        chars = tuple((share, right or k > 0) for k in range(5))
        found.append(Example(Evidence(surprise, rng.random(), rng.random()), share, right, chars))
    return found


def test_the_fit_finds_the_law_behind_the_lines() -> None:
    bias, weights = calibration.fit_logistic(*drawn(20_000, 3))

    assert bias == pytest.approx(BIAS, abs=0.1)
    assert weights == pytest.approx(WEIGHTS, abs=0.08)


def test_a_doubt_never_raises_the_confidence() -> None:
    doubts, right = drawn(5000, 4)
    doubts[:, 1] = right * 3 + np.random.default_rng(5).normal(0, 1, len(right))

    _, weights = calibration.fit_logistic(doubts, right)

    assert weights[1] == 0
    assert weights[0] > 0.5


def test_separable_lines_give_finite_weights() -> None:
    doubts = np.linspace(-1, 1, 200)[:, None]

    bias, weights = calibration.fit_logistic(doubts, (doubts[:, 0] < 0).astype(np.float64))

    assert np.isfinite(bias)
    assert 1 < weights[0] < 1e3


def test_confidences_hold_for_lines_that_were_left_out() -> None:
    found = lines(4000)
    confidences = calibration.left_out(found)

    for item in calibration.bins(confidences, [example.right for example in found]):
        low, high = item.interval
        assert low - 0.03 <= item.confidence <= high + 0.03
    values, hits = calibration.characters_left_out(found)
    assert len(values) == 20_000
    assert values.mean() == pytest.approx(hits.mean(), abs=0.01)


def test_no_line_is_promised_more_than_so_many_lines_can_tell() -> None:
    fitted = calibration.fit(lines(500))

    assert confidence.line_confidence(fitted, Evidence(1e-5, 0.0, 0.0)) == round(1 - 1 / 502, 5)
    assert all(weight >= 0 for weight in fitted.line.model_dump(exclude={"bias"}).values())


@pytest.mark.parametrize("right", [True, False])
def test_lines_that_are_all_alike_fit_nothing(right: bool) -> None:
    alike = [Example(Evidence(0.1, 0.0, 0.5), 0.9, right, ((0.9, right),))] * 100

    with pytest.raises(TrainingError, match="at least 20"):
        calibration.fit(alike)


def test_bins_hold_every_line_once_in_order() -> None:
    confidences = np.random.default_rng(2).random(1003)
    found = calibration.bins(confidences, confidences > 0.5)

    assert sum(item.count for item in found) == 1003
    assert [item.confidence for item in found] == sorted(item.confidence for item in found)
    assert (found[0].right, found[-1].right) == (0, 1)
    assert len(calibration.bins(confidences[:25], confidences[:25] > 0.5)) == 2


def test_the_surest_lines() -> None:
    confidences, right = np.array([0.2, 0.95, 0.96, 0.99]), [False, False, True, True]

    found = calibration.at_least(confidences, right, 0.95)

    assert found is not None
    assert found.count == 3
    assert found.right == pytest.approx(2 / 3)
    assert calibration.at_least(confidences, right, 0.995) is None


def test_wilsons_interval() -> None:
    """Checked against the example of 81 in 263 in Newcombe, Statistics in Medicine 17 (1998)."""
    assert Bin(0.0, 81 / 263, 263).interval == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert Bin(0.0, 1.0, 5).interval[1] == 1


def test_reading_tells_right_lines_and_characters_from_wrong(recognizer: CtcRecognizer) -> None:
    pictures = [(drawing.line("Total 5,979"), "Total5,979"), (drawing.line("Total 5,979"), "Total 5,989")]

    right, wrong = calibration.examples(recognizer, pictures)

    assert (right.right, wrong.right) == (True, False)
    assert right.evidence == wrong.evidence
    assert [hit for _, hit in right.chars] == [True] * 10
    assert [hit for _, hit in wrong.chars] == [True] * 8 + [False, True]


def test_pictures_without_text_are_passed_over(recognizer: CtcRecognizer) -> None:
    assert calibration.examples(recognizer, [(np.full((40, 90, 3), 255, np.uint8), "nothing")]) == []


@pytest.mark.parametrize(
    "card",
    ["# Pack\n", "# Pack\n\n## Confidence\n\nold\n", "# Pack\n\n## Confidence\n\nold\n\n## Data\n\nkept\n"],
)
def test_the_cards_section_is_replaced_and_the_rest_is_kept(card: str) -> None:
    once = reliability.with_section(card, "new\n")

    assert once.count("## Confidence") == once.count("new") == 1
    assert "old" not in once
    assert ("## Data\n\nkept" in once) == ("## Data" in card)
    assert reliability.with_section(once, "new\n") == once


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """A copy of the pack of the real recogniser."""
    return Path(shutil.copytree(BUNDLED / "ppocrv6-small", tmp_path / "ppocrv6-small"))


def test_the_command_writes_manifest_card_and_plot(
    pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def rendered(name: str, config: dataset.SampleConfig, count: int) -> list[tuple[drawing.Picture, str]]:
        """Clear lines, and as many that are drawn too small to be read."""
        words = [f"Item {k} of {name[:8]}" for k in range(count)]
        return [(drawing.line(word, size=33 if k % 2 else 5), word) for k, word in enumerate(words)]

    monkeypatch.setattr(heldout_sets, "heldout", rendered)
    real = tmp_path / "lines_real"
    real.mkdir()
    rows = []
    for k in range(12):
        cv2.imwrite(str(real / f"{k}.png"), drawing.line(f"Real line {k}"))
        rows.append(f"{k}.png\tReal line {k}\n")
    (real / "labels.tsv").write_text("".join(rows), encoding="utf-8")
    before = json.loads((pack / "manifest.json").read_text(encoding="utf-8"))

    command = [
        "train",
        "calibrate",
        str(pack),
        "--data",
        str(tmp_path),
        "--lines",
        "60",
        "--check",
        str(real),
    ]
    assert main([*command, "--heldout", "unseen-fonts-clean"]) == 0

    written = [Path(row) for row in capsys.readouterr().out.splitlines()]
    assert written == [pack / "manifest.json", pack / "CARD.md", pack / "reliability.png"]
    manifest = read_manifest(pack / "manifest.json")
    assert manifest.calibration is not None
    after = json.loads((pack / "manifest.json").read_text(encoding="utf-8"))
    assert {**after, "calibration": None} == {**before, "calibration": None}
    card = (pack / "CARD.md").read_text(encoding="utf-8")
    assert "| **rendered, calibrated** | 60 |" in card
    assert "| lines_real | 12 | 100.0 % |" in card
    assert (pack / "reliability.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(file.name for file in pack.iterdir()) == ["CARD.md", "manifest.json", "reliability.png"]
    calibrated = load_recognizer(Registry(pack.parent), "ppocrv6-small")
    crop = calibrated.prepare(drawing.line("Clear and plain", size=33))
    reading = calibrated.decode(crop, [calibrated.infer(window) for window in crop.windows])
    assert 0.9 < reading.confidence <= manifest.calibration.ceiling


def _folder(path: Path, pictures: list[drawing.Picture]) -> Path:
    """Write labelled lines."""
    path.mkdir(parents=True)
    for k, picture in enumerate(pictures):
        cv2.imwrite(str(path / f"{k}.png"), picture)
    rows = "".join(f"{k}.png\tLine {k}\n" for k in range(len(pictures)))
    (path / "labels.tsv").write_text(rows, encoding="utf-8")
    return path


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[tuple[CtcRecognizer, list[drawing.Picture]]]:
    """What the command gives the recogniser to read, set by set."""
    given = []

    def examples(
        recognizer: CtcRecognizer, pairs: Iterable[tuple[drawing.Picture, str]], *, ignore_case: bool = False
    ) -> list[Example]:
        given.append((recognizer, [picture for picture, _ in pairs]))
        return lines(200)

    monkeypatch.setattr(calibration, "examples", examples)
    return given


def test_an_edge_pack_is_shown_what_the_engine_shows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shown: list[tuple[CtcRecognizer, list[drawing.Picture]]]
) -> None:
    config = EdgeConfig(len(CHARACTERS), stem=8, widths=(8, 16, 16), neck=16, hidden=8, embed=8)
    edge = tmp_path / "packs" / "edge"
    edge.mkdir(parents=True)
    export.write(registry.build(registry.make(config).eval()), edge / "net.onnx")
    write_characters(edge / "characters.txt", CHARACTERS[1:])
    digests = {
        field: {"path": name, "sha256": hashlib.sha256((edge / name).read_bytes()).hexdigest()}
        for field, name in (("graph", "net.onnx"), ("charset", "characters.txt"))
    }
    about = {"name": "edge", "version": "1", "kind": "rec", "licence": "-", "provenance": "-", "title": "-"}
    size = {"output": "best", "space": False, "input_height": 32, "stretch": 1.5}
    (edge / "manifest.json").write_text(json.dumps(about | digests | size), encoding="utf-8")

    def rendered(name: str, config: dataset.SampleConfig, count: int) -> list[tuple[drawing.Picture, str]]:
        return [(np.full((config.height, 1200, 3), 255, np.uint8), "A line")] * count

    monkeypatch.setattr(heldout_sets, "heldout", rendered)
    real = _folder(tmp_path / "real", [drawing.line("Total 5,979", size=50)])

    command = ["train", "calibrate", str(edge), "--data", str(tmp_path), "--lines", "1"]
    assert main([*command, "--heldout", "unseen-fonts-clean", "--check", str(real)]) == 0

    (recognizer, (drawn_line,)), (_, (real_line,)) = shown
    assert drawn_line.shape[0] == 48
    (window,) = recognizer.prepare(drawn_line).windows
    assert (window.pixels.shape[0], window.content) == (32, 1200)
    assert np.array_equal(real_line, drawing.line("Total 5,979", size=50))


def test_a_pack_that_cannot_be_written_keeps_its_manifest(pack: Path) -> None:
    (pack / reliability.PLOT).unlink(missing_ok=True)
    (pack / reliability.PLOT).mkdir()
    before = (pack / "manifest.json").read_bytes()
    found = lines(200)
    right = np.array([example.right for example in found])
    measured = Measured(calibration.left_out(found), right)

    with pytest.raises(TrainingError, match="cannot be written"):
        reliability.write(pack, calibration.fit(found), measured, measured, measured, {}, ("a",))

    assert (pack / "manifest.json").read_bytes() == before


def test_a_folder_without_a_pack_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "calibrate", str(tmp_path / "absent")]) == 1
    assert "MODEL_NOT_FOUND" in capsys.readouterr().err
