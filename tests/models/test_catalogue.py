from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from crnn_ocr.errors import ModelBrokenError, ModelNotFoundError
from crnn_ocr.models import catalogue as catalogue_module
from crnn_ocr.models import registry as registry_module
from crnn_ocr.models.catalogue import RECHECK_S, Catalogue, stamp_of
from crnn_ocr.models.registry import Pack, Registry

from .graphs import best_graph, scores_graph, write_pack


class Watched:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = 100.0
        self.registry = Registry(folder)
        self.catalogue = Catalogue(self.registry, clock=lambda: self.now)

    def names(self) -> list[str]:
        return [
            pack.manifest.name for pack in self.catalogue.listing().packs if pack.folder.parent == self.folder
        ]

    def broken(self) -> dict[str, str]:
        return {folder.name: problem for folder, problem in self.catalogue.listing().broken}


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    (tmp_path / "models").mkdir()
    return Watched(tmp_path / "models")


def test_packs_appear_and_vanish(watched: Watched) -> None:
    assert watched.names() == []
    with pytest.raises(ModelNotFoundError):
        watched.catalogue.find("mine", "rec")
    pack = write_pack(watched.folder, scores_graph())
    assert watched.names() == ["mine"]
    assert watched.catalogue.find("mine", "rec").name == "mine"
    shutil.rmtree(pack)
    assert watched.names() == []
    watched.now += RECHECK_S
    with pytest.raises(ModelNotFoundError):
        watched.catalogue.find("mine", "rec")


def test_manifest_and_stamp_are_of_the_same_moment(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_pack(watched.folder, scores_graph()) / "manifest.json"
    replaced: list[Pack] = []

    def stamped(pack: Pack) -> object:
        if not replaced:
            replaced.append(pack)
            path.write_text(path.read_text().replace('"version": "1"', '"version": "1.1"'))
        return stamp_of(pack)

    monkeypatch.setattr(catalogue_module, "stamp_of", stamped)
    found = watched.catalogue.find("mine", "rec")
    assert found.pack.manifest.id == "mine/1.1"
    assert found.stamp == stamp_of(found.pack)


def test_a_pack_that_is_being_copied_is_not_offered(watched: Watched) -> None:
    graph = scores_graph()
    pack = write_pack(watched.folder, graph)
    (pack / "net.onnx").unlink()
    assert (watched.names(), watched.broken()) == ([], {"mine": "pack 'mine': net.onnx is missing"})
    (pack / "net.onnx").write_bytes(graph[: len(graph) // 2])
    assert watched.names() == []
    assert "net.onnx differs from its manifest" in watched.broken()["mine"]
    (pack / "net.onnx").write_bytes(graph)
    assert (watched.names(), watched.broken()) == (["mine"], {})


def test_a_broken_manifest_is_told_of(watched: Watched) -> None:
    write_pack(watched.folder, scores_graph())
    (watched.folder / "mine" / "manifest.json").write_text("{")
    assert watched.names() == []
    assert "is not valid JSON" in watched.broken()["mine"]


def test_files_are_hashed_once_and_again_when_they_change(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []
    verify = Pack.verify

    def counted(pack: Pack) -> None:
        hashed.append(pack.manifest.name)
        verify(pack)

    monkeypatch.setattr(registry_module.Pack, "verify", counted)
    pack = write_pack(watched.folder, scores_graph())
    for _ in range(3):
        watched.catalogue.listing()
    assert hashed.count("mine") == 1
    os.utime(pack / "net.onnx", (1, 1))
    for _ in range(3):
        watched.catalogue.listing()
    assert hashed.count("mine") == 2


def test_the_disk_is_looked_at_once_a_second(watched: Watched) -> None:
    pack = write_pack(watched.folder, scores_graph())
    before = watched.catalogue.find("mine", "rec")
    shutil.rmtree(pack)
    write_pack(watched.folder, best_graph(), output="best", version="2")
    assert watched.catalogue.find("mine", "rec") is before
    assert watched.catalogue.find("mine", "rec", fresh=True).pack.manifest.version == "2"
    shutil.rmtree(pack)
    watched.now += RECHECK_S
    with pytest.raises(ModelNotFoundError):
        watched.catalogue.find("mine", "rec")


@pytest.mark.parametrize("name", ["manifest.json", "net.onnx", "chars.txt"])
def test_every_file_counts(watched: Watched, name: str) -> None:
    pack = write_pack(watched.folder, scores_graph())
    before = stamp_of(watched.registry.find("mine"))
    os.utime(pack / name, (1, 1))
    assert stamp_of(watched.registry.find("mine")) != before


def test_a_missing_file_has_no_stamp(watched: Watched) -> None:
    pack = write_pack(watched.folder, scores_graph())
    (pack / "chars.txt").unlink()
    with pytest.raises(ModelBrokenError, match=r"chars\.txt is missing"):
        watched.catalogue.find("mine", "rec")
