"""A reader that answers at once: what it says depends on the bytes alone."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable

from crnn_ocr.document import Block, Document, Line, Page, Polygon, Remark
from crnn_ocr.models.fingerprint import Fingerprint
from crnn_ocr.options import ReadOptions
from crnn_ocr.scheduling.ticket import Ticket

Answer = Callable[[bytes, ReadOptions], Document]


def box(top: float) -> Polygon:
    return ((10.0, top), (110.0, top), (110.0, top + 20), (10.0, top + 20))


def page(*texts: str, width: int = 200, height: int = 100, warnings: tuple[Remark, ...] = ()) -> Page:
    lines = tuple(Line(text, 0.987654, box(10.0 + 30 * row)) for row, text in enumerate(texts))
    return Page(width, height, (Block(lines),) if lines else (), warnings=warnings)


def document(*pages: Page) -> Document:
    return Document(pages, model="fake/1")


def digest_answer(data: bytes, _options: ReadOptions) -> Document:
    return document(page(hashlib.sha256(data).hexdigest()))


class FakeReader:
    """Fulfils the protocol `crnn_ocr.service.reader.Reader`; records what it was asked."""

    def __init__(self, answer: Answer = digest_answer, *, ready: bool = True) -> None:
        self.answer = answer
        self.calls: list[tuple[bytes, ReadOptions]] = []
        self.tickets: list[Ticket | None] = []
        self.identity = Fingerprint("fake/1", "fake")
        self.fingerprint_error: Exception | None = None
        self.warm_up_error: Exception | None = None
        self.may_warm_up = threading.Event()
        if ready:
            self.may_warm_up.set()
        self._ready = ready

    @property
    def ready(self) -> bool:
        return self._ready

    @property
    def model(self) -> str:
        return "fake/1"

    def fingerprint(self, options: ReadOptions) -> Fingerprint:
        if self.fingerprint_error is not None:
            raise self.fingerprint_error
        return self.identity

    def read(
        self, source: bytes, options: ReadOptions | None = None, *, ticket: Ticket | None = None
    ) -> Document:
        assert options is not None
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
