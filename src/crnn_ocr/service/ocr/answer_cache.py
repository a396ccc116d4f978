"""Caches answers: in this process, in a shared store, and by reading for equal requests only once."""

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
from crnn_ocr.models.fingerprint import TEXT_LAYER, Fingerprint
from crnn_ocr.scheduling.ticket import Ticket
from crnn_ocr.settings import Settings

#: Where an answer comes from: "off" without the cache, "miss" read now, "hit" from this process's store,
#: "shared" from the shared store.
Source = Literal["off", "miss", "hit", "shared"]

#: How a request uses the cache: "use" it; "refresh", read again and store the answer; "off".
CacheUse = Literal["use", "refresh", "off"]

#: Remarks about the installation rather than the picture: the next answer may be better, so this is not kept.
_TRANSIENT_REMARKS = frozenset({"LINES_FAILED", "PAGE_UNREAD", "PICTURE_UNREAD", "RECHECK_UNAVAILABLE"})


@dataclass(frozen=True, slots=True)
class CacheCounts:
    """Counts of the cache in this process, and its present size.

    Attributes:
        hits: Answers from this process's store, or shared with an equal request that was being read.
        shared_hits: Answers from the shared store.
        misses: Answers that were read.
        entries: Number of answers in this process's store.
        size: Bytes that they take, overhead included.
        shared_failing: Whether the last attempt to use the shared store failed.
    """

    hits: int
    shared_hits: int
    misses: int
    entries: int
    size: int
    shared_failing: bool


class AnswerCache:
    """Cache of documents by key. It is safe to use from several threads."""

    def __init__(self, local: LocalStore, shared: Store | None = None) -> None:
        """Use these stores.

        Args:
            local: The store of this process.
            shared: The store of all processes, used if the local one has no entry; None if there is none.
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
        """Return the document of that key from a store, or read it.

        Args:
            key: Key from `crnn_ocr.caching.key`.
            fingerprint: The fingerprint in the key. If other packs were used to read, because of a switch or
                a replacement in between, the document is returned but not stored.
            read: Reads the document.
            ticket: The caller's own ticket.
            refresh: Read it in any case, and store the result.
            chars: Store single characters, too; such documents have keys of their own.

        Raises:
            OcrError: Whatever reading raises, or the ticket became invalid.
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
        """Return the counts so far."""
        with self._lock:
            hits, shared, misses = self._counts["hit"], self._counts["shared"], self._counts["miss"]
        failing = isinstance(self._shared, SharedStore) and self._shared.failing
        return CacheCounts(hits, shared, misses, len(self._local), self._local.size, failing)

    def _lead(
        self, key: str, fingerprint: Fingerprint, read: Callable[[], Document], chars: bool
    ) -> tuple[Document, Source]:
        kept = self._kept(key)  # an equal request may have been answered meanwhile
        if kept is not None:
            return kept, "hit"
        if self._shared is not None and (data := self._shared.get(key)) is not None:
            try:
                document = decode(data)
            except BrokenEntryError:
                pass  # read again, and overwritten
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
        expected = document.model == fingerprint.model and document.packs == fingerprint.packs
        # A text layer says the same whatever the models are.
        expected |= document.model == TEXT_LAYER and document.packs <= fingerprint.packs
        if not expected or remarks & _TRANSIENT_REMARKS:
            return
        try:
            data = encode(document, chars=chars)
        except ValueError:
            return
        self._local.put(key, data)
        if self._shared is not None:
            self._shared.put(key, data)


def make_cache(settings: Settings) -> AnswerCache | None:
    """Return the cache for these settings; None if it is off.

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
    """Return how the request uses the cache, from its header `Cache-Control` (no-store or no-cache)."""
    if "no-store" in request.cache_control:
        return "off"
    return "refresh" if "no-cache" in request.cache_control else "use"
