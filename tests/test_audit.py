"""`scripts/audit`: an audit that was not made is never called a clean one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "audit"

CLEAN = {"name": "flask", "version": "3.1.0", "vulns": []}
OWN = {"name": "crnn-ocr", "skip_reason": "not on PyPI"}
UNKNOWN = {"name": "numpy", "skip_reason": "Dependency not found on PyPI"}
BAD = {
    "name": "pillow",
    "version": "1.0",
    "vulns": [{"id": "PYSEC-0000-1", "fix_versions": ["2.0"], "aliases": [], "description": ""}],
}

# Stands in for the package: writes the report that the test asks for, or none.
FAKE = """
import os, pathlib, sys
report = os.environ["REPORT"]
if report:
    pathlib.Path(sys.argv[sys.argv.index("--output") + 1]).write_text(report)
else:
    print("connection refused", file=sys.stderr)
sys.exit(1)
"""


@pytest.mark.parametrize(
    ("packages", "required", "status", "words"),
    [
        ([CLEAN, OWN], False, 0, "no known vulnerability in 1 packages"),
        ([CLEAN, OWN], True, 0, "no known vulnerability in 1 packages"),
        ([CLEAN, BAD, UNKNOWN], False, 1, "pillow 1.0: PYSEC-0000-1, fixed in 2.0"),
        ([CLEAN, UNKNOWN], False, 0, "NOT MADE for 1 of 2 packages"),
        ([CLEAN, UNKNOWN], True, 1, "NOT MADE for 1 of 2 packages"),
        ([UNKNOWN, OWN], False, 0, "NOT MADE for all packages"),
        ([UNKNOWN, OWN], True, 1, "NOT MADE for all packages"),
        (None, False, 0, "NOT MADE for all packages"),
        (None, True, 1, "NOT MADE for all packages"),
    ],
)
def test_what_the_audit_says(
    tmp_path: Path, packages: list[object] | None, required: bool, status: int, words: str
) -> None:
    tmp_path.joinpath("pip_audit.py").write_text(FAKE)
    environment = {
        **os.environ,
        "PYTHONPATH": str(tmp_path),
        "REPORT": "" if packages is None else json.dumps({"dependencies": packages}),
        "AUDIT": "required" if required else "",
    }
    ended = subprocess.run(
        [sys.executable, str(SCRIPT)], capture_output=True, text=True, env=environment, timeout=60
    )
    assert (ended.returncode, words in ended.stdout) == (status, True), ended.stdout + ended.stderr
    assert ("no known" in ended.stdout) == (packages == [CLEAN, OWN])
