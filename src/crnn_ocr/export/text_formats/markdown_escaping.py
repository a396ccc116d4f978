"""Escape text so that Markdown shows it as it is. Pure functions.

After the rules of GitHub Flavored Markdown 0.29: any ASCII punctuation may follow a backslash (section 6.1),
and whether a character is markup depends on its place. Where a character can be no markup it stays as it is,
so that people can read the source, too.
"""

from __future__ import annotations

import re

from crnn_ocr.export.escaping import one_row

#: Markup at any place: code, emphasis, links, raw HTML, strikethrough, tables, and GitHub's formulas.
_ANYWHERE = re.compile(r"[\\`*\[\]<|~$]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)")
#: Markup at the beginning of a row: headings, quotes, lists, lines below headings, horizontal rules.
_AT_START = re.compile(r"(?:#{1,6}(?=\s|$)|>|[-+](?=\s|$)|=+\s*$|-[-\s]*$)")
_NUMBERED = re.compile(r"(\d{1,9})([.)])(?=\s|$)")


def escaped(text: str) -> str:
    """Return one row of text with everything escaped that Markdown would take for markup."""
    row = one_row(text).strip()
    start = "\\" if _AT_START.match(row) else ""
    row = start + _ANYWHERE.sub(lambda match: "\\" + match[0], row)
    return _NUMBERED.sub(r"\1\\\2", row, count=1) if _NUMBERED.match(row) else row


def escaped_rows(text: str) -> str:
    """Return text of several rows, escaped, with a line break that Markdown keeps after each but the last."""
    return "\\\n".join(escaped(row) for row in text.split("\n") if row.strip())
