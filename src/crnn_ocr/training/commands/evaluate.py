"""`crnn-ocr train evaluate`: how well a checkpoint or an exported network reads."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


def add(commands: Subparsers) -> None:
    """Add the commands of this group."""
    test = commands.add_parser("evaluate", help="measure a network on labelled lines")
    test.add_argument("model", type=Path, help="checkpoint (.pt, .npz) or exported network (.onnx)")
    test.add_argument("--characters", type=Path, metavar="TXT", help="of an exported network [beside it]")
    test.add_argument("--height", type=int, help="of an exported network that takes any [its own]")
    test.add_argument("folders", type=Path, nargs="+", help="folders with labels.tsv")
    test.add_argument("--ignore-case", action="store_true")
    test.set_defaults(run_command=_evaluate)


def _evaluate(arguments: argparse.Namespace) -> int:
    from crnn_ocr.training.adaptation.material import write_shorter
    from crnn_ocr.training.fit.evaluate import (
        evaluate,
        graph_reader,
        graph_size,
        load_folder,
        network_reader,
        unreadable,
    )
    from crnn_ocr.training.nets import registry
    from crnn_ocr.training.text.charset import read_characters

    characters: Sequence[str]
    if arguments.model.suffix == ".onnx":
        height, stretch = graph_size(arguments.model, arguments.height)
        listed = arguments.characters or arguments.model.with_suffix(".txt")
        characters = ("", *read_characters(listed))
        read = graph_reader(arguments.model, characters)
    else:
        net, characters = registry.load(arguments.model)
        height, stretch = net.config.height, registry.stretch(net.config)
        read = network_reader(net, characters)
    sets = [
        load_folder(folder, height=height, stretch=stretch, ignore_case=arguments.ignore_case)
        for folder in arguments.folders
    ]
    count, missing = unreadable(sets, characters)
    if count:
        labels = sum(len(lines.texts) for lines in sets)
        print(
            f"note: {count} of {labels} labels hold characters that the network does not have:"
            f" {write_shorter(sorted(missing, key=lambda c: -missing[c]), most=10)}"
        )
    for name, found in evaluate(read, sets).items():
        print(
            f"{name}: {found.lines} lines, CER {100 * found.cer:.2f} %, exact {100 * found.exact:.1f} %,"
            f" exact with spaces {100 * found.exact_spaced:.1f} %"
        )
    return 0
