"""Prints errors and messages to standard error, in one form for all commands."""

from __future__ import annotations

import sys
from contextlib import suppress

from crnn_ocr.errors import OcrError


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
