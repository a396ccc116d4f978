"""Lines of unlabelled pages to learn from: those on which recognisers agree, or of which one is sure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from crnn_ocr.errors import TrainingError
from crnn_ocr.models.registry import Pack, Registry
from crnn_ocr.training.adaptation.material import Picture, rank, speller
from crnn_ocr.training.labelling.lines import LabelledLine, read_lines
from crnn_ocr.training.labelling.pages import page_files
from crnn_ocr.training.labelling.run import TEACHERS, label

_LEAST_KNOWN = 200
"""All lines are learnt that the base reads otherwise, and as many others, but at least this number of them,
so that what is read well stays so."""


@dataclass(frozen=True)
class PageLines:
    """What pages gave.

    Attributes:
        pictures: Lines to learn from.
        told: What they are, in a sentence.
        left: What was left out and why, in sentences.
    """

    pictures: tuple[Picture, ...]
    told: str
    left: tuple[str, ...]


def read_pages(pages: Path, labels: Path, base: Pack, registry: Registry, known: frozenset[str]) -> PageLines:
    """Label the lines of pages, and choose those to learn from.

    Args:
        pages: Folder with pictures and PDFs.
        labels: Folder that keeps the labels, so that an interrupted run goes on.
        base: The pack that is adapted; it is one of the readers if it is installed.
        registry: Where the readers are found.
        known: Characters that the adapted pack will have.

    Raises:
        TrainingError: There is no page, the labels are of other readers, or no line can be used.
    """
    teachers, own = _teachers(base, registry)
    counts = label(pages, labels, teachers=teachers, registry=registry)
    respell = speller(known)
    differing: list[Picture] = []
    agreeing: list[Picture] = []
    unknown = 0
    names = {file.name for file in page_files(pages)}
    paths = [path for path in sorted(labels.glob("*.zip")) if path.stem.rpartition("-")[0] in names]
    for path in paths:
        for number, line in enumerate(read_lines(path)):
            if len(line.readings) != len(teachers):
                raise TrainingError(f"{labels} holds labels of other readers.", hint="Delete it.")
            text = respell(line.label.text)
            if any(character not in known and character != " " for character in text):
                unknown += 1
            elif text:
                picture = Picture(f"{path.stem}/{number}", line.picture, text)
                (agreeing if _reads(line, own, text, respell) else differing).append(picture)
    agreeing.sort(key=lambda picture: rank(picture.name))
    pictures = (*differing, *agreeing[: max(_LEAST_KNOWN, len(differing))])
    if not pictures:
        raise TrainingError(
            f"No line of {pages} can be learnt from: the readers agree nowhere, and none is sure.",
            hint="Show sharper scans, or label pictures of lines and name the list with --images.",
        )
    lines = sum(counts.values()) - counts["unreadable"]
    told = (
        f"{len(pictures)} of {lines} lines of pages: all {len(differing)} that the base does not read as the"
        f" label says, and {len(pictures) - len(differing)} that it does"
    )
    left = []
    if counts["none"]:
        left.append(f"{counts['none']} lines of the pages were left out: readers differ, and none is sure.")
    if unknown:
        left.append(f"{unknown} lines of the pages have characters that the recogniser lacks.")
    if counts["unreadable"]:
        left.append(f"{counts['unreadable']} files of the pages could not be read.")
    return PageLines(pictures, told, tuple(left))


def _teachers(base: Pack, registry: Registry) -> tuple[list[str], int | None]:
    """Return the readers' packs, the most accurate first, and which of them is the base, if any is."""
    names = [registry.find(name, "rec").manifest.name for name in TEACHERS]
    installed = [pack.manifest.name for pack in registry.packs() if pack.folder == base.folder]
    teachers = list(dict.fromkeys(names + installed))
    own = base.manifest.name if base.manifest.name in teachers else None
    return teachers, None if own is None else teachers.index(own)


def _reads(line: LabelledLine, own: int | None, text: str, respell: Callable[[str], str]) -> bool:
    """Return whether the base reads a line as its label says."""
    return own is not None and respell(line.readings[own].text) == text
