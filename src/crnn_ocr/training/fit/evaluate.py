"""How well a network reads: character error rate and exact lines, on labelled line pictures.

Both sides are normalised before they are compared: NFKC, dashes and quotes folded, white space dropped (or
kept as single spaces), case folded on request. Every figure names the set and the normaliser.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from crnn_ocr.errors import TrainingError
from crnn_ocr.recognition.network.buckets import Sizing
from crnn_ocr.runtime.onnx import Session
from crnn_ocr.training.data import labelled
from crnn_ocr.training.nets.export import STRETCH
from crnn_ocr.training.nets.registry import Network
from crnn_ocr.training.types import Image

Reader = Callable[[Sequence[Image]], tuple[list[str], list[float]]]
"""Reads lines (height, W, 3): texts, and confidences (mean over the characters)."""

_FOLD = str.maketrans(
    dict.fromkeys("‐‑‒–—―−﹣", "-") | dict.fromkeys("‘’‚′", "'") | dict.fromkeys("“”„″", '"')
)


@dataclass(frozen=True)
class LineSet:
    """Labelled lines.

    Attributes:
        name: Of the set.
        images: uint8 (height, W, 3) BGR, scaled to the network's height (and stretch).
        texts: What they say.
        ignore_case: Whether case counts.
    """

    name: str
    images: tuple[Image, ...]
    texts: tuple[str, ...]
    ignore_case: bool = False


@dataclass(frozen=True)
class Score:
    """The figures of one set.

    Attributes:
        lines: How many.
        cer: Edits per character of the truth, 0 upwards, white space aside.
        exact: Share of lines without an error, white space aside, 0 to 1.
        exact_spaced: The same with white space.
        confidence: Mean confidence of the lines, 0 to 1.
    """

    lines: int
    cer: float
    exact: float
    exact_spaced: float = 0.0
    confidence: float = 0.0


def normalise(text: str, *, spaces: bool = False, ignore_case: bool = False) -> str:
    """Bring a reading or a label into the form in which both are compared."""
    folded = unicodedata.normalize("NFKC", text.translate(_FOLD)).translate(_FOLD)
    folded = (" " if spaces else "").join(folded.split())
    return folded.casefold() if ignore_case else folded


def score(
    read: Iterable[str], truth: Iterable[str], *, spaces: bool = False, ignore_case: bool = False
) -> Score:
    """Compare readings with labels after `normalise`."""
    wrong = total = lines = exact = 0
    for got, wanted in zip(read, truth, strict=True):
        a = normalise(got, spaces=spaces, ignore_case=ignore_case)
        b = normalise(wanted, spaces=spaces, ignore_case=ignore_case)
        distance = Levenshtein.distance(a, b)
        wrong, total, lines, exact = wrong + distance, total + len(b), lines + 1, exact + (distance == 0)
    return Score(lines, wrong / max(1, total), exact / max(1, lines))


def load_folder(
    folder: Path, *, height: int = 48, stretch: float = 1.0, ignore_case: bool = False
) -> LineSet:
    """Read a folder of line pictures with `labels.tsv` (file, TAB, text).

    Args:
        folder: Where they lie.
        height: To which they are scaled, in pixels.
        stretch: Horizontal scale relative to the vertical one.
        ignore_case: Whether case counts.

    Raises:
        TrainingError: The list is missing, empty or malformed, or names a picture that cannot be read.
    """
    pairs = read_folder(folder)
    images = tuple(scale(image, height, stretch) for image, _ in pairs)
    return LineSet(folder.name, images, tuple(text for _, text in pairs), ignore_case)


def read_folder(folder: Path) -> list[tuple[Image, str]]:
    """Read pictures, uint8 (H, W, 3) as they are, and texts of a folder with `labels.tsv`.

    Raises:
        TrainingError: As `load_folder`.
    """
    labels = folder / "labels.tsv"
    hint = "Name a folder with pictures of lines and labels.tsv; a row is a file, TAB, its text."
    pairs = []
    for number, row in labelled.rows(labels, "The list of pictures", hint=hint):
        where = f"{labels}, row {number}"
        file, text = labelled.entry(row, where, silent=True)
        pairs.append((labelled.picture(folder / file, where), text))
    if not pairs:
        raise TrainingError(
            f"{labels} lists no picture.", hint="Write one row for each: file, TAB, its text."
        )
    return pairs


def unreadable(sets: Iterable[LineSet], characters: Iterable[str]) -> tuple[int, Counter[str]]:
    """Return what no network with these characters can read.

    Args:
        sets: Labelled lines.
        characters: Text of the network's classes.

    Returns:
        How many labels hold other characters, after `normalise`; and how often each of those occurs.
    """
    listed = "".join(characters)
    count, missing = 0, Counter[str]()
    for lines in sets:
        readable = set(normalise(listed, ignore_case=lines.ignore_case))
        for text in lines.texts:
            lacking = [c for c in normalise(text, ignore_case=lines.ignore_case) if c not in readable]
            missing.update(lacking)
            count += bool(lacking)
    return count, missing


def scale(image: Image, height: int, stretch: float = 1.0) -> Image:
    """Scale a (H, W, 3) picture to `height` as the engine does."""
    width = Sizing(height=height, stretch=stretch).content_width(image.shape[1], image.shape[0])
    how = cv2.INTER_AREA if image.shape[0] > height else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (width, height), interpolation=how), np.uint8)


def network_reader(net: Network, characters: Sequence[str], *, batch_pixels: int | None = None) -> Reader:
    """Return a reader that asks the network itself, wherever it is, for the scores of all classes.

    Args:
        net: The network.
        characters: Text of its classes.
        batch_pixels: Width of the lines that are read at once; None takes what suits the device.
    """
    device = net.head.weight.device
    together = batch_pixels or (8192 if device.type == "cpu" else 65536)

    def read(images: Sequence[Image]) -> tuple[list[str], list[float]]:
        sizing = Sizing(height=net.config.height, stride=net.config.stride)
        widths = [image.shape[1] for image in images]
        texts, confidences = [""] * len(images), [0.0] * len(images)
        was_training = net.training
        net.eval()
        with torch.inference_mode():
            for width, group in _groups(widths, sizing, together):
                pixels = torch.zeros((len(group), net.config.height, width, 3), dtype=torch.uint8)
                for row, k in enumerate(group):
                    pixels[row, :, : widths[k]] = torch.from_numpy(np.ascontiguousarray(images[k]))
                contents = torch.tensor([widths[k] for k in group])
                best = net.logits(pixels.to(device), contents).float().softmax(dim=2).max(dim=2)
                shares, ids = best.values.cpu(), best.indices.cpu()
                steps = net.config.steps(contents).tolist()
                for row, k in enumerate(group):
                    texts[k], confidences[k] = _decode(
                        ids[row, : steps[row]].tolist(), shares[row, : steps[row]].tolist(), characters
                    )
        net.train(was_training)
        return texts, confidences

    return read


def graph_size(model: Path, height: int | None = None) -> tuple[int, float]:
    """Return the height of an exported graph's lines, in pixels, and their horizontal stretch.

    Args:
        model: ONNX file.
        height: To be taken where the graph takes lines of any height.

    Raises:
        TrainingError: The graph takes lines of any height and none is given, or not of the given one.
    """
    session = Session(model)
    own = session.input_shape[2] if len(session.input_shape) == 4 else None
    if own is None and height is None:
        raise TrainingError(
            f"{model.name} does not say how high its lines are.", hint="Name it with --height."
        )
    if height is not None and (height < 1 or own not in {None, height}):
        raise TrainingError(
            f"{model.name} reads lines of {own or 'at least 1'} pixels, not of {height}.",
            hint="Leave --height out, or give the height that the network was trained for.",
        )
    return own or height or 0, float(session.metadata.get(STRETCH, "1"))


def graph_classes(model: Path) -> int | None:
    """Return the number of an exported graph's classes, blank included; None where it is not one of ours."""
    graph = onnx.load(str(model)).graph
    rows = next((weight.dims[0] for weight in graph.initializer if weight.name == "head_b"), None)
    if rows is None:
        return None
    # A gated head (see `edge_export`) has no row for the blank.
    return int(rows) + any(node.name == "gate_open" for node in graph.node)


