"""`POST /convert`: reads a picture or document, and answers with files of one or several formats."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, g, request

from crnn_ocr.errors import InvalidOptionError
from crnn_ocr.export import FORMATS
from crnn_ocr.export.files import layout_for
from crnn_ocr.service.api.openapi_components import (
    READ_ERRORS,
    Json,
    RouteGroup,
    header_ref,
    option_parameters,
    responses,
    timeout_parameter,
    with_cache_header,
)
from crnn_ocr.service.api.picture_bodies import picture_bodies
from crnn_ocr.service.ocr.answer_cache import wanted_use
from crnn_ocr.service.ocr.ocr_service import Readings
from crnn_ocr.service.requests.parsing import parse_input
from crnn_ocr.service.routes.files import FileAnswers, file_content, format_parameter, wanted_formats

#: Name of the query parameter for the formats.
TO = "to"


def install(app: Flask, readings: Readings, files: FileAnswers) -> None:
    """Add the route.

    Args:
        app: The application.
        readings: Reads the documents.
        files: Writes the answers.
    """
    routes = Blueprint("convert", __name__)

    @routes.post("/convert")
    def convert() -> Response:
        names = wanted_formats(request, TO)
        if not names:
            raise InvalidOptionError(
                f"{TO!r} is missing.", hint=f"Name one or several formats: {', '.join(FORMATS)}."
            )
        wanted = parse_input(request, besides=(TO,))
        layout = layout_for(FORMATS[name] for name in names)
        ticket = readings.issue_ticket()
        read = readings.read_one(
            wanted.picture,
            wanted.options.with_layout(layout),
            ticket,
            use=wanted_use(request),
            chars=any(FORMATS[name].needs_chars for name in names),
        )
        g.result_size = read.size
        response = files.answer(
            read.document,
            names,
            ticket,
            original=wanted.picture,
            options=wanted.options,
            attached=True,
        )
        response.headers["X-Cache"] = read.source
        return response

    app.register_blueprint(routes)


def _paths() -> Json:
    described = with_cache_header(responses(None, "The file, or an archive of the files.", READ_ERRORS))
    described["200"]["content"] = file_content()
    described["200"]["headers"] |= {"X-Request-Id": header_ref("X-Request-Id")}
    return {
        "/convert": {
            "post": {
                "operationId": "convertDocument",
                "summary": "Turn a picture or document into files",
                "description": "The input comes as for `POST /ocr`. One format gives its file, several give "
                "a ZIP archive of theirs, and so does a format of several files, such as one per table.",
                "parameters": [
                    format_parameter(TO, required=True),
                    *option_parameters(),
                    timeout_parameter(),
                ],
                "requestBody": picture_bodies(),
                "responses": described,
            }
        }
    }


ROUTES = RouteGroup(_paths)
