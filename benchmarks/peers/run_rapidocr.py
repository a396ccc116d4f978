"""Runs RapidOCR with its defaults on full pages or, with ``--line``, its recogniser alone on one crop.

``--net FOLDER`` puts another recogniser in: ``FOLDER/rec.onnx`` with its characters in ``FOLDER/keys.txt``.
"""

import argparse
import importlib
from pathlib import Path
from typing import Any

from benchmarks.peers.protocol import Line, Reader, serve


def start() -> tuple[str, Reader]:
    """Load the engine."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--line", action="store_true")
    parser.add_argument("--net", type=Path)
    arguments = parser.parse_args()
    package: Any = importlib.import_module("rapidocr")
    metadata: Any = importlib.import_module("importlib.metadata")
    parameters: dict[str, Any] = {"Global.log_level": "error"}
    if arguments.net:
        parameters["Rec.model_path"] = str(arguments.net / "rec.onnx")
        parameters["Rec.rec_keys_path"] = str(arguments.net / "keys.txt")
    engine = package.RapidOCR(params=parameters)

    def read_page(path: str) -> list[Line]:
        result = engine(path)
        if result.txts is None:
            return []
        return [
            {"text": text, "polygon": polygon, "confidence": float(score)}
            for text, polygon, score in zip(result.txts, result.boxes.tolist(), result.scores, strict=True)
        ]

    def read_line(path: str) -> list[Line]:
        result = engine(path, use_det=False, use_cls=False, use_rec=True)
        return [{"text": text} for text in result.txts or ()]

    version = metadata.version("rapidocr")
    if arguments.net:
        version = f"net in rapidocr {version}"
    return version, read_line if arguments.line else read_page


serve(start)
