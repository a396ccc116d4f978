from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("fontTools")

from crnn_ocr.training.adaptation.faces import Glyphs, OwnFirst, render_glyphs, user_faces
from crnn_ocr.training.adaptation.lines import (
    LONGEST,
    OrdinaryTexts,
    UserTexts,
    draw_lines,
    insert,
    ordinary_characters,
    vary_pictures,
)
from crnn_ocr.training.adaptation.material import Picture
from tests.training.world import HAN, LATIN, draw_font

KNOWN = frozenset([*LATIN, *HAN, " "])


@pytest.fixture(scope="module")
def glyphs(tmp_path_factory: pytest.TempPathFactory) -> Glyphs:
    folder = tmp_path_factory.mktemp("fonts")
    draw_font(folder / "own.ttf", "Own", [*LATIN, "☢"])
    draw_font(folder / "other.ttf", "Other", [*LATIN, *HAN[:300]])
    characters = [*ordinary_characters(KNOWN, 0), *HAN[:300], "☢"]
    own, others = user_faces([folder / "own.ttf"]), user_faces([folder / "other.ttf"])
    return render_glyphs(own, others, characters, tmp_path_factory.mktemp("glyphs"))


def test_ordinary_texts_are_known_and_can_be_drawn(glyphs: Glyphs) -> None:
    texts = OrdinaryTexts(KNOWN, glyphs, 1)
    found = [texts.draw() for _ in range(400)]
    assert all(text.strip() == text and text for text in found)
    assert set("".join(found)) <= (KNOWN & glyphs.drawable) | {" "}
    assert any("一" <= c <= "鿿" for c in "".join(found))
    assert len(set(found)) > 300


def test_new_characters_come_often_and_words_stay_whole(glyphs: Glyphs) -> None:
    hosts = OrdinaryTexts(KNOWN, glyphs, 1)
    line = "Handle with care and keep this side up at all times, whatever the weather may be like"
    source = UserTexts([line], ["☢"], hosts, 3)
    found = [source.draw() for _ in range(300)]
    assert 0.4 < sum("☢" in text for text in found) / len(found) < 0.7
    plain = [text for text in found if "☢" not in text]
    assert all(set(text.split()) <= set(line.split()) for text in plain)
    assert max(len(text) for text in plain) <= 2 * LONGEST
    assert len(set(plain)) > 10


def test_ordinary_texts_are_drawn_where_nothing_is_new(glyphs: Glyphs) -> None:
    hosts = OrdinaryTexts(KNOWN, glyphs, 1)
    assert UserTexts([], [], hosts, 3).draw()
    mixed = UserTexts(["only this"], [], hosts, 3, mixed=1.0)
    assert mixed.draw() != "only this"


def test_a_character_is_put_in_and_nothing_is_lost() -> None:
    rng = random.Random(0)
    for _ in range(50):
        text = insert("abc def", "☢", rng)
        assert text.count("☢") == 1
        assert "".join(text.replace("☢", "").split()) == "abcdef"


def test_lines_have_the_height_and_width_asked_for(glyphs: Glyphs) -> None:
    source = UserTexts(["Warning ☢ " + "x" * 60], ["☢"], OrdinaryTexts(KNOWN, glyphs, 1), 3)
    first, again = (
        list(itertools.islice(draw_lines(source, OwnFirst(glyphs), (400, 48), 5, familiar=False), 20))
        for source in (
            source,
            UserTexts(["Warning ☢ " + "x" * 60], ["☢"], OrdinaryTexts(KNOWN, glyphs, 1), 3),
        )
    )
    assert all(line.image.shape[0] == 48 and line.image.shape[1] <= 400 for line in first)
    assert [line.text for line in first] == [line.text for line in again]
    assert all(np.array_equal(a.image, b.image) for a, b in zip(first, again, strict=True))
    assert not any(line.familiar for line in first)


def test_pictures_come_as_they_are_first_and_varied_then() -> None:
    image = np.random.default_rng(0).integers(0, 256, (30, 90, 3)).astype(np.uint8)
    pictures = [Picture("a", image, "a"), Picture("b", image, "b")]
    lines = list(itertools.islice(vary_pictures(pictures, 1), 6))
    assert [line.text for line in lines] == ["a", "b"] * 3
    assert all(np.array_equal(line.image, image) for line in lines[:2])
    assert not any(np.array_equal(line.image, image) for line in lines[2:])
    assert all(line.image.ndim == 3 and line.image.dtype == np.uint8 for line in lines)
    assert list(itertools.islice(vary_pictures([], 1), 3)) == []
