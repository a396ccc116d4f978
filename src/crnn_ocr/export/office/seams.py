"""Tell whether a paragraph goes on over the end of a page, and join its parts. Pure functions."""

from __future__ import annotations

from crnn_ocr.recognition.network.charset import is_han

#: Signs within a sentence, after which a paragraph goes on.
_WITHIN = tuple("，、,—–")
_HYPHENS = ("-", "\u2010")


def goes_on(text: str, following: str) -> bool:
    """Tell whether the first paragraph of a page is the rest of the last one of the page before.

    The first must end, and the second go on, within a sentence: 。 and . end one, and a capital begins one.
    """
    if not text or not following:
        return False
    last, first = text[-1], following[0]
    if not (first.islower() or is_han(first)):
        return False
    if last in _HYPHENS:
        return first.islower() and text[-2:-1].isalpha()
    return last in _WITHIN or (is_han(last) and is_han(first)) or (last.isalpha() and first.islower())


def joined(text: str, following: str) -> str:
    """Join the parts of a paragraph: Chinese without a blank, a divided word without its hyphen."""
    if text[-1] in _HYPHENS and following[0].islower():
        return text[:-1] + following
    wide = is_han(text[-1]) or is_han(following[0]) or text[-1] in "，、"
    return text + ("" if wide else " ") + following
