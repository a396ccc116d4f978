"""The card of a pack (`CARD.md`) and its `NOTICE`: what it is, where it comes from, whose work is in it."""

from __future__ import annotations

import textwrap
from collections import Counter
from dataclasses import dataclass

from crnn_ocr.models.manifest import Manifest
from crnn_ocr.training.data.fetch import sources
from crnn_ocr.training.deliver.measurements import Measurements, table, tables
from crnn_ocr.training.nets.checkpoint import State
from crnn_ocr.training.nets.edge import EdgeConfig
from crnn_ocr.training.nets.registry import Config, configuration

LICENCE = "Apache-2.0"

_FIRST_TEACHER = "PP-OCRv6_rec_tiny"
"""Of checkpoints from before its name was kept."""
_PADDLE = "a work of the PaddleOCR project (Copyright PaddlePaddle Authors, Apache License 2.0)"


@dataclass(frozen=True)
class Origin:
    """The origin of a network's weights.

    Attributes:
        provenance: One sentence.
        about: What the network is and how it was trained.
        notice: What others have to be credited for; empty where there is nothing.
    """

    provenance: str
    about: str
    notice: str


def origin(state: State, weights: int) -> Origin:
    """Return where a network comes from by its checkpoint; `weights` is how many numbers it has."""
    config = configuration(state.net)
    lines = f"{int(state.counters.get('lines', 0)):,} rendered lines"
    hours = state.counters.get("seconds", 0.0) / 3600
    trained = f"trained by crnn_ocr.training on {lines} ({hours:.1f} hours)"
    kind = "small depthwise-separable CRNN" if isinstance(config, EdgeConfig) else "dense CRNN"
    about = (
        f"A {kind}: convolutions, a bidirectional LSTM, a linear CTC head for {config.classes - 1:,}"
        f" characters; {weights / 1e6:.1f} million numbers, all of them {trained}."
    )
    if not state.teacher:
        return Origin(f"All weights {trained}", about, "")
    teacher, own = str(state.teacher.get("name", _FIRST_TEACHER)), str(state.teacher.get("notice", ""))
    whose = "" if own else f", {_PADDLE}"  # only packs tell of others
    return Origin(
        f"All weights {trained}, with a finished recogniser as teacher",
        f"{about} A finished recogniser, {teacher}, was its teacher: the network learnt to give the same"
        " embedding, and the head started from the teacher's rows for the characters that it knows.",
        f"The training imitated {teacher}{whose}, and started the head from its last projection."
        + (f" Its own notice: {' '.join(own.split())}" if own else ""),
    )


def card(manifest: Manifest, told: Origin, config: Config, measured: Measurements) -> str:
    """Return the card as Markdown; `train calibrate` adds a section about confidence."""
    precision = "INT8 (QDQ); the FP32 form is derived from it" if manifest.precision == "int8" else "FP32"
    facts = [
        ["", ""],
        ["pack", f"`{manifest.id}`"],
        ["languages", ", ".join(manifest.languages)],
        ["characters", f"{config.classes - 1:,}, in `{manifest.charset.path if manifest.charset else ''}`"],
        ["network", f"`{manifest.graph.path}`, {precision}"],
        ["input", f"BGR, {manifest.input_height} pixels high, {manifest.stride} pixels per time step"],
        ["licence", manifest.licence],
    ]
    parts = [
        f"# {manifest.title}",
        _filled(told.about),
        table(facts),
        "## Data",
        _filled(
            "Every line was drawn by the pipeline of crnn-ocr from fonts and texts of public packages: "
            f"{_kinds()}. Only pictures of lines were made of them; no font and no text is passed on. "
            "docs/training-data.md of crnn-ocr describes sources, licences and the drawing."
        ),
        "## Limits",
        _filled(
            "It reads single lines of print in the characters listed; handwriting, vertical lines as they"
            " stand and characters outside the list are not what it was trained for. `crnn-ocr train adapt`"
            " adds fonts and characters."
        ),
    ]
    if manifest.notes:
        parts.append(_filled(manifest.notes))
    if measured != Measurements():
        parts += ["## Measured", tables(measured).rstrip("\n")]
    if told.notice:
        parts += ["## Credit", _filled(told.notice)]
    return "\n\n".join(parts) + "\n"


def notice(manifest: Manifest, told: Origin) -> str:
    """Return the text of the pack's NOTICE."""
    text = f"Model pack {manifest.id}\nLicensed under {LICENCE}.\n"
    return f"{text}\n{_filled(told.notice)}\n" if told.notice else text


def _kinds() -> str:
    """Tell how many packages there are of each kind and registry."""
    found = Counter((source.kind, source.registry) for source in sources() if source.kind != "models")
    return ", ".join(f"{count} of {kind} ({registry})" for (kind, registry), count in sorted(found.items()))


def _filled(text: str) -> str:
    return textwrap.fill(text, 110, break_long_words=False, break_on_hyphens=False)
