"""Implements `crnn-ocr read`, which reads pictures and writes their text.

Only one input is in memory at a time. Results go to the output; errors, remarks and progress go to standard
error.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from crnn_ocr.cli.exit_codes import EXIT_FAILED, EXIT_OK, EXIT_USAGE
from crnn_ocr.cli.flags import add_option_flags, options_of
from crnn_ocr.cli.inputs import STDIN, Input, expand
from crnn_ocr.cli.outputs import Output, OutputError, is_folder, open_output
from crnn_ocr.cli.stderr import print_error, print_message
from crnn_ocr.cli.write_options import input_bytes, write_options
from crnn_ocr.document import Document
from crnn_ocr.errors import ModelBrokenError, ModelNotFoundError, OcrError, SettingsError
from crnn_ocr.export import FORMATS, Writer
from crnn_ocr.logging import configure_logging
from crnn_ocr.options import ReadOptions
from crnn_ocr.settings import Settings, load_settings

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

_log = logging.getLogger(__name__)


class Reader(Protocol):
    """Interface of the part of `OCR` that is used here."""

    def read(self, source: Any, options: ReadOptions | None = None) -> Document:
        """Read one input."""

    def close(self) -> None:
        """Unload the models."""


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-command and its flags."""
    parser = subparsers.add_parser(
        "read",
        help="read pictures, folders of pictures or standard input",
        description="Read the text of pictures. Files that cannot be read are reported on standard error; "
        "the others are still read.",
        epilog="Exit code: 0 success, 1 an input failed, 2 wrong usage or setting, 130 interrupted.",
    )
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help='a picture, a folder, or "-" for standard input'
    )
    parser.add_argument(
        "-o", "--output", metavar="PATH",
        help="file for all results, or folder (existing, or ending with /) for one file per input",
    )  # fmt: skip
    parser.add_argument(
        "-f", "--format", choices=[*FORMATS],
        help="format of the results (default: by the suffix of the output file, otherwise text)",
    )  # fmt: skip
    parser.add_argument(
        "--chars", action="store_true", help="also write the position of every character, if the format can"
    )
    parser.add_argument("-r", "--recursive", action="store_true", help="also read subfolders")
    parser.add_argument(
        "-q", "--quiet", action="store_true", help="no progress bar and no remarks, errors only"
    )
    parser.add_argument("--threads", type=thread_count, metavar="N", help="cores to use (default: all)")
    add_option_flags(parser)
    parser.set_defaults(run=partial(run, parser=parser))


def run(
    args: argparse.Namespace,
    *,
    parser: argparse.ArgumentParser | None = None,
    open_reader: Callable[[Settings, ReadOptions, int | None], Reader] | None = None,
) -> int:
    """Read all inputs.

    Args:
        args: The parsed command line.
        parser: Reports usage errors that can only be found when all arguments are known.
        open_reader: Makes the engine; the real one when None.

    Returns:
        0 if all inputs were read, 1 if one failed, 2 if a setting or the name of the model is wrong.
    """
    inputs = expand(args.files, recursive=args.recursive)
    form = FORMATS[args.format or _format_of(args.output)]
    if parser is not None:
        _refuse_to_overwrite(args.output, inputs, parser)
        if not (form.appendable or len(inputs) == 1 or is_folder(args.output)):
            parser.error(
                f"several results do not fit into one {form.title} file: name a folder with --output"
            )
    try:
        settings = load_settings()
        # Log lines at level info are meant for a service; a command would only clutter standard error.
        level = "warning" if settings.log_level == "info" else settings.log_level
        configure_logging(level, settings.log_format)
        options = options_of(args).with_layout(form.layout)
        reader = (open_reader or open_engine)(settings, options, args.threads)
    except OcrError as error:
        print_error(None, error)
        return EXIT_USAGE if isinstance(error, SettingsError | ModelNotFoundError) else EXIT_FAILED
    try:
        with open_output(args.output, form.suffix) as output:
            return _Run(reader, settings, options, output, form, args.chars, args.quiet).all(inputs)
    except OutputError as error:
        print_error(None, error)
        return EXIT_FAILED
    finally:
        reader.close()


