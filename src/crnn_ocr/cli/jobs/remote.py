"""Connects the command line to a service, and shows and saves what its jobs say."""

from __future__ import annotations

import argparse
import os
import re
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any

from crnn_ocr.cli.exit_codes import EXIT_FAILED, EXIT_OK
from crnn_ocr.cli.standard_streams import print_message
from crnn_ocr.cli.switch_model import KEY_VARIABLE, url_of_this_machine
from crnn_ocr.errors import OcrError, SettingsError
from crnn_ocr.export import FORMATS
from crnn_ocr.export.files import OutputFile
from crnn_ocr.settings import load_settings

if TYPE_CHECKING:
    from crnn_ocr.client import Client, JobResult, JobStatus, RemoteJob
    from crnn_ocr.jobs.records import Problem

#: Name of an entry in an archive of a document's parts, such as `table1.csv`.
_ENTRY = re.compile(r"[\w][\w. ()-]*")
#: What an archive of parts may take when it is unpacked, in bytes: as much as a service writes at most.
_MOST_UNPACKED = 1024 * 1024 * 1024


def add_server_flag(parser: argparse.ArgumentParser) -> None:
    """Add the flag that names the service."""
    parser.add_argument(
        "--server",
        metavar="URL",
        help=f"address of the service (default: the one in the settings); {KEY_VARIABLE} holds its API key",
    )


@contextmanager
def connected(url: str | None) -> Iterator[Client]:
    """Yield a client of the service, with the key of the environment.

    Args:
        url: Address of the service; that of this machine when None.

    Raises:
        SettingsError: The address or a setting is not valid.
    """
    # Imported late, so that `--help` appears at once.
    from crnn_ocr.client import Client

    if url is None:
        url = url_of_this_machine(load_settings())
    try:
        client = Client(url, api_key=os.environ.get(KEY_VARIABLE) or None)
    except ValueError:
        raise SettingsError(
            f"{url!r} is not the address of a service.", hint="Write it like http://127.0.0.1:5000."
        ) from None
    with client:
        yield client


def watch(job: RemoteJob, *, shown: bool, label: str = "") -> JobStatus:
    """Wait for a job, with a progress bar where a person is watching.

    Args:
        job: The job.
        shown: Whether to show the bar if standard error is a terminal.
        label: What stands before the bar.

    Raises:
        OcrError: See `RemoteJob.wait`.
    """
    if not (shown and sys.stderr.isatty()):
        return job.wait()
    from tqdm import tqdm

    with tqdm(unit="page", file=sys.stderr, leave=False, desc=label or job.id[:8]) as bar:

        def show(status: JobStatus) -> None:
            bar.total = status.pages_total
            bar.n = status.pages_done + status.pages_failed
            waiting = f"{status.position} jobs ahead" if status.position else status.state
            bar.set_postfix_str(waiting, refresh=False)
            bar.refresh()

        return job.wait(on_progress=show)


def report(job: RemoteJob, status: JobStatus, *, quiet: bool = False) -> int:
    """Tell on standard error what went wrong with a finished job; return the exit code.

    Returns:
        0 if everything was read; 1 if a page or a file failed, or the whole job, or if it was cancelled.
    """
    names = {file.number: file.name for file in status.files}
    for file in status.files:
        _print(file.name, file.error)
    if status.pages_failed:
        for page in sorted(job.pages(), key=lambda page: (page.file, page.number)):
            _print(f"{names.get(page.file, page.file)}, page {page.number}", page.error)
    _print(f"job {status.id}", status.error)
    if status.state in ("cancelled", "expired"):
        print_message(f"crnn-ocr: job {status.id}: it is {status.state}.")
    elif not quiet and status.has_result:
        count = status.pages_done
        print_message(f"crnn-ocr: {count} page{'' if count == 1 else 's'} read.")
    return EXIT_OK if status.state == "succeeded" else EXIT_FAILED


def _print(where: str, problem: Problem | None) -> None:
    if problem is not None:
        print_message(f"crnn-ocr: {where}: {problem.message} ({problem.code})")
        if problem.hint:
            print_message(f"  {problem.hint}")


def files_of(result: JobResult, fmt: str) -> list[OutputFile]:
    """Return the files of one document in a format, as `convert` writes them.

    Raises:
        OcrError: The service's archive is not one of a document's parts.
    """
    writer = FORMATS[fmt]
    if writer.write_parts is None or result.media_type != "application/zip":
        return [OutputFile(writer.suffix, writer.media_type, result.content)]
    try:
        with zipfile.ZipFile(BytesIO(result.content)) as archive:
            entries = archive.infolist()
            if sum(entry.file_size for entry in entries) > _MOST_UNPACKED or not all(
                _ENTRY.fullmatch(entry.filename) for entry in entries
            ):
                raise ValueError(fmt)
            return [
                OutputFile(f".{entry.filename}", writer.media_type, archive.read(entry)) for entry in entries
            ]
    except (ValueError, zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError):
        raise OcrError(f"The service's archive of the format {fmt!r} cannot be used.") from None


def option_values(args: argparse.Namespace) -> dict[str, Any]:
    """Return the reading options that were given."""
    from crnn_ocr.cli.flags import options_of

    return options_of(args).model_dump(exclude_unset=True)
