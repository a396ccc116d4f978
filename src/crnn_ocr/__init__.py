"""Reads Chinese and English text in pictures on plain CPUs, as a library, a command and a service.

>>> from crnn_ocr import OCR
>>> print(OCR().read("invoice.jpg").text)  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crnn_ocr.document import Block, Char, Document, Line, Page, Remark
from crnn_ocr.errors import OcrError
from crnn_ocr.options import ReadOptions
from crnn_ocr.settings import Settings

if TYPE_CHECKING:
    from crnn_ocr.engine.ocr import OCR

__version__ = "0.1.0"

__all__ = [
    "OCR",
    "Block",
    "Char",
    "Document",
    "Line",
    "OcrError",
    "Page",
    "ReadOptions",
    "Remark",
    "Settings",
    "__version__",
]


def __getattr__(name: str) -> Any:
    """Import the engine (OpenCV, ONNX Runtime) only when it is needed."""
    if name == "OCR":
        from crnn_ocr.engine.ocr import OCR

        return OCR
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
