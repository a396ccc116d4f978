"""`crnn-ocr read` with the real engine on pictures drawn here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from tests import drawing


def _run(*arguments: str | Path, stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "crnn_ocr", "read", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        env={**os.environ, **environment},
        check=False,
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    receipt = [
        *((200, 30, "Green Grocer"), (40, 110, "Apples"), (520, 110, "2.50"), (40, 160, "Dark bread")),
        *((520, 160, "3.75"), (40, 210, "Sum"), (520, 210, "6.25"), (180, 290, "Thank you")),
    ]
    cv2.imwrite(str(folder / "scan 2.png"), drawing.page(receipt, shape=(680, 360)))
    cv2.imwrite(str(folder / "scan 10.jpg"), drawing.line("Second page"))
    (folder / "scan 3.png").write_bytes(b"<!DOCTYPE html><title>404</title>")
    (folder / "scan 4.png").write_bytes((folder / "scan 2.png").read_bytes()[:900])
    (folder / "scan 5.png").touch()
    return folder


def test_a_folder_with_good_and_bad_files(pictures: Path) -> None:
    done = _run(pictures)
    assert done.returncode == 1
    good, second = done.stdout.split("==> ")[1:]
    assert good.splitlines()[0].endswith("scan 2.png <==")
    rows = ["Green Grocer", "Apples", "2.50", "Dark bread", "3.75", "Sum", "6.25", "Thank you"]
    assert good.splitlines()[1:-1] == rows
    assert second.splitlines()[0].endswith("scan 10.jpg <==")
    assert second.splitlines()[1] == "Second page"
    told = [line for line in done.stderr.splitlines() if not line.startswith("  ")]
    assert [line.rsplit("(", 1)[1] for line in told] == [
        "IMAGE_TYPE_UNSUPPORTED)",
        "IMAGE_DECODE_FAILED)",
        "IMAGE_EMPTY)",
    ]
    assert "Traceback" not in done.stderr


def test_standard_input_as_json(pictures: Path) -> None:
    done = _run("-", "-f", "json", "--chars", stdin=(pictures / "scan 10.jpg").read_bytes())
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert document["source"] == "-"
    assert document["text"] == "Second page"
    (page,) = document["pages"]
    (line,) = page["lines"]
    assert line["confidence"] > 0.9
    assert "".join(char["text"] for char in line["chars"]) == "Second page"
    lefts = [char["polygon"][0][0] for char in line["chars"]]
    assert lefts == sorted(lefts)
    assert 0 <= lefts[0] < lefts[-1] < page["width"]


def test_a_limit_is_a_setting(pictures: Path) -> None:
    done = _run(pictures / "scan 2.png", CRNN_OCR_MAX_PIXELS="100000")
    assert done.returncode == 1
    assert "(IMAGE_TOO_LARGE)" in done.stderr


def test_reading_never_loads_the_service(pictures: Path) -> None:
    code = (
        "import sys\nfrom crnn_ocr.cli import main\nstatus = main(sys.argv[1:])\n"
        "assert 'onnxruntime' in sys.modules\n"
        "print(status, *sorted({'flask', 'gunicorn', 'rapidocr', 'tqdm'} & {*sys.modules}))"
    )
    command = [sys.executable, "-c", code, "read", str(pictures / "scan 10.jpg")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "Second page\n0\n"


_PEAK = """
import re, sys
from crnn_ocr.cli import main
status = main(sys.argv[1:])
peak = re.search("VmHWM: *([0-9]+)", open("/proc/self/status").read().replace("\\t", " "))
print(status, int(peak[1]) // 1024, file=sys.stderr)
"""


@pytest.mark.eval
@pytest.mark.slow
def test_memory_stays_within_its_budget_over_a_folder(eval_dir: Path, tmp_path: Path) -> None:
    if not Path("/proc/self/status").is_file():
        pytest.skip("the system does not tell a process's peak of memory in /proc")
    command = [sys.executable, "-c", _PEAK, "read", "-q", "--threads", "2", str(eval_dir / "pages_zh")]
    command += ["-o", f"{tmp_path}/"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    status, mebibytes = map(int, done.stderr.split())
    assert status == 0
    assert len(list(tmp_path.iterdir())) == 21
    # A process at rest and one run of the detector at its largest: "What takes it" in docs/memory.md.
    assert mebibytes <= 430, f"{mebibytes} MiB resident"
