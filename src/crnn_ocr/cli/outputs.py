"""Writes results to standard output, to one file, or to a folder with one file per input."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol

from crnn_ocr.cli.inputs import Input
from crnn_ocr.errors import OcrError


class OutputError(OcrError):
    """A result that cannot be written."""

    code = "OUTPUT_FAILED"
    default_hint = "Check the path given with --output, its permissions and the free space."


class Output(Protocol):
    """Destination of the results, which come one after the other.

    Attributes:
        apart: Whether each result goes to a file of its own.
    """

    apart: bool

    @property
    def is_terminal(self) -> bool:
        """Whether a person sees the results at once."""

    def put(self, entry: Input, content: bytes) -> None:
        """Write one result.

        Raises:
            OutputError: It cannot be written.
            BrokenPipeError: The reader went away.
        """

    def __enter__(self) -> Output: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class StreamOutput:
    """Standard output, or one file for all results; the file is made with the first result."""

    apart = False

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._file: BinaryIO | None = None

    @property
    def is_terminal(self) -> bool:
        """Whether a person sees the results at once."""
        return self._path is None and sys.stdout.isatty()

    def put(self, entry: Input, content: bytes) -> None:
        """Append one result and flush it.

        Raises:
            OutputError: It cannot be written.
            BrokenPipeError: The reader went away.
        """
        try:
            if self._file is None:
                self._file = sys.stdout.buffer if self._path is None else self._path.open("wb")
            self._file.write(content)
            self._file.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            self._give_up()
            raise self._failure(error) from None

    def _give_up(self) -> None:
        """Close the file, ignoring errors: unwritten bytes are still buffered and would fail again."""
        if self._path is not None and self._file is not None:
            with suppress(OSError):
                self._file.close()

    def _failure(self, error: OSError) -> OutputError:
        return OutputError(f"{self._path or 'standard output'}: {error.strerror}.")

    def __enter__(self) -> StreamOutput:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._give_up()
        elif self._path is not None and self._file is not None:
            try:
                self._file.close()
            except OSError as failure:  # some file systems report only now that the disk is full
                raise self._failure(failure) from None


class FolderOutput:
    """A folder with one file per result: `scans/a.jpg` becomes `a.jpg.txt`; subfolders are kept."""

    apart = True
    is_terminal = False

    def __init__(self, folder: Path, suffix: str) -> None:
        self._folder = folder
        self._suffix = suffix
        self._written: dict[Path, str] = {}

    def put(self, entry: Input, content: bytes) -> None:
        """Write one result to its own file, overwriting the result of an earlier run.

        Raises:
            OutputError: It cannot be written, or the file holds the result of another input.
        """
        target = self._folder / entry.place.with_name(entry.place.name + self._suffix)
        check_unused(self._written, target, entry)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        except OSError as error:
            raise OutputError(f"{target}: {error.strerror}.") from None

    def __enter__(self) -> FolderOutput:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing: there is nothing to close."""


def write_whole(target: Path, content: bytes, *, durable: bool = False) -> None:
    """Write a file whole or not at all, and replace one with this name.

    Args:
        target: The file; its folder is made if it does not exist.
        content: Its content.
        durable: Whether it must be on the disk before this returns.

    Raises:
        OutputError: It cannot be written.
    """
    part = target.with_name(f"{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        if durable:
            sync(part)
        part.replace(target)
        if durable:
            sync(target.parent)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise OutputError(f"{target}: {error.strerror}.") from None


def sync(path: Path) -> None:
    """Wait until the content of a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_unused(written: dict[Path, str], target: Path, entry: Input) -> None:
    """Note that a file holds a result of an input.

    Args:
        written: The name of the input of each file so far; the file is added.
        target: The file.
        entry: The input.

    Raises:
        OutputError: It holds the result of another input.
    """
    other = written.setdefault(target, entry.name)
    if other != entry.name:
        raise OutputError(
            f"{target} already holds the result of {other}.", hint="Write the two to different folders."
        )


def open_output(argument: str | None, suffix: str) -> Output:
    """Return the output for an argument of `--output`.

    Args:
        argument: None or "-" for standard output; a folder, which exists or ends with /; or a file.
        suffix: Suffix of the files in a folder, with its dot.
    """
    if argument is None or argument == "-":
        return StreamOutput()
    path = Path(argument)
    return FolderOutput(path, suffix) if is_folder(argument) else StreamOutput(path)


def is_folder(argument: str | None) -> bool:
    """Return whether an argument of `--output` names a folder."""
    return argument is not None and (Path(argument).is_dir() or argument.endswith("/"))
