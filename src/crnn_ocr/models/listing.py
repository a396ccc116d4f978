"""What there is to choose from, for people and programs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from crnn_ocr.models.catalogue import Listing
from crnn_ocr.models.registry import ALIASES, BUNDLED, Pack
from crnn_ocr.runtime.cpu import has_dot_products

_CARD_EXCERPT = 400


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A pack that can be used.

    Attributes:
        name: Of the pack; answers name `name/version`.
        version: Of the pack.
        kind: "rec" or "det".
        title: What it is, for people.
        languages: Language tags, such as "zh-Hant".
        licence: Of the weights.
        precision: Arithmetic that it is used with here: "int8" or "fp32".
        aliases: Names for what it is good at, which stand for it.
        bundled: Whether it came with the program.
        active: Whether it is used where none is named.
        loaded: Whether it is in the memory of this process.
        card: The first words of its card; empty without one.
    """

    name: str
    version: str
    kind: str
    title: str
    languages: tuple[str, ...]
    licence: str
    precision: str
    aliases: tuple[str, ...]
    bundled: bool
    active: bool
    loaded: bool
    card: str


@dataclass(frozen=True, slots=True)
class ModelList:
    """What there is.

    Attributes:
        models: Packs that can be used, sorted by name.
        broken: Names of folders whose packs are not whole, for example because they are still being copied,
            and what is wrong with each.
    """

    models: tuple[ModelInfo, ...]
    broken: tuple[tuple[str, str], ...]


def describe(listing: Listing, precision: str, active: Collection[str], loaded: Collection[str]) -> ModelList:
    """Describe the packs of a listing.

    Args:
        listing: From the catalogue.
        precision: The setting: "auto", "int8" or "fp32".
        active: Names of the packs that are used where none is named.
        loaded: Names of the packs that are in memory.
    """
    return ModelList(
        tuple(
            _info(
                pack,
                precision,
                active=pack.manifest.name in active,
                loaded=pack.manifest.name in loaded,
            )
            for pack in listing.packs
        ),
        # Where the folder of the packs lies is nobody's business.
        tuple((folder.name, problem.replace(f"{folder}/", "")) for folder, problem in listing.broken),
    )


def _info(pack: Pack, precision: str, *, active: bool, loaded: bool) -> ModelInfo:
    found = pack.manifest
    int8 = found.precision == "int8" and (precision == "int8" or (precision == "auto" and has_dot_products()))
    return ModelInfo(
        name=found.name,
        version=found.version,
        kind=found.kind,
        title=found.title,
        languages=found.languages,
        licence=found.licence,
        precision="int8" if int8 else "fp32",
        aliases=tuple(alias for alias, of in ALIASES.items() if of == found.name),
        bundled=pack.folder.parent == BUNDLED,
        active=active,
        loaded=loaded,
        card=_excerpt(pack.folder / "CARD.md"),
    )


def _excerpt(card: Path) -> str:
    """The first paragraph below a card's title, on one line."""
    try:
        with card.open(encoding="utf-8", errors="replace") as stream:
            paragraphs = stream.read(8 * _CARD_EXCERPT).split("\n\n")
    except OSError:
        return ""
    first = next((one for one in paragraphs if one.strip() and not one.lstrip().startswith("#")), "")
    text = " ".join(first.split())
    return text if len(text) <= _CARD_EXCERPT else text[: _CARD_EXCERPT - 1].rsplit(" ", 1)[0] + " …"
