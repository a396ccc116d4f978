"""Builds a glyph atlas: renders the glyphs of every face with FreeType, and leaves out what would lie."""

from __future__ import annotations

import hashlib
import json
import re
import struct
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from fontTools.ttLib import TTFont, TTLibError
from numpy.typing import NDArray
from PIL import ImageFont
from tqdm import tqdm

from crnn_ocr.errors import TrainingError
from crnn_ocr.training.render.atlas import EM, GLYPH, FaceInfo, index
from crnn_ocr.training.render.fonts import Face, LeftOut, summary

_SMALL_LETTERS = frozenset((*range(0x61, 0x7B), *range(0xDF, 0x100)))
_SEGMENTS = re.compile(r"DSEG")
"""Seven- and fourteen-segment displays: their letters are rather signs for letters."""
NONCHARACTER = 0xFFFF
"""What a file without a table of characters draws for this, it draws for all that it lacks."""
TOFU_REPEATS = 4
"""A mask that so many ideographs share is a placeholder, not a glyph."""
CHINESE_GLYPHS = 1500
FACES = "faces.json"
TOO_LITTLE = f"without all ten digits and without {CHINESE_GLYPHS:,} Chinese characters"
"""Why a face that draws something is of no use."""


@dataclass(frozen=True)
class Built:
    """The outcome of building an atlas.

    Attributes:
        faces: Those of the atlas, in its order.
        left_out: What was given as left out, and faces that draw too little.
    """

    faces: list[FaceInfo]
    left_out: list[LeftOut]


