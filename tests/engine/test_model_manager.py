"""Recognisers switched, changed and taken away under a running engine; real networks."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crnn_ocr import OCR, ReadOptions, Settings
from crnn_ocr.caching.local import LocalStore
from crnn_ocr.document import Document
from crnn_ocr.engine import model_manager
from crnn_ocr.errors import ModelBrokenError, ModelNotFoundError, ModelTooLargeError
from crnn_ocr.models import catalogue, load_failures
from crnn_ocr.models.registry import Registry
from crnn_ocr.scheduling.ticket import Ticket
from crnn_ocr.service.ocr.answer_cache import AnswerCache
from crnn_ocr.service.ocr.ocr_service import Readings
from tests import drawing
from tests.service.packs import shifted_pack
from tests.service.rendering import png

PICTURE = drawing.line("Number 4711", pad=20)


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pack `shifted`, to be copied."""
    return shifted_pack(tmp_path_factory.mktemp("made"))


@pytest.fixture
def folder(tmp_path: Path, pack: Path) -> Path:
    """The user's folder, with `shifted`."""
    shutil.copytree(pack, tmp_path / "models" / "shifted")
    return tmp_path / "models"


@pytest.fixture
def engine(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OCR]:
    monkeypatch.setattr(catalogue, "RECHECK_S", 0.0)  # every request looks at the disk
    with OCR(Settings(models_dir=folder, model="accurate"), threads=1) as made:
        yield made


def said(engine: OCR, model: str | None = None) -> tuple[str, str]:
    document = engine.read(PICTURE, model=model)
    return document.model, document.text


def test_another_model_takes_over_and_the_old_one_goes(engine: OCR) -> None:
    assert said(engine) == ("ppocrv6-small/1", "Number 4711")
    before = engine.fingerprint(ReadOptions())
    assert engine.use("shifted") == "shifted/1"
    assert engine.model == "shifted/1"
    assert engine.loaded == ("ppocrv6-det-small", "shifted")
    assert said(engine) == ("shifted/1", "Number 5822")
    assert engine.fingerprint(ReadOptions()) != before
    assert engine.use("accurate") == "ppocrv6-small/1"
    assert said(engine) == ("ppocrv6-small/1", "Number 4711")
    active = {info.name for info in engine.models().models if info.active}
    assert active == {"ppocrv6-det-small", "ppocrv6-small", "slanet-plus"}


def test_what_was_prepared_may_be_cancelled(engine: OCR) -> None:
    engine.warm_up()
    switch = engine.prepare("shifted")
    assert (switch.name, switch.model) == ("shifted", "shifted/1")
    assert said(engine)[0] == "ppocrv6-small/1"
    assert "shifted" in engine.loaded
    switch.cancel()
    assert "shifted" not in engine.loaded
    assert said(engine)[0] == "ppocrv6-small/1"


def test_a_broken_one_changes_nothing(engine: OCR, folder: Path) -> None:
    (folder / "shifted" / "characters.txt").write_text("nonsense")
    with pytest.raises(ModelBrokenError, match="differs from its manifest"):
        engine.use("shifted")
    with pytest.raises(ModelNotFoundError):
        engine.use("nothing")
    assert said(engine) == ("ppocrv6-small/1", "Number 4711")
    assert [name for name, _ in engine.models().broken] == ["shifted"]


def test_an_active_pack_in_the_middle_of_a_change_is_not_used(engine: OCR, folder: Path) -> None:
    engine.use("shifted")
    path = folder / "shifted" / "manifest.json"
    right = path.read_text()
    manifest = json.loads(right) | {"version": "2"}
    manifest["charset"]["sha256"] = "0" * 64  # the manifest has arrived, the characters have not
    path.write_text(json.dumps(manifest))
    assert said(engine) == ("shifted/1", "Number 5822")
    with pytest.raises(ModelBrokenError, match="differs"):
        engine.use("shifted")
    assert said(engine) == ("shifted/1", "Number 5822")
    path.write_text(json.dumps(json.loads(right) | {"version": "2"}))
    assert said(engine) == ("shifted/2", "Number 5822")
    assert engine.model == "shifted/2"


def test_an_active_pack_that_is_deleted_stays_in_memory(engine: OCR, folder: Path) -> None:
    engine.use("shifted")
    shutil.rmtree(folder / "shifted")
    assert said(engine) == ("shifted/1", "Number 5822")
    assert engine.model == "shifted/1"
    assert "shifted" not in {info.name for info in engine.models().models}
    assert engine.use("ppocrv6-small") == "ppocrv6-small/1"
    with pytest.raises(ModelNotFoundError):
        said(engine, "shifted")


