"""Lists a folder that others write into, and tells which of its files are complete.

The folder is listed again and again: folders of the network do not tell what other machines change in them.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from crnn_ocr.cli.inputs import is_picture_name

#: Seconds without a change after which an empty file counts as complete. Scanners make the file first, and
#: write when the page has passed.
EMPTY_SETTLE_S = 30.0


class Signature(NamedTuple):
    """Size in bytes and time of the last change in nanoseconds; differs when a file has been changed."""

    size: int
    changed_ns: int


def signature(path: Path) -> Signature:
    """Return the signature of a file.

    Raises:
        OSError: It cannot be looked at.
    """
    found = path.stat()
    return Signature(found.st_size, found.st_mtime_ns)


def list_files(folder: Path, *, recursive: bool, without: Collection[Path] = ()) -> dict[Path, Signature]:
    """Return the files with a picture's suffix, by their path relative to the folder.

    Hidden files, links to folders, and what is no regular file are passed over; a file or subfolder that
    vanishes meanwhile, too.

    Args:
        folder: The folder.
        recursive: Whether to list subfolders.
        without: Folders that are left out, with all their links resolved.

    Raises:
        OSError: The folder itself cannot be listed.
    """
    left_out = {str(path) for path in without}
    found: dict[Path, Signature] = {}
    waiting = [""]
    while waiting:
        inner = waiting.pop()
        try:
            with os.scandir(os.path.join(folder, inner)) as entries:  # noqa: PTH118
                for entry in entries:
                    name = f"{inner}/{entry.name}" if inner else entry.name
                    if recursive and _is_watched(entry, left_out):
                        waiting.append(name)
                    elif is_picture_name(entry.name) and (current := _file(entry)) is not None:
                        found[Path(name)] = current
        except OSError:
            if not inner:
                raise
    return found


def _is_watched(entry: os.DirEntry[str], left_out: Collection[str]) -> bool:
    """Return whether an entry is a folder that is listed, too."""
    if entry.name.startswith(".") or not entry.is_dir(follow_symlinks=False):
        return False
    return not left_out or os.path.realpath(entry.path) not in left_out


def _file(entry: os.DirEntry[str]) -> Signature | None:
    try:
        status = entry.stat()
    except OSError:  # it is gone again, or a link to nothing
        return None
    return Signature(status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else None


@dataclass(slots=True)
class Settling:
    """Tells complete files from those that are still being written.

    A file is complete when it has not changed for some seconds of this machine's own clock: clocks of file
    servers may differ, and programs that copy files set old times.

    Attributes:
        settle_s: Seconds without a change.
    """

    settle_s: float
    _seen: dict[Path, tuple[Signature, float]] = field(default_factory=dict)

    def complete(self, found: Mapping[Path, Signature], now: float) -> list[Path]:
        """Return the files that are complete, in the order in which they were found.

        Args:
            found: The files that are there now.
            now: The time in seconds, of a clock that is never set.
        """
        before, self._seen = self._seen, {}
        ready = []
        for place, current in found.items():
            old = before.get(place)
            since = old[1] if old is not None and old[0] == current else now
            self._seen[place] = (current, since)
            if now - since >= (self.settle_s if current.size else max(self.settle_s, EMPTY_SETTLE_S)):
                ready.append(place)
        return ready
