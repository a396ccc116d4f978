"""Joins the pages of a job to documents, and writes the formats that it was asked for."""

from __future__ import annotations

import logging
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import IO

from crnn_ocr.document import Document
from crnn_ocr.engine.page_readings import PageReading, joined
from crnn_ocr.errors import (
    JobExpiredError,
    JobResultTooLargeError,
    JobStorageFullError,
    JobsUnavailableError,
    OcrError,
    RequestCancelledError,
)
from crnn_ocr.export import WriteOptions, Writer
from crnn_ocr.export.files import OutputFile, output_files, single_file
from crnn_ocr.imaging.opened import open_document
from crnn_ocr.imaging.page_pictures import PagePictures
from crnn_ocr.imaging.page_source import Wanted
from crnn_ocr.imaging.process.stored_file import StoredFile
from crnn_ocr.jobs.backends import Jobs
from crnn_ocr.jobs.files import page_key, result_key, storage_error, storage_errors
from crnn_ocr.jobs.records import FileRecord, Job, JobRequest, PageRecord, Problem
from crnn_ocr.jobs.results import PROBLEMS, encode_problems, unique_stems
from crnn_ocr.jobs.work.page_codec import BrokenPageError, decode_page, without_chars
from crnn_ocr.jobs.work.reading import unread_page
from crnn_ocr.jobs.work.tasks import (
    keeps_chars,
    limits_of,
    may_pass,
    problem_of,
    reading_options,
    source_file,
    writers_of,
)
from crnn_ocr.options import ReadOptions
from crnn_ocr.scheduling.ticket import Ticket
from crnn_ocr.settings import MIB

_log = logging.getLogger(__name__)

#: Bytes of an archive that are kept in memory until it is stored; the rest is on the disk.
_IN_MEMORY = 4 * MIB
#: The earliest time that a ZIP can hold: equal documents give equal archives.
_NO_TIME = (1980, 1, 1, 0, 0, 0)
_RECORDS = 1000


def assemble(jobs: Jobs, job_id: str, ticket: Ticket) -> Problem | None:
    """Write the results of a job into its files. A format that cannot be written costs none of the others.

    Args:
        jobs: The table and the files.
        job_id: Id of the job, all of whose pages are read or have failed.
        ticket: Checked between files and formats.

    Returns:
        Why a format could not be written; None if all were. The reasons of all that could not are stored
        beside the results, see `encode_problems`.

    Raises:
        OcrError: No format can be written, or a file not be read or stored.
    """
    job = jobs.store.get(job_id)
    if job is None:
        return None
    formats = _Formats(jobs, job, ticket)
    records = _records(jobs, job_id)
    if len(job.files) > 1:
        formats.write_archives(records)
    else:
        formats.write_files(records.get(0, ()))
    errors = formats.errors
    if not errors:
        return None
    if len(errors) == len(formats.writers):
        raise next(iter(errors.values()))
    problems = {name: problem_of(error) for name, error in errors.items()}
    jobs.files.put(result_key(job_id, PROBLEMS), encode_problems(problems))
    return next(iter(problems.values()))


class _Formats:
    """The results of a job, format by format.

    Attributes:
        writers: Of the formats that the job asks for, by name.
        errors: Of the formats that could not be written, by name.
    """

    def __init__(self, jobs: Jobs, job: Job, ticket: Ticket) -> None:
        self.writers = writers_of(job.request)
        self.errors: dict[str, OcrError] = {}
        self._jobs = jobs
        self._job = job
        self._ticket = ticket

    def write_files(self, records: Sequence[PageRecord]) -> None:
        """Store a file per format, of the only file of the job."""
        with written(self._jobs, self._job, self._job.files[0], records, self._ticket) as (document, how):
            for name, writer in self.writers.items():
                self._ticket.check()
                with self._alone(name):
                    content = single_file(document, writer, how).content
                    _check_size(len(content), writer, self._jobs)
                    self._jobs.files.put(result_key(self._job.id, name), content)

    def write_archives(self, records: dict[int, list[PageRecord]]) -> None:
        """Store an archive per format, with an entry for each file that was read.

        One document is in memory at a time.
        """
        files = self._jobs.files
        stems = unique_stems([file.name for file in self._job.files])
        with storage_errors(), ExitStack() as held:
            archives = {name: _Archive(files.temporary(_IN_MEMORY), held) for name in self.writers}
            for file in self._job.files:
                if file.problem is not None or not records.get(file.number) or not archives:
                    continue
                read = written(self._jobs, self._job, file, records[file.number], self._ticket)
                with read as (document, how):
                    for name, archive in list(archives.items()):
                        self._ticket.check()
                        outputs: list[OutputFile] = []
                        with self._alone(name):
                            outputs = output_files(document, self.writers[name], how)
                        for output in outputs:
                            archive.add(stems[file.number] + output.suffix, output.content)
                        with self._alone(name):
                            _check_size(archive.size(), self.writers[name], self._jobs)
                        if name in self.errors:
                            archives.pop(name).close()
            for name, archive in archives.items():
                files.put(result_key(self._job.id, name), archive.finished())

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        """Record an error of the block as that of a format alone.

        Raises:
            OcrError: An error of the whole job, such as a full disk, that may pass, or that ends it.
        """
        title = self.writers[name].title
        try:
            yield
        except JobResultTooLargeError as error:
            self.errors[name] = error
        except OcrError as error:
            if may_pass(error) or isinstance(error, RequestCancelledError | JobExpiredError):
                raise
            message = f"It could not be written as {title}: {error.message}"
            self.errors[name] = type(error)(message, hint=error.hint)
        except Exception as error:
            if isinstance(error, OSError) and isinstance(full := storage_error(error), JobStorageFullError):
                raise full from None
            _log.exception("a format of a job could not be written", extra={"fields": {"format": name}})
            self.errors[name] = OcrError(f"It could not be written as {title}: {type(error).__name__}.")


