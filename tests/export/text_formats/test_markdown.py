from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from crnn_ocr.document import Block, BlockKind, Document, Line, Page
from crnn_ocr.export.text_formats.markdown import to_markdown
from crnn_ocr.export.text_formats.markdown_escaping import escaped
from tests.export.documents import HOSTILE
from tests.export.rereading import markdown_text, squeezed
from tests.export.samples import DOCUMENT, box, picture, table


def document(*blocks: Block, layout: str = "blocks") -> Document:
    return Document((Page(800, 1100, blocks),), "m/1", layout=layout)  # type: ignore[arg-type]


def one(text: str, kind: BlockKind = "paragraph", level: int = 0) -> Block:
    return Block((Line(text, 1.0, box(0, 0, 10.0 * len(text), 20)),), kind, level)


def test_the_sample() -> None:
    assert to_markdown(DOCUMENT) == (
        r"""# 1 Results & outlook

The year was good, although some of the numbers are 5 \< 6, and others are unsure?

## 1.1 经营情况

本年度公司经营情况良好，收入比上年增长了百分之十二，利润也有所增加。

- First point
  - a) a detail of it
- Second point

*Table 1: Costs*

| Item | Amount |
| --- | --- |
| Paper | -5.00 |
| Ink |  |
|  | 12.50 |

*Figure 1: A gradient*

<small>1 Without taxes.</small>

# 2 附表

1. 第一条
2. 第二条
- 4\. 第四条

E = mc^2

某某公司财务专用章

*表 2：金额*

<table>
<thead>
<tr><th rowspan="2">项目</th><th colspan="2">金额（元）</th></tr>
<tr><th>上期</th><th>本期</th></tr>
</thead>
<tbody>
<tr><td>合计</td><td>1,200.00</td><td>=1+1</td></tr>
</tbody>
</table>
"""
    )


def test_figures_are_embedded_where_their_picture_is_known() -> None:
    text = to_markdown(DOCUMENT, picture=picture)
    assert "\n\n![Figure](data:image/webp;base64,UklGR" in text
    assert "![" not in to_markdown(DOCUMENT)


def test_nothing_for_nothing() -> None:
    assert to_markdown(document()) == ""
    assert to_markdown(document(one("7", "page_number"), one("  "))) == ""


@pytest.mark.parametrize(
    "text", [*HOSTILE, "# a #", "##", "---", "===", "- a", "1. a", "1) a", "> a", "+", "***"]
)
@pytest.mark.parametrize("kind", ["paragraph", "heading", "caption", "footnote", "list_item"])
def test_text_is_shown_as_it_is(text: str, kind: BlockKind) -> None:
    source = to_markdown(document(one(f"x {text}", kind), one(text, "heading", 3)))
    assert markdown_text(source) == squeezed(f"x{text}{text}")


@given(st.text("ab1 \\`*_{}[]()#+-.!|<>&;~$=:\"'中，", max_size=14))
def test_escaped_text_is_one_paragraph_without_markup(text: str) -> None:
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(escaped(text))
    assert [token.type for token in tokens] in ([], ["paragraph_open", "inline", "paragraph_close"])
    if tokens:
        children = tokens[1].children or []
        assert {child.type for child in children} <= {"text", "text_special"}
        assert "".join(child.content for child in children) == text.strip()


@pytest.mark.parametrize(
    "text", ["snake_case", "5 & 6", "a - b", "A+B", "-5.00", "3.14", "#1", "x = 1", "中文（一）"]
)
def test_harmless_text_is_not_escaped(text: str) -> None:
    assert escaped(text) == text


def test_levels_of_headings() -> None:
    levels = [to_markdown(document(one("a", "heading", level))).split(" ")[0] for level in (0, 1, 6, 9)]
    assert levels == ["##", "#", "######", "######"]


def test_lists_nest_and_begin_anew() -> None:
    items = (
        one("1. a", "list_item", 1),
        one("• b", "list_item", 2),
        one("（1）c", "list_item", 4),
        one("2. d", "list_item", 1),
        one("paragraph"),
        one("3. e", "list_item", 2),
    )
    assert to_markdown(document(*items)) == ("1. a\n   - b\n     - （1）c\n2. d\n\nparagraph\n\n3. e\n")
    shown = MarkdownIt("commonmark").render(to_markdown(document(*items)))
    assert '<ol start="3">' in shown
    assert shown.count("<ul>") == 2


def test_line_breaks_that_mean_something_stay() -> None:
    lines = tuple(
        Line(text, 1.0, box(0, 30.0 * at, 10.0 * len(text), 30.0 * at + 20))
        for at, text in enumerate(["Long Street 1,", "12345 Town,", "Some Country,"])
    )
    assert to_markdown(document(Block(lines))) == "Long Street 1,\\\n12345 Town,\\\nSome Country,\n"


def test_lines_stay_lines() -> None:
    lines = (one("Total").lines[0], one("# 5").lines[0])
    assert to_markdown(document(Block(lines), layout="lines")) == "Total\\\n\\# 5\n"


def test_pipes_in_cells_and_tables_without_head() -> None:
    source = to_markdown(document(table([["a|b", "c"], ["", "d"]], 0, {}, heads=0)))
    assert source == "|  |  |\n| --- | --- |\n| a\\|b | c |\n|  | d |\n"
    assert "<td>a|b</td>" in MarkdownIt("commonmark").enable("table").render(source)


@pytest.mark.parametrize("heads", [0, 1, 2])
def test_spans_and_deep_heads_become_html(heads: int) -> None:
    spanning = table([["<b>", None], ["c", "d"]], 0, {(0, 0): (1, 2)}, heads)
    source = to_markdown(document(one("before"), spanning, one("after")))
    assert "<table>\n" in source
    assert 'colspan="2">&lt;b&gt;</t' in source
    assert markdown_text(source) == "before<b>cdafter"
