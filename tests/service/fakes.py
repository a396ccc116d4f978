"""A reader that answers at once: what it says depends on the bytes alone; and an application around one."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace

from flask import Flask

from crnn_ocr.document import Block, Document, Line, Page, Polygon, Remark
from crnn_ocr.errors import ModelNotFoundError, ModelSwitchError, OcrError
from crnn_ocr.imaging.opened import Admit, OpenedDocument, open_document
from crnn_ocr.imaging.page_source import PageSource
from crnn_ocr.models.fingerprint import Fingerprint
from crnn_ocr.models.listing import ModelInfo, ModelList
from crnn_ocr.options import ReadOptions
from crnn_ocr.pixels import Pixels
from crnn_ocr.scheduling.scheduler import SchedulerStats
from crnn_ocr.scheduling.ticket import Ticket
from crnn_ocr.service.ocr.engine_protocol import Reader
from crnn_ocr.service.workers.model_switch import Outcome
from crnn_ocr.service.workers.shared_state import Report
from crnn_ocr.settings import Settings

OTHERS = ("other", "third")
FAKE = ModelInfo(
    name="fake",
    version="1",
    kind="rec",
    title="A reader of the tests",
    languages=("en",),
    licence="Apache-2.0",
    precision="fp32",
    aliases=("quick",),
    bundled=True,
    active=True,
    loaded=True,
    card="Made here.",
)

Answer = Callable[[bytes, ReadOptions], Document]


def box(top: float) -> Polygon:
    return ((10.0, top), (110.0, top), (110.0, top + 20), (10.0, top + 20))


def page(*texts: str, width: int = 200, height: int = 100, warnings: tuple[Remark, ...] = ()) -> Page:
    lines = tuple(Line(text, 0.987654, box(10.0 + 30 * row)) for row, text in enumerate(texts))
    return Page(width, height, (Block(lines),) if lines else (), warnings=warnings)


def document(*pages: Page) -> Document:
    return Document(tuple(replace(one, number=n) for n, one in enumerate(pages, start=1)), model="fake/1")


def digest_answer(data: bytes, _options: ReadOptions) -> Document:
    return document(page(hashlib.sha256(data).hexdigest()))


class NoPages(PageSource):
    """A file without pages."""

    extents = ()

    def draw(self, place: int) -> Pixels:
        raise IndexError(place)


def opened_or_not(
    source: bytes, ticket: Ticket | None = None, settings: Settings | None = None
) -> OpenedDocument:
    """Return the opened document; one without pages for bytes that are no picture; they are read too."""
    try:
        return open_document(source, (settings or Settings()).limits, ticket=ticket)
    except OcrError:
        return OpenedDocument(NoPages(), ())


class FakeReady:
    """A model that is ready to become a reader's active one."""

    def __init__(self, reader: FakeReader, name: str) -> None:
        self._reader = reader
        self.name = name
        self.model = f"{name}/1"

    def commit(self) -> None:
        self._reader.log.append(f"commit {self.name}")
        self._reader.active = self.name

    def cancel(self) -> None:
        self._reader.log.append(f"cancel {self.name}")


class FakeReader:
    """Fulfils the protocol `crnn_ocr.service.ocr.engine_protocol.Reader`; records what it was asked."""

    def __init__(self, answer: Answer = digest_answer, *, ready: bool = True) -> None:
        self.answer = answer
        self.calls: list[tuple[bytes, ReadOptions]] = []
        self.tickets: list[Ticket | None] = []
        self.identity = Fingerprint("fake/1", "fake")
        self.fingerprint_error: Exception | None = None
        self.log: list[str] = []
        self.held: list[int] = []
        self.active = "fake"
        self.problem: str | None = None
        self.prepare_errors: dict[str, Exception] = {}
        self.warm_up_error: Exception | None = None
        self.may_warm_up = threading.Event()
        if ready:
            self.may_warm_up.set()
        self._ready = ready

    @contextmanager
    def hold(self, memory: int, ticket: Ticket) -> Iterator[None]:
        self.held.append(memory)
        yield
        self.held.append(-memory)

    @property
    def ready(self) -> bool:
        return self._ready

    @property
    def model(self) -> str:
        return f"{self.active}/1"

    @property
    def loaded(self) -> tuple[str, ...]:
        return (self.active,) if self._ready else ()

    @property
    def active_packs(self) -> Mapping[str, str]:
        return {"rec": self.active}

    def kind_of(self, model: str) -> str:
        self.resolve(model)
        return "rec"

    def scheduler_stats(self) -> SchedulerStats:
        return SchedulerStats(0, 0, 0, 0, 0, 0.0)

    def models(self) -> ModelList:
        others = [replace(FAKE, name=name, active=False, loaded=False, aliases=()) for name in OTHERS]
        shown = [replace(info, active=info.name == self.active) for info in (FAKE, *others)]
        return ModelList(tuple(shown), (("half", "pack 'half': net.onnx differs from its manifest"),))

    def resolve(self, model: str) -> str:
        found = {"quick": "fake"}.get(model, model)
        if found not in ("fake", *OTHERS):
            raise ModelNotFoundError(f"there is no model {model!r}")
        return found

    def prepare(self, model: str) -> FakeReady:
        self.log.append(f"prepare {model}")
        if model in self.prepare_errors:
            raise self.prepare_errors[model]
        return FakeReady(self, model)

    def fingerprint(self, options: ReadOptions) -> Fingerprint:
        if self.fingerprint_error is not None:
            raise self.fingerprint_error
        return self.identity

    def read(
        self,
        source: bytes,
        options: ReadOptions | None = None,
        *,
        ticket: Ticket | None = None,
        admit: Admit | None = None,
    ) -> Document:
        assert options is not None
        with nullcontext() if admit is None else admit(opened_or_not(source, ticket)):
            return self.work(source, options, ticket)

    def work(self, source: bytes, options: ReadOptions, ticket: Ticket | None) -> Document:
        """Read what has been let in."""
        self.calls.append((source, options))
        self.tickets.append(ticket)
        if ticket is not None:
            ticket.check()
        return self.answer(source, options)

    def warm_up(self) -> None:
        self.may_warm_up.wait(10)
        if self.warm_up_error is not None:
            raise self.warm_up_error
        self._ready = True


class FakeSwitching:
    """Switches the model of the only reader that there is."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def switch(self, name: str) -> Outcome:
        found, before = self._reader.resolve(name), self._reader.model
        try:
            ready = self._reader.prepare(found)
        except OcrError as error:
            raise ModelSwitchError(error.message, hint=error.hint) from error
        ready.commit()
        return Outcome(ready.model, before, 1)

    def reports(self) -> list[Report]:
        return [Report(os.getpid(), 0, self._reader.model, self._reader.loaded, self._reader.problem)]


def create_app(reader: Reader, settings: Settings, *, warm_up: bool = True) -> Flask:
    # Late: some tests choose the files of the metrics first, which are opened by an import.
    from crnn_ocr.service import app

    return app.create_app(reader, settings, switching=FakeSwitching(reader), warm_up=warm_up)
