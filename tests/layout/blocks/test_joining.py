from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.document import Line, Point
from crnn_ocr.layout.blocks.joining import join_lines
from tests.counting import steps
from tests.layout.blocks.lines import block, line, lines


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["今天的天气很好，我们", "去公园。"], "今天的天气很好，我们去公园。"),
        (["The weather is fine and", "we walk."], "The weather is fine and we walk."),
        (["他每天使用Python编写", "程序。"], "他每天使用Python编写程序。"),
        (["他每天使用", "Python编写"], "他每天使用Python编写"),
        (["他用 Python 写程序，再用", "Java 写。"], "他用 Python 写程序，再用 Java 写。"),
        (["他写道：", "“好。"], "他写道：“好。"),
        (["We call it 中文", "here."], "We call it 中文 here."),
        (["한국어는 띄어쓰기를", "합니다"], "한국어는 띄어쓰기를 합니다"),
        (["see the word—", "dash"], "see the word—dash"),
        (["go on —", "then stop"], "go on — then stop"),
        (["电话 138", "0013 8000"], "电话 138 0013 8000"),
    ],
)  # fmt: skip
def test_lines_of_a_paragraph_are_joined_as_people_write_them(texts: list[str], expected: str) -> None:
    assert join_lines(block(*texts, width=300)) == expected


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["this is an exam-", "ple of it"], "this is an example of it"),
        (["this is an exam\xad", "ple of it"], "this is an example of it"),
        (["Ger-", "many is"], "Germany is"),
        (["a well-", "known word"], "a well-known word"),
        (["the COVID-", "related rules"], "the COVID-related rules"),
        (["the mp3-", "player is"], "the mp3-player is"),
        (["the e-", "mail is"], "the e-mail is"),
        (["state-of-", "the-art work"], "state-of-the-art work"),
        (["Anglo-", "American"], "Anglo-American"),
        (["pages 12-", "15 of it"], "pages 12-15 of it"),
        (["it is -", "or was"], "it is - or was"),
        (["甲-", "乙"], "甲-乙"),
        (["at https://a.example/well-", "being"], "at https://a.example/well-being"),
        (["at https://a.example/", "being"], "at https://a.example/being"),
    ],
)
def test_hyphens_go_where_they_divide_a_word(texts: list[str], expected: str) -> None:
    assert join_lines(block(*texts, width=300)) == expected


def test_words_of_the_block_tell_how_a_divided_word_is_written() -> None:
    assert (
        join_lines(block("a self-portrait and a self-", "portrait")) == "a self-portrait and a self-portrait"
    )
    assert join_lines(block("by user-agent or user-", "agent")) == "by user-agent or user-agent"
    assert join_lines(block("the highlight of a high-", "light")) == "the highlight of a highlight"


def test_an_address_keeps_its_lines() -> None:
    address = ["Zhang Wei", "12 North Garden Road, Haidian District", "Beijing 100191", "China"]
    assert join_lines(lines(*address)) == "\n".join(address)
    assert join_lines(lines("收件人", "北京市海淀区花园北路十二号三单元", "电话")) == (
        "收件人\n北京市海淀区花园北路十二号三单元电话"
    )  # a single short line may as well end a paragraph


def test_an_address_whose_lines_are_equally_long_keeps_them() -> None:
    texts = ["East Repair Inc.", "1912 Harvest Lane", "New York, NY 12210"]
    assert join_lines(block(*texts, width=190)) == "\n".join(texts)
    # A narrow column of prose does not begin every line with a capital or a figure.
    prose = ["In 1912 the firm", "Harvest moved to", "the town of York"]
    assert join_lines(block(*prose, width=190)) == " ".join(prose)


@pytest.mark.parametrize("gap", [200, 40])
def test_fields_side_by_side_keep_their_rows(gap: float) -> None:
    left = lines("Invoice no.", "Date", "Due date")
    right = lines("US-001", "11/02/2019", "26/02/2019", x=110 + gap)
    fields = [part for row in zip(left, right, strict=True) for part in row]
    assert join_lines(fields) == "Invoice no. US-001\nDate 11/02/2019\nDue date 26/02/2019"


