"""Implements the command `crnn-ocr`: one module per sub-command, each with `add_parser` and `run`.

Nothing heavy is imported before a sub-command runs, so that `--help` and usage errors appear at once.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from crnn_ocr import __version__
from crnn_ocr.cli import convert, jobs, keys, models, read, serve, train, worker
from crnn_ocr.cli.exit_codes import EXIT_BROKEN_PIPE, EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK
from crnn_ocr.cli.outputs import OutputError
from crnn_ocr.cli.standard_streams import checked_output, discard_output, open_closed_streams, print_error
from crnn_ocr.cli.watch import command as watch
from crnn_ocr.runtime.memory import use_one_arena


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: Arguments without the program's name; the process's own when None.

    Returns:
        The exit code: 0 success, 1 an input failed, 2 wrong usage or settings, 130 interrupted, 141 the
        reader of the output went away.
    """
    # Recent ONNX Runtime wheels send telemetry unless this is set when they are loaded.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    open_closed_streams()
    args = _parser().parse_args(argv)
    use_one_arena()  # before threads start and workers fork
    status: int = EXIT_OK
    try:
        with checked_output():
            status = args.run(args)
            sys.stdout.flush()
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        discard_output()
        return EXIT_BROKEN_PIPE
    except OutputError as error:
        discard_output()
        if status == EXIT_OK:  # otherwise it was reported when it was first met
            print_error(None, error)
        return status or EXIT_FAILED
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="crnn-ocr",
        description="Reads the text in pictures: Chinese and English, on plain CPUs.",
        epilog="Settings come from CRNN_OCR_… environment variables; see docs/settings.md.",
    )
    parser.add_argument("--version", action="version", version=f"crnn-ocr {__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    read.add_parser(subparsers)
    convert.add_parser(subparsers)
    jobs.add_parser(subparsers)
    watch.add_parser(subparsers)
    serve.add_parser(subparsers)
    worker.add_parser(subparsers)
    keys.add_parser(subparsers)
    models.add_parser(subparsers)
    train.add_parser(subparsers)
    return parser
