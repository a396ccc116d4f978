"""Writes an adapted recogniser as a pack: graph, characters, manifest, card and NOTICE."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
from pydantic import ValidationError

from crnn_ocr.engine.pack_check import prove_pack
from crnn_ocr.errors import TrainingError
from crnn_ocr.models.fingerprint import SECOND_READER
from crnn_ocr.models.install import exchange
from crnn_ocr.models.manifest import Manifest
from crnn_ocr.models.registry import ALIASES, Pack
from crnn_ocr.training.adaptation.base import Base
from crnn_ocr.training.adaptation.measure import Compared
from crnn_ocr.training.deliver.pack import CHARACTERS, GRAPH, sha256_of
from crnn_ocr.training.text.charset import write_characters


@dataclass(frozen=True)
class About:
    """A person's words about the new pack.

    Attributes:
        name: Of the pack and its folder.
        version: Of the pack.
        title: One line for lists; made from the old pack's when empty.
    """

    name: str
    version: str = "1"
    title: str = ""


def manifest(base: Base, about: About, graph: str = "0" * 64, characters: str = "0" * 64) -> Manifest:
    """Return the new pack's manifest.

    Args:
        base: The old pack.
        about: Name and the like.
        graph: SHA-256 of the new graph.
        characters: SHA-256 of the new list of characters.

    Raises:
        TrainingError: The name, the version or the title is impossible, or the name is the old pack's.
    """
    old = base.manifest
    if about.name == old.name:
        raise TrainingError(
            f"The new pack cannot be called {about.name!r} as the one that it is made from.",
            hint="Choose another name with --name; both can then be installed and compared.",
        )
    values: dict[str, Any] = old.model_dump(exclude_defaults=True)
    values |= {
        "name": about.name,
        "version": about.version,
        "title": about.title or f"{old.title}, adapted",
        "provenance": f"Adapted from {old.id} by crnn-ocr train adapt ({old.provenance})",
        "graph": {"path": GRAPH, "sha256": graph},
        "charset": {"path": CHARACTERS, "sha256": characters},
        "space": False,  # it stands in the list, where the old pack has one
    }
    if base.pack.manifest.name == ALIASES[SECOND_READER]:
        # Its second look would be the old pack's, which differs just where the new one has learnt something.
        values["second_look"] = False
    try:
        return Manifest.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise TrainingError(
            f"A pack cannot have the {first['loc'][0]} {first['input']!r}.",
            hint="Names are of a-z, 0-9, - _ and ., at most 64; versions such as 1 or 2026.3.",
        ) from None


def write(
    base: Base,
    model: onnx.ModelProto,
    new: Sequence[str],
    about: About,
    folder: Path,
    check: Callable[[Pack], None] = prove_pack,
) -> Pack:
    """Write graph, characters and manifest into a folder and check what is there.

    Args:
        base: The old pack.
        model: The new graph.
        new: The new characters, in the order of their classes.
        about: Name and the like.
        folder: Empty; becomes the pack.
        check: What the pack must pass; that of `crnn-ocr models add`.

    Raises:
        ModelBrokenError: What came out does not pass the check.
    """
    (folder / GRAPH).write_bytes(model.SerializeToString())
    listed = [text for number, text in enumerate(base.characters) if number != base.manifest.blank]
    write_characters(folder / CHARACTERS, [*listed, *new])
    made = manifest(base, about, sha256_of(folder / GRAPH), sha256_of(folder / CHARACTERS))
    text = made.model_dump_json(indent=2, exclude_defaults=True)
    (folder / "manifest.json").write_text(text + "\n", encoding="utf-8")
    if made.probe is not None and made.probe.image.package is None:
        probe = folder / made.probe.image.path
        probe.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(base.pack.verified(made.probe.image), probe)
    notices = sorted(path for path in base.pack.folder.glob("NOTICE*") if path.is_file())
    for notice in [*notices, *sorted(base.pack.folder.glob("LICENSE*"))]:
        shutil.copyfile(notice, folder / notice.name)
    if not notices:
        (folder / "NOTICE").write_text(
            f"{made.title}\n\nMade from the model pack {base.manifest.id} ({base.manifest.licence}):\n"
            f"{base.manifest.provenance}.\nIts last projection was trained further.\n",
            encoding="utf-8",
        )
    pack = Pack(folder, made)
    check(pack)
    return pack


def write_card(
    pack: Pack, base: Base, new: Sequence[str], material: Sequence[str], compared: Sequence[Compared]
) -> None:
    """Write `CARD.md`: what the pack was made from, with what, and what came of it."""
    old = base.manifest
    lines = [
        f"# {pack.manifest.title}",
        "",
        f"Adapted from `{old.id}` ({old.title}; {old.licence}) by `crnn-ocr train adapt`. The network up to",
        "its embedding is that of the old pack, bit for bit; its last projection was trained further, and a",
        "small correction of the embedding was put before it.",
        "",
        f"{len(base.known) + len(new)} characters; new are {' '.join(new) or 'none'}.",
        "",
        "Learnt from:",
        "",
        *(f"* {sentence}" for sentence in material),
        "",
        "Read before and after, by the engine itself; none of these lines was learnt from:",
        "",
        table(compared),
        "",
    ]
    if pack.manifest.calibration is not None:
        lines += [
            "Confidence is calibrated as in the old pack; for the new characters this was not checked.",
            "",
        ]
    (pack.folder / "CARD.md").write_text("\n".join(lines), encoding="utf-8")


def table(compared: Sequence[Compared]) -> str:
    """Return a Markdown table of what was read before and after."""
    rows = [
        "| lines | | CER before | after | exact before | after | new characters before | after |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in compared:
        a, b = row.before, row.after
        found = (f"{a.found} of {a.new}", f"{b.found} of {b.new}") if a.new else ("", "")
        rows.append(
            f"| {row.name} | {a.lines} | {100 * a.cer:.2f} % | {100 * b.cer:.2f} % |"
            f" {100 * a.exact / max(1, a.lines):.1f} % | {100 * b.exact / max(1, b.lines):.1f} % |"
            f" {found[0]} | {found[1]} |"
        )
    return "\n".join(rows)


def move(made: Path, out: Path, name: str) -> Path:
    """Move a finished pack to `out/name`; a pack of that name is replaced only when the new one is in place.

    Raises:
        ModelInstallError: Something that is no pack has its place.
        TrainingError: The folder cannot be written to.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".adapting-", dir=out) as staging:
            shutil.copytree(made, Path(staging) / name)
            exchange(Path(staging) / name, out / name, Path(staging) / "before")
    except OSError as error:
        raise TrainingError(
            f"The pack cannot be written to {out}: {error.strerror or error}.", hint="Choose another --out."
        ) from error
    return out / name
