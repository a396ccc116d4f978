"""What a user brings: new characters, texts, labelled pictures of lines. All is checked on the way in."""

from __future__ import annotations

import unicodedata
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from crnn_ocr.errors import TrainingError
from crnn_ocr.training.data import labelled
from crnn_ocr.training.text.charset import spell
from crnn_ocr.training.types import Image

LONGEST_TEXT = 2_000_000
"""Characters of a text file that are used; adapting draws a few thousand lines."""

_STYLE_MARKS = dict.fromkeys((0xFE0E, 0xFE0F))
"""Variation selectors: text or emoji style, invisible by themselves."""


@dataclass(frozen=True)
class Picture:
    """A line picture and what it says.

    Attributes:
        name: Of the file, as listed.
        image: uint8 (H, W, 3) BGR.
        text: Its label.
    """

    name: str
    image: Image
    text: str


def is_private(character: str) -> bool:
    """Tell whether a character is of a private use area: it means what the user, or one font, says."""
    return unicodedata.category(character) == "Co"


def write_shorter(characters: Iterable[str], most: int = 20) -> str:
    """Return characters for a message, with their code points, the first `most` of them."""
    listed = list(dict.fromkeys(characters))
    shown = ", ".join(
        f"{c} (U+{ord(c):04X})" if c.isprintable() else f"U+{ord(c):04X}" for c in listed[:most]
    )
    return shown + (f" and {len(listed) - most} more" if len(listed) > most else "")


def read_new_characters(path: Path, known: frozenset[str]) -> tuple[str, ...]:
    """Return the characters of a list, one a row, that the recogniser does not know yet.

    Raises:
        TrainingError: A row holds more than one character, or none is new.
    """
    found: dict[str, None] = {}
    for number, row in labelled.rows(path, "The list of characters"):
        character = unicodedata.normalize("NFC", row.strip().translate(_STYLE_MARKS))
        if len(character) != 1 or not (character.isprintable() or is_private(character)):
            raise TrainingError(
                f"{path.name}, row {number}: {row.strip()[:20]!r} is not one printable character.",
                hint="Write one character a row; words go into a file for --text.",
            )
        if character not in known:
            found[character] = None
    if not found:
        raise TrainingError(
            f"The recogniser knows every character of {path.name} already.",
            hint="Leave --charset out; texts and pictures with these characters are still learnt.",
        )
    return tuple(found)


def speller(known: frozenset[str]) -> Callable[[str], str]:
    """Return what spells a text with the characters known, as far as that goes.

    Characters that are known stay; of the others, twins in print (`∙` and `·`) become the one that is known.
    White space becomes single spaces.
    """

    def respell(text: str) -> str:
        composed = unicodedata.normalize("NFC", text).translate(_STYLE_MARKS)
        out = []
        for character in composed:
            twin = spell(character) if character not in known and not character.isspace() else character
            out.append(twin if all(c in known for c in twin) else character)
        return " ".join("".join(out).split())

    return respell


def read_texts(paths: Sequence[Path], known: frozenset[str]) -> tuple[tuple[str, ...], Counter[str]]:
    """Return the usable lines of text files, and how often each character occurs that is not known.

    Raises:
        TrainingError: A file cannot be read, or no line can be used.
    """
    respell = speller(known)
    usable: dict[str, None] = {}
    unknown: Counter[str] = Counter()
    for path in paths:
        for _, line in labelled.rows(path, "The text", most=LONGEST_TEXT):
            spelt = respell(line)
            missing = [c for c in spelt if c not in known and c != " "]
            unknown.update(missing)
            if spelt and not missing:
                usable[spelt] = None
    if paths and not usable:
        names = ", ".join(path.name for path in paths)
        if unknown:
            raise TrainingError(
                f"Every line of {names} has a character that the recogniser lacks: {write_shorter(unknown)}.",
                hint="List those to be learnt in a file, one a row, and name it with --charset.",
            )
        raise TrainingError(
            f"There is no text in {names}.", hint="Give a file with lines as they are to be read."
        )
    return tuple(usable), unknown


def read_pictures(path: Path, known: frozenset[str]) -> tuple[Picture, ...]:
    """Read the pictures of a list, `file TAB text` a row; files are looked for beside the list.

    Raises:
        TrainingError: The list or a picture cannot be read, or a label has characters that are not known;
            the message names the row, or the characters.
    """
    listed = path / "labels.tsv" if path.is_dir() else path
    respell = speller(known)
    pictures: list[Picture] = []
    unknown: Counter[str] = Counter()
    for number, row in labelled.rows(listed, "The list of pictures"):
        where = f"{listed.name}, row {number}"
        file, label = labelled.entry(row, where)
        text = respell(label)
        unknown.update(c for c in text if c not in known and c != " ")
        pictures.append(Picture(file, labelled.picture(listed.parent / file, where), text))
    if not pictures:
        raise TrainingError(f"{listed} lists no picture.", hint="Write one row for each: file, TAB, text.")
    if unknown:
        raise TrainingError(
            f"Labels in {listed.name} have characters that the recogniser lacks: {write_shorter(unknown)}.",
            hint="Correct them, or list those to be learnt in a file, one a row, and name it with --charset.",
        )
    return tuple(pictures)


def rank(key: str) -> int:
    """Return a number that depends on a name alone, to order things as if at random."""
    return zlib.crc32(key.encode())


def held_out(key: str, share: float) -> bool:
    """Tell whether something is kept for validation: always the same things, whatever the order."""
    return rank(key) % 1000 < 1000 * share
