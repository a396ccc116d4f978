"""The commands of `crnn-ocr jobs`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from crnn_ocr.cli.exit_codes import EXIT_FAILED, EXIT_OK, EXIT_USAGE
from crnn_ocr.cli.flags import add_option_flags, format_names
from crnn_ocr.cli.inputs import Input, expand, unreadable
from crnn_ocr.cli.jobs.remote import add_server_flag, connected, option_values, report, watch
from crnn_ocr.cli.outputs import OutputError
from crnn_ocr.cli.standard_streams import print_error, print_message
from crnn_ocr.errors import (
    InvalidOptionError,
    JobFailedError,
    JobResultTooLargeError,
    OcrError,
    SettingsError,
)

if TYPE_CHECKING:
    from crnn_ocr.client import Client, JobStatus, RemoteJob

    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

Command = Callable[[argparse.Namespace, "Client"], int]


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-command and its own commands."""
    parser = subparsers.add_parser(
        "jobs",
        help="let a service read long documents in the background, and fetch the results",
        description="Let a service read long documents in the background: submit them, watch them, fetch the "
        "results. docs/jobs.md is the guide. Exit code: 0 success, 1 something failed, 2 wrong usage or "
        "setting, 130 interrupted.",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(name: str, does: Command, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        add_server_flag(added)
        added.set_defaults(run=partial(run, command=does))
        return added

    new = command("submit", _submit, "send files as one job, and print its id")
    new.add_argument("files", nargs="+", metavar="FILE", help="a picture, document or archive, or a folder")
    new.add_argument("-r", "--recursive", action="store_true", help="also send what is in subfolders")
    new.add_argument(
        "--to",
        type=format_names,
        default=[],
        metavar="FORMAT[,FORMAT…]",
        help="formats to write, besides JSON and text",
    )
    new.add_argument("--webhook", metavar="URL", help="URL that is told about the end")
    new.add_argument(
        "--ttl", type=float, metavar="SECONDS", help="how long the results are kept (default: the service's)"
    )
    new.add_argument("--wait", action="store_true", help="wait until the job has finished")
    new.add_argument("-o", "--output", metavar="DIR", help="wait, and write the results into this folder")
    new.add_argument("-q", "--quiet", action="store_true", help="no progress bar, errors only")
    add_option_flags(new)

    listed = command("list", _list, "list the jobs of this API key, the newest first")
    listed.add_argument("--state", metavar="STATE[,STATE…]", default="", help="only jobs in these states")
    listed.add_argument("--limit", type=int, default=100, metavar="N", help="most jobs (default: 100)")

    watched = command("watch", _watch, "wait until a job has finished, with a progress bar")
    watched.add_argument("id", metavar="ID", help="id of the job")
    watched.add_argument("-q", "--quiet", action="store_true", help="no progress bar, errors only")

    fetched = command("get", _get, "fetch the results of a job")
    fetched.add_argument("id", metavar="ID", help="id of the job")
    fetched.add_argument(
        "--to",
        type=format_names,
        default=[],
        metavar="FORMAT[,FORMAT…]",
        help="formats to fetch (default: those that the job was asked for)",
    )
    fetched.add_argument("--file", type=int, metavar="N", help="only of the file with this number, from 0")
    fetched.add_argument(
        "-o", "--output", default=".", metavar="DIR", help="folder for the files (default: this one)"
    )

    ended = command("cancel", _cancel, "cancel jobs, and delete their files on the service")
    ended.add_argument("ids", nargs="+", metavar="ID", help="id of a job")


def run(args: argparse.Namespace, *, command: Command) -> int:
    """Run one of the commands.

    Returns:
        0 for success, 1 if something failed, 2 for a wrong option or setting.
    """
    try:
        with connected(args.server) as client:
            return command(args, client)
    except OutputError:
        raise
    except OcrError as error:
        print_error(None, error)
        return EXIT_USAGE if isinstance(error, SettingsError | InvalidOptionError) else EXIT_FAILED


def _submit(args: argparse.Namespace, client: Client) -> int:
    inputs = expand(args.files, recursive=args.recursive)
    sources, failed = _sources(inputs)
    if not sources:
        return EXIT_FAILED
    job = client.submit(sources, formats=args.to, webhook=args.webhook, ttl=args.ttl, **option_values(args))
    print(job.id, flush=True)
    status = EXIT_OK
    if args.wait or args.output is not None:
        status = _watched(job, quiet=args.quiet)
        if args.output is not None and job.status().has_result:
            saved = _save(job, args.to or ["json", "text"], None, Path(args.output))
            status = status if saved == EXIT_OK else saved
    return EXIT_FAILED if failed else status


def _sources(inputs: Sequence[Input]) -> tuple[dict[str, Path | bytes], bool]:
    """Return the files that can be sent, by their names, and whether some cannot."""
    sources: dict[str, Path | bytes] = {}
    failed = False
    for entry in inputs:
        if entry.problem is not None:
            print_error(entry.name, entry.problem)
            failed = True
            continue
        # Files of different folders may have the same name; the service tells them apart by their number.
        name, number = str(entry.place), 2
        while name in sources:
            name, number = f"{entry.place.stem} ({number}){entry.place.suffix}", number + 1
        try:
            sources[name] = sys.stdin.buffer.read() if entry.path is None else _readable(entry.path)
        except OSError as error:
            print_error(entry.name, unreadable(error))
            failed = True
    return sources, failed


def _readable(path: Path) -> Path:
    """Return a path that can be opened.

    Raises:
        OSError: It cannot.
    """
    with path.open("rb"):
        return path


def _watched(job: RemoteJob, *, quiet: bool) -> int:
    try:
        status = watch(job, shown=not quiet)
    except KeyboardInterrupt:
        print_message(f"crnn-ocr: The job goes on. To go on watching: crnn-ocr jobs watch {job.id}")
        raise
    return report(job, status, quiet=quiet)


def _list(args: argparse.Namespace, client: Client) -> int:
    states = [name.strip() for name in args.state.split(",") if name.strip()]
    rows = [("ID", "STATE", "PAGES", "CREATED", "FILES")]
    rows += [_row(status) for status in client.jobs(*states, limit=args.limit)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        print("  ".join([*cells, row[-1]]).rstrip())
    return EXIT_OK


def _row(status: JobStatus) -> tuple[str, str, str, str, str]:
    total = "?" if status.pages_total is None else str(status.pages_total)
    failed = f" ({status.pages_failed} failed)" if status.pages_failed else ""
    first = status.files[0].name if status.files else ""
    others = f" and {len(status.files) - 1} more" if len(status.files) > 1 else ""
    # Names come from whoever sent the files: what a terminal would obey is not shown.
    shown = "".join(sign for sign in first if sign.isprintable())
    created = status.created.astimezone().strftime("%Y-%m-%d %H:%M")
    return status.id, status.state, f"{status.pages_done}/{total}{failed}", created, shown + others


def _watch(args: argparse.Namespace, client: Client) -> int:
    return _watched(client.job(args.id), quiet=args.quiet)


def _get(args: argparse.Namespace, client: Client) -> int:
    job = client.job(args.id)
    formats = args.to or [name for name in job.status().formats if name not in ("json", "text")] or ["text"]
    return _save(job, formats, args.file, Path(args.output))


def _save(job: RemoteJob, formats: Sequence[str], file: int | None, folder: Path) -> int:
    """Write the results of a job into a folder, and print the paths; return the exit code.

    Raises:
        OcrError: No result can be fetched, or the service fails.
        OutputError: A file cannot be written, which ends the run.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        failed: list[OcrError] = []
        for name in formats:
            try:
                print(job.save(folder, name, file=file), flush=True)
            except (JobFailedError, JobResultTooLargeError) as error:  # the others may be there
                failed.append(error)
    except OSError as error:
        raise OutputError(f"{error.filename or folder}: {error.strerror}.") from None
    if len(failed) == len(formats):
        raise failed[0]
    for problem in failed:
        print_error(None, problem)
    return EXIT_FAILED if failed else EXIT_OK


def _cancel(args: argparse.Namespace, client: Client) -> int:
    status = EXIT_OK
    for job_id in args.ids:
        try:
            print(f"{job_id}  {client.job(job_id).cancel().state}", flush=True)
        except OcrError as error:
            print_error(job_id, error)
            status = EXIT_FAILED
    return status
