"""Load the user's replacement table from a file; it imports little, so start-up can check it first."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from crnn_ocr.errors import SettingsError

#: Most rows; a table corrects a model and is not a dictionary.
MOST_ROWS = 10_000
#: Most characters of a string that is searched for or inserted.
LONGEST = 100


def parse(text: str) -> dict[str, str]:
    r"""Parse a table: each row holds a string, a tab and its replacement.

    Empty rows and comments are skipped; a comment is a row that begins with `#` and has no tab. Blanks are
    significant.

    Args:
        text: The content of the file.

    Returns:
        The replacement for each string.

    Raises:
        SettingsError: A row is invalid; the message names it.
    """
    table: dict[str, str] = {}
    for number, row in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        row = row.removesuffix("\r")
        if not row.strip() or (row.startswith("#") and "\t" not in row):
            continue
        wanted, tab, instead = row.partition("\t")
        if wrong := _wrong(wanted, tab, instead, table):
            raise SettingsError(f"row {number} of the table of replacements {wrong}", hint=_HINT)
        table[wanted] = instead
    return table


def load(path: Path) -> dict[str, str]:
    """Load a table from a UTF-8 file; see `parse`.

    Raises:
        SettingsError: The file cannot be read or a row is invalid; the message names file and row.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"CRNN_OCR_REPLACEMENTS: {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"CRNN_OCR_REPLACEMENTS: {path} is not UTF-8 text", hint=_HINT) from error
    try:
        return parse(text)
    except SettingsError as error:
        raise SettingsError(f"CRNN_OCR_REPLACEMENTS: {path}: {error.message}", hint=error.hint) from None


_HINT = "Each row is a string, a tab and what takes its place, in UTF-8; docs/replacements.md shows one."


def _wrong(wanted: str, tab: str, instead: str, table: Mapping[str, str]) -> str:
    """Return what is wrong with a row, as the end of a sentence; an empty string if nothing is."""
    checks = {
        "has no tab": not tab,
        "has more than one tab": "\t" in instead,
        "looks for nothing": not wanted.strip(),
        "has a control character": _controls(wanted + instead),
        f"is longer than {LONGEST} characters on one side": max(len(wanted), len(instead)) > LONGEST,
        "looks for the same as an earlier one": wanted in table,
        f"is one too many: at most {MOST_ROWS:,} are taken": len(table) >= MOST_ROWS,
    }
    return next((text for text, holds in checks.items() if holds), "")


def _controls(text: str) -> bool:
    """Return whether a text has control characters, which no line of text can contain."""
    return any(ord(character) < 32 or 127 <= ord(character) < 160 for character in text)
