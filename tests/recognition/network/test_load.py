"""Packs of every kind of graph, from disk to a reading."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from crnn_ocr.errors import ModelBrokenError
from crnn_ocr.models import prepare
from crnn_ocr.models.registry import Registry
from crnn_ocr.recognition.network.load import load_recognizer
from crnn_ocr.recognition.network.recognizer import CtcRecognizer
from crnn_ocr.runtime.cpu import has_dot_products
from tests.models.graphs import best_graph, int8_graph, scores_graph, write_pack

LINE = np.random.default_rng(3).integers(0, 256, (16, 300, 3)).astype(np.uint8)


def load_pack_of(folder: Path, graph: bytes, wanted: Any = "auto", **changes: Any) -> CtcRecognizer:
    write_pack(folder, graph, **changes)
    return load_recognizer(Registry(folder), "mine", cache_dir=folder / "cache", precision=wanted)


def shares(recognizer: CtcRecognizer) -> NDArray[np.float32]:
    (window,) = recognizer.prepare(LINE).windows
    frames = recognizer.infer(window)
    assert len(frames) == -(-300 // 8) + 1
    return frames.confidences


def test_both_kinds_of_graph_read_alike(tmp_path: Path) -> None:
    fused = load_pack_of(tmp_path / "a", scores_graph())
    finished = load_pack_of(tmp_path / "b", best_graph(), output="best")
    assert np.allclose(shares(fused), shares(finished), atol=1e-6)
    assert not (tmp_path / "b" / "cache").exists()  # nothing to prepare


@pytest.mark.parametrize(
    ("graph", "output"), [(scores_graph(), "best"), (best_graph(), "scores")], ids=["scores", "best"]
)
def test_a_manifest_that_tells_of_another_kind_is_refused(tmp_path: Path, graph: bytes, output: str) -> None:
    with pytest.raises(ModelBrokenError, match="outputs"):
        load_pack_of(tmp_path, graph, output=output)


def test_the_precision_is_chosen_by_the_setting_or_the_cpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind: dict[str, Any] = {"output": "best", "precision": "int8"}
    whole = shares(load_pack_of(tmp_path / "0", best_graph(), output="best"))
    eighth = shares(load_pack_of(tmp_path / "1", int8_graph(), "int8", **kind))
    derived = shares(load_pack_of(tmp_path / "2", int8_graph(), "fp32", **kind))
    # Without dot products pairs of 8 bit products are added in 16 bits, where large ones are cut off.
    assert 1e-4 < np.abs(eighth - whole).max() < (0.05 if has_dot_products() else 0.25)
    assert np.abs(derived - whole).max() < 0.02
    assert [path.name[-12:] for path in (tmp_path / "2" / "cache").iterdir()] == ["-float1.onnx"]
    for number, (fast, expected) in enumerate(((True, eighth), (False, derived)), 3):
        monkeypatch.setattr(prepare, "has_dot_products", lambda fast=fast: fast)
        chosen = shares(load_pack_of(tmp_path / str(number), int8_graph(), "auto", **kind))
        assert np.array_equal(chosen, expected)


def test_a_float_pack_ignores_the_precision(tmp_path: Path) -> None:
    plain = shares(load_pack_of(tmp_path / "0", best_graph(), "fp32", output="best"))
    asked = shares(load_pack_of(tmp_path / "1", best_graph(), "int8", output="best"))
    assert np.array_equal(plain, asked)


def test_a_graph_that_is_not_quantised_has_no_float_form(tmp_path: Path) -> None:
    with pytest.raises(ModelBrokenError, match="not a quantised"):
        load_pack_of(tmp_path, best_graph(), "fp32", output="best", precision="int8")


def test_a_damaged_pack_is_not_mistaken_for_a_damaged_cache(tmp_path: Path) -> None:
    pack = write_pack(tmp_path, best_graph()[:400], output="best")
    with pytest.raises(ModelBrokenError, match=r"net\.onnx cannot be loaded"):
        load_recognizer(Registry(tmp_path), "mine", cache_dir=tmp_path / "cache")
    assert (pack / "net.onnx").exists()


@pytest.mark.parametrize("graph", [scores_graph(), best_graph(classes=6)], ids=["scores", "best"])
def test_a_character_list_of_another_length_is_refused(tmp_path: Path, graph: bytes) -> None:
    changes: dict[str, Any] = {"output": "best"} if graph != scores_graph() else {"space": True}
    with pytest.raises(ModelBrokenError, match="classes, the character list makes"):
        load_pack_of(tmp_path, graph, **changes)


def test_a_character_list_that_is_missing_or_no_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelBrokenError, match="no character list"):
        load_pack_of(tmp_path / "0", best_graph(), output="best", charset=None)
    pack = write_pack(tmp_path / "1", best_graph(), output="best")
    (pack / "chars.txt").unlink()
    with pytest.raises(ModelBrokenError, match=r"chars\.txt is missing"):
        load_recognizer(Registry(tmp_path / "1"), "mine")


def test_an_unreadable_character_list_is_named(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"\xff\xfe").hexdigest()
    pack = write_pack(tmp_path, best_graph(), output="best", charset={"path": "c.txt", "sha256": digest})
    (pack / "c.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(ModelBrokenError, match="not in UTF-8"):
        load_recognizer(Registry(tmp_path), "mine")
