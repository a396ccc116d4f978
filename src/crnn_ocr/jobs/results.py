"""Tells what a stored result is, by the format that was asked for and its first bytes. Pure functions."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from crnn_ocr.export import FORMATS
from crnn_ocr.jobs.records import Job, Problem
from crnn_ocr.jobs.tables.encoding import decode_problem, encode, encode_problem

#: Formats that every job writes, besides those that it was asked for.
ALWAYS = ("json", "text")
#: First bytes of an archive (APPNOTE.TXT, 4.3.7), and of one without files (4.3.16).
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
#: Bytes that `result_form` looks at.
HEAD = 4


#: Name of the file beside the results that tells which formats could not be written; no format has a dot.
PROBLEMS = "problems.json"


def encode_problems(problems: Mapping[str, Problem]) -> bytes:
    """Return why formats could not be written, by their names, as it is stored."""
    return encode({name: encode_problem(problem) for name, problem in problems.items()}).encode()


def decode_problems(stored: bytes) -> dict[str, Problem]:
    """Return what `encode_problems` was given."""
    found = ((name, decode_problem(problem)) for name, problem in json.loads(stored).items())
    return {name: problem for name, problem in found if problem is not None}


@dataclass(frozen=True, slots=True)
class ResultForm:
    """What a file with a result is.

    Attributes:
        name: Name under which it should be saved.
        media_type: Value of the Content-Type header.
    """

    name: str
    media_type: str


def formats_of(job: Job) -> tuple[str, ...]:
    """Return the formats in which the results of a job can be had."""
    return tuple(dict.fromkeys((*job.request.formats, *ALWAYS)))


def result_form(job: Job, fmt: str, head: bytes) -> ResultForm:
    """Return what the result of a job is: a file of the format, or an archive.

    A job of several files has an archive per format, with one entry per file. A job of one file has an
    archive only where the format has several parts, such as CSV with a file per table; Office formats look
    like archives themselves, but have no parts.

    Args:
        job: The job.
        fmt: Name of the format.
        head: The first `HEAD` bytes of the result.
    """
    writer = FORMATS[fmt]
    several = len(job.files) > 1
    stem = f"job-{job.id[:8]}" if several else stem_of(job.files[0].name)
    if several or (writer.write_parts is not None and head.startswith(_ZIP)):
        return ResultForm(f"{stem}{writer.suffix}.zip", "application/zip")
    return ResultForm(stem + writer.suffix, writer.media_type)


def entries_of(archive: Iterable[str], stems: Sequence[str], number: int) -> list[str]:
    """Return the entries of an archive of results that belong to one file.

    Args:
        archive: Names of all entries: the stem of the file, perhaps a part, and the suffix of the format.
        stems: The stems of all files; one may begin with another and a dot.
        number: Place of the file among them.
    """
    found = []
    for name in archive:
        owners = [place for place, stem in enumerate(stems) if name.startswith(f"{stem}.")]
        if owners and max(owners, key=lambda place: len(stems[place])) == number:
            found.append(name)
    return found


def stem_of(name: str) -> str:
    """Return the name of a file without its folders and its suffix."""
    last = name.rpartition("/")[2]
    stem = last.rpartition(".")[0]
    return stem.lstrip(".") or last.lstrip(".") or "document"


def unique_stems(names: list[str]) -> list[str]:
    """Return a name without suffix for each file: `scan` of `scan.pdf`, or `scan (2)` for the second one."""
    counts: Counter[str] = Counter()
    taken: set[str] = set()
    stems: list[str] = []
    for name in names:
        stem = stem_of(name).replace("\\", "_").strip(". ") or "document"
        unique = stem
        while unique.casefold() in taken:
            counts[stem.casefold()] += 1
            unique = f"{stem} ({counts[stem.casefold()] + 1})"
        taken.add(unique.casefold())
        stems.append(unique)
    return stems
