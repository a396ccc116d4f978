"""The second look in the whole engine: a first reader that is in doubt, the real accurate model behind it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from crnn_ocr import OCR, ReadOptions, Settings
from crnn_ocr.cli import main
from crnn_ocr.engine import page_stages
from crnn_ocr.engine.kinds import RECOGNIZER
from crnn_ocr.engine.stage import PageState, Tools
from crnn_ocr.errors import ModelBrokenError
from crnn_ocr.models import load_failures
from crnn_ocr.models.registry import BUNDLED, Pack
from crnn_ocr.recognition.network import load
from crnn_ocr.recognition.network.ctc import Frames
from crnn_ocr.recognition.network.recognizer import CtcRecognizer, PreparedLine, Reading, Recognizer, Window
from tests import drawing

Loads = list[str]

TEXTS = ["Invoice No. 4711 of November", "Eighty-eight blue widgets", "Total due 19.80 EUR today"]


class Shared:
    """The recogniser of all tests: an engine that closes its models leaves it open."""

    def __init__(self, able: CtcRecognizer, pack: Pack) -> None:
        self._able = able
        self.name = pack.manifest.id
        self.manifest = pack.manifest
        self.characters = able.characters
        self.seconds_per_column = able.seconds_per_column
        self.bytes_per_column = able.bytes_per_column

    def close(self) -> None:
        """Stay."""

    def window_widths(self, width: int, height: int) -> tuple[int, ...]:
        """As the other."""
        return self._able.window_widths(width, height)

    def prepare(self, crop: drawing.Picture) -> PreparedLine:
        """As the other."""
        return self._able.prepare(crop)

    def infer(self, window: Window) -> Frames:
        """As the other."""
        return self._able.infer(window)

    def decode(self, line: PreparedLine, frames: Sequence[Frames]) -> Reading:
        """As the other."""
        return self._able.decode(line, frames)


class Doubtful(Shared):
    """Reads as the accurate model does, but doubts every 8 and every e, which it takes for a B and a c."""

    def decode(self, line: PreparedLine, frames: Sequence[Frames]) -> Reading:
        """Worse than the other."""
        reading = self._able.decode(line, frames)
        wrong = {"8": "B", "e": "c"}
        chars = tuple(
            replace(char, text=wrong[char.text], confidence=0.5) if char.text in wrong else char
            for char in reading.chars
        )
        return Reading("".join(char.text for char in chars), reading.confidence, chars)


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch, recognizer: CtcRecognizer) -> Loads:
    """The names of the packs in the order in which they are loaded; `doubtful` is one of them."""
    names: Loads = []

    def loaded(pack: Pack, **how: Any) -> Recognizer:
        name = pack.manifest.name
        names.append(name)
        return (Doubtful if name == "doubtful" else Shared)(recognizer, pack)

    monkeypatch.setattr(load, "load_pack", loaded)
    return names


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder with the pack `doubtful`."""
    folder = tmp_path / "models"
    shutil.copytree(BUNDLED / "ppocrv6-small", folder / "doubtful")
    path = folder / "doubtful" / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(manifest | {"name": "doubtful"}), encoding="utf-8")
    return folder


@pytest.fixture
def doubtful(models: Path, loads: Loads) -> Iterator[OCR]:
    assert loads == []
    with OCR(Settings(models_dir=models), model="doubtful", threads=2) as engine:
        yield engine


@pytest.fixture(scope="module")
def picture() -> drawing.Picture:
    return drawing.page([(40, 30 + 60 * n, text) for n, text in enumerate(TEXTS)], size=30, shape=(720, 240))


