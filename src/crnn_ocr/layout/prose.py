"""Does a line read like part of a sentence, or like a cell? What its text says beside its place.

Each sign gives the logarithm of how much likelier it is in running text than in a cell, damped, since the
lines of one page are alike. Lines too short to show anything give nothing.
"""

from __future__ import annotations

import re

from crnn_ocr.recognition.network.charset import is_han

#: Clauses of Chinese text are about ten characters long, so most of its lines hold one of these signs.
_CLAUSE_SIGNS = frozenset("，。；！？,;!?")
#: Fewer Han characters hold no sign often enough for that to tell anything.
_CLAUSE = 8
_SIGN, _NO_SIGN = 0.8, -0.6
#: The name of a field, and its value behind a colon.
_FIELD = re.compile(r"[^：:，。,.]{1,12}[：:]")
_NAMED = -0.8
#: Lines of Latin text begin in the middle of a sentence; cells begin with a capital.
_WORD = re.compile(r"[^\W\d_]{2,}|[aAI](?!\S)")
_WORDS = 3
_SMALL, _CAPITAL = 0.8, -0.6
#: Numbers and codes are cells.
_CODE = -0.6
#: What may stand before the text of a list's item.
_MARK = re.compile(r"\s*(?:[•·●▪■◆*–—-]|[(（]?\d{1,3}[.、)）]|[a-zA-Z][.)])\s*")


def prose(text: str) -> float:
    """Return how much the line speaks for running text: above 0, for a cell: below."""
    text = _MARK.sub("", text, count=1) if _MARK.match(text) else text.strip()
    han = sum(map(is_han, text))
    if _FIELD.match(text):
        return _NAMED
    if 2 * han > sum(map(str.isalnum, text)):
        if any(sign in _CLAUSE_SIGNS for sign in text[:-1]) or text[-1:] in ("，", ","):
            return _SIGN
        return _NO_SIGN if han >= _CLAUSE else 0.0
    if len(_WORD.findall(text)) >= _WORDS:
        return _SMALL if text[0].islower() else _CAPITAL if text[0].isupper() else 0.0
    return _CODE if any(map(str.isdigit, text)) else 0.0
