"""Make any text safe for XML, HTML and formats of rows. Pure functions."""

from __future__ import annotations

import html
import re

#: What stands for a character that a format cannot hold (U+FFFD, the Unicode replacement character).
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
#: Everything outside of the production Char of XML 1.0 (fifth edition, section 2.2): control characters but
#: tab, line feed and carriage return; surrogates; U+FFFE and U+FFFF.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SPACES = re.compile(r"\s+")
#: White space at which some program would begin a new row or cell.
_BREAK = re.compile("[\t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]")


def clean(text: str) -> str:
    """Return the text with every character replaced that XML 1.0 forbids, so that UTF-8 can encode it.

    Control characters that Unicode counts as white space become blanks.
    """
    return _FORBIDDEN.sub(lambda match: " " if match[0].isspace() else REPLACEMENT, text)


def one_row(text: str) -> str:
    """Return clean text without line breaks and tabs; a blank takes the place of white space with one."""
    return clean(_SPACES.sub(lambda match: " " if _BREAK.search(match[0]) else match[0], text))


def xml(text: str) -> str:
    """Return the text for an element or a quoted attribute of XML or HTML.

    A lone carriage return becomes a reference, since parsers would turn it into a line feed.
    """
    return html.escape(clean(text)).replace("\r", "&#13;")


def attributes(**values: object) -> str:
    """Return attributes for a start tag, each with a blank in front; those with the value None are left out.

    A trailing underscore is cut from a name, so that `class_` can be given, and a double underscore becomes a
    colon, for prefixes such as `xml__lang`.
    """
    return "".join(
        f' {name.rstrip("_").replace("__", ":")}="{xml(str(value))}"'
        for name, value in values.items()
        if value is not None
    )
