"""What the writers share: words, languages, captions, lists, escaping, names of kinds."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.document import Block, BlockKind, Char, Document, Line, Page
from crnn_ocr.export.escaping import attributes, clean, one_row, xml
from crnn_ocr.export.kinds import KINDS, heading_level
from crnn_ocr.export.language import language_of
from crnn_ocr.export.places import box_of, is_upright, outline, page_names, points_of
from crnn_ocr.export.structure import caption_owners, depths, split_marker
from crnn_ocr.export.words import words_of
from tests.export.documents import lines, polygons
from tests.export.rereading import xml_root
from tests.export.samples import box, line

PAGE = Page(100, 50)


def test_every_kind_has_names() -> None:
    assert set(KINDS) == set(get_args(BlockKind))
    assert len({names.colour for names in KINDS.values()}) == len(KINDS)
    assert [heading_level(Block((), "heading", level)) for level in (0, 1, 6, 7)] == [2, 1, 6, 6]


@given(st.text(st.characters()))
def test_clean_text_is_xml(text: str) -> None:
    root = xml_root(f'<a b="{xml(text)}">{xml(text)}</a>')
    expected = clean(text)
    assert (root.text or "") == expected
    assert root.get("b").split() == expected.split()
    assert "\n" not in one_row(text)
    assert "\t" not in one_row(text)
    assert len(one_row(text).splitlines()) <= 1


def test_attributes() -> None:
    assert attributes(id="a", class_="<", xml__lang=None, rows=3) == ' id="a" class="&lt;" rows="3"'


@given(lines)
def test_words_are_the_line_without_white_space(own: Line) -> None:
    words = words_of(own)
    assert [word.text for word in words] == own.text.split()
    for word in words:
        assert 0 <= word.confidence <= 1
        if word.chars:
            assert "".join(char.text for char in word.chars) == word.text


def test_places_and_confidences_of_words() -> None:
    own = line("ab 合计?", 10, 5)
    first, second = words_of(own)
    assert first.polygon == box(10, 5, 30, 25)
    assert second.polygon == box(40, 5, 90, 25)
    # The line is right with 0.97, so each of its words is at least that likely to be.
    assert second.confidence == 0.97
    unsure = Line(own.text, 0.1, own.polygon, own.chars)
    assert words_of(unsure)[1].confidence == pytest.approx(0.97 * 0.97 * 0.4)
    assert words_of(unsure)[0].confidence == pytest.approx(0.97**2)


def test_a_character_that_is_several_words_tells_no_places() -> None:
    own = Line("a b", 0.5, box(0, 0, 30, 10), (Char("a b", 0.9, box(0, 0, 30, 10)),))
    assert [(word.text, word.polygon, word.chars) for word in words_of(own)] == [
        ("a", box(0, 0, 10, 10), ()),
        ("b", box(20, 0, 30, 10), ()),
    ]


def test_words_of_a_column_stand_below_each_other() -> None:
    chars = tuple(Char(char, 1.0, box(5, at, 15, at + 10)) for char, at in (("上", 0), (" ", 10), ("下", 20)))
    column = Line("上 下", 0.5, box(5, 0, 15, 30), chars)
    assert [word.polygon for word in words_of(column)] == [box(5, 0, 15, 10), box(5, 20, 15, 30)]
    pair = Line("上下 左右", 0.5, box(5, 0, 15, 90))
    assert [word.polygon for word in words_of(pair)] == [box(5, 0, 15, 40), box(5, 50, 15, 90)]


def test_words_of_a_corrected_line_share_its_length() -> None:
    """Four halves for two Chinese characters, one for the blank, three for the letters."""
    own = Line("合计 abc", 0.5, box(0, 0, 80, 10), (Char("x", 0.1, box(0, 0, 1, 1)),))
    assert [word.polygon for word in words_of(own)] == [box(0, 0, 40, 10), box(50, 0, 80, 10)]
    assert {word.confidence for word in words_of(own)} == {0.5}


@given(polygons)
def test_boxes_lie_on_the_page(polygon: tuple[tuple[float, float], ...]) -> None:
    found = box_of(PAGE, polygon)  # type: ignore[arg-type]
    assert 0 <= found.left <= found.right <= PAGE.width
    assert 0 <= found.top <= found.bottom <= PAGE.height
    for x, y in points_of(PAGE, polygon):  # type: ignore[arg-type]
        assert 0 <= x <= PAGE.width
        assert 0 <= y <= PAGE.height


def test_boxes_do_not_depend_on_what_json_rounds_off() -> None:
    assert box_of(PAGE, box(10.04, 5.0, 20.02, 30.0)) == box_of(PAGE, box(10.0, 5.0, 20.0, 30.0))
    assert box_of(PAGE) == box_of(PAGE, box(0, 0, 100, 50))


def test_outlines_and_upright_polygons() -> None:
    assert outline(PAGE, Block((line("ab", 10, 5), line("a", 20, 30)))) == box(10, 5, 30, 50)
    assert is_upright(box(0, 0, 9, 9))
    assert not is_upright(((0.0, 0.0), (9.0, 3.0), (9.0, 12.0), (0.0, 9.0)))
    assert not is_upright(((9.0, 9.0), (0.0, 9.0), (0.0, 0.0), (9.0, 0.0)))


def test_names_of_pages() -> None:
    def names(*numbers: int) -> list[str]:
        return page_names(Document(tuple(Page(9, 9, number=number) for number in numbers), "m/1"))

    assert names(3, 7) == ["p3", "p7"]
    assert names(3, 3) == ["p1", "p2"]


@pytest.mark.parametrize(
    ("text", "language"),
    [("合计 5.00", "zh"), ("Total", "en"), ("5.00", None), ("", None), ("请联系 Alice", "zh"),
     ("the sign 口", "en"), ("Größe", "en")],
)  # fmt: skip
def test_languages(text: str, language: str | None) -> None:
    assert language_of(text) == language


def kinds(*names: BlockKind) -> list[Block]:
    return [Block((), name) for name in names]


@pytest.mark.parametrize(
    ("names", "owners"),
    [
        (["caption", "table"], {0: 1}),
        (["table", "caption"], {1: 0}),
        (["figure", "caption"], {1: 0}),
        (["caption", "figure"], {0: 1}),
        # The usual places win: above a table, below a figure.
        (["figure", "caption", "table"], {1: 2}),
        (["table", "caption", "figure"], {1: 0}),
        (["caption", "table", "caption", "table"], {0: 1, 2: 3}),
        (["figure", "caption", "figure", "caption"], {1: 0, 3: 2}),
        (["caption", "table", "caption"], {0: 1}),
        (["caption", "paragraph", "table"], {}),
        (["caption"], {}),
    ],
)
def test_owners_of_captions(names: list[BlockKind], owners: dict[int, int]) -> None:
    assert caption_owners(kinds(*names)) == owners


def test_depths_grow_one_by_one() -> None:
    items = [Block((), "list_item", level) for level in (3, 1, 4, 4, 2, 0)]
    assert depths(items) == [1, 1, 2, 3, 2, 1]
    assert max(depths([Block((), "list_item", 10**6)] * 50)) == 9


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("• a", ("", "•", "a")),
        ("- a", ("", "-", "a")),
        ("3. a", ("3", ".", "a")),
        ("12) a", ("12", ")", "a")),
        ("3.5 a", ("", "", "3.5 a")),
        ("3.", ("", "", "3.")),
        ("（一）甲", ("", "", "（一）甲")),
        ("-5.00", ("", "", "-5.00")),
        ("1234567890. a", ("", "", "1234567890. a")),
    ],
)
def test_markers_of_list_items(text: str, parts: tuple[str, str, str]) -> None:
    assert split_marker(text) == parts
