from __future__ import annotations

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

pytest.importorskip("torch")

from crnn_ocr.errors import TrainingError
from crnn_ocr.models.prepare import CLASSES_KEY
from crnn_ocr.runtime.cpu import has_dot_products
from crnn_ocr.runtime.onnx import Session
from crnn_ocr.training.adaptation.graph import (
    Correction,
    Head,
    dissect,
    feature_graph,
    rounds_embedding,
    transplant,
)

from .graphs import CLASSES, eighth, recogniser

Floats = NDArray[np.float32]


@pytest.fixture
def picture() -> Floats:
    return np.random.default_rng(5).normal(0, 0.5, (1, 3, 48, 160)).astype(np.float32)


def _answers(model: onnx.ModelProto, x: Floats) -> dict[str, NDArray[np.generic]]:
    session = Session(model.SerializeToString())
    return dict(zip(session.outputs, session.run({"x": x}), strict=True))


def _extended(head: Head, count: int) -> Head:
    rng = np.random.default_rng(9)
    rows = rng.normal(0, 1, (count, head.weight.shape[1])).astype(np.float32)
    return Head(np.concatenate([head.weight, rows]), np.concatenate([head.bias, np.ones(count, np.float32)]))


def _correction(inputs: int, outputs: int) -> Correction:
    rng = np.random.default_rng(3)
    return Correction(
        rng.normal(0, 0.5, (inputs, 4)).astype(np.float32),
        rng.normal(0, 0.5, 4).astype(np.float32),
        rng.normal(0, 0.5, (4, outputs)).astype(np.float32),
    )


def _expected(embedding: Floats, features: Floats, head: Head, correction: Correction) -> Floats:
    seen = np.maximum(features @ correction.inward + correction.offset, 0)
    scores = (embedding + seen @ correction.outward) @ head.weight.T + head.bias
    shares = np.exp(scores - scores.max(axis=2, keepdims=True))
    return np.asarray(shares / shares.sum(axis=2, keepdims=True))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("projected", [True, False])
def test_the_cut_is_at_the_embedding_and_its_sources(bias: bool, projected: bool, picture: Floats) -> None:
    model = recogniser(bias=bias, projected=projected)
    parts = dissect(model)
    assert (parts.embedding, parts.features) == (("e", ("f",)) if projected else ("f", ("f",)))
    assert parts.head.weight.shape == (CLASSES, 6 if projected else 12)
    found = _answers(feature_graph(model, parts), picture)
    scores = np.asarray(found[parts.embedding], np.float32) @ parts.head.weight.T + parts.head.bias
    assert np.array_equal(scores.argmax(axis=2), _answers(model, picture)["y"].argmax(axis=2))
    assert bool(parts.head.bias.any()) is bias


def test_the_same_head_put_back_answers_the_same_to_the_bit(picture: Floats) -> None:
    for model in (recogniser(), eighth()):
        parts = dissect(model)
        again = transplant(model, parts, parts.head, None)
        assert np.array_equal(_answers(again, picture)["y"], _answers(model, picture)["y"])


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("projected", [True, False])
def test_new_classes_and_a_correction_do_what_they_say(bias: bool, projected: bool, picture: Floats) -> None:
    model = recogniser(bias=bias, projected=projected)
    model.metadata_props.add(key=CLASSES_KEY, value=str(CLASSES))
    parts = dissect(model)
    found = _answers(feature_graph(model, parts), picture)
    head, correction = _extended(parts.head, 3), _correction(12, parts.head.weight.shape[1])
    made = transplant(model, parts, head, correction)
    assert [(entry.key, entry.value) for entry in made.metadata_props] == [(CLASSES_KEY, str(CLASSES + 3))]
    embedding, features = (np.asarray(found[name], np.float32) for name in (parts.embedding, "f"))
    wanted = _expected(embedding, features, head, correction)
    assert np.allclose(_answers(made, picture)["y"], wanted, atol=1e-5)
    assert made.graph.output[0].type.tensor_type.shape.dim[2].dim_value == CLASSES + 3
    kept = {item.name: item.SerializeToString() for item in made.graph.initializer}
    assert kept["w"] == next(i.SerializeToString() for i in model.graph.initializer if i.name == "w")
    assert "q" not in kept  # the old rows are not carried along


def test_an_int8_head_takes_the_wider_embedding(picture: Floats) -> None:
    model = eighth()
    parts = dissect(model)
    assert rounds_embedding(model)
    assert not rounds_embedding(recogniser())
    found = _answers(feature_graph(model, parts), picture)
    head, correction = _extended(parts.head, 3), _correction(12, 6)
    embedding, features = (np.asarray(found[name], np.float32) for name in ("e", "f"))
    corrected = (
        embedding + np.maximum(features @ correction.inward + correction.offset, 0) @ correction.outward
    )
    made = transplant(model, parts, head, correction, (float(corrected.min()), float(corrected.max())))
    numbers = [i for i in made.graph.initializer if i.data_type == onnx.TensorProto.INT8 and len(i.dims) == 2]
    assert [list(i.dims) for i in numbers] == [[6, CLASSES + 3]]
    wanted = _expected(embedding, features, head, correction)
    # Without dot products pairs of 8 bit products are added in 16 bits, where large ones are cut off.
    assert np.abs(np.asarray(_answers(made, picture)["y"]) - wanted).max() < (
        0.02 if has_dot_products() else 0.25
    )


def test_an_adapted_graph_can_be_adapted_again(picture: Floats) -> None:
    for model in (recogniser(), recogniser(projected=False), eighth()):
        for _ in range(2):
            parts = dissect(model)
            found = _answers(feature_graph(model, parts), picture)
            size = sum(found[name].shape[2] for name in parts.features)
            wider = _correction(size, parts.head.weight.shape[1])
            reach = (-9.0, 9.0) if rounds_embedding(model) else None
            model = transplant(model, parts, _extended(parts.head, 2), wider, reach)
        assert _answers(model, picture)["y"].shape[2] == CLASSES + 4


def test_a_graph_without_such_an_end_is_refused() -> None:
    model = recogniser()
    del model.graph.node[4:]
    with pytest.raises(TrainingError, match="does not end in a projection"):
        dissect(model)
    model = recogniser()
    for node in model.graph.node:
        if node.output[0] == "scores":
            node.op_type = "MatMulInteger"
    with pytest.raises(TrainingError, match="anew in every run"):
        dissect(model)
    with pytest.raises(TrainingError, match="does not read every time step"):
        dissect(recogniser(gated=True))
