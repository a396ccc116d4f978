"""Texts that are composed of words: labels, figures, forms, signs."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from crnn_ocr.training.text import bilingual_labels, forms, small_figures
from crnn_ocr.training.text.charset import known, spell
from crnn_ocr.training.text.corpus import TextConfig, TextSampler
from crnn_ocr.training.text.phrases import SHORT_NAMES
from tests.training.world import Lines


@pytest.fixture
def words() -> bilingual_labels.Lexicon:
    english = Lines("The quick brown fox, it's said, jumps", "Remove all files?", "Open 24 hours", "")
    return bilingual_labels.Lexicon(
        dict.fromkeys(("en", "en_ui"), english)
        | {
            "en_words": Lines("terminal's", "amount", "hotel", "naïve", "A"),
            "zh": Lines("他说，今天的价格是三元；明天再看。", "没有标点的一行文字"),
            "zh_ui": Lines("打开文件(_O)", "x"),
            "zh_words": Lines("批次", "有效期限", "ABC"),
        }
    )


COMPOSERS: list[Callable[[random.Random, bilingual_labels.Lexicon], str]] = [
    *(
        getattr(bilingual_labels, name)
        for name in (
            "bilingual", "citation", "referring", "header", "stuck", "capitals",
            "name", "short", "priced", "inside", "label", "sign",
        )
    ),
    small_figures.figure,
    *(getattr(forms, name) for name in ("form", "counted", "entry", "measured", "row")),
]  # fmt: skip


@pytest.mark.parametrize("compose", COMPOSERS, ids=lambda one: one.__name__)
def test_composed_texts_repeat_with_the_seed_and_can_be_labels(
    compose: Callable[[random.Random, bilingual_labels.Lexicon], str], words: bilingual_labels.Lexicon
) -> None:
    texts = [compose(random.Random(seed), words) for seed in range(300)]
    assert texts == [compose(random.Random(seed), words) for seed in range(300)]
    assert len(set(texts)) > 10
    assert all(spell(text) and set(spell(text)) <= known() for text in texts)


def test_bilingual_labels_have_english_in_brackets(words: bilingual_labels.Lexicon) -> None:
    rng = random.Random(1)
    texts = [bilingual_labels.bilingual(rng, words) for _ in range(600)]
    form = re.compile(r"^[^A-Za-z]+ ?[(（\[【<《][!-~， ]+[)）\]】>》]")
    assert all(form.match(text) for text in texts)
    assert sum(bool(re.search(r"[(（][A-Z&.,/ -]+[)）]", text)) for text in texts) > 150
    assert sum(text[-1] in ":：" for text in texts) > 60
    assert any("NO.)" in text for text in texts)


def test_a_lexicon_gives_plain_words(words: bilingual_labels.Lexicon) -> None:
    rng = random.Random(2)
    found = {words.word(rng, 3, 10) for _ in range(300)}
    assert {"terminal", "hotel", "files", "brown"} <= found
    assert all(re.fullmatch(r"[a-z]{3,10}", word) for word in found)
    assert all(re.fullmatch(r"[一-鿿]{1,4}", words.chinese(rng, 2, 4)) for _ in range(100))
    assert sum(any(c in "，；。" for c in words.clause(rng, 8)) for _ in range(100)) > 80
    silent = bilingual_labels.Lexicon({kind: Lines("") for kind in bilingual_labels.SOURCES})
    assert re.fullmatch("[a-z]{3}", silent.word(rng, 3, 5))
    assert silent.chinese(rng)
    assert silent.clause(rng, 5)


def test_sums_are_grouped_and_shorts_are_short() -> None:
    rng = random.Random(3)
    form = re.compile(r"-?\(?\d{1,3}(,\d{3})*(\.\d{1,4})?\)?")
    assert all(form.fullmatch(small_figures.sum_of_money(rng)) for _ in range(300))
    assert all(1 <= len(small_figures.short(rng)) <= 9 for _ in range(300))
    assert all(re.fullmatch(r"[\d.]+[-/~:×][\d.]+", small_figures.pair(rng)) for _ in range(100))
    assert all(re.fullmatch(r"[-+]?\d+(\.\d+)?[%％]?", small_figures.percent(rng)) for _ in range(100))


def test_words_and_their_numbers_are_apart_in_forms(words: bilingual_labels.Lexicon) -> None:
    texts = [forms.form(random.Random(seed), words) for seed in range(2000)]
    apart, together = (
        sum(bool(re.search(rf"[A-Za-z]{{2}}\.?{gap}\d", t)) for t in texts) for gap in (" ", "")
    )
    assert apart > 700
    assert together < 0.05 * apart
    assert max(map(len, texts)) <= 50
    assert sum(text.isupper() for text in texts) > 200
    assert all(text == text.strip() for text in texts)


def test_short_names_avoid_letters_that_look_like_digits(words: bilingual_labels.Lexicon) -> None:
    rng = random.Random(6)
    drawn = [bilingual_labels.short(rng, words) for _ in range(400)]
    assert all(re.search(r"\d", text) for text in drawn)
    assert all(re.search(r"\d", name) for name in SHORT_NAMES)
    listed = sorted(SHORT_NAMES, key=len, reverse=True)
    made = [re.sub("|".join(map(re.escape, listed)), "", text) for text in drawn]
    assert not re.search(r"[IOQ]\d|\d[IOQ]", " ".join(made))
    assert sum(bool(re.search(r"[A-Z]1\b", text)) for text in drawn) > 20
    alone = [text for text in drawn if text in SHORT_NAMES or re.fullmatch(r"[A-Z]{1,2}\d+|\d[A-Z]", text)]
    assert len(alone) > 100, "many stand alone, as in the head of a table"


def test_signs_of_money_stand_at_the_end(words: bilingual_labels.Lexicon) -> None:
    rng = random.Random(7)
    assert {bilingual_labels.priced(rng, words)[-1] for _ in range(60)} == set("￥¥$€")


def test_references_stand_behind_words(words: bilingual_labels.Lexicon) -> None:
    texts = [bilingual_labels.referring(random.Random(seed), words) for seed in range(200)]
    assert all(re.search(r"[^ \[]\[\d{1,3}\]", text) for text in texts)
    assert sum(bool(re.search("[一-鿿]", text)) for text in texts) > 30


def test_signs_and_figures_come_without_bullets(data: Path) -> None:
    sampler = TextSampler(TextConfig(data / "corpora", kinds=(("signs", 1.0),), rare=0), 6)
    assert not [t for t in (sampler.draw() for _ in range(300)) if re.search(r"[①-⑫●■【《]", t)]
