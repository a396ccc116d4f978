"""What docs/cli.md and docs/document.md say is what happens."""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from crnn_ocr.cli import read
from crnn_ocr.document import Block, Document, Line, Page, Remark
from crnn_ocr.export import FORMATS, to_json
from crnn_ocr.options import ReadOptions

ROOT = Path(__file__).parents[2]
CLI = (ROOT / "docs" / "cli.md").read_text("utf-8")
DOCUMENT = (ROOT / "docs" / "document.md").read_text("utf-8")


def _blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


@pytest.mark.parametrize("script", _blocks(CLI, "sh"))
def test_examples_run(script: str, tmp_path: Path) -> None:
    """With an engine that only pretends: the flags, files and pipes are what is tried."""
    for name in ("receipt.png", "scans/page 2.jpg", "scans/more/page 10.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"text of {name}")
    command = tmp_path / "bin" / "crnn-ocr"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m tests.cli.fake_cli "$@"\n')
    command.chmod(0o755)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{command.parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout or "-o" in script


def test_every_flag_is_told_of() -> None:
    parser = argparse.ArgumentParser()
    read.add_parser(parser.add_subparsers())
    for name in ReadOptions.model_fields:
        assert f"`--{name.replace('_', '-')}`" in CLI
    for name in FORMATS:
        assert f"| `{name}` |" in CLI


def test_the_json_is_what_is_written() -> None:
    (shown,) = _blocks(DOCUMENT, "json")
    expected: dict[str, Any] = json.loads(shown)
    (page,) = expected["pages"]
    lines = [
        Line(entry["text"], entry["confidence"], tuple(map(tuple, entry["polygon"])))  # type: ignore[arg-type]
        for entry in page["lines"]
    ]
    document = Document(
        (
            Page(
                page["width"],
                page["height"],
                tuple(Block((line,)) for line in lines),
                warnings=(Remark("IMAGE_BLURRED", "…"),),
            ),
        ),
        expected["model"],
    )
    written = to_json(document, source=expected["source"])
    assert written == json.dumps(expected, ensure_ascii=False, separators=(",", ":")) + "\n"
    for key in (*expected, *page):
        assert f"`{key}`" in DOCUMENT or f"`pages[].{key}`" in DOCUMENT or key in {"pages", "width", "height"}
