"""`POST /export`: writes a document that was read, and perhaps corrected, as a file of any format."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Flask, Response, request

from crnn_ocr.document import Document
from crnn_ocr.errors import (
    BadRequestError,
    BodyTooLargeError,
    DeadlineExceededError,
    InvalidJsonError,
    InvalidOptionError,
    OverloadedError,
    RateLimitedError,
    UnsupportedMediaTypeError,
    UploadTimeoutError,
    WorkerLostError,
)
from crnn_ocr.export import FORMATS
from crnn_ocr.export.json import from_dict
from crnn_ocr.scheduling.budget import Budget
from crnn_ocr.scheduling.ticket import Ticket
from crnn_ocr.service.api.openapi_components import (
    COMMON_ERRORS,
    Json,
    RouteGroup,
    detail_parameter,
    header_ref,
    responses,
    timeout_parameter,
)
from crnn_ocr.service.api.schemas import DocumentBody
from crnn_ocr.service.requests.body import read_body, refuse_early
from crnn_ocr.service.requests.json_text import parse_json
from crnn_ocr.service.requests.parsing import is_json, wanted_detail
from crnn_ocr.service.routes.files import (
    FORMAT,
    FileAnswers,
    file_content,
    format_parameter,
    wanted_formats,
)
from crnn_ocr.settings import MIB

#: Largest document, in bytes: about 300 full pages without single characters …
_LARGEST = 4 * MIB
#: … and most values in it, of which such pages have 300,000. As Python objects they take up to 50 MiB, and
#: written as a file twice as much: hence one document at a time.
_MOST_VALUES = 600_000


def install(app: Flask, files: FileAnswers, *, issue_ticket: Callable[[], Ticket]) -> None:
    """Add the route.

    Args:
        app: The application.
        files: Writes the answers.
        issue_ticket: Returns the ticket of the request.
    """
    routes = Blueprint("export", __name__)
    one_at_a_time = Budget(1)

    @routes.post("/export")
    def export() -> Response:
        chars = wanted_detail(request) == "chars"
        names = wanted_formats(request, FORMAT)
        if len(names) != 1:
            raise InvalidOptionError(
                f"{FORMAT!r} must name one format.", hint=f"Name one of the formats: {', '.join(FORMATS)}."
            )
        refuse_early(request)
        _check_size(request.content_length or 0)
        if not is_json(request.mimetype):
            raise UnsupportedMediaTypeError(
                "The document comes as JSON.", hint="Send it with Content-Type: application/json."
            )
        body = read_body(request)
        _check_size(len(body))  # a chunked body has no announced length
        ticket = issue_ticket()
        with one_at_a_time.take(1, ticket):
            return files.answer(_document(body), names, ticket, chars=chars)

    app.register_blueprint(routes)


def _document(body: bytes) -> Document:
    try:
        return from_dict(parse_json(body, what="The body", most=_MOST_VALUES))
    except ValueError as error:
        raise BadRequestError(
            f"The body is not a document: {error}.",
            hint="Send what `POST /ocr?format=json` answers, with or without changes.",
        ) from None


def _check_size(count: int) -> None:
    if count > _LARGEST:
        raise BodyTooLargeError(f"A document to be written may have {_LARGEST // MIB} MiB.")


# ---- the document ------------------------------------------------------------------------------------

_ERRORS = (
    *COMMON_ERRORS,
    RateLimitedError,
    OverloadedError,
    WorkerLostError,
    UploadTimeoutError,
    DeadlineExceededError,
    InvalidJsonError,
    BodyTooLargeError,
    UnsupportedMediaTypeError,
    InvalidOptionError,
)


def _paths() -> Json:
    described = responses(None, "The file.", _ERRORS)
    described["200"]["content"] = file_content()
    described["200"]["headers"] = {"X-Request-Id": header_ref("X-Request-Id")}
    return {
        "/export": {
            "post": {
                "operationId": "exportDocument",
                "summary": "Write a document that was read as a file",
                "description": "The body is what `POST /ocr?format=json` answers, with the changes that a "
                "person or a program has made; nothing is read again.",
                "parameters": [
                    format_parameter(required=True, several=False),
                    timeout_parameter(),
                    detail_parameter(),
                ],
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"type": "object"}}},
                },
                "responses": described,
            }
        }
    }


ROUTES = RouteGroup(_paths, bodies=((DocumentBody, "serialization"),))
