"""On embeddings made up so that the answer is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")

from crnn_ocr.training.adaptation.graph import Correction, Head  # noqa: E402
from crnn_ocr.training.adaptation.learn import Example, LearnConfig, learn, rivals  # noqa: E402

SIZE, CLASSES = 16, 12
CONFIG = LearnConfig(steps=150, batch=16, rank=8, negatives=4, seed=1)
Floats = NDArray[np.float32]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def _world(blank: int) -> tuple[Head, Floats]:
    """A head, and what every class looks like to it, a new class (the last) among them."""
    rng = np.random.default_rng(0)
    looks = rng.normal(0, 1, (CLASSES + 1, SIZE)).astype(np.float32)
    looks /= np.linalg.norm(looks, axis=1, keepdims=True)
    looks[CLASSES] = 0.8 * looks[3 if blank != 3 else 4] + 0.6 * looks[CLASSES]  # much like a known class
    return Head(8 * looks[:CLASSES], np.zeros(CLASSES, np.float32)), looks


def _example(looks: Floats, label: list[int], blank: int, rng: np.random.Generator, head: Head) -> Example:
    rows = [looks[blank]]
    for number in label:
        rows += [looks[number], looks[blank]]
    embedding = np.stack(rows) + rng.normal(0, 0.05, (len(rows), SIZE)).astype(np.float32)
    halves = embedding.astype(np.float16)
    likely = rivals(embedding.astype(np.float32), head, blank)
    return Example(halves, halves, np.array(label, np.int64), likely, CLASSES not in label)


def _examples(head: Head, looks: Floats, blank: int, count: int, seed: int) -> list[Example]:
    rng = np.random.default_rng(seed)
    known = [n for n in range(CLASSES) if n != blank]
    labels = [rng.choice(known, int(rng.integers(1, 6))).tolist() for _ in range(count)]
    for label in labels[::2]:
        label.insert(int(rng.integers(0, len(label) + 1)), CLASSES)
    return [_example(looks, label, blank, rng, head) for label in labels]


def _read(example: Example, head: Head, correction: Correction | None, blank: int) -> list[int]:
    e = example.embedding.astype(np.float32)
    if correction is not None:
        e = e + np.maximum(e @ correction.inward + correction.offset, 0) @ correction.outward
    best = (e @ head.weight.T + head.bias).argmax(axis=1).tolist()
    return [n for at, n in enumerate(best) if n != blank and (at == 0 or best[at - 1] != n)]


@pytest.mark.parametrize("blank", [0, CLASSES - 1])
def test_a_new_class_is_learnt_and_the_old_ones_stay(blank: int) -> None:
    head, looks = _world(blank)
    examples = _examples(head, looks, blank, 120, 1)
    learnt = learn(head, 1, blank, examples, CONFIG)
    fresh = _examples(head, looks, blank, 60, 2)
    before = [_read(e, head, None, blank) == e.label.tolist() for e in fresh]
    after = [_read(e, learnt.head, learnt.correction, blank) == e.label.tolist() for e in fresh]
    assert sum(before[::2]) == 0  # lines with the new class
    assert sum(after[::2]) >= 28
    assert sum(before[1::2]) == 30  # lines without it
    assert sum(after[1::2]) == 30
    assert learnt.head.weight.shape == (CLASSES + 1, SIZE)
    low, high = learnt.reach
    assert low < min(float(e.embedding.min()) for e in examples) + 0.5
    assert high > max(float(e.embedding.max()) for e in examples) - 0.5


def test_training_starts_from_the_old_judgement() -> None:
    head, looks = _world(0)
    still = replace(CONFIG, steps=1, new_rate=0.0, old_rate=0.0, correction_rate=0.0)
    learnt = learn(head, 1, 0, _examples(head, looks, 0, 20, 1), still)
    assert np.array_equal(learnt.head.weight[:CLASSES], head.weight)
    assert not learnt.correction.outward.any()


def test_the_same_seed_gives_the_same_numbers() -> None:
    head, looks = _world(0)
    examples = _examples(head, looks, 0, 40, 1)
    short = replace(CONFIG, steps=10)
    first, second = (learn(head, 1, 0, examples, short) for _ in range(2))
    assert np.array_equal(first.head.weight, second.head.weight)
    other = learn(head, 1, 0, examples, replace(short, seed=7))
    assert not np.array_equal(first.head.weight, other.head.weight)


def test_progress_is_told_step_by_step() -> None:
    head, looks = _world(0)
    told: list[int] = []
    learn(
        head,
        0,
        0,
        _examples(head, looks, 0, 9, 1)[1::2],
        replace(CONFIG, steps=5),
        lambda n, _: told.append(n),
    )
    assert told == [1, 2, 3, 4, 5]


def test_rivals_are_what_is_likely_where_something_is_read() -> None:
    head, looks = _world(0)
    found = rivals(looks[[0, 3, 0]], head, 0, most=3)
    assert 3 in found
    assert len(found) == 3
    assert not len(rivals(looks[[0, 0]], head, 0))
