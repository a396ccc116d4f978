"""`POST /export`: writes a document that was read, and perhaps corrected, as a file of any format."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Flask, Request, Response, request
from werkzeug.datastructures import MultiDict

from crnn_ocr.document import Document
from crnn_ocr.errors import (
    BadRequestError,
    BodyTooLargeError,
    ImageEmptyError,
    InvalidOptionError,
    UnsupportedMediaTypeError,
)
from crnn_ocr.export import FORMATS
from crnn_ocr.export.json import from_dict
from crnn_ocr.options import ReadOptions
from crnn_ocr.scheduling.budget import Budget
from crnn_ocr.scheduling.ticket import Ticket
from crnn_ocr.service.api.openapi_components import (
    READ_ERRORS,
    Json,
    RouteGroup,
    detail_parameter,
    header_ref,
    responses,
    timeout_parameter,
)
from crnn_ocr.service.api.schemas import DocumentBody
from crnn_ocr.service.requests.body import read_body, refuse_early
from crnn_ocr.service.requests.forms import read_form
from crnn_ocr.service.requests.json_text import parse_json
from crnn_ocr.service.requests.parsing import DETAIL, is_json, merge_options, text_options, wanted_detail
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
#: Media type of a form, and its fields for the document and the file that it was read from.
_FORM, _DOCUMENT, _IMAGE = "multipart/form-data", "document", "image"


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
        if request.mimetype == _FORM:
            body, original, options = _from_form(request)
        else:
            body, original, options = _from_json(request), None, None
        ticket = issue_ticket()
        with one_at_a_time.take(1, ticket):
            document = _document(body)
            return files.answer(document, names, ticket, original=original, options=options, chars=chars)

    app.register_blueprint(routes)


def _from_json(request: Request) -> bytes:
    _check_size(request.content_length or 0)
    if not is_json(request.mimetype):
        raise UnsupportedMediaTypeError(
            "The document comes as JSON.",
            hint=f"Send it with Content-Type: application/json, or in a form with its {_IMAGE}.",
        )
    body = read_body(request)
    _check_size(len(body))  # a chunked body has no announced length
    return body


def _from_form(request: Request) -> tuple[bytes, bytes, ReadOptions]:
    """Return the document, the picture that it was read from, and how that was read."""
    query = MultiDict(pair for pair in request.args.items(multi=True) if pair[0] not in (FORMAT, DETAIL))
    form = read_form(request)
    for name in (*form.files, *form.fields):
        if name in form.files and name not in (_DOCUMENT, _IMAGE):
            raise BadRequestError(
                f"The form has an unknown file field {name!r}.",
                hint=f"The fields are called {_DOCUMENT} and {_IMAGE}.",
            )
    texts = [text.encode() for text in form.fields.poplist(_DOCUMENT)]
    documents, images = form.files.getlist(_DOCUMENT) + texts, form.files.getlist(_IMAGE)
    for name, given in ((_DOCUMENT, documents), (_IMAGE, images)):
        if len(given) != 1:
            raise BadRequestError(
                f"The form must have one field {name!r}, and has {len(given)}.",
                hint=f"Send the document as {_DOCUMENT} and the file that was read as {_IMAGE}.",
            )
    if not images[0]:
        raise ImageEmptyError("The uploaded file is empty.")
    _check_size(len(documents[0]))
    return documents[0], images[0], merge_options(text_options(query), text_options(form.fields))


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


_FORM_SCHEMA: Json = {
    "type": "object",
    "description": "The document with the file that it was read from. Options that chose its pages or "
    "opened it stand beside them or in the query string.",
    "required": [_DOCUMENT, _IMAGE],
    "properties": {
        _DOCUMENT: {"type": "string", "format": "binary", "description": "The document as JSON."},
        _IMAGE: {"type": "string", "format": "binary", "description": "The picture or PDF."},
    },
    "additionalProperties": {"type": "string"},
}
_ENCODING: Json = {
    _DOCUMENT: {"contentType": "application/json"},
    _IMAGE: {"contentType": "image/*, application/pdf"},
}


def _paths() -> Json:
    described = responses(None, "The file.", READ_ERRORS)
    described["200"]["content"] = file_content()
    described["200"]["headers"] = {"X-Request-Id": header_ref("X-Request-Id")}
    return {
        "/export": {
            "post": {
                "operationId": "exportDocument",
                "summary": "Write a document that was read as a file",
                "description": "The body is what `POST /ocr?format=json` answers, with the changes that a "
                "person or a program has made; nothing is read again. In a form the document can come with "
                "the file that it was read from: figures are cut from it, and searchable PDFs are built on "
                "it.",
                "parameters": [
                    format_parameter(required=True, several=False),
                    timeout_parameter(),
                    detail_parameter(),
                ],
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {"schema": {"type": "object"}},
                        _FORM: {"schema": _FORM_SCHEMA, "encoding": _ENCODING},
                    },
                },
                "responses": described,
            }
        }
    }


ROUTES = RouteGroup(_paths, bodies=((DocumentBody, "serialization"),))
