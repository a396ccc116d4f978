from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from crnn_ocr.models.calibration import Calibration, CharacterCalibration, LineCalibration
from crnn_ocr.recognition.network import confidence
from crnn_ocr.recognition.network.confidence import Evidence
from crnn_ocr.recognition.network.ctc import Frames, decode

weights = st.floats(0, 20)
biases = st.floats(-50, 50)
shares = st.floats(0, 1)
calibrations = st.builds(
    Calibration,
    line=st.builds(LineCalibration, bias=biases, characters=weights, between=weights, gap=weights),
    character=st.builds(CharacterCalibration, bias=biases, weight=weights),
    ceiling=st.floats(0.5, 1.0, exclude_min=True),
)
evidences = st.builds(
    Evidence, characters=st.floats(1e-5, 1e4), between=st.floats(0, 1e4), gap=st.floats(0, 100)
)
PLAIN = Calibration(
    line=LineCalibration(bias=0.0, characters=1.0, between=0.3, gap=0.6),
    character=CharacterCalibration(bias=0.0, weight=1.0),
)


def frames_of(ids: list[int], shares: list[float]) -> Frames:
    return Frames(np.array(ids, np.int64), np.array(shares, np.float32))


def evidence_of(ids: list[int], shares: list[float]) -> Evidence:
    frames = frames_of(ids, shares)
    return confidence.gather(frames, decode(frames), blank=0, frame_width=0.25)


@given(calibrations, evidences)
def test_confidences_are_probabilities(calibration: Calibration, evidence: Evidence) -> None:
    assert 0 <= confidence.line_confidence(calibration, evidence) <= calibration.ceiling


@given(calibrations, evidences, st.floats(0, 1e4), st.sampled_from(["characters", "between", "gap"]))
def test_more_doubt_never_raises_a_line(
    calibration: Calibration, evidence: Evidence, more: float, field: str
) -> None:
    worse = replace(evidence, **{field: getattr(evidence, field) + more})

    assert confidence.line_confidence(calibration, worse) <= confidence.line_confidence(calibration, evidence)


@given(calibrations, shares, shares)
def test_a_surer_network_never_lowers_a_character(calibration: Calibration, one: float, two: float) -> None:
    low, high = (confidence.character_confidence(calibration, share) for share in sorted((one, two)))

    assert 0 <= low <= high <= calibration.ceiling


@given(
    calibrations,
    st.lists(st.tuples(st.integers(0, 3), shares), min_size=1, max_size=30).filter(
        lambda frames: any(number for number, _ in frames)
    ),
    st.data(),
)
def test_a_surer_time_step_never_lowers_a_line(
    calibration: Calibration, steps: list[tuple[int, float]], data: st.DataObject
) -> None:
    ids, sure = map(list, zip(*steps, strict=True))
    at = data.draw(st.integers(0, len(ids) - 1))
    surer = [*sure[:at], data.draw(st.floats(sure[at], 1)), *sure[at + 1 :]]

    before = confidence.line_confidence(calibration, evidence_of(ids, sure))
    assert confidence.line_confidence(calibration, evidence_of(ids, surer)) >= before - 1e-9


def test_evidence_adds_up_what_the_network_doubts() -> None:
    #          two blanks, a, blank, a blank that touches none, blank, b, b, three blanks
    found = evidence_of([0, 0, 5, 0, 0, 0, 6, 6, 0, 0, 0], [1, 1, 0.5, 1, 0.25, 1, 0.75, 0.5, 1, 1, 0.5])

    assert found.characters == pytest.approx(-math.log(0.5 * 0.75) + 2 * confidence.LEAST_SURPRISE)
    assert found.between == pytest.approx(-math.log(0.25 * 0.5))
    assert found.gap == 3 * 0.25


def test_a_blank_beside_a_character_is_no_evidence() -> None:
    """Check blanks next to a character, which only show that its end is uncertain."""
    assert evidence_of([0, 5, 0], [0.4, 1, 0.3]).between == 0


def test_the_ends_of_a_line_are_gaps_too() -> None:
    assert evidence_of([5, 0, 6, 0, 0, 0, 0, 0], [1] * 8).gap == 5 * 0.25
    assert evidence_of([0, 0, 0, 0, 5, 0, 6], [1] * 7).gap == 4 * 0.25


def test_white_space_is_a_gap() -> None:
    frames = frames_of([5, 0, 7, 0, 6], [1.0] * 5)
    visible = [token for token in decode(frames) if token.index != 7]

    assert confidence.gather(frames, visible, blank=0, frame_width=1.0).gap == 3


def test_the_formula() -> None:
    evidence = Evidence(characters=0.02, between=0.5, gap=1.2)
    odds = math.exp(-math.log(0.02) - 0.3 * math.log(0.51) - 0.6 * math.log(1.2))

    assert confidence.line_confidence(PLAIN, evidence) == pytest.approx(odds / (1 + odds))
    assert confidence.character_confidence(PLAIN, math.exp(-1)) == pytest.approx(0.5, abs=1e-5)


def test_nothing_is_surer_than_the_ceiling() -> None:
    limited = PLAIN.model_copy(update={"ceiling": 0.9})

    assert confidence.line_confidence(limited, Evidence(1e-5, 0.0, 0.0)) == 0.9
    assert confidence.character_confidence(limited, 1.0) == 0.9


@pytest.mark.parametrize(
    "wrong", [{"characters": -0.1}, {"between": -1}, {"gap": math.nan}, {"bias": math.inf}, {"length": 1}]
)
def test_maps_that_are_not_monotone_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        LineCalibration.model_validate({"bias": 0.0, "characters": 1, "between": 1, "gap": 1} | wrong)
