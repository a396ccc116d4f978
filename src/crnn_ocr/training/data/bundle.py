"""Training data in a few files of limited size, for a machine that cannot fetch and prepare them itself.

`write` makes `part-1.zip` … of an atlas (see `squeeze`), corpora and rendered held-out lines; `read` makes of
them a folder that `dataset` reads like the one that they came from. The held-out families themselves stay
behind: their lines travel as pictures.
"""

from __future__ import annotations

import json
import lzma
import multiprocessing
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
from tqdm import tqdm

from crnn_ocr.errors import TrainingError
from crnn_ocr.training.data import squeeze
from crnn_ocr.training.data.dataset import SampleConfig
from crnn_ocr.training.data.heldout_sets import HELD_OUT, heldout
from crnn_ocr.training.render import atlas
from crnn_ocr.training.render.atlas import FaceInfo
from crnn_ocr.training.render.fonts import held_out
from crnn_ocr.training.text.charset import characters
from crnn_ocr.training.text.corpus import WEIGHTS

Result = TypeVar("Result")

FORMAT = 1
MANIFEST = "manifest.json"
HELD_OUT_LINES = "heldout"
"""Folder of the sets of held-out lines, each with `labels.tsv`."""
_OVERHEAD = 64 * 1024
"""Of a part: manifest and directory."""


@dataclass(frozen=True)
class BundleConfig:
    """What goes along.

    Attributes:
        parts: Most files.
        part_bytes: Most bytes of each.
        weights: Faces of every design, 1 to 3 (see `squeeze.choose`).
        levels: Of a glyph's coverage, 2 to 16.
        text_bytes: Of all corpora, before compression.
        heldout_lines: Of every held-out set.
        jobs: Processes.
    """

    parts: int = 4
    part_bytes: int = 55 << 20
    weights: int = 2
    levels: int = 16
    text_bytes: int = 40_000_000
    heldout_lines: int = 100
    jobs: int = 1


@dataclass(frozen=True)
class Bundle:
    """What was written.

    Attributes:
        parts: The files.
        faces: Names of the faces that go along.
        left_out: Names of those that do not, held-out families aside.
        lost: Families of which no face goes along, held-out ones aside.
        bytes_of: Compressed bytes of `atlas`, `corpora` and `heldout`.
    """

    parts: tuple[Path, ...]
    faces: tuple[str, ...]
    left_out: tuple[str, ...]
    lost: tuple[str, ...]
    bytes_of: dict[str, int]


def write(root: Path, folder: Path, config: BundleConfig) -> Bundle:
    """Write a bundle of the training data under `root` into `folder`.

    Raises:
        TrainingError: Data are missing, or more parts would be needed.
    """
    opened = atlas.load(root / "atlas")
    infos = [face.info for face in opened.faces]
    chosen = squeeze.choose(infos, config.weights, held_out())
    listed: list[dict[str, Any]] = []
    blobs: dict[str, bytes] = {}
    for group, numbers, tables, masks in _streams(root / "atlas", infos, chosen, config):
        listed += [{**asdict(infos[n]), "group": group} for n in numbers]
        blobs[f"atlas/{group}.tables.xz"], blobs[f"atlas/{group}.masks.xz"] = tables, masks
    blobs.update(_texts(root / "corpora", config))
    blobs.update(_heldout_lines(root, config.heldout_lines))
    manifest = {"format": FORMAT, "levels": config.levels, "faces": listed}
    parts = _write_parts(folder, manifest, blobs, config)
    kept = {infos[n].family for n in chosen}
    others = [i for n, i in enumerate(infos) if n not in set(chosen) and i.family not in held_out()]
    usable = [info for info in others if info.kind != "unused"]
    return Bundle(
        parts,
        tuple(infos[n].name for n in chosen),
        tuple(info.name for info in usable),
        tuple(sorted({info.family for info in usable} - kept)),
        {
            kind: sum(len(blob) for name, blob in blobs.items() if name.startswith(kind))
            for kind in ("atlas", "corpora", HELD_OUT_LINES)
        },
    )


