"""Provides a client of the REST API that uses only the standard library for HTTP.

>>> from crnn_ocr.client import Client
>>> Client("http://127.0.0.1:5000").ocr("invoice.jpg").text  # doctest: +SKIP
"""

from __future__ import annotations

import itertools
import json
import random
import secrets
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, TypeVar
from urllib.parse import urlencode

from crnn_ocr.client.answers import ModelInfo, OcrLine, OcrPage, OcrResult, parse_models, parse_result
from crnn_ocr.client.errors import (
    AnswerTimeoutError,
    BadAnswerError,
    ConnectionFailedError,
    bad_answer,
    error_of,
)
from crnn_ocr.client.retry import delay, is_retryable, parse_retry_after
from crnn_ocr.client.transport import Request, Transport
from crnn_ocr.errors import OcrError
from crnn_ocr.options import ReadOptions, parse_options

__all__ = [
    "AnswerTimeoutError",
    "BadAnswerError",
    "Client",
    "ConnectionFailedError",
    "ModelInfo",
    "OcrLine",
    "OcrPage",
    "OcrResult",
]

Source = str | Path | bytes | bytearray | memoryview | BinaryIO
Result = TypeVar("Result")

#: Limits of one request of a batch; servers accept more by default.
_MOST_ITEMS = 32
_MOST_BYTES = 16 * 1024 * 1024

_GRACE_S = 2.0
#: The shortest timeout that a server accepts, in seconds; a client with a shorter one gives up earlier.
_LEAST_S = 1.0


class Client:
    """Client of one server. It is safe to use from several threads.

    A request that is refused because the service is busy (429, 503), or fails because the service is being
    replaced, is sent again after a while. That is safe, because reading changes nothing.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:5000",
        *,
        api_key: str | None = None,
        timeout: float = 120.0,
        retry_for: float = 30.0,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """Set the address; nothing is sent yet.

        Args:
            url: URL of the server, with the path prefix if a proxy adds one.
            api_key: API key, sent as a bearer token, if the server needs one.
            timeout: Seconds that one attempt may take. The server is told, so that it stops in time; it takes
                at least one second. The client waits two seconds longer for the server's answer.
            retry_for: Seconds after the first attempt within which another attempt may start; 0: never.
            ssl_context: Certificates for https; those of the system when None.

        Raises:
            ValueError: The URL cannot be used.
        """
        # A little longer than the server's timeout, so that the server can answer what happened.
        self._transport = Transport(url, timeout=timeout + _GRACE_S, context=ssl_context)
        self._headers = {"Accept": "application/json"}
        if api_key is not None:
            self._headers["Authorization"] = f"Bearer {api_key}"
        self._timeout = timeout
        self._retry_for = retry_for

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the idle connections; after that every request uses a new one."""
        self._transport.close()

    # ---- reading ---------------------------------------------------------------------------------

    def ocr(
        self, source: Source, options: ReadOptions | None = None, *, fresh: bool = False, **values: Any
    ) -> OcrResult:
        """Read a picture or document.

        Args:
            source: Path, bytes or binary file.
            options: How to read; all defaults when None.
            fresh: Read it again even if the server has a cached answer.
            **values: Single options by name, instead of `options`.

        Raises:
            OcrError: The server's error, of the same class as in the library if that is known here; or one of
                the client's own: `ConnectionFailedError`, `AnswerTimeoutError` and `BadAnswerError`.
            OSError: The path cannot be opened.
        """
        headers = {**self._reading_headers(fresh), "Content-Type": "application/octet-stream"}
        request = Request("POST", f"/ocr{_query(options, values)}", _read(source), headers)
        return self._retried(lambda: _parsed(self._object(request), parse_result))

    def batch(
        self,
        sources: Sequence[Source],
        options: ReadOptions | None = None,
        *,
        fresh: bool = False,
        **values: Any,
    ) -> list[OcrResult | OcrError]:
        """Read many pictures.

        Args:
            sources: Any number of paths, bytes or binary files; they are sent in several requests.
            options: How to read all of them; all defaults when None.
            fresh: See `ocr`.
            **values: Single options by name, instead of `options`.

        Returns:
            A result or an error for each picture, in the order of the sources.

        Raises:
            OcrError: A request as a whole failed.
            OSError: A path cannot be opened.
        """
        results: dict[int, OcrResult | OcrError] = dict(self.stream(sources, options, fresh=fresh, **values))
        return [results[index] for index in range(len(sources))]

    def stream(
        self,
        sources: Sequence[Source],
        options: ReadOptions | None = None,
        *,
        fresh: bool = False,
        **values: Any,
    ) -> Iterator[tuple[int, OcrResult | OcrError]]:
        """Read many pictures as `batch` does, but yield each result when it arrives, with its index.

        Yields:
            The index among the sources, and the result or error.
        """
        path = f"/ocr/batch{_query(options, values)}"
        headers = {**self._reading_headers(fresh), "Accept": "application/x-ndjson"}
        for chunk in _chunks(sources):
            yield from self._stream(path, headers, chunk)

    def _stream(
        self, path: str, headers: dict[str, str], pictures: dict[int, bytes]
    ) -> Iterator[tuple[int, OcrResult | OcrError]]:
        """Send pictures until each has a result; pictures that a busy server refuses are sent again."""
        deadline = time.monotonic() + self._retry_for
        for attempt in itertools.count(1):
            refused: dict[int, OcrError] = {}
            failure: OcrError | None = None
            places = list(pictures)
            try:
                for number, result in self._rows(path, headers, list(pictures.values())):
                    place = places[number]
                    if isinstance(result, OcrError) and is_retryable(result):
                        refused[place] = result
                    else:
                        del pictures[place]
                        yield place, result
            except OcrError as error:
                if not is_retryable(error):
                    raise
                failure = error
            if not pictures:
                return
            errors = [*refused.values(), *([failure] if failure else [])]
            asked = max(
                (error.retry_after for error in errors if error.retry_after is not None), default=None
            )
            pause = delay(attempt, asked, random.random)
            if time.monotonic() + pause >= deadline:
                if failure is not None:
                    raise failure
                yield from refused.items()
                return
            time.sleep(pause)

    def _rows(
        self, path: str, headers: dict[str, str], pictures: list[bytes]
    ) -> Iterator[tuple[int, OcrResult | OcrError]]:
        """Yield the results of one request as they arrive."""
        kind, body = _form(pictures)
        request = Request("POST", path, body, {**headers, "Content-Type": kind})
        missing = set(range(len(pictures)))
        with self._transport.send(request) as response:
            if response.status != 200:
                raise _failure(response.status, response.read(), response.getheader("Retry-After"))
            for row in response:
                entry = _json_object(row, 200)
                index = entry.get("index")
                if index not in missing:
                    raise bad_answer(200)
                missing.discard(index)
                if entry.get("success") is True:
                    yield index, _parsed(entry, parse_result)
                else:
                    yield index, error_of(entry, int(entry.get("status", 500)), entry.get("retry_after"))
            response.read()  # nothing is left, so the connection can be kept
        if missing:
            raise ConnectionFailedError("The answer ended before its last result.")

    # ---- asking about the server ------------------------------------------------------------------

    def options(self) -> dict[str, Any]:
        """Return the JSON Schema of the options that the server accepts."""
        return self._retried(lambda: self._object(Request("GET", "/options", headers=self._headers)))

    def models(self) -> tuple[ModelInfo, ...]:
        """Return the model packs of the server, sorted by name."""
        request = Request("GET", "/models", headers=self._headers)
        return self._retried(lambda: _parsed(self._object(request), parse_models))

    def healthy(self) -> bool:
        """Return whether the server answers and its models are ready; this never retries or raises."""
        try:
            with self._transport.send(Request("GET", "/readyz", headers=self._headers)) as response:
                response.read()
                return response.status == 200
        except OcrError:
            return False

    # ---- one request -----------------------------------------------------------------------------

    def _reading_headers(self, fresh: bool) -> dict[str, str]:
        headers = {**self._headers, "X-Request-Timeout": f"{max(_LEAST_S, self._timeout):g}"}
        return {**headers, "Cache-Control": "no-cache"} if fresh else headers

    def _object(self, request: Request) -> dict[str, Any]:
        with self._transport.send(request) as response:
            data, status, after = response.read(), response.status, response.getheader("Retry-After")
        if status != 200:
            raise _failure(status, data, after)
        return _json_object(data, status)

    def _retried(self, ask: Callable[[], Result]) -> Result:
        deadline = time.monotonic() + self._retry_for
        for attempt in itertools.count(1):
            try:
                return ask()
            except OcrError as error:
                pause = delay(attempt, error.retry_after, random.random)
                if not is_retryable(error) or time.monotonic() + pause >= deadline:
                    raise
            time.sleep(pause)
        raise AssertionError  # the count has no end