def graph_reader(model: Path, characters: Sequence[str]) -> Reader:
    """Return a reader that runs an exported graph, one line at a time, as the engine does.

    Args:
        model: ONNX file.
        characters: Text of its classes, blank first.

    Raises:
        TrainingError: It is no exported network, or it has more or fewer classes.
    """
    session = Session(model)
    if not set(session.inputs) >= {"x", "lengths"} or not set(session.outputs) >= {"ids", "confidences"}:
        raise TrainingError(
            f"{model.name} is no network that `train export` wrote: it takes {', '.join(session.inputs)}"
            f" and answers {', '.join(session.outputs)}.",
            hint="Export a checkpoint: crnn-ocr train export. Packs are measured by crnn-ocr train measure.",
        )
    classes = graph_classes(model)
    if classes is not None and classes != len(characters):
        raise TrainingError(
            f"{model.name} has {classes - 1:,} characters, the list has {len(characters) - 1:,}.",
            hint="Name the list that was written beside the network: --characters.",
        )

    def read(images: Sequence[Image]) -> tuple[list[str], list[float]]:
        texts, confidences = [], []
        for image in images:
            ids, shares = session.run(feeds(image), ("ids", "confidences"))
            if ids.max(initial=0) >= len(characters):  # a graph that does not tell how many it has
                raise TrainingError(
                    f"{model.name} answers class {ids.max()}; the list ends at {len(characters) - 1}.",
                    hint="Name the list that was written beside the network: --characters.",
                )
            text, sure = _decode(ids[0].tolist(), shares[0].tolist(), characters)
            texts.append(text)
            confidences.append(sure)
        return texts, confidences

    return read


