"""The examples of docs/jobs.md, executed against a running service."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from crnn_ocr.service.api.job_bodies import EXAMPLE, STATES
from crnn_ocr.service.routes.openapi import error_catalogue
from tests.service.rendering import png
from tests.service.wire import running_server

GUIDE = (Path(__file__).parents[3] / "docs" / "jobs.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:5000"


def blocks(language: str) -> list[str]:
    found = re.findall(rf"^```{language}\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    assert found
    return found


def test_the_examples_run(tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "minutes.png").write_bytes(png("Minutes of 4 May"))
    with running_server(CRNN_OCR_JOBS_DIR=str(tmp_path / "jobs")) as server:
        script = "\n".join(blocks("sh")).replace(ADDRESS, server.url)
        script = script.replace("curl ", "curl --silent --fail-with-body --write-out '\\n' ")
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        ended = subprocess.run(
            ["bash", "-eu", "-c", script],
            cwd=folder,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert (folder / "minutes.md").read_text().strip() == "Minutes of 4 May"
        answers = [json.loads(row) for row in ended.stdout.splitlines() if row.startswith("{")]
        assert "Minutes of 4 May" in [answer.get("text") for answer in answers]
        assert answers[-1]["id"] == answers[-2]["id"]  # of the repeated request
        assert "expired" in [answer.get("state") for answer in answers]
        (program,) = blocks("python")
        (folder / "minutes.md").unlink()
        ended = subprocess.run(
            [sys.executable, "-W", "error", "-c", program.replace(ADDRESS, server.url)],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=240,
        )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == "minutes.md"
    assert (folder / "minutes.md").is_file()


def test_the_guide_is_up_to_date() -> None:
    (shown,) = blocks("json")
    assert json.loads(shown) == EXAMPLE
    for state in STATES:
        assert f"| `{state}` |" in GUIDE
    codes = {entry["code"]: entry["status"] for entry in error_catalogue()}
    for status, names in re.findall(r"^\| (\d{3}) \| (`[^|]*`) \|", GUIDE, re.MULTILINE):
        for code in re.findall(r"`([A-Z0-9_]+)`", names):
            assert codes[code] == int(status), code
