"""Documents of any content, for property tests."""

from __future__ import annotations

from hypothesis import strategies as st

from crnn_ocr.document import Block, Char, Document, Line, Page, Point, Polygon, Remark

#: Any text that a recogniser may give, half surrogate pairs and control characters included.
texts = st.text(st.characters(), max_size=12).map(
    # What would be one character in UTF-16 is one character.
    lambda text: text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
)
confidences = st.floats(0, 1)
points: st.SearchStrategy[Point] = st.tuples(st.floats(-50, 50_000), st.floats(-50, 50_000))
polygons: st.SearchStrategy[Polygon] = st.tuples(points, points, points, points)
chars = st.builds(Char, texts, confidences, polygons)
lines = st.builds(Line, texts, confidences, polygons, st.lists(chars, max_size=2).map(tuple))
blocks = st.builds(Block, st.lists(lines, min_size=1, max_size=2).map(tuple))
remarks = st.builds(Remark, texts, texts)
pages = st.builds(
    Page,
    st.integers(1, 40_000),
    st.integers(1, 40_000),
    st.lists(blocks, max_size=2).map(tuple),
    st.sampled_from([0, 90, 180, 270]),
    st.lists(remarks, max_size=2).map(tuple),
)
documents = st.builds(
    Document,
    st.lists(pages, min_size=1, max_size=2).map(tuple),
    texts,
    st.dictionaries(texts, st.floats(0, 1e6), max_size=2),
)
