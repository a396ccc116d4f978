"""The user's table of replacements, as a file; light, so that a start can check it before anything loads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from crnn_ocr.errors import SettingsError

#: A table is a correction of a model, not a dictionary.
MOST_ROWS = 10_000
#: Longest string that is looked for or put in its place, in characters.
LONGEST = 100


def parse(text: str) -> dict[str, str]:
    r"""Read a table: one row for each string, a tab between it and what takes its place.

    Empty rows are passed over, and so are comments: rows that begin with `#` and have no tab. Blanks count.

    Raises:
        SettingsError: A row is wrong; the message names it.
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
    """Read a table from a UTF-8 file.

    Raises:
        SettingsError: The file cannot be read or a row is wrong; the message names file and row.
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
    """What is wrong with a row, as the end of a sentence; empty where nothing is."""
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
    """Whether a text holds characters that no line of text can hold."""
    return any(ord(character) < 32 or 127 <= ord(character) < 160 for character in text)