def test_one_row_in_two_parts_makes_no_form() -> None:
    prose = block("running text goes on here", "and here it goes on, too", "until its end", width=260)
    first = line("running text goes", width=150), line("on here", x=180, width=80)
    assert (
        join_lines([*first, *prose[1:]]) == "running text goes on here and here it goes on, too until its end"
    )


def test_a_poem_keeps_its_lines_though_they_are_equally_long() -> None:
    poem = ["床前明月光，", "疑是地上霜。", "举头望明月，", "低头思故乡。"]
    assert join_lines(lines(*poem)) == "\n".join(poem)


def test_two_lines_that_end_with_signs_may_be_prose() -> None:
    assert "\n" not in join_lines(block("天气很好，我们去公园，", "晚上回来。", width=220))


def test_ragged_lines_are_joined() -> None:
    ragged = ["The committee considered the", "responsibilities of every", "administration and wrote it down"]
    assert "\n" not in join_lines(lines(*ragged))


def test_text_beside_a_picture_is_joined() -> None:
    narrow = [line("甲乙丙丁戊己庚辛壬癸", y=at * 28, width=200) for at in range(6)]
    wide = [line("甲乙丙丁戊己庚辛壬癸甲乙丙丁戊己庚辛壬癸", y=168 + at * 28, width=400) for at in range(6)]
    joined = join_lines([*narrow, *wide])
    assert joined.count("\n") <= 3
    assert "\n" not in joined[:20]


def test_parts_of_one_row_are_divided_by_a_blank() -> None:
    assert join_lines([line("姓名"), line("张三", x=100)]) == "姓名 张三"
    assert join_lines([line("甲乙"), line("丙丁", x=42)]) == "甲乙丙丁"


def test_columns_are_joined_from_top_to_bottom() -> None:
    columns = [
        Line(text, 1.0, ((x, 0), (x + 20, 0), (x + 20, length), (x, length)))
        for text, x, length in [("今天的天气很好我们", 40, 180), ("去公园", 10, 60)]
    ]
    assert join_lines(columns) == "今天的天气很好我们去公园"


def test_nothing_gives_nothing() -> None:
    assert join_lines([]) == ""
    assert join_lines([line("  ", width=20)]) == ""


def test_a_long_block_takes_time_in_proportion() -> None:
    few, many = ([line("word-" * 40, y=at * 28) for at in range(count)] for count in (40, 160))
    assert steps(lambda: join_lines(many)) < 6 * steps(lambda: join_lines(few))


WORDS = st.text(st.sampled_from("ab中，- 1A.\u3000"), max_size=12)


@given(st.lists(st.tuples(WORDS, st.integers(0, 300), st.integers(0, 300), st.integers(0, 200)), max_size=8))
def test_no_sign_is_lost_but_hyphens(drawn: list[tuple[str, int, int, int]]) -> None:
    given_lines = [line(text, x, y, width) for text, x, y, width in drawn]
    joined = join_lines(given_lines)
    signs = [char for text, *_ in drawn for char in text if not char.isspace() and char != "-"]
    assert [char for char in joined if not char.isspace() and char != "-"] == signs
    assert joined == joined.strip()


@given(
    st.lists(st.tuples(WORDS, st.integers(0, 300), st.integers(1, 300)), max_size=8),
    st.sampled_from([0.25, 3.0]),
    st.sampled_from([0.0, math.pi / 2, math.pi]),
)
def test_size_place_and_rotation_of_the_page_do_not_matter(
    drawn: list[tuple[str, int, int]], scale: float, angle: float
) -> None:
    # Wide enough for the direction of a line to be certain.
    given_lines = [line(text, x, at * 28, 40 + width) for at, (text, x, width) in enumerate(drawn)]

    def move(point: Point) -> Point:
        x, y = point[0] * scale, point[1] * scale
        return x * math.cos(angle) - y * math.sin(angle) + 64, x * math.sin(angle) + y * math.cos(angle) - 32

    moved = [
        Line(each.text, each.confidence, tuple(map(move, each.polygon)))  # type: ignore[arg-type]
        for each in given_lines
    ]
    assert join_lines(moved) == join_lines(given_lines)
