"""Training states on disk: complete ones to go on exactly, compact ones to keep.

A *complete* checkpoint (`.pt`) holds every number in full: weights, their moving average, the optimiser's two
moments, counters and random state. Going on from it is going on as if nothing had happened.

A *compact* one (`.npz`, about a quarter of the size) is for keeping and passing on: the moving average in
half precision, the raw weights as 8-bit differences from it, the second moment as 8-bit roots, row by row;
the first moment, which renews itself within a dozen steps, starts anew. Without the second moment it is a
sixth of the size, and the optimiser starts anew.

Neither tells on which device the network was: what a graphics card has learnt a CPU goes on with, and
conversely.

Both are written to a temporary file, then renamed: a run that is cut off leaves the last whole state.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from crnn_ocr.errors import TrainingError

FORMAT = 1

_FOREIGN = "it is damaged or of another network"
_OTHER = "Take an older checkpoint or start anew."

Tensors = dict[str, Tensor]


@dataclass
class State:
    """A state of the training, with everything needed to go on.

    Attributes:
        net: The network's configuration, as plain values.
        characters: Text of every class, blank first.
        weights: Parameters and buffers by name.
        average: Moving average of the same.
        moments: (first, second) moment of every parameter by name; empty before the first step.
        counters: Steps, lines, characters, seconds of training so far …
        teacher: `name` and `notice` of the teacher, `mean` (list) and `std` of its embedding; or empty.
        random: PyTorch's random state; None in compact checkpoints.
        sampler: State of the class sampler; empty in compact checkpoints.
    """

    net: dict[str, Any]
    characters: tuple[str, ...]
    weights: Tensors
    average: Tensors
    moments: dict[str, tuple[Tensor, Tensor]] = field(default_factory=dict)
    counters: dict[str, float] = field(default_factory=dict)
    teacher: dict[str, Any] = field(default_factory=dict)
    random: Tensor | None = None
    sampler: Tensors = field(default_factory=dict)


def save(state: State, path: Path) -> None:
    """Write a complete checkpoint."""
    partial = path.with_suffix(".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    with partial.open("wb") as file:
        values = {name: _here(getattr(state, name)) for name in state.__dataclass_fields__}
        torch.save({"format": FORMAT, **values}, file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def save_compact(state: State, path: Path, *, moments: bool = True) -> None:
    """Write a compact checkpoint, with or without the optimiser's second moment."""
    arrays: dict[str, NDArray[Any]] = {}
    for name, average in state.average.items():
        kept = average.detach().cpu().numpy()
        if not np.issubdtype(kept.dtype, np.floating):
            arrays[f"average/{name}"] = kept
            continue
        # Running variances may leave the range of half precision: small tensors stay as they are.
        half = kept.astype(np.float16) if kept.ndim > 1 else kept.astype(np.float32)
        arrays[f"average/{name}"] = half
        drift = state.weights[name].detach().cpu().numpy() - half.astype(np.float32)
        arrays[f"drift/{name}"], arrays[f"drift_scale/{name}"] = _to_bytes(drift, 127, np.int8)
    for name, (_, second) in state.moments.items() if moments else ():
        root = np.sqrt(second.detach().cpu().numpy())
        arrays[f"root/{name}"], arrays[f"root_scale/{name}"] = _to_bytes(root, 255, np.uint8, least=1)
    header = {
        "format": FORMAT,
        "net": state.net,
        "characters": state.characters,
        "counters": state.counters,
        "teacher": state.teacher,
    }
    arrays["header"] = np.frombuffer(json.dumps(header, ensure_ascii=False).encode(), np.uint8)
    partial = path.with_suffix(".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    with partial.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # its second positional is a flag
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def load(path: Path) -> State:
    """Read a checkpoint of either kind.

    Raises:
        TrainingError: The file is missing, damaged, no checkpoint, or of another format.
    """
    try:
        return _load_compact(path) if path.suffix == ".npz" else _load_complete(path)
    except TrainingError:
        raise
    except FileNotFoundError as error:
        raise TrainingError(f"There is no checkpoint {path}.") from error
    except Exception as error:  # pickle, zip and torch raise what they like
        raise TrainingError(
            f"The checkpoint {path.name} cannot be read: {error}.",
            hint=_OTHER,
        ) from error


def check_shapes(state: State, wanted: Tensors) -> None:
    """Make sure that a checkpoint's weights, and their average, fit a network.

    Raises:
        TrainingError: A weight is missing, too many, or has another shape; the first one is named.
    """
    for tensors, kind in ((state.weights, "weight"), (state.average, "averaged weight")):
        for name, tensor in wanted.items():
            if name not in tensors:
                raise TrainingError(f"The checkpoint lacks the {kind} {name}: {_FOREIGN}.", hint=_OTHER)
            shape = tuple(tensors[name].shape)
            if shape != tuple(tensor.shape):
                raise TrainingError(
                    f"The checkpoint's {kind} {name} has shape {shape}, the network wants"
                    f" {tuple(tensor.shape)}.",
                    hint="Train with the network settings that the checkpoint was made with.",
                )
        if more := next((name for name in tensors if name not in wanted), None):
            raise TrainingError(
                f"The checkpoint has the {kind} {more}, the network has not: {_FOREIGN}.", hint=_OTHER
            )


def with_characters(state: State, characters: Sequence[str]) -> State:
    """Return the state for another list of characters: known rows of the head move, new ones start small.

    The rest of the network is shared with the given state. New characters get the smallest bias, so that they
    do not disturb what is read already.

    Raises:
        TrainingError: The head does not belong to the state's own list.
    """
    if state.characters == tuple(characters):
        return state
    for tensors in (state.weights, state.average):
        for name in ("head.weight", "head.bias"):
            if name not in tensors or len(tensors[name]) != len(state.characters):
                raise TrainingError(
                    f"The checkpoint's {name} is not that of its {len(state.characters)} characters.",
                    hint=_OTHER,
                )
    index = {text: row for row, text in enumerate(state.characters)}
    rows = torch.tensor([index.get(text, -1) for text in characters])
    generator = torch.Generator().manual_seed(len(rows))

    def move(values: Tensor, *, fresh: str) -> Tensor:
        moved = values[rows.clamp(min=0)].clone()
        shape = (int((rows < 0).sum()), *values.shape[1:])
        if fresh == "random":
            moved[rows < 0] = torch.randn(shape, generator=generator) * float(values.std())
        else:
            moved[rows < 0] = float(values.min()) if fresh == "least" else float(values.mean())
        return moved

    def change(tensors: Tensors) -> Tensors:
        weight = move(tensors["head.weight"], fresh="random")
        return {**tensors, "head.weight": weight, "head.bias": move(tensors["head.bias"], fresh="least")}

    moments = dict(state.moments)
    for name in ("head.weight", "head.bias"):
        if name in moments:
            first, second = (move(moment, fresh="mean") for moment in moments[name])
            moments[name] = (first, second)
    weights = change(state.weights)
    average = change(state.average)
    fresh = rows < 0
    average["head.weight"][fresh] = weights["head.weight"][fresh]
    return replace(
        state,
        net={**state.net, "classes": len(rows)},
        characters=tuple(characters),
        weights=weights,
        average=average,
        moments=moments,
        sampler={},
    )


def _load_complete(path: Path) -> State:
    with path.open("rb") as file:
        values = torch.load(file, map_location="cpu", weights_only=True)
    _check_format(path, values)
    return State(**values)


def _load_compact(path: Path) -> State:
    if not zipfile.is_zipfile(path):
        if not path.exists():
            raise FileNotFoundError(path)
        raise TrainingError(f"{path.name} is no checkpoint.")
    with np.load(path, allow_pickle=False) as file:
        header = json.loads(bytes(file["header"]).decode())
        _check_format(path, header)
        average, weights, moments = {}, {}, {}
        for key in file.files:
            kind, _, name = key.partition("/")
            if kind == "average":
                value = file[key]
                floating = np.issubdtype(value.dtype, np.floating)
                average[name] = torch.from_numpy(value.astype(np.float32) if floating else value)
                if floating:
                    drift = file[f"drift/{name}"].astype(np.float32) * _rows(
                        file[f"drift_scale/{name}"], value.ndim
                    )
                    weights[name] = average[name] + torch.from_numpy(drift)
                else:
                    weights[name] = average[name].clone()
            elif kind == "root":
                value = file[key]
                root = value.astype(np.float32) * _rows(file[f"root_scale/{name}"], value.ndim)
                second = torch.from_numpy(np.square(root, dtype=np.float32))
                moments[name] = (torch.zeros_like(second), second)
    return State(
        header["net"],
        tuple(header["characters"]),
        weights,
        average,
        moments,
        header["counters"],
        header["teacher"],
    )


def _here(values: Any) -> Any:
    """Return a value with all its tensors on the CPU."""
    if isinstance(values, Tensor):
        return values.detach().cpu()
    if isinstance(values, dict):
        return {name: _here(value) for name, value in values.items()}
    if isinstance(values, tuple):
        return tuple(_here(value) for value in values)
    return values


def _check_format(path: Path, values: dict[str, Any]) -> None:
    found = values.pop("format", None)
    if found != FORMAT:
        raise TrainingError(f"{path.name} is a checkpoint of format {found}, not {FORMAT}.")


def _to_bytes(
    values: NDArray[Any], top: int, kind: type[np.int8 | np.uint8], *, least: int = 0
) -> tuple[NDArray[Any], NDArray[np.float32]]:
    """Quantise row by row (the first axis); `least` keeps small positive numbers from becoming zero."""
    flat = values.reshape(len(values), -1) if values.ndim else values.reshape(1, 1)
    scale = np.maximum(np.abs(flat).max(axis=1), 1e-30).astype(np.float32) / top
    small = np.rint(flat / scale[:, None])
    if least:
        small = np.maximum(small, least)
    return small.astype(kind).reshape(values.shape), scale


def _rows(scale: NDArray[np.float32], axes: int) -> NDArray[np.float32]:
    """Shape a per-row scale so that it multiplies an array of `axes` axes."""
    return scale.reshape(-1, *([1] * (axes - 1))) if axes else scale.reshape(())
