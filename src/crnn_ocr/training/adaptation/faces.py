"""The faces that lines are drawn with: the user's, and what is installed for all that those lack."""

from __future__ import annotations

import importlib.util
import random
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from fontTools.ttLib import TTFont, TTLibError
from numpy.typing import NDArray
from PIL import ImageFont

from crnn_ocr.errors import TrainingError
from crnn_ocr.training.adaptation.material import is_private
from crnn_ocr.training.render import fonts
from crnn_ocr.training.render.atlas import Atlas, AtlasFace, FaceInfo
from crnn_ocr.training.render.compose import Typesetter
from crnn_ocr.training.render.fonts import COMMON, Face
from crnn_ocr.training.render.rasterise import rasterise

_SUFFIXES = {".ttf", ".otf", ".ttc", ".woff", ".woff2"}
_MOST_IN_FILE = 64
CHINESE = "永国中文字"
"""A face with these draws Chinese."""
MIXING = "0Aa"
"""What a face must have to be mixed into lines of another (see `dataset`)."""

FONT_FOLDERS = (
    "~/.local/share/fonts",
    "~/.fonts",
    "/usr/local/share/fonts",
    "/usr/share/fonts",
    "~/Library/Fonts",
    "/Library/Fonts",
    "/System/Library/Fonts",
)
"""Where systems keep fonts."""

_PLACEHOLDERS = ("Last Resort", "Adobe Blank")
"""Faces that draw every character, and none."""

OWN = "own"
"""Kind of the user's faces."""


@dataclass(frozen=True)
class Glyphs:
    """Rendered glyphs.

    Attributes:
        atlas: Of all faces, the user's first.
        own: How many of them are the user's.
        ids: Character → column of the atlas.
        drawable: The characters that some face draws.
    """

    atlas: Atlas
    own: int
    ids: dict[str, int]
    drawable: frozenset[str]

    @property
    def chinese(self) -> bool:
        """Whether there is a face for Chinese."""
        return sum(c in self.drawable for c in CHINESE) >= 3

    def lacking(self, characters: Iterable[str]) -> list[str]:
        """Return the characters without a glyph in any face."""
        return [c for c in dict.fromkeys(characters) if c != " " and c not in self.drawable]


def user_faces(paths: Sequence[Path]) -> list[Face]:
    """Return the faces in font files, and in all font files of folders.

    Raises:
        TrainingError: A path does not exist, a folder holds no font, or a file is no font.
    """
    found: list[Face] = []
    for path in paths:
        if path.is_dir():
            files = sorted(p for p in path.rglob("*") if p.suffix.lower() in _SUFFIXES)
            if not files:
                raise TrainingError(
                    f"There is no font in {path}.", hint=f"Fonts end in {', '.join(sorted(_SUFFIXES))}."
                )
        elif path.is_file():
            files = [path]
        else:
            raise TrainingError(f"There is no font {path}.", hint="Check the path given to --fonts.")
        for file in files:
            found += _faces_of(file)
    return found


