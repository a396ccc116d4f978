"""Provides a client of the REST API that uses only the standard library for HTTP.

>>> from crnn_ocr.client import Client
>>> Client("http://127.0.0.1:5000").ocr("invoice.jpg").text  # doctest: +SKIP
"""

from __future__ import annotations

import itertools
import random
import secrets
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from crnn_ocr.client.answers import ModelInfo, OcrLine, OcrPage, OcrResult, parse_models, parse_result
from crnn_ocr.client.asking import Asker, failure, json_object, parsed
from crnn_ocr.client.bodies import Source, chunks, fields, form, query, read, uploads
from crnn_ocr.client.errors import (
    AnswerTimeoutError,
    BadAnswerError,
    ConnectionFailedError,
    UploadFileError,
    bad_answer,
    error_of,
)
from crnn_ocr.client.job_answers import JobFile, JobPage, JobResult, JobStatus, parse_job, parse_jobs
from crnn_ocr.client.remote_job import RemoteJob
from crnn_ocr.client.retry import delay, is_retryable
from crnn_ocr.client.transport import Request, Transport
from crnn_ocr.client.uploads import FormBody
from crnn_ocr.errors import OcrError
from crnn_ocr.options import ReadOptions

__all__ = [
    "AnswerTimeoutError",
    "BadAnswerError",
    "Client",
    "ConnectionFailedError",
    "JobFile",
    "JobPage",
    "JobResult",
    "JobStatus",
    "ModelInfo",
    "OcrLine",
    "OcrPage",
    "OcrResult",
    "RemoteJob",
    "UploadFileError",
]

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
        self._asker = Asker(self._transport, self._headers, retry_for=retry_for)
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
        request = Request("POST", f"/ocr{query(options, values)}", read(source), headers)
        return self._asker.retried_object(request, parse_result)

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
        path = f"/ocr/batch{query(options, values)}"
        headers = {**self._reading_headers(fresh), "Accept": "application/x-ndjson"}
        for chunk in chunks(sources):
            yield from self._stream(path, headers, chunk)

    def _stream(
        self, path: str, headers: dict[str, str], pictures: dict[int, bytes]
    ) -> Iterator[tuple[int, OcrResult | OcrError]]:
        """Send pictures until each has a result; pictures that a busy server refuses are sent again."""
        deadline = time.monotonic() + self._retry_for
        for attempt in itertools.count(1):
            refused: dict[int, OcrError] = {}
            whole: OcrError | None = None
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
                whole = error
            if not pictures:
                return
            errors = [*refused.values(), *([whole] if whole else [])]
            asked = max(
                (error.retry_after for error in errors if error.retry_after is not None), default=None
            )
            pause = delay(attempt, asked, random.random)
            if time.monotonic() + pause >= deadline:
                if whole is not None:
                    raise whole
                yield from refused.items()
                return
            time.sleep(pause)

    def _rows(
        self, path: str, headers: dict[str, str], pictures: list[bytes]
    ) -> Iterator[tuple[int, OcrResult | OcrError]]:
        """Yield the results of one request as they arrive."""
        kind, body = form(pictures)
        request = Request("POST", path, body, {**headers, "Content-Type": kind})
        missing = set(range(len(pictures)))
        with self._transport.send(request) as response:
            if response.status != 200:
                raise failure(response.status, response.read(), response.getheader("Retry-After"))
            for row in response:
                entry = json_object(row, 200)
                index = entry.get("index")
                if index not in missing:
                    raise bad_answer(200)
                missing.discard(index)
                if entry.get("success") is True:
                    yield index, parsed(entry, parse_result)
                else:
                    yield index, error_of(entry, int(entry.get("status", 500)), entry.get("retry_after"))
            response.read()  # nothing is left, so the connection can be kept
        if missing:
            raise ConnectionFailedError("The answer ended before its last result.")

    # ---- asking about the server ------------------------------------------------------------------

    def options(self) -> dict[str, Any]:
        """Return the JSON Schema of the options that the server accepts."""
        return self._asker.retried_object(Request("GET", "/options"), dict)

    def models(self) -> tuple[ModelInfo, ...]:
        """Return the model packs of the server, sorted by name."""
        return self._asker.retried_object(Request("GET", "/models"), parse_models)

    def healthy(self) -> bool:
        """Return whether the server answers and its models are ready; this never retries or raises."""
        try:
            with self._transport.send(Request("GET", "/readyz", headers=self._headers)) as response:
                response.read()
                return response.status == 200
        except OcrError:
            return False

    # ---- jobs ------------------------------------------------------------------------------------

    def submit(
        self,
        sources: Source | Sequence[Source] | Mapping[str, Source],
        options: ReadOptions | None = None,
        *,
        formats: Sequence[str] = (),
        webhook: str | None = None,
        ttl: float | None = None,
        idempotency_key: str | None = None,
        **values: Any,
    ) -> RemoteJob:
        """Let the server read documents in the background; return the job.

        Files are sent from the disk, and never held in memory.

        Args:
            sources: One document or several: paths, bytes or binary files; a mapping gives them names.
            options: How to read; all defaults when None.
            formats: Names of the formats to write, besides JSON and text.
            webhook: URL that is told about the end.
            ttl: Seconds after its end for which the job is kept; None for as long as the server does.
            idempotency_key: Key with which this call, if it is repeated in another process, finds the job
                again; None for a random one, so that repeated attempts of this call make one job.
            **values: Single options by name, instead of `options`.

        Raises:
            OcrError: The server's error, or one of the client's own.
            OSError: A path cannot be opened.
        """
        wanted = fields(options, values)
        if formats:
            wanted["formats"] = ",".join(formats)
        if webhook is not None:
            wanted["webhook"] = webhook
        if ttl is not None:
            wanted["ttl"] = f"{ttl:g}"
        body = FormBody(uploads(sources), wanted)
        headers = {
            "Content-Type": body.media_type,
            "Idempotency-Key": idempotency_key or secrets.token_hex(16),
        }
        job = self._asker.retried_object(Request("POST", "/jobs", body, headers), parse_job, status=202)
        return RemoteJob(self._asker, job.id)

    def job(self, job_id: str) -> RemoteJob:
        """Return the job with an id; nothing is asked yet."""
        return RemoteJob(self._asker, quote(job_id, safe=""))

    def jobs(self, *states: str, limit: int = 100) -> tuple[JobStatus, ...]:
        """Return the jobs of this API key, the newest first.

        Args:
            *states: Only jobs in these states; all without any.
            limit: Most jobs.

        Raises:
            OcrError: The server's error, or one of the client's own.
        """
        given = {"limit": limit, **({"state": ",".join(states)} if states else {})}
        return self._asker.retried_object(Request("GET", f"/jobs?{urlencode(given)}"), parse_jobs)

    # ---- one request -----------------------------------------------------------------------------

    def _reading_headers(self, fresh: bool) -> dict[str, str]:
        headers = {**self._headers, "X-Request-Timeout": f"{max(_LEAST_S, self._timeout):g}"}
        return {**headers, "Cache-Control": "no-cache"} if fresh else headers
