"""Tells how many lines of a searchable PDF common programs find in one piece."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness.engines import peer

_MUPDF = "import sys, pymupdf; sys.stdout.write('\\n'.join(p.get_text() for p in pymupdf.open(sys.argv[1])))"


@dataclass(frozen=True)
class Found:
    """How one program reads the text layers of one folder.

    Attributes:
        program: the program.
        dataset: the folder.
        lines: number of lines.
        unbroken: how many of them stand in one row of the program's text, as they are.
        despaced: how many would, if blanks did not count.
    """

    program: str
    dataset: str
    lines: int
    unbroken: int
    despaced: int


def poppler(path: Path) -> str:
    """Return the text that pdftotext finds."""
    done = subprocess.run(["pdftotext", "-enc", "UTF-8", path, "-"], capture_output=True, check=True)
    return done.stdout.decode()


def pdfium(path: Path) -> str:
    """Return the text that PDFium finds, which is what Chromium copies and searches."""
    import pypdfium2

    with pypdfium2.PdfDocument(path) as document:
        return "\n".join(page.get_textpage().get_text_range() for page in document)


def mupdf(path: Path) -> str:
    """Return the text that MuPDF finds; it runs in an environment of its own."""
    command = [str(peer("mupdf")), "-c", _MUPDF, str(path)]
    return subprocess.run(command, capture_output=True, check=True).stdout.decode()


def programs() -> dict[str, Callable[[Path], str]]:
    """Return the programs that are installed."""
    found: dict[str, Callable[[Path], str]] = {}
    if shutil.which("pdftotext"):
        found["poppler"] = poppler
    found["PDFium"] = pdfium
    if peer("mupdf").exists():
        found["MuPDF"] = mupdf
    return found


def count(program: str, dataset: str, pages: Iterable[tuple[Sequence[str], str]]) -> Found:
    """Count the lines that a program finds in one piece.

    Args:
        program: the program.
        dataset: the folder.
        pages: the lines of every page, and the text that the program found on it.
    """
    lines = unbroken = despaced = 0
    for wanted, text in pages:
        rows = [" ".join(row.split()) for row in text.splitlines()]
        tight = ["".join(row.split()) for row in rows]
        for line in wanted:
            lines += 1
            unbroken += any(" ".join(line.split()) in row for row in rows)
            despaced += any("".join(line.split()) in row for row in tight)
    return Found(program, dataset, lines, unbroken, despaced)


def rows(found: Sequence[Found], datasets: Sequence[str]) -> list[list[str]]:
    """Return the rows of a table: per program and folder the shares of unbroken lines, in per cent."""
    by_place: Mapping[tuple[str, str], Found] = {(one.program, one.dataset): one for one in found}
    made = []
    for program in dict.fromkeys(one.program for one in found):
        row = [program]
        for dataset in datasets:
            one = by_place.get((program, dataset))
            row.append(f"{_share(one.unbroken, one)} / {_share(one.despaced, one)}" if one else "–")
        made.append(row)
    return made


def _share(part: int, of: Found) -> str:
    return f"{100 * part / of.lines:.1f}" if of.lines else "–"
