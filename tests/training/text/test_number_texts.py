"""Texts of numbers and of small parts, and what is drawn under and over lines."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.training.text import bilingual_labels, fine_details, number_texts
from crnn_ocr.training.text.charset import known, spell
from tests.training.world import Lines

Maker = Callable[[random.Random], str]


@pytest.fixture
def words() -> bilingual_labels.Lexicon:
    english = Lines("The little affine rill is filled", "Close all files?", "Open 24 hours")
    return bilingual_labels.Lexicon(
        dict.fromkeys(("en", "en_ui"), english)
        | {
            "en_words": Lines("million", "skill", "box", "cross", "saw"),
            "zh": Lines("他说，今天的价格是三元；明天再看。"),
            "zh_ui": Lines("打开文件"),
            "zh_words": Lines("批次", "有效期限"),
        }
    )


def drawn(make: Maker, count: int = 2000) -> list[str]:
    rng = random.Random(7)
    return [make(rng) for _ in range(count)]


@pytest.mark.parametrize("make", number_texts.MAKERS, ids=lambda one: one.__name__)
def test_every_make_can_be_a_label_and_repeats_with_the_seed(make: Maker) -> None:
    texts = drawn(make, 3000)
    assert texts == drawn(make, 3000)
    assert all(spell(text) and set(spell(text)) <= known() for text in texts)
    assert len(set(texts)) > 40
    assert max(map(len, texts)) <= 60


@pytest.mark.parametrize(
    "make", [number_texts.number, number_texts.among, *fine_details.MAKERS], ids=lambda one: one.__name__
)
def test_texts_with_words_can_be_labels(
    make: Callable[[random.Random, bilingual_labels.Lexicon], str], words: bilingual_labels.Lexicon
) -> None:
    texts = [make(random.Random(seed), words) for seed in range(600)]
    assert texts == [make(random.Random(seed), words) for seed in range(600)]
    assert all(spell(text) and set(spell(text)) <= known() for text in texts)
    assert len(set(texts)) > 30


@given(st.text("0123456789", min_size=1, max_size=15))
def test_thousands_are_apart_and_no_digit_is_lost(digits: str) -> None:
    text = number_texts.grouped(digits)
    assert text.replace(",", "") == digits
    first, *rest = text.split(",")
    assert 1 <= len(first) <= 3
    assert all(len(group) == 3 for group in rest)


@given(st.text("0123#@&.-/:, ", max_size=30), st.integers(0, 999))
def test_patterns_are_filled_and_keep_what_stands_between(pattern: str, seed: int) -> None:
    text = number_texts.filled(pattern, random.Random(seed))
    form = re.escape(pattern).replace(r"\#", r"\d").replace("@", "[A-Z]").replace(r"\&", "[A-Z][a-z]{2}")
    assert re.fullmatch(form, text)


def test_half_of_the_runs_are_of_one_or_two_digits() -> None:
    runs = drawn(lambda rng: number_texts.run(rng, 8))
    few = sum(len(set(text)) <= 2 for text in runs) / len(runs)
    assert 0.4 < few < 0.6
    alike = sum(bool(re.search(r"(\d)\1", text)) for text in runs) / len(runs)
    assert alike > 0.6, "doubled digits are those that are lost"
    everywhere = Counter("".join(runs))
    assert min(everywhere[digit] for digit in "0123456789") > 0.03 * sum(everywhere.values())


def test_decimals_have_up_to_six_places_and_their_last_zeros() -> None:
    texts = drawn(number_texts.decimal, 6000)
    assert all(re.fullmatch(r"[\d,.' ]*\d", text) for text in texts)
    places = Counter(
        len(text.partition(".")[2]) for text in texts if text.count(".") == 1 and "," not in text
    )
    assert set(range(1, 7)) <= set(places)
    assert sum(bool(re.search(r"\.\d*000?$", text)) for text in texts) > 300
    assert sum(bool(re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", text)) for text in texts) > 600
    assert sum(text.startswith("0.0") for text in texts) > 60


@pytest.mark.parametrize(
    ("make", "form"),
    [
        (number_texts.signed, r"[-+±<>≤≥≈~(] ?[\d.,' ]+\)?"),
        (number_texts.percent, r"[-+±≥<]?[\d.,' ]+( ?%|‰|％|%以上|%左右|% vol)"),
        (number_texts.mixture, r".?[-\d.,:/ +=*×·()%'~x#]+[-%.)*+,]?"),
    ],
    ids=["signed", "percent", "mixture"],
)
def test_signs_stand_where_they_may(make: Maker, form: str) -> None:
    assert all(re.fullmatch(form, text) for text in drawn(make))


def test_what_was_lost_is_drawn() -> None:
    texts = drawn(number_texts.value, 30_000)
    for form, least in (
        (r"\d{3}-\d{1,2}", 30),  # 102-2
        (r"\d\.\d", 30),  # 2.5
        (r"\d\d\.\d*0000?", 30),  # 20.0000
        (r"(\d)\1?\1?,\1{3}\.\1+", 10),  # 1,111.11
        (r"\d\d:\d\d:\d\d", 60),
        (r"\d\.\dE-\d+", 10),  # 1.2E-38
        (r"[1-9]", 100),
        (r"[-–—/×√]", 60),
        (r"\d+\.\d+×10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+", 30),
        (r"\d{4}-\d\d-\d\d", 30),
    ):
        assert sum(bool(re.fullmatch(form, text)) for text in texts) >= least, form
    signs = Counter("".join(texts))
    assert all(signs[sign] > 300 for sign in ".,-:/%() +=×")
    assert signs["％"] < 0.06 * signs["%"], "beside half-width digits a percent sign is half-width"


def test_blanks_are_drawn_and_say_nothing(words: bilingual_labels.Lexicon) -> None:
    assert fine_details.label_of("Name: ______") == "Name:"
    assert fine_details.label_of("姓名：____ 电话：_________") == "姓名： 电话："
    assert fine_details.label_of("______") == ""
    for text in ("__init__", "max_len", "a___b", "2.50"):
        assert fine_details.label_of(text) == text
    texts = [fine_details.to_fill_in(random.Random(seed), words) for seed in range(200)]
    assert all(fine_details.RULE in text for text in texts)
    assert all("_" not in fine_details.label_of(text) and fine_details.label_of(text) for text in texts)


def test_details_hold_what_they_are_about(words: bilingual_labels.Lexicon) -> None:
    def made(make: Callable[[random.Random, bilingual_labels.Lexicon], str]) -> list[str]:
        return [make(random.Random(seed), words) for seed in range(400)]

    assert all(
        re.search("|".join(fine_details.THIN), text.lower()) or len(text) < 9
        for text in made(fine_details.thin)
    )
    alike = set(fine_details.ALIKE) | set(fine_details.ALIKE.upper())
    assert sum(bool(alike & set(text)) for text in made(fine_details.case)) > 380
    assert all(re.search("[—…–～~·-]", text) or text[-1] in "。" for text in made(fine_details.dashed))
    boxes = made(fine_details.ticked)
    assert all(set(fine_details.BOXES) & set(text) for text in boxes)
    assert sum(bool(re.search("[□☐○]", text)) for text in boxes) > 150
    code = made(fine_details.coded)
    assert max(map(len, code)) <= 46
    joined = "".join(code)
    assert all(sign in joined for sign in ("_", "||", "^", "&&", "!=", "~", ";", "=="))