def test_what_is_in_doubt_is_read_again(doubtful: OCR, loads: Loads, picture: drawing.Picture) -> None:
    once = doubtful.read(picture, recheck="off")
    assert loads == ["doubtful"]
    twice = doubtful.read(picture, recheck="auto")

    assert once.text.split("\n") == [text.replace("8", "B").replace("e", "c") for text in TEXTS]
    assert twice.text.split("\n") == TEXTS
    assert loads == ["doubtful", "ppocrv6-small"]
    assert "recheck" not in once.timings_ms
    assert twice.timings_ms["recheck"] > 0
    assert once.model == twice.model == "doubtful/1"
    for before, after in zip(once.pages[0].lines, twice.pages[0].lines, strict=True):
        assert after.polygon == before.polygon
        assert after.confidence >= before.confidence
        assert len(after.chars) == len(before.chars)
        for old, new in zip(before.chars, after.chars, strict=True):
            assert np.abs(np.array(old.polygon) - np.array(new.polygon)).max() < 12


def test_off_is_the_first_reading_to_the_last_bit(doubtful: OCR, picture: drawing.Picture) -> None:
    first = doubtful.read(picture, recheck="off")
    doubtful.read(picture, recheck="auto")

    assert doubtful.read(picture, ReadOptions(recheck="off")) == first


@pytest.mark.parametrize("turn", [cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_180, cv2.ROTATE_90_COUNTERCLOCKWISE])
def test_turned_pictures_get_their_second_look(doubtful: OCR, picture: drawing.Picture, turn: int) -> None:
    turned = np.ascontiguousarray(cv2.rotate(picture, turn), np.uint8)

    assert doubtful.read(turned, recheck="auto").text.split("\n") == TEXTS


def test_single_upside_down_lines_get_their_second_look(doubtful: OCR) -> None:
    picture = drawing.page([(40, 30, TEXTS[0]), (40, 90, TEXTS[1]), (40, 150, TEXTS[2])], shape=(720, 240))
    picture[140:200] = picture[140:200][::-1, ::-1]

    assert set(doubtful.read(picture, recheck="auto").text.split("\n")) == set(TEXTS)


def test_the_second_model_is_loaded_once(doubtful: OCR, loads: Loads, picture: drawing.Picture) -> None:
    with ThreadPoolExecutor(6) as callers:
        answers = list(callers.map(lambda _: doubtful.read(picture, recheck="auto"), range(6)))

    assert sorted(loads) == ["doubtful", "ppocrv6-small"]
    assert all(answer == answers[0] for answer in answers)
    assert answers[0].text.split("\n") == TEXTS


def test_it_is_not_loaded_for_what_is_sure(doubtful: OCR, loads: Loads) -> None:
    assert doubtful.read(drawing.line("A quick fox", pad=30), recheck="auto").text == "A quick fox"
    assert loads == ["doubtful"]


@pytest.mark.parametrize("model", ["accurate", "ppocrv6-small"])
def test_the_accurate_model_is_not_asked_twice(
    doubtful: OCR, loads: Loads, picture: drawing.Picture, model: str
) -> None:
    noisy = np.clip(picture + np.random.default_rng(0).normal(0, 90, picture.shape), 0, 255).astype(np.uint8)
    once = doubtful.read(noisy, model=model, recheck="off")

    assert doubtful.read(noisy, model=model, recheck="auto") == once
    assert loads == ["ppocrv6-small"]


def switched_while_reading(
    engine: OCR, monkeypatch: pytest.MonkeyPatch, change: Callable[[], object]
) -> None:
    """Let something change after a reading has leased its models, before it looks again."""
    stage = next(stage for stage in page_stages.STAGES if stage.name == "enhance")

    def run(state: PageState, tools: Tools) -> None:
        change()
        stage.run(state, tools)

    monkeypatch.setattr(engine, "_stages", (replace(stage, run=run), *page_stages.STAGES[1:]))


