"""What was measured of a pack: a JSON file, and the tables that its card shows of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from crnn_ocr.errors import TrainingError
from crnn_ocr.models.manifest import Precision

Share = Annotated[float, Field(ge=0)]


class Accuracy(BaseModel):
    """The accuracy on one set of labelled lines.

    Attributes:
        set: Its name.
        precision: Of the network.
        lines: How many.
        cer: Edits per character of the truth, white space aside; 0 upwards.
        exact: Share of lines without an error, white space aside; 0 to 1.
        ignore_case: Whether case was ignored.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    set: str
    precision: Precision
    lines: Annotated[int, Field(ge=1)]
    cer: Share
    exact: Annotated[float, Field(ge=0, le=1)]
    ignore_case: bool = False


class Cost(BaseModel):
    """The time of a line of 48×320 pixels, or of the same shape at the network's height.

    Attributes:
        precision: Of the network.
        threads: Of ONNX Runtime.
        cpu_ms: CPU time of all threads in milliseconds, median.
        wall_ms: Time that passed in milliseconds, median.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    precision: Precision
    threads: Annotated[int, Field(ge=1)]
    cpu_ms: Annotated[float, Field(gt=0)]
    wall_ms: Annotated[float, Field(gt=0)]


class Measurements(BaseModel):
    """All that was measured.

    Attributes:
        machine: CPU and what else matters.
        accuracy: One entry per set and precision.
        cost: One entry per precision and number of threads.
        remarks: Sentences that belong below the tables.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    machine: str = ""
    accuracy: tuple[Accuracy, ...] = ()
    cost: tuple[Cost, ...] = ()
    remarks: str = ""


def read(path: Path) -> Measurements:
    """Read a file of measurements.

    Raises:
        TrainingError: It is missing or malformed; the first wrong field is named.
    """
    try:
        return Measurements.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise TrainingError(f"The measurements {path} cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise TrainingError(f"The measurements {path}: {place}: {first['msg']}.") from None
    except ValueError as error:
        raise TrainingError(f"The measurements {path} are no JSON: {error}.") from error


def write(measured: Measurements, path: Path) -> None:
    """Write a file that `read` reads."""
    path.write_text(measured.model_dump_json(indent=2) + "\n", encoding="utf-8")


def tables(measured: Measurements) -> str:
    """Return the section of a card, without its heading, as Markdown."""
    parts = []
    if measured.accuracy:
        parts.append(
            "Character error rate / lines without an error, white space aside; NFKC, dashes, quotes folded."
        )
        parts.append(_accuracy(measured.accuracy))
    if measured.cost:
        machine = f" {measured.machine}." if measured.machine else ""
        parts.append(f"One line of 48×320 pixels, median:{machine}")
        rows = [["precision", "threads", "CPU ms", "wall ms"]]
        rows += [
            [c.precision.upper(), str(c.threads), f"{c.cpu_ms:.2f}", f"{c.wall_ms:.2f}"]
            for c in measured.cost
        ]
        parts.append(table(rows))
    if measured.remarks:
        parts.append(measured.remarks)
    return "\n\n".join(parts) + "\n"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; the first row is its head."""
    head, *body = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([head, "|" + "---|" * len(rows[0]), *body])


def _accuracy(entries: Sequence[Accuracy]) -> str:
    precisions = sorted({entry.precision for entry in entries}, reverse=True)
    rows = [["set", "lines", *(precision.upper() for precision in precisions)]]
    for name in dict.fromkeys(entry.set for entry in entries):
        found = {entry.precision: entry for entry in entries if entry.set == name}
        any_one = next(iter(found.values()))
        cells = [
            f"{100 * found[p].cer:.2f} % / {100 * found[p].exact:.1f} %" if p in found else ""
            for p in precisions
        ]
        case = " (without case)" if any_one.ignore_case else ""
        rows.append([name + case, str(any_one.lines), *cells])
    return table(rows)
