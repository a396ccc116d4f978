from __future__ import annotations

import random
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.errors import TrainingError
from crnn_ocr.training.text import phrases
from crnn_ocr.training.text.charset import gb2312, known, spell
from crnn_ocr.training.text.corpus import (
    FIRST_LEVEL,
    SYMBOLS,
    Corpus,
    EvenWords,
    TextConfig,
    TextSampler,
    encodable,
    script_of,
)
from tests.training.world import HAN


def test_texts_repeat_with_the_seed_and_can_be_labels(data: Path) -> None:
    config = TextConfig(data / "corpora")
    one, same, other = (TextSampler(config, seed) for seed in (1, 1, 2))
    first = [one.draw() for _ in range(400)]
    assert first == [same.draw() for _ in range(400)]
    assert first != [other.draw() for _ in range(400)]
    assert all(text and set(text) <= known() and text == text.strip() for text in first)
    lengths = [len(text) for text in first]
    assert min(lengths) <= 2
    assert max(lengths) >= 30


def test_held_out_text_is_another(data: Path) -> None:
    kinds = (("poems", 1.0),)
    common = set(HAN[900:1140])
    held = TextSampler(TextConfig(data / "corpora", held_out=True, kinds=kinds, rare=0), 3)
    train = TextSampler(TextConfig(data / "corpora", kinds=kinds, rare=0), 3)
    assert sum(c in common for _ in range(100) for c in held.draw()) > 300
    assert not sum(c in common for _ in range(100) for c in train.draw())


def test_rare_characters_come_from_the_whole_set(data: Path) -> None:
    without, always = (
        TextSampler(TextConfig(data / "corpora", kinds=(("zh", 1.0),), rare=rare), 5) for rare in (0.0, 1.0)
    )
    few, many = (Counter(c for _ in range(3000) for c in s.draw()) for s in (without, always))
    assert len(many) > 3500 > 3 * len(few)
    assert all(many[c] for c in set(spell(SYMBOLS)) - {" "})


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("流动资产：", "gb2312"),
        ("流動資產", "big5"),
        ("山水 ABC 12", "gb2312"),
        ("婴嬰", "any"),
        ("", "gb2312"),
    ],
)
def test_a_text_tells_its_script(text: str, script: str) -> None:
    assert script_of(text) == script


def test_rare_characters_keep_to_the_script_of_the_line(tmp_path: Path) -> None:
    (tmp_path / "zh.txt").write_text("国际贸易发展与银行存款\n" * 50, encoding="utf-8")
    sampler = TextSampler(TextConfig(tmp_path, kinds=(("zh", 1.0),), rare=1.0), 4)
    original = set("国际贸易发展与银行存款")
    mixed = []
    for _ in range(2000):
        han = [c for c in sampler.draw() if "一" <= c <= "鿿"]
        strange = [c for c in han if c not in original]
        if strange and len(han) > 3 * len(strange):
            mixed += strange
    assert len(mixed) > 100
    assert all(encodable(c, "gb2312") for c in mixed)


def test_symbols_can_be_labels() -> None:
    assert set(SYMBOLS) <= known()


@given(st.integers(0, 2**32))
def test_every_generator_gives_text_of_the_set(seed: int) -> None:
    rng = random.Random(seed)
    for generate in phrases.GENERATORS:
        text = spell(generate(rng))
        assert text
        assert set(text) <= known() | set("⊗円"), text
    assert spell(phrases.item(rng, "文字"))


def test_generated_forms_look_right() -> None:
    rng = random.Random(0)
    assert all(phrases.spelt_amount(rng) for _ in range(200))
    assert any("整" in phrases.spelt_amount(rng) for _ in range(20))
    assert all(any(c.isdigit() for c in phrases.number(rng)) for _ in range(200))
    assert all(set(phrases.digits(rng, 3, 5)) <= set("0123456789") for _ in range(50))
    assert {len(phrases.digits(rng, 3, 5)) for _ in range(100)} == {3, 4, 5}


def test_serial_numbers_have_no_letters_that_look_like_digits() -> None:
    rng = random.Random(1)
    mixed = [text for text in (phrases.code(rng) for _ in range(3000)) if text.isupper() and text.isalnum()]
    assert len(mixed) > 200
    assert not [text for text in mixed if len(text) > 3 and set("OIQ") & set(text)]


