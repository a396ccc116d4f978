"""Labelled lines: what is wrong with a folder of them, and what a network cannot read."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from crnn_ocr.cli import main
from crnn_ocr.errors import TrainingError

pytest.importorskip("torch")

import onnx
from onnx import TensorProto, helper

from crnn_ocr.training.fit.evaluate import (
    LineSet,
    graph_classes,
    graph_reader,
    graph_size,
    load_folder,
    read_folder,
    unreadable,
)
from crnn_ocr.training.nets import registry
from crnn_ocr.training.nets.crnn import Crnn
from crnn_ocr.training.nets.export import write
from crnn_ocr.training.text.charset import write_characters
from tests.training.plates import small_shape

CHARACTERS = ("", *"0123456789AB")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures of lines, without a list."""
    lines = tmp_path / "lines"
    lines.mkdir()
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(lines / name), np.full((16, 40, 3), 230, np.uint8))
    return lines


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exported network and its characters."""
    net = Crnn(small_shape(len(CHARACTERS)))
    path = write(registry.build(net.eval()), tmp_path_factory.mktemp("exported") / "net.onnx")
    write_characters(path.with_suffix(".txt"), CHARACTERS[1:])
    return path


def any_height(path: Path, name: str = "x") -> Path:
    """Write a graph that takes lines of any height and answers blanks."""
    ids = helper.make_node("ConstantOfShape", ["two"], ["ids"], value=helper.make_tensor("", 7, [1], [0]))
    sure = helper.make_node("ConstantOfShape", ["two"], ["confidences"])
    graph = helper.make_graph(
        [ids, sure],
        "any",
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 3, "H", "W"]),
            helper.make_tensor_value_info("lengths", TensorProto.INT32, ["N"]),
        ],
        [
            helper.make_tensor_value_info("ids", TensorProto.INT64, ["N", "T"]),
            helper.make_tensor_value_info("confidences", TensorProto.FLOAT, ["N", "T"]),
        ],
        [helper.make_tensor("two", TensorProto.INT64, [2], [1, 3])],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return path


@pytest.mark.parametrize("content", ["", "\n \n", "\ufeff"])
def test_a_list_without_pictures_is_refused(folder: Path, content: str) -> None:
    (folder / "labels.tsv").write_text(content, encoding="utf-8")
    with pytest.raises(TrainingError, match="lists no picture"):
        load_folder(folder)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("c.png\tA", r"c\.png cannot be read: No such file"),
        ("labels.tsv\tA", "no picture that can be decoded"),
        ("empty.png\tA", "no picture that can be decoded"),
        ("a.png A", "one TAB and the text"),
        ("a.png\tA\tB", "one TAB and the text"),
        ("\tA", "one TAB and the text"),
    ],
)
def test_what_is_wrong_with_a_row_is_named(folder: Path, row: str, told: str) -> None:
    (folder / "empty.png").touch()
    (folder / "labels.tsv").write_text(f"a.png\tA\n\n{row}\n", encoding="utf-8")
    with pytest.raises(TrainingError, match=rf"labels\.tsv, row 3: .*{told}"):
        read_folder(folder)


def test_a_byte_order_mark_is_no_part_of_the_first_name(folder: Path) -> None:
    (folder / "labels.tsv").write_text("a.png\t一\nb.png\t二\n", encoding="utf-8-sig")
    assert [text for _, text in read_folder(folder)] == ["一", "二"]


def test_a_list_in_another_encoding_is_named_as_such(folder: Path) -> None:
    (folder / "labels.tsv").write_bytes("a.png\t中文\n".encode("gb18030"))
    with pytest.raises(TrainingError, match="not UTF-8") as raised:
        read_folder(folder)
    assert "iconv" in raised.value.hint


def test_labels_that_the_network_cannot_read_are_counted() -> None:
    lines = LineSet("a", (), ("1２", "ab", "A龘龘", "字"))
    assert unreadable([lines], CHARACTERS) == (3, {"a": 1, "b": 1, "龘": 2, "字": 1})
    small = LineSet("a", (), ("ab", "A龘龘"), ignore_case=True)
    assert unreadable([small], CHARACTERS) == (1, {"龘": 2})


def test_evaluate_names_characters_that_the_network_lacks(
    exported: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "labels.tsv").write_text("a.png\tA1\nb.png\tA龘\n", encoding="utf-8")
    assert main(["train", "evaluate", str(exported), str(folder)]) == 0
    note, result = capsys.readouterr().out.splitlines()
    assert note.startswith("note: 1 of 2 labels hold characters that the network does not have: 龘 (U+9F98)")
    assert result.startswith("lines: 2 lines, CER")


@pytest.mark.parametrize("count", [3, len(CHARACTERS) + 4])
def test_a_list_that_is_not_the_networks_is_refused(exported: Path, tmp_path: Path, count: int) -> None:
    assert graph_classes(exported) == len(CHARACTERS)
    write_characters(tmp_path / "other.txt", [chr(0x41 + number) for number in range(count)])
    with pytest.raises(TrainingError, match=f"has 12 characters, the list has {count}"):
        graph_reader(exported, ("", *(tmp_path / "other.txt").read_text(encoding="utf-8").split()))


def test_a_class_beyond_the_list_of_characters_is_an_error(tmp_path: Path) -> None:
    path = any_height(tmp_path / "any.onnx")
    graph = onnx.load(str(path))
    graph.graph.node[0].attribute[0].t.CopyFrom(helper.make_tensor("", 7, [1], [9]))
    onnx.save(graph, str(path))
    read = graph_reader(path, CHARACTERS[:5])
    with pytest.raises(TrainingError, match="answers class 9; the list ends at 4"):
        read([np.zeros((16, 40, 3), np.uint8)])


def test_graphs_that_are_no_exports_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="it takes picture, lengths"):
        graph_reader(any_height(tmp_path / "other.onnx", "picture"), CHARACTERS)


def test_the_height_is_given_where_the_graph_takes_any(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = any_height(tmp_path / "any.onnx")
    write_characters(path.with_suffix(".txt"), CHARACTERS[1:])
    (folder / "labels.tsv").write_text("a.png\tA\n", encoding="utf-8")
    assert main(["train", "evaluate", str(path), str(folder)]) == 1
    assert "Name it with --height" in capsys.readouterr().err
    assert main(["train", "evaluate", str(path), str(folder), "--height", "24"]) == 0
    assert "CER 100.00 %" in capsys.readouterr().out


@pytest.mark.parametrize("height", [0, 48])
def test_a_height_that_the_graph_does_not_take_is_refused(exported: Path, height: int) -> None:
    assert graph_size(exported, 16) == graph_size(exported) == (16, 1.0)
    with pytest.raises(TrainingError, match=f"16 pixels, not of {height}"):
        graph_size(exported, height)


def test_measuring_a_pack_refuses_an_empty_set_before_it_reads(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from crnn_ocr.models.registry import BUNDLED

    (folder / "labels.tsv").touch()
    assert main(["train", "measure", str(BUNDLED / "ppocrv6-small"), str(folder)]) == 1
    error = capsys.readouterr().err
    assert "TRAINING_INVALID" in error
    assert "lists no picture" in error
    assert json.loads((BUNDLED / "ppocrv6-small/manifest.json").read_text(encoding="utf-8"))
