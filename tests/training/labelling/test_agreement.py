from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.training.labelling.agreement import SURE, WEIGHTS, Label, TeacherReading, decide


def readings(*texts: str, confidence: float = 0.5) -> list[TeacherReading]:
    return [TeacherReading(text, confidence) for text in texts]


@pytest.mark.parametrize(
    ("texts", "label"),
    [
        (("Total 19.80", "Total 19.80"), Label("Total 19.80", "all")),
        (("Total 19.80", "Total19.80"), Label("Total 19.80", "all")),  # the first one's blanks
        (("合计：５", "合计:5"), Label("合计：５", "all")),  # widths are habits
        (("ab", "ab", "abc"), Label("ab", "most")),
        (("abc", "ab", "ab"), Label("ab", "most")),
        (("ab", "ac", "ad"), Label("", "none")),
        (("ab", "ab", "cd", "cd"), Label("", "none")),  # no majority
        (("", ""), Label("", "none")),
        (("ab", ""), Label("", "none")),
        (("ab",), Label("", "none")),
        ((), Label("", "none")),
    ],
)
def test_labels_are_what_readers_agree_on(texts: tuple[str, ...], label: Label) -> None:
    assert decide(readings(*texts)) == label


def test_one_sure_reader_is_believed_a_little() -> None:
    split = [TeacherReading("Invoice 7", SURE), TeacherReading("lnvoice 7", 0.4)]
    assert decide(split) == Label("Invoice 7", "surest")
    assert decide(split[::-1]).text == "Invoice 7"
    assert decide([TeacherReading("abc", SURE)]) == Label("abc", "surest")
    both = [TeacherReading("WIFI_ANT", SURE), TeacherReading("WIFI ANT", 1.0)]
    assert decide(both) == Label("WIFI_ANT", "surest")  # the more accurate one's
    icon = [TeacherReading("Q", 1.0), TeacherReading("", 0.0)]
    assert decide(icon) == Label("", "none")
    assert WEIGHTS["all"] > WEIGHTS["most"] > WEIGHTS["surest"] > WEIGHTS["none"] == 0


texts = st.text(st.sampled_from("ab 1０0"), max_size=4)
given_readings = st.lists(st.builds(TeacherReading, texts, st.floats(0, 1)), max_size=5)


@given(given_readings)
def test_a_label_is_one_of_the_readings(given_: list[TeacherReading]) -> None:
    label = decide(given_)
    assert (label.text == "") == (label.agreement == "none")
    assert label.text in {"", *(reading.text.strip() for reading in given_)}
    assert label.weight == WEIGHTS[label.agreement]


@given(given_readings)
def test_one_more_who_agrees_changes_no_label(given_: list[TeacherReading]) -> None:
    label = decide(given_)
    if label.agreement in ("all", "most"):
        again = decide([*given_, TeacherReading(label.text, 0.0)])
        assert (again.text, again.agreement) == (label.text, label.agreement)
