"""Finds the faces among fetched font files: names, pieces of split web fonts, families that are held out.

A *face* is one design at one weight, in one or several files (web fonts come split into a hundred pieces by
Unicode range). A *family* is all its weights; what is held out for evaluation is held out by family.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path

from PIL import ImageFont

_SUFFIXES = {".ttf", ".otf", ".ttc", ".otb", ".woff2", ".pcf"}
_OTHER_SUFFIXES = {".woff", ".otc", ".dfont", ".pfa", ".pfb", ".bdf", ".eot"}
"""Fonts too, but not read: packages carry them besides the same faces in a kind that is."""
_BITMAP_SIZES = range(10, 25)
SCREEN_SIZES = (12, 16)
"""Pixels per em at which the Chinese families of screens are rendered, hinted, besides their outlines."""
_PIECE = re.compile(
    r"[-_.](?:subset-)?(?:(?!\d00-normal)\d{1,3}|[0-9a-f]{6}"
    r"|chinese-simplified|chinese-traditional|chinese-hongkong|japanese|korean"
    r"|latin-ext|latin|cyrillic-ext|cyrillic|greek-ext|greek|vietnamese)(?=[-_.]|$)"
)
_HASH = re.compile(r"[0-9a-f]{20,}")
_WEIGHT = re.compile(
    r"[-_ ](?:thin|extra-?light|ultralight|light|demilight|normal|regular|book|medium|semi-?bold|demi-?bold"
    r"|demi|bold|extra-?bold|black|heavy|italic|oblique|bolditalic|lightitalic|\d00)$",
    re.IGNORECASE,
)
_SKIPPED = re.compile(
    r"CJK (?:HK|KR)|Mono CJK|CJK (?:TC|JP) (?:Thin|DemiLight|Medium|ExtraLight|Light|SemiBold|Black)"
    r"|MBE|UKai (?:HK|TW)|UMing (?:HK|TW)|Ext-B|TW-\w+-Plus|HanaMinB|Unifont Upper|UnifontExMono|CSUR"
    r"|Junicode.*(?:Expanded|Semi|Medium|Light)|Symbol|Dingbat|D050000L|Math|Keyboard O|Initials O"
    r"|MisansTC-(?:Thin|ExtraLight|Normal|Medium|Demibold|Semibold|Light|Heavy)"
    r"|MiSans-(?:ExtraLight|Normal|Demibold)|MiSans(?:Arabic|Devanagari|Gurmukhi)"
    r"|MapleMono-CN-(?:Thin|ExtraLight|Medium|SemiBold|ExtraBold|\w+Italic)|monotc|Mono TC|LXGW WenKai Mono"
    r"|Junkyard|Konatu Tohaba|DSEG\d* Weather|7SEGGCHAN|-subset$|^hack-|Monoisome|-[235]00-normal|Un ?Jamo"
    r"|OCR B (?:Inverted|Outline)|Humor Sans|Roman Caps|Mono Caps",
    re.IGNORECASE,
)
"""Variants of what is drawn anyway, and faces whose glyphs are not the characters that they stand for."""


@dataclass(frozen=True)
class Face:
    """One design at one weight.

    Attributes:
        name: Unique, printable.
        family: What its weights share.
        files: (path, index in the file) of every piece.
        pixels: Pixels per em where the face is to be rendered small, as screens do; None for any size.
    """

    name: str
    family: str
    files: tuple[tuple[Path, int], ...] = field(repr=False)
    pixels: int | None = None


@dataclass(frozen=True)
class LeftOut:
    """A font file or a face that is not drawn with.

    Attributes:
        name: Of the file or the face.
        why: To be read after the name.
    """

    name: str
    why: str


def summary(left_out: Iterable[LeftOut], most: int = 3) -> list[str]:
    """Return a phrase for every reason: how many, why, and the names of the first `most` of them."""
    names: dict[str, list[str]] = {}
    for one in left_out:
        names.setdefault(one.why, []).append(one.name)
    return [
        f"{len(found)} {why}: {', '.join(found[:most])}{' …' if len(found) > most else ''}"
        for why, found in names.items()
    ]


def discover(root: Path) -> list[Face]:
    """Return the faces in all font files under `root`; files that FreeType cannot open are left out."""
    return survey(root)[0]


def survey(root: Path) -> tuple[list[Face], list[LeftOut]]:
    """Return the faces in all font files under `root`, and the files and faces that are left out."""
    found: dict[tuple[str, str], list[tuple[Path, int]]] = {}
    families: dict[tuple[str, str], str] = {}
    left_out: list[LeftOut] = []
    files = sorted(p for p in root.rglob("*") if p.is_file() and not p.is_symlink())
    left_out += [
        LeftOut(path.name, f"of a kind that is not read ({path.suffix.lower()})")
        for path in files
        if path.suffix.lower() in _OTHER_SUFFIXES and not _read_otherwise(path)
    ]
    for path in (p for p in files if p.suffix.lower() in _SUFFIXES):
        package = path.relative_to(root).parts[0]
        named = list(_names(path))
        if not named:
            left_out.append(LeftOut(path.name, "that cannot be opened"))
        for index, name, family in named:
            if _SKIPPED.search(name):
                left_out.append(LeftOut(name, "whose name is on the list of variants and symbols"))
                continue
            key = (package, name)
            found.setdefault(key, []).append((path, index))
            families[key] = family
    faces: dict[str, Face] = {}
    for (package, name), pieces in sorted(found.items()):
        family = families[package, name]
        if pieces[0][0].suffix == ".pcf":
            name = f"{name} {pieces[0][1]}px"
            faces.setdefault(name, Face(name, family, ((pieces[0][0], 0),), pieces[0][1]))
            continue
        if name in faces:
            left_out.append(LeftOut(f"{name} ({package})", "of a name that another package has too"))
            continue
        faces[name] = Face(name, family, tuple(pieces))
        if family in SCREEN and _SCREEN_STYLE.search(name):
            for pixels in SCREEN_SIZES:
                small = f"{name} {pixels}px"
                faces.setdefault(small, Face(small, f"{family} small", tuple(pieces), pixels))
    return list(faces.values()), left_out


def _read_otherwise(path: Path) -> bool:
    """Tell whether the same font lies beside it in a kind that is read."""
    return any(path.with_suffix(suffix).is_file() for suffix in _SUFFIXES)


def _names(path: Path) -> Iterator[tuple[int, str, str]]:
    """Give (index, face name, family) of every face in a file."""
    if path.suffix == ".pcf":
        for pixels in _BITMAP_SIZES:
            try:
                family, style = ImageFont.truetype(str(path), pixels).getname()
            except OSError:
                continue
            yield pixels, f"{family} {style} {path.stem}", _bare(family or path.stem)
        return
    if path.suffix == ".woff2":
        stem = _HASH.sub("", path.stem)
        stem = _PIECE.sub("", stem) if stem else path.parent.name
        if stem.lower() in {"thin", "light", "regular", "medium", "semibold", "bold", "black"}:
            stem = f"{path.parents[2].name}-{stem}"
        yield 0, stem, _bare(stem)
        return
    for index in range(64 if path.suffix == ".ttc" else 1):
        try:
            family, style = ImageFont.truetype(str(path), 16, index=index).getname()
        except OSError:
            return
        family = family or path.stem
        yield index, f"{family} {style or 'Regular'}", _bare(family)


def _bare(name: str) -> str:
    """Return a family name without weight, optical size and script."""
    name = name.removesuffix("-normal")
    while (shorter := _WEIGHT.sub("", name)) != name:
        name = shorter
    return re.sub(r" CJK (?:SC|TC|JP)$", " CJK", name)


COMMON = frozenset(
    {
        "Noto Sans CJK",
        "Noto Serif CJK",
        "MiSans",
        "WenQuanYi Zen Hei",
        "WenQuanYi Micro Hei",
        "WenQuanYi Bitmap Song",
        "FandolSong",
        "FandolHei",
        "FandolFang",
        "AR PL UMing CN",
        "AR PL UKai CN",
        "AR PL KaitiM GB",
        "AR PL SungtiL GB",
        "TW-Sung",
        "TW-Kai",
        "BabelStone Han",
        "Liberation Sans",
        "Liberation Serif",
        "Nimbus Sans",
        "Nimbus Roman",
        "Nimbus Mono PS",
        "DejaVu Sans",
        "Carlito",
        "Roboto",
        "Open Sans",
        "OCR B",
        "Liberation Mono",
    }
)
"""Families of the styles that most print and most screens are set in; drawn four times as often."""

SONG = frozenset(
    {
        "AR PL SungtiL GB",
        "AR PL UMing CN",
        "FandolSong",
        "TW-Sung",
        "BabelStone Han",
        "Noto Serif CJK",
        "cwTeXMing",
    }
)
"""Families of Chinese body type."""

ROMAN = frozenset(
    {"Liberation Serif", "Nimbus Roman", "TeX Gyre Termes", "Tinos", "FreeSerif", "Latin Modern Roman"}
)
"""Families in which word processors and LaTeX set Latin letters among it."""

DISPLAY = frozenset(
    {
        "dela-gothic-one",
        "huninn",
        "iansui",
        "kaisei-opti",
        "liu-jian-mao-cao",
        "long-cang",
        "lxgw-marker-gothic",
        "ma-shan-zheng",
        "mochiy-pop-one",
        "MaokenAssortedSans1.30",
        "MotoyaLMaru",
        "Smiley Sans",
        "wdxl-lubrifont-sc",
        "wdxl-lubrifont-tc",
        "yusei-magic",
        "zcool-kuaile",
        "zcool-qingke-huangyou",
        "zhi-mang-xing",
        "zen-maru-gothic",
        "cwTeXYen",
        "江西拙楷",
        "鸿雷行书简体",
        "Bebas Neue",
        "Breip",
        "Comic Neue",
        "Dancing Script",
        "Domestic Manners",
        "El Abogado Loco",
        "Isabella",
        "It wasn't me",
        "Jura",
        "Linux Libertine Display O",
        "Lobster Two",
        "Penguin Attack",
        "Play",
        "Prociono",
        "Quicksand",
        "Rufscript",
        "TeX Gyre Adventor",
        "TeX Gyre Bonum",
        "TeX Gyre Chorus",
        "Tomson Talks",
        "URW Bookman",
        "URW Gothic",
        "Z003",
        "okolaks",
    }
)
"""Families of signs, posters and packages."""


SCREEN = frozenset(
    {
        "Noto Sans CJK",
        "Noto Serif CJK",
        "MiSans",
        "WenQuanYi Zen Hei",
        "WenQuanYi Micro Hei",
        "AR PL UMing CN",
        "AR PL UKai CN",
        "FandolSong",
        "Liberation Sans",
        "Liberation Serif",
        "DejaVu Sans",
        "Roboto",
        "Open Sans",
        "Carlito",
    }
)
"""Families that are rendered small as well."""
_SCREEN_STYLE = re.compile(
    r"(?:SC |CN |Hei |Song |Sans |Serif |Roboto |Carlito |MiSans-)(?:Regular|Light|Book)$"
)


@cache
def held_out() -> frozenset[str]:
    """Return the families of `heldout_fonts.txt`, which training never sees."""
    listed = resources.files(__package__).joinpath("heldout_fonts.txt").read_text(encoding="utf-8")
    return frozenset(line for line in listed.splitlines() if line and not line.startswith("#"))
