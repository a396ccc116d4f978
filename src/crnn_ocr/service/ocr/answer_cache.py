"""Answers from the cache: this process's store, the shared one behind it, one reading for equal requests."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from flask import Request

from crnn_ocr.caching.codec import BrokenEntryError, decode, encode
from crnn_ocr.caching.local import LocalStore
from crnn_ocr.caching.shared import SharedStore, Store, connect
from crnn_ocr.caching.single_flight import SingleFlight
from crnn_ocr.document import Document
from crnn_ocr.models.fingerprint import Fingerprint
from crnn_ocr.scheduling.ticket import Ticket
from crnn_ocr.settings import Settings

#: Where an answer comes from: not asked of the cache, read now, kept by this process, kept by all of them.
Source = Literal["off", "miss", "hit", "shared"]

#: What a request wants of the cache: use it; read anew and keep that; leave it alone.
CacheUse = Literal["use", "refresh", "off"]

#: Remarks about the installation rather than the picture: such an answer may be better in a minute.
_PASSING_REMARKS = frozenset({"LINES_FAILED", "RECHECK_UNAVAILABLE"})


@dataclass(frozen=True, slots=True)
class CacheCounts:
    """What the cache of this process has done so far, and what it holds now.

    Attributes:
        hits: Answers that this process had, or that an equal request was just being read for.
        shared_hits: Answers that the shared store had.
        misses: Readings.
        entries: Answers held.
        size: Bytes that they take, overhead included.
        shared_failing: Whether the shared store did not answer when it was last asked.
    """

    hits: int
    shared_hits: int
    misses: int
    entries: int
    size: int
    shared_failing: bool


class AnswerCache:
    """Keeps documents by key; may be used by many threads at once."""

    def __init__(self, local: LocalStore, shared: Store | None = None) -> None:
        """Put the stores together.

        Args:
            local: This process's own.
            shared: Asked where the local one has nothing; None: there is none.
        """
        self._local = local
        self._shared = shared
        self._flights: SingleFlight[tuple[Document, Source]] = SingleFlight()
        self._lock = threading.Lock()
        self._counts: dict[Source, int] = {"hit": 0, "shared": 0, "miss": 0}

    def find_or_read(
        self,
        key: str,
        fingerprint: Fingerprint,
        read: Callable[[], Document],
        ticket: Ticket,
        *,
        refresh: bool = False,
        chars: bool = False,
    ) -> tuple[Document, Source]:
        """Return the document of that key, from a store or read now.

        Args:
            key: From `crnn_ocr.caching.key`.
            fingerprint: The one that the key was made from. What other packs read, because they were switched
                or replaced in between, is handed out but not kept.
            read: Reads it.
            ticket: The caller's own.
            refresh: Read it in any case, and keep the result.
            chars: Keep single characters, too; such documents have keys of their own.

        Raises:
            OcrError: Whatever reading raises, or the ticket's end.
        """
        if refresh:
            document: Document = read()
            source: Source = "miss"
            self._keep(key, fingerprint, document, chars)
        elif (kept := self._kept(key)) is not None:
            document, source = kept, "hit"
        else:
            (document, source), led = self._flights.do(
                key, lambda: self._lead(key, fingerprint, read, chars), ticket
            )
            if not led:
                source = "hit"
        with self._lock:
            self._counts[source] += 1
        return document, source

    def counts(self) -> CacheCounts:
        """Return what it has done so far."""
        with self._lock:
            hits, shared, misses = self._counts["hit"], self._counts["shared"], self._counts["miss"]
        failing = isinstance(self._shared, SharedStore) and self._shared.failing
        return CacheCounts(hits, shared, misses, len(self._local), self._local.size, failing)

    def _lead(
        self, key: str, fingerprint: Fingerprint, read: Callable[[], Document], chars: bool
    ) -> tuple[Document, Source]:
        kept = self._kept(key)  # the flight before this one may have landed meanwhile
        if kept is not None:
            return kept, "hit"
        if self._shared is not None and (data := self._shared.get(key)) is not None:
            try:
                document = decode(data)
            except BrokenEntryError:
                pass  # read anew and written over
            else:
                self._local.put(key, data)
                return document, "shared"
        document = read()
        self._keep(key, fingerprint, document, chars)
        return document, "miss"

    def _kept(self, key: str) -> Document | None:
        data = self._local.get(key)
        return None if data is None else decode(data)

    def _keep(self, key: str, fingerprint: Fingerprint, document: Document, chars: bool) -> None:
        remarks = {remark.code for page in document.pages for remark in page.warnings}
        expected = document.model == fingerprint.model and document.packs <= fingerprint.packs
        if not expected or remarks & _PASSING_REMARKS:
            return
        try:
            data = encode(document, chars=chars)
        except ValueError:
            return
        self._local.put(key, data)
        if self._shared is not None:
            self._shared.put(key, data)


def make_cache(settings: Settings) -> AnswerCache | None:
    """Return the cache that the settings ask for; None: they ask for none.

    Raises:
        SettingsError: The URL of the Redis is malformed.
        MissingExtraError: The client library of Redis is not installed.
    """
    shared = None
    if settings.redis_url is not None:
        shared = SharedStore(connect(settings.redis_url.get_secret_value()), settings.cache_ttl_s)
    if shared is None and not settings.cache_bytes:
        return None
    return AnswerCache(LocalStore(settings.cache_bytes, settings.cache_ttl_s), shared)


def wanted_use(request: Request) -> CacheUse:
    """Return what the request's header `Cache-Control` says: no-store, no-cache, or nothing about it."""
    if "no-store" in request.cache_control:
        return "off"
    return "refresh" if "no-cache" in request.cache_control else "use"
