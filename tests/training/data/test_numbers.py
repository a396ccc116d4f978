"""Texts of numbers and of small parts, and what is drawn under and over lines."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.training.data.dataset import LineSampler, SampleConfig
from crnn_ocr.training.data.heldout_sets import HELD_OUT, heldout
from crnn_ocr.training.render.atlas import EM
from crnn_ocr.training.render.compose import BASELINE, Composed
from crnn_ocr.training.synth import low_resolution, overprints
from crnn_ocr.training.text import bilingual_labels, fine_details, number_texts
from crnn_ocr.training.text.charset import known, spell
from crnn_ocr.training.text.corpus import AS_COMPOSED, COMPOSED, TextConfig, TextSampler
from crnn_ocr.training.text.mixture import TRAINING, Extras

from .world import Lines

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


def test_numbers_keep_their_signs_and_get_no_bullets(data: Path) -> None:
    assert COMPOSED.keys() >= AS_COMPOSED
    sampler = TextSampler(TextConfig(data / "corpora", kinds=(("numbers", 1.0),), rare=0), 6)
    texts = [sampler.draw() for _ in range(800)]
    assert not re.search(r"[①-⑫●■【《０-９]", "".join(texts))
    assert sum(bool(re.search(r"\d", text)) for text in texts) > 700


def test_blanks_are_drawn_and_say_nothing(words: bilingual_labels.Lexicon) -> None:
    assert fine_details.said("Name: ______") == "Name:"
    assert fine_details.said("姓名：____ 电话：_________") == "姓名： 电话："
    assert fine_details.said("______") == ""
    for text in ("__init__", "max_len", "a___b", "2.50"):
        assert fine_details.said(text) == text
    texts = [fine_details.to_fill_in(random.Random(seed), words) for seed in range(200)]
    assert all(fine_details.RULE in text for text in texts)
    assert all("_" not in fine_details.said(text) and fine_details.said(text) for text in texts)


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


def test_underlines_lie_below_the_baseline_and_leave_the_line_whole(line: Composed) -> None:
    wider = 0
    for seed in range(120):
        under = overprints.underlined(line, random.Random(seed))
        before = under.mask.shape[1] - line.mask.shape[1]
        wider += before > 0
        assert before >= 0
        top = BASELINE + round(0.06 * EM)
        found = [
            at
            for at in range(before + 1)
            if np.array_equal(under.mask[:top, at : at + line.mask.shape[1]], line.mask[:top])
        ]
        assert found, "what stands above the rule is as it was"
        assert under.mask.astype(int).sum() > line.mask.astype(int).sum()
        assert under.bottom >= line.bottom
        assert under.ink[1] <= under.mask.shape[0]
        rule = under.mask[top : under.ink[1]].max(axis=0)
        assert (rule > 100).sum() >= EM // 2
    assert 20 < wider < 90


def test_seals_are_red_and_ink_shows_through(line: Composed) -> None:
    reddened = 0
    for seed in range(60):
        ground = np.full((40, 300, 3), 250, np.float32)
        ground[15:25, 100:200] = 10
        before = ground.copy()
        overprints.seal(ground, line if seed % 2 else None, random.Random(seed))
        assert ground.shape == before.shape
        assert np.all(ground <= before + 1e-3), "a seal darkens"
        assert ground[15:25, 100:200].max() <= 10, "black stays black"
        changed = ground[(before - ground).max(axis=2) > 60]
        reddened += len(changed) > 20 and changed[:, 2].mean() > changed[:, 0].mean() + 40
    assert reddened > 35


@pytest.mark.parametrize("radius", [6, 15, 40])
def test_prints_of_seals_have_a_rim_and_characters(radius: int, line: Composed) -> None:
    for seed in range(30):
        plain = overprints.print_of_seal(None, random.Random(seed), radius)
        full = overprints.print_of_seal(line, random.Random(seed), radius)
        assert plain.shape == full.shape == (2 * radius, 2 * radius)
        assert plain.dtype == full.dtype == np.uint8
        assert (plain > 127).mean() < 0.75
        assert plain[radius, :3].max() > 60 or plain[:, radius].max() > 60
        assert full.astype(int).sum() >= plain.astype(int).sum()


def test_cells_are_of_any_size_and_show_what_they_say(line: Composed) -> None:
    heights, widths = [], []
    for seed in range(200):
        picture = low_resolution.picture(line, None, random.Random(seed), low_resolution.CELL)
        assert picture is not None
        assert np.ptp(picture.astype(int).mean(axis=2)) > 25
        heights.append(picture.shape[0])
        widths.append(picture.shape[1] / picture.shape[0])
    assert min(heights) < 14
    assert max(heights) > 40
    assert max(widths) > 1.7 * min(widths), "condensed and wide faces are drawn"


def test_training_has_its_share_of_numbers_and_held_out_sets_have_their_own(data: Path) -> None:
    assert 0.12 < TRAINING.numbers < 0.2
    assert {"numbers", "details"} < set(TRAINING.kinds())
    rng = random.Random(4)
    kinds = Counter(TRAINING.kind(rng) for _ in range(20_000))
    assert kinds["numbers"] / 20_000 == pytest.approx(TRAINING.numbers, abs=0.01)
    assert "numbers" in HELD_OUT
    lines = heldout("numbers", SampleConfig(data), 40)
    again = heldout("numbers", SampleConfig(data, extras=Extras()), 40)
    assert [text for _, text in lines] == [text for _, text in again]
    assert all(np.array_equal(a, b) for (a, _), (b, _) in zip(lines, again, strict=True))
    assert sum(bool(re.search(r"\d", text)) for _, text in lines) > 30


def test_new_kinds_repeat_with_the_seed(data: Path) -> None:
    extras = Extras(numbers=0.4, details=0.3, pages=1.0, underlined=0.5, sealed=0.5, rules=1.0)
    config = replace(SampleConfig(data), extras=extras)
    one, same = (LineSampler(5, config) for _ in range(2))
    for _ in range(80):
        (picture, text), (again, said) = one.sample(), same.sample()
        assert text == said
        assert "____" not in text
        assert np.array_equal(picture, again)
        assert picture.shape[0] == 48
        assert set(text) <= known()
