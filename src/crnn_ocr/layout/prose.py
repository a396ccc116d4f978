"""Score whether a line reads like part of a sentence or like a table cell.

Each feature gives the logarithm of how much likelier it is in running text than in a cell. The values are
damped, because the lines of one page resemble each other. Lines that are too short score 0.
"""

from __future__ import annotations

import re

from crnn_ocr.recognition.network.charset import is_han

#: Clauses of Chinese text are about ten characters long, so most of its lines contain one of these signs.
_CLAUSE_SIGNS = frozenset("，。；！？,;!?")
#: Least number of Han characters for the lack of a sign to count.
_CLAUSE = 8
_SIGN, _NO_SIGN = 0.8, -0.6
#: A field's name with a colon, before its value.
_FIELD = re.compile(r"[^：:，。,.]{1,12}[：:]")
_NAMED = -0.8
#: Lines of Latin text begin in the middle of a sentence; cells begin with a capital letter.
_WORD = re.compile(r"[^\W\d_]{2,}|[aAI](?!\S)")
_WORDS = 3
_SMALL, _CAPITAL = 0.8, -0.6
#: Numbers and codes are cells.
_CODE = -0.6
#: Bullets and numbers before the text of a list item.
_MARK = re.compile(r"\s*(?:[•·●▪■◆*–—-]|[(（]?\d{1,3}[.、)）]|[a-zA-Z][.)])\s*")


def prose(text: str) -> float:
    """Return a line's score: positive for running text, negative for a cell."""
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
