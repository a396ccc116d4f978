from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from crnn_ocr.errors import TrainingError
from crnn_ocr.training.adaptation.material import (
    held_out,
    read_new_characters,
    read_pictures,
    read_texts,
    speller,
    write_shorter,
)

KNOWN = frozenset("abcdefgh 0123456789·✓")


def _write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_text(text, encoding=encoding)
    return path


def test_only_new_characters_are_taken_from_a_list(tmp_path: Path) -> None:
    listed = _write(tmp_path / "extra.txt", "\ufeff☢\n\na\n☢\n⚠\ufe0f\n")
    assert read_new_characters(listed, KNOWN) == ("☢", "⚠")


def test_characters_of_the_private_use_areas_can_be_learnt(tmp_path: Path) -> None:
    listed = _write(tmp_path / "marks.txt", "\ue000\n\U0010fffd\n")
    assert read_new_characters(listed, KNOWN) == ("\ue000", "\U0010fffd")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ab\n", "row 1: 'ab' is not one printable"),
        ("☢\n\u200b\n", "row 2"),
        ("\u0378\n", "row 1"),  # assigned to nothing
        ("a\nb\n", "knows every"),
    ],
)
def test_a_list_that_is_no_list_of_new_characters_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        read_new_characters(_write(tmp_path / "extra.txt", text), KNOWN)


def test_texts_are_spelt_with_what_is_known(tmp_path: Path) -> None:
    respell = speller(KNOWN)
    assert respell("a∙b\t c\u3000 ✔") == "a·b c ✓"
    assert respell("a☢") == "a☢"
    assert speller(KNOWN | {"✔"})("✔") == "✔"  # a twin that is to be told apart stays itself


def test_lines_with_unknown_characters_are_left_out_and_counted(tmp_path: Path) -> None:
    path = _write(tmp_path / "text.txt", "abc\r\nab☢☢\n\nabc\nfgh\n")
    texts, unknown = read_texts([path], KNOWN)
    assert texts == ("abc", "fgh")
    assert unknown == {"☢": 2}


def test_texts_that_are_of_no_use_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"no text in empty\.txt"):
        read_texts([_write(tmp_path / "empty.txt", " \n\n")], KNOWN)
    with pytest.raises(TrainingError, match=r"lacks: ☢ \(U\+2622\)") as told:
        read_texts([_write(tmp_path / "odd.txt", "a☢\n")], KNOWN)
    assert "--charset" in told.value.hint
    with pytest.raises(TrainingError, match="is not UTF-8") as told:
        read_texts([_write(tmp_path / "gb.txt", "中文", "gb18030")], KNOWN)
    assert "iconv" in told.value.hint
    with pytest.raises(TrainingError, match="cannot be read"):
        read_texts([tmp_path / "absent.txt"], KNOWN)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    cv2.imwrite(str(tmp_path / "one.png"), np.full((20, 60, 3), 200, np.uint8))
    cv2.imwrite(str(tmp_path / "dot.png"), np.zeros((2, 60, 3), np.uint8))
    _write(tmp_path / "broken.png", "no picture")
    return tmp_path


def test_pictures_are_read_from_beside_their_list(folder: Path) -> None:
    listed = _write(folder / "labels.tsv", "one.png\tab  c\n")
    for path in (listed, folder):
        (picture,) = read_pictures(path, KNOWN)
        assert (picture.name, picture.text, picture.image.shape) == ("one.png", "ab c", (20, 60, 3))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("one.png\ta\nabsent.png\tb\n", "row 2: .*absent.png cannot be read"),
        ("\none.png\ta\n\n\nabsent.png\tb\n", "row 5: .*absent.png cannot be read"),
        ("broken.png\ta\n", "row 1: .* no picture that can be decoded"),
        ("dot.png\ta\n", "only 60x2 pixels"),
        ("one.png a\n", "row 1: it must hold a file, one TAB and the text"),
        ("one.png\ta\tb\n", "one TAB"),
        ("\n", "lists no picture"),
        ("one.png\ta☢\n", r"lacks: ☢ \(U\+2622\)"),
    ],
)
def test_a_list_of_pictures_that_cannot_be_used_is_refused(folder: Path, rows: str, message: str) -> None:
    listed = _write(folder / "labels.tsv", rows)
    with pytest.raises(TrainingError, match=message):
        read_pictures(listed, KNOWN)


def test_long_lists_of_characters_are_cut_in_messages() -> None:
    assert write_shorter("aab\u200b") == "a (U+0061), b (U+0062), U+200B"
    assert write_shorter("abcdef", 2) == "a (U+0061), b (U+0062) and 4 more"


def test_what_is_held_out_depends_on_the_name_alone() -> None:
    names = [f"picture {number}" for number in range(2000)]
    share = sum(held_out(name, 0.2) for name in names) / len(names)
    assert 0.17 < share < 0.23
    assert [held_out(name, 0.2) for name in names] == [held_out(name, 0.2) for name in names]
