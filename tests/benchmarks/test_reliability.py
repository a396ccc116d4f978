from __future__ import annotations

import pytest
from benchmarks.reliability import Band, Judged, bands, surest
from hypothesis import given
from hypothesis import strategies as st


def judged(confidence: float, right: bool = True) -> Judged:
    return Judged("set/file.png", "read", "truth", confidence, right)


@given(st.lists(st.builds(judged, st.floats(0, 1), st.booleans())))
def test_every_line_is_in_one_band(lines: list[Judged]) -> None:
    found = bands(lines)

    assert sum(band.count for band in found) == len(lines)
    right = sum(band.count * band.right / 100 for band in found)
    assert right == pytest.approx(sum(line.right for line in lines))


def test_a_band_begins_with_its_edge() -> None:
    found = bands([judged(0.9), judged(0.9499, right=False), judged(0.95)], (0.9, 0.95))

    assert [(band.least, band.count, band.right) for band in found] == [(0.9, 2, 50.0), (0.95, 1, 100.0)]
    assert [band.confidence for band in found] == pytest.approx([92.495, 95.0])


def test_the_surest_lines() -> None:
    lines = [judged(0.95), judged(0.99, right=False), judged(0.2)]

    assert (surest(lines, 0.95).count, surest(lines, 0.95).right) == (2, 50.0)
    assert surest(lines, 0.95).confidence == pytest.approx(97.0)
    assert surest(lines, 0.999) == Band(0.999, 0, 0.0, 0.0)
