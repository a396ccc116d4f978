from __future__ import annotations

import pickle
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from crnn_ocr.errors import TrainingError
from crnn_ocr.training.data.contact_sheets import flow
from crnn_ocr.training.data.dataset import LineSampler, SampleConfig, sampler_factory
from crnn_ocr.training.data.fetch import Source, data_folder, sources
from crnn_ocr.training.data.heldout_sets import HELD_OUT, heldout
from crnn_ocr.training.render import atlas
from crnn_ocr.training.render.compose import BASELINE, CANVAS, Layout, Typesetter, embolden, warp
from crnn_ocr.training.render.fonts import held_out
from crnn_ocr.training.synth import scene
from crnn_ocr.training.synth.degrade import DAMAGES, damage
from crnn_ocr.training.text.charset import characters, known

from .world import HAN

IDS = {text: number for number, text in enumerate(characters()) if number}


@pytest.fixture
def setter(data: Path) -> Typesetter:
    opened = atlas.load(data / "atlas")
    return Typesetter(opened, IDS, range(len(opened.faces)))


def test_lines_are_pictures_of_their_height_with_known_text(data: Path) -> None:
    for height in (32, 48):
        sampler = LineSampler(4, SampleConfig(data, height=height, max_width=640))
        for _ in range(150):
            picture, text = sampler.sample()
            assert picture.dtype == np.uint8
            assert picture.shape[0] == height
            assert picture.shape[2] == 3
            assert 8 <= picture.shape[1] <= 640
            assert picture.flags.c_contiguous
            assert text
            assert set(text) <= known()


def test_seeds_decide(data: Path) -> None:
    make = pickle.loads(pickle.dumps(sampler_factory(SampleConfig(data))))
    one, same, other = make(1), make(1), make(2)
    for _ in range(30):
        (a, x), (b, y) = one.sample(), same.sample()
        assert x == y
        assert np.array_equal(a, b)
    assert [one.sample()[1] for _ in range(10)] != [other.sample()[1] for _ in range(10)]


def test_clean_lines_have_readable_contrast(data: Path) -> None:
    sampler = LineSampler(9, SampleConfig(data, shares=(1.0, 0.0, 0.0)))
    spreads = [np.ptp(sampler.sample()[0].astype(int).mean(axis=2)) for _ in range(200)]
    assert float(np.mean(np.array(spreads) > 60)) > 0.97


def test_held_out_families_are_kept_apart(data: Path) -> None:
    known_fonts = LineSampler(0, SampleConfig(data))
    unseen = LineSampler(0, SampleConfig(data, unseen_fonts=True))
    names: dict[bool, set[str]] = {False: set(), True: set()}
    for _ in range(200):
        for sampler in (known_fonts, unseen):
            sampler.sample()
            names[sampler is unseen].add(sampler.last_face)
    assert names[False] == {"Plain Han Regular", "Plain Latin Regular"}
    assert names[True] == {"FandolKai Regular", "Lato Regular"}
    assert {"FandolKai", "Lato"} <= held_out()


@pytest.mark.parametrize("name", HELD_OUT)
def test_held_out_sets_do_not_change(data: Path, name: str) -> None:
    one, two = (heldout(name, SampleConfig(data), 12) for _ in range(2))
    assert [text for _, text in one] == [text for _, text in two]
    assert all(np.array_equal(a, b) for (a, _), (b, _) in zip(one, two, strict=True))


