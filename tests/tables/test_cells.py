"""Lines go into cells: none is lost, none doubled, those across borders are divided between words."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.document import Line
from crnn_ocr.tables.cells import cut, fill
from crnn_ocr.tables.grids.assemble import assemble
from tests.tables.pages import line_at

GRID = assemble([0, 30, 60], [0, 100, 200, 300], [((0, 0), (0, 1))], "test")


def test_a_line_across_a_border_is_divided_there() -> None:
    table = fill(GRID, [line_at("left right", 40, 35)])
    assert [cell.text for cell in table.cells] == ["", "", "left", "right", ""]
    left, right = (cell.lines[0] for cell in table.cells if cell.lines)
    assert left.polygon[1][0] == 80
    assert right.polygon[0][0] == 90


def test_a_line_without_characters_is_divided_in_proportion() -> None:
    line = replace(line_at("left right", 40, 35), chars=())
    table = fill(GRID, [line])
    assert [cell.text for cell in table.cells] == ["", "", "left", "right", ""]
    assert table.cells[2].lines[0].polygon[1][0] == pytest.approx(80)


def test_a_line_in_a_spanning_cell_stays_whole() -> None:
    line = line_at("one two three four", 5, 5)
    assert fill(GRID, [line]).cells[0].lines == (line,)


def test_lines_of_a_cell_are_in_reading_order_and_cells_without_text_are_kept() -> None:
    lines = [line_at("c", 110, 45), line_at("b", 150, 31), line_at("a", 110, 30)]
    table = fill(GRID, lines)
    assert table.cells[3].text == "a\nb\nc"
    assert len(table.cells) == 5


def test_a_part_is_as_certain_as_its_characters() -> None:
    part = cut(line_at("ab cd", 0, 0), 3, 5)
    assert part.text == "cd"
    assert part.confidence == pytest.approx(0.99**2)
    assert "".join(char.text for char in part.chars) == "cd"


LINES = st.lists(
    st.builds(
        lambda text, x, y, chars: line_at(text, x, y) if chars else replace(line_at(text, x, y), chars=()),
        st.text("ab1 表", min_size=1, max_size=12),
        st.floats(-20, 320),
        st.floats(-20, 80),
        st.booleans(),
    ),
    max_size=8,
)


@given(LINES)
def test_every_character_stands_in_one_cell(lines: list[Line]) -> None:
    table = fill(GRID, lines)

    def count(some: list[Line] | tuple[Line, ...]) -> Counter[str]:
        return Counter("".join(line.text for line in some).replace(" ", ""))

    assert count(table.lines) == count(lines)
    assert (table.rows, table.cols) == (GRID.rows, GRID.cols)
