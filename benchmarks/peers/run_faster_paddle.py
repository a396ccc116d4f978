"""Runs faster-paddle on full pages: ``run_faster_paddle.py tiny|small``."""

import importlib
import sys
from pathlib import Path
from typing import Any

from benchmarks.peers.protocol import Line, Reader, serve


def start() -> tuple[str, Reader]:
    """Load the engine with its defaults."""
    package: Any = importlib.import_module("faster_paddle")
    engine = package.OcrEngine(model_size=sys.argv[1])

    def read(path: str) -> list[Line]:
        bounds = engine.ocr(Path(path).read_bytes())["bounds"].values()
        lines = []
        for bound in bounds:
            (x0, y0), (x1, y1) = bound["topLeftCoord"], bound["bottomRightCoord"]
            polygon = [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]
            lines.append({"text": bound["text"], "polygon": polygon, "confidence": bound["confidence"]})
        return lines

    return str(package.__version__), read


serve(start)
