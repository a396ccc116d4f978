"""What a user wants to read instead of what the model can say: strings for strings.

A model knows the characters that it was trained on. Where a document has others, or spells them another way
(a part's sign, `㎡` for `m²`), a table of replacements tells what to make of the nearest thing that it does
read. Replacements come last: they change neither how sure a line is nor which way up it stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from crnn_ocr.recognition.ink.widths import half_width
from crnn_ocr.recognition.network.recognizer import ReadChar, Reading
from crnn_ocr.recognition.text.postprocess import spaced


class Replacements:
    """A table of strings; may be used by many threads at once."""

    def __init__(self, table: Mapping[str, str]) -> None:
        """Prepare a table.

        Args:
            table: What is looked for (not empty), and what takes its place (may be empty).
        """
        # Readings come with half-width letters and digits, so that is what there is to be found.
        self._table = {half_width(wanted): put for wanted, put in table.items()}
        self._by_first: dict[str, list[str]] = {}
        for wanted in sorted(self._table, key=len, reverse=True):
            self._by_first.setdefault(wanted[0], []).append(wanted)

    def __len__(self) -> int:
        return len(self._table)

    def apply(self, reading: Reading) -> Reading:
        """Replace in one line, from left to right; of several strings that fit the longest is taken.

        What was put in is not looked at again. It takes the place of what it replaces, evenly divided where
        the number of characters differs, and is as sure as the least sure of it. The line's confidence
        stays.
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
        """How many characters the longest string covers that begins there, and which; (1, None): none."""
        for wanted in self._by_first.get(chars[at].text[:1], ()):
            text, count = "", 0
            while len(text) < len(wanted) and at + count < len(chars):
                text += chars[at + count].text
                count += 1
            if text == wanted:
                return count, wanted
        return 1, None


def _put(old: tuple[ReadChar, ...], text: str) -> Iterator[ReadChar]:
    """The characters of a text in the place of others."""
    if len(text) == len(old):
        yield from (replace(char, text=new) for char, new in zip(old, text, strict=True))
        return
    start, end = old[0].start, old[-1].end
    confidence, share = min(char.confidence for char in old), min(char.share for char in old)
    step = (end - start) / max(1, len(text))
    for i, new in enumerate(text):
        yield ReadChar(new, confidence, start + i * step, start + (i + 1) * step, share)
