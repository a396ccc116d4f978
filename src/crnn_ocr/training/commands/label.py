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


def _label(arguments: argparse.Namespace) -> int:
    from crnn_ocr.training.labelling.run import TEACHERS, label

    found = label(arguments.pages, arguments.out, teachers=arguments.teacher or TEACHERS)
    lines = sum(found.values()) - found["unreadable"]
    print(
        f"{lines} lines: all agree on {found['all']}, most on {found['most']}, one sure reader labels"
        f" {found['surest']}, {found['none']} have no label; {found['unreadable']} files could not be read"
    )
    return 0
