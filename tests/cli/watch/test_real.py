"""`crnn-ocr watch` as a real process that reads real files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.service.rendering import picture, png, tiff

TEXT = "Order 4711 confirmed"
LIMIT_S = 120


@contextmanager
def watching(folder: Path, *flags: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "crnn_ocr", "watch", "in", "-o", "out", "--interval", "0.2"]
    with subprocess.Popen(
        [*command, "--settle", "0.2", *flags], cwd=folder, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def until(true: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not true():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_an_office_with_a_scanner(tmp_path: Path) -> None:
    pytest.importorskip("pikepdf", reason="pikepdf is not installed (extra `pdf`)")
    (tmp_path / "in").mkdir()
    with watching(tmp_path, "--to", "text,pdf", "--move", "done", "--failed", "failed") as process:
        # As scanners do it: under another name, and renamed.
        (tmp_path / "in" / "scan.tmp").write_bytes(png(TEXT))
        (tmp_path / "in" / "scan.tmp").rename(tmp_path / "in" / "scan.png")
        (tmp_path / "in" / "cut.png").write_bytes(png(TEXT)[:200])
        (tmp_path / "in" / "page.jpg").write_bytes(b"<html>Not found</html>")
        wanted = ("done/scan.png", "failed/cut.png", "failed/page.jpg")
        until(lambda: all((tmp_path / name).exists() for name in wanted), process)
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0
    assert (tmp_path / "out" / "scan.txt").read_text() == f"{TEXT}\n"
    assert (tmp_path / "out" / "scan.pdf").read_bytes().startswith(b"%PDF-")
    assert "(IMAGE_DECODE_FAILED)" in told
    assert "(IMAGE_TYPE_UNSUPPORTED)" in told
    assert list((tmp_path / "in").iterdir()) == []


@pytest.mark.slow
def test_a_long_document_is_left_at_once_and_read_later(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    pages = [picture(TEXT)] * 40
    (tmp_path / "in" / "long.tif").write_bytes(tiff(pages))
    ledger = tmp_path / "out" / ".crnn-ocr-watch" / "ledger.jsonl"

    def events() -> list[str]:
        return (
            [json.loads(row)["event"] for row in ledger.read_text().splitlines()] if ledger.exists() else []
        )

    with watching(tmp_path, "--to", "text") as process:
        until(lambda: events() == ["reading"], process)
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0, told
    assert "Traceback" not in told
    assert events() == ["reading", "interrupted"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == [".crnn-ocr-watch"]
    with watching(tmp_path, "--to", "text", "--once", "--quiet") as process:
        _, told = process.communicate(timeout=LIMIT_S)
    assert (process.returncode, told) == (0, "")
    assert (tmp_path / "out" / "long.txt").read_text().split() == TEXT.split() * len(pages)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_told_and_tried_later(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(png(TEXT))
    (tmp_path / "in" / "a.png").chmod(0)
    with watching(tmp_path, "--to", "text", "--once") as process:
        _, told = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 1
    assert "Permission denied. (FILE_UNREADABLE)" in told
