"""Converts exceptions to the API's errors, and those to answers in JSON."""

from __future__ import annotations

import logging

from flask import Request, Response, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, RequestEntityTooLarge

from crnn_ocr.errors import (
    BadRequestError,
    BodyTooLargeError,
    MethodNotAllowedError,
    NotFoundError,
    OcrError,
    UnauthorizedError,
)
from crnn_ocr.service.api.responses import json_of, json_response
from crnn_ocr.service.api.schemas import ErrorAnswer, ErrorDetail

_log = logging.getLogger(__name__)

#: Longest message, in characters: messages quote what the client sent, which may be large.
_LONGEST_MESSAGE = 500


class InternalError(OcrError):
    """A fault of the service itself, without details."""


def error_response(error: OcrError) -> Response:
    """Return the answer for an error, and record its code for the request's log line."""
    g.error_code = error.code
    answer = ErrorAnswer.model_construct(success=False, error=error_detail(error), request_id=g.request_id)
    response = json_response(json_of(answer.model_dump()), error.http_status)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, UnauthorizedError):
        response.headers["WWW-Authenticate"] = 'Bearer realm="crnn-ocr"'
    return response


def error_detail(error: OcrError) -> ErrorDetail:
    """Return the description of an error in an answer."""
    return ErrorDetail.model_construct(code=error.code, message=_shorten(error.message), hint=error.hint)


def as_ocr_error(error: Exception) -> OcrError:
    """Return the API's error for any exception, and log exceptions that are faults of the service."""
    match error:
        case OcrError():
            if error.http_status == 500:
                _log.error("request failed", exc_info=error)
            return error
        case NotFound():
            return NotFoundError(f"There is nothing at {request.path!r}.")
        case MethodNotAllowed():
            return MethodNotAllowedError(f"{request.path!r} does not take {request.method} requests.")
        case RequestEntityTooLarge():
            return _entity_too_large(request)
        case HTTPException() if error.code is not None and 400 <= error.code < 500:
            return BadRequestError(f"The request was refused: {error.name}.")
        case _ if type(error).__module__ == "gunicorn.http.errors":
            # Gunicorn parses chunks while the application reads them, and raises its own errors then.
            return BadRequestError("The body of the request breaks the HTTP protocol.")
        case _:
            _log.error("request failed unexpectedly", exc_info=error)
            return InternalError("The server failed to handle this request.")


def body_too_large(request: Request) -> BodyTooLargeError:
    """Return the error for a body that exceeds the limit, with the limit in its message."""
    return BodyTooLargeError(f"The body of the request is larger than {request.max_content_length} bytes.")


def _entity_too_large(request: Request) -> BodyTooLargeError:
    limit, announced = request.max_content_length, request.content_length
    if limit is not None and announced is not None and announced <= limit:
        return BodyTooLargeError("The form has too many parts, or a text field that is too long.")
    return body_too_large(request)


def _shorten(message: str) -> str:
    return message if len(message) <= _LONGEST_MESSAGE else message[: _LONGEST_MESSAGE - 1] + "…"
