"""Runs Tesseract (``chi_sim+eng``) through pytesseract on pages or, with ``--line``, on one crop (psm 7)."""

import importlib
import sys
from typing import Any

from benchmarks.peers.protocol import Line, Reader, serve


def start() -> tuple[str, Reader]:
    """Check that the program is there."""
    tesseract: Any = importlib.import_module("pytesseract")
    options = "--psm 7" if "--line" in sys.argv else ""

    def read(path: str) -> list[Line]:
        text = tesseract.image_to_string(path, lang="chi_sim+eng", config=options)
        return [{"text": line} for line in text.splitlines() if line.strip()]

    return str(tesseract.get_tesseract_version()), read


serve(start)
