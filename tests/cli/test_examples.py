"""The examples of docs/models.md, recheck.md, replacements.md and security.md, run as they stand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from crnn_ocr.service.middleware.api_keys import KeyRing
from crnn_ocr.settings import Settings
from tests.service.rendering import png
from tests.service.wire import Server

DOCS = Path(__file__).resolve().parents[2] / "docs"
TEXT = "Order 4711 confirmed"


def blocks(name: str, language: str) -> list[str]:
    found = re.findall(
        rf"^```{language}\n(.*?)^```", (DOCS / name).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    assert found, f"{name} has no {language}"
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tmp_path.joinpath("receipt.png").write_bytes(png(TEXT))
    tmp_path.joinpath("drawing.png").write_bytes(png("Area 42 m2"))
    tmp_path.joinpath("replacements.tsv").write_text(blocks("replacements.md", "")[0], encoding="utf-8")
    return tmp_path


def run(command: list[str], folder: Path) -> str:
    scripts = Path(sys.executable).parent
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def shell(script: str, folder: Path) -> str:
    return run(["bash", "-euo", "pipefail", "-c", script], folder)


def test_packs_are_listed_shown_and_verified(folder: Path) -> None:
    listed = shell(blocks("models.md", "sh")[0], folder)
    assert "ppocrv6-small/1 is intact" in listed
    assert "languages:" in listed


def test_a_second_look(server: Server, folder: Path) -> None:
    script = blocks("recheck.md", "sh")[0].replace("http://127.0.0.1:5000", server.url)
    assert server.url in script
    read = shell(script.replace("curl ", "curl --silent --fail "), folder)
    assert read.startswith(f"{TEXT}\n{{")
    assert f'"text":"{TEXT}"' in read


def test_a_second_look_in_the_library(folder: Path) -> None:
    (line,) = blocks("recheck.md", "python")
    program = f"from crnn_ocr import OCR\nprint({line.strip()}.text)"
    assert run([sys.executable, "-c", program], folder) == f"{TEXT}\n"


def test_replacements(folder: Path) -> None:
    (shown,) = blocks("replacements.md", "console")
    assert shell(re.sub(r"^\$ ", "", shown, flags=re.MULTILINE), folder) == "Area 42 ㎡\n"
    (source,) = blocks("replacements.md", "python")
    assert (
        run([sys.executable, "-c", f"{source}\nprint(ocr.read('drawing.png').text)"], folder)
        == "Area 42 ㎡\n"
    )


def test_keys(folder: Path) -> None:
    """The entry that is printed is what the variable and the file take."""
    (script,) = blocks("security.md", "sh")
    make, variable, file = script.splitlines()
    entry = shell(make, folder).strip()
    name = entry.partition(":")[0]
    assert variable.startswith(f'export CRNN_OCR_API_KEYS="{name}:')
    assert len(KeyRing.from_settings(Settings(api_keys=(entry,)))) == 1
    keys = folder / "keys"
    keys.write_text(f"# who\n{entry}  # may read\n", encoding="utf-8")
    assert file.startswith("export CRNN_OCR_API_KEYS_FILE=")
    assert len(KeyRing.from_settings(Settings(api_keys_file=keys))) == 1
