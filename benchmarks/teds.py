"""Measures the likeness of two tables: TEDS, the tree edit distance based similarity.

After X. Zhong, E. ShafieiBavani, A. Jimeno Yepes: "Image-based table recognition: data, model, and
evaluation" (ECCV 2020). A table is a tree of rows and cells. TEDS is 1 - distance / nodes of the larger tree,
where inserting or deleting a node costs 1, changing its tag or spans costs 1, and changing the text of a cell
costs the Levenshtein distance over the longer text. Like the authors' program, the root is not counted.

Here texts are compared after NFKC and without white space, `th` is a `td`, and `thead`, `tbody` and `tfoot`
are no nodes, because not every truth has them.
"""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser

from rapidfuzz.distance import Levenshtein

from crnn_ocr.document import Table


def teds(html_a: str, html_b: str, structure_only: bool = False) -> float:
    """Return the likeness of the first tables of two HTML texts, from 0 to 1.

    Args:
        html_a: HTML with a table; a table within a cell counts as text of that cell.
        html_b: the other one. Text without a table is one with an empty table.
        structure_only: leave the text of the cells out of it (TEDS-S).
    """
    a, b = _parsed(html_a), _parsed(html_b)
    larger = max(a.size, b.size) - 1
    if not larger:
        return 1.0
    return max(0.0, 1.0 - _distance(a, b, structure_only) / larger)


def table_html(table: Table) -> str:
    """Return a table as plain HTML, the form of the truth."""
    rows = []
    for row in range(table.rows):
        cells = []
        for cell in sorted((cell for cell in table.cells if cell.row == row), key=lambda cell: cell.col):
            spans = f' rowspan="{cell.row_span}"' if cell.row_span > 1 else ""
            spans += f' colspan="{cell.col_span}"' if cell.col_span > 1 else ""
            cells.append(f"<td{spans}>{html.escape(cell.text)}</td>")
        rows.append("<tr>" + "".join(cells) + "</tr>")
    return "<table>" + "".join(rows) + "</table>"


@dataclass
class _Node:
    tag: str
    row_span: int = 1
    col_span: int = 1
    text: str = ""
    children: list[_Node] = field(default_factory=list)

    @property
    def size(self) -> int:
        return 1 + sum(child.size for child in self.children)

    @property
    def kind(self) -> tuple[str, int, int]:
        return self.tag, self.row_span, self.col_span


class _Reader(HTMLParser):
    """Builds the tree of the first table."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = _Node("table")
        self._depth = 0  # of tables
        self._done = False
        self._cell: _Node | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._done:
            return
        if tag == "table":
            self._depth += 1
        if self._depth != 1:
            return
        if tag == "tr":
            self.root.children.append(_Node("tr"))
            self._cell = None
        elif tag in ("td", "th"):
            if not self.root.children:
                self.root.children.append(_Node("tr"))
            values = dict(attrs)
            self._cell = _Node("td", _span(values.get("rowspan")), _span(values.get("colspan")))
            self.root.children[-1].children.append(self._cell)

    def handle_endtag(self, tag: str) -> None:
        if self._depth == 1 and tag in ("td", "th", "tr"):
            self._cell = None
        if tag == "table" and self._depth:
            self._depth -= 1
            self._done = self._done or not self._depth

    def handle_data(self, data: str) -> None:
        if self._cell is not None and not self._done:
            self._cell.text += data


def _span(value: str | None) -> int:
    return int(value) if value is not None and value.strip().isdecimal() else 1


def _parsed(text: str) -> _Node:
    reader = _Reader()
    reader.feed(text)
    reader.close()
    for row in reader.root.children:
        for cell in row.children:
            cell.text = "".join(unicodedata.normalize("NFKC", cell.text).split())
    return reader.root


def _distance(a: _Node, b: _Node, structure_only: bool) -> float:
    """Return the edit distance of two ordered trees.

    After K. Zhang, D. Shasha: "Simple fast algorithms for the editing distance between trees and related
    problems" (SIAM J. Comput. 1989): for each pair of subtrees whose root has a left sibling (or is the
    root), the distances of all their prefixes as forests in postorder.
    """
    nodes_a, first_a = _postorder(a)
    nodes_b, first_b = _postorder(b)
    trees = [[0.0] * len(nodes_b) for _ in nodes_a]
    changes: dict[tuple[str, str], float] = {}

    def change(x: _Node, y: _Node) -> float:
        if x.kind != y.kind:
            return 1.0
        if structure_only or x.text == y.text:
            return 0.0
        key = (x.text, y.text)
        if key not in changes:
            changes[key] = Levenshtein.normalized_distance(x.text, y.text)
        return changes[key]

    roots_b = _key_roots(first_b)
    for i in _key_roots(first_a):
        for j in roots_b:
            from_a, from_b = first_a[i], first_b[j]
            width = j - from_b + 2
            above = [float(column) for column in range(width)]
            forests = [above]
            for x in range(from_a, i + 1):
                row = [above[0] + 1.0]
                tree_row, whole_a = trees[x], first_a[x] == from_a
                for y in range(from_b, j + 1):
                    column = y - from_b
                    best = min(above[column + 1], row[column]) + 1.0
                    if whole_a and first_b[y] == from_b:
                        best = min(best, above[column] + change(nodes_a[x], nodes_b[y]))
                        tree_row[y] = best
                    else:
                        before = forests[first_a[x] - from_a][first_b[y] - from_b]
                        best = min(best, before + tree_row[y])
                    row.append(best)
                forests.append(row)
                above = row
    return trees[-1][-1]


def _postorder(root: _Node) -> tuple[list[_Node], list[int]]:
    """Return the nodes in postorder, and for each the number of its leftmost leaf."""
    nodes: list[_Node] = []
    first: list[int] = []

    def visit(node: _Node) -> int:
        leaves = [visit(child) for child in node.children]
        nodes.append(node)
        first.append(leaves[0] if leaves else len(nodes) - 1)
        return first[-1]

    visit(root)
    return nodes, first


def _key_roots(first: Sequence[int]) -> list[int]:
    """Return the nodes that are the last of those with the same leftmost leaf, in ascending order."""
    return sorted({leaf: node for node, leaf in enumerate(first)}.values())
