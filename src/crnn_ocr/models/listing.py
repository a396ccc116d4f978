"""Describes the installed packs for people and programs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from crnn_ocr.models.catalogue import Listing
from crnn_ocr.models.manifest import PrecisionChoice
from crnn_ocr.models.prepare import precision_for
from crnn_ocr.models.registry import BUNDLED, Pack, aliases_of

_CARD_EXCERPT = 400


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A usable pack.

    Attributes:
        name: Name of the pack; answers give `name/version`.
        version: Version of the pack.
        kind: "rec", "det" or "table".
        title: Description for people.
        languages: Language tags, such as "zh-Hant".
        licence: Licence of the weights.
        precision: Arithmetic that it uses on this machine: "int8" or "fp32".
        aliases: Other names that stand for it, such as "accurate".
        bundled: Whether it came with the program.
        active: Whether it is used when a request names none.
        loaded: Whether it is in the memory of this process.
        card: The first words of its card; empty without a card.
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
    """The installed packs.

    Attributes:
        models: Usable packs, sorted by name.
        broken: Names of folders whose packs are incomplete or damaged, each with the reason. A pack that is
            still being copied is one of them.
    """

    models: tuple[ModelInfo, ...]
    broken: tuple[tuple[str, str], ...]


def describe(
    listing: Listing,
    precision: PrecisionChoice,
    active: Collection[str],
    loaded: Collection[str],
) -> ModelList:
    """Describe the packs of a listing.

    Args:
        listing: The catalogue's listing.
        precision: The setting `precision`: "auto", "int8" or "fp32".
        active: Names of the packs that are used when a request names none.
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
        # The path of the folder is not disclosed to clients.
        tuple((folder.name, problem.replace(f"{folder}/", "")) for folder, problem in listing.broken),
    )


def _info(pack: Pack, precision: PrecisionChoice, *, active: bool, loaded: bool) -> ModelInfo:
    found = pack.manifest
    int8 = found.precision == "int8" and precision_for(found, precision) == "int8"
    return ModelInfo(
        name=found.name,
        version=found.version,
        kind=found.kind,
        title=found.title,
        languages=found.languages,
        licence=found.licence,
        precision="int8" if int8 else "fp32",
        aliases=aliases_of(found.name),
        bundled=pack.folder.parent == BUNDLED,
        active=active,
        loaded=loaded,
        card=_excerpt(pack),
    )


def _excerpt(pack: Pack) -> str:
    """Return the first paragraph below the title of a pack's card, on one line; it has to be in the pack."""
    card = pack.folder / "CARD.md"
    if not pack.holds(card):
        return ""
    try:
        with card.open(encoding="utf-8", errors="replace") as stream:
            paragraphs = stream.read(8 * _CARD_EXCERPT).split("\n\n")
    except OSError:
        return ""
    first = next((one for one in paragraphs if one.strip() and not one.lstrip().startswith("#")), "")
    text = " ".join(first.split())
    return text if len(text) <= _CARD_EXCERPT else text[: _CARD_EXCERPT - 1].rsplit(" ", 1)[0] + " …"
