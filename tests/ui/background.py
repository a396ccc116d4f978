"""The page in front of a service with jobs in a folder: the real table, files and worker.

The engine alone is the test's own: it reads a page once the test lets it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any, cast

from playwright.sync_api import FilePayload

from crnn_ocr.document import Page as DocumentPage
from crnn_ocr.engine.ocr import OCR
from crnn_ocr.engine.page_readings import PageReading, PageReadings
from crnn_ocr.errors import ImageDecodeError
from crnn_ocr.imaging.limits import Limits
from crnn_ocr.imaging.opened import open_document
from crnn_ocr.imaging.page_source import Wanted
from crnn_ocr.imaging.process.stored_file import StoredFile
from crnn_ocr.jobs.backends import Jobs, open_jobs
from crnn_ocr.jobs.work.reading import failed_reading
from crnn_ocr.jobs.work.worker import Worker
from crnn_ocr.options import ReadOptions
from crnn_ocr.scheduling.ticket import Ticket
from crnn_ocr.settings import Settings
from tests.service.fakes import FakeReader
from tests.service.rendering import picture
from tests.ui.conftest import serving
from tests.ui.scenes import Stage, invoice, line, sheet, upload

#: Pages from which on a document goes into the background by itself.
MANY = 12


def scan(pages: int = MANY, name: str = "minutes.pdf", *, width: int = 300) -> FilePayload:
    """A PDF of scanned pages, larger than what is read without being counted first."""
    images = [picture(f"Page {number}", width=width) for number in range(1, pages + 1)]
    out = BytesIO()
    images[0].save(out, "PDF", save_all=True, append_images=images[1:])
    data = out.getvalue()
    return upload(data + b"\n% padding" + bytes(max(0, 100_000 - len(data))), name, "application/pdf")


def text_of(number: int) -> str:
    return f"What stands on page {number}"


class HandReader:
    """Fulfils what a worker asks of an engine; a page is read once the test lets it be."""

    def __init__(self) -> None:
        self.permits = threading.Semaphore(0)
        self.failing: set[int] = set()
        self.options: list[ReadOptions] = []

    def open_pages(
        self, source: StoredFile, options: ReadOptions, *, ticket: Ticket, limits: Limits, background: bool
    ) -> PageReadings:
        assert background
        self.options.append(options)
        opened = open_document(source, limits, ticket=ticket, wanted=Wanted(options.page_ranges))
        return PageReadings(opened, lambda place: self._read(opened.numbers[place], ticket))

    def _read(self, number: int, ticket: Ticket) -> PageReading:
        while not self.permits.acquire(timeout=0.05):
            ticket.check()
        if number in self.failing:
            return failed_reading(number, ImageDecodeError("The page is torn.", hint="Scan it again."))
        rows = (line(text_of(number), 0, width=260), line("one more line", 1, confidence=0.5, width=180))
        page: DocumentPage = replace(sheet(*rows, width=300, height=120), number=number)
        return PageReading(page, "fake/1", frozenset(), None)


@dataclass
class World:
    """The page, the jobs behind it, and a worker in a thread of its own."""

    stage: Stage
    jobs: Jobs
    reader: HandReader
    _threads: list[threading.Thread] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.stage.url

    def let(self, pages: int) -> None:
        """Let so many pages be read."""
        self.reader.permits.release(pages)


@contextmanager
def long_documents(folder: Path, *, works: bool = True, **settings: Any) -> Iterator[World]:
    """Yield a service whose jobs are worked on as the test lets them be."""
    found = Settings(jobs_dir=folder, **settings)
    reader = HandReader()
    with ExitStack() as stack:
        stage = stack.enter_context(serving(FakeReader(invoice), found))
        jobs = open_jobs(found)
        stack.callback(jobs.store.close)
        world = World(stage, jobs, reader)
        if works:
            stack.enter_context(working(world))
        yield world


@contextmanager
def working(world: World) -> Iterator[None]:
    """Have a worker work in a thread while the block runs."""
    ended = threading.Event()
    worker = Worker(world.jobs, cast(OCR, world.reader), name="here", stopping=ended.is_set)

    def work() -> None:
        while not ended.is_set():
            if not worker.run_one():
                ended.wait(0.05)
        worker.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        world.let(10_000)
        thread.join()
