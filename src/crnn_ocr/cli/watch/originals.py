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
        if (linked := _moved_by_link(original, target)) is not None:
            return linked
        target = _reserve(target)
        try:
            _move(original, target)
        except BaseException:
            target.unlink()
            raise
    except OSError as error:
        raise OutputError(f"{original} cannot be moved to {target}: {error.strerror}.") from None
    return target


def _moved_by_link(original: Path, target: Path) -> Path | None:
    """Give a file a second name, the first free one, and take the old one away; None if it cannot have two.

    Whoever is killed in between leaves one file with two names, and the next try goes on there. An empty file
    that reserves the name would stay.
    """
    if original.is_symlink():
        return None
    for path in numbered(target):
        try:
            os.link(original, path)
        except FileExistsError:
            if not path.is_file() or not path.samefile(original):
                continue
        except OSError:  # another file system, or one without links
            return None
        try:
            original.unlink(missing_ok=True)  # another watcher may have been sooner
        except OSError:
            path.unlink()
            raise
        return path
    raise AssertionError("names do not end")


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