def test_unknown_set_and_foreign_atlas_are_clear_errors(data: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no held-out set"):
        heldout("nothing", SampleConfig(data))
    (tmp_path / "atlas").mkdir()
    (tmp_path / "atlas/faces.json").write_text("[]")
    np.save(tmp_path / "atlas/rows.npy", np.zeros((0, 5), np.int32))
    with pytest.raises(TrainingError, match="another character set"):
        LineSampler(0, SampleConfig(tmp_path))


def test_composed_glyphs_stand_on_the_line_in_order(setter: Typesetter) -> None:
    rng = random.Random(0)
    face = setter.pick("AB", "latin", rng)
    assert face is not None
    tight = setter.compose("A B", face, Layout(space=0.5), rng)
    loose = setter.compose("A B", face, Layout(space=1.0, spacing=0.2), rng)
    assert tight is not None
    assert loose is not None
    assert loose.mask.shape[1] - tight.mask.shape[1] == pytest.approx(0.7 * atlas.EM, abs=1)

    mask, _, top, _ = face.glyph(IDS["A"])
    assert tight.mask.shape[0] == CANVAS
    placed = tight.mask[BASELINE + top :][: mask.shape[0], : mask.shape[1]]
    assert np.array_equal(placed, mask)


def test_scripts_are_set_apart_where_no_blank_was_typed(setter: Typesetter) -> None:
    rng = random.Random(0)
    han = HAN[3]
    face = setter.pick(f"{han}A1", "han", rng)
    assert face is not None

    def wider(text: str) -> float:
        set_so, usual = (setter.compose(text, face, Layout(apart=apart), rng) for apart in (0.25, 0.0))
        assert set_so is not None
        assert usual is not None
        return float(set_so.mask.shape[1] - usual.mask.shape[1]) / atlas.EM

    assert wider(f"{han}A") == pytest.approx(0.25, abs=0.03)
    assert wider(f"A{han}1") == pytest.approx(0.5, abs=0.03)
    assert wider(f"{han} A") == wider(f"A1{han}{han}") - 0.25 == wider(f"{han},A") == wider(f"({han})") == 0


def test_latin_beside_han_can_be_smaller_and_stays_on_the_baseline(setter: Typesetter) -> None:
    rng = random.Random(0)
    face = setter.pick("AB", "han", rng)
    assert face is not None
    usual = setter.compose("A", face, Layout(), rng)
    small = setter.compose("A", face, Layout(latin_size=0.5), rng)
    han = setter.compose(HAN[0], face, Layout(latin_size=0.5), rng)
    whole = setter.compose(HAN[0], face, Layout(), rng)
    assert usual is not None
    assert small is not None
    assert han is not None
    assert whole is not None
    assert np.array_equal(han.mask, whole.mask)
    assert small.ink[1] - small.ink[0] == pytest.approx((usual.ink[1] - usual.ink[0]) / 2, abs=2)
    assert small.mask.shape[1] == pytest.approx(usual.mask.shape[1] / 2, abs=2)
    assert BASELINE - small.ink[1] == pytest.approx((BASELINE - usual.ink[1]) / 2, abs=2)


def test_other_faces_lend_what_a_face_lacks(setter: Typesetter) -> None:
    rng = random.Random(0)
    face = setter.pick("abc", "latin", rng)
    assert face is not None
    assert setter.pick(HAN[0] * 3, "latin", rng) is None
    assert setter.compose(f"a{HAN[0]}", face, Layout(), rng) is not None
    assert setter.compose("a℃", face, Layout(), rng) is None  # no face has it
    assert setter.compose(" ", face, Layout(), rng) is None


def test_strokes_and_geometry_keep_the_shape() -> None:
    mask = np.zeros((60, 200), np.uint8)
    mask[25:35, 20:180] = 255
    assert embolden(mask, 1.0).sum() > mask.sum() > embolden(mask, -1.0).sum()
    for seed in range(40):
        turned = warp(mask, random.Random(seed), 1.0)
        assert turned.shape == mask.shape
        assert turned.sum() == pytest.approx(float(mask.sum()), rel=0.25)


def test_boxes_never_lose_the_text(setter: Typesetter) -> None:
    rng = random.Random(3)
    for text in ("AB", "-", HAN[5] * 4):
        face = setter.pick("AB", "han", rng)
        assert face is not None
        line = setter.compose(text, face, Layout(), rng)
        assert line is not None
        for _ in range(100):
            mask = scene.boxed(line, rng)
            assert mask.sum() > 0.85 * line.mask.sum()
            aligned = scene.boxed(line, rng, grid=4)
            assert not (aligned.shape[0] % 4)
            assert not (aligned.shape[1] % 4)


@pytest.mark.parametrize("one", DAMAGES, ids=lambda one: one.__name__)
def test_damages_keep_shape_and_leave_something_to_read(one: object) -> None:
    assert callable(one)
    picture = np.full((48, 240, 3), 240, np.uint8)
    picture[14:34, [x for x in range(20, 220) if x % 9 < 2]] = 20
    changed = 0
    for seed in range(12):
        rng = random.Random(seed)
        hurt = one(picture, rng, rng.uniform(0.3, 1.0))
        assert hurt.shape == picture.shape
        assert hurt.dtype == np.uint8
        assert np.ptp(hurt.astype(int)) > 30
        again = random.Random(seed)
        assert np.array_equal(hurt, one(picture, again, again.uniform(0.3, 1.0)))
        changed += not np.array_equal(hurt, picture)
    assert changed >= 10
    assert np.all(picture[0] == 240), "the original is never written to"


def test_several_damages_are_different_ones() -> None:
    picture = np.full((40, 100, 3), 200, np.uint8)
    picture[10:30, 20:80:7] = 10
    assert damage(picture, random.Random(0), 0.5, 0) is picture
    assert damage(picture, random.Random(0), 0.5, len(DAMAGES)).shape == picture.shape


@pytest.mark.parametrize("kind", ["white", "paper", "plain", "gradient", "texture", "photo"])
def test_backgrounds_and_inks_differ_enough(kind: str) -> None:
    for seed in range(25):
        rng = random.Random(seed)
        ground, mean = scene.background(40, 130, rng, kind)
        assert ground.shape == (40, 130, 3)
        assert 0 <= ground.min() <= ground.max() <= 255
        ink = scene.ink_colour(mean, rng, plain=0.5, contrast=60)
        assert abs(scene.luminance(ink) - scene.luminance(mean)) >= 60


def test_subpixels_colour_the_edges_only() -> None:
    mask = np.zeros((48, 96), np.uint8)
    mask[:, 30:60] = 255
    fringed = scene.subpixels(mask, (32, 16))
    assert fringed.shape == (16, 32, 3)
    assert np.all(fringed[:, 13:17] == 255)
    assert np.any(fringed[..., 0] != fringed[..., 2])


def test_sheets_flow_in_rows() -> None:
    pictures = [np.zeros((20, 60, 3), np.uint8)] * 7
    assert flow(pictures, 200, 10).shape == (75, 200, 3)
    assert flow(pictures, 200, 2).shape == (50, 200, 3)


def test_sources_name_licences_and_pins() -> None:
    listed = sources()
    assert {s.kind for s in listed} == {"fonts", "texts", "models"}
    assert all(s.licence for s in listed)
    assert all(s.version for s in listed if s.registry != "debian")
    assert len({(s.kind, s.folder) for s in listed}) == len(listed)
    assert Source("fonts", "npm", "@a/b", "1", "x").folder == "a-b"


def test_the_data_folder_must_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CRNN_OCR_TRAIN_DATA", raising=False)
    with pytest.raises(TrainingError, match="Where are"):
        data_folder()
    monkeypatch.setenv("CRNN_OCR_TRAIN_DATA", str(tmp_path))
    assert data_folder() == tmp_path
    assert data_folder(tmp_path / "x") == tmp_path / "x"


def test_no_face_left_is_a_clear_error(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "crnn_ocr.training.data.dataset.held_out",
        lambda: frozenset({"Plain Han", "Plain Latin", "FandolKai", "Lato"}),
    )
    with pytest.raises(TrainingError, match="No face is left"):
        LineSampler(0, replace(SampleConfig(data)))
