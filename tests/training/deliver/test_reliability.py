"""What a pack's card tells of its confidences."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("matplotlib", reason="needs the extra `train`")

from crnn_ocr.training.deliver import reliability
from crnn_ocr.training.deliver.reliability import Measured

NOTHING = Measured(np.empty(0), np.empty(0, np.bool_))


def measured(count: int = 200) -> Measured:
    rng = np.random.default_rng(1)
    confidences = rng.random(count)
    return Measured(confidences, rng.random(count) < confidences)


@pytest.mark.parametrize("others", [{}, {"lines_real": measured()}])
def test_a_check_set_without_readings_is_listed_and_not_drawn(
    tmp_path: Path, others: dict[str, Measured]
) -> None:
    checks = {"lines_blank": NOTHING, **others}
    picture = reliability.plot(tmp_path / "reliability.png", measured(), measured(), checks)
    assert picture.read_bytes().startswith(b"\x89PNG")
    text = reliability.section(measured(), measured(), measured(), checks, ["a"])
    head = next(row for row in text.splitlines() if row.startswith("| lines"))
    blank = next(row for row in text.splitlines() if row.startswith("| lines_blank"))
    assert blank == "| lines_blank | 0 | none | none | none | none | none |"
    assert blank.count("|") == head.count("|")
    assert "nan" not in text
