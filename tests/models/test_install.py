from __future__ import annotations

import io
import json
import os
import shutil
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from crnn_ocr.engine.pack_check import check_pack
from crnn_ocr.errors import ModelBrokenError, ModelInstallError, OcrError
from crnn_ocr.models import install
from crnn_ocr.models.catalogue import Catalogue
from crnn_ocr.models.install import add, remove
from crnn_ocr.models.listing import describe
from crnn_ocr.models.registry import Registry

from .graphs import best_graph, int8_graph, scores_graph, write_pack

FILES = ["chars.txt", "manifest.json", "net.onnx"]


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "models")


def left_in(registry: Registry) -> list[str]:
    """What there is in the folder, hidden entries too."""
    assert registry.models_dir is not None
    return sorted(path.name for path in registry.models_dir.iterdir()) if registry.models_dir.is_dir() else []


def archive(pack: Path, suffix: str, *, top: str) -> Path:
    target = pack.with_name(f"archive{suffix}")
    files = [(f"{top}{path.name}", path) for path in sorted(pack.iterdir())]
    if suffix == ".zip":
        with zipfile.ZipFile(target, "w") as packed:
            for name, path in files:
                packed.write(path, name)
    else:
        with tarfile.open(target, "w:gz") as packed_tar:
            for name, path in files:
                packed_tar.add(path, name)
    return target


@pytest.mark.parametrize("form", ["folder", ".zip", ".tar.gz"])
@pytest.mark.parametrize("top", ["", "anything/"])
def test_a_pack_is_added_from_a_folder_or_an_archive(
    tmp_path: Path, registry: Registry, form: str, top: str
) -> None:
    pack = write_pack(tmp_path, int8_graph(), output="best", precision="int8")
    (pack / "CARD.md").write_text("What it is.")
    (pack / "curve.png").write_bytes(b"its picture")
    (pack / "stray.txt").write_text("no part of a pack")
    source = pack if form == "folder" else archive(pack, form, top=top)

    added = add(source, registry, check_pack)

    assert sorted(path.name for path in added.folder.iterdir()) == sorted(["CARD.md", "curve.png", *FILES])
    assert registry.find("mine", "rec") == added
    assert left_in(registry) == ["mine"]


def test_a_pack_is_replaced_only_on_demand(tmp_path: Path, registry: Registry) -> None:
    add(write_pack(tmp_path / "a", scores_graph()), registry, check_pack)
    newer = write_pack(tmp_path / "b", best_graph(), output="best", version="2")

    with pytest.raises(ModelInstallError, match="already"):
        add(newer, registry, check_pack)
    assert registry.find("mine").manifest.version == "1"

    add(newer, registry, check_pack, replace=True)
    assert registry.find("mine").manifest.version == "2"
    assert left_in(registry) == ["mine"]


@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_what_is_no_pack_is_never_replaced(tmp_path: Path, registry: Registry, kind: str) -> None:
    assert registry.models_dir is not None
    place = registry.models_dir / "mine"
    place.parent.mkdir()
    if kind == "folder":
        place.mkdir()
        (place / "thesis.txt").write_text("years of work")
    elif kind == "file":
        place.write_text("years of work")
    else:
        place.symlink_to(tmp_path / "nowhere")

    with pytest.raises(ModelInstallError, match="no model pack") as told:
        add(write_pack(tmp_path, scores_graph()), registry, check_pack, replace=True)

    assert "another name" in told.value.hint
    assert left_in(registry) == ["mine"]
    assert kind != "folder" or (place / "thesis.txt").read_text() == "years of work"


def break_graph(pack: Path) -> None:
    (pack / "net.onnx").write_bytes(best_graph()[:-9])


def drop_characters(pack: Path) -> None:
    (pack / "chars.txt").unlink()


def drop_manifest(pack: Path) -> None:
    (pack / "manifest.json").unlink()


def change_output(pack: Path) -> None:
    manifest = json.loads((pack / "manifest.json").read_text())
    (pack / "manifest.json").write_text(json.dumps({**manifest, "output": "best"}))


