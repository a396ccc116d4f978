"""Runs this project on full pages or, with ``--line``, its recogniser alone on one crop.

With its defaults, but for ``--recheck off`` and what the environment sets (``CRNN_OCR_MODEL``).
"""

import argparse

import crnn_ocr
from benchmarks.peers.protocol import Line, Reader, serve


def _pages(options: crnn_ocr.ReadOptions) -> Reader:
    engine = crnn_ocr.OCR()

    def read(path: str) -> list[Line]:
        pages = engine.read(path, options).pages
        return [
            {
                "text": line.text,
                "polygon": [list(point) for point in line.polygon],
                "confidence": line.confidence,
            }
            for page in pages
            for line in page.lines
        ]

    return read


def _lines() -> Reader:
    from pathlib import Path

    from crnn_ocr.imaging.decode import Limits, decode_pages
    from crnn_ocr.models.registry import Registry
    from crnn_ocr.recognition.lines.windows import read_crops
    from crnn_ocr.recognition.network.load import load_recognizer
    from crnn_ocr.settings import load_settings

    settings = load_settings()
    recognizer = load_recognizer(Registry(settings.models_dir), settings.model, cache_dir=settings.cache_dir)
    limits = Limits(settings.max_image_bytes, settings.max_pixels, settings.max_side, settings.max_pages)

    def read(path: str) -> list[Line]:
        crops = list(decode_pages(Path(path).read_bytes(), limits))
        return [{"text": reading.text} for reading in read_crops(recognizer, crops)]

    return read


def start() -> tuple[str, Reader]:
    """Make the engine; its models load on the first page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--line", action="store_true")
    parser.add_argument("--recheck", choices=("off", "auto"), default=crnn_ocr.ReadOptions().recheck)
    given = parser.parse_args()
    reader = _lines() if given.line else _pages(crnn_ocr.ReadOptions(recheck=given.recheck))
    return crnn_ocr.__version__, reader


serve(start)
