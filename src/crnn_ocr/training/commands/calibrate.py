"""`crnn-ocr train calibrate`: confidences that hold, for a pack."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from crnn_ocr.training.commands.data import DATA_HELP

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

#: Lines of each set by default: two minutes with PP-OCRv6 small, half a minute with a network of our own.
LINES = 600


def add(commands: Subparsers) -> None:
    """Add the commands of this group."""
    parser = commands.add_parser(
        "calibrate",
        help="fit a pack's confidences to held-out lines",
        description="Read held-out lines with a recogniser pack, fit its confidences to what is right, and"
        " write that into its manifest and card.",
    )
    parser.add_argument("pack", type=Path, help="folder of the pack, with manifest.json")
    parser.add_argument("--data", type=Path, metavar="DIR", help=DATA_HELP)
    parser.add_argument(
        "--heldout", action="append", metavar="NAME", help="held-out sets to fit to [all but the poems]"
    )
    parser.add_argument(
        "--lines", type=int, default=LINES, metavar="COUNT", help=f"of each of them [{LINES}]"
    )
    parser.add_argument(
        "--check",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="folder of real lines with labels.tsv, to report on",
    )
    parser.set_defaults(run_command=_calibrate)


def _calibrate(arguments: argparse.Namespace) -> int:
    import numpy as np
    from tqdm import tqdm

    from crnn_ocr.models.registry import Registry
    from crnn_ocr.recognition.network import confidence
    from crnn_ocr.recognition.network.load import load_recognizer
    from crnn_ocr.training.data import dataset, fetch, heldout_sets
    from crnn_ocr.training.deliver import calibration, measure, reliability
    from crnn_ocr.training.deliver.reliability import Measured
    from crnn_ocr.training.fit.evaluate import read_folder

    folder: Path = arguments.pack.resolve()
    recognizer = load_recognizer(Registry(folder.parent), folder.name)
    config = dataset.SampleConfig(
        fetch.data_folder(arguments.data), height=measure.source_height(recognizer.manifest)
    )
    sets = arguments.heldout or list(calibration.SETS)
    found: list[calibration.Example] = []
    for name in sets:
        lines = heldout_sets.heldout(name, config, arguments.lines)
        found += calibration.examples(recognizer, tqdm(lines, name, unit="line", disable=None))
    fitted = calibration.fit(found)
    right = np.array([example.right for example in found])
    checks = {}
    for path in arguments.check:
        real = tqdm(read_folder(path), path.name, unit="line", disable=None)
        read = calibration.examples(recognizer, real, ignore_case=path.name == "lines_en")
        sure = [confidence.line_confidence(fitted, example.evidence) for example in read]
        checks[path.name] = Measured(np.array(sure), np.array([example.right for example in read]))
    written = reliability.write(
        folder,
        fitted,
        Measured(calibration.left_out(found), right),
        Measured(np.array([example.legibility for example in found]), right),
        Measured(*calibration.characters_left_out(found)),
        checks,
        sets,
    )
    for file in written:
        print(file)
    return 0
