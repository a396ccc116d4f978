from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from crnn_ocr.training.nets.losses import (  # noqa: E402
    ClassSample,
    ClassSampler,
    ctc_loss,
    distillation_loss,
    gated_shares,
    line_weights,
    posterior_loss,
    sampled_shares,
)

LABELS = torch.tensor([3, 3, 7, 2, 9, 4])
LENGTHS = torch.tensor([2, 3, 1])
STEPS = torch.tensor([9, 12, 5])


def _problem(classes: int) -> tuple[Tensor, nn.Linear]:
    torch.manual_seed(3)
    return torch.randn(3, 12, 6, requires_grad=True), nn.Linear(6, classes)


def _loss(embedded: Tensor, head: nn.Linear, sample: ClassSample, steps: Tensor = STEPS) -> Tensor:
    return ctc_loss(sampled_shares(embedded, head, sample), sample, steps, LENGTHS)


def _full(embedded: Tensor, head: nn.Linear) -> Tensor:
    scores = head(embedded).log_softmax(2).transpose(0, 1)
    return functional.ctc_loss(scores, LABELS, STEPS, LENGTHS, reduction="sum") / LENGTHS.sum()


def test_sampled_ctc_is_ctc_when_every_class_is_sampled() -> None:
    embedded, head = _problem(40)
    sample = ClassSampler(40, negatives=1000).sample(LABELS)
    assert len(sample.classes) == 40
    assert torch.all(sample.log_weight == 0)
    sampled = _loss(embedded, head, sample)
    torch.testing.assert_close(sampled, _full(embedded, head))
    (own,) = torch.autograd.grad(sampled, embedded, retain_graph=True)
    (wanted,) = torch.autograd.grad(_full(embedded, head), embedded)
    torch.testing.assert_close(own, wanted)


def test_lines_that_stand_out_count_as_if_they_did_not() -> None:
    losses, lengths = torch.tensor([0.1, 2.0, 60.0, 0.3, 9.0]), torch.tensor([10, 10, 10, 5, 10])
    weights = line_weights(losses, lengths)
    mean = 71.4 / 45
    torch.testing.assert_close(weights, torch.tensor([1.0, 1.0, 3 * mean / 6.0, 1.0, 1.0]))
    quiet = line_weights(torch.tensor([0.1, 2.0, 25.0] + [0.0] * 20), torch.full((23,), 10))
    torch.testing.assert_close(quiet[:3], torch.tensor([1.0, 1.0, 1 / 2.5]))  # a nat per character is legible


def test_one_error_in_a_short_line_counts_in_full() -> None:
    lengths = torch.tensor([1, 2, 12] + [10] * 20)
    weights = line_weights(torch.tensor([4.0, 4.0, 40.0] + [0.0] * 20), lengths)
    torch.testing.assert_close(weights[:3], torch.tensor([1.0, 1.0, 12 / 40]))


def test_early_in_training_when_all_lines_are_bad_all_count() -> None:
    assert torch.all(line_weights(torch.tensor([60.0, 80.0, 100.0]), torch.tensor([10, 10, 10])) == 1.0)


def test_a_line_that_stands_out_pulls_less_at_the_network() -> None:
    lines = 80
    steps, lengths = torch.full((lines,), 4), torch.ones(lines, dtype=torch.int64)
    sample = ClassSampler(40, negatives=1000).sample(torch.full((lines,), 3))
    shares = torch.full((lines, 4, 40), -15.0)  # positions: the blank, the character, others
    shares[:, 0, 1] = shares[:, 1:, 0] = 0.0
    shares[-1] = -15.0
    shares[-1, :, 9] = 0.0  # the last line is read as something else, and surely
    shares.requires_grad_()
    pulls = {}
    for capped in (False, True):
        loss = ctc_loss(shares, sample, steps, lengths, capped=capped)
        (pulls[capped],) = torch.autograd.grad(loss, shares)
    torch.testing.assert_close(pulls[True][:-1], pulls[False][:-1])
    assert 0 < pulls[True][-1].abs().sum() < 0.6 * pulls[False][-1].abs().sum()


def test_sampled_ctc_is_a_nearly_unbiased_estimate() -> None:
    embedded, head = _problem(2000)
    sampler = ClassSampler(2000, negatives=300, seed=1)
    drawn = torch.stack([_loss(embedded, head, sampler.sample(LABELS)) for _ in range(40)])
    full = _full(embedded, head)
    assert abs((drawn.mean() / full).item() - 1) < 0.01
    uncorrected = ClassSampler(2000, negatives=300, seed=1).sample(LABELS)
    uncorrected.log_weight.zero_()
    assert _loss(embedded, head, uncorrected).item() < 0.9 * full.item()


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
    narrow = _loss(embedded, head, sample, torch.tensor([9, 12, 0]))
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


def test_a_gate_decides_on_the_blank_before_the_head() -> None:
    torch.manual_seed(1)
    logits, gate = torch.randn(2, 5, 7), torch.randn(2, 5, 1)
    shares = gated_shares(logits, gate).exp()
    torch.testing.assert_close(shares.sum(2), torch.ones(2, 5))
    torch.testing.assert_close(shares[:, :, :1], gate.sigmoid())
    ratios = (logits[:, :, 1:] - logits[:, :, 1:2]).exp()
    torch.testing.assert_close(shares[:, :, 1:] / shares[:, :, 1:2], ratios)


def test_an_embedding_with_one_number_more_has_a_gate() -> None:
    embedded, head = _problem(40)
    gate = torch.randn(3, 12, 1)
    sample = ClassSampler(40, negatives=1000).sample(LABELS)
    shares = sampled_shares(torch.cat([embedded, gate], dim=2), head, sample)
    torch.testing.assert_close(shares, gated_shares(head(embedded)[:, :, sample.classes], gate))


def test_the_posterior_loss_is_zero_at_the_teachers_answer() -> None:
    torch.manual_seed(2)
    teacher = torch.randn(3, 12, 9).log_softmax(2)
    trust = torch.tensor([1.0, 0.0, 0.5])
    assert float(posterior_loss(teacher, teacher, STEPS, trust, LENGTHS)) == pytest.approx(0.0, abs=1e-6)
    other = teacher.clone()
    other[1] = torch.randn(12, 9).log_softmax(1)  # a line that is not trusted
    other[0, 9:] = torch.randn(3, 9).log_softmax(1)  # behind the end of a line
    assert float(posterior_loss(other, teacher, STEPS, trust, LENGTHS)) == pytest.approx(0.0, abs=1e-6)
    other[2, 0] = torch.randn(9).log_softmax(0)
    step = functional.kl_div(other[2, 0], teacher[2, 0], reduction="sum", log_target=True)
    found = posterior_loss(other, teacher, STEPS, trust, LENGTHS)
    assert float(found) == pytest.approx(0.5 * float(step) / (2 + 0.5 * 1), rel=1e-4)


def test_steps_can_count_less_for_the_embedding() -> None:
    teacher, own = torch.zeros(1, 4, 3), torch.zeros(1, 4, 3)
    own[0, 1] = 2.0
    steps, trust = torch.tensor([4]), torch.ones(1)
    assert float(distillation_loss(own, teacher, steps, trust, 1.0)) == pytest.approx(1.0)
    weight = torch.tensor([[1.0, 0.5, 1.0, 1.0]])
    assert float(distillation_loss(own, teacher, steps, trust, 1.0, weight)) == pytest.approx(2.0 / 3.5)
