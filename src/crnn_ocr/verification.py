"""Does a model pack keep what its manifest promises?"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crnn_ocr.models.registry import Pack


def check_pack(pack: Pack) -> None:
    """Compare every file with the manifest, load the pack in every precision that it has, and read a probe.

    Raises:
        ModelBrokenError: Something of it does not hold.
    """
    # Imported here: OpenCV and ONNX Runtime take longer to load than everything else together.
    from crnn_ocr.detection.load import load_pack as load_detector
    from crnn_ocr.recognition.load import load_pack as load_recognizer

    pack.verify()
    if pack.manifest.kind == "det":
        load_detector(pack, threads=1)
        return
    with tempfile.TemporaryDirectory() as cache:  # what belongs to a broken pack must not outlive it
        load_recognizer(pack, cache_dir=Path(cache), precision="fp32")
        if pack.manifest.precision == "int8":
            load_recognizer(pack, cache_dir=Path(cache), precision="int8")
