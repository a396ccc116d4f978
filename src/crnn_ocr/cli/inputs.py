"""Expands the arguments of the command line to single inputs: files, pictures of folders, standard input."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from crnn_ocr.errors import OcrError
from crnn_ocr.imaging.natural_order import natural_key

STDIN = "-"

#: Suffixes of the pictures that are taken from folders; a file that is named itself may have any name.
PICTURE_SUFFIXES = frozenset(
    {".bmp", ".dib", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg"}
    | {".pbm", ".pdf", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"}
)


class FileUnreadableError(OcrError):
    """A path that cannot be opened, or a folder without pictures."""

    code = "FILE_UNREADABLE"
    http_status = 400
    default_hint = "Check the name and the permissions."


@dataclass(frozen=True, slots=True)
class Input:
    """One thing to read.

    Attributes:
        name: Its name in the output and in messages: the path as the user gave it, or "-".
        path: The file; None for standard input.
        place: Its path relative to the folder that was given, or its file name; the result may be written to
            the same path below the output folder.
        problem: Why it cannot be read; None if it can.
    """

    name: str
    path: Path | None
    place: Path
    problem: OcrError | None = None


def expand(arguments: Sequence[str], *, recursive: bool) -> list[Input]:
    """Return the inputs of files, folders and "-" in the given order; pictures of a folder in natural order.

    Only folders are opened. A folder that cannot be listed becomes an `Input` with a problem, so that the
    others are still read.
    """
    found: list[Input] = []
    for argument in arguments:
        path = Path(argument)
        if argument == STDIN:
            found.append(Input(STDIN, None, Path("stdin")))
        elif path.is_dir():
            found.extend(_pictures(path, recursive))
        else:
            found.append(Input(argument, path, Path(path.name)))
    return found


def _pictures(folder: Path, recursive: bool) -> list[Input]:
    try:
        paths = sorted(_walk(folder, recursive), key=lambda path: natural_key(str(path.relative_to(folder))))
    except OSError as error:
        return [Input(str(folder), folder, Path(folder.name), unreadable(error))]
    if not paths:
        hint = "Name the files themselves" + ("." if recursive else ", or add --recursive for subfolders.")
        problem = FileUnreadableError("The folder holds no pictures.", hint=hint)
        return [Input(str(folder), folder, Path(folder.name), problem)]
    return [Input(str(path), path, path.relative_to(folder)) for path in paths]


def _walk(folder: Path, recursive: bool) -> Iterator[Path]:
    """Yield the files with a picture's suffix; hidden files and links to folders are skipped."""

    def fail(error: OSError) -> None:
        raise error

    for parent, folders, names in os.walk(folder, onerror=fail):
        folders[:] = [name for name in folders if recursive and not name.startswith(".")]
        for name in names:
            if is_picture_name(name):
                yield Path(parent, name)


def is_picture_name(name: str) -> bool:
    """Return whether a file of a folder is read: its suffix is that of a picture, and it is not hidden."""
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in PICTURE_SUFFIXES  # noqa: PTH122


def unreadable(error: OSError) -> FileUnreadableError:
    """Return the operating system's error as an error of the product."""
    return FileUnreadableError(f"{error.strerror or type(error).__name__}.")
