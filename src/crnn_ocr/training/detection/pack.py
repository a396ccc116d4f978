"""From a detector's checkpoint to a model pack: graph, manifest, card and NOTICE, checked and then moved."""

from __future__ import annotations

import random
import tempfile
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from crnn_ocr.detection.tiles import working_scale
from crnn_ocr.engine.pack_check import prove_pack
from crnn_ocr.errors import TrainingError
from crnn_ocr.models.install import check_place, exchange
from crnn_ocr.models.manifest import Manifest
from crnn_ocr.models.registry import Pack
from crnn_ocr.pixels import Pixels
from crnn_ocr.training.deliver.card import LICENCE
from crnn_ocr.training.deliver.pack import GRAPH, sha256_of
from crnn_ocr.training.detection.crops import TeacherPage
from crnn_ocr.training.detection.export import build, quantize
from crnn_ocr.training.detection.measure import Score
from crnn_ocr.training.detection.network import MULTIPLE, DetectorConfig, DetectorNet
from crnn_ocr.training.labelling.pages import draw_page
from crnn_ocr.training.nets import checkpoint

#: Pages that INT8 is calibrated on, and their longer side in pixels.
_CALIBRATION_PAGES, _SIDE = 40, 960
#: Least mean probability of a region. A small network is less sure of small type than its teacher: of 631
#: lines on Chinese pages it misses 12 % with the teacher's 0.6, 1.3 % with 0.45, 1 % with 0.4.
BOX_THRESHOLD = 0.4
_CREDIT = (
    "The training imitated the probability maps of PP-OCRv6_small_det, a work of the PaddleOCR project"
    " (Copyright PaddlePaddle Authors, Apache License 2.0)."
)


def averaged(state: checkpoint.State) -> DetectorNet:
    """Return the averaged network of a state, in evaluation mode.

    Raises:
        TrainingError: The state is not a detector's, or its weights do not fit.
    """
    net = DetectorNet(DetectorConfig.from_dict(state.net))
    net.eval()
    checkpoint.check_shapes(state, dict(net.state_dict()))
    net.load_state_dict(state.average)
    return net


def write_pack(
    state: checkpoint.State,
    folder: Path,
    name: str,
    version: str,
    pages: Sequence[TeacherPage],
    scores: dict[int, Score],
    check: Callable[[Pack], None] = prove_pack,
) -> Pack:
    """Make an INT8 pack of a checkpoint.

    Args:
        state: Of a detector.
        folder: The pack's folder is made here; a pack of the same name is replaced.
        name: Of the pack and its folder.
        version: Of the pack.
        pages: Some of them calibrate INT8.
        scores: Agreement with the teacher on held-out pages by their longer side, for the card.
        check: What the pack must pass before it is moved to its place.

    Raises:
        TrainingError: The state is not a detector's, or the folder cannot be written.
        ModelInstallError: Something that is no pack has its place.
        ModelBrokenError: What came out does not pass the check.
    """
    net = averaged(state)
    check_place(folder / name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".packing-", dir=folder) as staging:
            made = Path(staging) / "pack"
            made.mkdir()
            quantize(build(net), made / GRAPH, calibration_pictures(pages))
            manifest = Manifest.model_validate(_manifest(state, name, version, sha256_of(made / GRAPH)))
            notice = f"Model pack {manifest.id}\nLicensed under {LICENCE}.\n\n{textwrap.fill(_CREDIT, 110)}"
            texts = {
                "manifest.json": manifest.model_dump_json(indent=2, exclude_defaults=True),
                "CARD.md": card(state, net, manifest, scores),
                "NOTICE": notice,
            }
            for file, text in texts.items():
                (made / file).write_text(text.rstrip("\n") + "\n", encoding="utf-8")
            check(Pack(made, manifest))
            exchange(made, folder / name, Path(staging) / "before")
    except OSError as error:
        raise TrainingError(f"The pack cannot be written to {folder}: {error.strerror or error}.") from error
    return Pack(folder / name, manifest)


def calibration_pictures(pages: Sequence[TeacherPage], count: int = _CALIBRATION_PAGES) -> list[Pixels]:
    """Return pages (H, W, 3) as the network meets them, every fourth inverted; no chance involved."""
    chosen = random.Random(0).sample(list(pages), min(count, len(pages)))  # noqa: S311
    pictures = []
    for number, page in enumerate(chosen):
        image = draw_page(page.picture, page.number)
        height, width = image.shape[:2]
        scale = working_scale(width, height, _SIDE)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        shown = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        pictures.append(255 - shown if number % 4 == 3 else shown)
    return pictures


def card(state: checkpoint.State, net: DetectorNet, manifest: Manifest, scores: dict[int, Score]) -> str:
    """Return the card as Markdown."""
    weights = sum(item.numel() for item in net.parameters()) / 1e6
    crops, hours = int(state.counters["crops"]), state.counters["seconds"] / 3600
    about = (
        f"Plain 3×3 convolutions, a feature pyramid, one map of lines' cores at half the resolution;"
        f" {weights:.1f} million numbers, all of them trained by crnn_ocr.training on {crops:,} crops of real"
        f" and drawn pages ({hours:.1f} hours of a CPU). What was learnt from real pages are a finished"
        " detector's probability maps of them; drawn pages have exact boxes."
    )
    limits = (
        "It finds lines of print, upright or turned by quarters; curved lines come in pieces. No picture of a"
        " page is passed on with it."
    )
    rows = [
        f"| {side} | {100 * one.recall:.1f} | {100 * one.precision:.1f} |" for side, one in scores.items()
    ]
    table = [
        "| longer side, pixels | of the teacher's regions found, % | of its regions the teacher's, % |",
        "|--:|--:|--:|",
        *rows,
    ]
    parts = [
        f"# {manifest.title}",
        textwrap.fill(about, 110),
        f"Pack `{manifest.id}`; network `{manifest.graph.path}`, INT8 (QDQ), from which the FP32 form is"
        f" derived; licence {LICENCE}.",
        "## Limits",
        textwrap.fill(limits, 110),
        "## Credit",
        textwrap.fill(_CREDIT, 110),
        "## Measured",
        "Pages that it has not learnt from; regions are the same from an overlap over union of a half on.",
        "\n".join(table),
    ]
    return "\n\n".join(parts)


def _manifest(state: checkpoint.State, name: str, version: str, graph: str) -> dict[str, object]:
    crops = int(state.counters["crops"])
    return {
        "name": name,
        "version": version,
        "kind": "det",
        "title": "Text detector of plain convolutions",
        "licence": LICENCE,
        "provenance": f"All weights trained by crnn_ocr.training on {crops:,} crops of pages, with a finished"
        " detector as teacher",
        "graph": {"path": GRAPH, "sha256": graph},
        "precision": "int8",
        "weight_bits": 7,
        "memory_per_pixel": 95,
        "multiple": MULTIPLE,
        "box_threshold": BOX_THRESHOLD,
    }
