"""What several commands take: folders of labelled lines, a teacher."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crnn_ocr.errors import TrainingError

if TYPE_CHECKING:
    from crnn_ocr.training.data.batches import TeacherFiles
    from crnn_ocr.training.fit.evaluate import LineSet


def teacher_files(model: Path | None, dictionary: Path | None) -> TeacherFiles | None:
    """Return the teacher that was named, if any.

    Raises:
        TrainingError: Its dictionary was not named.
    """
    from crnn_ocr.training.data.batches import TeacherFiles

    if model is None:
        return None
    if dictionary is None:
        raise TrainingError("A teacher needs its dictionary.", hint="Name it with --teacher-dictionary.")
    return TeacherFiles(model, dictionary)


def folders(named: Sequence[Path], height: int, stretch: float = 1.0) -> list[LineSet]:
    """Load folders of labelled lines, scaled to `height`; English ones are compared without case."""
    from crnn_ocr.training.fit.evaluate import load_folder

    return [
        load_folder(folder, height=height, stretch=stretch, ignore_case=folder.name == "lines_en")
        for folder in named
    ]
