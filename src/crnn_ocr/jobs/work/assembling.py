"""Joins the pages of a job to documents, and writes the formats that it was asked for."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import IO

from crnn_ocr.document import Document
from crnn_ocr.engine.page_readings import PageReading, joined
from crnn_ocr.errors import JobResultTooLargeError, JobsUnavailableError
from crnn_ocr.export import WriteOptions, Writer
from crnn_ocr.export.files import output_files, single_file
from crnn_ocr.imaging.opened import open_document
from crnn_ocr.imaging.page_pictures import PagePictures
from crnn_ocr.imaging.page_source import Wanted
from crnn_ocr.imaging.process.stored_file import StoredFile
from crnn_ocr.jobs.backends import Jobs
from crnn_ocr.jobs.files import page_key, result_key, source_key
from crnn_ocr.jobs.records import FileRecord, Job, JobRequest, PageRecord, Problem
from crnn_ocr.jobs.results import unique_stems
from crnn_ocr.jobs.work.page_codec import BrokenPageError, decode_page, without_chars
from crnn_ocr.jobs.work.reading import unread_page
from crnn_ocr.jobs.work.tasks import keeps_chars, limits_of, reading_options, writers_of
from crnn_ocr.options import ReadOptions
from crnn_ocr.scheduling.ticket import Ticket
from crnn_ocr.settings import MIB

#: Bytes of an archive that are kept in memory until it is stored; the rest is on the disk.
_IN_MEMORY = 4 * MIB
#: The earliest time that a ZIP can hold: equal documents give equal archives.
_NO_TIME = (1980, 1, 1, 0, 0, 0)
_RECORDS = 1000


def assemble(jobs: Jobs, job_id: str, ticket: Ticket) -> None:
    """Write the results of a job into its files.

    Args:
        jobs: The table and the files.
        job_id: Id of the job, all of whose pages are read or have failed.
        ticket: Checked between files and formats.

    Raises:
        JobResultTooLargeError: A result is larger than it may be.
        OcrError: A format cannot be written, or a file not be stored.
    """
    job = jobs.store.get(job_id)
    if job is None:
        return
    writers = writers_of(job.request)
    records = _records(jobs, job_id)
    if len(job.files) == 1:
        with written(jobs, job, job.files[0], records.get(0, ()), ticket) as (document, how):
            for name, writer in writers.items():
                ticket.check()
                content = single_file(document, writer, how).content
                _check_size(len(content), writer, jobs)
                jobs.files.put(result_key(job_id, name), content)
        return
    _assemble_several(jobs, job, writers, records, ticket)


def _assemble_several(
    jobs: Jobs,
    job: Job,
    writers: dict[str, Writer],
    records: dict[int, list[PageRecord]],
    ticket: Ticket,
) -> None:
    """Write an archive per format, with an entry for each file that was read; one document is in memory."""
    stems = unique_stems([file.name for file in job.files])
    with ExitStack() as held:
        streams: dict[str, IO[bytes]] = {}
        archives: dict[str, zipfile.ZipFile] = {}
        for name in writers:
            stream = held.enter_context(tempfile.SpooledTemporaryFile(_IN_MEMORY))
            streams[name] = stream
            archives[name] = held.enter_context(zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED))
        for file in job.files:
            if file.problem is not None or not records.get(file.number):
                continue
            with written(jobs, job, file, records[file.number], ticket) as (document, how):
                for name, writer in writers.items():
                    ticket.check()
                    for output in output_files(document, writer, how):
                        entry = zipfile.ZipInfo(stems[file.number] + output.suffix, _NO_TIME)
                        entry.compress_type = zipfile.ZIP_DEFLATED
                        entry.external_attr = 0o644 << 16  # readable where it is unpacked
                        archives[name].writestr(entry, output.content)
                    _check_size(streams[name].tell(), writer, jobs)
        for name, archive in archives.items():
            archive.close()
            streams[name].seek(0)
            jobs.files.put(result_key(job.id, name), streams[name])


@contextmanager
def written(
    jobs: Jobs, job: Job, file: FileRecord, records: list[PageRecord] | tuple[()], ticket: Ticket
) -> Iterator[tuple[Document, WriteOptions]]:
    """Yield the document of a file, and what writers may need of the file, while the block runs.

    Raises:
        JobsUnavailableError: A page or the file is missing.
    """
    options = reading_options(job.request)
    document = read_document(jobs, job.id, job.request, records, options)
    with ExitStack() as held:
        try:
            path = held.enter_context(jobs.files.local(source_key(job.id, file.number)))
        except KeyError:
            raise JobsUnavailableError("The file of this job is missing.") from None
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
    records: list[PageRecord] | tuple[()],
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