@pytest.mark.parametrize("change", ["switch", "unload", "replace"])
def test_a_pack_is_not_its_own_second_reader(
    models: Path,
    recognizer: CtcRecognizer,
    picture: drawing.Picture,
    monkeypatch: pytest.MonkeyPatch,
    change: str,
) -> None:
    loads: Loads = []

    def loaded(pack: Pack, **how: Any) -> Recognizer:  # the first one is in doubt, which others would mend
        loads.append(pack.manifest.name)
        return (Shared if len(loads) > 1 else Doubtful)(recognizer, pack)

    monkeypatch.setattr(load, "load_pack", loaded)
    with OCR(Settings(models_dir=models), model="accurate", threads=1) as engine:
        alone = engine.read(picture, recheck="off")
        assert alone.text.split("\n") != TEXTS

        def happen() -> None:
            if change == "switch":
                engine.use("doubtful")
            elif change == "unload":
                engine._models._stores[RECOGNIZER.name].unload("ppocrv6-small")
            else:  # what `accurate` stands for is installed in the same moment
                shutil.copytree(models / "doubtful", models / "accurate")
                path = models / "accurate" / "manifest.json"
                manifest = json.loads(path.read_text(encoding="utf-8"))
                path.write_text(json.dumps(manifest | {"name": "accurate"}), encoding="utf-8")

        switched_while_reading(engine, monkeypatch, happen)
        before = engine.fingerprint(ReadOptions())
        document = engine.read(picture)

        assert document == alone  # text and confidences, under the same name
        assert document.model == before.model == "ppocrv6-small/1"
        assert document.packs == before.packs
        assert loads == ["ppocrv6-small", "doubtful"][: len(loads)]  # it was not loaded again


def test_what_a_switch_leaves_is_the_second_reader_of_others(doubtful: OCR, picture: drawing.Picture) -> None:
    doubtful.use("accurate")
    doubtful.use("doubtful")

    assert doubtful.read(picture).text.split("\n") == TEXTS


def test_a_document_names_all_packs_that_might_read_it(doubtful: OCR, picture: drawing.Picture) -> None:
    sure = drawing.line("A quick fox", pad=30)
    for options in (ReadOptions(), ReadOptions(recheck="off"), ReadOptions(model="accurate")):
        assert doubtful.read(sure, options).packs == doubtful.fingerprint(options).packs
        assert doubtful.read(picture, options).packs == doubtful.fingerprint(options).packs


def test_a_pack_that_knows_better_is_never_looked_at_again(
    models: Path, loads: Loads, recognizer: CtcRecognizer, picture: drawing.Picture
) -> None:
    with OCR(Settings(models_dir=models), model="doubtful", threads=1) as engine:
        once = engine.read(picture, recheck="off")
        with engine._models.lease(RECOGNIZER) as reader:
            reader.manifest = reader.manifest.model_copy(update={"second_look": False})  # type: ignore[misc]
        assert engine.read(picture) == once
        assert loads == ["doubtful"]


def test_without_the_second_model_the_first_reading_stays(
    doubtful: OCR, picture: drawing.Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(pack: Pack, **how: Any) -> Recognizer:
        raise ModelBrokenError(f"pack {pack.manifest.name!r}: a file is missing")

    first = doubtful.read(picture, recheck="off")
    with monkeypatch.context() as patched:
        patched.setattr(load, "load_pack", broken)
        patched.setattr(load_failures, "RETRY_AFTER_S", 0.0)
        alone = doubtful.read(picture, recheck="auto")

    assert alone.text == first.text
    (remark,) = alone.pages[0].warnings
    assert remark.code == "RECHECK_UNAVAILABLE"
    assert "a file is missing" in remark.message
    assert doubtful.read(picture, recheck="auto").text.split("\n") == TEXTS  # it has been put in place


def test_an_unknown_second_model_is_named(
    doubtful: OCR, picture: drawing.Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_stages, "SECOND_READER", "nothing")

    (remark,) = doubtful.read(picture, recheck="auto").pages[0].warnings
    assert (remark.code, "'nothing'" in remark.message) == ("RECHECK_UNAVAILABLE", True)


@pytest.mark.usefixtures("loads")
def test_the_command_line_takes_the_option(
    models: Path,
    picture: drawing.Picture,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CRNN_OCR_MODELS_DIR", str(models))
    path = tmp_path / "page.png"
    cv2.imwrite(str(path), picture)

    assert main(["read", str(path), "--model", "doubtful", "--recheck", "auto"]) == 0
    assert capsys.readouterr().out.split("\n")[:3] == TEXTS
    with pytest.raises(SystemExit, match="2"):
        main(["read", str(path), "--recheck", "always"])
    assert "--recheck" in capsys.readouterr().err