# ---- what is sent ------------------------------------------------------------------------------------


def _query(options: ReadOptions | None, values: dict[str, Any]) -> str:
    if options is None:
        options = parse_options(values)
    elif values:
        raise TypeError("give either an options object or single options, not both")
    given = options.model_dump(exclude_unset=True, exclude_none=True)
    return f"?{urlencode(given)}" if given else ""


def _read(source: Source) -> bytes:
    if isinstance(source, str | Path):
        return Path(source).read_bytes()
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source)
    data = source.read()
    if not isinstance(data, bytes):
        raise TypeError("the file object gives text, not bytes: open it with mode 'rb'")
    return data


def _chunks(sources: Sequence[Source]) -> Iterator[dict[int, bytes]]:
    """Yield the pictures of one request after the other, by index; each picture is read only when needed."""
    chunk: dict[int, bytes] = {}
    size = 0
    for place, source in enumerate(sources):
        data = _read(source)
        if chunk and (len(chunk) == _MOST_ITEMS or size + len(data) > _MOST_BYTES):
            yield chunk
            chunk, size = {}, 0
        chunk[place] = data
        size += len(data)
    if chunk:
        yield chunk


def _form(pictures: Sequence[bytes]) -> tuple[str, bytes]:
    """Return the media type and the body of a multipart form (RFC 7578)."""
    boundary = secrets.token_hex(16)
    parts: list[bytes] = []
    for number, data in enumerate(pictures):
        head = (
            f"--{boundary}\r\n"
            f'Content-Disposition: form-data; name="image"; filename="{number}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        parts += [head.encode(), data, b"\r\n"]
    parts.append(f"--{boundary}--\r\n".encode())
    return f"multipart/form-data; boundary={boundary}", b"".join(parts)


# ---- what comes back ---------------------------------------------------------------------------------


def _json_object(data: bytes, status: int) -> dict[str, Any]:
    try:
        body = json.loads(data)
    except ValueError:
        raise bad_answer(status) from None
    if not isinstance(body, dict):
        raise bad_answer(status)
    return body


def _parsed(body: dict[str, Any], parse: Callable[[dict[str, Any]], Result]) -> Result:
    try:
        return parse(body)
    except (KeyError, TypeError, ValueError):
        raise bad_answer(200) from None


def _failure(status: int, data: bytes, retry_after: str | None) -> OcrError:
    seconds = parse_retry_after(retry_after)
    try:
        body = _json_object(data, status)
    except BadAnswerError:
        return bad_answer(status, seconds)
    return error_of(body, status, seconds)
