"""Implements `crnn-ocr read`, which reads pictures and writes their text.

Only one input is in memory at a time. Results go to the output; errors, remarks and progress go to standard
error.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from crnn_ocr.cli.flags import add_option_flags
from crnn_ocr.cli.inputs import STDIN, Input, expand
from crnn_ocr.cli.outputs import Output, OutputError, is_folder, open_output
from crnn_ocr.cli.reading import OpenReader, Reading, run_with_engine, thread_count
from crnn_ocr.cli.write_options import write_options
from crnn_ocr.document import Document
from crnn_ocr.export import FORMATS, Writer

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


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
    open_reader: OpenReader | None = None,
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

    def work(reading: Reading) -> int:
        with open_output(args.output, form.suffix) as output:
            named = not form.headed or (len(inputs) > 1 and not output.apart)
            write = partial(_write, reading, output, form, named=named, chars=args.chars)
            return reading.each(inputs, write)

    return run_with_engine(args, form.layout, work, open_reader)


def _write(
    reading: Reading,
    output: Output,
    form: Writer,
    entry: Input,
    data: bytes,
    document: Document,
    *,
    named: bool,
    chars: bool,
) -> None:
    with write_options(entry, data, reading.settings, reading.options, named=named, chars=chars) as how:
        content = form.write(document, how)
    if isinstance(content, str):
        content = content.encode("utf-8", "replace")
    elif not output.apart and output.is_terminal:
        raise OutputError(f"{form.title} is no text for a terminal.", hint="Name a file with --output.")
    output.put(entry, content)


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
