from __future__ import annotations

import errno
import io
import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from crnn_ocr.cli import main
from crnn_ocr.cli.inputs import Input
from crnn_ocr.cli.outputs import OutputError, StreamOutput
from tests.cli.fake_cli import FakeReader

Engines = list[FakeReader]
Captured = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in {"a.png": "first", "b.jpg": "second", "odd.gif": "damaged", "none.bmp": ""}.items():
        Path(name).write_text(text)
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_one_file_is_written_as_it_is(engines: Engines, capsys: Captured) -> None:
    assert main(["read", "a.png"]) == 0
    assert capsys.readouterr() == ("first\n", "")
    assert engines[0].closed


@pytest.mark.usefixtures("folder", "engines")
def test_several_files_have_headlines(capsys: Captured) -> None:
    assert main(["read", "b.jpg", "a.png"]) == 0
    assert capsys.readouterr().out == "==> b.jpg <==\nsecond\n\n==> a.png <==\nfirst\n\n"


@pytest.mark.usefixtures("folder", "engines")
def test_json_is_one_object_a_line_and_names_its_source(capsys: Captured) -> None:
    assert main(["read", "a.png", "b.jpg", "--format", "json"]) == 0
    entries = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(entry["source"], entry["text"]) for entry in entries] == [
        ("a.png", "first"),
        ("b.jpg", "second"),
    ]
    assert main(["read", "a.png", "-f", "json", "--chars"]) == 0
    entry = json.loads(capsys.readouterr().out)
    assert entry["source"] == "a.png"
    assert entry["pages"][0]["lines"][0]["chars"] == []


@pytest.mark.usefixtures("folder", "engines")
def test_what_fails_is_told_and_the_rest_is_read(capsys: Captured) -> None:
    assert main(["read", "odd.gif", "none.bmp", "nix.png", "a.png"]) == 1
    out, err = capsys.readouterr()
    assert out == "==> a.png <==\nfirst\n\n"
    assert err.splitlines() == [
        "crnn-ocr: odd.gif: The PNG ends early. (IMAGE_DECODE_FAILED)",
        "  The file seems to be damaged or cut off: open it in a viewer, save it again and retry.",
        "crnn-ocr: none.bmp: There are no bytes. (IMAGE_EMPTY)",
        "  Send the bytes of a picture: JPG, PNG, BMP, GIF, TIFF or WebP.",
        "crnn-ocr: nix.png: No such file or directory. (FILE_UNREADABLE)",
        "  Check the name and the permissions.",
    ]


@pytest.mark.usefixtures("folder", "engines")
def test_an_engine_fault_neither_ends_the_run_nor_shows_a_trace(capsys: Captured) -> None:
    Path("bug.png").write_text("bug")
    assert main(["read", "bug.png", "a.png"]) == 1
    out, err = capsys.readouterr()
    assert "first" in out
    assert err.startswith("crnn-ocr: bug.png: The engine failed with ZeroDivisionError. (INTERNAL_ERROR)\n")
    assert "Traceback" not in err
    assert "secret" not in err


@pytest.mark.usefixtures("folder", "engines")
def test_a_broken_model_ends_the_run(capsys: Captured) -> None:
    Path("a.png").write_text("no model")
    assert main(["read", "a.png", "b.jpg"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("MODEL_BROKEN") == 1


@pytest.mark.usefixtures("folder", "engines")
def test_remarks_go_to_standard_error_unless_quiet(capsys: Captured) -> None:
    Path("a.png").write_text("blurred")
    Path("b.jpg").write_text("sharp\fblurred")
    assert main(["read", "a.png", "b.jpg"]) == 0
    assert capsys.readouterr().err.splitlines() == [
        "crnn-ocr: a.png: It is blurred. (IMAGE_BLURRED)",
        "crnn-ocr: b.jpg, page 2: It is blurred. (IMAGE_BLURRED)",
    ]
    assert main(["read", "-q", "a.png", "b.jpg"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("engines")
def test_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"piped")))
    assert main(["read", "-"]) == 0
    assert capsys.readouterr().out == "piped\n"
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"")))
    assert main(["read", "-"]) == 1
    assert capsys.readouterr().err.startswith("crnn-ocr: -: There are no bytes. (IMAGE_EMPTY)")


# ---- output ------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("engines")
def test_all_results_in_one_file(folder: Path, capsys: Captured) -> None:
    assert main(["read", "a.png", "b.jpg", "-o", "out.txt"]) == 0
    assert capsys.readouterr().out == ""
    assert (folder / "out.txt").read_text() == "==> a.png <==\nfirst\n\n==> b.jpg <==\nsecond\n\n"


@pytest.mark.usefixtures("engines")
def test_the_suffix_of_the_output_file_chooses_the_format(folder: Path) -> None:
    assert main(["read", "a.png", "-o", "out.json"]) == 0
    assert json.loads((folder / "out.json").read_text())["text"] == "first"
    assert main(["read", "a.png", "-o", "out.json", "--format", "text"]) == 0
    assert (folder / "out.json").read_text() == "first\n"


