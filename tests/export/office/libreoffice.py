"""Convert files with LibreOffice, where it is installed (scripts/install-test-tools does it)."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

needs_libreoffice = pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is absent")


def convert(path: Path, form: str) -> None:
    """Convert a file; the result lies beside it. Every call has its own profile, which no other one locks."""
    profile = f"-env:UserInstallation={(path.parent / 'profile').as_uri()}"
    folder = str(path.parent)
    command = ["soffice", "--headless", profile, "--convert-to", form, "--outdir", folder, str(path)]
    subprocess.run(command, check=True, capture_output=True, timeout=250)
