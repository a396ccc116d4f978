from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from crnn_ocr.errors import TrainingError  # noqa: E402
from crnn_ocr.training.nets.distil import TeacherRows  # noqa: E402
from crnn_ocr.training.nets.losses import ClassSampler  # noqa: E402
from crnn_ocr.training.nets.teacher import TeacherHead  # noqa: E402
from tests.training.plates import CHARACTERS  # noqa: E402


def test_the_head_starts_as_the_teachers() -> None:
    trainer_head = torch.nn.Linear(8, len(CHARACTERS))
    rng = np.random.default_rng(0)
    known = ("", "B", "A")
    teacher = TeacherHead(known, rng.normal(size=(3, 5)).astype(np.float32), np.array([1, 2, 3], np.float32))
    mean, std = rng.normal(size=5).astype(np.float32), 4.0
    TeacherRows(teacher, CHARACTERS, {"mean": mean.tolist(), "std": std}).start(trainer_head)
    embedding = rng.normal(size=5).astype(np.float32)
    student = torch.zeros(8)
    student[:5] = torch.from_numpy((embedding - mean) / std)
    student[5:] = 9.0
    logits = trainer_head(student).detach().numpy()
    wanted = teacher.weight @ embedding + teacher.bias
    for row, text in enumerate(known):
        assert logits[CHARACTERS.index(text)] == pytest.approx(wanted[row], abs=1e-3)


def test_the_teachers_shares_are_its_own_soft_max() -> None:
    rng = np.random.default_rng(1)
    known = ("", "B", "A", "7")
    weight = rng.normal(size=(4, 5)).astype(np.float32)
    teacher = TeacherHead(known, weight, np.array([1, 2, 3, 0], np.float32))
    mean, std = rng.normal(size=5).astype(np.float32), 2.0
    rows = TeacherRows(teacher, CHARACTERS, {"mean": mean.tolist(), "std": std})
    sample = ClassSampler(len(CHARACTERS), negatives=100).sample(torch.tensor([CHARACTERS.index("7")]))
    embedding = rng.normal(size=(1, 3, 5)).astype(np.float32)
    shares = rows.shares(torch.from_numpy((embedding - mean) / std), sample).exp()
    logits = torch.from_numpy(embedding @ teacher.weight.T + teacher.bias)
    places = [sample.classes.tolist().index(CHARACTERS.index(text)) for text in known]
    torch.testing.assert_close(shares[:, :, places], logits.softmax(2), atol=1e-5, rtol=1e-4)
    assert torch.isfinite(shares.log().clamp(min=-1e5)).all()


def test_a_teacher_with_a_larger_embedding_is_refused() -> None:
    teacher = TeacherHead(("", "A"), np.zeros((2, 9), np.float32), np.zeros(2, np.float32))
    with pytest.raises(TrainingError, match="9 numbers"):
        TeacherRows(teacher, CHARACTERS, {}).start(torch.nn.Linear(8, len(CHARACTERS)))
