"""Defines the client's own errors, and converts the server's error answers to exceptions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from crnn_ocr import errors
from crnn_ocr.errors import OcrError


class ConnectionFailedError(OcrError):
    """The server cannot be reached, or closed the connection without an answer."""

    code = "CONNECTION_FAILED"
    http_status = 503
    default_hint = "Check the address, and that the service is running."


class AnswerTimeoutError(OcrError):
    """The server did not answer in time."""

    code = "ANSWER_TIMEOUT"
    http_status = 504
    default_hint = "Give the client a longer timeout, or send a smaller picture."


class BadAnswerError(OcrError):
    """The answer is not one of this API."""

    code = "ANSWER_INVALID"
    http_status = 500
    default_hint = "Check the address: another program may be listening there, or a proxy may have answered."


class UploadFileError(OcrError):
    """A file cannot be read while it is sent, or has changed its size."""

    code = "UPLOAD_FILE_FAILED"
    http_status = 400
    default_hint = "Check the file, and send it when nothing writes to it."


def error_of(body: Mapping[str, Any], status: int, retry_after: int | None) -> OcrError:
    """Return the error in an answer, as an instance of the class that the server raised.

    Args:
        body: JSON object of the answer, or of one item of a batch.
        status: HTTP status.
        retry_after: Seconds after which to try again.
    """
    detail = body.get("error")
    if not isinstance(detail, Mapping) or not isinstance(detail.get("code"), str):
        return bad_answer(status, retry_after)
    code = detail["code"]
    kind = _KINDS.get(code) or _unknown(code, status)
    error = kind(
        str(detail.get("message", "")), hint=str(detail.get("hint", "")) or None, retry_after=retry_after
    )
    if isinstance(body.get("request_id"), str):
        error.add_note(f"request id: {body['request_id']}")
    return error


def bad_answer(status: int, retry_after: int | None = None) -> OcrError:
    """Return the error for an answer that is not from this API; the status still decides about a retry."""
    kind: type[OcrError] = BadAnswerError
    if status >= 400:
        kind = type(kind.__name__, (kind,), {"http_status": status, "__doc__": kind.__doc__})
    return kind(f"The answer (HTTP {status}) is not from this API.", retry_after=retry_after)


def _unknown(code: str, status: int) -> type[OcrError]:
    """Return a class for an error code that only a newer server knows."""
    return type(
        "RemoteError", (OcrError,), {"code": code, "http_status": status, "__doc__": "A newer error."}
    )


def _kinds(base: type[OcrError]) -> Iterator[type[OcrError]]:
    for kind in base.__subclasses__():
        yield kind
        yield from _kinds(kind)


_KINDS: dict[str, type[OcrError]] = {
    OcrError.code: OcrError,
    **{kind.code: kind for kind in _kinds(OcrError) if kind.__module__.startswith(f"{errors.__name__}.")},
}
