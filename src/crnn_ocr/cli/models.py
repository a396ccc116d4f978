"""Implements `crnn-ocr models list | show | add | wrap | remove | verify | use`."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from crnn_ocr.cli.exit_codes import EXIT_FAILED, EXIT_OK, EXIT_USAGE
from crnn_ocr.cli.standard_streams import print_error
from crnn_ocr.cli.switch_model import switch_model, url_of_this_machine
from crnn_ocr.engine.kinds import KINDS, RECOGNIZER
from crnn_ocr.engine.pack_check import prove_pack
from crnn_ocr.errors import ModelInstallError, ModelNotFoundError, OcrError, SettingsError
from crnn_ocr.models.install import add, remove
from crnn_ocr.models.manifest import Manifest
from crnn_ocr.models.registry import BUNDLED, Pack, Registry, aliases_of
from crnn_ocr.models.wrap import About, wrap
from crnn_ocr.settings import Settings, load_settings

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

Command = Callable[[argparse.Namespace, Settings, Registry], int]


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-command and its own commands."""
    parser = subparsers.add_parser(
        "models",
        help="list, check, add, remove and switch model packs",
        description="List, check, add, remove and switch model packs. Packs are added to the folder "
        "CRNN_OCR_MODELS_DIR; docs/models.md describes what a pack is.",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(name: str, does: Command, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        added.set_defaults(run=partial(run, command=does))
        return added

    command("list", _list, "list the packs that can be used")
    one = command("show", _show, "show what is known about a pack")
    one.add_argument("name", metavar="NAME", help="name or alias of a pack")
    new = command("add", _add, "check a pack and install it")
    new.add_argument("source", type=Path, metavar="PACK", help="folder of a pack, or a .zip or .tar.gz of it")
    new.add_argument("--replace", action="store_true", help="replace a pack of the same name")
    bare = command("wrap", _wrap, "make a pack from an ONNX file and its list of characters, and install it")
    bare.add_argument("graph", type=Path, metavar="ONNX", help="recogniser with a CTC head, blank first")
    bare.add_argument(
        "--characters", type=Path, help="file with one character per row (default: from the ONNX file)"
    )
    bare.add_argument("--name", required=True, help="name of the pack: letters, digits, dots and dashes")
    bare.add_argument("--languages", default="", help="language tags, separated by commas, such as ja,en")
    bare.add_argument("--title", default="", help="short description of the model")
    bare.add_argument("--licence", default="unknown", help="licence of the weights, such as Apache-2.0")
    bare.add_argument("--provenance", default="unknown", help="where the model comes from")
    bare.add_argument("--height", type=int, default=48, help="input height in pixels (default: 48)")
    bare.add_argument("--stride", type=int, default=8, help="pixels of width per time step (default: 8)")
    bare.add_argument("--replace", action="store_true", help="replace a pack of the same name")
    old = command("remove", _remove, "remove a pack that was added")
    old.add_argument("name", metavar="NAME", help="name of a pack")
    check = command("verify", _verify, "compare packs with their manifests, load them and read a test line")
    check.add_argument("names", nargs="*", metavar="NAME", help="names or aliases (default: all packs)")
    switch = command("use", _use, "switch a running service to another recogniser")
    switch.add_argument("name", metavar="NAME", help="name or alias of a pack")
    switch.add_argument("--url", help="address of the service (default: the one in the settings)")


def run(args: argparse.Namespace, *, command: Command) -> int:
    """Run one of the commands.

    Returns:
        0 for success, 1 if a pack is broken or cannot be copied, 2 for a wrong name or setting.
    """
    try:
        settings = load_settings()
        return command(args, settings, Registry(settings.models_dir))
    except OcrError as error:
        print_error(None, error)
        return EXIT_USAGE if isinstance(error, SettingsError | ModelNotFoundError) else EXIT_FAILED


def _list(_: argparse.Namespace, settings: Settings, registry: Registry) -> int:
    rows = [("NAME", "VERSION", "KIND", "PLACE", "REMARKS")]
    for pack in registry.packs():
        found = pack.manifest
        place = "program" if pack.folder.parent == BUNDLED else "folder"
        rows.append((found.name, found.version, _kind(found), place, _remarks(pack, settings)))
    rows += [
        (path.name, "", "", "folder", "broken: see `crnn-ocr models verify`") for path in registry.broken()
    ]
    print(_table(rows))
    print(f"\nfolder: {registry.models_dir or 'none'}")
    return EXIT_OK


def _show(args: argparse.Namespace, settings: Settings, registry: Registry) -> int:
    pack = registry.find(args.name)
    found = pack.manifest
    size = sum(pack.locate(file).stat().st_size for file in pack.files())
    reads = found.kind == RECOGNIZER.name
    precision = "INT8, FP32 derived from it" if found.precision == "int8" else "FP32"
    facts = {
        "name": found.id,
        "title": found.title,
        "kind": _kind(found),
        "remarks": _remarks(pack, settings),
        "languages": ", ".join(found.languages),
        "precision": precision if reads else "",
        "input": f"{found.input_height} pixels high, {found.stride} per step" if reads else "",
        "size": f"{size / 1e6:.1f} MB",
        "licence": found.licence,
        "origin": found.provenance,
        "notes": found.notes,
        "folder": str(pack.folder),
        "card": str(pack.folder / "CARD.md") if (pack.folder / "CARD.md").is_file() else "",
    }
    print(_table([(f"{name}:", value) for name, value in facts.items() if value]))
    return EXIT_OK


def _kind(manifest: Manifest) -> str:
    """Return what a pack is, for people."""
    kind = KINDS.get(manifest.kind)
    return f"unknown ({manifest.kind})" if kind is None else kind.title


def _add(args: argparse.Namespace, _: Settings, registry: Registry) -> int:
    pack = add(args.source, registry, prove_pack, replace=args.replace)
    print(f"added {pack.manifest.id} in {pack.folder}")
    return EXIT_OK


def _wrap(args: argparse.Namespace, settings: Settings, registry: Registry) -> int:
    about = About(
        name=args.name,
        title=args.title,
        languages=tuple(tag.strip() for tag in args.languages.split(",") if tag.strip()),
        licence=args.licence,
        provenance=args.provenance,
        input_height=args.height,
        stride=args.stride,
    )
    with _scratch() as folder:
        try:
            wrap(args.graph, args.characters, Path(folder), about)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            field = ".".join(str(part) for part in first["loc"])
            raise SettingsError(f"{field}: {first['msg']}", hint="docs/models.md lists the fields.") from None
        args.source = Path(folder)
        return _add(args, settings, registry)


def _scratch() -> tempfile.TemporaryDirectory[str]:
    try:
        return tempfile.TemporaryDirectory()
    except OSError as error:
        raise ModelInstallError(
            f"The pack cannot be put together: {error.strerror}.",
            hint="Free some space in the folder for temporary files, or choose another one with TMPDIR.",
        ) from None


def _remove(args: argparse.Namespace, _: Settings, registry: Registry) -> int:
    print(f"removed {remove(args.name, registry)}")
    return EXIT_OK


def _verify(args: argparse.Namespace, _: Settings, registry: Registry) -> int:
    packs = [registry.find(name) for name in args.names] or registry.packs()
    status = EXIT_OK
    for pack in packs:
        try:
            prove_pack(pack)
        except OcrError as error:
            print_error(pack.manifest.name, error)
            status = EXIT_FAILED
        else:
            print(f"{pack.manifest.id} is intact")
    for path in () if args.names else registry.broken():
        status = EXIT_FAILED
        try:
            registry.at(path)
        except OcrError as error:
            print_error(path.name, error)
    return status


def _use(args: argparse.Namespace, settings: Settings, _: Registry) -> int:
    made = switch_model(args.url or url_of_this_machine(settings), args.name)
    print(f"{made['model']} is active in {made['workers']} worker(s); before it was {made['previous']}")
    if pending := made["pending"]:
        print(f"not yet in: {', '.join(map(str, pending))}")
    return EXIT_OK


def _remarks(pack: Pack, settings: Settings) -> str:
    name, aliases = pack.manifest.name, aliases_of(pack.manifest.name)
    kind = KINDS.get(pack.manifest.kind)
    used = kind is not None and kind.active(settings) in (name, *aliases)
    return ", ".join([*(["default"] if used else []), *(f"alias {alias}" for alias in aliases)])


def _table(rows: Sequence[Sequence[str]]) -> str:
    """Return the rows as text, with aligned columns two spaces apart."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)