def _faces_of(path: Path) -> list[Face]:
    """Return the faces of one file, after a look at its table of characters and one glyph."""
    many = path.suffix.lower() == ".ttc"
    faces: list[Face] = []
    for number in range(_MOST_IN_FILE if many else 1):
        try:
            opened = ImageFont.truetype(str(path), 16, index=number, layout_engine=ImageFont.Layout.BASIC)
            with TTFont(path, fontNumber=number if many else -1, lazy=True) as tables:
                codes = tables.getBestCmap() or {}
        except (OSError, TTLibError, KeyError, AssertionError, ValueError) as error:
            if faces:
                break  # one after the last
            raise TrainingError(
                f"{path} cannot be used as a font: {_first_line(error)}.",
                hint="Give TrueType or OpenType files (ttf, otf, ttc, woff, woff2).",
            ) from error
        if not codes:
            raise TrainingError(
                f"{path} has no table that says which glyph is which character.",
                hint="Give a Unicode font; old symbol fonts have to be converted first.",
            )
        family, style = opened.getname()
        name = f"{family or path.stem} {style or ''}".strip()
        faces.append(Face(f"{name} ({path.name} {number})", family or path.stem, ((path, number),)))
    return faces


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def installed_faces(most: int = 4) -> list[Face]:
    """Return faces of this machine that draw ordinary text: `most` for Chinese, as many for Latin.

    Families of everyday print come first. Matplotlib, which the extra `train` brings, carries DejaVu, so that
    there always is one.
    """
    folders = [Path(name).expanduser() for name in FONT_FOLDERS]
    if sys.platform == "win32":
        folders.append(Path("C:/Windows/Fonts"))
    spec = importlib.util.find_spec("matplotlib")
    if spec is not None and spec.origin:
        folders.append(Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf")
    found = [
        face
        for folder in folders
        if folder.is_dir()
        for face in fonts.discover(folder)
        if face.pixels is None and not face.name.startswith(_PLACEHOLDERS)
    ]
    found.sort(key=lambda face: (face.family not in COMMON, _styled(face.name), face.name))
    chosen: dict[str, dict[str, Face]] = {"han": {}, "latin": {}}
    for face in found:
        kinds = [kind for kind, faces in chosen.items() if len(faces) < most and face.family not in faces]
        if not kinds:
            continue
        kind = _kind(face)
        if kind in kinds:
            chosen[kind][face.family] = face
        if all(len(faces) >= most for faces in chosen.values()):
            break
    return [*chosen["han"].values(), *chosen["latin"].values()]


def _styled(name: str) -> bool:
    """Tell whether a face is not the plain one of its family."""
    return any(
        style in name for style in ("Bold", "Italic", "Oblique", "Light", "Thin", "Black", "Condensed")
    )


def _kind(face: Face) -> str | None:
    path, number = face.files[0]
    try:
        with TTFont(path, fontNumber=number, lazy=True) as tables:
            codes = tables.getBestCmap() or {}
    except (OSError, TTLibError, KeyError, AssertionError, ValueError):
        return None
    if all(ord(c) in codes for c in CHINESE):
        return "han"
    return "latin" if all(code in codes for code in range(0x21, 0x7F)) else None


def render_glyphs(
    own: Sequence[Face], others: Sequence[Face], characters: Iterable[str], folder: Path
) -> Glyphs:
    """Render what the faces have of `characters`.

    Args:
        own: The user's faces.
        others: Faces for what those lack, and for lines of ordinary text; never for characters of the private
            use areas, which are something else in every font.
        characters: One code point each; others are passed over.
        folder: Where the glyphs are written to.
    """
    columns = [c for c in dict.fromkeys(characters) if len(c) == 1]
    ids = {character: number for number, character in enumerate(columns)}
    wanted = frozenset(ord(c) for c in columns if c != " ")
    public = frozenset(code for code in wanted if not is_private(chr(code)))
    codes = np.array([ord(c) for c in columns], np.int64)
    faces: list[AtlasFace] = []
    rows: list[NDArray[np.int32]] = []
    counted = 0
    for place, face in enumerate((*own, *others)):
        table, pixels, metrics = rasterise(face, wanted if place < len(own) else public)
        if not len(table):
            continue
        at = np.minimum(np.searchsorted(table["code"], codes), len(table) - 1)
        row = np.where(table["code"][at] == codes, at, -1).astype(np.int32)
        if place < len(own):
            kind, counted = OWN, counted + 1
        else:
            kind = "han" if sum(row[ids[c]] >= 0 for c in CHINESE if c in ids) >= 3 else "latin"
        stem = folder / f"{len(faces):04d}"
        np.save(f"{stem}.glyphs.npy", table)
        np.save(f"{stem}.pixels.npy", pixels)
        info = FaceInfo(face.name, face.family, kind, *metrics, len(table), face.pixels)
        faces.append(AtlasFace(info, stem, row))
        rows.append(row)
    if not faces:
        raise TrainingError(
            "No font on this machine can draw a single character.",
            hint="Name fonts with --fonts, or install some (Debian: fonts-dejavu-core, fonts-wqy-zenhei).",
        )
    atlas = Atlas(tuple(faces), np.stack(rows))
    covered = np.flatnonzero((atlas.rows >= 0).any(axis=0))
    drawable = frozenset(columns[number] for number in covered)
    return Glyphs(atlas, counted, ids, drawable)


class OwnFirst(Typesetter):
    """A typesetter that prefers the user's faces to the others.

    Single characters that the chosen face lacks are borrowed, from the user's faces where these have them.
    """

    def __init__(self, glyphs: Glyphs) -> None:
        numbers = range(len(glyphs.atlas.faces))
        super().__init__(glyphs.atlas, glyphs.ids, numbers)
        own, others = numbers[: glyphs.own], numbers[glyphs.own :]
        self._own = Typesetter(glyphs.atlas, glyphs.ids, own) if own else None
        self._others = Typesetter(glyphs.atlas, glyphs.ids, others) if others else None

    def pick(self, text: str, kind: str, rng: random.Random, *, tries: int = 8) -> AtlasFace | None:
        """Return a face that draws (nearly) all of a text, whatever its kind."""
        found = self._own.pick(text, OWN, rng, tries=4 * tries) if self._own else None
        if found is None and self._others:
            found = self._others.pick(text, kind, rng, tries=tries)
        return found

    def carrier(self, number: int, rng: random.Random) -> AtlasFace | None:
        """Return a face that draws a character."""
        found = self._own.carrier(number, rng) if self._own else None
        return found or (self._others.carrier(number, rng) if self._others else None)


def ordinary_setter(glyphs: Glyphs) -> Typesetter:
    """Return what sets ordinary text: in the other faces, or in the user's where there are no others."""
    numbers = range(len(glyphs.atlas.faces))
    if glyphs.own == len(numbers):
        return OwnFirst(glyphs)
    return Typesetter(glyphs.atlas, glyphs.ids, numbers[glyphs.own :])
