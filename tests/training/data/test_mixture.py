"""The kinds of lines that training mixes in."""

from __future__ import annotations

import random
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crnn_ocr.training.data import dataset
from crnn_ocr.training.data.dataset import LineSampler, SampleConfig
from crnn_ocr.training.data.heldout_sets import HELD_OUT, heldout
from crnn_ocr.training.render.compose import Composed, Layout, Typesetter
from crnn_ocr.training.render.fonts import COMMON, ROMAN, SONG, held_out
from crnn_ocr.training.synth import distractors, low_resolution
from crnn_ocr.training.text import corpus
from crnn_ocr.training.text.charset import known
from crnn_ocr.training.text.corpus import AS_COMPOSED, COMPOSED, TextConfig, TextSampler
from crnn_ocr.training.text.mixture import FACES, TRAINING, Extras
from crnn_ocr.training.types import Image, Mask
from tests.training.world import HAN


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

    def counting(*given: Any) -> Image | None:
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


def test_given_texts_are_drawn_without_extras(data: Path) -> None:
    class Fixed:
        def draw(self) -> str:
            return "AB"

    config = SampleConfig(data, extras=Extras(figures=1))
    sampler = LineSampler(0, config, texts=Fixed())
    assert {sampler.sample()[1] for _ in range(20)} == {"AB"}


def test_numbers_keep_their_signs_and_get_no_bullets(data: Path) -> None:
    assert COMPOSED.keys() >= AS_COMPOSED
    sampler = TextSampler(TextConfig(data / "corpora", kinds=(("numbers", 1.0),), rare=0), 6)
    texts = [sampler.draw() for _ in range(800)]
    assert not re.search(r"[①-⑫●■【《０-９]", "".join(texts))
    assert sum(bool(re.search(r"\d", text)) for text in texts) > 700


def test_training_and_held_out_sets_have_their_numbers(data: Path) -> None:
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
