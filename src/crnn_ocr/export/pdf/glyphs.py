"""Make the TrueType font of the text layer: glyphs without any area that differ only in width.

A viewer never draws the layer, but it measures it: where a selection begins and ends, and whether two
characters belong together, follows from the widths and the boxes of glyphs. PDFium ignores a text of one
character whose glyph has no box, so every outline is a line from corner to corner of its box, there and
back, which fills nothing. Table layouts: OpenType specification 1.9, chapters
"head", "hhea", "hmtx", "maxp", "loca" and "glyf"; ISO 32000-1, 9.9, says that a CIDFontType2 needs these six
tables and no other.
"""

from __future__ import annotations

import struct
import unicodedata
from functools import lru_cache
from itertools import accumulate

#: Units per em of the font; widths in a PDF are given in thousandths of an em, too.
EM = 1000
#: Height of the em above and below the baseline.
ASCENT, DESCENT = 800, -200
#: Width of the glyph with that number. Number 0 is `.notdef`.
WIDTHS = (500, 250, 333, 500, 667, 833, 1000)

#: Latin characters that are much narrower or wider than half an em in usual proportional type.
_CLASSES = {
    1: " !'|,.:;`ijlI·’‘",
    2: '"()[]{}-/\\frt^“”°',
    4: "ABCDEFGHKLNOPQRSTUVXYZ&",
    5: "MW%@mw—…©®™",
}
_GLYPHS = {char: glyph for glyph, chars in _CLASSES.items() for char in chars}
_HALF, _FULL = WIDTHS.index(500, 1), WIDTHS.index(1000)


def glyph_of(char: str) -> int:
    """Return the number of the glyph that is about as wide as a character."""
    # The recogniser gives Chinese quotation marks and dashes where the script is Chinese, and they are wide
    # there; "W" and "F" of Unicode's East Asian Width (UAX #11) are always wide.
    if unicodedata.east_asian_width(char) in "WF":
        return _FULL
    return _GLYPHS.get(char, _HALF)


@lru_cache(maxsize=1)
def font_program() -> bytes:
    """Return the font as a TrueType file."""
    count = len(WIDTHS)
    head = struct.pack(
        ">HHHHIIHHqqhhhhHHhhh",
        1, 0, 1, 0,  # versions of the table and of the font
        0, 0x5F0F3CF5, 0, EM,  # the checksum is set below; magic number; flags
        0, 0,  # created and modified: never, so that the bytes are always the same
        0, DESCENT, EM, ASCENT,
        0, 8, 2, 0, 0,  # style, smallest size, direction, short offsets in loca, format of glyf
    )  # fmt: skip
    hhea = struct.pack(
        ">HHhhhHhhhhhhhhhhhH",
        1, 0, ASCENT, DESCENT, 0, max(WIDTHS), 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, count,
    )  # fmt: skip
    maxp = struct.pack(">IH13H", 0x00010000, count, 2, 1, 0, 0, 1, *(0,) * 8)
    hmtx = b"".join(struct.pack(">Hh", width, 0) for width in WIDTHS)
    outlines = [_outline(width) for width in WIDTHS]
    ends = accumulate((len(outline) for outline in outlines), initial=0)
    tables = {
        b"glyf": b"".join(outlines),
        b"head": head,
        b"hhea": hhea,
        b"hmtx": hmtx,
        b"loca": b"".join(struct.pack(">H", end // 2) for end in ends),
        b"maxp": maxp,
    }
    body, directory = b"", b""
    offset = 12 + 16 * len(tables)
    for tag, table in tables.items():
        directory += struct.pack(">4sIII", tag, _checksum(table), offset + len(body), len(table))
        body += table + bytes(-len(table) % 4)
    powers = len(tables).bit_length() - 1
    search = 16 << powers
    header = struct.pack(">IHHHH", 0x00010000, len(tables), search, powers, 16 * len(tables) - search)
    font = header + directory + body
    place = font.index(head) + 8
    adjustment = (0xB1B0AFBA - _checksum(font)) % 2**32
    return font[:place] + struct.pack(">I", adjustment) + font[place + 4 :]


def _outline(width: int) -> bytes:
    """Return a glyph with one contour of two points, the lower left and upper right corner of its box."""
    box = struct.pack(">hhhhh", 1, 0, DESCENT, width, ASCENT)
    # The last point; no instructions; both points on the curve, each with 16-bit steps from the one before.
    return box + struct.pack(">HHBBhhhh", 1, 0, 1, 1, 0, width, DESCENT, EM)


def _checksum(table: bytes) -> int:
    padded = table + bytes(-len(table) % 4)
    return int(sum(struct.unpack(f">{len(padded) // 4}I", padded))) % 2**32
