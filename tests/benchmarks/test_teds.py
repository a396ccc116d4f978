"""TEDS: known distances, and the laws of a likeness."""

from __future__ import annotations

import pytest
from benchmarks.teds import table_html, teds
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.document import Cell, Line, Polygon, Table

BOX: Polygon = ((0, 0), (1, 0), (1, 1), (0, 1))


def _html(rows: list[list[str]]) -> str:
    return (
        "<table>" + "".join(f"<tr>{''.join(f'<td>{c}</td>' for c in row)}</tr>" for row in rows) + "</table>"
    )


TABLES = st.lists(st.lists(st.text("ab1", max_size=3), max_size=4), max_size=4).map(_html)


def test_the_same_table_in_other_markup_is_the_same() -> None:
    plain = "<table><tr><td>A B</td><td>&lt;2</td></tr><tr><td>１</td><td></td></tr></table>"
    rich = (
        "<html><body><table><thead><tr><th><b>A</b>B</th><th>&lt; 2</th></tr></thead>"
        "<tbody><tr><td>1</td><td> </td></tr></tbody></table></body></html>"
    )
    assert teds(plain, rich) == 1.0


def test_a_missing_cell_costs_one_node() -> None:
    # Two rows and four cells are six nodes; one of them is missing.
    assert teds(_html([["a", "b"], ["c", "d"]]), _html([["a", "b"], ["c"]])) == pytest.approx(5 / 6)


def test_a_missing_row_costs_its_cells_too() -> None:
    assert teds(_html([["a", "b"], ["c", "d"]]), _html([["c", "d"]])) == pytest.approx(3 / 6)


def test_wrong_text_costs_its_share_of_a_cell_and_nothing_of_the_structure() -> None:
    a, b = _html([["abcd", "x"]]), _html([["abcx", "x"]])
    assert teds(a, b) == pytest.approx(1 - 0.25 / 3)
    assert teds(a, b, structure_only=True) == 1.0


def test_a_wrong_span_costs_one_node() -> None:
    a = '<table><tr><td colspan="2">a</td></tr><tr><td>b</td><td>c</td></tr></table>'
    b = "<table><tr><td>a</td></tr><tr><td>b</td><td>c</td></tr></table>"
    assert teds(a, b) == teds(a, b, structure_only=True) == pytest.approx(4 / 5)


def test_no_table_is_an_empty_table() -> None:
    assert teds("", "<p>text</p>") == 1.0
    assert teds("", _html([["a"]])) == 0.0


@given(TABLES, TABLES)
def test_likeness_has_bounds_and_no_direction(a: str, b: str) -> None:
    assert 0.0 <= teds(a, b) <= 1.0
    assert teds(a, b) == pytest.approx(teds(b, a))
    assert teds(a, b) <= teds(a, b, structure_only=True) + 1e-12
    assert teds(a, a) == 1.0


@given(TABLES, TABLES)
def test_distance_is_the_least_over_all_alignments(a: str, b: str) -> None:
    """Tables whose cells all differ in kind from rows: compare with a search over alignments of rows."""
    assert teds(a, b, structure_only=True) >= _by_rows(a, b) - 1e-9


def _by_rows(a: str, b: str) -> float:
    """Return the likeness in structure if rows go to rows and cells to cells, by dynamic programming."""
    rows = [[row.count("<td>") for row in text.split("<tr>")[1:]] for text in (a, b)]
    cost = [[float(0)] * (len(rows[1]) + 1) for _ in range(len(rows[0]) + 1)]
    for i in range(len(rows[0]) + 1):
        for j in range(len(rows[1]) + 1):
            options = [0.0] if not i and not j else []
            if i:
                options.append(cost[i - 1][j] + 1 + rows[0][i - 1])
            if j:
                options.append(cost[i][j - 1] + 1 + rows[1][j - 1])
            if i and j:
                options.append(cost[i - 1][j - 1] + abs(rows[0][i - 1] - rows[1][j - 1]))
            cost[i][j] = min(options)
    larger = max(sum(1 + n for n in side) for side in rows)
    return max(0.0, 1 - cost[-1][-1] / larger) if larger else 1.0


def test_a_table_is_written_with_its_spans_and_empty_cells() -> None:
    line = Line("a<b", 1.0, BOX)
    cells = (Cell(0, 0, 1, 2, (line,), BOX), Cell(1, 0, 1, 1, (), BOX), Cell(1, 1, 1, 1, (line, line), BOX))
    assert table_html(Table(2, 2, cells)) == (
        '<table><tr><td colspan="2">a&lt;b</td></tr><tr><td></td><td>a&lt;b\na&lt;b</td></tr></table>'
    )
