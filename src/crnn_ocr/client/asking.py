"""Asks a server: one attempt, or as many as it may take, for answers in JSON and for files."""

from __future__ import annotations

import itertools
import json
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from crnn_ocr.client.errors import BadAnswerError, bad_answer, error_of
from crnn_ocr.client.file_answer import FileAnswer
from crnn_ocr.client.retry import delay, is_retryable, parse_retry_after
from crnn_ocr.client.transport import Request, Transport
from crnn_ocr.errors import OcrError

Result = TypeVar("Result")


class Asker:
    """Sends requests to one server, with its key, and tries again while it is busy or away."""

    def __init__(self, transport: Transport, headers: Mapping[str, str], *, retry_for: float) -> None:
        """Prepare; nothing is sent yet.

        Args:
            transport: The connections.
            headers: Headers of every request.
            retry_for: Seconds after the first attempt within which another attempt may start.
        """
        self.transport = transport
        self.headers = dict(headers)
        self._retry_for = retry_for

    def object(
        self, request: Request, parse: Callable[[dict[str, Any]], Result], *, status: int = 200
    ) -> Result:
        """Return what an answer in JSON says, after one attempt.

        Args:
            request: The request; its own headers are added to the usual ones.
            parse: Converts the answer.
            status: Status of the answer if all is well.

        Raises:
            OcrError: The server's error, or one of the client's own.
        """
        with self.transport.send(self._with_headers(request)) as response:
            data, found, after = response.read(), response.status, response.getheader("Retry-After")
        if found != status:
            raise failure(found, data, after)
        return parsed(json_object(data, found), parse)

    def retried_object(
        self, request: Request, parse: Callable[[dict[str, Any]], Result], *, status: int = 200
    ) -> Result:
        """Return what an answer in JSON says, after as many attempts as it may take; see `object`."""
        return self.retried(lambda: self.object(request, parse, status=status))

    @contextmanager
    def opened(self, request: Request) -> Iterator[FileAnswer]:
        """Yield an answer with a file, which the block may read, after one attempt.

        Raises:
            OcrError: The server's error, or one of the client's own.
        """
        accepting = Request(request.method, request.path, request.body, {**request.headers, "Accept": "*/*"})
        with self.transport.send(self._with_headers(accepting)) as response:
            if response.status != 200:
                raise failure(response.status, response.read(), response.getheader("Retry-After"))
            yield FileAnswer(response)

    def retried(self, ask: Callable[[], Result]) -> Result:
        """Return what a function returns, which is called again as long as the service is busy or away."""
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

    def _with_headers(self, request: Request) -> Request:
        return Request(request.method, request.path, request.body, {**self.headers, **request.headers})


def json_object(data: bytes, status: int) -> dict[str, Any]:
    """Return the JSON object of an answer.

    Raises:
        BadAnswerError: It is none.
    """
    try:
        body = json.loads(data)
    except ValueError:
        raise bad_answer(status) from None
    if not isinstance(body, dict):
        raise bad_answer(status)
    return body


def parsed(body: dict[str, Any], parse: Callable[[dict[str, Any]], Result]) -> Result:
    """Return the object of an answer, converted.

    Raises:
        BadAnswerError: It has not the fields that it should have.
    """
    try:
        return parse(body)
    except (KeyError, TypeError, ValueError):
        raise bad_answer(200) from None


def failure(status: int, data: bytes, retry_after: str | None) -> OcrError:
    """Return the error for an answer that is not a success."""
    seconds = parse_retry_after(retry_after)
    try:
        body = json_object(data, status)
    except BadAnswerError:
        return bad_answer(status, seconds)
    return error_of(body, status, seconds)
