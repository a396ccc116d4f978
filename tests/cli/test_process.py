"""The command line as a process: signals, pipes, terminals, and what is imported when."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

import crnn_ocr

ROOT = Path(__file__).parents[2]


def _fake(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "tests.cli.fake_cli", *arguments]


def test_version() -> None:
    for command in ([sys.executable, "-m", "crnn_ocr"], [str(Path(sys.executable).with_name("crnn-ocr"))]):
        done = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
        assert done.stdout == f"crnn-ocr {crnn_ocr.__version__}\n"


HEAVY = "PIL cv2 flask fontTools gunicorn matplotlib numpy onnx onnxruntime torch tqdm"


@pytest.mark.parametrize(
    "arguments",
    [
        "--help",
        "read --help",
        "serve --help",
        "watch --help",
        "read",
        "models --help",
        "train --help",
        "train fit --help",
    ],
)
def test_usage_loads_nothing_heavy(arguments: str) -> None:
    code = (
        "import sys\nfrom crnn_ocr.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        f"print(*sorted({{*{HEAVY.split()}}} & {{*sys.modules}}), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments.split()], capture_output=True, text=True, check=True
    )
    assert done.stderr.splitlines()[-1] == ""
    assert "usage: crnn-ocr" in done.stdout + done.stderr


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    for number in range(60):
        (tmp_path / f"{number}.png").write_text("x" * 9000)
    command = " ".join(_fake("read", str(tmp_path)))
    script = f"{command} | head -c 20; status=${{PIPESTATUS[0]}}; echo; echo $status"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stderr == ""
    assert done.stdout.endswith("\n141\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
@pytest.mark.parametrize("named", [True, False])
def test_a_full_disk_is_told_once(tmp_path: Path, named: bool) -> None:
    (tmp_path / "a.png").write_text("a text")
    (tmp_path / "b.png").write_text("another")
    flags = ["--output", "/dev/full"] if named else []
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            _fake("read", str(tmp_path), *flags), stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT
        )
    where = "/dev/full" if named else "standard output"
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"crnn-ocr: {where}: No space left on device. (OUTPUT_FAILED)",
        "  Check the path given with --output, its permissions and the free space.",
    ]


def test_interrupt(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("slow")
    # The tests themselves may run in the background, where shells have programs ignore the signal.
    with subprocess.Popen(
        ["env", "--default-signal=INT", *_fake("read", str(tmp_path))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "reading\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, "", "")


def test_progress_is_shown_on_a_terminal_only(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.png").write_text("blurred")

    def standard_error(*flags: str) -> str:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        done = subprocess.run(
            _fake("read", str(tmp_path), *flags), stdout=subprocess.PIPE, stderr=theirs, cwd=ROOT, check=True
        )
        os.close(theirs)
        shown = b""
        try:
            while chunk := os.read(ours, 65536):
                shown += chunk
        except OSError:
            pass  # Linux says EIO when the other end is closed
        os.close(ours)
        assert done.stdout.count(b"==>") == 3
        return shown.decode()

    watched = standard_error()
    assert "/3 [" in watched
    assert watched.count("(IMAGE_BLURRED)\r\n") == 3
    assert standard_error("--quiet") == ""
    piped = subprocess.run(_fake("read", str(tmp_path)), capture_output=True, text=True, cwd=ROOT, check=True)
    assert "/3 [" not in piped.stderr


def test_names_and_texts_of_any_bytes(tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff\xe4.png")
    (tmp_path / name).write_text("中文")
    done = subprocess.run(
        _fake("read", str(tmp_path / name), "nix\udcff"),
        capture_output=True,
        cwd=ROOT,
        check=False,
        env={**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == 1
    assert "中文\n".encode() in done.stdout
    assert b"No such file" in done.stderr
    assert b"Traceback" not in done.stderr


def shell(script: str, *, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run a script in which $C is the command line."""
    environment = os.environ | {"C": f"{sys.executable} -m crnn_ocr", "CRNN_OCR_PORT": "0"}
    return subprocess.run(
        ["bash", "-c", script],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environment,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize("where", [">/dev/full", ">&-"])
@pytest.mark.parametrize(
    "command", ["models list", "PYTHONUNBUFFERED=1 models show edge", "keys new somebody"]
)
def test_output_that_cannot_be_written_is_told_once(command: str, where: str) -> None:
    before, _, arguments = command.rpartition("=1 ")
    done = shell(f"{before and before + '=1'} $C {arguments} {where}")
    assert done.returncode == 1
    errors = [row for row in done.stderr.splitlines() if "OUTPUT_FAILED" in row]
    reason = "No space left on device" if "full" in where else "Bad file descriptor"
    assert errors == [f"crnn-ocr: standard output: {reason}. (OUTPUT_FAILED)"]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("where", ["2>/dev/full", "2>&-", "2>&- >&- <&-"])
def test_without_standard_error_the_status_is_the_same(where: str) -> None:
    assert shell(f"$C models show nothing {where}").returncode == 2
    assert shell(f"$C read /none.png {where}").returncode == 1


def test_closed_input_is_told() -> None:
    done = shell("$C read - <&-")
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "Bad file descriptor" in done.stderr


def test_a_failure_behind_closed_output_is_told_alone() -> None:
    done = shell("$C read /none.png >&-")
    assert (done.returncode, done.stderr.count("crnn-ocr:"), "none.png" in done.stderr) == (1, 1, True)


_SERVED = """
$C serve {where} 2>log & pid=$!
until grep -q ' ready' log; do kill -0 $pid || {{ cat log; exit 9; }}; sleep 0.1; done
kill -TERM $pid; wait $pid; status=$?; cat log; exit $status
"""


@pytest.mark.parametrize("where", [">/dev/full", ">&-", ">&- <&-"])
def test_a_service_needs_nobody_who_reads_its_output(tmp_path: Path, where: str) -> None:
    done = shell(_SERVED.format(where=where), cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stdout


def test_a_service_starts_in_a_folder_that_has_been_deleted(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    script = _SERVED.format(where="").replace("log", str(tmp_path / "log"))
    done = shell(f"rmdir ../gone\n{script}", cwd=tmp_path / "gone")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stdout


def test_a_folder_that_has_been_deleted_is_no_traceback(tmp_path: Path) -> None:
    for arguments, status in (("models list", 0), ("read a.png", 1), ("models add a.zip", 1)):
        (tmp_path / "gone").mkdir()
        done = shell(f"rmdir ../gone; $C {arguments}", cwd=tmp_path / "gone")
        assert (done.returncode, "Traceback" in done.stderr) == (status, False)
