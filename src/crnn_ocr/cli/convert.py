"""Implements `crnn-ocr convert`, which turns pictures and documents into files of one or several formats."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from crnn_ocr.cli.exit_codes import EXIT_FAILED, EXIT_OK, EXIT_USAGE
from crnn_ocr.cli.flags import add_option_flags, options_of
from crnn_ocr.cli.inputs import Input, expand
from crnn_ocr.cli.outputs import OutputError
from crnn_ocr.cli.read import Reader, open_engine, print_remarks, read_input, thread_count, with_progress
from crnn_ocr.cli.stderr import print_error
from crnn_ocr.cli.write_options import input_bytes, write_options
from crnn_ocr.errors import ModelBrokenError, ModelNotFoundError, OcrError, SettingsError
from crnn_ocr.export import FORMATS
from crnn_ocr.export.files import OutputFile, output_files
from crnn_ocr.logging import configure_logging
from crnn_ocr.options import ReadOptions
from crnn_ocr.settings import Settings, load_settings

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-command and its flags."""
    parser = subparsers.add_parser(
        "convert",
        help="turn pictures and documents into Word, Excel, searchable PDF, Markdown and other files",
        description="Read pictures and documents, and write each as files of the formats asked for. Files "
        "that cannot be read are reported on standard error; the others are still converted.",
        epilog="Formats: "
        + ", ".join(f"{name} ({writer.title})" for name, writer in FORMATS.items())
        + ". Exit code: 0 success, 1 an input failed, 2 wrong usage or setting, 130 interrupted.",
    )
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help='a picture or document, a folder, or "-" for standard input'
    )
    parser.add_argument(
        "--to",
        required=True,
        type=_formats,
        metavar="FORMAT[,FORMAT…]",
        help="the formats, for example md,xlsx,pdf",
    )
    parser.add_argument(
        "-o", "--output", default=".", metavar="DIR", help="folder for the files (default: this one)"
    )
    parser.add_argument("-r", "--recursive", action="store_true", help="also convert what is in subfolders")
    parser.add_argument(
        "-q",
        "--quiet",
        action="store_true",
        help="no progress bar, no names of files and no remarks, errors only",
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
    """Convert all inputs.

    Args:
        args: The parsed command line.
        parser: Reports usage errors that can only be found when all arguments are known.
        open_reader: Makes the engine; the real one when None.

    Returns:
        0 if all inputs were converted, 1 if one failed, 2 if a setting or the name of the model is wrong.
    """
    folder = Path(args.output)
    if folder.exists() and not folder.is_dir() and parser is not None:
        parser.error(f"the output {args.output} is not a folder")
    inputs = expand(args.files, recursive=args.recursive)
    layout: Literal["lines", "blocks"] = "lines"
    if any(FORMATS[name].layout == "blocks" for name in args.to):
        layout = "blocks"
    try:
        settings = load_settings()
        # Log lines at level info are meant for a service; a command would only clutter standard error.
        configure_logging(
            "warning" if settings.log_level == "info" else settings.log_level, settings.log_format
        )
        options = options_of(args).with_layout(layout)
        reader = (open_reader or open_engine)(settings, options, args.threads)
    except OcrError as error:
        print_error(None, error)
        return EXIT_USAGE if isinstance(error, SettingsError | ModelNotFoundError) else EXIT_FAILED
    try:
        return _Conversion(reader, settings, options, folder, args.to, args.quiet).all(inputs)
    except OutputError as error:
        print_error(None, error)
        return EXIT_FAILED
    finally:
        reader.close()


class _Conversion:
    """One run over all inputs, with its formats and its folder."""

    def __init__(
        self,
        reader: Reader,
        settings: Settings,
        options: ReadOptions,
        folder: Path,
        formats: Sequence[str],
        quiet: bool,
    ) -> None:
        self._reader = reader
        self._settings = settings
        self._options = options
        self._folder = folder
        self._formats = formats
        self._quiet = quiet
        self._written: dict[Path, str] = {}

    def all(self, inputs: Sequence[Input]) -> int:
        """Convert every input and return the exit code.

        Raises:
            OutputError: A file cannot be written, which ends the run.
        """
        status = EXIT_OK
        bases = base_names(inputs)
        for entry in with_progress(inputs, shown=not self._quiet):
            try:
                self._one(entry, bases[entry.place])
            except (ModelBrokenError, SettingsError) as error:
                print_error(entry.name, error)
                return EXIT_FAILED  # every other input would fail in the same way
            except OutputError:
                raise  # it ends the run
            except OcrError as error:
                print_error(entry.name, error)
                status = EXIT_FAILED
        return status

    def _one(self, entry: Input, base: Path) -> None:
        data = input_bytes(entry, self._settings)
        document = read_input(self._reader, entry, data, self._options)
        with write_options(entry, data, self._settings, self._options) as how:
            files = [file for name in self._formats for file in output_files(document, FORMATS[name], how)]
        for file in files:
            self._put(entry, base, file)
        if not self._quiet:
            print_remarks(entry.name, document)
        if document.pages and all(page.error is not None for page in document.pages):
            raise OcrError("No page could be read.")

    def _put(self, entry: Input, base: Path, file: OutputFile) -> None:
        """Write a file whole or not at all.

        Raises:
            OutputError: It cannot be written, or is the input itself.
        """
        target = self._folder / base.with_name(base.name + file.suffix)
        if entry.path is not None and target.exists() and target.samefile(entry.path):
            raise OutputError(
                f"{target} is the input itself.",
                hint="Name another folder with --output; inputs are never replaced.",
            )
        other = self._written.setdefault(target, entry.name)
        if other != entry.name:
            raise OutputError(
                f"{target} already holds the result of {other}.", hint="Write the two to different folders."
            )
        part = target.with_name(target.name + ".part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(file.content)
            part.replace(target)
        except OSError as error:
            with suppress(OSError):
                part.unlink()
            raise OutputError(f"{target}: {error.strerror}.") from None


def base_names(inputs: Sequence[Input]) -> dict[Path, Path]:
    """Return the path of the output files of every input, relative to the folder and without suffix.

    `scans/a.jpg` becomes `scans/a`, but keeps its whole name where there is `scans/a.png`, too.
    """
    stems = Counter(entry.place.with_suffix("") for entry in dict.fromkeys(inputs))
    return {
        entry.place: entry.place if stems[entry.place.with_suffix("")] > 1 else entry.place.with_suffix("")
        for entry in inputs
    }


def _formats(text: str) -> list[str]:
    names = list(dict.fromkeys(name.strip().lower() for name in text.split(",") if name.strip()))
    known = {alias: name for name, writer in FORMATS.items() for alias in (name, writer.suffix.lstrip("."))}
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise argparse.ArgumentTypeError(
            f"there is no format {', '.join(unknown) or repr(text)}; there are: {', '.join(FORMATS)}"
        )
    return list(dict.fromkeys(known[name] for name in names))
