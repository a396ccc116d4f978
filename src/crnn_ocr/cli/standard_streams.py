"""Prints errors in one form, and makes standard streams that are closed or full fail with a message."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from typing import Any, TextIO, cast

from crnn_ocr.cli.outputs import OutputError
from crnn_ocr.errors import OcrError


def open_closed_streams() -> None:
    """Open standard streams that the caller has closed, such that using input and output fails.

    Otherwise the next file or socket would get their numbers, and what is printed would go into it.
    """
    # Input cannot be read, output cannot be written, and of errors there is nobody to tell.
    for name, mode, access in (
        ("stdin", "r", os.O_WRONLY),
        ("stdout", "w", os.O_RDONLY),
        ("stderr", "w", os.O_WRONLY),
    ):
        if getattr(sys, name) is None:
            file = os.open(os.devnull, access)
            setattr(sys, name, os.fdopen(file, mode, encoding="utf-8"))


class _CheckedOutput:
    """Standard output whose failures are errors of the product; everything else is the stream's own."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with _told():
            return self._stream.write(text)

    def flush(self) -> None:
        with _told():
            self._stream.flush()


@contextmanager
def checked_output() -> Iterator[None]:
    """While the block runs, raise `OutputError` where standard output cannot be written.

    A reader that went away stays a `BrokenPipeError`.
    """
    with redirect_stdout(cast(TextIO, _CheckedOutput(sys.stdout))):
        yield


def discard_output() -> None:
    """Discard what is left in standard output, because Python flushes it at exit, which would fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"standard output: {error.strerror}.") from None


def print_error(name: str | None, error: OcrError) -> None:
    """Print an error: the input, the message, the code and the hint.

    Args:
        name: Name of the input that failed; None if the error belongs to no input.
        error: The error.
    """
    where = "" if name is None else f"{name}: "
    print_message(f"crnn-ocr: {where}{error.message} ({error.code})")
    if error.hint:
        print_message(f"  {error.hint}")


def print_message(sentence: str) -> None:
    """Print a sentence without breaking a progress bar; file names may hold any bytes.

    Where standard error cannot be written, there is nobody to tell.
    """
    text = sentence.encode("utf-8", "backslashreplace").decode()
    with suppress(OSError):
        if "tqdm" in sys.modules:
            sys.modules["tqdm"].tqdm.write(text, file=sys.stderr)
        else:
            print(text, file=sys.stderr)
