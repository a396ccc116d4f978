"""`crnn-ocr train export | quantize | plot`: from a run's folder to files that others use."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


def add(commands: Subparsers) -> None:
    """Add the commands of this group."""
    write = commands.add_parser("export", help="write a checkpoint as one ONNX file")
    write.add_argument("checkpoint", type=Path)
    write.add_argument("target", type=Path, help="ONNX file; the characters go beside it as .txt")
    write.set_defaults(run_command=_export)

    shrink = commands.add_parser("quantize", help="write the INT8 form of an exported network")
    shrink.add_argument("model", type=Path)
    shrink.add_argument("target", type=Path)
    shrink.add_argument("--lines", type=Path, required=True, metavar="DIR", help="folder with labels.tsv")
    shrink.set_defaults(run_command=_quantize)

    draw = commands.add_parser("plot", help="draw the curve of a run")
    draw.add_argument("folder", type=Path)
    draw.set_defaults(run_command=_plot)


def _export(arguments: argparse.Namespace) -> int:
    from crnn_ocr.training import networks
    from crnn_ocr.training.charset import write_characters
    from crnn_ocr.training.export import write

    net, characters = networks.load(arguments.checkpoint)
    write(networks.build(net), arguments.target)
    write_characters(arguments.target.with_suffix(".txt"), characters[1:])
    return 0


def _quantize(arguments: argparse.Namespace) -> int:
    from crnn_ocr.training.evaluate import load_folder
    from crnn_ocr.training.quantize import milliseconds, quantize

    lines = load_folder(arguments.lines).images
    quantize(arguments.model, arguments.target, lines)
    for path in (arguments.model, arguments.target):
        size = path.stat().st_size / 1e6
        print(f"{path.name}: {size:.1f} MB, {milliseconds(path):.2f} ms per 48x320 line, one thread")
    return 0


def _plot(arguments: argparse.Namespace) -> int:
    from crnn_ocr.training.plots import plot

    print(plot(arguments.folder))
    return 0
