"""Fetches pictures that requests name by URL, without giving access to the operator's network.

Every redirect passes the same checks as the URL itself, see `net.url_rules`.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable
from functools import partial
from typing import Self
from urllib.parse import SplitResult, urljoin

import crnn_ocr
from crnn_ocr.errors import ImageTooLargeError, UrlFetchError
from crnn_ocr.net.checked_http import CheckedHttp
from crnn_ocr.net.dns import Resolve, resolve
from crnn_ocr.net.socket_watch import SocketWatcher, socket_watcher
from crnn_ocr.net.url_rules import Rules, target_of
from crnn_ocr.settings import Settings

_MOST_REDIRECTS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PIECE = 64 * 1024


def fetch_rules(settings: Settings) -> Rules:
    """Return the rules that say from where pictures may be fetched.

    Raises:
        SettingsError: A host or a network is malformed.
    """
    return Rules.parse(settings.fetch_hosts, settings.fetch_networks, setting="CRNN_OCR_FETCH")


class Fetcher:
    """Fetches pictures. It is safe to use from several threads."""

    def __init__(
        self,
        rules: Rules,
        *,
        max_bytes: int,
        timeout_s: float,
        lookup: Resolve = resolve,
        watch: SocketWatcher = socket_watcher,
    ) -> None:
        """Set rules and limits.

        Args:
            rules: From where pictures may be fetched.
            max_bytes: The largest answer that is accepted, in bytes.
            timeout_s: The longest time for everything, redirects included, in seconds.
            lookup: Returns the addresses of a host.
            watch: Ends connections whose time is up.
        """
        self._rules = rules
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s
        self._http = CheckedHttp(rules, timeout_s=timeout_s, lookup=lookup, watch=watch)

    @classmethod
    def from_settings(cls, settings: Settings) -> Self | None:
        """Return the fetcher for these settings; None if nothing may be fetched."""
        if not settings.fetch_urls:
            return None
        return cls(
            fetch_rules(settings),
            max_bytes=settings.max_image_bytes,
            timeout_s=settings.fetch_timeout_s,
        )

    def fetch(self, url: str, reserve: Callable[[int], None] = lambda _size: None) -> bytes:
        """Return the bytes behind a URL, whatever they are.

        Args:
            url: The URL.
            reserve: Called with the number of bytes that have arrived so far, before they are kept; an
                exception from it ends the fetching.

        Raises:
            UrlNotAllowedError: The URL, or one that it redirects to, is not allowed.
            UrlFetchError: There is no such host, no answer in time, or a status other than 200.
            ImageTooLargeError: It has too many bytes.
        """
        deadline = time.monotonic() + self._timeout_s
        for _ in range(_MOST_REDIRECTS + 1):
            parts = self._rules.check_url(url)
            found = self._http.exchange(parts, deadline, partial(self._ask, parts=parts, reserve=reserve))
            if isinstance(found, bytes):
                return found
            url = urljoin(url, found)
        raise UrlFetchError(f"The URL redirects more than {_MOST_REDIRECTS} times.")

    def _ask(
        self, client: http.client.HTTPConnection, parts: SplitResult, reserve: Callable[[int], None]
    ) -> bytes | str:
        """Send one request; return the body, or the URL to which it redirects."""
        client.putrequest("GET", target_of(parts), skip_accept_encoding=True)
        client.putheader("Accept", "image/*, application/pdf;q=0.9, */*;q=0.1")
        client.putheader("Accept-Encoding", "identity")
        client.putheader("User-Agent", f"crnn-ocr/{crnn_ocr.__version__}")
        client.putheader("Connection", "close")
        client.endheaders()
        with client.getresponse() as response:
            if response.status in _REDIRECTS and (location := response.headers.get("Location")):
                return location
            if response.status != 200:
                raise UrlFetchError(f"The URL answers with status {response.status}.")
            if response.headers.get("Content-Encoding", "identity").lower() != "identity":
                raise UrlFetchError("The URL answers with compressed content, which was not requested.")
            return self._body(response, reserve)

    def _body(self, response: http.client.HTTPResponse, reserve: Callable[[int], None]) -> bytes:
        announced = response.length
        if announced is not None and announced > self._max_bytes:
            raise self._too_large()
        body = bytearray()
        while piece := response.read(_PIECE):
            reserve(len(body) + len(piece))  # what has come: what is only announced takes nothing
            body += piece
            if len(body) > self._max_bytes:
                raise self._too_large()
        if announced is not None and len(body) < announced:
            raise http.client.IncompleteRead(bytes(body))
        return bytes(body)

    def _too_large(self) -> ImageTooLargeError:
        return ImageTooLargeError(f"The picture at the URL has more than {self._max_bytes} bytes.")
