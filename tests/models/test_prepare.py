from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from crnn_ocr.errors import ModelBrokenError
from crnn_ocr.models.prepare import CONFIDENCES, IDS, fuse, precision_for, prepared_graph
from crnn_ocr.models.registry import Registry
from crnn_ocr.recognition.network.load import load_recognizer
from crnn_ocr.runtime.onnx import Session


def tiny_graph(outputs: int = 1) -> bytes:
    """A graph that hands its (N, T, classes) input on."""
    shape = ["n", "t", 5]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    names = [f"y{i}" for i in range(outputs)]
    ys = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in names]
    nodes = [helper.make_node("Identity", ["x"], [name]) for name in names]
    model = helper.make_model(
        helper.make_graph(nodes, "tiny", [x], ys), opset_imports=[helper.make_opsetid("", 13)], ir_version=8
    )
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data


def make_pack(folder: Path, graph: bytes, **changes: Any) -> None:
    pack = folder / "mine"
    pack.mkdir()
    (pack / "net.onnx").write_bytes(graph)
    (pack / "chars.txt").write_text("a\nb\nc\nd\n", encoding="utf-8")

    def file(name: str) -> dict[str, str]:
        return {"path": name, "sha256": hashlib.sha256((pack / name).read_bytes()).hexdigest()}

    manifest = {
        "name": "mine", "version": "1", "kind": "rec", "title": "t", "licence": "l", "provenance": "p",
        "graph": file("net.onnx"), "charset": file("chars.txt"), "space": False, **changes,
    }  # fmt: skip
    (pack / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def test_the_fused_graph_says_what_numpy_says() -> None:
    session = Session(fuse(tiny_graph()))
    scores = np.random.default_rng(0).random((2, 7, 5), np.float32)

    ids, confidences = session.run({"x": scores}, (IDS, CONFIDENCES))

    assert np.array_equal(ids[:, :, 0], scores.argmax(axis=2))
    assert np.array_equal(confidences[:, :, 0], scores.max(axis=2))
    assert set(session.outputs) == {IDS, CONFIDENCES}


@pytest.mark.parametrize("graph", [b"", b"not a graph", tiny_graph(outputs=2)])
def test_what_is_no_ctc_graph_is_refused(graph: bytes) -> None:
    with pytest.raises(ModelBrokenError, match="graph"):
        fuse(graph)


def test_the_fused_graph_is_made_once(tmp_path: Path) -> None:
    make_pack(tmp_path, tiny_graph())
    pack = Registry(tmp_path).find("mine", "rec")
    cache = tmp_path / "cache"

    first = prepared_graph(pack, cache_dir=cache, arg_max=True)
    assert isinstance(first, Path)
    written = first.stat().st_mtime_ns
    assert prepared_graph(pack, cache_dir=cache, arg_max=True) == first
    assert first.stat().st_mtime_ns == written
    assert [path.name for path in cache.iterdir()] == [first.name]


def test_a_folder_that_cannot_be_written_is_survived(tmp_path: Path) -> None:
    make_pack(tmp_path, tiny_graph())
    (tmp_path / "file").write_text("in the way", encoding="utf-8")

    fused = prepared_graph(
        Registry(tmp_path).find("mine", "rec"), cache_dir=tmp_path / "file" / "cache", arg_max=True
    )

    assert isinstance(fused, bytes)
    assert IDS in Session(fused).outputs


def test_a_pack_whose_graph_does_not_fit_is_refused(tmp_path: Path) -> None:
    make_pack(tmp_path, tiny_graph())

    with pytest.raises(ModelBrokenError, match="cannot read its probe"):
        load_recognizer(Registry(tmp_path), "mine", cache_dir=tmp_path / "cache")


def test_a_damaged_cached_graph_is_made_again(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    load_recognizer(Registry(), "ppocrv6-small", cache_dir=cache)
    (cached,) = cache.iterdir()
    whole = cached.read_bytes()
    cached.write_bytes(whole[:1000])

    load_recognizer(Registry(), "ppocrv6-small", cache_dir=cache)

    assert cached.read_bytes() == whole


def test_a_user_without_a_home_needs_no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    make_pack(tmp_path, tiny_graph())
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)

    assert isinstance(prepared_graph(Registry(tmp_path).find("mine", "rec"), arg_max=True), bytes)


@pytest.mark.parametrize(
    ("bits", "dots", "wanted", "chosen"),
    [
        (8, False, "auto", "fp32"),
        (8, True, "auto", "int8"),
        (7, False, "auto", "int8"),
        (7, True, "auto", "int8"),
        (7, True, "fp32", "fp32"),
        (8, False, "int8", "int8"),
    ],
)
def test_the_precision_suits_weights_and_cpu(
    monkeypatch: pytest.MonkeyPatch,
    bits: int,
    dots: bool,
    wanted: Literal["auto", "int8", "fp32"],
    chosen: str,
) -> None:
    monkeypatch.setattr("crnn_ocr.models.prepare.has_dot_products", lambda: dots)
    manifest = Registry().find("crnn-zh-en").manifest.model_copy(update={"weight_bits": bits})
    assert precision_for(manifest, wanted) == chosen
