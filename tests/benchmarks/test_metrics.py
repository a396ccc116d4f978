from __future__ import annotations

import pytest
from benchmarks.harness.metrics import (
    missed_lines,
    normalise,
    score_lines,
    score_pages,
    truth_lines,
)
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ("ＡＢＣ　１２３：", "ABC 123:"),
        ("  two \t words\n", "two words"),
        ("“quoted” ‘text’", "\"quoted\" 'text'"),
        ("账户——这", "账户--这"),
        ("1–2 − 3 － 4", "1-2 - 3 - 4"),
        ("it`s John´s", "it's John's"),
        ("…", "..."),
    ],
)
def test_normalise_folds_what_a_reader_takes_for_one(raw: str, wanted: str) -> None:
    assert normalise(raw, spaces=True) == wanted


def test_normalise_can_drop_spaces_and_case() -> None:
    assert normalise("A b\u3000 C", spaces=False) == "AbC"
    assert normalise("Straße", spaces=True, case=False) == "strasse"
    assert normalise("一、 A", spaces=True) == "一、 A"


def test_normalise_keeps_characters_apart_that_differ() -> None:
    assert normalise("一", spaces=True) != normalise("-", spaces=True)
    assert normalise("。", spaces=True) != normalise(".", spaces=True)


@pytest.mark.parametrize(("wide", "narrow"), [("９６％", "96%"), ("：", ":"), ("（）", "()"), ("ＡＢ", "AB")])
def test_normalise_can_tell_widths(wide: str, narrow: str) -> None:
    assert normalise(wide, spaces=False) == normalise(narrow, spaces=False)
    assert normalise(wide, spaces=False, widths=True) != normalise(narrow, spaces=False, widths=True)


def test_dashes_quotes_and_blanks_are_folded_at_any_width() -> None:
    assert normalise("“甲”\u3000 乙——１", spaces=False, widths=True) == '"甲"乙--１'
    assert normalise("cafe\u0301", spaces=False, widths=True) == "caf\u00e9"


@given(st.text(max_size=30), st.booleans(), st.booleans(), st.booleans())
def test_normalise_is_idempotent(text: str, spaces: bool, case: bool, widths: bool) -> None:
    once = normalise(text, spaces=spaces, case=case, widths=widths)
    assert normalise(once, spaces=spaces, case=case, widths=widths) == once


@given(st.text(max_size=30), st.text(max_size=30))
def test_what_is_equal_with_widths_is_equal_without(one: str, other: str) -> None:
    if normalise(one, spaces=False, widths=True) == normalise(other, spaces=False, widths=True):
        assert normalise(one, spaces=False) == normalise(other, spaces=False)


def test_line_score() -> None:
    pairs = [("大桶装 更划算", "大桶装更划算"), ("肩膀", "启膀"), ("No. 5", "No. 5"), ("——", "--")]
    score = score_lines(pairs)
    assert score.cer == pytest.approx(100 / 14)  # 6 + 2 + 4 + 2 characters, one wrong
    assert (score.exact, score.exact_spaces, score.count) == (75.0, 50.0, 4)


def test_line_score_with_widths() -> None:
    score = score_lines([("电话：12", "电话: 12"), ("96%", "96 ％"), ("共 3 件", "共3件"), ("一", "二")])
    assert (score.exact, score.exact_widths) == (75, 25)
    assert score_lines([("Hotel", "HOTEL")], case=False).exact_widths == 100


def test_line_score_without_case() -> None:
    assert score_lines([("Hotel", "HOTEL")]).exact == 0
    assert score_lines([("Hotel", "HOTEL")], case=False).exact == 100


def test_nothing_read_is_all_wrong() -> None:
    assert score_lines([("abcd", "")]).cer == 100
    assert score_pages([("abcd", [])]).f1 == 0


def test_scores_of_nothing_do_not_divide_by_zero() -> None:
    assert score_lines([]).count == 0
    assert score_pages([("", [])]).f1 == 0


def test_page_f1_is_summed_over_pages_and_blind_to_order() -> None:
    score = score_pages([("ab\ncd", ["cd", "ab"]), ("efgh", ["ef"])])
    assert score.f1 == pytest.approx(200 * 6 / (8 + 6))


def test_page_f1_counts_repeated_and_invented_characters() -> None:
    assert score_pages([("aab", ["ab"])]).f1 == pytest.approx(80)
    assert score_pages([("ab", ["aab"])]).f1 == pytest.approx(80)


def test_characters_are_not_borrowed_from_another_page() -> None:
    assert score_pages([("ab", ["cd"]), ("cd", ["ab"])]).f1 == 0


def test_line_hits() -> None:
    truth = "品名\n\n数量 10\n金额\n"
    score = score_pages([(truth, ["品名 数量", "10", "余额"])])
    assert score.lines == 3
    assert score.hits == pytest.approx(200 / 3)  # the line joined with its neighbour and the split one count
    assert score.hits_spaces == pytest.approx(200 / 3)
    assert score.own_lines == 0


def test_line_hits_with_spaces_need_the_spaces() -> None:
    score = score_pages([("two words", ["twowords"])])
    assert (score.hits, score.hits_spaces, score.own_lines) == (100, 0, 100)


def test_line_hits_with_widths() -> None:
    score = score_pages([("总额：5\n比例 96%", ["总额:5", "比例96%"])])
    assert (score.hits, score.hits_widths) == (100, 50)


def test_missed_lines_name_the_nearest() -> None:
    assert missed_lines("姓名：王\n合计", ["姓名:玉", "合计"]) == [("姓名:王", "姓名:玉")]
    assert missed_lines("姓名", []) == [("姓名", "")]


def test_truth_lines_skip_what_normalises_to_nothing() -> None:
    assert truth_lines("a\n \u3000\n b ") == ["a", "b"]