def claim_int8(pack: Path) -> None:
    manifest = json.loads((pack / "manifest.json").read_text())
    (pack / "manifest.json").write_text(json.dumps({**manifest, "precision": "int8"}))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (break_graph, "differs from its manifest"),
        (drop_characters, "is missing"),
        (drop_manifest, "cannot be read"),
        (change_output, "inputs and outputs"),
        (claim_int8, "not a quantised one"),
    ],
)
def test_a_broken_pack_is_never_added(
    tmp_path: Path, registry: Registry, damage: object, message: str
) -> None:
    whole = add(write_pack(tmp_path / "a", scores_graph()), registry, check_pack)
    pack = write_pack(tmp_path / "b", scores_graph(), version="2")
    assert callable(damage)
    damage(pack)

    with pytest.raises(ModelBrokenError, match=message):
        add(pack, registry, check_pack, replace=True)
    assert registry.find("mine") == whole
    assert left_in(registry) == ["mine"]
    check_pack(whole)


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil", "a\\..\\evil", "C:evil"])
@pytest.mark.parametrize("suffix", [".zip", ".tar"])
def test_entries_that_lead_out_are_refused(
    tmp_path: Path, registry: Registry, name: str, suffix: str
) -> None:
    source = tmp_path / f"evil{suffix}"
    if suffix == ".zip":
        with zipfile.ZipFile(source, "w") as packed:
            packed.writestr(name, b"evil")
    else:
        with tarfile.open(source, "w") as packed_tar:
            item = tarfile.TarInfo(name)
            item.size = 4
            packed_tar.addfile(item, io.BytesIO(b"evil"))

    with pytest.raises(ModelBrokenError, match="leads out"):
        add(source, registry, check_pack)
    assert left_in(registry) == []
    assert not list(tmp_path.rglob("evil"))


def test_links_are_refused(tmp_path: Path, registry: Registry) -> None:
    in_tar, in_zip = tmp_path / "link.tar", tmp_path / "link.zip"
    with tarfile.open(in_tar, "w") as packed_tar:
        item = tarfile.TarInfo("manifest.json")
        item.type, item.linkname = tarfile.SYMTYPE, "/etc/passwd"
        packed_tar.addfile(item)
    with zipfile.ZipFile(in_zip, "w") as packed:
        link = zipfile.ZipInfo("manifest.json")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        packed.writestr(link, "/etc/passwd")
    for source in (in_tar, in_zip):
        with pytest.raises(ModelBrokenError, match="no plain file"):
            add(source, registry, check_pack)
    assert left_in(registry) == []


