"""Sends HTTP/1.1 requests over kept connections of the standard library, from any number of threads."""

from __future__ import annotations

import http.client
import ssl
import threading
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

from crnn_ocr.client.errors import AnswerTimeoutError, ConnectionFailedError

_MOST_IDLE = 16
_CONNECT_S = 10.0


class Body(Protocol):
    """A body that is not held in memory."""

    @property
    def length(self) -> int:
        """Number of bytes."""

    def __iter__(self) -> Iterator[bytes]: ...


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request.

    Attributes:
        method: "GET", "POST" or "DELETE".
        path: Path below the server's address, with the query string.
        body: Bytes, or what yields them each time that it is sent; None for no body.
        headers: Headers, in addition to those that HTTP itself needs.
    """

    method: str
    path: str
    body: bytes | Body | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Transport:
    """Connections to one server. It is safe to use from several threads."""

    def __init__(self, url: str, *, timeout: float, context: ssl.SSLContext | None = None) -> None:
        """Set the address; nothing is sent yet.

        Args:
            url: URL with http or https, host, port and the path prefix, if there is one.
            timeout: Seconds for each part of an answer to arrive; connecting may take ten at most.
            context: Certificates for https; those of the system when None.

        Raises:
            ValueError: The URL cannot be used.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError(f"{url!r} is not the address of a server, such as http://127.0.0.1:5000")
        self._host, self._port = parts.hostname, parts.port
        self._prefix = parts.path.rstrip("/")
        self._timeout = timeout
        self._context = (context or ssl.create_default_context()) if parts.scheme == "https" else None
        self._lock = threading.Lock()
        self._idle: list[http.client.HTTPConnection] = []
        self._closed = False
        weakref.finalize(self, _close_all, self._idle)  # if the caller forgets `close`

    @contextmanager
    def send(self, request: Request) -> Iterator[http.client.HTTPResponse]:
        """Send a request and yield the response; the block may read its body.

        Raises:
            ConnectionFailedError: There is no connection, or the answer is incomplete.
            AnswerTimeoutError: The answer took too long.
        """
        connection, response = self._exchange(request)
        try:
            yield response
            whole = response.isclosed()
        except TimeoutError:
            connection.close()
            raise AnswerTimeoutError(f"The answer did not come within {self._timeout:g} seconds.") from None
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise ConnectionFailedError(f"The connection broke: {_reason(error)}.") from None
        except BaseException:
            connection.close()
            raise
        if whole and not response.will_close:
            self._keep(connection)
        else:
            connection.close()

    def close(self) -> None:
        """Close the idle connections; those in use are closed after their answer."""
        with self._lock:
            self._closed = True
            _close_all(self._idle)

    def _exchange(self, request: Request) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        """Send the request; if a kept connection turns out to be dead, send it again over a new one."""
        kept = self._take()
        if kept is not None:
            try:
                return kept, self._ask(kept, request)
            except TimeoutError:
                kept.close()
                raise self._late() from None
            except (OSError, http.client.HTTPException):
                kept.close()
            except BaseException:
                kept.close()
                raise
        connection = self._connect()
        try:
            return connection, self._ask(connection, request)
        except TimeoutError:
            connection.close()
            raise self._late() from None
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise ConnectionFailedError(
                f"{self._host}:{connection.port} does not answer: {_reason(error)}."
            ) from None
        except BaseException:
            connection.close()
            raise

    def _ask(self, connection: http.client.HTTPConnection, request: Request) -> http.client.HTTPResponse:
        headers = dict(request.headers)
        body = request.body
        if body is not None and not isinstance(body, bytes):
            headers["Content-Length"] = str(body.length)
        try:
            connection.request(request.method, self._prefix + request.path, body, headers)
        except (BrokenPipeError, ConnectionResetError):
            # A server may refuse a body before it has read all of it; its answer may have arrived anyway.
            if request.body is None or connection.sock is None:
                raise
        return connection.getresponse()

    def _connect(self) -> http.client.HTTPConnection:
        patience = min(self._timeout, _CONNECT_S)
        connection: http.client.HTTPConnection
        if self._context is None:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=patience)
        else:
            connection = http.client.HTTPSConnection(
                self._host, self._port, timeout=patience, context=self._context
            )
        try:
            connection.connect()
        except OSError as error:
            raise ConnectionFailedError(
                f"{self._host}:{connection.port} cannot be reached: {_reason(error)}."
            ) from None
        connection.sock.settimeout(self._timeout)
        return connection

    def _take(self) -> http.client.HTTPConnection | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _keep(self, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            keep = not self._closed and len(self._idle) < _MOST_IDLE
            if keep:
                self._idle.append(connection)
        if not keep:
            connection.close()

    def _late(self) -> AnswerTimeoutError:
        return AnswerTimeoutError(f"No answer came within {self._timeout:g} seconds.")


def _close_all(connections: list[http.client.HTTPConnection]) -> None:
    while connections:
        connections.pop().close()


def _reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return text[:1].lower() + text[1:].rstrip(".")
