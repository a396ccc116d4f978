"""Every error leaves as JSON with the right status: no HTML page, no stack trace, no 200."""

from __future__ import annotations

import logging

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, RequestEntityTooLarge

from crnn_ocr.errors import (
    BadRequestError,
    BodyTooLargeError,
    MethodNotAllowedError,
    NotFoundError,
    OcrError,
    UnauthorizedError,
)
from crnn_ocr.service.inputs import body_too_large
from crnn_ocr.service.responses import json_of, json_response
from crnn_ocr.service.schemas import ErrorAnswer, ErrorDetail

_log = logging.getLogger(__name__)

#: Messages quote what the client sent; a megabyte of it helps nobody.
_LONGEST_MESSAGE = 500


class InternalError(OcrError):
    """A fault of the service itself; it tells nothing but that."""


def install(app: Flask) -> None:
    """Answer every error of the application in the one form of the API."""
    app.register_error_handler(OcrError, _from_ocr_error)
    app.register_error_handler(HTTPException, _from_http_exception)
    app.register_error_handler(Exception, _from_exception)


def error_response(error: OcrError) -> Response:
    """The answer for an error, and its code for the request's log line."""
    g.error_code = error.code
    answer = ErrorAnswer.model_construct(success=False, error=error_detail(error), request_id=g.request_id)
    response = json_response(json_of(answer.model_dump()), error.http_status)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, UnauthorizedError):
        response.headers["WWW-Authenticate"] = 'Bearer realm="crnn-ocr"'
    return response


def error_detail(error: OcrError) -> ErrorDetail:
    """What an answer tells about an error."""
    return ErrorDetail.model_construct(code=error.code, message=_shorten(error.message), hint=error.hint)


def _from_ocr_error(error: OcrError) -> Response:
    if error.http_status == 500:
        _log.error("request failed", exc_info=error)
    return error_response(error)


def _from_http_exception(error: HTTPException) -> Response:
    match error:
        case NotFound():
            answer = error_response(NotFoundError(f"There is nothing at {request.path!r}."))
        case MethodNotAllowed():
            answer = error_response(
                MethodNotAllowedError(f"{request.path!r} does not take {request.method} requests.")
            )
        case RequestEntityTooLarge():
            answer = error_response(_too_large())
        case _ if error.code is not None and 400 <= error.code < 500:
            answer = error_response(BadRequestError(f"The request was refused: {error.name}."))
        case _:
            return _from_exception(error)
    allow = dict(error.get_headers()).get("Allow")
    if allow is not None:
        answer.headers["Allow"] = allow
    return answer


def _too_large() -> BodyTooLargeError:
    limit, announced = request.max_content_length, request.content_length
    if limit is not None and announced is not None and announced <= limit:
        return BodyTooLargeError("The form has too many parts, or a text field that is too long.")
    return body_too_large(request)


def _from_exception(error: Exception) -> Response:
    if type(error).__module__ == "gunicorn.http.errors":
        # Gunicorn parses chunks while the application reads them, and raises its own kind of error there.
        return error_response(BadRequestError("The body of the request breaks the HTTP protocol."))
    _log.error("request failed unexpectedly", exc_info=error)
    return error_response(InternalError("The server failed to handle this request."))


def _shorten(message: str) -> str:
    return message if len(message) <= _LONGEST_MESSAGE else message[: _LONGEST_MESSAGE - 1] + "…"
