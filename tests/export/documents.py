"""Documents of any content, for property tests."""

from __future__ import annotations

from typing import get_args

from hypothesis import strategies as st

from crnn_ocr.document import (
    Block,
    BlockKind,
    Cell,
    Char,
    Document,
    Line,
    Page,
    Point,
    Polygon,
    Remark,
    Table,
)

#: Text that some format would take for markup, formulas, rows or ends of its own elements.
HOSTILE = (
    "]]>",
    "</script><script>alert(1)</script>",
    "</span></td><img src=x onerror=alert(1)>",
    "--><!--",
    "&lt;&amp;&#0;",
    '" onload="alert(1)',
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "# 1. - > * _a_ **b** `c` [d](e) ![f](g) <h> | ~~i~~ \\ $j$",
    "a|b\n|-|-|",
    "\x00\x0b\x1b\x85\ufffe\u2028",
    "\ud800",
    "../../etc/passwd",
)

#: Any text that a recogniser may give, half surrogate pairs and control characters included.
texts = st.one_of(
    st.text(st.characters(), max_size=12),
    st.text("ab 1-.·（一）中文，\u3000", max_size=12),
    st.sampled_from(HOSTILE),
).map(
    # What would be one character in UTF-16 is one character.
    lambda text: text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
)
confidences = st.floats(0, 1)
points: st.SearchStrategy[Point] = st.tuples(st.floats(-50, 50_000), st.floats(-50, 50_000))
polygons: st.SearchStrategy[Polygon] = st.tuples(points, points, points, points)
chars = st.builds(Char, texts, confidences, polygons)


@st.composite
def _lines(draw: st.DrawFn) -> Line:
    """Return a line whose characters are its text, or are not, as after a correction."""
    text = draw(texts)
    own = st.just(tuple(Char(char, draw(confidences), draw(polygons)) for char in text))
    other = st.lists(chars, max_size=2).map(tuple)
    return Line(text, draw(confidences), draw(polygons), draw(st.one_of(own, other)))


lines = _lines()
blocks = st.builds(Block, st.lists(lines, min_size=1, max_size=2).map(tuple))


@st.composite
def _tables(draw: st.DrawFn) -> Block:
    """Return a table with spans, empty cells and cells of several lines."""
    rows, cols = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    free = {(row, col) for row in range(rows) for col in range(cols)}
    cells = []
    for row in range(rows):
        for col in range(cols):
            if (row, col) not in free:
                continue
            right = col + 1
            while right < cols and (row, right) in free and draw(st.booleans()):
                right += 1
            below = row + 1
            while below < rows and draw(st.booleans()):
                below += 1
            free -= {(y, x) for y in range(row, below) for x in range(col, right)}
            own = tuple(draw(st.lists(lines, max_size=2)))
            cells.append(Cell(row, col, below - row, right - col, own, draw(polygons)))
    former = draw(st.one_of(st.none(), texts))
    table = Table(rows, cols, tuple(cells), draw(st.integers(0, rows)), former)
    return Block(table.lines, "table", 0, table, draw(st.one_of(st.none(), polygons)))


tables = _tables()
figures = st.builds(Block, st.just(()), st.just("figure"), polygon=st.one_of(st.none(), polygons))
typed_blocks = st.builds(
    Block,
    st.lists(lines, max_size=2).map(tuple),
    st.sampled_from([kind for kind in get_args(BlockKind) if kind not in ("table", "figure")]),
    st.integers(0, 7),
    st.none(),
    st.one_of(st.none(), polygons),
)
remarks = st.builds(Remark, texts, texts)


def _pages(of: st.SearchStrategy[Block], most: int) -> st.SearchStrategy[Page]:
    return st.builds(
        Page,
        st.integers(1, 40_000),
        st.integers(1, 40_000),
        st.lists(of, max_size=most).map(tuple),
        st.sampled_from([0, 90, 180, 270]),
        st.lists(remarks, max_size=2).map(tuple),
        st.integers(1, 9),
        st.sampled_from(["ocr", "text_layer", "mixed"]),
        st.one_of(st.none(), st.floats(1, 1200)),
    )


def _documents(pages: st.SearchStrategy[Page], layout: str) -> st.SearchStrategy[Document]:
    return st.builds(
        Document,
        st.lists(pages, min_size=1, max_size=2).map(tuple),
        texts,
        st.dictionaries(texts, st.floats(0, 1e6), max_size=2),
        layout=st.just(layout),
    )


#: Documents with the layout `lines`.
documents = _documents(_pages(blocks, 2), "lines")
#: A page that could not be read.
failed_pages = st.builds(Page, st.just(0), st.just(0), number=st.integers(1, 9), error=remarks)
#: Documents with the layout `blocks`: all kinds, tables, figures, pages with errors.
structured_documents = _documents(
    st.one_of(_pages(st.one_of(typed_blocks, tables, figures), 4), failed_pages), "blocks"
)
all_documents = st.one_of(documents, structured_documents)
