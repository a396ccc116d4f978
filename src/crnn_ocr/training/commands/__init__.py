"""The commands of `crnn-ocr train`: one module per group, each with `add(commands)`.

A module adds its parsers and gives each a function with `set_defaults(run_command=…)`, which takes the parsed
arguments and returns the exit status. Nothing heavy (NumPy, PyTorch, ONNX, fontTools) is imported before such
a function runs, so that `--help` and usage errors come at once.
"""

from __future__ import annotations

import argparse
import importlib.util
from collections.abc import Callable
from typing import TYPE_CHECKING

from crnn_ocr.errors import MissingExtraError
from crnn_ocr.training.commands import adapt, calibrate, data, detector, evaluate, export, fit, label, pack

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

#: In the order in which `crnn-ocr train --help` lists them.
GROUPS = (data, label, detector, fit, evaluate, export, pack, calibrate, adapt)

#: What the extra `train` brings, as its packages are imported.
_EXTRA = ("torch", "fontTools", "matplotlib", "rapidfuzz")


def add(commands: Subparsers) -> None:
    """Add the commands of every group."""
    for group in GROUPS:
        group.add(commands)


def run(arguments: argparse.Namespace) -> int:
    """Run the command that was asked for; returns the exit status.

    Raises:
        MissingExtraError: The extra `train` is not installed.
        OcrError: Whatever the command raises.
    """
    missing = [name for name in _EXTRA if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f"Training needs the package {missing[0]!r}.", hint="Install it: pip install 'crnn-ocr[train]'."
        )
    command: Callable[[argparse.Namespace], int] = arguments.run_command
    return command(arguments)
