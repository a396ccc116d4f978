"""Moves or deletes originals that have been dealt with, without ever losing one."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

from crnn_ocr.cli.outputs import OutputError, sync


def numbered(place: Path) -> Iterator[Path]:
    """Yield a path and then others next to it: `a.pdf`, `a (2).pdf`, and so on."""
    yield place
    for number in count(2):
        yield place.with_name(f"{place.stem} ({number}){place.suffix}")


def move(original: Path, folder: Path, place: Path) -> Path:
    """Move a file into a folder; return where it is now. A file that is there keeps its name.

    Raises:
        OutputError: It cannot be moved, and is still where it was.
    """
    target = folder / place
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target = _reserve(target)
        try:
            _move(original, target)
        except BaseException:
            target.unlink()
            raise
    except OSError as error:
        raise OutputError(f"{original} cannot be moved to {target}: {error.strerror}.") from None
    return target


def _reserve(target: Path) -> Path:
    """Make an empty file with the first name that is free, so that nobody else takes it."""
    for path in numbered(target):
        with suppress(FileExistsError):
            path.touch(exist_ok=False)
            return path
    raise AssertionError("names do not end")


def _move(original: Path, target: Path) -> None:
    try:
        original.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        part = target.with_name(f".{target.name}.part")
        try:
            shutil.copy2(original, part)
            sync(part)
            part.replace(target)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        original.unlink()


def delete(original: Path) -> None:
    """Delete a file.

    Raises:
        OutputError: It cannot be deleted.
    """
    try:
        os.unlink(original)  # noqa: PTH108  (a link is deleted, not what it leads to)
    except OSError as error:
        raise OutputError(f"{original} cannot be deleted: {error.strerror}.") from None