def test_a_request_names_its_model(engine: OCR) -> None:
    assert said(engine, "shifted") == ("shifted/1", "Number 5822")
    assert said(engine, "accurate") == ("ppocrv6-small/1", "Number 4711")
    assert engine.model == "ppocrv6-small/1"


def test_the_reason_is_known_before_anything_is_loaded(folder: Path) -> None:
    with OCR(Settings(models_dir=folder, detector="nothing"), threads=1) as engine:
        assert engine.problem is not None
        assert "'nothing'" in engine.problem
        with pytest.raises(ModelBrokenError, match="'nothing'"):
            engine.warm_up()


# ---- kept answers --------------------------------------------------------------------------------------


def confidences(document: Document) -> list[float]:
    """As they are kept."""
    return [round(line.confidence, 4) for line in document.pages[0].lines]


def kept(engine: OCR) -> Callable[[bytes], tuple[str, list[float]]]:
    readings = Readings(engine, AnswerCache(LocalStore(1_000_000, 3600)))

    def ask(picture: bytes) -> tuple[str, list[float]]:
        answer = readings.read_one(picture, ReadOptions(), Ticket())
        return answer.source, confidences(answer.document)

    return ask


def described(folder: Path, **changes: object) -> None:
    """Another manifest in the place of the active pack's, as a renaming does it."""
    path = folder / "shifted" / "manifest.json"
    (path.parent / ".new").write_text(json.dumps(json.loads(path.read_text()) | changes))
    (path.parent / ".new").rename(path)


def test_an_answer_is_kept_under_the_pack_that_gave_it(
    engine: OCR, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pack that is replaced in place under the same version, and looked at now and then."""
    engine.use("shifted")
    one, other = png("Number 4711"), png("Letter 1234")
    ask = kept(engine)
    before = ask(one)[1]
    monkeypatch.setattr(catalogue, "RECHECK_S", 3600.0)
    engine.fingerprint(ReadOptions())
    described(folder, calibration=None)
    assert ask(one) == ("hit", before)
    assert ask(other)[0] == "miss"  # read by the old pack, as nobody has looked yet
    monkeypatch.setattr(catalogue, "RECHECK_S", 0.0)
    source, after = ask(one)
    assert source == "miss"
    assert after != before
    source, fresh = ask(other)
    assert source == "miss"
    assert fresh == confidences(engine.read(other))
    assert ask(other)[0] == "hit"


def test_new_files_that_cannot_be_loaded_keep_the_cache(engine: OCR, folder: Path) -> None:
    engine.use("shifted")
    picture = png("Number 4711")
    ask = kept(engine)
    assert [ask(picture)[0] for _ in range(2)] == ["miss", "hit"]
    described(folder, charset={"path": "characters.txt", "sha256": "0" * 64})
    assert [ask(picture)[0] for _ in range(3)] == ["miss", "hit", "hit"]  # tried once, then as before


@pytest.mark.parametrize("how", ["switch", "name"])
def test_a_pack_that_cannot_fit_is_not_loaded(engine: OCR, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.setattr(load_failures, "RETRY_AFTER_S", 0.0)
    monkeypatch.setattr(model_manager, "LEAST_CHECKED", 0)
    before = said(engine)
    size = Registry().find("crnn-zh-en-edge").folder.joinpath("net.onnx").stat().st_size
    monkeypatch.setattr(model_manager, "memory_left", lambda: int(model_manager.LOADING * size) - 1)
    with pytest.raises(ModelTooLargeError, match=r"'crnn-zh-en-edge' needs 4 MiB .* and 4 MiB are left"):
        engine.use("crnn-zh-en-edge") if how == "switch" else engine.read(PICTURE, model="crnn-zh-en-edge")
    assert said(engine) == before
    assert "crnn-zh-en-edge" not in engine.loaded

    monkeypatch.setattr(model_manager, "memory_left", lambda: int(model_manager.LOADING * size) + 1)
    assert engine.use("crnn-zh-en-edge") == "crnn-zh-en-edge/1"


def test_small_packs_are_loaded_however_little_memory_is_left(
    engine: OCR, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answers must not depend on the load: the second reader is such a pack."""
    monkeypatch.setattr(model_manager, "memory_left", lambda: 0)
    assert engine.read(PICTURE, model="crnn-zh-en-edge").pages


def test_memory_that_is_only_held_is_given_back_first(engine: OCR, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_manager, "LEAST_CHECKED", 0)
    left = [0, 1 << 40]
    monkeypatch.setattr(model_manager, "memory_left", lambda: left.pop(0))
    assert engine.use("crnn-zh-en-edge") == "crnn-zh-en-edge/1"
    assert left == []
