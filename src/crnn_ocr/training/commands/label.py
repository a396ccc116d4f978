"""`crnn-ocr train label`: labels for pages that nobody has labelled."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


def add(commands: Subparsers) -> None:
    """Add the commands of this group."""
    label = commands.add_parser("label", help="label the lines of pages by what recognisers agree on")
    label.add_argument("pages", type=Path, help="folder with pictures and PDFs")
    label.add_argument("out", type=Path, help="folder for the lines; what is there already is kept")
    label.add_argument(
        "--teacher", action="append", metavar="PACK",
        help="recogniser pack, the most accurate first; at least twice (default: accurate, crnn-zh-en)",
    )  # fmt: skip
    label.set_defaults(run_command=_label)
    pack = commands.add_parser("label-pack", help="write the labels of pages into one small table")
    pack.add_argument("lines", type=Path, help="folder that `label` filled")
    pack.add_argument("table", type=Path, metavar="TABLE", help="TSV packed by xz; no pictures in it")
    pack.set_defaults(run_command=_pack)
    cut = commands.add_parser("label-cut", help="cut the lines of such a table out of their pages again")
    cut.add_argument("pages", type=Path, help="folder of the pages that were labelled")
    cut.add_argument("table", type=Path, metavar="TABLE", help="what `label-pack` wrote")
    cut.add_argument("lines", type=Path, help="folder for the lines; what is there already is kept")
    cut.set_defaults(run_command=_cut)


def _label(arguments: argparse.Namespace) -> int:
    from crnn_ocr.training.labelling.run import TEACHERS, label

    found = label(arguments.pages, arguments.out, teachers=arguments.teacher or TEACHERS)
    lines = sum(found.values()) - found["unreadable"]
    print(
        f"{lines} lines: all agree on {found['all']}, most on {found['most']}, one sure reader labels"
        f" {found['surest']}, {found['none']} have no label; {found['unreadable']} files could not be read"
    )
    return 0


def _pack(arguments: argparse.Namespace) -> int:
    from crnn_ocr.training.labelling.table import write_table

    print(f"{write_table(arguments.lines, arguments.table)} lines")
    return 0


def _cut(arguments: argparse.Namespace) -> int:
    from crnn_ocr.training.labelling.table import cut_lines

    print(f"{cut_lines(arguments.pages, arguments.table, arguments.lines)} pages")
    return 0
