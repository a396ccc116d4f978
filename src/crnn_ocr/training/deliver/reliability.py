"""Writes a calibration into a pack: its manifest, and figures and a plot in its card."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from crnn_ocr.errors import MissingExtraError, TrainingError
from crnn_ocr.models.calibration import Calibration
from crnn_ocr.training.deliver.calibration import Bin, at_least, bins

CARD = "CARD.md"
PLOT = "reliability.png"
HEADING = "## Confidence"
#: What is told of the lines that are at least so sure.
LEVELS = (0.9, 0.95, 0.99)

_HALO = 0.25  # opacity of the intervals


@dataclass(frozen=True)
class Measured:
    """Lines whose confidence was compared with what they say.

    Attributes:
        confidences: (N,), 0 to 1.
        right: (N,), whether each was read without an error.
    """

    confidences: NDArray[np.float64]
    right: NDArray[np.bool_]


def write(
    folder: Path,
    calibration: Calibration,
    fitted: Measured,
    before: Measured,
    characters: Measured,
    checks: Mapping[str, Measured],
    sets: Sequence[str],
) -> tuple[Path, Path, Path]:
    """Write the manifest's field, the card's section and the plot; each file whole or not at all.

    Args:
        folder: Of the pack.
        calibration: What was fitted.
        fitted: The lines of the fit, by calibrations fitted without them.
        before: The same lines by the network's own figures.
        characters: Their characters, as `fitted`.
        checks: Other sets by name; nothing was fitted to them.
        sets: Names of the sets of the fit.

    Returns:
        Manifest, card and plot.

    Raises:
        TrainingError: A file cannot be written.
    """
    try:
        picture = plot(folder / PLOT, fitted, before, checks)
        manifest, card = folder / "manifest.json", folder / CARD
        fields = json.loads(manifest.read_text(encoding="utf-8"))
        told = (
            card.read_text(encoding="utf-8") if card.exists() else f"# {fields.get('title', folder.name)}\n"
        )
        fields["calibration"] = calibration.model_dump()
        _replace(card, with_section(told, section(fitted, before, characters, checks, sets)))
        _replace(manifest, json.dumps(fields, ensure_ascii=False, indent=2) + "\n")
    except OSError as error:
        raise TrainingError(
            f"The pack {folder.name!r} cannot be written: {error.strerror}.",
            hint="Copy the pack to a folder that you may write to.",
        ) from error
    return manifest, card, picture


def section(
    fitted: Measured,
    before: Measured,
    characters: Measured,
    checks: Mapping[str, Measured],
    sets: Sequence[str],
) -> str:
    """Return the card's section, without its heading, as Markdown."""
    rows = [_row("rendered, mean of the characters", before), _row("**rendered, calibrated**", fitted)]
    rows += [_row(name, measured) for name, measured in checks.items()]
    if len(checks) > 1:
        rows.append(_row("**these sets together**", combined(checks)))
    head = (
        "| lines | number | right | mean confidence | " + " | ".join(f"≥ {level}" for level in LEVELS) + " |"
    )
    rule = "|---|--:|--:|--:|" + "--:|" * len(LEVELS)
    off = float(np.abs([item.confidence - item.right for item in bins(*_parts(characters), count=20)]).mean())
    about = (
        "A line's confidence is the probability that it holds no error, white space aside. It was fitted to"
        f" {len(fitted.right):,} rendered lines of the held-out sets {', '.join(sets)}; the figures for"
        " rendered lines are those of lines that were left out of the fit. The last columns tell how many"
        " lines are so sure, and what share of them is right (in brackets where it lies at 95 %)."
    )
    own = (
        f"Characters: {100 * characters.right.mean():.2f} % of {len(characters.right):,} are right,"
        f" their mean confidence is {100 * characters.confidences.mean():.2f} %; in twenty bins of equal"
        f" numbers it is off by {100 * off:.2f} points on average."
    )
    picture = f"![How often lines of each confidence are right]({PLOT})"
    table = "\n".join([head, rule, *rows])
    return "\n\n".join([textwrap.fill(about, 110), table, textwrap.fill(own, 110), picture]) + "\n"


def with_section(card: str, text: str, heading: str = HEADING) -> str:
    """Return the card with that section at the place of the one that it has, or else at its end."""
    block = f"{heading}\n\n{text}"
    old = re.compile(rf"^{re.escape(heading)}\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
    if old.search(card):
        return old.sub(lambda _: block + "\n", card).rstrip("\n") + "\n"
    return card.rstrip("\n") + "\n\n" + block.rstrip("\n") + "\n"


def combined(sets: Mapping[str, Measured]) -> Measured:
    """Return the lines of all sets as one."""
    return Measured(
        np.concatenate([measured.confidences for measured in sets.values()]),
        np.concatenate([measured.right for measured in sets.values()]),
    )


def plot(target: Path, fitted: Measured, before: Measured, checks: Mapping[str, Measured]) -> Path:
    """Draw how often lines of each confidence are right.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError(
            "Plots are drawn by matplotlib.", hint="Install it: pip install 'crnn-ocr[train]'."
        ) from error
    figure = Figure(figsize=(5.6, 5.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="0.6", linewidth=0.8)
    rendered = [
        (f"{len(before.right):,} rendered lines, mean of the characters", before, "0.45", "s--"),
        (f"{len(fitted.right):,} rendered lines, calibrated", fitted, "C0", "o-"),
    ]
    if any(len(measured.right) for measured in checks.values()):
        real = combined(checks)
        rendered.append((f"{len(real.right):,} real lines, calibrated", real, "C1", "^:"))
    for label, measured, colour, style in rendered:
        found = bins(*_parts(measured))
        x = [item.confidence for item in found]
        low, high = zip(*(item.interval for item in found), strict=True)
        axes.plot(
            x, [item.right for item in found], style, color=colour, label=label, markersize=4, linewidth=1
        )
        axes.vlines(x, low, high, color=colour, alpha=_HALO, linewidth=3)
    axes.set(
        xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), xlabel="confidence of the line", ylabel="share of lines right"
    )
    axes.grid(visible=True, alpha=0.25)
    axes.legend(fontsize=8, loc="lower right")
    partial = target.with_suffix(".part.png")
    figure.savefig(partial, dpi=90)
    return partial.replace(target)


def _row(name: str, measured: Measured) -> str:
    if not len(measured.right):  # nothing was read on any of its pictures
        return f"| {name} | 0 |{' none |' * (2 + len(LEVELS))}"
    right, mean = 100 * measured.right.mean(), 100 * measured.confidences.mean()
    cells = [_cell(at_least(*_parts(measured), level)) for level in LEVELS]
    return f"| {name} | {len(measured.right):,} | {right:.1f} % | {mean:.1f} % | {' | '.join(cells)} |"


def _cell(found: Bin | None) -> str:
    if found is None:
        return "none"
    low, high = found.interval
    return f"{found.count:,}: {100 * found.right:.1f} % ({100 * low:.1f}–{100 * high:.1f})"


def _parts(measured: Measured) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    return measured.confidences, measured.right


def _replace(path: Path, text: str) -> None:
    partial = path.with_name(path.name + ".part")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
