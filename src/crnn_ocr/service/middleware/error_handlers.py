"""Answers every error as JSON with the right status, never with a stack trace.

Only who looks for a page in a browser, and asks for one that is not there, gets a page that says so.
"""

from __future__ import annotations

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

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
    if isinstance(error, NotFound) and _wants_page():
        page = current_app.send_static_file("404.html")
        page.status_code = answer.status_code
        page.headers["Cache-Control"] = "no-store"
        return page
    return answer


def _wants_page() -> bool:
    """Return whether the client is a browser that opens an address: programs do not prefer HTML."""
    accepted = request.accept_mimetypes
    return request.method == "GET" and accepted["text/html"] > accepted["application/json"]
