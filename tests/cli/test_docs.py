"""What docs/cli.md and docs/document.md say is what happens."""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest

from crnn_ocr.cli import read
from crnn_ocr.document import BlockKind
from crnn_ocr.export import FORMATS, to_json
from crnn_ocr.export.json import from_dict
from crnn_ocr.options import ReadOptions

ROOT = Path(__file__).parents[2]
CLI = (ROOT / "docs" / "cli.md").read_text("utf-8")
FILE_FORMATS = (ROOT / "docs" / "formats.md").read_text("utf-8")
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
    for name, writer in FORMATS.items():
        assert f"| `{name}` | `{writer.suffix}` |" in FILE_FORMATS
    for name in ("text", "json"):
        assert f"| `{name}` |" in CLI


def test_the_json_is_what_is_written() -> None:
    (shown,) = _blocks(DOCUMENT, "json")
    expected: dict[str, Any] = json.loads(shown)
    written = to_json(from_dict(expected), source=expected["source"])
    assert written == json.dumps(expected, ensure_ascii=False, separators=(",", ":")) + "\n"
    (page,) = expected["pages"]
    for key in (*expected, *page):
        assert f"`{key}`" in DOCUMENT or f"`pages[].{key}`" in DOCUMENT or key in {"pages", "width", "height"}
    for kind in get_args(BlockKind):
        assert f"`{kind}`" in DOCUMENT