def build(
    faces: Sequence[Face], characters: Sequence[str], folder: Path, left_out: Iterable[LeftOut] = ()
) -> Built:
    """Render every face's share of `characters` into an atlas; faces that draw too little are left out.

    The atlas that `folder` holds already is replaced when the new one is whole, and otherwise left as it is.

    Args:
        faces: To be rendered.
        characters: Text of every class.
        folder: Of the atlas.
        left_out: What is no face to begin with, to be told of together with what turns out to be none.

    Raises:
        TrainingError: No face is left.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = frozenset(ord(c) for c in characters if c and c != " ")
    infos: list[FaceInfo] = []
    passed_over = list(left_out)
    with tempfile.TemporaryDirectory(prefix="part-", dir=folder) as name:
        partial = Path(name)
        for face in tqdm(faces, desc="glyphs", unit="face"):
            glyphs, masks, metrics = rasterise(face, wanted)
            codes = {int(code) for code in glyphs["code"]}
            kind = kind_of(codes)
            if kind is None:
                why = TOO_LITTLE if codes else "of which no glyph can be drawn"
                passed_over.append(LeftOut(face.name, why))
                continue
            stem = partial / f"{len(infos):04d}"
            np.save(f"{stem}.glyphs.npy", glyphs)
            np.save(f"{stem}.pixels.npy", masks)
            infos.append(FaceInfo(face.name, face.family, kind, *metrics, len(glyphs), face.pixels))
        if not infos:
            told = "; ".join(summary(passed_over)) or "there are no font files"
            raise TrainingError(
                f"No font can be used: {told}.",
                hint=f"Give .ttf, .otf, .ttc, .otb, .woff2 or .pcf files whose faces draw the ten digits or"
                f" {CHINESE_GLYPHS:,} Chinese characters; crnn-ocr train fetch --kind fonts brings some.",
            )
        (partial / FACES).write_text(
            json.dumps([asdict(i) for i in infos], ensure_ascii=False, indent=1), encoding="utf-8"
        )
        index(partial, characters)
        _replace(folder, partial)
    return Built(infos, passed_over)


def _replace(folder: Path, partial: Path) -> None:
    """Put a new atlas in the place of an old one; the list of faces, without which there is none, last."""
    (folder / FACES).unlink(missing_ok=True)
    for old in folder.glob("[0-9]*.npy"):
        old.unlink()
    for new in sorted(partial.iterdir(), key=lambda path: path.name == FACES):
        new.replace(folder / new.name)


def kind_of(codes: set[int]) -> str | None:
    """Return the kind of a face by the code points that it draws; None when it is of no use."""
    letters = sum(c in codes for c in range(0x41, 0x5B))
    digits = sum(c in codes for c in range(0x30, 0x3A))
    if sum(0x4E00 <= c <= 0x9FFF for c in codes) >= CHINESE_GLYPHS:
        return "han"
    if letters == 26 and digits == 10:
        return "latin"
    if digits == 10:
        return "digits"
    return None


Drawn = tuple[NDArray[np.uint8], int, int, float]
"""Coverage (h, w), left, top, advance."""


def _draw(font: ImageFont.FreeTypeFont, code: int) -> Drawn | None:
    """Render a glyph; None when it is empty or out of all proportion."""
    text = chr(code)
    try:
        mask, (left, top) = font.getmask2(text, mode="L", anchor="ls")
    except OSError:
        return None
    width, height = mask.size
    if not 0 < width <= 4 * EM or not 0 < height <= 4 * EM:
        return None
    coverage = np.array(mask, np.uint8).reshape(height, width)
    return (coverage, left, top, font.getlength(text)) if coverage.max() > 64 else None


def _same(glyph: Drawn, other: Drawn | None) -> bool:
    return other is not None and np.array_equal(glyph[0], other[0])


def mapped(path: Path, number: int) -> tuple[frozenset[int] | None, float, float]:
    """Return (code points with a glyph, or None where the file does not tell; ascent and descent in em)."""
    if path.suffix == ".pcf":
        return None, 0.86, 0.14
    with TTFont(path, fontNumber=number, lazy=True) as opened:
        codes = {code for code, name in (opened.getBestCmap() or {}).items() if name != ".notdef"}
        scale = 1 / opened["head"].unitsPerEm
        return frozenset(codes), opened["hhea"].ascent * scale, -opened["hhea"].descent * scale


def _enlarged(glyph: Drawn, factor: float) -> Drawn:
    """Scale a glyph; whole factors keep every pixel a square."""
    mask, left, top, advance = glyph
    whole = factor.is_integer()
    size = (max(1, round(mask.shape[1] * factor)), max(1, round(mask.shape[0] * factor)))
    scaled = cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST if whole else cv2.INTER_LINEAR)
    return scaled.astype(np.uint8), round(left * factor), round(top * factor), advance * factor


def rasterise(
    face: Face, wanted: frozenset[int]
) -> tuple[NDArray[np.void], NDArray[np.uint8], tuple[int, int]]:
    """Return (table, flat masks, (ascent, descent)) of a face, without empty glyphs and placeholders."""
    drawn: dict[int, Drawn] = {}
    metrics = (EM, 0)
    size = face.pixels or EM
    for path, number in face.files:
        try:
            font = ImageFont.truetype(str(path), size, index=number, layout_engine=ImageFont.Layout.BASIC)
            has, ascent, descent = mapped(path, number)
        except (OSError, TTLibError, KeyError, AssertionError, ValueError, struct.error):
            continue  # a broken piece; what it would have drawn, another face draws
        metrics = (round(ascent * EM), round(descent * EM))
        codes = wanted - drawn.keys() if has is None else wanted & has - drawn.keys()
        missing = _draw(font, NONCHARACTER) if has is None else None
        found = ((code, _draw(font, code)) for code in codes)
        drawn.update((code, g) for code, g in found if g is not None and not _same(g, missing))
    if size != EM:
        drawn = {code: _enlarged(glyph, EM / size) for code, glyph in drawn.items()}
    dropped = _placeholders(drawn)
    if one_case({code: mask for code, (mask, *_) in drawn.items() if code < 0x80}):
        dropped |= drawn.keys() & _SMALL_LETTERS
    if _SEGMENTS.search(face.name):
        dropped |= {code for code in drawn if chr(code).isalpha()}
    for code in dropped:
        del drawn[code]
    table = np.zeros(len(drawn), GLYPH)
    masks, offset = [np.empty(0, np.uint8)], 0
    for row, code in enumerate(sorted(drawn)):
        coverage, left, top, advance = drawn[code]
        table[row] = (code, offset, *coverage.shape, left, top, advance)
        masks.append(coverage.ravel())
        offset += coverage.size
    return table, np.concatenate(masks), metrics


def one_case(masks: Mapping[int, NDArray[np.uint8]]) -> bool:
    """Tell whether small letters look like capitals (small caps, unicase), which would make labels lie."""
    alike = compared = 0
    for letter in "abdefghnqrt":
        small, capital = masks.get(ord(letter)), masks.get(ord(letter.upper()))
        if small is None or capital is None:
            continue
        compared += 1
        scaled = (
            cv2.resize(small, capital.shape[::-1], interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
        )
        wanted = capital.astype(np.float32).ravel()
        norm = float(np.linalg.norm(scaled) * np.linalg.norm(wanted))
        alike += float(scaled @ wanted) > 0.88 * norm
    return compared >= 6 and alike >= 0.6 * compared


def _placeholders(drawn: Mapping[int, Drawn]) -> set[int]:
    """Return the ideographs whose mask too many others share."""
    digests = {
        code: hashlib.blake2b(mask.tobytes(), digest_size=8).digest()
        for code, (mask, *_) in drawn.items()
        if 0x4E00 <= code <= 0x9FFF
    }
    counts = Counter(digests.values())
    return {code for code, digest in digests.items() if counts[digest] >= TOFU_REPEATS}
