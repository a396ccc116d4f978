"""Number the characters of a document for the font of its text layer, and map the numbers back to Unicode."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from crnn_ocr.export.pdf.glyphs import EM, WIDTHS, glyph_of

_REPLACEMENT = "\ufffd"
#: Codes have two bytes; 0 is `.notdef`.
_MOST_CHARACTERS = 0xFFFF
#: Most entries of a `bfchar` section (Adobe Technical Note 5014, section 3).
_SECTION = 100

_CMAP = """/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<0000> <FFFF>
endcodespacerange
{sections}endcmap
CMapName currentdict /CMap defineresource pop
end
end
"""


def writable(text: str) -> str:
    """Return a line's text as it can be written: no control characters, half surrogate pairs or line breaks.

    White space becomes a plain space, and none is left at the ends.
    """
    return "".join(_writable(char) for char in text).strip()


def _writable(char: str) -> str:
    category = unicodedata.category(char)
    if category in ("Cc", "Zs", "Zl", "Zp"):
        return " "
    # Half surrogate pairs, and the code points that Unicode keeps free for programs' own use, such as U+FFFE.
    if category == "Cs" or ord(char) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(char) <= 0xFDEF:
        return _REPLACEMENT
    return char


class Encoding:
    """Two-byte codes of all characters of a document.

    They are counted from 1, so that characters beyond the basic plane need no special case.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        """Give every character of the texts a code; the texts must be `writable`."""
        chars = sorted({_REPLACEMENT, *(char for text in texts for char in text)})
        if len(chars) > _MOST_CHARACTERS:  # more than any writing system has: a made-up document
            chars = [_REPLACEMENT, *(char for char in chars if char != _REPLACEMENT)][:_MOST_CHARACTERS]
        self._codes = {char: code for code, char in enumerate(chars, start=1)}

    def hexadecimal(self, text: str) -> bytes:
        """Return the operand of `Tj` for a text."""
        unknown = self._codes[_REPLACEMENT]
        return b"<" + "".join(f"{self._codes.get(char, unknown):04x}" for char in text).encode() + b">"

    def to_unicode(self) -> bytes:
        """Return the CMap that maps codes to UTF-16 (ISO 32000-1, 9.10.3)."""
        entries = [f"<{code:04x}> <{char.encode('utf-16-be').hex()}>\n" for char, code in self._codes.items()]
        sections = "".join(
            f"{len(part)} beginbfchar\n{''.join(part)}endbfchar\n"
            for part in (entries[at : at + _SECTION] for at in range(0, len(entries), _SECTION))
        )
        return _CMAP.format(sections=sections).encode()

    def glyphs(self) -> bytes:
        """Return the CIDToGIDMap: two bytes with the glyph's number for every code from 0."""
        return b"\0\0" + b"".join(glyph_of(char).to_bytes(2, "big") for char in self._codes)

    def widths(self) -> list[int | list[int]]:
        """Return the array /W for all widths that are not the usual one, `EM` (ISO 32000-1, 9.7.4.3)."""
        found: list[int | list[int]] = []
        run: list[int] = []
        for char, code in self._codes.items():
            width = WIDTHS[glyph_of(char)]
            if width == EM:
                run = []
            elif run:
                run.append(width)
            else:
                run = [width]
                found += [code, run]
        return found


def natural_width(text: str) -> float:
    """Return the width of a text in ems before it is stretched."""
    return sum(WIDTHS[glyph_of(char)] for char in text) / EM
