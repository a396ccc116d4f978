from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import helper

from crnn_ocr.errors import ModelBrokenError
from crnn_ocr.models.dequantize import dequantize
from crnn_ocr.runtime.cpu import has_dot_products
from crnn_ocr.runtime.onnx import Session

from .graphs import HEIGHT, best_graph, int8_graph, scores_graph


def _kinds(graph: bytes) -> list[str]:
    return [node.op_type for node in onnx.load_from_string(graph).graph.node]


def test_the_float_form_gives_the_results_before_quantising() -> None:
    eighth = int8_graph()
    derived = dequantize(eighth)
    onnx.checker.check_model(onnx.load_from_string(derived), full_check=True)
    assert sorted(_kinds(derived)) == sorted(_kinds(best_graph()))
    given = {
        "x": np.random.default_rng(1).uniform(-1, 1, (2, 3, HEIGHT, 320)).astype(np.float32),
        "lengths": np.array([320, 320], np.int32),
    }
    whole_ids, whole = Session(best_graph()).run(given)
    ids, shares = Session(derived).run(given)
    _, rounded = Session(eighth).run(given)
    assert np.mean(ids == whole_ids) > 0.95
    assert np.abs(shares - whole).max() < 0.02
    # Without dot products pairs of 8 bit products are added in 16 bits, where large ones are cut off.
    assert np.abs(shares - rounded).max() < (0.05 if has_dot_products() else 0.25)
    assert np.abs(rounded - whole).max() > 1e-4  # else it was no quantised graph


def test_what_was_cut_off_by_rounding_is_cut_off_by_a_relu() -> None:
    assert "Relu" not in _kinds(int8_graph())
    assert _kinds(dequantize(int8_graph())).count("Relu") == 1


def test_metadata_are_kept() -> None:
    assert Session(dequantize(int8_graph())).metadata["classes"] == "5"


@pytest.mark.parametrize("graph", [b"", b"not a graph", scores_graph(), best_graph()])
def test_what_is_not_quantised_is_refused(graph: bytes) -> None:
    with pytest.raises(ModelBrokenError, match=r"not (an ONNX file|a quantised one)"):
        dequantize(graph)


def test_weights_that_are_no_constants_are_refused() -> None:
    model = onnx.load_from_string(int8_graph())
    kept = [item for item in model.graph.initializer if item.name != "w_scale"]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    with pytest.raises(ModelBrokenError, match="no constant 'w_scale'"):
        dequantize(model.SerializeToString())


def test_integers_that_nothing_quantised_are_refused() -> None:
    model = onnx.load_from_string(int8_graph())
    (pair,) = (node for node in model.graph.node if list(node.output) == ["picture"])
    pair.input[0] = "elsewhere"
    model.graph.input.append(helper.make_tensor_value_info("elsewhere", onnx.TensorProto.UINT8, [1]))
    with pytest.raises(ModelBrokenError, match="QDQ form: 'elsewhere'"):
        dequantize(model.SerializeToString())
