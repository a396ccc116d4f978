"""The commands of docs/adapt.md, typed as they stand there."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the extra `train`")
pytest.importorskip("matplotlib", reason="needs the extra `train`")

_DOCUMENT = Path(__file__).parents[3] / "docs" / "adapt.md"
_BLACKLETTER = Path("/usr/share/fonts/truetype/blankenburg/Blankenburg_UNZ1A.ttf")
_SIGNS = "℮⅓⅔⅛⅜⅝⅞◔◑◕"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def _section(title: str) -> str:
    text = _DOCUMENT.read_text(encoding="utf-8")
    return text.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


def _blocks(section: str, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


@pytest.fixture
def typed(tmp_path: Path) -> Typed:
    return Typed(tmp_path)


class Typed:
    """A shell in an empty folder, whose `crnn-ocr` and `python` are those under test."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        python = shlex.quote(sys.executable)
        for name, command in (("python", python), ("crnn-ocr", f"{python} -m crnn_ocr")):
            path = folder / "bin" / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
            path.chmod(0o755)
        own = {
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
            "CRNN_OCR_MODELS_DIR": str(folder / "models"),
        }
        self._environment = (
            os.environ | own | {"XDG_CACHE_HOME": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
        )

    def run(self, block: str) -> list[str]:
        """Run a block of commands; returns the lines that they print."""
        done = subprocess.run(
            ["bash", "-euc", block],
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()


def test_signs_are_missing_before_and_read_after(typed: Typed) -> None:
    section = _section("Signs that it does not know")
    font, label, learning, reading = _blocks(section, "sh")
    shown = [block.splitlines() for block in _blocks(section, "text")]
    typed.run(font)
    before = typed.run(label)
    assert len(before) == 3
    assert not set("".join(before)) & set(_SIGNS)
    printed = typed.run(learning)
    found = re.search(r"new characters 0 -> (\d+) of (\d+)", printed[0])
    assert found is not None
    assert int(found[1]) >= 0.7 * int(found[2])
    assert [re.sub(r"[\d.]+", "0", line) for line in printed[:2]] == [
        re.sub(r"[\d.]+", "0", line) for line in shown[1][:2]
    ]
    assert typed.run(reading)[-3:] == shown[2]


@pytest.mark.skipif(not _BLACKLETTER.is_file(), reason="needs the Debian package fonts-blankenburg")
def test_a_typeface_is_misread_before_and_read_after(typed: Typed) -> None:
    section = _section("A typeface that it misreads")
    bill, learning = _blocks(section, "sh")
    wanted = _blocks(section, "text")[1].splitlines()[-4:]
    before = typed.run(bill)
    assert len(before) == 4
    assert sum(line not in wanted for line in before) >= 2
    printed = typed.run(learning)
    cer = re.search(r"CER ([\d.]+) -> ([\d.]+) %", printed[0])
    assert cer is not None
    assert float(cer[2]) < 0.75 * float(cer[1])
    assert printed[-4:] == wanted


def test_an_archive_is_learnt_without_labels(typed: Typed) -> None:
    section = _section("Your own pages, unlabelled")
    (learning,) = _blocks(section, "sh")
    (shown,) = (block.splitlines() for block in _blocks(section, "text"))
    printed = typed.run(learning)
    assert [re.sub(r"[\d.]+", "0", line) for line in printed] == [
        re.sub(r"[\d.]+", "0", line) for line in shown
    ]
