"""The README's examples are run as they stand, but for the port."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from tests import drawing
from tests.service.wire import Server

ROOT = Path(__file__).resolve().parents[1]
READMES = ["README.md", "README.zh-CN.md"]
TEXT = "Order 4711 confirmed"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    picture = Image.fromarray(drawing.line(TEXT, pad=30))
    (tmp_path / "scans").mkdir()
    for name in ("invoice.png", "page.png", "scans/1.png", "scans/2.png"):
        picture.save(tmp_path / name)
    return tmp_path


def blocks(name: str, language: str) -> list[str]:
    text = (ROOT / name).read_text(encoding="utf-8")
    found = re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert found
    return found


def environment() -> dict[str, str]:
    scripts = Path(sys.executable).parent
    return {**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}


def shell(command: str, folder: Path) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", READMES)
def test_the_curl_examples_answer(name: str, folder: Path, server: Server) -> None:
    (block,) = [block for block in blocks(name, "sh") if "curl" in block]
    commands = [line for line in block.replace("\\\n", " ").splitlines() if line.strip()]

    assert len(commands) == 4
    shell(commands.pop().replace("http://127.0.0.1:5000", server.url), folder)
    with zipfile.ZipFile(folder / "invoice.xlsx") as workbook:
        assert TEXT in workbook.read("xl/sharedStrings.xml").decode()
    for command in commands:
        answer = json.loads(shell(command.replace("http://127.0.0.1:5000", server.url), folder))
        assert (answer["success"], answer["text"]) == (True, TEXT)
        assert set(answer) >= {"elapsed_ms", "lines", "request_id"}


@pytest.mark.parametrize("name", READMES)
def test_the_command_line_examples_read(name: str, folder: Path) -> None:
    (block,) = [block for block in blocks(name, "sh") if "crnn-ocr read" in block]

    assert shell(block, folder).count(TEXT) == 2
    assert sorted(path.name for path in (folder / "out").iterdir()) == [
        "invoice.docx",
        "invoice.pdf",
        "invoice.xlsx",
    ]
    records = [json.loads(row) for row in (folder / "scans.ndjson").read_text(encoding="utf-8").splitlines()]
    assert [record["text"] for record in records] == [TEXT, TEXT]


@pytest.mark.parametrize("name", READMES)
def test_the_python_examples_print_the_text(name: str, folder: Path) -> None:
    for block in blocks(name, "python"):
        done = subprocess.run(
            [sys.executable, "-c", block],
            cwd=folder,
            env=environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        assert TEXT in done.stdout


@pytest.mark.parametrize("name", READMES)
def test_links_lead_somewhere(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")

    for target in re.findall(r"\]\((?!http)([^)#]+)\)", text):
        assert (ROOT / target).exists(), target
