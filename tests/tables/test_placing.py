"""Placing boxes in cells is what comparing each box with each cell gives."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.tables.grid import Box
from crnn_ocr.tables.grids.assemble import assemble
from crnn_ocr.tables.grids.placing import places_of

GRID = assemble([0, 10, 25, 40], [0, 20, 30, 60], [((0, 0), (0, 1)), ((1, 2), (2, 2))], "test")
BOXES = st.lists(
    st.builds(
        lambda x, y, w, h: (float(x), float(y), float(x + w), float(y + h)),
        st.integers(-30, 90),
        st.integers(-30, 70),
        st.integers(1, 30),
        st.integers(1, 30),
    ),
    max_size=150,
)


def _shared(a: Box, b: Box) -> tuple[float, float]:
    return min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])


@given(BOXES)
def test_each_box_lies_in_the_cell_with_most_of_it_or_in_the_nearest(boxes: list[Box]) -> None:
    places = places_of(GRID, boxes)
    for box, cell, inside in zip(boxes, places.cells.tolist(), places.inside.tolist(), strict=True):
        shared = [_shared(box, other.box) for other in GRID.cells]
        areas = [max(w, 0) * max(h, 0) for w, h in shared]
        assert inside == (max(areas) > 0)
        if inside:
            assert cell == areas.index(max(areas))
        else:
            away = [max(-w, 0) + max(-h, 0) for w, h in shared]
            assert cell == away.index(min(away))
