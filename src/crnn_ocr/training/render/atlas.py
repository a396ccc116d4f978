"""Glyph atlas: every glyph of every face rendered once, in flat files that processes share by mapping.

FreeType takes some 100 µs per glyph, and a face of 10,000 ideographs tens of megabytes per process; a line
composed from an atlas is a few dozen copies of small arrays. The format is plain enough to be uploaded to an
accelerator as it is:

    DIR/faces.json            list of {name, family, kind, ascent, descent, glyphs, pixels}
    DIR/NUMBER.glyphs.npy     structured array (`GLYPH`), sorted by code point
    DIR/NUMBER.pixels.npy     uint8, the coverage masks one after the other, row by row
    DIR/rows.npy              int32 (faces, classes), where a class stands in a face's array; -1: nowhere
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from crnn_ocr.errors import TrainingError

EM = 48
"""Pixels per em of the masks: no line of a 64-pixel-high picture needs more."""

GLYPH = np.dtype(
    [
        ("code", "u4"),
        ("offset", "u8"),
        ("height", "u2"),
        ("width", "u2"),
        ("left", "i2"),
        ("top", "i2"),
        ("advance", "f4"),
    ]
)
"""`left` and `top`: of the mask relative to the pen on the baseline, y downwards. `advance` in pixels."""


@dataclass(frozen=True)
class FaceInfo:
    """A face's description: all but its glyphs.

    Attributes:
        name: As in `fonts.Face`.
        family: As in `fonts.Face`.
        kind: `han` (1,500 ideographs or more), `latin` (capitals and digits at least) or `digits`.
        ascent: Pixels above the baseline that the face claims.
        descent: Pixels below.
        glyphs: How many.
        pixels: Pixels per em that the masks were rendered at, before they were enlarged; None for `EM`.
    """

    name: str
    family: str
    kind: str
    ascent: int
    descent: int
    glyphs: int
    pixels: int | None = None


class AtlasFace:
    """The glyphs of one face; the arrays are mapped, so that processes share them."""

    def __init__(self, info: FaceInfo, stem: Path, rows: NDArray[np.int32]) -> None:
        self.info = info
        self._stem = stem
        self._rows = rows

    @cached_property
    def _table(self) -> NDArray[np.void]:
        return np.asarray(np.load(f"{self._stem}.glyphs.npy", mmap_mode="r"))

    @cached_property
    def _pixels(self) -> NDArray[np.uint8]:
        return np.asarray(np.load(f"{self._stem}.pixels.npy", mmap_mode="r"))

    def covers(self, number: int) -> bool:
        """Tell whether the face can draw a class."""
        return bool(self._rows[number] >= 0)

    def glyph(self, number: int) -> tuple[NDArray[np.uint8], int, int, float]:
        """Return (coverage (h, w), left, top, advance) of a class that the face covers."""
        _, offset, height, width, left, top, advance = self._table[self._rows[number]].item()
        return self._pixels[offset : offset + height * width].reshape(height, width), left, top, advance


@dataclass(frozen=True)
class Atlas:
    """All faces.

    Attributes:
        faces: In the order of the files.
        rows: int32 (faces, classes): row of a class in a face's table, -1 where it has no such glyph.
    """

    faces: tuple[AtlasFace, ...]
    rows: NDArray[np.int32]


def load(folder: Path) -> Atlas:
    """Open an atlas.

    Raises:
        TrainingError: There is none.
    """
    try:
        listed = json.loads((folder / "faces.json").read_text(encoding="utf-8"))
        # As a plain array over the mapping: `memmap` adds half a microsecond to every look.
        rows: NDArray[np.int32] = np.asarray(np.load(folder / "rows.npy", mmap_mode="r"))
    except FileNotFoundError:
        raise TrainingError(
            f"There is no glyph atlas in {folder}.", hint="Build it: crnn-ocr train prepare."
        ) from None
    faces = (AtlasFace(FaceInfo(**e), folder / f"{n:04d}", rows[n]) for n, e in enumerate(listed))
    return Atlas(tuple(faces), rows)


def index(folder: Path, characters: Sequence[str]) -> None:
    """Write `rows.npy`: where each class stands in each face's table."""
    listed = json.loads((folder / "faces.json").read_text(encoding="utf-8"))
    codes = np.array([ord(c) if len(c) == 1 else 0 for c in characters], np.int64)
    rows = np.full((len(listed), len(codes)), -1, np.int32)
    for number in range(len(listed)):
        table = np.load(folder / f"{number:04d}.glyphs.npy")["code"].astype(np.int64)
        at = np.minimum(np.searchsorted(table, codes), len(table) - 1)
        rows[number] = np.where(table[at] == codes, at, -1)
    np.save(folder / "rows.npy", rows)
