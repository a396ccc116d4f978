"""`crnn-ocr train pack | measure`: from a checkpoint to a model pack, and what the pack is worth."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from crnn_ocr.training.commands.data import DATA_HELP

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


def add(commands: Subparsers) -> None:
    """Add the commands of this group."""
    pack = commands.add_parser(
        "pack",
        help="make a model pack of a checkpoint",
        description="Export a checkpoint, quantise it where that is faster, and write graph, characters,"
        " manifest, card and NOTICE into OUT_DIR/NAME, checked as `crnn-ocr models add` does, reading a"
        " probe included. A pack of that name is replaced; anything else of that name is left alone.",
    )
    pack.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help=".pt or .npz of a run")
    pack.add_argument("out", type=Path, metavar="OUT_DIR", help="the pack's folder is made in here")
    pack.add_argument("--name", required=True, help="of the pack: a-z, 0-9, - _ .")
    pack.add_argument("--version", required=True, help="of the pack, for example 1")
    pack.add_argument("--title", default="", help="one line for lists")
    pack.add_argument("--languages", default="zh,zh-Hant,en", metavar="CODES", help="[zh,zh-Hant,en]")
    pack.add_argument("--notes", default="", help="a paragraph for the card")
    pack.add_argument(
        "--max-width", type=int, default=1280, metavar="PIXELS", help="of one window, a multiple of 32 [1280]"
    )
    pack.add_argument(
        "--precision",
        choices=("auto", "int8", "fp32"),
        default="auto",
        help="auto: INT8 for networks of plain convolutions",
    )
    pack.add_argument(
        "--no-second-look",
        dest="second_look",
        action="store_false",
        help="recheck=auto does not hold for it: for networks that are there to be fast",
    )
    pack.add_argument("--data", type=Path, metavar="DIR", help=f"{DATA_HELP} (calibration of INT8)")
    pack.add_argument("--measurements", type=Path, metavar="JSON", help="for the card; see `measure`")
    pack.add_argument("--archive", choices=("zip", "tar.gz"), help="also write one file to pass on")
    pack.set_defaults(run_command=_pack)

    measure = commands.add_parser(
        "measure",
        help="measure accuracy and cost of a pack, for its card",
        description="Read labelled lines with a pack in every precision that it has, take the time, and write"
        " the tables into its card.",
    )
    measure.add_argument("pack", type=Path, help="folder of the pack")
    measure.add_argument("folders", type=Path, nargs="*", help="folders of line pictures with labels.tsv")
    measure.add_argument(
        "--heldout",
        action="append",
        default=[],
        metavar="NAME",
        help="a rendered held-out set, too; again for more",
    )
    measure.add_argument(
        "--heldout-lines", type=int, default=200, metavar="COUNT", help="of each of them [200]"
    )
    measure.add_argument("--data", type=Path, metavar="DIR", help=f"{DATA_HELP} (held-out sets)")
    measure.add_argument("--machine", default="", help="CPU and the like, for the card")
    measure.add_argument("--remarks", default="", help="a paragraph below the tables")
    measure.add_argument("--json", type=Path, metavar="FILE", help="also write the figures for `pack`")
    measure.set_defaults(run_command=_measure)


def _pack(arguments: argparse.Namespace) -> int:
    from crnn_ocr.training.data.fetch import data_folder
    from crnn_ocr.training.deliver import measurements, pack, quantize
    from crnn_ocr.training.nets import checkpoint

    measured = measurements.Measurements()
    if arguments.measurements is not None:
        measured = measurements.read(arguments.measurements)
    state = checkpoint.load(arguments.checkpoint)
    about = pack.About(
        arguments.name,
        arguments.version,
        arguments.title,
        tuple(code.strip() for code in arguments.languages.split(",") if code.strip()),
        arguments.notes,
        arguments.max_width,
        arguments.precision,
        arguments.second_look,
    )
    written = pack.write_pack(
        state,
        arguments.out,
        about,
        lambda height: quantize.calibration_lines(data_folder(arguments.data), height),
        measured,
    )
    for path in sorted(written.folder.iterdir()):
        print(f"{path}  {path.stat().st_size / 1e6:.2f} MB")
    if arguments.archive is not None:
        print(pack.archive(written, arguments.archive))
    return 0


def _measure(arguments: argparse.Namespace) -> int:
    from crnn_ocr.training.data.fetch import data_folder
    from crnn_ocr.training.deliver import measure, measurements

    rendered = None
    if arguments.heldout:
        data, count = data_folder(arguments.data), arguments.heldout_lines
        rendered = measure.Rendered(data, tuple(arguments.heldout), count)
    found = measure.measure(
        arguments.pack, arguments.folders, rendered, machine=arguments.machine, remarks=arguments.remarks
    )
    if arguments.json is not None:
        measurements.write(found, arguments.json)
    print(measurements.tables(found), end="")
    print(measure.write_section(arguments.pack, found))
    return 0
