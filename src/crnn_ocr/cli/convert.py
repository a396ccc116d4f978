"""Implements `crnn-ocr convert`, which turns pictures and documents into files of one or several formats."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from crnn_ocr.cli.flags import add_option_flags, format_names
from crnn_ocr.cli.inputs import Input, expand
from crnn_ocr.cli.jobs.converting import convert_by_server
from crnn_ocr.cli.outputs import OutputError, check_unused, write_whole
from crnn_ocr.cli.reading import OpenReader, Reading, run_with_engine, thread_count
from crnn_ocr.cli.write_options import write_options
from crnn_ocr.document import Document
from crnn_ocr.export import FORMATS
from crnn_ocr.export.files import OutputFile, layout_for, output_files

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
        type=format_names,
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
    parser.add_argument(
        "--server",
        metavar="URL",
        help="let this service read them, as jobs; the variable CRNN_OCR_API_KEY holds its API key",
    )
    add_option_flags(parser)
    parser.set_defaults(run=partial(run, parser=parser))


def run(
    args: argparse.Namespace,
    *,
    parser: argparse.ArgumentParser | None = None,
    open_reader: OpenReader | None = None,
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
    target = _Folder(folder, base_names(inputs))
    if args.server is not None:
        return convert_by_server(args, inputs, target.write)

    def work(reading: Reading) -> int:
        return reading.each(inputs, _Conversion(reading, target, args.to).write)

    return run_with_engine(args, layout_for(FORMATS[name] for name in args.to), work, open_reader)


class _Conversion:
    """One run over all inputs, with its formats."""

    def __init__(self, reading: Reading, target: _Folder, formats: Sequence[str]) -> None:
        self._reading = reading
        self._target = target
        self._formats = formats

    def write(self, entry: Input, data: bytes, document: Document) -> None:
        """Write the files of one input.

        Raises:
            OutputError: A file cannot be written, which ends the run.
        """
        with write_options(entry, data, self._reading.settings, self._reading.options) as how:
            files = [file for name in self._formats for file in output_files(document, FORMATS[name], how)]
        self._target.write(entry, files)


class _Folder:
    """The folder for the files of all inputs."""

    def __init__(self, folder: Path, bases: Mapping[Path, Path]) -> None:
        self._folder = folder
        self._bases = bases
        self._written: dict[Path, str] = {}

    def write(self, entry: Input, files: Sequence[OutputFile]) -> None:
        """Write the files of one input.

        Raises:
            OutputError: A file cannot be written, which ends the run.
        """
        for file in files:
            self._put(entry, self._bases[entry.place], file)

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
        check_unused(self._written, target, entry)
        write_whole(target, file.content)


def base_names(inputs: Sequence[Input]) -> dict[Path, Path]:
    """Return the path of the output files of every input, relative to the folder and without suffix.

    `scans/a.jpg` becomes `scans/a`, but keeps its whole name where there is `scans/a.png`, too.
    """
    stems = Counter(entry.place.with_suffix("") for entry in dict.fromkeys(inputs))
    return {
        entry.place: entry.place if stems[entry.place.with_suffix("")] > 1 else entry.place.with_suffix("")
        for entry in inputs
    }
