"""Errors of the training."""

from __future__ import annotations

from crnn_ocr.errors.base import OcrError


class TrainingError(OcrError):
    """Training cannot use a corpus, font, checkpoint, teacher or setting."""

    code = "TRAINING_INVALID"
    http_status = 500
    default_hint = "docs/training.md describes what every step of the training needs."
