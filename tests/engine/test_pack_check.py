"""Whether a pack must read: the real recogniser with the right and with the wrong characters."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from crnn_ocr.engine.pack_check import prove_pack
from crnn_ocr.engine.probe import PROBE_TEXT, check_reads, draw_probe
from crnn_ocr.errors import ModelBrokenError
from crnn_ocr.models.registry import BUNDLED, Pack, Registry
from crnn_ocr.recognition.network.ctc import Frames
from crnn_ocr.recognition.network.recognizer import CtcRecognizer, PreparedLine, Reading, Window
from tests import drawing
from tests.models.graphs import best_graph, write_pack
from tests.service.packs import shifted_pack

PACK = Registry().find("ppocrv6-small")


class Said:
    """Says what it is told to, whatever it is shown."""

    name = "said/1"
    seconds_per_column = 1e-5
    bytes_per_column = 45_056

    def __init__(self, text: str, characters: str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") -> None:
        self._text = text
        self.characters = frozenset(characters)
        self.shown: list[NDArray[np.uint8]] = []

    def close(self) -> None:
        """Nothing to close."""

    def window_widths(self, width: int, height: int) -> tuple[int, ...]:
        return (width,)

    def prepare(self, crop: NDArray[np.uint8]) -> PreparedLine:
        self.shown.append(crop)
        return PreparedLine((), 1.0)

    def infer(self, window: Window) -> Frames:
        raise AssertionError("there is no window")

    def decode(self, line: PreparedLine, frames: Sequence[Frames]) -> Reading:
        return Reading(self._text, 1.0)


def test_the_real_recogniser_reads_the_probe(recognizer: CtcRecognizer) -> None:
    check_reads(recognizer, PACK)


@pytest.mark.parametrize("text", [PROBE_TEXT, PROBE_TEXT.replace(" ", "").lower(), "9385206I47 DGPRKFT"])
def test_small_faults_are_forgiven(text: str) -> None:
    check_reads(Said(text), PACK)


@pytest.mark.parametrize("by", [-2, -1, 1, 2])
def test_characters_that_are_off_by_one_are_found_out(by: int) -> None:
    text = "".join(chr(ord(char) + by) for char in PROBE_TEXT if char != " ")
    with pytest.raises(ModelBrokenError, match="18 of 18 characters wrong"):
        check_reads(Said(text), PACK)
    digits = text[:10]
    with pytest.raises(ModelBrokenError, match="cannot read its probe"):
        check_reads(Said(digits, "0123456789"), PACK)


@pytest.mark.parametrize("text", ["", "the the the the", "9385206147" * 3])
def test_who_reads_something_else_is_refused(text: str) -> None:
    with pytest.raises(ModelBrokenError, match="cannot read its probe"):
        check_reads(Said(text), PACK)


def test_the_probe_is_made_of_what_the_recogniser_knows() -> None:
    check_reads(Said("9385206147", "0123456789"), PACK)
    check_reads(Said("9385206147GF", "0123456789GF"), PACK)
    strange = Said("anything", "αβγ")
    check_reads(strange, PACK)
    assert strange.shown == []


def test_the_probe_can_be_read_by_people() -> None:
    drawn = draw_probe(PROBE_TEXT)
    assert drawn.shape[2] == 3
    assert drawn[:, :4].min() == drawn[:4].min() == drawn[-4:].min() == 255
    assert (drawn < 100).mean() > 0.05


def test_a_pack_brings_its_own_probe(tmp_path: Path) -> None:
    pack = write_pack(tmp_path, best_graph(), output="best")
    cv2.imwrite(str(pack / "probe.png"), drawing.line("probe"))
    manifest = json.loads((pack / "manifest.json").read_text())
    digest = hashlib.sha256((pack / "probe.png").read_bytes()).hexdigest()
    manifest["probe"] = {"image": {"path": "probe.png", "sha256": digest}, "text": "probe"}
    (pack / "manifest.json").write_text(json.dumps(manifest))
    found = Registry(tmp_path).find("mine")
    assert [file.path for file in found.files()] == ["net.onnx", "chars.txt", "probe.png"]
    check_reads(Said("Probe"), found)
    with pytest.raises(ModelBrokenError, match="5 of 5"):
        check_reads(Said("xxxxx"), found)

    (pack / "probe.png").write_bytes(b"no picture")
    with pytest.raises(ModelBrokenError, match="differs from its manifest"):
        check_reads(Said("probe"), found)
    manifest["probe"]["image"]["sha256"] = hashlib.sha256(b"no picture").hexdigest()
    (pack / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ModelBrokenError, match="probe is not a picture"):
        check_reads(Said("probe"), Registry(tmp_path).find("mine"))


def test_wrong_characters_are_found_out_with_a_real_network(tmp_path: Path) -> None:
    folder = shifted_pack(tmp_path)
    prove_pack(Registry(tmp_path).find("shifted"))
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["probe"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ModelBrokenError, match="cannot read its probe"):
        prove_pack(Registry(tmp_path).find("shifted"))


def test_wrong_normalisation_is_found_out(tmp_path: Path) -> None:
    folder = tmp_path / "dark"
    shutil.copytree(BUNDLED / "ppocrv6-small", folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest |= {"name": "dark", "mean": 40.0}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ModelBrokenError, match="cannot read its probe"):
        prove_pack(Pack(folder, Registry(tmp_path).find("dark").manifest))
