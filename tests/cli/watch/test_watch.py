"""`crnn-ocr watch`, with an engine that only pretends: in this process, and as real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from crnn_ocr.cli import main
from crnn_ocr.cli.watch import watcher as watcher_module
from crnn_ocr.cli.watch.folder import Signature, signature
from crnn_ocr.export import FORMATS, Writer
from tests.cli.fake_cli import FakeReader

ROOT = Path(__file__).parents[3]
FAST = ["--settle", "0.1", "--interval", "0.1"]
LIMIT_S = 60


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def files(folder: Path) -> dict[str, str]:
    """The files that people see."""
    paths = [path for path in folder.rglob("*") if path.is_file() and ".crnn-ocr-watch" not in path.parts]
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(paths)}


def once(scans: Path, out: Path, *flags: str) -> int:
    return main(["watch", str(scans), "--to", "text", "-o", str(out), "--once", *FAST, *flags])


# ---- one pass ----------------------------------------------------------------------------------------


def test_what_is_there_is_converted_once(
    engines: list[FakeReader], scans: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (scans / "a.png").write_text("one")
    (scans / "sub").mkdir()
    (scans / "sub" / "b.png").write_text("two")
    assert once(scans, out, "-r") == 0
    assert files(out) == {"a.txt": "one\n", "sub/b.txt": "two\n"}
    assert "2 converted" in capsys.readouterr().err
    (out / "a.txt").unlink()
    assert once(scans, out, "-r") == 0
    assert files(out) == {"sub/b.txt": "two\n"}  # nothing is read again
    assert "0 converted" in capsys.readouterr().err
    assert files(scans) == {"a.png": "one", "sub/b.png": "two"}
    assert all(engine.closed for engine in engines)


def test_content_counts_not_the_time(engines: list[FakeReader], scans: Path, out: Path) -> None:
    (scans / "a.png").write_text("one")
    assert once(scans, out) == 0
    (out / "a.txt").unlink()
    (scans / "a.png").touch()
    os.utime(scans / "a.png", (0, 0))
    assert once(scans, out) == 0
    assert files(out) == {}
    (scans / "a.png").write_text("new")
    assert once(scans, out) == 0
    assert files(out) == {"a.txt": "new\n"}


def test_other_formats_are_new_work(engines: list[FakeReader], scans: Path, out: Path) -> None:
    (scans / "a.png").write_text("one")
    assert once(scans, out) == 0
    assert main(["watch", str(scans), "--to", "md", "-o", str(out), "--once", *FAST]) == 0
    assert list(files(out)) == ["a.md", "a.txt"]


def test_a_bad_file_costs_no_other_and_is_tried_again_at_the_next_start(
    engines: list[FakeReader], scans: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in (("a.png", "damaged"), ("b.png", "bug"), ("c.png", "good")):
        (scans / name).write_text(text)
    for _ in range(2):
        assert once(scans, out) == 1
        told = capsys.readouterr().err
        assert told.count("(IMAGE_DECODE_FAILED)") == told.count("(INTERNAL_ERROR)") == 1
        assert "2 failed: " in told
    assert files(out) == {"c.txt": "good\n"}
    failures = (out / ".crnn-ocr-watch" / "failures.tsv").read_text().splitlines()
    assert [row.split("\t")[1:3] for row in failures[:2]] == [
        ["a.png", "IMAGE_DECODE_FAILED"],
        ["b.png", "INTERNAL_ERROR"],
    ]


def test_a_format_that_fails_costs_no_other(
    engines: list[FakeReader], scans: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(document: object, how: object) -> str:
        raise ZeroDivisionError

    monkeypatch.setitem(FORMATS, "bad", Writer(fail, ".bad", "text/x-bad", "Bad"))
    (scans / "a.png").write_text("one")
    assert main(["watch", str(scans), "--to", "text,bad", "-o", str(out), "--once", *FAST]) == 1
    assert files(out) == {}


def test_a_broken_model_ends_it(
    engines: list[FakeReader], scans: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (scans / "a.png").write_text("no model")
    (scans / "b.png").write_text("good")
    assert once(scans, out) == 1
    assert capsys.readouterr().err.count("(MODEL_BROKEN)") == 1
    assert files(out) == {}
    (scans / "a.png").write_text("repaired")
    assert once(scans, out) == 0
    assert list(files(out)) == ["a.txt", "b.txt"]


def test_originals_are_moved_and_names_used_again(
    engines: list[FakeReader], scans: Path, out: Path, tmp_path: Path
) -> None:
    done = tmp_path / "done"
    for text in ("monday", "tuesday", "damaged"):
        (scans / "scan.png").write_text(text)
        flags = ["--move", str(done), "--failed", str(tmp_path / "failed")]
        assert once(scans, out, *flags) == (1 if text == "damaged" else 0)
        assert files(scans) == {}
    assert files(out) == {"scan (2).txt": "tuesday\n", "scan.txt": "monday\n"}
    assert files(done) == {"scan (2).png": "tuesday", "scan.png": "monday"}
    assert files(tmp_path / "failed") == {"scan.png": "damaged"}


def test_originals_are_deleted_on_request(engines: list[FakeReader], scans: Path, out: Path) -> None:
    (scans / "a.png").write_text("good")
    (scans / "b.png").write_text("damaged")
    assert once(scans, out, "--delete") == 1
    assert files(scans) == {"b.png": "damaged"}
    assert files(out) == {"a.txt": "good\n"}


def test_the_move_of_an_earlier_run_is_made_up_for(
    engines: list[FakeReader], scans: Path, out: Path, tmp_path: Path
) -> None:
    (scans / "a.png").write_text("one")
    assert once(scans, out) == 0  # as if it had been killed before the move
    assert once(scans, out, "--move", str(tmp_path / "done")) == 0
    assert files(tmp_path / "done") == {"a.png": "one"}
    assert files(out) == {"a.txt": "one\n"}


def test_folders_inside_the_watched_one_are_left_out(
    engines: list[FakeReader], scans: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def back(document: object, how: object) -> bytes:
        return b"picture"

    monkeypatch.setitem(FORMATS, "back", Writer(back, ".png", "image/png", "Pictures"))
    (scans / "a.png").write_text("one")
    (scans / "b.png").write_text("damaged")
    flags = ["--move", str(scans / "done"), "--failed", str(scans / "failed"), "-r", "--once", *FAST]
    for status in (1, 0):
        assert main(["watch", str(scans), "--to", "back", "-o", str(scans / "out"), *flags]) == status
    assert files(scans) == {"done/a.png": "one", "failed/b.png": "damaged", "out/a.png": "picture"}


def test_a_result_that_cannot_be_written_loses_no_original(
    engines: list[FakeReader], scans: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (scans / "a.png").write_text("one")
    (out / "a.txt.part").mkdir(parents=True)
    assert once(scans, out, "--delete") == 1
    assert "(OUTPUT_FAILED)" in capsys.readouterr().err
    assert files(scans) == {"a.png": "one"}
    (out / "a.txt.part").rmdir()
    assert once(scans, out, "--delete") == 0
    assert (files(scans), files(out)) == ({}, {"a.txt": "one\n"})


def test_a_file_that_does_not_stop_growing_is_told(
    engines: list[FakeReader],
    scans: Path,
    out: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(watcher_module, "GROWING_S", 0.5)
    (scans / "a.png").write_text("good")
    size = 0

    def growing(self: object, *_: object, **__: object) -> dict[Path, Signature]:
        nonlocal size
        size += 1
        real = signature(scans / "a.png")
        return {Path("a.png"): real, Path("b.png"): Signature(size, 1)}

    monkeypatch.setattr(watcher_module, "list_files", growing)
    assert once(scans, out) == 1
    assert "still being written" in capsys.readouterr().err
    assert files(out) == {"a.txt": "good\n"}


def test_a_folder_that_is_gone(
    engines: list[FakeReader],
    scans: Path,
    out: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def gone(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(watcher_module, "list_files", gone)
    assert once(scans, out) == 1
    assert "Input/output error. (FILE_UNREADABLE)" in capsys.readouterr().err


@pytest.mark.slow
def test_a_file_that_kills_the_program_is_not_read_for_ever(
    engines: list[FakeReader], scans: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (scans / "a.png").write_text("slow")
    (scans / "b.png").write_text("good")
    for _ in range(3):
        with running(scans, out, "--once") as process:
            assert process.stderr is not None
            assert process.stderr.readline() == "reading\n"
            process.kill()
    assert once(scans, out) == 1
    assert "(IMAGE_KILLED_WORKER)" in capsys.readouterr().err
    assert files(out) == {"b.txt": "good\n"}


# ---- usage -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["none", "--to", "text", "-o", "out"], "none is not a folder"),
        (["file", "--to", "text", "-o", "out"], "file is not a folder"),
        (["in", "--to", "text", "-o", "file"], "--output file is not a folder"),
        (["in", "--to", "text", "-o", "in/."], "is the watched folder itself"),
        (["in", "--to", "text", "-o", "out", "--move", "in"], "is the watched folder itself"),
        (["in", "--to", "text", "-o", "out", "--move", "out"], "is the folder of the results"),
        (["in", "--to", "text", "-o", "out", "--failed", "out"], "is the folder of the results"),
        (["in", "--to", "text", "-o", ".", "-r"], "contains the watched folder"),
        (["in", "--to", "text", "-o", "out", "--move", "x", "--delete"], "not allowed with"),
        (["in", "--to", "docx9", "-o", "out"], "there is no format"),
        (["in", "--to", "text"], "--output"),
        (["in", "--to", "text", "-o", "out", "--interval", "0"], "number of seconds"),
        (["in", "--to", "text", "-o", "out", "--settle", "nan"], "number of seconds"),
    ],
)
def test_wrong_usage(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    (tmp_path / "file").write_text("x")
    with pytest.raises(SystemExit) as ended:
        main(["watch", *arguments])
    assert ended.value.code == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


# ---- processes ---------------------------------------------------------------------------------------


@contextmanager
def running(scans: Path, out: Path, *flags: str) -> Iterator[subprocess.Popen[str]]:
    """A watcher as a process."""
    command = [
        sys.executable,
        "-m",
        "tests.cli.fake_cli",
        "watch",
        str(scans),
        "--to",
        "text",
        "-o",
        str(out),
    ]
    # The tests themselves may run in the background, where shells have programs ignore the signal.
    with subprocess.Popen(
        ["env", "--default-signal=INT", *command, *FAST, *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_new_files_are_converted_until_a_signal_comes(
    scans: Path, out: Path, number: signal.Signals, status: int
) -> None:
    (scans / "a.png").write_text("one")
    with running(scans, out) as process:
        until(lambda: "a.txt" in files(out))
        (scans / "b.png").write_text("damaged")
        (scans / "c.png").write_text("two")
        until(lambda: "c.txt" in files(out))
        process.send_signal(number)
        _, told = process.communicate(timeout=LIMIT_S)
    assert process.returncode == status
    assert files(out) == {"a.txt": "one\n", "c.txt": "two\n"}
    assert told.count("(IMAGE_DECODE_FAILED)") == 1
    assert f"2 converted, 1 failed: {scans / 'b.png'}" in told
    assert "Traceback" not in told


@pytest.mark.slow
def test_a_signal_ends_a_long_reading_which_begins_anew_at_the_next_start(
    engines: list[FakeReader], scans: Path, out: Path
) -> None:
    (scans / "a.png").write_text("slow")
    for _ in range(4):  # it is never taken for a file that kills the program
        with running(scans, out, "--quiet") as process:
            assert process.stderr is not None
            assert process.stderr.readline() == "reading\n"
            process.send_signal(signal.SIGTERM)
            _, told = process.communicate(timeout=LIMIT_S)
        assert (process.returncode, told) == (0, "")
    (scans / "a.png").write_text("fast")
    assert once(scans, out) == 0
    assert files(out) == {"a.txt": "fast\n"}


def test_a_file_that_grows_slowly_ends_up_whole(scans: Path, out: Path) -> None:
    whole = "".join(f"part {part}, " for part in range(15)) + "end\n"
    with running(scans, out, "--settle", "1.0") as process, (scans / "a.png").open("w") as file:
        for part in range(15):
            file.write(f"part {part}, ")
            file.flush()
            time.sleep(0.1)
        file.write("end")
        file.close()
        until(lambda: files(out).get("a.txt") == whole)
        process.terminate()
        process.communicate(timeout=LIMIT_S)
    assert files(out) == {"a.txt": whole}


def test_several_watchers_share_the_work(scans: Path, out: Path) -> None:
    names = [f"{number}.png" for number in range(30)] + [f"{number}.jpg" for number in range(10)]
    for name in names:
        (scans / name).write_text(f"text of {name}")
    with running(scans, out, "--once") as one, running(scans, out, "--once") as two:
        told = [process.communicate(timeout=LIMIT_S)[1] for process in (one, two)]
    assert (one.returncode, two.returncode) == (0, 0)
    assert sum(text.count(" -> ") for text in told) == len(names)
    assert sorted(files(out).values()) == sorted(f"text of {name}\n" for name in names)


@pytest.mark.slow
def test_after_a_kill_nothing_is_lost_or_done_twice(scans: Path, out: Path, tmp_path: Path) -> None:
    for number in range(40):
        (scans / f"{number}.png").write_text(f"text {number}")
    flags = ["--once", "--move", str(tmp_path / "done")]

    def enough(wanted: int) -> bool:
        return len(list(out.glob("*.txt"))) >= wanted

    for wanted in (5, 20):
        with running(scans, out, *flags) as process:
            until(partial(enough, wanted))
            process.kill()
            process.communicate(timeout=LIMIT_S)
    with running(scans, out, *flags) as process:
        process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0
    assert files(scans) == {}
    assert files(out) == {f"{number}.txt": f"text {number}\n" for number in range(40)}
    assert files(tmp_path / "done") == {f"{number}.png": f"text {number}" for number in range(40)}
