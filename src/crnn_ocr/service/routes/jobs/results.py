"""Answers with the results of jobs: files, streamed from where they are stored, and single pages."""

from __future__ import annotations

import shutil
import unicodedata
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import IO
from urllib.parse import quote

from flask import Response, g

from crnn_ocr.errors import (
    JobExpiredError,
    JobFailedError,
    JobNotFoundError,
    JobNotReadyError,
    JobResultTooLargeError,
    JobsUnavailableError,
    OcrError,
)
from crnn_ocr.export import FORMATS
from crnn_ocr.jobs.backends import Jobs
from crnn_ocr.jobs.files import page_key, result_key, source_key, storage_errors
from crnn_ocr.jobs.records import FINISHED, Job, PageRecord, Problem
from crnn_ocr.jobs.results import (
    HEAD,
    PROBLEMS,
    ResultForm,
    decode_problems,
    entries_of,
    result_form,
    unique_stems,
)
from crnn_ocr.jobs.work.tasks import keeps_chars, reading_options
from crnn_ocr.service.api.responses import json_of, json_response
from crnn_ocr.service.api.schemas import ocr_answer
from crnn_ocr.service.requests import resources
from crnn_ocr.service.requests.parsing import Detail

#: Bytes of a result that are sent at a time.
_PIECE = 64 * 1024
#: Bytes of an archive of one file's parts that are kept in memory; the rest is on the disk.
_IN_MEMORY = 1024 * 1024


def check_finished(job: Job) -> None:
    """Make sure that a job has results.

    Raises:
        JobExpiredError: They are deleted.
        JobFailedError: It failed.
        JobNotReadyError: It is not finished, or was cancelled.
    """
    check_kept(job)
    if job.state == "failed":
        reason = "all of its files or pages failed" if job.problem is None else job.problem.message
        raise JobFailedError(f"The job failed: {reason.rstrip('.')}.")
    if job.state not in FINISHED:
        raise JobNotReadyError(f"The job is {job.state}.", retry_after=1)


def check_kept(job: Job) -> None:
    """Make sure that a job still has its files.

    Raises:
        JobExpiredError: They are deleted.
        JobNotReadyError: The job was cancelled.
    """
    if job.state == "expired":
        raise JobExpiredError("The files of this job have been deleted.")
    if job.state == "cancelled":
        raise JobNotReadyError("The job was cancelled.", hint="Send the document again as a new job.")


def check_still_kept(jobs: Jobs, job: Job, key: str) -> None:
    """Make sure that a job still has its files, which may have been deleted since it was looked up.

    Args:
        jobs: The table and the files.
        job: The job, as it was.
        key: A file that it has had: files are deleted before the job is marked.

    Raises:
        JobExpiredError: They are deleted.
        JobNotReadyError: The job was cancelled.
    """
    if (now := jobs.store.get(job.id)) is not None:
        check_kept(now)
        with suppress(KeyError), jobs.files.local(key):
            return
    raise JobExpiredError("The files of this job have been deleted.")


def file_response(jobs: Jobs, job: Job, fmt: str, number: int | None) -> Response:
    """Return an answer with a result of a job that has finished.

    Args:
        jobs: The table and the files.
        job: The job.
        fmt: Name of one of its formats.
        number: Number of the file whose result is wanted alone; None for the result of all.

    Raises:
        JobNotFoundError: There is no file with that number.
        JobFailedError: There is no such result.
        JobResultTooLargeError: It is larger than it may be.
        JobStorageFullError: There is no room for the archive of one file's parts.
        JobExpiredError: It has been deleted meanwhile.
    """
    if number is not None and number >= len(job.files):
        raise JobNotFoundError(f"The job has no file {number}; the first one is file 0.")
    held = resources.of_request()
    try:
        path = held.enter_context(jobs.files.local(result_key(job.id, fmt)))
        file: IO[bytes] = held.enter_context(path.open("rb"))
    except (KeyError, FileNotFoundError):
        raise _without_result(jobs, job, fmt) from None
    if number is not None and len(job.files) > 1:
        file, form, size = _part(jobs, held, file, job, fmt, number)
    else:
        form = result_form(job, fmt, file.read(HEAD))
        size = file.seek(0, 2)
        file.seek(0)
    response = Response(_pieces(file), content_type=form.media_type)
    response.content_length = size
    response.headers.set("Content-Disposition", "attachment", **_file_name(form.name))
    return response


