from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from crnn_ocr.errors import TrainingError
from crnn_ocr.training.render import atlas, fonts
from crnn_ocr.training.text.charset import characters
from tests.training.world import HAN, LATIN, build, draw_font

IDS = {text: number for number, text in enumerate(characters())}


def test_faces_and_kinds(data: Path) -> None:
    faces = {face.info.name: face.info for face in atlas.load(data / "atlas").faces}
    assert {name: info.kind for name, info in faces.items()} == {
        "Plain Han Regular": "han",
        "Plain Latin Regular": "latin",
        "FandolKai Regular": "han",
        "Lato Regular": "latin",
    }
    assert faces["Plain Han Regular"].glyphs == len(HAN) + len(LATIN)
    assert faces["Plain Han Regular"].ascent == round(0.88 * atlas.EM)


def test_glyphs_are_what_the_font_draws(data: Path) -> None:
    face = next(f for f in atlas.load(data / "atlas").faces if f.info.name == "Plain Han Regular")
    mask, left, top, advance = face.glyph(IDS["A"])
    assert advance == pytest.approx(atlas.EM)
    ink = np.flatnonzero(mask.max(axis=0) > 128)
    assert left + ink[0] == pytest.approx(0.06 * atlas.EM, abs=1)
    assert top + mask.shape[0] == pytest.approx(0.06 * atlas.EM, abs=1)
    assert mask.max() == 255
    assert not np.array_equal(mask, face.glyph(IDS["B"])[0])
    assert face.covers(IDS[HAN[0]])
    assert not face.covers(IDS["℃"])
    assert not face.covers(IDS[HAN[-1]] + 1) or characters()[IDS[HAN[-1]] + 1] in HAN


def test_placeholders_are_left_out(tmp_path: Path) -> None:
    boxes = HAN[:50]
    draw_font(tmp_path / "fonts/p/p.ttf", "Boxes", LATIN + HAN, same=boxes)
    build(fonts.discover(tmp_path / "fonts"), tmp_path / "atlas")
    face = atlas.load(tmp_path / "atlas").faces[0]
    assert not any(face.covers(IDS[text]) for text in boxes)
    assert all(face.covers(IDS[text]) for text in HAN[50:])


def test_small_letters_that_look_like_capitals_are_found() -> None:
    rng = np.random.default_rng(0)
    capitals = {ord(c): rng.integers(0, 255, (30, 20), np.uint8) for c in "ABDEFGHNQRT"}
    distinct = {ord(c): rng.integers(0, 255, (22, 18), np.uint8) for c in "abdefghnqrt"}
    one_case = pytest.importorskip("crnn_ocr.training.render.rasterise").one_case
    assert not one_case(capitals | distinct)
    assert one_case(capitals | {code + 0x20: mask for code, mask in capitals.items()})


def test_broken_and_useless_fonts_are_no_faces(tmp_path: Path) -> None:
    (tmp_path / "fonts/p").mkdir(parents=True)
    (tmp_path / "fonts/p/broken.ttf").write_bytes(b"not a font")
    draw_font(tmp_path / "fonts/p/few.ttf", "Few", "abc")
    with pytest.raises(TrainingError, match="No font can be used: 1 without all ten digits"):
        build(fonts.discover(tmp_path / "fonts"), tmp_path / "atlas")


def test_no_atlas_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no glyph atlas"):
        atlas.load(tmp_path)


@pytest.mark.parametrize(
    ("file", "name", "family"),
    [
        ("pkg/files/ma-shan-12-400-normal.woff2", "ma-shan-400-normal", "ma-shan"),
        ("pkg/files/ma-shan-chinese-simplified-400-normal.woff2", "ma-shan-400-normal", "ma-shan"),
        ("pkg/lib/MiSans-Bold.108.woff2", "MiSans-Bold", "MiSans"),
        ("pkg/dist/Kai/0123456789abcdef0123456789abcdef.woff2", "Kai", "Kai"),
        ("sans/package/dist/Bold_14d4ff.woff2", "sans-Bold", "sans"),
    ],
)
def test_pieces_of_web_fonts_share_a_face(tmp_path: Path, file: str, name: str, family: str) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.touch()
    face = fonts.discover(tmp_path)[0]
    assert (face.name, face.family) == (name, family)


def test_weights_share_a_family_and_doubles_are_skipped(tmp_path: Path) -> None:
    for name in ("pkg/Zen-400-normal.woff2", "pkg/Zen-700-normal.woff2", "pkg/Zen-300-normal.woff2"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    faces = fonts.discover(tmp_path)
    assert [face.name for face in faces] == ["Zen-400-normal", "Zen-700-normal"]
    assert {face.family for face in faces} == {"Zen"}


def test_small_faces_keep_whole_pixels(tmp_path: Path) -> None:
    path = tmp_path / "fonts/p/p.ttf"
    draw_font(path, "Roboto", LATIN)
    faces = fonts.discover(tmp_path / "fonts")
    assert [(face.name, face.pixels) for face in faces] == [
        ("Roboto Regular", None),
        ("Roboto Regular 12px", 12),
        ("Roboto Regular 16px", 16),
    ]
    infos = build(faces, tmp_path / "atlas")
    assert [info.pixels for info in infos] == [None, 12, 16]
    face = atlas.load(tmp_path / "atlas").faces[1]
    mask, left, top, advance = face.glyph(IDS["A"])
    assert not (mask.shape[0] % 4)
    assert not (mask.shape[1] % 4)
    assert not (left % 4)
    assert not (top % 4)
    assert advance == pytest.approx(atlas.EM)
    squares = mask.reshape(mask.shape[0] // 4, 4, mask.shape[1] // 4, 4)
    assert np.array_equal(squares.min(axis=(1, 3)), squares.max(axis=(1, 3)))
