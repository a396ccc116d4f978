from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from crnn_ocr.errors import TrainingError  # noqa: E402
from crnn_ocr.runtime.onnx import Session  # noqa: E402
from crnn_ocr.training.data.batches import BatchMaker, LoaderConfig, TeacherFiles  # noqa: E402
from crnn_ocr.training.deliver.quantize import quantize  # noqa: E402
from crnn_ocr.training.nets import registry  # noqa: E402
from crnn_ocr.training.nets.crnn import Crnn, NetConfig  # noqa: E402
from crnn_ocr.training.nets.edge import EdgeConfig  # noqa: E402
from crnn_ocr.training.nets.export import write  # noqa: E402
from crnn_ocr.training.nets.teacher import Teacher, agrees, read_dictionary  # noqa: E402
from crnn_ocr.training.text.charset import write_characters  # noqa: E402
from tests.training.plates import CHARACTERS, Plates  # noqa: E402


@pytest.fixture
def quantised(shape: NetConfig, tmp_path: Path) -> tuple[Path, Path]:
    """A network of this project in float and in INT8; its characters lie beside each."""
    torch.manual_seed(4)
    net = Crnn(replace(shape, height=48, stride=8)).eval()
    whole = write(registry.build(net), tmp_path / "whole.onnx")
    lines = [np.ascontiguousarray(image) for image in _images([64, 96, 160], 160)]
    small = quantize(whole, tmp_path / "small.onnx", lines)
    for path in (whole, small):
        write_characters(path.with_suffix(".txt"), CHARACTERS[1:])
    return whole, small


@pytest.fixture
def dictionary(tmp_path: Path) -> Path:
    path = tmp_path / "rec.txt"
    path.write_text("".join(f"{c}\n" for c in CHARACTERS[1:-1]), encoding="utf-8")
    return path


def _images(widths: list[int], width: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (len(widths), 48, width, 3)).astype(np.uint8)


def test_a_dictionary_has_blank_first_and_space_last(dictionary: Path, tmp_path: Path) -> None:
    assert read_dictionary(dictionary) == CHARACTERS
    with pytest.raises(TrainingError, match="cannot be read"):
        read_dictionary(tmp_path / "none.txt")


def test_the_teachers_embedding_and_head_give_its_own_answer(recogniser: Path, dictionary: Path) -> None:
    teacher = Teacher(recogniser, dictionary)
    images = _images([64, 40], 64)
    embedded = teacher.embed(images, [64, 40])
    logits = embedded @ teacher.head.weight.T + teacher.head.bias
    x = images.astype(np.float32).transpose(0, 3, 1, 2) / 127.5 - 1
    x[1, :, :, 40:] = 0
    (wanted,) = Session(recogniser).run({"x": x.astype(np.float32)})
    shares = np.exp(logits - logits.max(2, keepdims=True))
    np.testing.assert_allclose(shares / shares.sum(2, keepdims=True), wanted, atol=1e-5)
    best = [0, *wanted[0].argmax(1).tolist()]
    merged = "".join(CHARACTERS[b] for a, b in itertools.pairwise(best) if b != a)
    assert teacher.read(embedded[0]) == merged


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_an_int8_teacher_is_close_to_its_float_form(quantised: tuple[Path, Path]) -> None:
    whole, small = (Teacher(path, path.with_suffix(".txt")) for path in quantised)
    assert small.head.characters == whole.head.characters == CHARACTERS
    images = _images([64, 40], 64)
    logits = [
        teacher.embed(images, [64, 40]) @ teacher.head.weight.T + teacher.head.bias
        for teacher in (whole, small)
    ]
    assert logits[0].shape == (2, 8, len(CHARACTERS))
    np.testing.assert_allclose(logits[1], logits[0], atol=0.05 * float(np.ptp(logits[0])))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_an_int8_teacher_feeds_the_loader(quantised: tuple[Path, Path]) -> None:
    files = TeacherFiles(quantised[1], quantised[1].with_suffix(".txt"))
    batch = next(BatchMaker(_Tall(1), CHARACTERS, LoaderConfig(pool=8), files, seed=0).batches())
    assert batch.teacher is not None
    assert batch.teacher.shape[2] == 24


def test_a_network_with_a_gate_cannot_teach(tmp_path: Path) -> None:
    config = EdgeConfig(len(CHARACTERS), stem=8, widths=(8, 16, 16), neck=16, hidden=8, embed=8)
    edge = write(registry.build(registry.make(config).eval()), tmp_path / "edge.onnx")
    write_characters(tmp_path / "edge.txt", CHARACTERS[1:])
    with pytest.raises(TrainingError, match="gate"):
        Teacher(edge, tmp_path / "edge.txt")


def test_agreement_is_about_text_not_width_or_spaces() -> None:
    assert agrees("Ａ B", "AB")
    assert not agrees("AB", "Ab")


def test_a_dictionary_of_another_model_is_refused(recogniser: Path, dictionary: Path) -> None:
    dictionary.write_text("a\nb\n", encoding="utf-8")
    with pytest.raises(TrainingError, match="classes"):
        Teacher(recogniser, dictionary)
    recogniser.write_bytes(b"no graph")
    with pytest.raises(TrainingError, match="loaded"):
        Teacher(recogniser, dictionary)


def test_the_loader_marks_lines_that_the_teacher_misreads(recogniser: Path, dictionary: Path) -> None:
    files = TeacherFiles(recogniser, dictionary, np.zeros(6, np.float32), 2.0, distrust=0.25)
    maker = BatchMaker(_Tall(1), CHARACTERS, LoaderConfig(pool=8, batch_lines=8), files, 0)
    batch = next(maker.batches())
    assert batch.teacher is not None
    assert batch.teacher.shape == (len(batch.widths), batch.images.shape[2] // 8, 6)
    assert (batch.trust == 0.25).all()


class _Tall(Plates):
    """The plates at the recognisers' height."""

    def sample(self) -> tuple[np.ndarray, str]:
        image, text = super().sample()
        return np.ascontiguousarray(image.repeat(3, axis=0).repeat(3, axis=1)), text