def test_long_lines_are_drawn_by_their_length(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("一" * 99 + "\n二\n", encoding="utf-8")
    corpus, rng = Corpus(tmp_path / "a.txt"), random.Random(0)
    drawn = Counter(corpus.draw(rng)[:1] for _ in range(300))
    assert drawn["一"] > 280
    assert set(drawn) <= {"一", "二"}


@pytest.mark.parametrize("content", [None, ""])
def test_missing_and_empty_corpora_are_clear_errors(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "zh.txt").write_text(content)
    with pytest.raises(TrainingError, match=r"Missing or empty in .*: zh\.txt"):
        TextSampler(TextConfig(tmp_path, kinds=(("zh", 1.0),)), 0)
    with pytest.raises(TrainingError, match="missing or empty"):
        Corpus(tmp_path / "zh.txt")


def test_all_corpora_that_are_missing_are_named(tmp_path: Path) -> None:
    (tmp_path / "zh.txt").write_text("文字\n", encoding="utf-8")
    with pytest.raises(TrainingError, match=r": en_words\.txt, poems\.txt\."):
        TextSampler(TextConfig(tmp_path, kinds=(("mixed", 1.0), ("poems", 1.0))), 0)


@pytest.mark.parametrize("lines", [2, 20_000])
@pytest.mark.parametrize("encoding", ["gb18030", "utf-16"])
def test_corpora_in_other_encodings_are_clear_errors(tmp_path: Path, lines: int, encoding: str) -> None:
    (tmp_path / "zh.txt").write_text("国际贸易发展与银行存款\n" * lines, encoding=encoding)
    with pytest.raises(TrainingError, match=r"zh\.txt is not UTF-8 \(byte \d+\)"):
        Corpus(tmp_path / "zh.txt")


@pytest.mark.parametrize("lines", [2, 200_000])
def test_corpora_of_blank_lines_are_clear_errors(tmp_path: Path, lines: int) -> None:
    (tmp_path / "zh.txt").write_text(" \n" * lines, encoding="utf-8")
    with pytest.raises(TrainingError, match="blank lines alone"):
        Corpus(tmp_path / "zh.txt")


@pytest.mark.parametrize("pad", range(4))
@pytest.mark.parametrize("size", [2, 4096, 5000, 300_001])
def test_a_sample_may_begin_and_end_within_a_character(tmp_path: Path, pad: int, size: int) -> None:
    text = ("x" * pad + "𠮷一é" * (size // 9 + 1)).encode()
    (tmp_path / "zh.txt").write_bytes(text)
    assert Corpus(tmp_path / "zh.txt").lines() == [text.decode()]


def test_a_character_cut_off_at_the_end_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "zh.txt").write_bytes("一二".encode()[:-1])
    with pytest.raises(TrainingError, match=r"byte 3\)"):
        Corpus(tmp_path / "zh.txt")


def test_corpora_of_unknown_characters_are_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "zh.txt").write_text("ひらがな\n" * 20, encoding="utf-8")
    sampler = TextSampler(TextConfig(tmp_path, kinds=(("zh", 1.0),), rare=0), 0)
    with pytest.raises(TrainingError, match="unknown characters"):
        sampler.draw()


COMMON, RARER = tuple(gb2312())[:FIRST_LEVEL], tuple(gb2312())[FIRST_LEVEL:]


def test_the_levels_are_those_of_the_standard() -> None:
    assert (len(COMMON), COMMON[0], COMMON[-1]) == (3755, "啊", "座")
    assert (len(RARER), RARER[0], RARER[-1]) == (3008, "亍", "齄")


def test_even_words_show_rare_characters_as_often() -> None:
    words = EvenWords(["的话", "目的", "我的", "患者", "遒劲", "ＡＢ"] + ["的的"] * 500)
    rng = random.Random(4)
    drawn = [words.draw(rng) for _ in range(80_000)]
    counts = Counter(c for word in drawn for c in set(word))
    lone = (set(COMMON) | set(RARER)) - set("的话目我患者遒劲")
    assert set(drawn) - lone == {"的话", "目的", "我的", "患者", "遒劲", "的的"}
    assert len(lone - set(drawn)) < 20
    assert 15 < counts["患"] < 60  # twice in 3,755 words: by itself and with its neighbour
    assert counts["酶"] > 4  # no word has it
    share = sum(counts[c] for c in RARER if c != "遒") / 80_000
    assert 0.23 < share < 0.27


def test_lines_of_even_words_are_drawn_from_the_words(data: Path) -> None:
    sampler = TextSampler(TextConfig(data / "corpora", kinds=(("even", 1.0),), rare=0), 3)
    texts = [sampler.draw() for _ in range(200)]
    assert max(map(len, texts)) > 28
    assert len({c for text in texts for c in text}) > 900


def test_sums_have_their_thousands_apart() -> None:
    rng = random.Random(2)
    for _ in range(200):
        for value in re.split(r"  ?|/", phrases.sums(rng)):
            assert re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d\d)?", value), value
