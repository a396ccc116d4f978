from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from crnn_ocr.training.losses import ClassSampler, ctc_loss, distillation_loss  # noqa: E402

LABELS = torch.tensor([3, 3, 7, 2, 9, 4])
LENGTHS = torch.tensor([2, 3, 1])
STEPS = torch.tensor([9, 12, 5])


def _problem(classes: int) -> tuple[Tensor, nn.Linear]:
    torch.manual_seed(3)
    return torch.randn(3, 12, 6, requires_grad=True), nn.Linear(6, classes)


def _full(embedded: Tensor, head: nn.Linear) -> Tensor:
    scores = head(embedded).log_softmax(2).transpose(0, 1)
    return functional.ctc_loss(scores, LABELS, STEPS, LENGTHS, reduction="sum") / LENGTHS.sum()


def test_sampled_ctc_is_ctc_when_every_class_is_sampled() -> None:
    embedded, head = _problem(40)
    sample = ClassSampler(40, negatives=1000).sample(LABELS)
    assert len(sample.classes) == 40
    assert torch.all(sample.log_weight == 0)
    sampled = ctc_loss(embedded, head, sample, STEPS, LENGTHS)
    torch.testing.assert_close(sampled, _full(embedded, head))
    (own,) = torch.autograd.grad(sampled, embedded, retain_graph=True)
    (wanted,) = torch.autograd.grad(_full(embedded, head), embedded)
    torch.testing.assert_close(own, wanted)


def test_sampled_ctc_estimates_ctc_without_bias_worth_mentioning() -> None:
    embedded, head = _problem(2000)
    sampler = ClassSampler(2000, negatives=300, seed=1)
    drawn = torch.stack([ctc_loss(embedded, head, sampler.sample(LABELS), STEPS, LENGTHS) for _ in range(40)])
    full = _full(embedded, head)
    assert abs((drawn.mean() / full).item() - 1) < 0.01
    uncorrected = ClassSampler(2000, negatives=300, seed=1).sample(LABELS)
    uncorrected.log_weight.zero_()
    assert ctc_loss(embedded, head, uncorrected, STEPS, LENGTHS).item() < 0.9 * full.item()


def test_blank_and_labels_are_always_among_the_classes() -> None:
    sample = ClassSampler(500, negatives=10, seed=5).sample(LABELS)
    assert int(sample.classes[0]) == 0
    assert torch.equal(sample.classes[sample.labels], LABELS)
    assert len(sample.classes) == len(torch.unique(sample.classes)) == 1 + 5 + 10


def test_look_alikes_are_sampled_for_certain() -> None:
    head = nn.Linear(6, 50)
    with torch.no_grad():
        head.weight[31] = head.weight[7] * 1.5
    sampler = ClassSampler(50, negatives=0, neighbours=1)
    sampler.refresh(head)
    assert 31 in sampler.sample(LABELS).classes


def test_a_line_too_narrow_for_its_label_counts_nothing() -> None:
    embedded, head = _problem(20)
    sample = ClassSampler(20, negatives=20).sample(LABELS)
    narrow = ctc_loss(embedded, head, sample, torch.tensor([9, 12, 0]), LENGTHS)
    assert torch.isfinite(narrow)


def test_distillation_ignores_padding_and_distrusted_lines() -> None:
    torch.manual_seed(0)
    teacher = torch.randn(2, 6, 4)
    own = torch.cat([teacher, torch.randn(2, 6, 3)], dim=2)
    steps = torch.tensor([6, 3])
    assert float(distillation_loss(own, teacher, steps, torch.ones(2), 1.0)) == 0
    own[1, 3:] += 100
    assert float(distillation_loss(own, teacher, steps, torch.ones(2), 1.0)) == 0
    own[0] += 1
    assert float(distillation_loss(own, teacher, steps, torch.tensor([0.0, 1.0]), 1.0)) == 0
    assert float(distillation_loss(own, teacher, steps, torch.tensor([1.0, 0.0]), 2.0)) == pytest.approx(0.5)


def test_distillation_averages_the_steps_of_a_finer_student() -> None:
    teacher = torch.randn(1, 4, 3)
    own = teacher.repeat_interleave(2, dim=1) + torch.tensor([1.0, -1.0]).repeat(4)[None, :, None]
    assert float(distillation_loss(own, teacher, torch.tensor([8]), torch.ones(1), 1.0)) < 1e-10
