"""Glyphs and texts made small enough to travel: which faces, how many levels, how many lines.

A face of 9,700 ideographs takes 19 MB in the atlas. With 16 levels of coverage instead of 256, two pixels to
a byte, LZMA makes 2.4 MB of it (250 to 330 bytes a glyph, with 8 levels 200 to 260; lossless WebP and PNG of
glyph sheets are a sixth and a half larger). Faces that share glyphs (regions and widths of one design) stand
in one stream, every glyph on a whole byte, so that the second one costs next to nothing.
"""

from __future__ import annotations

import lzma
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from crnn_ocr.errors import TrainingError
from crnn_ocr.training.render.atlas import GLYPH, FaceInfo

Bytes = NDArray[np.uint8]
Table = NDArray[np.void]

MOST_LEVELS = 16
REGULAR, BOLD, LIGHT = 400, 700, 300
_COLUMNS = ("code", "height", "width", "left", "top", "advance")
_FILTERS = [
    {
        "id": lzma.FILTER_LZMA2,
        "preset": 6,
        "dict_size": 1 << 26,
        "lc": 2,
        "lp": 0,
        "pb": 0,
        "nice_len": 32,
        "mf": lzma.MF_BT4,
        "depth": 16,
    }
]
"""Two thirds of the time of preset 9 for 1 % more bytes; the dictionary reaches over six faces."""

_WEIGHTS = (
    (r"hairline|thin", 100),
    (r"(?:extra|ultra)-?light", 200),
    (r"demi-?light", 350),
    (r"light", LIGHT),
    (r"medium", 500),
    (r"semi-?bold|demi-?bold|demi", 600),
    (r"(?:extra|ultra)-?bold|heavy", 800),
    (r"bold", BOLD),
    (r"black", 900),
    (r"regular|normal|book|roman", REGULAR),
)
_NUMBER = re.compile(r"(?<![0-9])([1-9]00)(?![0-9])")


def weight_of(name: str) -> tuple[str, int]:
    """Return the design that a face's name tells of, and its weight, 100 to 900: 400 where it tells none."""
    numbered = _NUMBER.search(name)
    design = _NUMBER.sub("", name).lower()
    found = int(numbered.group(1)) if numbered else 0
    for words, weight in _WEIGHTS:
        shorter = re.sub(rf"(?<![a-z])(?:{words})(?![a-z])", "", design)
        if shorter != design:
            design, found = shorter, found or weight
    return re.sub(r"[-_ ]+", " ", design).strip(), found or REGULAR


def choose(infos: Sequence[FaceInfo], weights: int, held_out: Iterable[str]) -> list[int]:
    """Return the numbers of the faces that go along: of every design a regular, a bold and a light one.

    Args:
        infos: All faces.
        weights: How many of the three, 1 to 3.
        held_out: Families that training never sees; they stay behind.
    """
    never = frozenset(held_out)
    designs: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for number, info in enumerate(infos):
        if info.kind != "unused" and info.family not in never:
            design, weight = weight_of(info.name)
            designs.setdefault((info.family, design), []).append((weight, number))
    chosen: list[int] = []
    for faces in designs.values():
        for wanted, least, most in ((REGULAR, 0, 1000), (BOLD, 550, 1000), (LIGHT, 0, 350))[:weights]:
            fitting = [f for f in faces if least <= f[0] <= most and f[1] not in chosen]
            if fitting:
                chosen.append(min(fitting, key=lambda f: (abs(f[0] - wanted), f[1]))[1])
    return sorted(chosen)


def group_of(info: FaceInfo) -> str:
    """Return the name of the stream that a face stands in: the first word of its family."""
    return re.sub(r"\W+", "", info.family.split()[0].split("-")[0].lower()) or "other"


