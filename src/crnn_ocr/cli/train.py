"""Implements `crnn-ocr train …`, the training pipeline (extra `train`)."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from crnn_ocr.cli.exit_codes import EXIT_FAILED
from crnn_ocr.cli.standard_streams import print_error
from crnn_ocr.errors import OcrError
from crnn_ocr.training import commands

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-command and its own commands."""
    parser = subparsers.add_parser(
        "train",
        help="train, evaluate and export recognisers",
        description="Train, evaluate and export recognisers; docs/training.md describes every step.",
    )
    commands.add(parser.add_subparsers(metavar="COMMAND", required=True))
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command that was asked for.

    Returns:
        Its exit code; 1 if it fails.
    """
    try:
        return commands.run(args)
    except OcrError as error:
        print_error(None, error)
        return EXIT_FAILED
