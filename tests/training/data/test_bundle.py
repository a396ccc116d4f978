from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from crnn_ocr.errors import TrainingError
from crnn_ocr.training.data import bundle, squeeze
from crnn_ocr.training.data.bundle import BundleConfig
from crnn_ocr.training.data.dataset import LineSampler, SampleConfig
from crnn_ocr.training.data.heldout_sets import heldout
from crnn_ocr.training.fit.evaluate import load_folder
from crnn_ocr.training.render import atlas
from crnn_ocr.training.render.atlas import FaceInfo
from crnn_ocr.training.text.charset import characters

CONFIG = BundleConfig(parts=9, part_bytes=250_000, text_bytes=60_000, heldout_lines=4)


@pytest.fixture(scope="module")
def written(data: Path, tmp_path_factory: pytest.TempPathFactory) -> bundle.Bundle:
    return bundle.write(data, tmp_path_factory.mktemp("bundle"), CONFIG)


@pytest.fixture(scope="module")
def restored(written: bundle.Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("restored")
    assert bundle.read(written.parts, root) == len(written.faces)
    return root


def test_parts_keep_to_their_size(written: bundle.Bundle) -> None:
    assert 1 < len(written.parts) <= 9
    assert all(path.stat().st_size <= 250_000 for path in written.parts)
    assert sum(written.bytes_of.values()) < sum(path.stat().st_size for path in written.parts)


def test_glyphs_come_back_within_half_a_level(data: Path, restored: Path) -> None:
    before = {face.info.name: face for face in atlas.load(data / "atlas").faces}
    after = atlas.load(restored / "atlas")
    assert {face.info.family for face in after.faces} == {"Plain Han", "Plain Latin"}
    compared = 0
    for face in after.faces:
        own = before[face.info.name]
        assert face.info == own.info
        for number in range(len(characters())):
            assert face.covers(number) == own.covers(number)
            if face.covers(number) and number % 7 == 0:
                (a, *places_a), (b, *places_b) = face.glyph(number), own.glyph(number)
                assert places_a == places_b
                assert a.shape == b.shape
                assert np.abs(a.astype(int) - b).max(initial=0) <= 9
                compared += 1
    assert compared > 100


def test_lines_are_drawn_from_what_came_back(restored: Path) -> None:
    sampler = LineSampler(1, SampleConfig(restored))
    lines = [sampler.sample() for _ in range(40)]
    assert all(image.shape[0] == 48 and text for image, text in lines)


def test_heldout_lines_come_back_exactly(data: Path, restored: Path) -> None:
    for name in ("unseen-fonts-degraded", "poems-degraded"):
        lines = load_folder(restored / bundle.HELD_OUT_LINES / name)
        for image, text, (wanted, said) in zip(
            lines.images, lines.texts, heldout(name, SampleConfig(data), 4), strict=True
        ):
            assert np.array_equal(image, wanted)
            assert text == said


def test_several_processes_restore_the_same(written: bundle.Bundle, restored: Path, tmp_path: Path) -> None:
    bundle.read(written.parts, tmp_path, jobs=2)
    files = sorted(p.relative_to(restored) for p in restored.rglob("*") if p.is_file())
    assert files == sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*") if p.is_file())
    assert all((tmp_path / file).read_bytes() == (restored / file).read_bytes() for file in files)


def test_a_part_that_is_missing_foreign_or_damaged_is_named(
    data: Path, written: bundle.Bundle, restored: Path, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match=r"Parts \[1\] of"):
        bundle.read(written.parts[1:], tmp_path)
    other = bundle.write(data, tmp_path / "other", replace(CONFIG, levels=4))
    with pytest.raises(TrainingError, match="another bundle"):
        bundle.read([written.parts[0], *other.parts[1:]], tmp_path)
    whole = written.parts[0].read_bytes()
    for damage in (b"", whole[: len(whole) // 2]):
        (tmp_path / "part-1.zip").write_bytes(damage)
        with pytest.raises(TrainingError, match=r"part-1\.zip is no part"):
            bundle.read([tmp_path / "part-1.zip", *written.parts[1:]], tmp_path)
    with zipfile.ZipFile(written.parts[0]) as file:
        largest = max(file.infolist(), key=lambda info: info.file_size)
    flipped = bytearray(whole)
    flipped[largest.header_offset + largest.file_size // 2] ^= 255
    (tmp_path / "part-1.zip").write_bytes(flipped)
    with pytest.raises(TrainingError, match=r"part-1\.zip is damaged"):
        bundle.read([tmp_path / "part-1.zip", *written.parts[1:]], tmp_path)
    assert not (tmp_path / "atlas" / "faces.json").exists()
    with pytest.raises(TrainingError, match="There are training data"):
        bundle.read(written.parts, restored)


def test_data_that_do_not_fit_are_refused_before_anything_is_written(data: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="do not fit into 1 parts"):
        bundle.write(data, tmp_path / "out", replace(CONFIG, parts=1, part_bytes=120_000))
    assert not (tmp_path / "out").exists()
    with pytest.raises(TrainingError, match="2 to 16 levels"):
        bundle.write(data, tmp_path / "out", replace(CONFIG, levels=17))


@pytest.mark.parametrize(
    ("name", "design", "weight"),
    [
        ("Noto Sans CJK SC DemiLight", "noto sans cjk sc", 350),
        ("MiSans-Semibold", "misans", 600),
        ("zen-maru-gothic-900-normal", "zen maru gothic", 900),
        ("FandolHei Bold", "fandolhei", 700),
        ("Open Sans Extrabold Italic", "open sans italic", 800),
        (
            "WenQuanYi Bitmap Song Regular wenquanyi_12pt 16px",
            "wenquanyi bitmap song wenquanyi 12pt 16px",
            400,
        ),
        ("江西拙楷", "江西拙楷", 400),
    ],
)
def test_names_tell_design_and_weight(name: str, design: str, weight: int) -> None:
    assert squeeze.weight_of(name) == (design, weight)


def test_of_every_design_some_weights_go_along() -> None:
    def info(name: str, family: str, kind: str = "han") -> FaceInfo:
        return FaceInfo(name, family, kind, 40, 8, 10)

    infos = [
        info("Song Thin", "Song"),
        info("Song Regular", "Song"),
        info("Song Bold", "Song"),
        info("Song Heavy", "Song"),
        info("Song Light", "Song"),
        info("Hei SC Bold", "Hei"),
        info("Hei TC Medium", "Hei"),
        info("Kai", "Kai"),
        info("Odd", "Odd", "unused"),
    ]
    assert squeeze.choose(infos, 1, {"Kai"}) == [1, 5, 6]
    assert squeeze.choose(infos, 2, {"Kai"}) == [1, 2, 5, 6]
    assert squeeze.choose(infos, 3, ()) == [1, 2, 4, 5, 6, 7]


def test_texts_share_the_room_by_how_often_they_are_drawn(tmp_path: Path) -> None:
    kept = squeeze.shares({"a": 1000, "b": 1000, "c": 50}, {"a": 3.0, "b": 1.0, "c": 1.0}, 850)
    assert kept == pytest.approx({"a": 0.6, "b": 0.2, "c": 1.0})
    assert squeeze.shares({"a": 10, "b": 10}, {"a": 1.0, "b": 2.0}, 100) == {"a": 1.0, "b": 1.0}
    path = tmp_path / "text.txt"
    path.write_text("".join(f"line {n}\n" for n in range(4000)), encoding="utf-8")
    some = squeeze.thin(path, 0.25).decode().splitlines()
    assert 850 < len(some) < 1150
    assert set(some) < set(path.read_text(encoding="utf-8").splitlines())
    assert squeeze.thin(path, 1.0) == path.read_bytes()


def test_an_atlas_whose_masks_do_not_fit_its_table_is_refused() -> None:
    table = np.zeros(2, atlas.GLYPH)
    table["height"], table["width"] = 3, 3
    table["offset"] = (0, 9)
    columns, masks = squeeze.pack_face(table, np.arange(18, dtype=np.uint8) * 15, 16)
    back, pixels, *taken = squeeze.unpack_face(columns, memoryview(masks), 2, 16)
    assert np.array_equal(back, table)
    assert np.abs(pixels.astype(int) - np.arange(18) * 15).max() <= 9
    assert taken == [len(columns), len(masks)]
    with pytest.raises(TrainingError, match="damaged"):
        squeeze.pack_face(table, np.zeros(17, np.uint8), 16)


def test_the_manifest_lists_every_file(written: bundle.Bundle) -> None:
    import lzma

    names: set[str] = set()
    for path in written.parts:
        with zipfile.ZipFile(path) as file:
            manifest = json.loads(lzma.decompress(file.read(bundle.MANIFEST)))
            names |= set(file.namelist()) - {bundle.MANIFEST}
    assert names == set(manifest["files"])
    assert manifest["parts"] == len(written.parts)
