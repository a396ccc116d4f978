"""A stage with a model of a new kind: one package (here a class and a function) and one registration each."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from crnn_ocr import OCR, Settings
from crnn_ocr.document import Remark
from crnn_ocr.engine.kinds import KINDS, LoadSettings, ModelKind, ModelUse
from crnn_ocr.engine.pack_check import prove_pack
from crnn_ocr.engine.page_stages import STAGES
from crnn_ocr.engine.stage import PageState, Stage, Tools
from crnn_ocr.errors import ModelBrokenError
from crnn_ocr.models.manifest import Manifest
from crnn_ocr.models.registry import Pack, Registry
from tests import drawing


class LineCounter:
    """A model that tells whether a page has many lines; its weights are one number."""

    def __init__(self, pack: Pack) -> None:
        self.manifest: Manifest = pack.manifest
        self.many = int(pack.verified(pack.manifest.graph).read_text(encoding="utf-8"))
        self.closed = False

    def close(self) -> None:
        self.closed = True


def prove(model: LineCounter, pack: Pack) -> None:
    if model.many < 1:
        raise ModelBrokenError(f"pack {pack.manifest.name!r} counts to {model.many}")


def load(pack: Pack, how: LoadSettings) -> LineCounter:
    return LineCounter(pack)


COUNTER: ModelKind[LineCounter] = ModelKind(
    "count", "line counter", load, active=lambda settings: "counter", prove=prove
)
COUNTING = ModelUse("counter", COUNTER)


def count(state: PageState, tools: Tools) -> None:
    """Say so where a page has many lines."""
    if len(state.kept) >= tools.models(COUNTING).many:
        state.warnings += (Remark("MANY_LINES", f"{len(state.kept)} lines."),)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of packs with one of the new kind; the kind is registered."""
    monkeypatch.setitem(KINDS, COUNTER.name, COUNTER)
    pack_of(tmp_path, "counter", "2")
    return tmp_path


def pack_of(folder: Path, name: str, number: str) -> None:
    pack = folder / name
    pack.mkdir()
    (pack / "weights.txt").write_text(number, encoding="utf-8")
    digest = hashlib.sha256(number.encode()).hexdigest()
    manifest = {
        "name": name,
        "version": "1",
        "kind": "count",
        "title": "Counts",
        "licence": "MIT",
        "provenance": "here",
        "graph": {"path": "weights.txt", "sha256": digest},
    }
    (pack / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def test_a_new_stage_runs_is_timed_and_in_the_fingerprint(folder: Path) -> None:
    page = drawing.page([(30, 30, "First line"), (30, 90, "Second line")], shape=(420, 160))
    with (
        OCR(Settings(models_dir=folder), stages=(*STAGES, Stage("count", count, (COUNTING,)))) as counting,
        OCR(Settings(models_dir=folder)) as plain,
    ):
        document = counting.read(page)
        once = plain.read(page)

        assert [remark.code for remark in document.pages[0].warnings] == ["MANY_LINES"]
        assert document.text == once.text
        assert "count" in document.timings_ms
        assert "counter" in counting.loaded
        assert counting.ready
        assert any(mark.startswith("counter:") for mark in document.packs)
        assert counting.use("crnn-zh-en-edge") == "crnn-zh-en-edge/1"  # others are switched as before


def test_packs_of_it_are_listed_and_proved(folder: Path) -> None:
    registry = Registry(folder)
    assert "counter" in [pack.manifest.name for pack in registry.packs()]
    prove_pack(registry.find("counter"))
    pack_of(folder, "useless", "0")
    with pytest.raises(ModelBrokenError, match="counts to 0"):
        prove_pack(registry.find("useless"))


def test_it_is_switched_like_any_other(folder: Path) -> None:
    pack_of(folder, "patient", "9")
    page = drawing.page([(30, 30, "First line"), (30, 90, "Second line")], shape=(420, 160))
    with OCR(Settings(models_dir=folder), stages=(*STAGES, Stage("count", count, (COUNTING,)))) as engine:
        before = engine.model
        assert engine.read(page).pages[0].warnings
        assert engine.use("patient") == "patient/1"
        assert not engine.read(page).pages[0].warnings
        assert engine.model == before


def test_a_pack_of_an_unknown_kind_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(KINDS, COUNTER.name)
    with pytest.raises(ModelBrokenError, match="unknown kind: 'count'"):
        prove_pack(Registry(folder).find("counter"))