def _without_result(jobs: Jobs, job: Job, fmt: str) -> OcrError:
    """Return why a job that has finished has no result in a format.

    Raises:
        JobExpiredError: All of them are deleted.
    """
    problem: Problem | None = None
    with suppress(KeyError):
        problem = decode_problems(jobs.files.get(result_key(job.id, PROBLEMS))).get(fmt)
    if problem is None:
        check_still_kept(jobs, job, source_key(job.id, 0))
        return JobFailedError(f"There is no result in the format {fmt!r}.")
    kind = JobResultTooLargeError if problem.code == JobResultTooLargeError.code else JobFailedError
    return kind(problem.message, hint=problem.hint)


def _file_name(name: str) -> dict[str, str]:
    """Return the parameters that name a file in a header, which holds ASCII alone (RFC 8187, section 3.2)."""
    if name.isascii():
        return {"filename": name}
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return {"filename": plain, "filename*": f"UTF-8''{quote(name, safe='', errors='replace')}"}


def _part(
    jobs: Jobs, held: ExitStack, file: IO[bytes], job: Job, fmt: str, number: int
) -> tuple[IO[bytes], ResultForm, int]:
    """Return the result of one file out of the archive of all, its form and its size."""
    stems = unique_stems([entry.name for entry in job.files])
    archive = held.enter_context(zipfile.ZipFile(file))
    names = entries_of(archive.namelist(), stems, number)
    writer = FORMATS[fmt]
    if not names:
        problem = job.files[number].problem
        reason = "it has no result" if problem is None else problem.message.rstrip(".")
        raise JobFailedError(f"File {number} of the job: {reason}.")
    if len(names) == 1:
        entry = archive.getinfo(names[0])
        stream = held.enter_context(archive.open(entry))
        return stream, ResultForm(names[0], writer.media_type), entry.file_size
    with storage_errors(), ExitStack() as unfinished:
        packed = unfinished.enter_context(jobs.files.temporary(_IN_MEMORY))
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
            for name in names:
                entry = archive.getinfo(name)
                with archive.open(entry) as source, target.open(entry, "w") as copy:
                    shutil.copyfileobj(source, copy, _PIECE)
        size = packed.tell()
        packed.seek(0)
        held.push(unfinished.pop_all())
    return packed, ResultForm(f"{stems[number]}{writer.suffix}.zip", "application/zip"), size


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(_PIECE):
        yield piece


def page_response(jobs: Jobs, job: Job, file: int, number: int, detail: Detail) -> Response:
    """Return what was read on a page, as `POST /ocr` answers.

    Args:
        jobs: The table and the files.
        job: The job, finished or not.
        file: Number of the page's file.
        number: Number of the page in the file.
        detail: How detailed the answer is to be; single characters are only there if a format needs them.

    Raises:
        JobNotFoundError: There is no such page.
        JobNotReadyError: It has not been read, or the job was cancelled.
        JobFailedError: It could not be read.
        JobExpiredError: It has been deleted.
    """
    record = page_record(jobs, job, file, number)
    if record.state == "failed":
        reason = "it was given up" if record.problem is None else record.problem.message
        raise JobFailedError(f"The page could not be read: {reason}")
    if record.state != "done":
        raise JobNotReadyError(f"The page is {record.state}.", retry_after=1)
    # Imported late: the supervisor imports this module, and must not load the engine.
    from crnn_ocr.jobs.work.assembling import read_document

    try:
        document = read_document(jobs, job.id, job.request, [record], reading_options(job.request))
    except JobsUnavailableError:
        check_still_kept(jobs, job, page_key(job.id, file, number))
        raise
    body = ocr_answer(
        document,
        elapsed_ms=record.elapsed_ms,
        request_id=g.request_id,
        chars=detail == "chars" and keeps_chars(job.request),
        blocks=detail != "lines",
    )
    return json_response(json_of(body))


def page_record(jobs: Jobs, job: Job, file: int, number: int) -> PageRecord:
    """Return the record of a page of a job that still has its files.

    Raises:
        JobNotFoundError: There is no such page.
        JobNotReadyError: The pages of its file have not been counted, or the job was cancelled.
        JobFailedError: The file cannot be read.
        JobExpiredError: The files of the job are deleted.
    """
    check_kept(job)
    if file < len(job.files):
        planned = job.files[file]
        if planned.problem is not None:
            raise JobFailedError(f"The file cannot be read: {planned.problem.message}")
        if planned.pages is None:
            raise JobNotReadyError("The pages of this file have not been counted.", retry_after=1)
        if (record := jobs.store.page(job.id, file, number)) is not None:
            return record
        if (now := jobs.store.get(job.id)) is not None:  # its pages are forgotten with its files
            check_kept(now)
    raise JobNotFoundError(f"The job has no page {number} of file {file}; files count from 0, pages from 1.")
