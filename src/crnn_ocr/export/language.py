"""Tell the language of a text for the attributes `lang` of formats."""

from __future__ import annotations

from crnn_ocr.recognition.network.charset import is_han


def language_of(text: str) -> str | None:
    """Return "zh" or "en" (BCP 47), or None for text without letters.

    A Chinese character is worth about two letters: "请联系 Alice" is Chinese, "the sign 口" is English.
    """
    han = sum(map(is_han, text))
    letters = sum(char.isalpha() for char in text) - han
    if not han and not letters:
        return None
    return "zh" if 2 * han >= letters else "en"
