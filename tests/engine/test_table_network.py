"""The network for tables is loaded when a page has a table, and is not missed where there is no pack."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from crnn_ocr import OCR, Settings
from crnn_ocr.document import Block, Line
from crnn_ocr.engine import page_stages
from crnn_ocr.engine.kinds import KINDS, check_packs
from crnn_ocr.engine.pack_check import prove_pack
from crnn_ocr.errors import ModelNotFoundError
from crnn_ocr.models import registry
from crnn_ocr.models.registry import Registry
from crnn_ocr.pixels import Pixels
from crnn_ocr.tables.grid import Grid
from crnn_ocr.tables.network.load import draw_probe
from crnn_ocr.tables.select import Candidates


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[Grid]]:
    """The grids that the network gave for pages that were taken for tables as a whole."""
    grids: list[Sequence[Grid]] = []

    def find_tables(
        image: Pixels, lines: Sequence[Line], candidates: Candidates | None = None
    ) -> tuple[list[Block], list[Line]]:
        assert candidates is not None
        if lines:
            area = (0.0, 0.0, float(image.shape[1]), float(image.shape[0]))
            grids.append(candidates(image, area, lines))
        return [], list(lines)

    monkeypatch.setattr(page_stages, "find_tables", find_tables)
    return grids


def test_it_is_loaded_with_the_first_table(seen: list[Sequence[Grid]]) -> None:
    with OCR(Settings()) as ocr:
        ocr.warm_up()
        assert ocr.ready
        assert "slanet-plus" not in ocr.loaded
        lines = ocr.read(draw_probe(), layout="lines")
        assert not any(mark.startswith("tables:") for mark in lines.packs)
        assert (seen, "slanet-plus" in ocr.loaded) == ([], False)
        blocks = ocr.read(draw_probe(), layout="blocks")
        assert any(mark.startswith("tables:") for mark in blocks.packs)
        assert "slanet-plus" in ocr.loaded
    (grids,) = seen
    assert [(grid.rows, grid.cols, grid.method) for grid in grids] == [(4, 3, "network")]


def test_without_its_pack_there_is_no_candidate_and_no_warning(
    seen: list[Sequence[Grid]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundled = tmp_path / "bundled"
    shutil.copytree(registry.BUNDLED, bundled, ignore=shutil.ignore_patterns("slanet-plus"))
    monkeypatch.setattr(registry, "BUNDLED", bundled)
    with OCR(Settings()) as ocr:
        assert "slanet-plus" not in [model.name for model in ocr.models().models]
        document = ocr.read(draw_probe(), layout="blocks")
        assert ocr.ready
    assert [list(grids) for grids in seen] == [[]]
    assert document.text
    assert not document.pages[0].warnings


def test_its_pack_is_listed_and_proved() -> None:
    pack = Registry().find("slanet-plus", "table")
    assert KINDS["table"].lazy
    prove_pack(pack)
    with OCR(Settings()) as ocr:
        (model,) = (model for model in ocr.models().models if model.name == "slanet-plus")
    assert (model.kind, model.active, model.loaded) == ("table", True, False)
    assert model.card


def test_the_service_starts_without_its_pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundled = tmp_path / "bundled"
    shutil.copytree(registry.BUNDLED, bundled, ignore=shutil.ignore_patterns("slanet-plus"))
    monkeypatch.setattr(registry, "BUNDLED", bundled)
    check_packs(Settings(verify_models=True))
    with pytest.raises(ModelNotFoundError, match="no model 'other'"):
        check_packs(Settings(detector="other"))
