from __future__ import annotations

import pytest

from crnn_ocr.errors import ModelBrokenError
from crnn_ocr.recognition.network.charset import Charset


def test_the_blank_comes_first_and_the_space_last() -> None:
    charset = Charset.build("中文a", blank=0, space=True)

    assert charset.symbols == ("", "中", "文", "a", " ")
    assert charset[2] == "文"
    assert len(charset) == 5


def test_the_blank_may_come_last() -> None:
    assert Charset.build("ab", blank=2, space=False).symbols == ("a", "b", "")


@pytest.mark.parametrize(
    ("characters", "blank", "message"),
    [([], 0, "empty"), (["a", ""], 0, "empty"), (["a", "a"], 0, "twice"), (["a"], 5, "outside")],
)
def test_broken_lists_are_refused(characters: list[str], blank: int, message: str) -> None:
    with pytest.raises(ModelBrokenError, match=message):
        Charset.build(characters, blank=blank, space=False)