def test_an_archive_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "MAX_BYTES", 5 << 20)
    source = tmp_path / "bomb.zip"
    with zipfile.ZipFile(source, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("manifest.json", bytes(6 << 20))
    with pytest.raises(ModelBrokenError, match="more than 5 MiB"):
        add(source, registry, check_pack)
    monkeypatch.setattr(install, "MAX_ENTRIES", 3)
    with zipfile.ZipFile(source, "w") as packed:
        for number in range(4):
            packed.writestr(str(number), b"x")
    with pytest.raises(ModelBrokenError, match="or 3 entries"):
        add(source, registry, check_pack)


@pytest.mark.parametrize("suffix", [".zip", ".tar"])
@pytest.mark.parametrize("name", ["{}", "{}/"])
def test_an_archive_of_too_many_entries_is_refused(
    tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch, suffix: str, name: str
) -> None:
    """Empty files and folders have no bytes that could be counted."""
    monkeypatch.setattr(install, "MAX_ENTRIES", 20)
    source = tmp_path / f"many{suffix}"
    if suffix == ".zip":
        with zipfile.ZipFile(source, "w") as packed:
            for number in range(21):
                packed.writestr(name.format(number), b"")
    else:
        with tarfile.open(source, "w") as packed_tar:
            for number in range(21):
                item = tarfile.TarInfo(str(number))
                item.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
                packed_tar.addfile(item)
    with pytest.raises(ModelBrokenError, match="more than 1024 MiB or 20 entries"):
        add(source, registry, check_pack)
    assert left_in(registry) == []


@pytest.mark.parametrize("name", ["CARD.md", "NOTICE", "LICENSE.txt", "curve.png"])
def test_documents_that_lead_out_of_the_pack_are_refused(
    tmp_path: Path, registry: Registry, name: str
) -> None:
    pack = write_pack(tmp_path / "made", int8_graph(), output="best", precision="int8")
    (tmp_path / "secret").write_text("secret")
    (pack / name).symlink_to(tmp_path / "secret")
    with pytest.raises(ModelBrokenError, match=f"{name} is a link that leads out"):
        add(pack, registry, check_pack)
    assert left_in(registry) == []
    (pack / name).unlink()
    (pack / "inside").write_text("its own")
    (pack / name).symlink_to("inside")
    assert (add(pack, registry, check_pack).folder / name).read_text() == "its own"


def test_a_card_outside_of_its_pack_is_not_shown(tmp_path: Path) -> None:
    pack = write_pack(tmp_path, int8_graph(), output="best", precision="int8")
    secret = tmp_path / "secret"
    secret.write_text("secret")

    def card() -> str:
        listing = describe(Catalogue(Registry(tmp_path)).listing(), "auto", (), ())
        return next(info.card for info in listing.models if info.name == "mine")

    (pack / "CARD.md").symlink_to(secret)
    assert card() == ""
    (pack / "CARD.md").unlink()
    os.mkfifo(pack / "CARD.md")  # opening it would wait for ever
    assert card() == ""
    (pack / "CARD.md").unlink()
    (pack / "CARD.md").write_text("# Mine\n\nWhat it is.")
    assert card() == "What it is."


def test_entries_that_come_twice_are_refused(tmp_path: Path, registry: Registry) -> None:
    source = tmp_path / "twice.tar"
    with tarfile.open(source, "w") as packed:
        for text in (b"one", b"two"):
            item = tarfile.TarInfo("manifest.json")
            item.size = 3
            packed.addfile(item, io.BytesIO(text))
    with pytest.raises(ModelBrokenError, match="twice"):
        add(source, registry, check_pack)


@pytest.mark.parametrize("suffix", [".zip", ".tar.gz"])
def test_damaged_archives_are_refused(tmp_path: Path, registry: Registry, suffix: str) -> None:
    source = archive(write_pack(tmp_path, scores_graph()), suffix, top="")
    whole = source.read_bytes()
    for damaged in (b"", b"no archive", whole[: len(whole) // 2], whole[:100] + bytes(200) + whole[300:]):
        source.write_bytes(damaged)
        with pytest.raises(ModelBrokenError):
            add(source, registry, check_pack)
    assert left_in(registry) == []


def test_what_does_not_exist_is_told(tmp_path: Path, registry: Registry) -> None:
    with pytest.raises(ModelBrokenError, match="There is no"):
        add(tmp_path / "absent", registry, check_pack)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ModelInstallError, match=r"Not a directory|File exists"):
        add(write_pack(tmp_path, scores_graph()), Registry(tmp_path / "file" / "models"), check_pack)


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(ModelInstallError) as caught:
        remove("mine", Registry())
    assert "CRNN_OCR_MODELS_DIR" in caught.value.hint
    assert {"ppocrv6-small"} <= {pack.manifest.name for pack in Registry().packs()}


def test_the_pack_stays_if_its_successor_cannot_take_its_place(
    tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = add(write_pack(tmp_path / "a", scores_graph()), registry, check_pack)
    newer = write_pack(tmp_path / "b", best_graph(), output="best", version="2")
    rename = Path.rename

    def failing(path: Path, target: Path) -> Path:
        if path.name == "mine" and target == whole.folder and path.parent.name != "before":
            raise OSError(28, "No space left on device")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(ModelInstallError, match="No space left"):
        add(newer, registry, check_pack, replace=True)
    assert registry.find("mine") == whole


def test_packs_are_removed_broken_ones_too(tmp_path: Path, registry: Registry) -> None:
    assert registry.models_dir is not None
    add(write_pack(tmp_path, scores_graph()), registry, check_pack)
    assert remove("mine", registry) == registry.models_dir / "mine"
    assert left_in(registry) == []

    shutil.move(tmp_path / "mine", registry.models_dir / "mine")
    (registry.models_dir / "mine" / "manifest.json").write_text("{")
    remove("mine", registry)
    assert left_in(registry) == []


@pytest.mark.parametrize("name", ["mine", "ppocrv6-small", "..", ".", "", "x/../y", "/"])
def test_only_packs_of_the_folder_are_removed(tmp_path: Path, registry: Registry, name: str) -> None:
    (tmp_path / "models" / "mine").mkdir(parents=True)  # a folder, but no pack
    with pytest.raises(OcrError, match="no pack"):
        remove(name, registry)
    assert left_in(registry) == ["mine"]