class _Archive:
    """A ZIP archive that is being written into a temporary file."""

    def __init__(self, stream: IO[bytes], held: ExitStack) -> None:
        self._stream = stream
        self._archive = zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED)
        held.callback(self.close)

    def add(self, name: str, content: bytes) -> None:
        entry = zipfile.ZipInfo(name, _NO_TIME)
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = 0o644 << 16  # readable where it is unpacked
        self._archive.writestr(entry, content)

    def size(self) -> int:
        return self._stream.tell()

    def finished(self) -> IO[bytes]:
        """Return the whole archive, from its first byte on."""
        self._archive.close()
        self._stream.seek(0)
        return self._stream

    def close(self) -> None:
        """Release the file, finished or not."""
        try:
            self._archive.close()
        finally:
            self._stream.close()


@contextmanager
def written(
    jobs: Jobs, job: Job, file: FileRecord, records: Sequence[PageRecord], ticket: Ticket
) -> Iterator[tuple[Document, WriteOptions]]:
    """Yield the document of a file, and what writers may need of the file, while the block runs.

    Raises:
        JobsUnavailableError: A page or the file is missing.
    """
    options = reading_options(job.request)
    document = read_document(jobs, job.id, job.request, records, options)
    with ExitStack() as held:
        path = held.enter_context(source_file(jobs, job.id, file.number))
        open_again = partial(
            open_document,
            StoredFile(path),
            limits_of(jobs.settings),
            pdf_dpi=jobs.settings.pdf_dpi,
            ticket=ticket,
            wanted=Wanted(options.page_ranges, options.ocr, options.password),
        )
        picture = held.enter_context(PagePictures(open_again))
        yield (
            document,
            WriteOptions(
                original=path.read_bytes, picture=picture, name=file.name, password=options.password
            ),
        )


def read_document(
    jobs: Jobs,
    job_id: str,
    request: JobRequest,
    records: Sequence[PageRecord],
    options: ReadOptions,
) -> Document:
    """Return the document of the pages of a file, as `OCR.read` returns it.

    Without a format that needs them it has no single characters.

    Raises:
        JobsUnavailableError: A page is missing.
    """
    readings = [_page(jobs, job_id, record) for record in sorted(records, key=lambda page: page.number)]
    document = joined(readings, "blocks" if options.layout == "blocks" else "lines")
    if keeps_chars(request):
        return document
    pages = tuple(without_chars(page) for page in document.pages)
    return Document(pages, document.model, {}, document.packs, document.layout)


def _page(jobs: Jobs, job_id: str, record: PageRecord) -> PageReading:
    reading: PageReading | None = None
    with suppress(KeyError, BrokenPageError):
        reading, _ = decode_page(jobs.files.get(page_key(job_id, record.file, record.number)))
    if record.state == "failed" and (reading is None or reading.page.error is None):
        # Whoever read it died, perhaps after it had stored the page and before it could tell.
        problem = record.problem or Problem("PAGE_UNREAD", "It could not be read.")
        return PageReading(unread_page(record.number, problem), None)
    if reading is None:
        raise JobsUnavailableError(f"Page {record.number} of the job is missing.")
    return reading


def _records(jobs: Jobs, job_id: str) -> dict[int, list[PageRecord]]:
    """Return the records of all pages of a job, by the numbers of their files."""
    found: dict[int, list[PageRecord]] = {}
    after = 0
    while records := jobs.store.pages(job_id, after=after, limit=_RECORDS):
        for record in records:
            found.setdefault(record.file, []).append(record)
        after = records[-1].sequence
    return found


def _check_size(size: int, writer: Writer, jobs: Jobs) -> None:
    most = jobs.settings.jobs_max_result_bytes
    if size > most:
        raise JobResultTooLargeError(
            f"The result as {writer.title} has {size / MIB:.0f} MiB or more; at most {most / MIB:.0f} are "
            "written."
        )
