"""Regions that are one line."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.document import Polygon
from crnn_ocr.recognition.lines.line_joining import join_lines, join_regions
from crnn_ocr.recognition.lines.regions import ReadRegion
from crnn_ocr.recognition.network.recognizer import ReadChar, Reading


def region(left: float, width: float, text: str, confidence: float = 0.9, angle: float = 0.0) -> ReadRegion:
    cosine, sine = math.cos(angle), math.sin(angle)
    corners = [(left, 20.0), (left + width, 20.0), (left + width, 50.0), (left, 50.0)]
    a, b, c, d = ((x * cosine - y * sine, x * sine + y * cosine) for x, y in corners)
    polygon: Polygon = (a, b, c, d)
    chars = tuple(
        ReadChar(char, confidence, i / len(text), (i + 1) / len(text)) for i, char in enumerate(text)
    )
    return ReadRegion(polygon, Reading(text, confidence, chars))


@pytest.mark.parametrize("angle", [0.0, 0.1, -0.3])
def test_a_line_keeps_its_characters_places(angle: float) -> None:
    line = join_regions([region(10, 30, "项", 0.9, angle), region(100, 60, "目：", 0.8, angle)]).line()

    assert line.text == "项 目："
    assert "".join(char.text for char in line.chars) == line.text
    assert line.confidence == pytest.approx(0.72)
    whole = region(10, 150, "四", angle=angle).polygon
    assert [value for corner in line.polygon for value in corner] == pytest.approx(
        [value for corner in whole for value in corner]
    )
    for char, (left, width) in zip(line.chars, [(10, 30), (40, 60), (100, 30), (130, 30)], strict=True):
        wanted = region(left, width, "四", angle=angle).polygon
        assert [value for corner in char.polygon for value in corner] == pytest.approx(
            [value for corner in wanted for value in corner]
        )


def test_a_single_characters_wide_region_is_shortened() -> None:
    item, blank, title = join_regions([region(10, 110, "项"), region(30, 30, "目")]).reading.chars

    assert (item.text, blank.text, title.text) == ("项", " ", "目")
    assert item.start < item.end <= blank.start <= blank.end <= title.start


def test_groups_take_the_place_of_their_first_region() -> None:
    found = [region(300, 30, "丙"), region(10, 30, "项"), region(500, 30, "丁"), region(100, 60, "目：")]

    assert [entry.reading.text for entry in join_lines(found, [(1, 3)])] == ["丙", "项 目：", "丁"]
    assert join_lines(found, []) == found


@given(
    st.lists(
        st.tuples(st.floats(0, 400), st.floats(1, 200), st.sampled_from(["项", "目：x", "a b"])), min_size=2
    )
)
def test_characters_never_run_backwards(places: list[tuple[float, float, str]]) -> None:
    line = join_regions([region(left, width, text) for left, width, text in sorted(places)])

    assert "".join(char.text for char in line.reading.chars) == line.reading.text
    assert all(-1e-6 <= char.start <= char.end + 1e-6 <= 1 + 1e-5 for char in line.reading.chars)
