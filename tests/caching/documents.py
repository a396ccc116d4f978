"""Documents as Hypothesis draws them."""

from __future__ import annotations

from hypothesis import strategies as st

from crnn_ocr.document import Block, Char, Document, Line, Page, Remark

coordinates = st.floats(-1e5, 1e5)
points = st.tuples(coordinates, coordinates)
polygons = st.tuples(points, points, points, points)
texts = st.text(st.characters(), max_size=20)  # half surrogate pairs included
probabilities = st.floats(0, 1)
chars = st.builds(Char, texts, probabilities, polygons)
lines = st.builds(Line, texts, probabilities, polygons, st.lists(chars, max_size=2).map(tuple))
blocks = st.builds(Block, st.lists(lines, max_size=3).map(tuple))
sides = st.integers(1, 50_000)
pages = st.builds(
    Page,
    sides,
    sides,
    st.lists(blocks, max_size=3).map(tuple),
    st.sampled_from([0, 90, 180, 270]),
    st.lists(st.builds(Remark, texts, texts), max_size=2).map(tuple),
)
documents = st.builds(
    Document,
    st.lists(pages, min_size=1, max_size=3).map(tuple),
    texts,
    st.just({"decode": 1.5}),
)
