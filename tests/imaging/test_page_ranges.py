"""Page ranges as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.errors import InvalidOptionError
from crnn_ocr.imaging.page_ranges import ALL_PAGES, PageRanges
from crnn_ocr.options import ReadOptions, options_from_text, parse_options


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("", (1, 2, 3, 4, 5, 6, 7, 8)),
        ("1-3,7", (1, 2, 3, 7)),
        ("5-", (5, 6, 7, 8)),
        ("7, 1 - 2", (1, 2, 7)),
        ("2-5,4-6,3", (2, 3, 4, 5, 6)),
        ("8-99", (8,)),
        ("9-", ()),
        ("3-,1", (1, 3, 4, 5, 6, 7, 8)),
    ],
)
def test_ranges_choose_pages_once_and_in_order(text: str, numbers: tuple[int, ...]) -> None:
    assert PageRanges.parse(text).of(8) == numbers


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("7-3", "'7-3' ends before it begins; write 3-7"),
        ("0", "'0' begins before page 1"),
        ("1,,2", "'' is no page"),
        ("one", "'one' is no page"),
        ("-4", "'-4' is no page"),
        ("1-2-3", "'1-2-3' is no page"),
        ("1;2", "'1;2' is no page"),
        ("²", "'²' is no page"),
        ("9999999999", "'9999999999' is no page"),
    ],
)
def test_malformed_ranges_are_named(text: str, message: str) -> None:
    with pytest.raises(InvalidOptionError, match="option 'pages'") as caught:
        parse_options({"pages": text})
    assert message in caught.value.message
    assert "Value error" not in caught.value.message
    with pytest.raises(InvalidOptionError):
        options_from_text({"pages": text})


def test_the_option_is_parsed() -> None:
    assert ReadOptions(pages="2-3").page_ranges.of(9) == (2, 3)
    assert ReadOptions().page_ranges.of(2) == ALL_PAGES.of(2) == (1, 2)


def test_nothing_left_names_the_count() -> None:
    error = PageRanges.parse("7-9").nothing_left(3)
    assert error.message == "The file has no page 7-9: it has 3 pages."
    assert error.code == "OPTION_INVALID"


_part = st.tuples(st.integers(1, 60), st.none() | st.integers(0, 30))


@given(st.lists(_part, min_size=1, max_size=5), st.integers(1, 60))
def test_numbers_are_those_that_the_ranges_contain(parts: list[tuple[int, int | None]], count: int) -> None:
    text = ",".join(f"{first}-" if more is None else f"{first}-{first + more}" for first, more in parts)
    ranges = PageRanges.parse(text)
    numbers = ranges.of(count)
    assert numbers == tuple(number for number in range(1, count + 1) if number in ranges)
    if ranges.last is not None:
        assert all(number <= ranges.last for number in numbers)
        assert ranges.last + 1 not in ranges