def open_engine(settings: Settings, options: ReadOptions, threads: int | None) -> Reader:
    """Return the real engine."""
    # Imported late: OpenCV and ONNX Runtime take longer to load than everything else together.
    from crnn_ocr.engine.ocr import OCR

    return OCR(settings, model=options.model, threads=threads)


class _Run:
    """One run over all inputs, with its output and format."""

    def __init__(
        self,
        reader: Reader,
        settings: Settings,
        options: ReadOptions,
        output: Output,
        writer: Writer,
        chars: bool,
        quiet: bool,
    ) -> None:
        self._reader = reader
        self._settings = settings
        self._options = options
        self._output = output
        self._writer = writer
        self._chars = chars
        self._quiet = quiet

    def all(self, inputs: list[Input]) -> int:
        """Read every input, write the results and return the exit code.

        Raises:
            OutputError: A result cannot be written, which ends the run.
        """
        status = EXIT_OK
        named = not self._writer.headed or (len(inputs) > 1 and not self._output.apart)
        for entry in with_progress(inputs, shown=not self._quiet):
            try:
                self._one(entry, named)
            except (ModelBrokenError, SettingsError) as error:
                print_error(entry.name, error)
                return EXIT_FAILED  # every other input would fail in the same way
            except OutputError:
                raise  # it ends the run
            except OcrError as error:
                print_error(entry.name, error)
                status = EXIT_FAILED
        return status

    def _one(self, entry: Input, named: bool) -> None:
        data = input_bytes(entry, self._settings)
        document = read_input(self._reader, entry, data, self._options)
        with write_options(entry, data, self._settings, self._options, named=named, chars=self._chars) as how:
            content = self._writer.write(document, how)
        if isinstance(content, str):
            content = content.encode("utf-8", "replace")
        elif not self._output.apart and self._output.is_terminal:
            raise OutputError(
                f"{self._writer.title} is no text for a terminal.", hint="Name a file with --output."
            )
        self._output.put(entry, content)
        if not self._quiet:
            print_remarks(entry.name, document)


def read_input(reader: Reader, entry: Input, data: bytes, options: ReadOptions) -> Document:
    """Return what an input says.

    Raises:
        OcrError: It cannot be read.
    """
    try:
        return reader.read(data, options)
    except OcrError:
        raise
    except Exception as error:
        _log.debug("reading failed", exc_info=True, extra={"fields": {"file": entry.name}})
        raise OcrError(
            f"The engine failed with {type(error).__name__}.",
            hint="Please report this bug in crnn-ocr; CRNN_OCR_LOG_LEVEL=debug shows the details.",
        ) from error


def with_progress(inputs: Sequence[Input], *, shown: bool) -> Iterable[Input]:
    """Return the inputs, with a progress bar if there are several and standard error is a terminal."""
    if not shown or len(inputs) < 2 or not sys.stderr.isatty():
        return inputs
    from tqdm import tqdm

    # Results on the same terminal would break the bar.
    return inputs if sys.stdout.isatty() else tqdm(inputs, unit="file", file=sys.stderr, leave=False)


def print_remarks(name: str, document: Document) -> None:
    """Print the warnings and errors of all pages on standard error."""
    for number, page in enumerate(document.pages, start=1):
        where = name if len(document.pages) == 1 else f"{name}, page {number}"
        for remark in (*page.warnings, *([page.error] if page.error else [])):
            print_message(f"crnn-ocr: {where}: {remark.message} ({remark.code})")


def _format_of(output: str | None) -> str:
    suffix = Path(output or "").suffix.lower()
    return next((name for name, writer in FORMATS.items() if writer.suffix == suffix), "text")


def _refuse_to_overwrite(output: str | None, inputs: list[Input], parser: argparse.ArgumentParser) -> None:
    """Exit with a usage error if the output file is one of the inputs."""
    if output is None or output == STDIN or not Path(output).is_file():
        return
    target = Path(output)
    for entry in inputs:
        if entry.path is not None and entry.path.exists() and entry.path.samefile(target):
            parser.error(f"the output {output} is one of the files to read")


def thread_count(text: str) -> int:
    """Return the value of `--threads`; for `argparse`."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if not 1 <= value <= 256:
        raise argparse.ArgumentTypeError(f"must be a number from 1 to 256, not {text[:40]!r}")
    return value
