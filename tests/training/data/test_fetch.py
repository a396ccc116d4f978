"""Sources of fonts and texts, and the folder that they go to."""

from __future__ import annotations

from pathlib import Path

import pytest

from crnn_ocr.errors import TrainingError
from crnn_ocr.training.data.fetch import Source, data_folder, sources


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