def pack_face(table: Table, pixels: Bytes, levels: int) -> tuple[bytes, bytes]:
    """Return a face's table and masks as bytes, not yet compressed.

    Args:
        table: `atlas.GLYPH` (glyphs,), the masks in its order, without gaps.
        pixels: uint8, the masks.
        levels: Of coverage, 2 to 16.

    Raises:
        TrainingError: The masks do not lie as the table says.
    """
    sizes = table["height"].astype(np.int64) * table["width"]
    ends = np.cumsum(sizes)
    if not np.array_equal(ends - sizes, table["offset"].astype(np.int64)) or ends[-1:].sum() != len(pixels):
        raise TrainingError("The glyph atlas is damaged.", hint="Build it again: crnn-ocr train prepare.")
    coded = _levels_of(levels)[pixels]
    even = np.insert(coded, ends[sizes % 2 == 1], 0)
    columns = b"".join(np.ascontiguousarray(table[name]).tobytes() for name in _COLUMNS)
    return columns, (even[0::2] << 4 | even[1::2]).astype(np.uint8).tobytes()


def unpack_face(columns: bytes, masks: memoryview, glyphs: int, levels: int) -> tuple[Table, Bytes, int, int]:
    """Undo `pack_face` on the first face of what may be several.

    Args:
        columns: Tables of faces.
        masks: Masks of the same.
        glyphs: How many the first face has.
        levels: Of coverage.

    Returns:
        (table, pixels, bytes taken of `columns`, bytes taken of `masks`).
    """
    table, at = np.zeros(glyphs, GLYPH), 0
    for name in _COLUMNS:
        kind = GLYPH[name]
        table[name] = np.frombuffer(columns, kind, glyphs, at)
        at += glyphs * kind.itemsize
    sizes = table["height"].astype(np.int64) * table["width"]
    table["offset"] = np.cumsum(sizes) - sizes
    taken = int(((sizes + 1) // 2).sum())
    pairs = np.frombuffer(masks[:taken], np.uint8)
    coded = np.empty(2 * taken, np.uint8)
    coded[0::2], coded[1::2] = pairs >> 4, pairs & 15
    padding = np.cumsum(sizes + sizes % 2)[sizes % 2 == 1] - 1
    values = np.rint(np.arange(MOST_LEVELS) * (255 / (levels - 1))).clip(0, 255).astype(np.uint8)
    return table, values[np.delete(coded, padding)], at, taken


def compress(data: bytes) -> bytes:
    """Compress what `pack_face` gave, or a text."""
    return lzma.compress(data, format=lzma.FORMAT_XZ, check=lzma.CHECK_CRC32, filters=_FILTERS)


def shares(sizes: Mapping[str, int], weights: Mapping[str, float], total: int) -> dict[str, float]:
    """Return which share of each text to keep so that all together have `total` bytes.

    What is drawn often keeps more: sizes in proportion to the weights, and no text is longer than it is.
    """
    kept: dict[str, float] = {}
    left = float(total)
    for name in sorted(sizes, key=lambda n: sizes[n] / weights[n]):
        rest = sum(weights[n] for n in sizes if n not in kept)
        size = min(float(sizes[name]), max(0.0, left) * weights[name] / rest)
        kept[name] = size / sizes[name] if sizes[name] else 1.0
        left -= size
    return kept


def thin(path: Path, share: float) -> bytes:
    """Return that share of a text's lines, chosen by their checksums, always the same ones."""
    lines = path.read_bytes().splitlines(keepends=True)
    if share >= 1.0:
        return b"".join(lines)
    most = int(share * 0x100000000)
    return b"".join(line for line in lines if zlib.crc32(line) < most)


def _levels_of(levels: int) -> Bytes:
    """Return the level of every coverage."""
    if not 2 <= levels <= MOST_LEVELS:
        raise TrainingError(f"Glyphs can have 2 to {MOST_LEVELS} levels, not {levels}.")
    return np.asarray(np.rint(np.arange(256) * ((levels - 1) / 255)), np.uint8)
