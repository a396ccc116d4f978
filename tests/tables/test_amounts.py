"""Columns of amounts: currency signs at their left edge, heads beside them, and what a network may add."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crnn_ocr.tables.choice import with_second_opinion
from crnn_ocr.tables.find import find_tables
from crnn_ocr.tables.grid import Grid
from crnn_ocr.tables.grids.assemble import assemble
from crnn_ocr.tables.grids.scoring import Violations, violations
from crnn_ocr.tables.rules import Rules
from crnn_ocr.tables.words import words_of
from tests.tables.pages import WIDTH, Sheet, line_at
from tests.tables.test_several import rows_of


def statement(amounts: list[list[str]], with_sign: list[bool], sign: str, head: int = 0) -> Sheet:
    """Return a statement: names, and two columns of right-aligned amounts, in some rows with a sign before.

    Args:
        amounts: Two amounts for each row.
        with_sign: Which rows have signs.
        sign: The sign; it stands at the left edge of the column.
        head: How far the heads stand to the left of where the amounts end, in pixels.
    """
    sheet = Sheet(height=900)
    for y in (40, 76):
        sheet.rule(40, y, 850, y)
    ends = (560, 840)
    for end, name in zip(ends, ("2022", "2023"), strict=True):
        sheet.text(name, end - head - 4 * WIDTH, 48)
    for row, (values, signed) in enumerate(zip(amounts, with_sign, strict=True)):
        top = 84 + 28 * row
        sheet.text(f"Item{row}", 50, top)
        for end, value in zip(ends, values, strict=True):
            sheet.text(value, end - WIDTH * len(value), top)
            if signed:
                sheet.text(sign, end - 150, top)
    sheet.rule(40, 90 + 28 * len(amounts), 850, 90 + 28 * len(amounts))
    return sheet


AMOUNT = st.sampled_from(["7", "39", "(1)", "304", "1,232", "59,304", "(2,107)", "7.5"])


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(AMOUNT, AMOUNT, st.booleans()), min_size=4, max_size=20),
    st.sampled_from(["$", "€", "£", "US$"]),
)
def test_a_sign_at_the_left_of_a_column_belongs_to_the_amount(
    rows: list[tuple[str, str, bool]], sign: str
) -> None:
    rows = [*rows, ("59,304", "10,000", True)]
    sheet = statement([list(row[:2]) for row in rows], [row[2] for row in rows], sign)
    (block,), rest = find_tables(sheet.image, sheet.lines)
    expected = [["", "2022", "2023"]]
    for index, (one, other, signed) in enumerate(rows):
        before = f"{sign}\n" if signed else ""
        expected.append([f"Item{index}", before + one, before + other])
    assert (rows_of(block), rest) == (expected, [])


def test_a_sign_read_with_the_amount_before_it_goes_to_its_own() -> None:
    sheet = statement([["288,831", "304,739"], ["84,299", "90,619"], ["73,213", "85,622"]], [False] * 3, "$")
    sheet.lines = [line for line in sheet.lines if line.text != "288,831"]
    sheet.lines.append(line_at(f"288,831{13 * ' '}$", 490, 84))
    (block,), _ = find_tables(sheet.image, sheet.lines)
    assert rows_of(block)[1] == ["Item0", "288,831", "$\n304,739"]


def test_a_sign_in_a_drawn_column_stays_there() -> None:
    sheet = Sheet()
    sheet.grid([40, 240, 320, 480], [40 + 36 * row for row in range(5)])
    rows = [["Item", "Unit", "Price"], ["One", "$", "7"], ["Two", "€", "39"], ["Three", "$", "304"]]
    sheet.rows(rows, [50, 250, 420], 48, 36)
    (block,), _ = find_tables(sheet.image, sheet.lines)
    assert rows_of(block) == rows


@pytest.mark.parametrize("head", [0, 40, 80, 120])
def test_a_head_beside_its_amounts_is_in_their_column(head: int) -> None:
    amounts = [["7", "39"], ["12", "44"], ["55", "10"], ["31", "4"], ["9", "62"]]
    sheet = statement(amounts, [False] * 5, "$", head)
    (block,), rest = find_tables(sheet.image, sheet.lines)
    assert rows_of(block) == [["", "2022", "2023"], *([f"Item{i}", *row] for i, row in enumerate(amounts))]
    assert rest == []


def test_a_network_adds_no_column_without_texts_of_its_own() -> None:
    lines = [
        line_at(text, x, y)
        for text, x, y in [("Sum", 10, 0), ("2022", 210, 0), ("A", 10, 40), ("7", 240, 40)]
    ]
    words = words_of(lines)

    def judge(grid: Grid) -> Violations:
        return violations(grid, words, Rules((), ()), 14)

    own = assemble([0, 30, 70], [0, 150, 300], [], "gutters")
    with_more = assemble([0, 30, 70], [0, 150, 230, 300], [((0, 1), (0, 2))], "network")
    assert judge(with_more).idle_lines == 1
    assert with_second_opinion((own, judge(own)), [with_more], judge, 40)[0] == own
    as_good = assemble([0, 30, 70], [0, 160, 300], [], "network")
    assert with_second_opinion((own, judge(own)), [as_good], judge, 40)[0] == as_good
