"""Replace strings in readings by the user's own table.

A model knows only the characters that it was trained on. If documents contain others, or a user wants another
spelling (a part number's sign, `㎡` for `m²`), a table says what to put in place of the strings that the
model does read. Replacements are applied last: they change neither a line's confidence nor its orientation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from crnn_ocr.recognition.ink.widths import half_width
from crnn_ocr.recognition.network.recognizer import ReadChar, Reading
from crnn_ocr.recognition.text.postprocess import spaced


class Replacements:
    """A replacement table; may be used by several threads at once."""

    def __init__(self, table: Mapping[str, str]) -> None:
        """Prepare a table.

        Args:
            table: The replacement (may be empty) for each string (not empty).
        """
        # Readings have half-width letters and digits, so the strings to find must have them as well.
        self._table = {half_width(wanted): put for wanted, put in table.items()}
        self._by_first: dict[str, list[str]] = {}
        for wanted in sorted(self._table, key=len, reverse=True):
            self._by_first.setdefault(wanted[0], []).append(wanted)

    def __len__(self) -> int:
        return len(self._table)

    def apply(self, reading: Reading) -> Reading:
        """Replace strings in one line, from left to right; the longest matching string is taken.

        Inserted text is not searched again. It takes the position of the replaced text, divided evenly if the
        number of characters differs, and the lowest of its confidences. The line's confidence stays the same.
        """
        if not self._table:
            return reading
        chars: list[ReadChar] = []
        at = 0
        while at < len(reading.chars):
            count, wanted = self._match(reading.chars, at)
            old = reading.chars[at : at + count]
            chars += old if wanted is None else _put(old, self._table[wanted])
            at += count
        if tuple(chars) == reading.chars:
            return reading
        return spaced(replace(reading, text="".join(char.text for char in chars), chars=tuple(chars)))

    def _match(self, chars: tuple[ReadChar, ...], at: int) -> tuple[int, str | None]:
        """Return the number of characters of the longest match at `at`, and the match; (1, None) if none."""
        for wanted in self._by_first.get(chars[at].text[:1], ()):
            text, count = "", 0
            while len(text) < len(wanted) and at + count < len(chars):
                text += chars[at + count].text
                count += 1
            if text == wanted:
                return count, wanted
        return 1, None


def _put(old: tuple[ReadChar, ...], text: str) -> Iterator[ReadChar]:
    """Yield the characters of a text at the position of the replaced ones."""
    if len(text) == len(old):
        yield from (replace(char, text=new) for char, new in zip(old, text, strict=True))
        return
    start, end = old[0].start, old[-1].end
    confidence, share = min(char.confidence for char in old), min(char.share for char in old)
    step = (end - start) / max(1, len(text))
    for i, new in enumerate(text):
        yield ReadChar(new, confidence, start + i * step, start + (i + 1) * step, share)
