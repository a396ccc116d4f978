"""`crnn-ocr train average | export | quantize | plot`: what is made of a run's checkpoints and log."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from crnn_ocr.errors import TrainingError
from crnn_ocr.training.commands.data import DATA_HELP

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


def add(commands: Subparsers) -> None:
    """Add the commands of this group."""
    average = commands.add_parser("average", help="write the mean of several checkpoints of one run")
    average.add_argument("checkpoints", type=Path, nargs="+", metavar="CHECKPOINT")
    average.add_argument("--out", type=Path, required=True, metavar="FILE", help="checkpoint to write (.pt)")
    average.set_defaults(run_command=_average)

    write = commands.add_parser("export", help="write a checkpoint as one ONNX file")
    write.add_argument("checkpoint", type=Path)
    write.add_argument("target", type=Path, help="ONNX file; the characters go beside it as .txt")
    write.set_defaults(run_command=_export)

    shrink = commands.add_parser("quantize", help="write the INT8 form of an exported network")
    shrink.add_argument("model", type=Path, help="what `export` wrote")
    shrink.add_argument("target", type=Path, help="ONNX file")
    source = shrink.add_mutually_exclusive_group()
    source.add_argument("--data", type=Path, metavar="DIR", help=f"{DATA_HELP} (lines to calibrate on)")
    source.add_argument(
        "--lines", type=Path, metavar="DIR", help="calibrate on these lines instead: folder with labels.tsv"
    )
    shrink.set_defaults(run_command=_quantize)

    draw = commands.add_parser("plot", help="draw the curve of a run")
    draw.add_argument("folder", type=Path)
    draw.set_defaults(run_command=_plot)


def _average(arguments: argparse.Namespace) -> int:
    from crnn_ocr.training.fit import averaging
    from crnn_ocr.training.nets import checkpoint

    state = averaging.mean([checkpoint.load(path) for path in arguments.checkpoints])
    checkpoint.save(state, arguments.out)
    print(f"{arguments.out}: the mean of {len(arguments.checkpoints)} checkpoints")
    return 0


def _export(arguments: argparse.Namespace) -> int:
    from crnn_ocr.training.nets import registry
    from crnn_ocr.training.nets.export import write
    from crnn_ocr.training.text.charset import write_characters

    _check_place(arguments.target)
    net, characters = registry.load(arguments.checkpoint)
    with _writing(arguments.target):
        write(registry.build(net), arguments.target)
        write_characters(arguments.target.with_suffix(".txt"), characters[1:])
    return 0


def _quantize(arguments: argparse.Namespace) -> int:
    from crnn_ocr.training.data.fetch import data_folder
    from crnn_ocr.training.deliver.quantize import calibration_lines, check, milliseconds, quantize
    from crnn_ocr.training.fit.evaluate import load_folder

    _check_place(arguments.target)
    height = check(arguments.model)
    if arguments.lines is not None:
        lines = list(load_folder(arguments.lines, height=height).images)
    else:
        lines = calibration_lines(data_folder(arguments.data), height)
    with _writing(arguments.target):
        quantize(arguments.model, arguments.target, lines)
    for path in (arguments.model, arguments.target):
        size, time = path.stat().st_size / 1e6, milliseconds(path, height=height)
        print(f"{path.name}: {size:.1f} MB, {time:.2f} ms per {height}x320 line, one thread")
    return 0


def _check_place(target: Path) -> None:
    """Make sure, before the work, that there is a folder for a file that is to be written.

    Raises:
        TrainingError: There is none.
    """
    if not target.parent.is_dir():
        raise TrainingError(
            f"There is no folder {target.parent} for {target.name}.", hint="Make it, or name another one."
        )


@contextmanager
def _writing(target: Path) -> Iterator[None]:
    """Tell of a file that cannot be written.

    Raises:
        TrainingError: It cannot.
    """
    try:
        yield
    except OSError as error:
        raise TrainingError(
            f"{target} cannot be written: {error.strerror or error}.", hint="Name a file that you may write."
        ) from error


def _plot(arguments: argparse.Namespace) -> int:
    from crnn_ocr.training.fit.runlog import plot

    print(plot(arguments.folder))
    return 0
