"""Draws pages of jobs, so that people can compare what was read with what is written there."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response

from crnn_ocr.errors import ImageKilledWorkerError, JobFailedError, JobWorkerLostError
from crnn_ocr.imaging.page_ranges import PageRanges
from crnn_ocr.imaging.page_source import Wanted
from crnn_ocr.jobs.backends import Jobs
from crnn_ocr.jobs.files import source_key
from crnn_ocr.jobs.records import Job
from crnn_ocr.jobs.work.tasks import limits_of, reading_options
from crnn_ocr.scheduling.budget import Budget
from crnn_ocr.scheduling.ticket import Ticket
from crnn_ocr.service.ocr.engine_protocol import Reader
from crnn_ocr.service.ocr.ocr_service import Admission
from crnn_ocr.service.routes.jobs.results import check_still_kept, page_record

#: Seconds for which a browser may show a picture again without asking: the source of a job never changes.
_FRESH_S = 3600
#: Codes of pages whose decoding has ended a process.
_HARMFUL = frozenset({ImageKilledWorkerError.code, JobWorkerLostError.code})


class PagePainter:
    """Draws pages of the sources of jobs, one at a time: the memory of a PNG is counted by nobody."""

    def __init__(self, reader: Reader, *, admit: Admission, issue_ticket: Callable[[], Ticket]) -> None:
        """Set what a drawing has to respect.

        Args:
            reader: Has the room that pictures share.
            admit: Admits the work, or refuses it, as for readings.
            issue_ticket: Returns the ticket of the request.
        """
        self._reader = reader
        self._admit = admit
        self._issue_ticket = issue_ticket
        self._one_at_a_time = Budget(1)

    def response(self, jobs: Jobs, job: Job, file: int, number: int) -> Response:
        """Return an answer with the picture of a page, read or not.

        Raises:
            JobNotFoundError: There is no such page.
            JobNotReadyError: The pages of its file have not been counted, or the job was cancelled.
            JobFailedError: The file cannot be read.
            JobExpiredError: It has been deleted.
        """
        # Imported late: the supervisor imports this module, and must not load the libraries for pictures.
        from crnn_ocr.imaging.opened import open_document
        from crnn_ocr.imaging.process.stored_file import StoredFile
        from crnn_ocr.service.routes.preview import png_of

        record = page_record(jobs, job, file, number)
        if record.problem is not None and record.problem.code in _HARMFUL:
            raise JobFailedError(f"The page is not drawn: {record.problem.message}")
        ticket = self._issue_ticket()
        options = reading_options(job.request)
        wanted = Wanted(PageRanges(str(number), ((number, number),)), password=options.password)
        try:
            with (
                jobs.files.local(source_key(job.id, file)) as path,
                open_document(
                    StoredFile(path),
                    limits_of(jobs.settings),
                    pdf_dpi=jobs.settings.pdf_dpi,
                    ticket=ticket,
                    wanted=wanted,
                ) as opened,
                self._admit(opened, ticket),
                self._one_at_a_time.take(1, ticket),
                self._reader.hold(max((extent.memory for extent in opened.extents), default=0), ticket),
            ):
                picture = png_of(opened.draw_next())
        except (KeyError, FileNotFoundError):
            check_still_kept(jobs, job, source_key(job.id, file))
            raise JobFailedError("The file of this job is missing.") from None
        response = Response(picture, mimetype="image/png")
        response.cache_control.private = True
        response.cache_control.max_age = _FRESH_S
        return response
