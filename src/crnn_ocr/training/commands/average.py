"""`crnn-ocr train average`: one checkpoint of several."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


def add(commands: Subparsers) -> None:
    """Add the command of this group."""
    average = commands.add_parser("average", help="write the mean of several checkpoints of one run")
    average.add_argument("checkpoints", type=Path, nargs="+", metavar="CHECKPOINT")
    average.add_argument("--out", type=Path, required=True, metavar="FILE", help="checkpoint to write (.pt)")
    average.set_defaults(run_command=_average)


def _average(arguments: argparse.Namespace) -> int:
    from crnn_ocr.training.fit import averaging
    from crnn_ocr.training.nets import checkpoint

    state = averaging.mean([checkpoint.load(path) for path in arguments.checkpoints])
    checkpoint.save(state, arguments.out)
    print(f"{arguments.out}: the mean of {len(arguments.checkpoints)} checkpoints")
    return 0
