"""`crnn-ocr convert`, with an engine that only pretends."""

from __future__ import annotations

from pathlib import Path

import pytest

from crnn_ocr.cli import main
from crnn_ocr.document import Document
from crnn_ocr.export import FORMATS, WriteOptions, Writer
from tests.cli.fake_cli import FakeReader


def shout(document: Document, how: WriteOptions) -> str:
    return document.text.upper()


def back(document: Document, how: WriteOptions) -> bytes:
    assert how.original is not None
    return how.original()[::-1]


def each(document: Document, how: WriteOptions) -> list[tuple[str, bytes]]:
    return [(f"page{page.number}", page.text.encode()) for page in document.pages]


@pytest.fixture(autouse=True)
def formats(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, writer in {
        "loud": Writer(shout, ".ld", "text/x-loud", "Loud", layout="blocks"),
        "back": Writer(back, ".png", "image/png", "Backwards", needs_original=True),
        "parts": Writer(shout, ".part", "text/x-part", "Parts", write_parts=each),
    }.items():
        monkeypatch.setitem(FORMATS, name, writer)


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    for name in ("a.png", "more/b.jpg"):
        (tmp_path / "scans" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "scans" / name).write_text(f"text of {name}")
    return tmp_path / "scans"


def files(folder: Path) -> dict[str, str]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_text() for path in paths}


def test_every_input_in_every_format(engines: list[FakeReader], scans: Path, tmp_path: Path) -> None:
    assert main(["convert", str(scans), "-r", "--to", "text,loud", "-o", str(tmp_path / "out")]) == 0

    assert files(tmp_path / "out") == {
        "a.ld": "TEXT OF A.PNG",
        "a.txt": "text of a.png\n",
        "more/b.ld": "TEXT OF MORE/B.JPG",
        "more/b.txt": "text of more/b.jpg\n",
    }
    (engine,) = engines
    assert engine.options.layout == "blocks"
    assert engine.closed


def test_suffixes_name_formats_and_layout_follows_them(
    engines: list[FakeReader], scans: Path, tmp_path: Path
) -> None:
    assert main(["convert", str(scans / "a.png"), "--to", "TXT, txt", "-o", str(tmp_path / "out")]) == 0

    assert [*files(tmp_path / "out")] == ["a.txt"]
    assert engines[0].options.layout == "auto"


def test_equal_stems_keep_their_whole_names(engines: list[FakeReader], scans: Path, tmp_path: Path) -> None:
    (scans / "a.jpg").write_text("other")

    assert main(["convert", str(scans), "--to", "text", "-o", str(tmp_path / "out")]) == 0

    assert files(tmp_path / "out") == {"a.jpg.txt": "other\n", "a.png.txt": "text of a.png\n"}


def test_two_results_never_share_a_file(
    engines: list[FakeReader], scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (scans / "more" / "a.png").write_text("other")
    inputs = [str(scans / "a.png"), str(scans / "more" / "a.png")]

    assert main(["convert", *inputs, "--to", "text", "-o", str(tmp_path / "out")]) == 1

    assert "already holds the result of" in capsys.readouterr().err
    assert files(tmp_path / "out") == {"a.png.txt": "text of a.png\n"}


def test_the_input_is_never_replaced(
    engines: list[FakeReader], scans: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["convert", str(scans / "a.png"), "--to", "back", "-o", str(scans)]) == 1

    assert "is the input itself" in capsys.readouterr().err
    assert (scans / "a.png").read_text() == "text of a.png"
    assert main(["convert", str(scans / "a.png"), "--to", "back", "-o", str(scans / "out")]) == 0
    assert (scans / "out" / "a.png").read_text() == "gnp.a fo txet"


def test_a_format_of_several_files(engines: list[FakeReader], tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_text("one\ftwo")

    assert main(["convert", str(tmp_path / "a.tif"), "--to", "parts", "-o", str(tmp_path / "out")]) == 0

    assert files(tmp_path / "out") == {"a.page1.part": "one", "a.page2.part": "two"}


def test_a_bad_input_costs_no_other(
    engines: list[FakeReader], scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (scans / "0.png").write_text("damaged")

    assert main(["convert", str(scans), "--to", "text", "-o", str(tmp_path / "out")]) == 1

    assert "The PNG ends early. (IMAGE_DECODE_FAILED)" in capsys.readouterr().err
    assert files(tmp_path / "out") == {"a.txt": "text of a.png\n"}


@pytest.mark.parametrize("formats", ["docx9", "text,docx9", "", ","])
def test_unknown_formats_are_wrong_usage(
    formats: str, scans: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["convert", str(scans), "--to", formats])

    assert ended.value.code == 2
    assert "there are: " in capsys.readouterr().err


def test_the_output_is_a_folder(scans: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["convert", str(scans), "--to", "text", "-o", str(scans / "a.png")])

    assert ended.value.code == 2
    assert "is not a folder" in capsys.readouterr().err


def test_a_full_disk_leaves_no_half_file(
    engines: list[FakeReader], scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fail)
    assert main(["convert", str(scans / "a.png"), "--to", "text", "-o", str(tmp_path / "out")]) == 1

    assert files(tmp_path / "out") == {}


def test_one_file_of_a_closed_format_holds_one_result(
    engines: list[FakeReader],
    scans: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(FORMATS, "loud", Writer(shout, ".ld", "text/x-loud", "Loud", appendable=False))
    with pytest.raises(SystemExit):
        main(["read", str(scans), "-r", "-o", str(tmp_path / "all.ld")])
    assert "several results do not fit into one Loud file" in capsys.readouterr().err

    assert main(["read", str(scans / "a.png"), "-o", str(tmp_path / "one.ld")]) == 0
    assert main(["read", str(scans), "-r", "-f", "loud", "-o", f"{tmp_path}/out/"]) == 0
