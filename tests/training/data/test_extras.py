from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crnn_ocr.training.data import dataset
from crnn_ocr.training.data.dataset import LineSampler, SampleConfig
from crnn_ocr.training.data.heldout_sets import heldout
from crnn_ocr.training.render.atlas import EM
from crnn_ocr.training.render.compose import Composed, Layout, Mask, Typesetter
from crnn_ocr.training.render.fonts import COMMON, ROMAN, SONG, held_out
from crnn_ocr.training.synth import distractors, low_resolution, signs
from crnn_ocr.training.text import bilingual_labels, corpus, forms, small_figures
from crnn_ocr.training.text.charset import known, spell
from crnn_ocr.training.text.corpus import EVERYDAY, WEIGHTS, TextConfig, TextSampler
from crnn_ocr.training.text.mixture import FACES, TRAINING, Extras
from crnn_ocr.training.text.phrases import SHORT_NAMES

from .world import HAN, Lines

GOLDEN = 0.2570426765346009
"""The next random number after fifty lines were set, as it was when the held-out sets were fixed."""


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


def test_short_names_hold_a_digit_and_no_letter_that_looks_like_one(words: bilingual_labels.Lexicon) -> None:
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


def test_held_out_sets_draw_none_of_the_new_kinds(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not {"labels", "figures", "forms", "signs"} & set(EVERYDAY)
    assert {"labels", "figures", "forms"} <= set(WEIGHTS)

    def refuse(*_: object) -> None:
        raise AssertionError("drawn for a held-out set")

    for module, name in ((low_resolution, "picture"), (signs, "picture"), (distractors, "surround")):
        monkeypatch.setattr(module, name, refuse)
    before = heldout("known-fonts-degraded", SampleConfig(data), 60)
    monkeypatch.setitem(WEIGHTS, "labels", 900.0)
    after = heldout(
        "known-fonts-degraded", SampleConfig(data, extras=Extras(*[1.0] * len(fields(Extras)))), 60
    )
    assert [text for _, text in before] == [text for _, text in after]
    assert all(np.array_equal(a, b) for (a, _), (b, _) in zip(before, after, strict=True))


def test_shares_decide_what_is_drawn() -> None:
    rng = random.Random(4)
    drawn = Counter(TRAINING.kind(rng) for _ in range(20_000))
    assert drawn["figures"] / 20_000 == pytest.approx(TRAINING.figures, abs=0.01)
    assert drawn["labels"] / 20_000 == pytest.approx(TRAINING.labels, abs=0.01)
    assert drawn["signs"] / 20_000 == pytest.approx(TRAINING.signs, abs=0.01)
    assert Extras().kinds() == ()
    assert Extras(signs=1.0).kinds() == ("signs",)
    assert set(FACES) - {"pages"} == set(TRAINING.kinds()) <= set(corpus.COMPOSED)


@pytest.mark.parametrize(
    "extras",
    [
        Extras(figures=1),
        Extras(labels=1),
        Extras(signs=1),
        Extras(surrounded=1, tight=1),
        Extras(drawn_small=1),
    ],
)
def test_every_kind_gives_lines_that_repeat_with_the_seed(data: Path, extras: Extras) -> None:
    config = replace(SampleConfig(data), extras=extras)
    one, same = (LineSampler(5, config) for _ in range(2))
    for _ in range(60):
        (picture, text), (again, said) = one.sample(), same.sample()
        assert text == said
        assert np.array_equal(picture, again)
        assert picture.shape[0] == 48
        assert set(text) <= known()


def test_the_usual_texts_are_drawn_small_too(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn, draw = [], low_resolution.picture

    def counting(*given: Any) -> low_resolution.Picture | None:
        drawn.append(given)
        return draw(*given)

    monkeypatch.setattr(low_resolution, "picture", counting)
    sampler = LineSampler(5, SampleConfig(data, extras=Extras(drawn_small=0.5)))
    for _ in range(100):
        sampler.sample()
    assert 30 < len(drawn) < 80


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("share", [0.0, 1.0])
def test_latin_among_body_type_is_roman_where_there_is_one(
    data: Path, monkeypatch: pytest.MonkeyPatch, share: float, *, there: bool
) -> None:
    chosen, set_in, asked_for = Typesetter.pick, Counter[str](), list[str]()

    def pick(self: Typesetter, text: str, kind: str, *given: Any, **options: Any) -> Any:
        if kind == "latin roman" and not there:
            return None
        face = chosen(self, text, kind.removesuffix(" roman"), *given, **options)
        if text == "0Aa":
            asked_for.append(kind)
        return face

    def compose(_: Typesetter, __: str, ___: object, layout: Layout, *____: object) -> None:
        set_in[asked_for[-1] if layout.latin else "none"] += 1
        asked_for.clear()

    monkeypatch.setattr(Typesetter, "pick", pick)
    monkeypatch.setattr(Typesetter, "compose", compose)
    monkeypatch.setattr(dataset, "SONG", {"Plain Han"})
    sampler = LineSampler(4, SampleConfig(data, extras=Extras(roman=share, raised=1.0)))
    for number in range(60):
        sampler._set(f"{HAN[3]}{HAN[4]}AB{number}")
    if share and there:
        assert set_in == {"latin roman": 60}
    else:
        assert set_in.keys() == {"latin", "none"}
        assert set_in["latin"] > 5


def test_no_type_of_print_is_held_out() -> None:
    assert not (SONG | ROMAN | COMMON) & held_out()


def test_pages_are_set_in_everyday_faces_dark_on_white(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, looks = Counter[str](), Counter[low_resolution.Print]()
    chosen, drawn = Typesetter.pick, low_resolution.picture

    def pick(self: Typesetter, text: str, kind: str, *given: Any, **options: Any) -> Any:
        asked[kind.partition(" ")[2]] += 1
        return chosen(self, text, kind, *given, **options)

    def picture(
        line: Composed, pixels: int | None, rng: random.Random, look: low_resolution.Print, *more: Any
    ) -> Any:
        looks[look] += 1
        return drawn(line, pixels, rng, look, *more)

    monkeypatch.setattr(Typesetter, "pick", pick)
    monkeypatch.setattr(low_resolution, "picture", picture)
    sampler = LineSampler(8, SampleConfig(data, rare=0.0, extras=Extras(pages=1.0)))
    grounds = [float(np.percentile(sampler.sample()[0], 95)) for _ in range(60)]
    assert set(looks) == {low_resolution.PAGE}
    assert asked["print"] >= 60
    assert np.mean(np.array(grounds) > 170) > 0.8


def test_small_lines_have_company_too(data: Path, line: Composed, monkeypatch: pytest.MonkeyPatch) -> None:
    met = Counter[bool]()

    def surround(mask: Mask, shown: Mask | None, *_: object) -> tuple[Mask, Mask | None]:
        met[shown is None] += 1
        return mask, np.full_like(mask, 255)

    monkeypatch.setattr(distractors, "surround", surround)
    sampler = LineSampler(
        8, SampleConfig(data, rare=0.0, icons=0.0, extras=Extras(pages=1.0, surrounded=0.5))
    )
    drawn = [sampler.sample()[0] for _ in range(60)]
    assert 15 < sum(met.values()) < 45
    plain = sum(float(picture.astype(int).std()) < 40 for picture in drawn)
    assert plain > 10, "what stands beside a line is painted"


def test_lines_of_pages_are_larger_than_what_is_drawn_small(line: Composed) -> None:
    def heights(look: low_resolution.Print) -> list[int]:
        pictures = [low_resolution.picture(line, None, random.Random(seed), look) for seed in range(100)]
        return sorted(picture.shape[0] for picture in pictures if picture is not None)

    few, many = heights(low_resolution.TINY), heights(low_resolution.PAGE)
    assert len(few) == len(many) == 100
    assert many[50] > few[50] + 3
    assert many[-1] < 40


def test_what_was_added_draws_nothing_where_it_is_not_wanted(data: Path) -> None:
    """Held-out sets stay the same lines only if the source of randomness is used as it always was."""
    sampler = LineSampler(3, SampleConfig(data, extras=Extras()))
    texts = ("AB", f"{HAN[3]}{HAN[4]}(AB)", "12.5元", "line 7 of it.[12]", f"{HAN[5]}AB{HAN[6]}")
    for text in texts * 10:
        sampler._set(text)
    assert sampler._rng.random() == GOLDEN


def test_given_texts_are_drawn_without_extras(data: Path) -> None:
    class Fixed:
        def draw(self) -> str:
            return "AB"

    config = SampleConfig(data, extras=Extras(figures=1))
    sampler = LineSampler(0, config, texts=Fixed())
    assert {sampler.sample()[1] for _ in range(20)} == {"AB"}


def test_signs_and_figures_come_without_bullets(data: Path) -> None:
    sampler = TextSampler(TextConfig(data / "corpora", kinds=(("signs", 1.0),), rare=0), 6)
    assert not [t for t in (sampler.draw() for _ in range(300)) if re.search(r"[①-⑫●■【《]", t)]


def test_small_pictures_have_the_size_of_small_print_and_contrast(line: Composed) -> None:
    heights = []
    for seed in range(150):
        picture = low_resolution.picture(line, None, random.Random(seed))
        assert picture is not None
        assert picture.dtype == np.uint8
        assert np.ptp(picture.astype(int).mean(axis=2)) > 25
        heights.append(picture.shape[0])
        again = low_resolution.picture(line, None, random.Random(seed))
        assert again is not None
        assert np.array_equal(picture, again)
    assert min(heights) >= 8
    assert np.median(heights) <= 16
    exact = low_resolution.picture(line, 12, random.Random(0))
    assert exact is not None
    assert exact.shape[0] <= line.mask.shape[0] // 4 + 12
    empty = replace(line, mask=np.zeros_like(line.mask))
    assert low_resolution.picture(empty, None, random.Random(0)) is None


def test_compression_and_shifts_keep_the_shape_and_the_original() -> None:
    picture = np.full((13, 60, 3), 230, np.uint8)
    picture[3:10, 5:50:4] = 20
    original = picture.copy()
    for seed in range(20):
        for changed in (
            low_resolution.compressed(picture, random.Random(seed), least=50),
            low_resolution.shifted(picture, random.Random(seed)),
        ):
            assert changed.shape == picture.shape
            assert changed.flags.c_contiguous
            assert 0 < np.abs(changed.astype(int) - picture).mean() < 60
    assert np.array_equal(picture, original)


def test_the_rule_of_a_cell_is_clear_of_the_text_and_what_is_behind_it_is_no_character(
    line: Composed,
) -> None:
    mask = np.full((56, 240), 200, np.uint8)
    with_text = 0
    for seed in range(80):
        wide, shown = distractors.cells(mask, np.zeros_like(mask), line, random.Random(seed))
        assert wide.shape == shown.shape
        assert wide.sum() == mask.sum()
        assert not np.any((wide > 0) & (shown > 0))
        rule = [column for column in range(shown.shape[1]) if shown[:, column].min() > 0]
        assert 1 <= len(rule) <= 3
        beside = min(abs(column - inked) for column in rule for inked in np.flatnonzero(wide.any(axis=0)))
        assert beside >= 2, "a rule at the text would be a stroke of it"
        rest = np.delete(shown, rule, axis=1).max(axis=0)
        assert (rest > 0).sum() <= 0.3 * EM
        with_text += bool(rest.any())
    assert 10 < with_text < 60


def test_all_kinds_of_surroundings_are_drawn(line: Composed, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: Counter[str] = Counter()
    names = ("icons", "rules", "cells", "fragments")

    def counted(name: str, draw: Callable[..., tuple[Mask, Mask]]) -> Callable[..., tuple[Mask, Mask]]:
        def counting(*given: object) -> tuple[Mask, Mask]:
            drawn[name] += 1
            return draw(*given)

        return counting

    for name in names:
        monkeypatch.setattr(distractors, name, counted(name, getattr(distractors, name)))
    for seed in range(400):
        distractors.surround(line.mask, None, random.Random(seed), lambda: line)
    assert all(drawn[name] > 30 for name in names)


@pytest.mark.parametrize("shape", set(distractors.SHAPES), ids=lambda one: one.__name__)
def test_icons_are_neither_plain_squares_nor_plain_discs(
    shape: Callable[[Mask, random.Random], None],
) -> None:
    for seed in range(30):
        drawn = np.zeros((44, 44), np.uint8)
        shape(drawn, random.Random(seed))
        assert 0.08 < (drawn > 127).mean() < 0.92
        hull = np.zeros_like(drawn)
        for row, full in zip(drawn, hull, strict=True):
            inked = np.flatnonzero(row > 127)
            if len(inked):
                full[inked[0] : inked[-1] + 1] = 1
        assert int(hull.sum()) - int((drawn > 127).sum()) > 8 or shape.__name__ in {"_person", "_blob"}


@pytest.mark.parametrize("seed", range(60))
def test_surroundings_leave_the_line_whole_and_clear(seed: int, line: Composed) -> None:
    mask = np.zeros((56, 240), np.uint8)
    mask[4:52, 4:236] = 200
    wide, shown = distractors.surround(mask, None, random.Random(seed), lambda: line)
    assert wide.shape == shown.shape
    assert wide.dtype == shown.dtype == np.uint8
    assert wide.sum() == mask.sum()
    assert shown.any()
    assert not np.any((wide > 0) & (shown > 0)), "what is no text does not touch the text"
    again = distractors.surround(mask, None, random.Random(seed), lambda: line)
    assert np.array_equal(wide, again[0])
    assert np.array_equal(shown, again[1])


def test_rules_run_the_whole_way_or_lie_at_the_edge() -> None:
    mask = np.zeros((50, 200), np.uint8)
    mask[5:45, 20:180] = 255
    for seed in range(60):
        wide, shown = distractors.rules(mask, np.zeros_like(mask), random.Random(seed))
        inner = shown[8:-8, 8:-8]
        assert not inner.any()
        sides = shown[:, :8].max(axis=1), shown[:, -8:].max(axis=1)
        assert all(side[8:-8].all() or not side[8:-8].any() for side in sides)
        assert wide.sum() == mask.sum()
