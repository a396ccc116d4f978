"""`crnn-ocr train bundle | unbundle`: training data for a machine that cannot prepare them itself."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from crnn_ocr.training.commands.data import DATA_HELP

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

_MIB = 1 << 20


def add(commands: Subparsers) -> None:
    """Add the commands of this group."""
    bundle = commands.add_parser("bundle", help="pack the training data into a few files of limited size")
    bundle.add_argument("folder", type=Path, metavar="OUT", help="where part-1.zip … go")
    bundle.add_argument("--data", type=Path, metavar="DIR", help=DATA_HELP)
    bundle.add_argument("--parts", type=int, default=4, metavar="N", help="most files [4]")
    bundle.add_argument("--part-mib", type=float, default=55, metavar="MIB", help="most MiB of each [55]")
    bundle.add_argument(
        "--weights", type=int, choices=(1, 2, 3), default=2, help="regular; bold; light of every design [2]"
    )
    bundle.add_argument("--levels", type=int, default=16, help="of a glyph's coverage, 2 to 16 [16]")
    bundle.add_argument("--text-mb", type=float, default=40, metavar="MB", help="of all texts together [40]")
    bundle.add_argument(
        "--heldout-lines", type=int, default=100, metavar="COUNT", help="of every held-out set [100]"
    )
    bundle.add_argument("--jobs", type=int, default=1, help="processes, 700 MB each [1]")
    bundle.set_defaults(run_command=_bundle)

    unbundle = commands.add_parser("unbundle", help="restore training data from the files of `bundle`")
    unbundle.add_argument("parts", type=Path, nargs="+", metavar="PART", help="all files of the bundle")
    unbundle.add_argument("folder", type=Path, metavar="OUT", help="folder of the training data")
    unbundle.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes [one per core]")
    unbundle.set_defaults(run_command=_unbundle)


def _bundle(arguments: argparse.Namespace) -> int:
    from crnn_ocr.training.data.bundle import BundleConfig, write
    from crnn_ocr.training.data.fetch import data_folder

    config = BundleConfig(
        arguments.parts,
        int(arguments.part_mib * _MIB),
        arguments.weights,
        arguments.levels,
        int(arguments.text_mb * 1e6),
        arguments.heldout_lines,
        arguments.jobs,
    )
    written = write(data_folder(arguments.data), arguments.folder, config)
    for path in written.parts:
        print(f"{path}\t{path.stat().st_size / _MIB:.1f} MiB")
    print(", ".join(f"{kind} {size / _MIB:.1f} MiB" for kind, size in written.bytes_of.items()))
    print(f"{len(written.faces)} faces; left out: {len(written.left_out)} of the same designs, other weights")
    if written.lost:
        print(f"families left out: {', '.join(written.lost)}")
    return 0


def _unbundle(arguments: argparse.Namespace) -> int:
    from crnn_ocr.training.data.bundle import read

    print(f"{read(arguments.parts, arguments.folder, jobs=arguments.jobs)} faces")
    return 0