def read(parts: Sequence[Path], root: Path, *, jobs: int = 1) -> int:
    """Restore the training data of a bundle under `root`; returns the number of faces.

    Raises:
        TrainingError: Parts are missing, damaged or of different bundles, or there are training data already.
    """
    target = root / "atlas" / "faces.json"
    if target.exists():
        raise TrainingError(f"There are training data in {root}.", hint="Name an empty folder.")
    manifest, places = _opened(parts)
    faces: list[dict[str, Any]] = manifest["faces"]
    (root / "atlas").mkdir(parents=True, exist_ok=True)
    groups: dict[str, list[tuple[int, int]]] = {}
    for number, face in enumerate(faces):
        groups.setdefault(face["group"], []).append((number, face["glyphs"]))
    plain = [name for name in places if not name.startswith("atlas/")]
    tasks: list[partial[None]] = [
        partial(_unpack_group, places, group, numbers, manifest["levels"], root / "atlas")
        for group, numbers in sorted(groups.items(), key=lambda item: -sum(glyphs for _, glyphs in item[1]))
    ]
    tasks += [partial(_unpack_files, places, plain[k::8], root) for k in range(8)]
    for _ in tqdm(_together(tasks, jobs), total=len(tasks), desc="unpacking", disable=None):
        pass
    infos = [{name: face[name] for name in FaceInfo.__dataclass_fields__} for face in faces]
    target.write_text(json.dumps(infos, ensure_ascii=False), encoding="utf-8")
    atlas.index(root / "atlas", characters())
    return len(infos)


# ---- writing -----------------------------------------------------------------------------------------


def _streams(
    folder: Path, infos: Sequence[FaceInfo], chosen: Sequence[int], config: BundleConfig
) -> Iterator[tuple[str, list[int], bytes, bytes]]:
    """Give (group, face numbers, tables, masks) of every group of faces, compressed."""
    groups: dict[str, list[int]] = {}
    for number in sorted(chosen, key=lambda n: (infos[n].family, squeeze.weight_of(infos[n].name)[1], n)):
        groups.setdefault(squeeze.group_of(infos[number]), []).append(number)
    tasks = [partial(_pack_group, folder, numbers, config.levels) for numbers in groups.values()]
    packed = tqdm(_together(tasks, config.jobs), total=len(tasks), desc="packing", disable=None)
    for (group, numbers), (tables, masks) in zip(groups.items(), packed, strict=True):
        yield group, numbers, tables, masks


def _pack_group(folder: Path, numbers: Sequence[int], levels: int) -> tuple[bytes, bytes]:
    tables, masks = [], []
    for number in numbers:
        stem = folder / f"{number:04d}"
        columns, coded = squeeze.pack_face(
            np.load(f"{stem}.glyphs.npy"), np.load(f"{stem}.pixels.npy"), levels
        )
        tables.append(columns)
        masks.append(coded)
    return squeeze.compress(b"".join(tables)), squeeze.compress(b"".join(masks))


def _texts(folder: Path, config: BundleConfig) -> Iterator[tuple[str, bytes]]:
    """Give the corpora, thinned."""
    paths = {name: folder / f"{name}.txt" for name in WEIGHTS if (folder / f"{name}.txt").is_file()}
    if not paths:
        raise TrainingError(f"There are no texts in {folder}.", hint="Collect them: crnn-ocr train prepare.")
    sizes = {name: path.stat().st_size for name, path in paths.items()}
    for name, share in squeeze.shares(sizes, WEIGHTS, config.text_bytes).items():
        yield f"corpora/{name}.txt.xz", squeeze.compress(squeeze.thin(paths[name], share))


def _heldout_lines(root: Path, count: int) -> Iterator[tuple[str, bytes]]:
    """Give the held-out sets as pictures with their labels."""
    for name in HELD_OUT if count else ():
        rows = []
        for number, (image, text) in enumerate(heldout(name, SampleConfig(root), count)):
            file = f"{number:04d}.png"
            yield f"{HELD_OUT_LINES}/{name}/{file}", _png(image)
            rows.append(f"{file}\t{text}\n")
        yield f"{HELD_OUT_LINES}/{name}/labels.tsv", "".join(rows).encode()


def _png(image: squeeze.Bytes) -> bytes:
    return bytes(cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 9])[1])