def feeds(image: Image, *, stride: int = 8) -> dict[str, NDArray[Any]]:
    """Return an exported graph's inputs for one (H, W, 3) line, padded as the engine pads it."""
    height, width = image.shape[:2]
    x = np.zeros((1, 3, height, Sizing(height=height, stride=stride).bucket(width)), np.float32)
    x[0, :, :, :width] = image.transpose(2, 0, 1).astype(np.float32) / np.float32(127.5) - np.float32(1)
    return {"x": x, "lengths": np.array([width], np.int32)}


def flattened(lines: LineSet, height: int) -> LineSet:
    """Scale the height of a set's lines, and not their width."""
    images = tuple(
        np.asarray(cv2.resize(image, (image.shape[1], height), interpolation=cv2.INTER_AREA), np.uint8)
        for image in lines.images
    )
    return replace(lines, images=images)


def evaluate(read: Reader, sets: Iterable[LineSet]) -> dict[str, Score]:
    """Measure a reader on every set."""
    scores = {}
    for lines in sets:
        texts, confidences = read(lines.images)
        plain = score(texts, lines.texts, ignore_case=lines.ignore_case)
        spaced = score(texts, lines.texts, ignore_case=lines.ignore_case, spaces=True)
        mean = float(np.mean(confidences)) if confidences else 0.0
        scores[lines.name] = replace(plain, exact_spaced=spaced.exact, confidence=mean)
    return scores


def _groups(widths: Sequence[int], sizing: Sizing, batch_pixels: int) -> Iterator[tuple[int, list[int]]]:
    """Give (bucket, indices) of lines that share a bucket, at most `batch_pixels` wide together."""
    buckets: dict[int, list[int]] = {}
    for index, width in enumerate(widths):
        buckets.setdefault(sizing.bucket(width), []).append(index)
    for bucket, indices in sorted(buckets.items()):
        size = max(1, batch_pixels // bucket)
        for start in range(0, len(indices), size):
            yield bucket, indices[start : start + size]


def _decode(ids: Sequence[int], shares: Sequence[float], characters: Sequence[str]) -> tuple[str, float]:
    text: list[str] = []
    sure: list[float] = []
    last = 0
    for number, share in zip(ids, shares, strict=True):
        if number and number == last:
            sure[-1] = max(sure[-1], share)
        elif number:
            text.append(characters[number])
            sure.append(share)
        last = number
    return "".join(text), float(np.mean(sure)) if sure else 0.0
