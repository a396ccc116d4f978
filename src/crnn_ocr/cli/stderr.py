"""What the commands tell on standard error, in one form for all of them."""

from __future__ import annotations

import sys

from crnn_ocr.errors import OcrError


def print_error(name: str | None, error: OcrError) -> None:
    """Tell of an error: where, the sentence, the code, and what to do.

    Args:
        name: The input that failed; None when the error belongs to none.
        error: What went wrong.
    """
    where = "" if name is None else f"{name}: "
    print_message(f"crnn-ocr: {where}{error.message} ({error.code})")
    if error.hint:
        print_message(f"  {error.hint}")


def print_message(sentence: str) -> None:
    """Write to standard error without tearing a progress bar; names of any bytes can be shown."""
    text = sentence.encode("utf-8", "backslashreplace").decode()
    if "tqdm" in sys.modules:
        sys.modules["tqdm"].tqdm.write(text, file=sys.stderr)
    else:
        print(text, file=sys.stderr)
