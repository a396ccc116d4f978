"""Lines that go on with the text of an item belong to its row; rows with empty cells stay rows."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crnn_ocr.tables.find import find_tables
from tests.tables.pages import Sheet
from tests.tables.test_several import rows_of

HEAD = ["Pos.", "Description", "Count", "Price"]
XS = [60, 160, 520, 660]
MORE = ["for-each-unit", "Service:ABC_office", "01.05.14-31.05.14", "see-terms"]


def sheet_of(rows: Sequence[Sequence[str]], pitches: Sequence[int], xs: Sequence[int] = XS) -> Sheet:
    """Return a table with rules around its head and below; each row stands its pitch below the one above."""
    sheet = Sheet(height=1200)
    sheet.rule(50, 60, 800, 60)
    sheet.rows(rows[:1], xs, 70, 30)
    sheet.rule(50, 100, 800, 100)
    top = 80
    for row, pitch in zip(rows[1:], pitches, strict=True):
        top += pitch
        sheet.rows([row], xs, top, 30)
    sheet.rule(50, top + 30, 800, top + 30)
    return sheet


def read(sheet: Sheet) -> list[list[str]]:
    blocks, rest = find_tables(sheet.image, sheet.lines)
    assert len(blocks) == 1
    assert rest == []
    return rows_of(blocks[0])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=5), st.integers(22, 26), st.integers(0, 10))
def test_lines_below_a_description_belong_to_its_row(lines: list[int], leading: int, more: int) -> None:
    """They do so even if rows are no further apart than lines: they have neither a number nor a price."""
    rows, pitches = [HEAD], []
    items = []
    for index, count in enumerate(lines):
        first = [str(index + 1), "Standard", "2", "3,89"]
        rows += [first, *(["", text, "", ""] for text in MORE[:count])]
        pitches += [30 if index == 0 else leading + more, *[leading] * count]
        items.append([first[0], "\n".join([first[1], *MORE[:count]]), *first[2:]])
    assert read(sheet_of(rows, pitches)) == [HEAD, *items]


def test_rows_with_a_number_stay_rows_though_they_have_no_price() -> None:
    rows = [HEAD, ["1", "Standard", "2", "3,89"], ["2", "Delivery", "", ""]]
    rows += [["3", "Support", "", ""], ["4", "Premium", "1", "7,10"]]
    assert read(sheet_of(rows, [30] * 4)) == rows


def test_rows_with_a_price_stay_rows_though_they_have_no_number() -> None:
    rows = [
        HEAD,
        ["1", "Standard", "2", "3,89"],
        ["", "Delivery", "", "4,00"],
        ["", "Insurance", "", "1,00"],
    ]
    assert read(sheet_of(rows, [30] * 3)) == rows


def test_texts_stay_rows_where_not_every_row_with_a_price_has_a_number() -> None:
    rows = [HEAD, ["1", "Standard", "2", "3,89"], ["", "Delivery", "1", "4,00"]]
    rows += [["", "Collected", "", ""], ["2", "Premium", "1", "7,10"]]
    assert read(sheet_of(rows, [30] * 4)) == rows


def test_a_text_that_is_not_aligned_with_the_one_above_stays_a_row() -> None:
    sheet = sheet_of([HEAD, ["1", "Standard", "2", "3,89"]], [30])
    sheet.text("Options", 300, 140)
    sheet.rows([["2", "Premium", "1", "7,10"], ["3", "Extra", "1", "8,10"]], XS, 170, 30)
    assert [row[0] for row in read(sheet)][:3] == ["Pos.", "1", ""]


@pytest.mark.parametrize("lines", [1, 2])
@pytest.mark.parametrize("items", [2, 4])
def test_descriptions_in_the_first_column_go_on_where_lines_are_closer(items: int, lines: int) -> None:
    head = ["Item", "", "Count", "Price"]
    rows, pitches = [head], []
    expected = []
    for index in range(items):
        more = ["Black,16GB", "with-bag"][:lines]
        rows += [[f"Laptop{index}", "", "2", "3,89"], *([text, "", "", ""] for text in more)]
        pitches += [30 if index == 0 else 44, *[21] * lines]
        expected.append(["\n".join([f"Laptop{index}", *more]), "2", "3,89"])
    assert read(sheet_of(rows, pitches)) == [["Item", "Count", "Price"], *expected]


def test_headings_of_sections_stay_rows() -> None:
    rows = [["Item", "", "Count", "Price"], ["Laptop", "", "2", "3,89"], ["Printers", "", "", ""]]
    rows += [["Laser", "", "1", "2,10"], ["Scanners", "", "", ""], ["Flatbed", "", "1", "9,10"]]
    assert [row[0] for row in read(sheet_of(rows, [30] * 5))] == [row[0] for row in rows]
