from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from crnn_ocr.errors import ModelBrokenError, ModelNotFoundError
from crnn_ocr.models import fingerprint as module
from crnn_ocr.models.fingerprint import Fingerprint, Fingerprints, PacksToUse, marks
from crnn_ocr.models.manifest import Manifest
from crnn_ocr.models.registry import BUNDLED, Registry
from crnn_ocr.options import ReadOptions
from crnn_ocr.runtime import cpu
from crnn_ocr.settings import Settings

MODEL = "ppocrv6-small"


def of(
    options: ReadOptions | None = None,
    *,
    models_dir: Path | None = None,
    replacements: dict[str, str] | None = None,
    **settings: Any,
) -> Fingerprint:
    made = Fingerprints(on_disk(Registry(models_dir)), Settings(**settings), replacements or {})
    return made.of(options or ReadOptions())


def on_disk(registry: Registry) -> PacksToUse:
    def packs_to_use(options: ReadOptions) -> tuple[dict[str, Manifest], dict[str, str]]:
        packs = {
            "recognizer": registry.find(options.model or MODEL, "rec").manifest,
            "detector": registry.find("ppocrv6-det-small", "det").manifest,
        }
        if options.recheck == "auto" and packs["recognizer"].second_look:
            try:
                packs["second"] = registry.find("accurate", "rec").manifest
            except (ModelBrokenError, ModelNotFoundError) as error:
                return packs, {"second": error.code}
        return packs, {}

    return packs_to_use


def copied(folder: Path, name: str, *, to: str | None = None, **changes: object) -> Path:
    """A folder of packs with one of the bundled packs, changed; its files are not needed."""
    pack = folder / (to or name)
    pack.mkdir(parents=True)
    manifest = json.loads((BUNDLED / name / "manifest.json").read_text(encoding="utf-8"))
    (pack / "manifest.json").write_text(
        json.dumps({**manifest, "name": pack.name, **changes}), encoding="utf-8"
    )
    return folder


def test_it_names_the_model_as_answers_do_and_stays_the_same() -> None:
    assert of().model == Registry().find(MODEL, "rec").manifest.id
    assert of() == of()


def test_a_model_and_its_alias_are_the_same() -> None:
    assert of(ReadOptions(model=MODEL)) == of(ReadOptions(model="accurate")) == of()


def test_a_model_that_is_not_there_is_none() -> None:
    with pytest.raises(ModelNotFoundError):
        of(ReadOptions(model="none-such"))


@pytest.mark.parametrize(
    "changed",
    [
        {"precision": "fp32" if cpu.has_dot_products() else "int8"},
        {"pdf_dpi": 300},
        {"max_pixels": 1_000_000},
        {"max_pages": 3},
        {"replacements": {"m2": "m²"}},
    ],
)
def test_whatever_decides_an_answer_is_in_it(changed: dict[str, Any]) -> None:
    assert of(**changed) != of()


def test_what_does_not_decide_an_answer_is_not_in_it() -> None:
    same = "int8" if cpu.has_dot_products() else "fp32"
    neutral: dict[str, Any] = {
        "port": 1234,
        "workers": 3,
        "cache_bytes": 0,
        "log_level": "debug",
        "precision": same,
    }
    assert of(**neutral) == of()


@pytest.mark.parametrize(
    "changes",
    [
        {"version": "99"},
        {"condense": 1.0, "stretch": 1.25},
        {"graph": {"path": "other.onnx", "sha256": "0" * 64}},
    ],
)
def test_another_pack_of_the_same_name_is_another_model(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert of(models_dir=copied(tmp_path, MODEL, **changes)) != of()


def test_another_detector_counts(tmp_path: Path) -> None:
    changed = copied(tmp_path, "ppocrv6-det-small", version="99")
    found = of(models_dir=changed)
    assert found.model == of().model
    assert found.digest != of().digest


def test_the_second_looks_model_counts_only_where_it_is_taken(tmp_path: Path) -> None:
    packs = copied(tmp_path, MODEL, to="accurate", version="99")
    once = ReadOptions(recheck="off")
    assert of(once, models_dir=packs) == of(once)
    assert of(models_dir=packs) != of()
    alone = copied(tmp_path, MODEL, to="alone", second_look=False)
    twice = ReadOptions(model="alone")
    assert of(twice, models_dir=alone) == of(ReadOptions(model="alone", recheck="off"), models_dir=alone)


def test_a_pack_that_is_replaced_is_noticed_at_once(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    fingerprints = Fingerprints(on_disk(registry), Settings(), {})
    named = ReadOptions(model=MODEL)
    before = fingerprints.of(named)
    copied(tmp_path, MODEL, version="99")
    assert fingerprints.of(named).model == f"{MODEL}/99"
    assert fingerprints.of(named) != before


@pytest.mark.parametrize("what", ["cpu", "library"])
def test_another_machine_is_another_one_where_its_arithmetic_is(
    monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    before = of(precision="fp32")
    if what == "cpu":
        monkeypatch.setattr(cpu, "features", lambda: frozenset({"avx9000"}))
    else:
        monkeypatch.setattr(module, "_version", lambda _: "0.0")
    assert of(precision="fp32") != before


def test_packs_are_told_apart_by_their_part_and_their_manifest(tmp_path: Path) -> None:
    registry = Registry(copied(tmp_path, MODEL, to="accurate", version="99"))
    reader, detector, second = (
        registry.find(name, kind).manifest
        for name, kind in ((MODEL, "rec"), ("ppocrv6-det-small", "det"), ("accurate", "rec"))
    )
    once = marks({"recognizer": reader, "detector": detector})
    twice = marks({"recognizer": reader, "detector": detector, "second": second})
    assert once < twice
    assert twice & marks({"recognizer": second, "detector": detector, "second": reader}) == {
        mark for mark in once if mark.startswith("detector:")
    }
    with_recheck = of(ReadOptions(model=MODEL, recheck="auto"), models_dir=tmp_path)
    assert with_recheck.packs == twice
    without = of(ReadOptions(model=MODEL, recheck="off"), models_dir=tmp_path)
    assert without.packs == once
