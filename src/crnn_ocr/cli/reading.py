"""Reads all inputs of a command with one engine, and reports what goes wrong. `read` and `convert` use it."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from crnn_ocr.cli.exit_codes import EXIT_FAILED, EXIT_OK, EXIT_USAGE
from crnn_ocr.cli.flags import options_of
from crnn_ocr.cli.inputs import Input
from crnn_ocr.cli.outputs import OutputError
from crnn_ocr.cli.standard_streams import print_error, print_message
from crnn_ocr.cli.write_options import input_bytes
from crnn_ocr.document import Document
from crnn_ocr.errors import ModelBrokenError, ModelNotFoundError, OcrError, SettingsError
from crnn_ocr.logging import configure_logging
from crnn_ocr.options import ReadOptions
from crnn_ocr.settings import Settings, load_settings

_log = logging.getLogger(__name__)


class Reader(Protocol):
    """Interface of the part of `OCR` that is used here."""

    def read(self, source: Any, options: ReadOptions | None = None) -> Document:
        """Read one input."""

    def close(self) -> None:
        """Unload the models."""


#: Makes the engine.
OpenReader = Callable[[Settings, ReadOptions, int | None], Reader]


def open_engine(settings: Settings, options: ReadOptions, threads: int | None) -> Reader:
    """Return the real engine."""
    # Imported late: OpenCV and ONNX Runtime take longer to load than everything else together.
    from crnn_ocr.engine.ocr import OCR

    return OCR(settings, model=options.model, threads=threads)


@dataclass(frozen=True, slots=True)
class Reading:
    """An engine that is open, and how it reads.

    Attributes:
        reader: The engine.
        settings: The settings.
        options: How to read.
        quiet: Whether to print errors only.
    """

    reader: Reader
    settings: Settings
    options: ReadOptions
    quiet: bool

    def each(self, inputs: Sequence[Input], write: Callable[[Input, bytes, Document], None]) -> int:
        """Read every input and write its result; return the exit code.

        Args:
            inputs: The inputs.
            write: Writes a result, given the input, its bytes and its document.

        Raises:
            OutputError: A result cannot be written, which ends the run.
        """
        status = EXIT_OK
        for entry in _with_progress(inputs, shown=not self.quiet):
            try:
                data = input_bytes(entry, self.settings)
                document = self.read(entry, data)
                write(entry, data, document)
                if not self.quiet:
                    print_remarks(entry.name, document)
            except (ModelBrokenError, SettingsError) as error:
                print_error(entry.name, error)
                return EXIT_FAILED  # every other input would fail in the same way
            except OutputError:
                raise  # it ends the run
            except OcrError as error:
                print_error(entry.name, error)
                status = EXIT_FAILED
        return status

    def read(self, entry: Input, data: bytes) -> Document:
        """Read one input, given its bytes.

        Raises:
            OcrError: It cannot be read; also where the engine has a bug.
        """
        with bugs_as_errors(entry.name, "reading", "The engine"):
            return self.reader.read(data, self.options)


@contextmanager
def bugs_as_errors(name: str, work: str, part: str) -> Iterator[None]:
    """Turn any exception that is no error of ours into one that asks for a report of the bug.

    Args:
        name: Name of the input.
        work: What is done, for the log.
        part: What fails, for the message.

    Raises:
        OcrError: Anything failed.
    """
    try:
        yield
    except OcrError:
        raise
    except Exception as error:
        _log.debug(f"{work} failed", exc_info=True, extra={"fields": {"file": name}})
        raise OcrError(
            f"{part} failed with {type(error).__name__}.",
            hint="Please report this bug in crnn-ocr; CRNN_OCR_LOG_LEVEL=debug shows the details.",
        ) from error


def run_with_engine(
    args: argparse.Namespace,
    layout: Literal["lines", "blocks"],
    work: Callable[[Reading], int],
    open_reader: OpenReader | None = None,
) -> int:
    """Open the engine that the command line asks for, and do some work with it.

    Args:
        args: The parsed command line.
        layout: The layout that the formats need.
        work: Does the work and returns the exit code; may raise `OutputError`.
        open_reader: Makes the engine; the real one when None.

    Returns:
        The exit code of the work, 1 if a result cannot be written, 2 if a setting or the name of the model is
        wrong.
    """
    try:
        settings = load_settings()
        # Log lines at level info are meant for a service; a command would only clutter standard error.
        level = "warning" if settings.log_level == "info" else settings.log_level
        configure_logging(level, settings.log_format)
        options = options_of(args).with_layout(layout)
        reader = (open_reader or open_engine)(settings, options, args.threads)
    except OcrError as error:
        print_error(None, error)
        return EXIT_USAGE if isinstance(error, SettingsError | ModelNotFoundError) else EXIT_FAILED
    try:
        return work(Reading(reader, settings, options, args.quiet))
    except OutputError as error:
        print_error(None, error)
        return EXIT_FAILED
    finally:
        reader.close()


def thread_count(text: str) -> int:
    """Return the value of `--threads`; for `argparse`."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if not 1 <= value <= 256:
        raise argparse.ArgumentTypeError(f"must be a number from 1 to 256, not {text[:40]!r}")
    return value


def _with_progress(inputs: Sequence[Input], *, shown: bool) -> Iterable[Input]:
    """Return the inputs, with a progress bar if there are several and standard error is a terminal."""
    if not shown or len(inputs) < 2 or not sys.stderr.isatty():
        return inputs
    from tqdm import tqdm

    # Results on the same terminal would break the bar.
    return inputs if sys.stdout.isatty() else tqdm(inputs, unit="file", file=sys.stderr, leave=False)


def print_remarks(name: str, document: Document) -> None:
    """Print what readers of a result should know, and why pages are missing."""
    for page in document.pages:
        where = name if len(document.pages) == 1 else f"{name}, page {page.number}"
        for remark in (*page.warnings, *([page.error] if page.error else [])):
            print_message(f"crnn-ocr: {where}: {remark.message} ({remark.code})")
