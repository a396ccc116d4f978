"""From what stands on the command line to single inputs: files, the pictures of folders, standard input."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from crnn_ocr.errors import OcrError

STDIN = "-"

#: Names under which a folder's pictures are looked for; a file that is named itself may have any name.
PICTURE_SUFFIXES = frozenset(
    {".avif", ".bmp", ".dib", ".gif", ".icns", ".ico", ".j2k", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg"}
    | {".pbm", ".pdf", ".pgm", ".png", ".pnm", ".ppm", ".psd", ".qoi", ".tga", ".tif", ".tiff", ".webp"}
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
        name: How it is called in the output and in messages: the path as the user gave it, or "-".
        path: The file; None for standard input.
        place: Its path below the folder that was named, else its file name: where a result may be put.
        problem: Why there is nothing to read; None if there is.
    """

    name: str
    path: Path | None
    place: Path
    problem: OcrError | None = None


def expand(arguments: Sequence[str], *, recursive: bool) -> list[Input]:
    """Resolve files, folders and "-", in the order given; the pictures of a folder in natural order.

    Nothing is opened but folders. What cannot be listed becomes an `Input` with a problem, so that the
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
        hint = "Name the files themselves" + (
            "." if recursive else ", or look into subfolders with --recursive."
        )
        problem = FileUnreadableError("The folder holds no pictures.", hint=hint)
        return [Input(str(folder), folder, Path(folder.name), problem)]
    return [Input(str(path), path, path.relative_to(folder)) for path in paths]


def _walk(folder: Path, recursive: bool) -> Iterator[Path]:
    """Files with a picture's suffix; hidden ones and those behind links to folders are passed over."""

    def fail(error: OSError) -> None:
        raise error

    for parent, folders, names in os.walk(folder, onerror=fail):
        folders[:] = [name for name in folders if recursive and not name.startswith(".")]
        for name in names:
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in PICTURE_SUFFIXES:  # noqa: PTH122
                yield Path(parent, name)


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key that puts `page 2` before `page 10`."""
    parts = re.findall(r"([0-9]+)|([^0-9]+)", name.casefold())
    return (*((0, int(number), "") if number else (1, 0, text) for number, text in parts), (-1, 0, name))


def unreadable(error: OSError) -> FileUnreadableError:
    """What the operating system said, as an error of the product."""
    return FileUnreadableError(f"{error.strerror or type(error).__name__}.")