@pytest.mark.usefixtures("engines")
def test_one_file_each_in_a_folder(folder: Path) -> None:
    assert main(["read", "a.png", "b.jpg", "odd.gif", "-o", "made/here/"]) == 1
    made = {path.name: path.read_text() for path in (folder / "made" / "here").iterdir()}
    assert made == {"a.png.txt": "first\n", "b.jpg.txt": "second\n"}
    assert main(["read", "a.png", "-o", "made", "-f", "json"]) == 0
    assert json.loads((folder / "made" / "a.png.json").read_text())["source"] == "a.png"


@pytest.mark.usefixtures("engines")
def test_the_structure_of_a_folder_is_kept(folder: Path) -> None:
    (folder / "scans" / "x").mkdir(parents=True)
    (folder / "scans" / "x" / "1.png").write_text("one")
    (folder / "scans" / "1.png").write_text("other")
    assert main(["read", "-r", "scans", "-o", "texts/"]) == 0
    assert (folder / "texts" / "x" / "1.png.txt").read_text() == "one\n"
    assert (folder / "texts" / "1.png.txt").read_text() == "other\n"


@pytest.mark.usefixtures("engines")
def test_no_result_replaces_that_of_another_input(folder: Path, capsys: Captured) -> None:
    for name in "xy":
        (folder / name).mkdir()
        (folder / name / "1.png").write_text(name)
    assert main(["read", "x/1.png", "y/1.png", "-o", "texts/"]) == 1
    assert (folder / "texts" / "1.png.txt").read_text() == "x\n"
    assert "already holds the result of x/1.png. (OUTPUT_FAILED)" in capsys.readouterr().err


@pytest.mark.usefixtures("engines")
def test_a_picture_is_never_written_over(folder: Path, capsys: Captured) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["read", "b.jpg", ".", "-o", "a.png"])
    assert (folder / "a.png").read_text() == "first"
    assert "is one of the files to read" in capsys.readouterr().err


@pytest.mark.usefixtures("folder", "engines")
def test_an_output_that_cannot_be_written(capsys: Captured) -> None:
    assert main(["read", "a.png", "b.jpg", "-o", "missing/out.txt"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("crnn-ocr: missing/out.txt: No such file or directory. (OUTPUT_FAILED)")
    assert err.count("crnn-ocr:") == 1


def test_a_disk_that_is_found_full_on_closing(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    class Late(io.BytesIO):
        def close(self) -> None:
            super().close()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "open", lambda *_: Late())
    with (
        pytest.raises(OutputError, match=r"out\.txt: No space left on device"),
        StreamOutput(folder / "out.txt") as output,
    ):
        output.put(Input("a.png", folder / "a.png", Path("a.png")), b"text")


# ---- usage -------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("folder")
def test_options_reach_the_engine(engines: Engines) -> None:
    flags = ["--denoise", "on", "--clahe", "off", "--orientation", "off", "--min-confidence", "0.25"]
    flags += ["--model", "mine", "--threads", "3"]
    assert main(["read", "a.png", *flags]) == 0
    assert engines[0].threads == 3
    assert engines[0].options.model_dump() == {
        **engines[0].options.model_dump(),
        "model": "mine",
        "denoise": "on",
        "clahe": "off",
        "orientation": "off",
        "min_confidence": 0.25,
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "required"),
        (["--grey", "maybe", "a.png"], "--grey: invalid choice: 'maybe' (choose from "),
        (["--min-confidence", "2", "a.png"], "--min-confidence: Input should be less than or equal to 1"),
        (["--min-confidence", "much", "a.png"], "--min-confidence: Input should be a valid number"),
        (["--threads", "0", "a.png"], "--threads: must be a number from 1 to 256, not '0'"),
        (["--threads", "two", "a.png"], "--threads: must be a number from 1 to 256, not 'two'"),
        (["--threads", "9" * 5000, "a.png"], "--threads: must be a number from 1 to 256, not '999"),
        (["--format", "docx9", "a.png"], "--format"),
        (["--sharpen", "a.png"], "unrecognized arguments: --sharpen"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_wrong_usage(arguments: list[str], said: str, engines: Engines, capsys: Captured) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["read", *arguments])
    assert said in capsys.readouterr().err
    assert not engines


@pytest.mark.usefixtures("folder", "engines")
def test_a_wrong_setting_is_wrong_usage(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    monkeypatch.setenv("CRNN_OCR_THREADS", "many")
    assert main(["read", "a.png"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("crnn-ocr: CRNN_OCR_THREADS: ")
    assert "(SETTINGS_INVALID)" in err


@pytest.mark.usefixtures("folder")
def test_an_unknown_model_is_wrong_usage(capsys: Captured) -> None:
    assert main(["read", "a.png", "--model", "no-such-model"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("crnn-ocr: ")
    assert "(MODEL_NOT_FOUND)" in err
    assert "GET " not in err


def test_interrupt(monkeypatch: pytest.MonkeyPatch, engines: Engines, folder: Path) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(FakeReader, "read", interrupt)
    assert main(["read", str(folder / "a.png")]) == 130
    assert engines[0].closed
