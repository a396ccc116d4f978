"""Implements `crnn-ocr keys`, which makes API keys for the service."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from crnn_ocr.cli.exit_codes import EXIT_OK, EXIT_USAGE
from crnn_ocr.cli.standard_streams import print_error, print_message
from crnn_ocr.errors import SettingsError
from crnn_ocr.service.middleware.api_keys import new_key

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-command and its own sub-commands."""
    parser = subparsers.add_parser(
        "keys",
        help="make API keys for the service",
        description="Make API keys for the service. The service only gets their hashes, in CRNN_OCR_API_KEYS "
        "or as rows of the file CRNN_OCR_API_KEYS_FILE.",
    )
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    new = actions.add_parser(
        "new",
        help="make a key and print it once",
        description="Make a key of 256 random bits. Give the key to the client and the entry to the service. "
        "The key is shown only once and stored nowhere. The entry is printed to standard output, and the key "
        "to standard error.",
    )
    new.add_argument("name", metavar="NAME", help="who will use it; the log shows this name, never the key")
    new.set_defaults(run=run_new)


def run_new(args: argparse.Namespace) -> int:
    """Print a new key and its entry.

    Returns:
        0, or 2 if the name is not valid.
    """
    try:
        made = new_key(args.name)
    except SettingsError as error:
        print_error(None, error)
        return EXIT_USAGE
    print_message(f"key for the client (shown only once): {made.key}")
    if sys.stdout.isatty():
        print_message("entry for CRNN_OCR_API_KEYS or a row of CRNN_OCR_API_KEYS_FILE:")
    print(made.entry)
    return EXIT_OK
