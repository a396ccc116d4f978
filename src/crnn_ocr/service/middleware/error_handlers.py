"""Answers every error as JSON with the right status, never as an HTML page or with a stack trace."""

from __future__ import annotations

from flask import Flask, Response
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from crnn_ocr.errors import OcrError
from crnn_ocr.service.api.error_answers import as_ocr_error, error_response


def install(app: Flask) -> None:
    """Answer every error of the application in the API's form."""
    app.register_error_handler(OcrError, _answer)
    app.register_error_handler(HTTPException, _answer)
    app.register_error_handler(Exception, _answer)


def _answer(error: Exception) -> Response:
    answer = error_response(as_ocr_error(error))
    if isinstance(error, MethodNotAllowed):
        answer.headers["Allow"] = dict(error.get_headers())["Allow"]
    return answer
