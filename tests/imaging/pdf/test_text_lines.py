"""Properties of lines that are put together from any characters at any places."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.imaging.pdf.text_layer import page_text
from crnn_ocr.imaging.pdf.text_lines import Glyphs, lines_of

letters = st.sampled_from("abcdefgf.-,字文一二，")
places = st.floats(0, 500).map(lambda value: round(value, 1))
glyph = st.tuples(letters, places, places, st.floats(1, 40), st.floats(1, 40), st.booleans(), st.booleans())


def glyphs_of(entries: list[tuple[str, float, float, float, float, bool, bool]]) -> Glyphs:
    boxes = np.array([(x, y, x + w, y + h) for _, x, y, w, h, _, _ in entries], np.float64).reshape(-1, 4)
    return Glyphs(
        np.array([ord(entry[0]) for entry in entries], np.uint32),
        boxes,
        boxes + np.array([0, 1, 0, -1]) * (boxes[:, 3:] - boxes[:, 1:2]) / 8,
        np.array([entry[5] for entry in entries], bool),
        np.array([entry[5] and entry[6] for entry in entries], bool),
    )


@given(st.lists(glyph, max_size=40))
def test_every_character_is_in_one_line_unless_it_is_printed_twice(
    entries: list[tuple[str, float, float, float, float, bool, bool]],
) -> None:
    lines = lines_of(glyphs_of(entries))
    found = Counter("".join(line.text for line in lines).replace(" ", ""))
    given_ = Counter(entry[0] for entry in entries)
    assert found <= given_
    assert set(found) == set(given_)
    seen = {(entry[0], *entry[1:3]) for entry in entries}
    if len(seen) == len(entries) and all(
        math.dist(a[1:3], b[1:3]) > 40 for i, a in enumerate(entries) for b in entries[:i] if a[0] == b[0]
    ):
        assert found == given_
    for line in lines:
        assert len(line.edges) == len(line.text)
        assert not line.text.startswith(" ")
        assert not line.text.endswith(" ")
        shares = line.shares()
        assert all(0 <= share <= 1 for share in shares)
        left, top, right, bottom = line.box
        assert left <= right
        assert top < bottom


@given(st.text("abcdefgh", min_size=1, max_size=30), st.permutations(range(8)))
def test_lines_do_not_depend_on_the_order_of_the_content(text: str, order: list[int]) -> None:
    rows = [text[place:] + text[:place] for place in range(8)]

    def row(number: int) -> list[tuple[str, float, float, float, float, bool, bool]]:
        return [
            (char, 10.0 + 6 * k, 20.0 * number, 6.0, 12.0, False, False)
            for k, char in enumerate(rows[number])
        ]

    lines = lines_of(glyphs_of([entry for number in order for entry in row(number)]))
    assert [line.text for line in lines] == [rows[number] for number in order]


@given(
    st.integers(0, 12),
    st.integers(0, 4),
    st.data(),
    st.sampled_from(["auto", "never"]),
)
def test_any_arrays_give_a_text_or_none(chars: int, runs: int, data: st.DataObject, use: str) -> None:
    raw = data.draw(st.binary(min_size=52 * chars + 9 * runs, max_size=52 * chars + 9 * runs))
    found = {
        "chars": chars,
        "runs": runs,
        "unmapped": 0.0,
        "matrix": [0.002, 0.0, 0.0, -0.003, 0.0, 1.0],
        "pictures": data.draw(st.lists(st.lists(st.floats(-1e9, 1e9), min_size=4, max_size=4), max_size=3)),
    }
    text = page_text(found, raw, (400, 300), 72.0, use)  # type: ignore[arg-type]
    if text is None:
        assert use == "auto"
        return
    assert len(text.lines) == len(text.columns)
    for line in text.lines:
        assert line.text.strip() == line.text != ""
        assert all(math.isfinite(value) for corner in line.polygon for value in corner)
        assert "".join(char.text for char in line.chars) == line.text
