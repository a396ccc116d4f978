from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.engine.ocr import OCR
from crnn_ocr.errors import SettingsError
from crnn_ocr.recognition.network.recognizer import ReadChar, Reading
from crnn_ocr.recognition.text import replacement_table
from crnn_ocr.recognition.text.replacement_table import load, parse
from crnn_ocr.recognition.text.replacements import Replacements
from crnn_ocr.settings import Settings
from tests import drawing


def reading(text: str, confidence: float = 0.9) -> Reading:
    """Return a line whose characters are equally wide."""
    width = 1 / max(1, len(text))
    chars = (ReadChar(c, 0.5 + 0.01 * i, i * width, (i + 1) * width, 0.9) for i, c in enumerate(text))
    return Reading(text, confidence, tuple(chars))


def applied(text: str, table: dict[str, str]) -> str:
    return Replacements(table).apply(reading(text)).text


def test_strings_are_replaced_in_order_the_longest_first() -> None:
    table = {"m2": "㎡", "m": "M", "0C": "℃"}

    assert applied("5 m2 at 20 0C, 3 mm", table) == "5 ㎡ at 20 ℃, 3 MM"
    assert applied("aaa", {"aa": "b"}) == "ba"


def test_the_width_that_a_user_wants_stays() -> None:
    assert applied("5%", {"%": "％"}) == "5％"


def test_inserted_text_is_not_searched_again() -> None:
    assert applied("ab", {"a": "b", "b": "a"}) == "ba"
    assert applied("x", {"x": "xx"}) == "xx"


@pytest.mark.parametrize("wanted", ["a.c", "[0-9]+", "(a+)+$", r"\d", "^a|b", "a*", "a{4}", ".", "(?i)A"])
def test_what_looks_like_a_regular_expression_is_meant_literally(wanted: str) -> None:
    table = parse(f"{wanted}\t" + r"\1\g<0>$&")
    assert applied("abc 12 aaaa", table) == "abc 12 aaaa"
    assert applied(f"5 {wanted} 6", table) == r"5 \1\g<0>$& 6"


def test_a_line_without_any_of_the_strings_is_left_as_it_is() -> None:
    line = reading("nothing to do")

    assert Replacements({"㎡": "m²"}).apply(line) is line
    assert Replacements({}).apply(line) is line


def test_one_for_one_keeps_places_and_confidences() -> None:
    line = reading("ABCD")

    changed = Replacements({"BC": "xy"}).apply(line)

    assert changed.text == "AxyD"
    for old, new in zip(line.chars, changed.chars, strict=True):
        assert (new.start, new.end, new.confidence, new.share) == (
            old.start,
            old.end,
            old.confidence,
            old.share,
        )


def test_a_replacement_of_another_length_shares_its_extent() -> None:
    changed = Replacements({"CD": "xyz", "B": ""}).apply(reading("ABCDE", confidence=0.7))

    assert changed.text == "AxyzE"
    assert changed.confidence == 0.7
    places = [(round(char.start, 3), round(char.end, 3)) for char in changed.chars[1:4]]
    assert places == [(0.4, 0.533), (0.533, 0.667), (0.667, 0.8)]
    assert {char.confidence for char in changed.chars[1:4]} == {0.52}


def test_blanks_are_tidied_again() -> None:
    assert applied("a - b", {"-": ""}) == "a b"
    assert applied("a -", {"-": " "}) == "a"


def test_a_line_of_which_nothing_is_left_is_empty() -> None:
    assert Replacements({"a": ""}).apply(reading("aa")) == Reading("", 0.0, ())


@given(
    st.text("ab 中", max_size=12),
    st.dictionaries(st.text("ab中", min_size=1, max_size=3), st.text("abc 文", max_size=4), max_size=5),
)
def test_text_and_characters_stay_in_step_and_in_order(text: str, table: dict[str, str]) -> None:
    changed = Replacements(table).apply(reading(" ".join(text.split())))

    assert "".join(char.text for char in changed.chars) == changed.text
    edges = [edge for char in changed.chars for edge in (char.start, char.end)]
    assert edges == pytest.approx(sorted(edges))
    assert all(-1e-9 <= edge <= 1 + 1e-9 for edge in edges)


def test_a_table_has_comments_empty_rows_and_either_line_end() -> None:
    table = parse("\ufeff# signs of our parts\r\n\r\nm2\t㎡\r\n#\t＃\n  x\ty \nold\t\n")

    assert table == {"m2": "㎡", "#": "＃", "  x": "y ", "old": ""}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a\tb\nno tab here\n", "row 2 of the table of replacements has no tab"),
        ("a\tb\tc", "row 1 of the table of replacements has more than one tab"),
        ("\n\tb", "row 2 of the table of replacements looks for nothing"),
        ("  \tb", "row 1 of the table of replacements looks for nothing"),
        ("a\tb\n# twice\na\tc", "row 3 of the table of replacements looks for the same as an earlier one"),
        ("a\tb\u0085", "row 1 of the table of replacements has a control character"),
        ("a" * 101 + "\tb", "row 1 of the table of replacements is longer than 100 characters"),
        ("a\t" + "b" * 101, "row 1 of the table of replacements is longer than 100 characters"),
    ],
)
def test_wrong_rows_are_named(text: str, place: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse(text)

    assert caught.value.message.startswith(place)
    assert "tab" in caught.value.hint


def test_a_table_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replacement_table, "MOST_ROWS", 2)

    assert len(parse("a\tb\nb\tc\n")) == 2
    with pytest.raises(SettingsError, match=r"row 3 .* one too many: at most 2"):
        parse("a\tb\nb\tc\nc\td\n")


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    wrong = tmp_path / "table.tsv"
    wrong.write_text("just words\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"CRNN_OCR_REPLACEMENTS: .*table\.tsv: row 1"):
        load(wrong)
    wrong.write_bytes("中\t文".encode("gbk"))
    with pytest.raises(SettingsError, match=r"table\.tsv is not UTF-8"):
        load(wrong)
    with pytest.raises(SettingsError, match=r"absent\.tsv cannot be read"):
        load(tmp_path / "absent.tsv")
    with pytest.raises(SettingsError, match="cannot be read"):
        OCR(Settings(replacements=tmp_path))


def test_the_engine_replaces_what_it_has_read(tmp_path: Path, ocr: OCR) -> None:
    table = tmp_path / "table.tsv"
    table.write_text("m2\t㎡\nNo.\t№\nDRAFT\t\n", encoding="utf-8")
    page = drawing.page([(20, 20, "Room No. 7: 25 m2"), (20, 120, "DRAFT")], shape=(420, 200))
    plain = ocr.read(page, model="accurate")
    assert plain.text == "Room No. 7: 25 m2\nDRAFT"

    with OCR(Settings(replacements=table, model="accurate"), threads=1) as engine:
        document = engine.read(page)

    assert document.text == "Room № 7: 25 ㎡"
    line, before = document.pages[0].lines[0], plain.pages[0].lines[0]
    assert (line.confidence, line.polygon) == (before.confidence, before.polygon)
    assert "".join(char.text for char in line.chars) == line.text
