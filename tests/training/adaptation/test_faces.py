from __future__ import annotations

import random
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("fontTools")

from crnn_ocr.errors import TrainingError
from crnn_ocr.training.adaptation import faces
from crnn_ocr.training.adaptation.faces import (
    OwnFirst,
    installed_faces,
    ordinary_setter,
    render_glyphs,
    user_faces,
)
from tests.training.world import LATIN, draw_font


@pytest.fixture(scope="module")
def fonts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fonts")
    draw_font(folder / "letters.ttf", "Letters", LATIN)
    draw_font(folder / "sub" / "signs.ttf", "Signs", "☢⚠")
    return folder


def test_files_and_folders_give_their_faces(fonts: Path) -> None:
    assert [face.family for face in user_faces([fonts])] == ["Letters", "Signs"]
    assert [face.family for face in user_faces([fonts / "sub" / "signs.ttf"])] == ["Signs"]


def test_what_is_no_font_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "broken.ttf"
    broken.write_bytes(b"no font")
    with pytest.raises(TrainingError, match=r"broken\.ttf cannot be used as a font"):
        user_faces([broken])
    with pytest.raises(TrainingError, match=r"There is no font .*absent\.ttf"):
        user_faces([tmp_path / "absent.ttf"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(TrainingError, match="There is no font in"):
        user_faces([tmp_path / "empty"])
    truncated = tmp_path / "cut.ttf"
    draw_font(tmp_path / "whole.ttf", "Whole", LATIN)
    truncated.write_bytes((tmp_path / "whole.ttf").read_bytes()[:900])
    with pytest.raises(TrainingError, match=r"cut\.ttf cannot be used as a font"):
        user_faces([truncated])


def test_a_machine_with_the_extra_has_a_latin_face() -> None:
    found = installed_faces()
    assert found
    assert not any(face.name.startswith("Last Resort") for face in found)


def test_private_characters_are_drawn_in_the_users_faces_alone(tmp_path: Path) -> None:
    for name, private in (("Mine", "\ue000"), ("Theirs", "\ue000\ue001")):
        draw_font(tmp_path / f"{name}.ttf", name, [*LATIN, *private])
    mine, theirs = (user_faces([tmp_path / f"{name}.ttf"]) for name in ("Mine", "Theirs"))
    (tmp_path / "glyphs").mkdir()
    glyphs = render_glyphs(mine, theirs, [*"abc", "\ue000", "\ue001"], tmp_path / "glyphs")
    assert glyphs.lacking("a\ue000\ue001") == ["\ue001"]
    assert not glyphs.atlas.faces[1].covers(glyphs.ids["\ue000"])


def test_texts_are_set_in_the_users_faces_where_these_can(fonts: Path, tmp_path: Path) -> None:
    letters = user_faces([fonts / "letters.ttf"])
    signs = user_faces([fonts / "sub"])
    glyphs = render_glyphs(signs, letters, [*"abc123", "☢", "♻"], tmp_path)
    assert glyphs.own == 1
    assert glyphs.lacking("a☢♻ ") == ["♻"]
    assert not glyphs.chinese
    setter, rng = OwnFirst(glyphs), random.Random(0)
    names = {text: (setter.pick(text, "latin", rng)) for text in ("abc", "☢", "abcabc☢")}
    assert names["abc"] is not None
    assert names["abc"].info.family == "Letters"
    assert names["☢"] is not None
    assert names["☢"].info.family == "Signs"
    carrier = setter.carrier(glyphs.ids["☢"], rng)
    assert carrier is not None
    assert carrier.info.family == "Signs"
    face = ordinary_setter(glyphs).pick("abc", "latin", rng)
    assert face is not None
    assert face.info.family == "Letters"


def test_without_any_glyph_there_is_nothing_to_draw_with(fonts: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="No font on this machine"):
        render_glyphs([], user_faces([fonts]), ["♻"], tmp_path)


def test_a_machine_without_fonts_still_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faces, "FONT_FOLDERS", ())
    assert "DejaVu Sans" in {face.family for face in installed_faces()}
