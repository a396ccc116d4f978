"""From a checkpoint to a model pack: graph, characters, manifest, card and NOTICE, checked and then moved."""

from __future__ import annotations

import hashlib
import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from crnn_ocr.engine.pack_check import prove_pack
from crnn_ocr.errors import TrainingError
from crnn_ocr.models.install import check_place, exchange
from crnn_ocr.models.manifest import Manifest, PrecisionChoice
from crnn_ocr.models.registry import Pack
from crnn_ocr.training.deliver import card
from crnn_ocr.training.deliver.measurements import Measurements
from crnn_ocr.training.deliver.quantize import quantize
from crnn_ocr.training.nets import checkpoint, registry
from crnn_ocr.training.nets.crnn import NetConfig
from crnn_ocr.training.nets.export import write
from crnn_ocr.training.text.charset import write_characters
from crnn_ocr.training.types import Image

GRAPH, CHARACTERS = "net.onnx", "characters.txt"


@dataclass(frozen=True)
class About:
    """A person's words about a pack.

    Attributes:
        name: Of the pack and its folder.
        version: Of the pack.
        title: One line for lists.
        languages: Codes, as `zh`.
        notes: Anything else; a paragraph of the card.
        max_width: Wider lines are read in windows, in pixels.
        precision: int8: quantise; auto: where the network gains from it.
        second_look: Whether `recheck=auto` holds for it; not where that costs more than a better network.
    """

    name: str
    version: str
    title: str = ""
    languages: tuple[str, ...] = ("zh", "zh-Hant", "en")
    notes: str = ""
    max_width: int = 1280
    precision: PrecisionChoice = "auto"
    second_look: bool = True


def write_pack(
    state: checkpoint.State,
    folder: Path,
    about: About,
    lines: Callable[[int], Sequence[Image]],
    measured: Measurements,
    check: Callable[[Pack], None] = prove_pack,
) -> Pack:
    """Make a pack of a checkpoint.

    Args:
        state: Of any kind of network.
        folder: The pack's folder is made here; a pack of the same name is replaced.
        about: Its name and the like.
        lines: Gives calibration lines of that height, of every width; asked only for INT8.
        measured: For the card.
        check: What the pack must pass before it is moved to its place; that of `crnn-ocr models add`.

    Raises:
        TrainingError: The checkpoint cannot be used, a field is impossible, or the folder not be written.
        ModelInstallError: Something that is no pack has its place.
        ModelBrokenError: What came out does not pass the check.
    """
    net = registry.restore(state)
    eighth = about.precision == "int8" or (about.precision == "auto" and gains_by_int8(net.config))
    if eighth and not gains_by_int8(net.config):
        raise TrainingError(
            "This kind of network loses by INT8.", hint="Leave out --precision, or say --precision fp32."
        )
    weights = sum(int(item.numel()) for item in net.parameters())
    told = card.origin(state, weights)
    _manifest(about, told, net.config, eighth)  # what is impossible is to be told of before the work
    check_place(folder / about.name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".packing-", dir=folder) as staging:
            made = Path(staging) / "pack"
            made.mkdir()
            graph = write(registry.build(net), Path(staging) / GRAPH)
            if eighth:
                quantize(graph, made / GRAPH, lines(net.config.height))
            else:
                shutil.copyfile(graph, made / GRAPH)
            write_characters(made / CHARACTERS, state.characters[1:])
            digests = sha256_of(made / GRAPH), sha256_of(made / CHARACTERS)
            manifest = _manifest(about, told, net.config, eighth, *digests)
            _write_text(made / "manifest.json", manifest.model_dump_json(indent=2, exclude_defaults=True))
            _write_text(made / "CARD.md", card.card(manifest, told, net.config, measured))
            _write_text(made / "NOTICE", card.notice(manifest, told))
            check(Pack(made, manifest))
            exchange(made, folder / about.name, Path(staging) / "before")
    except OSError as error:
        raise TrainingError(f"The pack cannot be written to {folder}: {error.strerror or error}.") from error
    return Pack(folder / about.name, manifest)


def gains_by_int8(config: registry.Config) -> bool:
    """Tell whether a network is faster in INT8: those of plain convolutions are, depthwise ones are not."""
    return isinstance(config, NetConfig)


def archive(pack: Pack, form: Literal["zip", "tar.gz"]) -> Path:
    """Write the pack as one file beside its folder, for `crnn-ocr models add`; returns its path."""
    target = pack.folder.with_name(f"{pack.manifest.name}-{pack.manifest.version}.{form}")
    partial = target.with_name(target.name + ".part")
    names = sorted(path for path in pack.folder.rglob("*") if path.is_file())
    inside = [(path, Path(pack.folder.name) / path.relative_to(pack.folder)) for path in names]
    if form == "zip":
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as packed:
            for path, name in inside:
                packed.write(path, str(name))
    else:
        with tarfile.open(partial, "w:gz") as packed_tar:
            for path, name in inside:
                packed_tar.add(path, str(name))
    return partial.replace(target)


def _manifest(
    about: About,
    told: card.Origin,
    config: registry.Config,
    eighth: bool,
    graph: str = "0" * 64,
    characters: str = "0" * 64,
) -> Manifest:
    values: dict[str, Any] = {
        "name": about.name,
        "version": about.version,
        "kind": "rec",
        "title": about.title or f"CRNN {about.name}",
        "licence": card.LICENCE,
        "provenance": told.provenance,
        "languages": about.languages,
        "graph": {"path": GRAPH, "sha256": graph},
        "charset": {"path": CHARACTERS, "sha256": characters},
        "output": "best",
        "precision": "int8" if eighth else "fp32",
        "input_height": config.height,
        "stride": config.stride,
        "space": False,  # it stands in the list
        "max_width": about.max_width,
        "notes": about.notes,
        "second_look": about.second_look,
    }
    if registry.stretch(config) != 1.0:
        values["stretch"] = registry.stretch(config)
    try:
        return Manifest.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise TrainingError(
            f"The manifest cannot have the {first['loc'][0]} {first['input']!r}: {first['msg']}."
        ) from None


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _write_text(path: Path, text: str) -> None:
    path.write_text(text.rstrip("\n") + "\n", encoding="utf-8")
