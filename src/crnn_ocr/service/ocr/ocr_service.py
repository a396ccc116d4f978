"""Reads one picture for a request; single requests, batches and compatible routes all use it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial

from crnn_ocr.caching.key import cache_key
from crnn_ocr.document import Document
from crnn_ocr.imaging.opened import OpenedDocument
from crnn_ocr.options import ReadOptions
from crnn_ocr.scheduling.ticket import Ticket
from crnn_ocr.service.ocr.answer_cache import AnswerCache, CacheUse, Source
from crnn_ocr.service.ocr.engine_protocol import PictureReader
from crnn_ocr.service.server.harmful_pictures import watched


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one request.

    Attributes:
        document: The text and its positions.
        elapsed_ms: Time from the parsed request to the result, in milliseconds.
        source: Where the document comes from.
    """

    document: Document
    elapsed_ms: float
    source: Source = "off"

    @property
    def cached(self) -> bool:
        """Whether it came from the cache."""
        return self.source in ("hit", "shared")

    @property
    def size(self) -> dict[str, object]:
        """What the log and the traces tell of it."""
        return {
            "pages": len(self.document.pages),
            "lines": sum(len(page.lines) for page in self.document.pages),
            "model": self.document.model,
            "cache": self.source,
        }


#: Reserves capacity for the work on a document while the block runs, or refuses it.
Admission = Callable[[OpenedDocument, Ticket], AbstractContextManager[None]]


class Readings:
    """Reads pictures for requests. It is safe to use from several threads."""

    def __init__(
        self,
        reader: PictureReader,
        cache: AnswerCache | None = None,
        *,
        admit: Admission | None = None,
        issue_ticket: Callable[[], Ticket] = Ticket,
    ) -> None:
        """Use an engine and a cache.

        Args:
            reader: The engine.
            cache: Cache of answers; None for no cache.
            admit: Admits every document that the engine has to read; None to admit all.
            issue_ticket: Returns the ticket of one reading.
        """
        self._reader = reader
        self._cache = cache
        self._admit = admit
        self.issue_ticket = issue_ticket

    def read_one(
        self,
        picture: bytes,
        options: ReadOptions,
        ticket: Ticket,
        *,
        use: CacheUse = "use",
        chars: bool = False,
    ) -> Answer:
        """Read one encoded picture or document, unless its answer is in the cache.

        It needs no request context, because items of a batch are read in threads of their own. The answer is
        only guaranteed to have single characters if `chars` is set.

        Raises:
            OcrError: The picture cannot be read, the ticket is invalid, or the service is overloaded.
        """
        started = time.perf_counter()
        ticket.check()
        read = partial(self._read, picture, options, ticket)
        source: Source = "off"
        if self._cache is None or use == "off":
            document = read()
        else:
            fingerprint = self._reader.fingerprint(options)
            key = cache_key(picture, options, fingerprint, chars=chars)
            document, source = self._cache.find_or_read(
                key, fingerprint, read, ticket, refresh=use == "refresh", chars=chars
            )
        return Answer(document, (time.perf_counter() - started) * 1000, source)

    def _read(self, picture: bytes, options: ReadOptions, ticket: Ticket) -> Document:
        admit = self._admit
        lets_in = None if admit is None else lambda document: admit(document, ticket)
        with watched(picture, ticket):
            return self._reader.read(picture, options, ticket=ticket, admit=lets_in)
