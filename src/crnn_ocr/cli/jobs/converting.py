"""Converts the inputs of `crnn-ocr convert --server` as jobs of a service, a few at a time."""

from __future__ import annotations

import argparse
import sys
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from crnn_ocr.cli.exit_codes import EXIT_FAILED, EXIT_OK, EXIT_USAGE
from crnn_ocr.cli.inputs import Input, unreadable
from crnn_ocr.cli.jobs.remote import connected, files_of, option_values, report, watch
from crnn_ocr.cli.outputs import OutputError
from crnn_ocr.cli.standard_streams import print_error
from crnn_ocr.errors import (
    InvalidOptionError,
    JobFailedError,
    JobResultTooLargeError,
    OcrError,
    SettingsError,
)
from crnn_ocr.export.files import OutputFile

if TYPE_CHECKING:
    from crnn_ocr.client import Client, RemoteJob

#: Jobs that are sent before the results of the first are fetched: while one is read the next is on its way.
_AHEAD = 4


def convert_by_server(
    args: argparse.Namespace, inputs: Sequence[Input], write: Callable[[Input, list[OutputFile]], None]
) -> int:
    """Convert all inputs, each as a job of its own, and delete the jobs afterwards.

    Args:
        args: The parsed command line of `convert`.
        inputs: The inputs.
        write: Writes the files of an input; may raise `OutputError`.

    Returns:
        0 if all inputs were converted, 1 if one failed or the service did, 2 if the address or an option is
        wrong.
    """
    try:
        with connected(args.server) as client:
            return _Conversions(args, client, write).run(inputs)
    except OutputError as error:
        print_error(None, error)
        return EXIT_FAILED
    except OcrError as error:
        print_error(None, error)
        return EXIT_USAGE if isinstance(error, SettingsError | InvalidOptionError) else EXIT_FAILED


class _Conversions:
    """The jobs of one run."""

    def __init__(
        self, args: argparse.Namespace, client: Client, write: Callable[[Input, list[OutputFile]], None]
    ) -> None:
        self._args = args
        self._client = client
        self._write = write
        self._options = option_values(args)
        self._running: deque[tuple[Input, RemoteJob]] = deque()
        self._status = EXIT_OK

    def run(self, inputs: Sequence[Input]) -> int:
        """Convert the inputs; whatever ends the run cancels the jobs that are left."""
        try:
            for entry in inputs:
                if len(self._running) >= _AHEAD:
                    self._finish()
                self._begin(entry)
            while self._running:
                self._finish()
        except BaseException:
            for _, job in self._running:
                with suppress(OcrError):
                    job.cancel()
            raise
        return self._status

    def _begin(self, entry: Input) -> None:
        try:
            if entry.problem is not None:
                raise entry.problem
            source = sys.stdin.buffer.read() if entry.path is None else entry.path
            sources = {entry.place.name: source}
            job = self._client.submit(sources, formats=self._args.to, **self._options)
        except InvalidOptionError:
            raise  # every other input would fail in the same way
        except OSError as error:
            self._fail(entry, unreadable(error))
        except OcrError as error:
            self._fail(entry, error)
            if error.http_status in (401, 404, 503):
                raise  # … and so it is if the service is away, has no jobs or does not know the key
        else:
            self._running.append((entry, job))

    def _finish(self) -> None:
        """Wait for the first job, and write its files."""
        entry, job = self._running[0]
        try:
            status = watch(job, shown=not self._args.quiet, label=entry.place.name)
            if report(job, status, quiet=True) != EXIT_OK and not status.has_result:
                self._status = EXIT_FAILED
            if status.has_result and (files := self._fetched(entry, job)):
                self._write(entry, files)
        except OutputError:
            raise
        except OcrError as error:
            self._fail(entry, error)
        self._running.popleft()
        with suppress(OcrError):  # it is deleted anyway, when its time is over
            job.cancel()

    def _fetched(self, entry: Input, job: RemoteJob) -> list[OutputFile]:
        """Return the files of a job in all formats that could be written."""
        files: list[OutputFile] = []
        for name in self._args.to:
            try:
                files += files_of(job.download(name), name)
            except (JobFailedError, JobResultTooLargeError) as error:
                self._fail(entry, error)
        return files

    def _fail(self, entry: Input, error: OcrError) -> None:
        print_error(entry.name, error)
        self._status = EXIT_FAILED