def _write_parts(
    folder: Path, manifest: dict[str, Any], blobs: Mapping[str, bytes], config: BundleConfig
) -> tuple[Path, ...]:
    """Distribute files over parts, the largest first, each to the first part that has room for it."""
    room = config.part_bytes - _OVERHEAD - len(json.dumps(manifest, ensure_ascii=False).encode())
    filled: list[int] = []
    place: dict[str, int] = {}
    for name in sorted(blobs, key=lambda n: -len(blobs[n])):
        size = len(blobs[name]) + 160 + 2 * len(name)
        part = next((k for k, taken in enumerate(filled) if taken + size <= room), len(filled))
        if part == len(filled):
            filled.append(0)
        filled[part] += size
        place[name] = part
    total = sum(filled)
    if len(filled) > config.parts or max(filled) > room:
        raise TrainingError(
            f"The data need {total / (1 << 20):.0f} MiB, which do not fit into {config.parts} parts of "
            f"{config.part_bytes / (1 << 20):.0f} MiB.",
            hint="Take fewer weights, levels or texts, or more parts.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    whole = {**manifest, "parts": len(filled), "files": {name: part + 1 for name, part in place.items()}}
    paths = []
    for part in range(len(filled)):
        path = folder / f"part-{part + 1}.zip"
        partial_path = path.with_suffix(".partial")
        with zipfile.ZipFile(partial_path, "w", zipfile.ZIP_STORED) as file:
            file.writestr(MANIFEST, lzma.compress(json.dumps(whole, ensure_ascii=False).encode()))
            for name in sorted(name for name, at in place.items() if at == part):
                file.writestr(name, blobs[name])
        partial_path.replace(path)
        paths.append(path)
    return tuple(paths)


# ---- reading -----------------------------------------------------------------------------------------


def _opened(parts: Sequence[Path]) -> tuple[dict[str, Any], dict[str, Path]]:
    """Return the manifest that all parts share, and the part of every file."""
    manifest: dict[str, Any] | None = None
    places: dict[str, Path] = {}
    for path in parts:
        try:
            with zipfile.ZipFile(path) as file:
                found = json.loads(lzma.decompress(file.read(MANIFEST)))
                names = file.namelist()
        except (OSError, zipfile.BadZipFile, KeyError, lzma.LZMAError, ValueError) as error:
            raise TrainingError(f"{path.name} is no part of a bundle: {error}.") from error
        if found["format"] != FORMAT:
            raise TrainingError(f"{path.name} has format {found['format']}, not {FORMAT}.")
        if manifest is not None and found != manifest:
            raise TrainingError(f"{path.name} belongs to another bundle than {parts[0].name}.")
        manifest = found
        places.update({name: path for name in names if name != MANIFEST})
    if manifest is None:
        raise TrainingError("No part of a bundle was named.")
    missing = sorted({part for name, part in manifest["files"].items() if name not in places})
    if missing:
        raise TrainingError(f"Parts {missing} of {manifest['parts']} are missing.", hint="Name all of them.")
    return manifest, places


def _unpack_group(
    places: Mapping[str, Path], group: str, numbers: Sequence[tuple[int, int]], levels: int, folder: Path
) -> None:
    columns = lzma.decompress(_read(places, f"atlas/{group}.tables.xz"))
    masks = memoryview(lzma.decompress(_read(places, f"atlas/{group}.masks.xz")))
    for number, glyphs in numbers:
        table, pixels, table_bytes, mask_bytes = squeeze.unpack_face(columns, masks, glyphs, levels)
        np.save(folder / f"{number:04d}.glyphs.npy", table)
        np.save(folder / f"{number:04d}.pixels.npy", pixels)
        columns, masks = columns[table_bytes:], masks[mask_bytes:]


def _unpack_files(places: Mapping[str, Path], names: Sequence[str], root: Path) -> None:
    for name in names:
        path = root / name.removesuffix(".xz")
        path.parent.mkdir(parents=True, exist_ok=True)
        data = _read(places, name)
        path.write_bytes(lzma.decompress(data) if name.endswith(".xz") else data)


def _read(places: Mapping[str, Path], name: str) -> bytes:
    try:
        with zipfile.ZipFile(places[name]) as file:
            return file.read(name)
    except (OSError, zipfile.BadZipFile) as error:
        raise TrainingError(f"{places[name].name} is damaged: {error}.", hint="Copy it again.") from error


def _together(tasks: Iterable[partial[Result]], jobs: int) -> Iterator[Result]:
    """Give the results in order, computed in `jobs` processes."""
    if jobs <= 1:
        yield from (task() for task in tasks)
        return
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(_run, tasks)


def _run(task: partial[Result]) -> Result:
    return task()
