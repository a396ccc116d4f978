"""Serves clients that were written for RapidOCRAPI: `POST /compat/rapidocr/ocr`.

The form and the answer are those of RapidOCRAPI 0.2.0 (https://github.com/RapidAI/RapidOCRAPI). Errors have
the shape of FastAPI's, with the statuses of this service; the original answers 500 to any bad picture.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, Request, Response, g, request
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.json_schema import SkipJsonSchema
from werkzeug.exceptions import HTTPException

from crnn_ocr.document import Document
from crnn_ocr.errors import (
    InvalidOptionError,
    MissingImageError,
    OcrError,
    UnsupportedMediaTypeError,
)
from crnn_ocr.options import ReadOptions
from crnn_ocr.service.api.error_answers import as_ocr_error, error_response
from crnn_ocr.service.api.openapi_components import (
    READ_ERRORS,
    URL_ERRORS,
    Json,
    RouteGroup,
    responses,
    timeout_parameter,
    with_cache_header,
)
from crnn_ocr.service.api.responses import json_of, json_response
from crnn_ocr.service.ocr.answer_cache import wanted_use
from crnn_ocr.service.ocr.ocr_service import Readings
from crnn_ocr.service.requests.base64_pictures import decode_picture_field
from crnn_ocr.service.requests.body import refuse_early
from crnn_ocr.service.requests.forms import read_form

_PATH = "/compat/rapidocr/ocr"
_FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")
_SWITCH = TypeAdapter(bool)


class RapidOcrLine(BaseModel):
    """One line as RapidOCRAPI describes it."""

    model_config = ConfigDict(extra="forbid")

    rec_txt: str | SkipJsonSchema[None] = Field(
        default=None, description="What the line says; absent with `use_rec=false`."
    )
    dt_boxes: list[list[float]] | SkipJsonSchema[None] = Field(
        default=None, description="Its four corners, clockwise, in pixels; absent with `use_det=false`."
    )
    score: float | SkipJsonSchema[None] = Field(
        default=None, description="Probability that it is right; absent with `use_rec=false`."
    )


class RapidOcrError(BaseModel):
    """An error in the form of FastAPI, with which RapidOCRAPI is made."""

    detail: str | list[dict[str, Any]] = Field(
        description="What is wrong; a list where a field has a value that it cannot have."
    )
    code: str = Field(description="Stable identifier; see the list of error codes.")
    hint: str = Field(description="What to do about it.")
    request_id: str = Field(description="The id of the request, also in the header X-Request-Id.")


def install(app: Flask, readings: Readings) -> None:
    """Add the route."""
    routes = Blueprint("compat_rapidocr", __name__)
    routes.register_error_handler(OcrError, _failure)
    routes.register_error_handler(HTTPException, _failure)
    routes.register_error_handler(Exception, _failure)

    @routes.post(_PATH)
    def ocr() -> Response:
        picture, switches = _parse(request)
        options = ReadOptions(orientation="auto" if switches["use_cls"] else "off")
        read = readings.read_one(picture, options, readings.issue_ticket(), use=wanted_use(request))
        lines = describe_lines(read.document, boxes=switches["use_det"], texts=switches["use_rec"])
        g.result_size = {"lines": len(lines), "model": read.document.model, "cache": read.source}
        response = json_response(json_of(lines))
        response.headers["X-Cache"] = read.source
        return response

    app.register_blueprint(routes)


def describe_lines(document: Document, *, boxes: bool = True, texts: bool = True) -> dict[str, Json]:
    """Return the lines of all pages by number, from "0"; empty if there are none or no step is wanted."""
    if not (boxes or texts):
        return {}
    lines = [line for page in document.pages for line in page.lines]
    described: dict[str, Json] = {}
    for number, line in enumerate(lines):
        entry: Json = {}
        if texts:
            entry["rec_txt"] = line.text
        if boxes:
            entry["dt_boxes"] = [[round(x, 1) + 0.0, round(y, 1) + 0.0] for x, y in line.polygon]
        if texts:
            entry["score"] = round(line.confidence, 4)
        described[str(number)] = entry
    return described


# ---- the request -------------------------------------------------------------------------------------


def _parse(request: Request) -> tuple[bytes, dict[str, bool]]:
    refuse_early(request)
    if request.mimetype not in _FORMS:
        raise UnsupportedMediaTypeError(
            "The body is not a form.",
            hint="Send a form with the file image_file, or with base64 in image_data.",
        )
    form = read_form(request, picture_texts=True)
    fields, files = form.fields, form.files
    switches = {name: _switch(name, fields.get(name, "")) for name in ("use_det", "use_cls", "use_rec")}
    if "image_file" in files:
        return files["image_file"], switches
    if "image_data" in fields:
        return decode_picture_field(fields["image_data"], "image_data"), switches
    raise MissingImageError(
        "The form has neither the file 'image_file' nor the field 'image_data'.",
        hint="With curl: -F image_file=@FILE.",
    )


def _switch(name: str, text: str) -> bool:
    if not text:
        return True
    try:
        return _SWITCH.validate_strings(text)
    except ValidationError:
        raise _NoSwitchError(
            f"The field {name!r} is neither true nor false.", hint="Leave it out, or write true or false."
        ) from None


class _NoSwitchError(InvalidOptionError):
    """A field that FastAPI would not accept as a boolean."""


# ---- errors ------------------------------------------------------------------------------------------


def _failure(error: Exception) -> Response:
    known = as_ocr_error(error)
    response = error_response(known)  # for its headers, and to record the code for the log
    detail: str | list[Json] = known.message
    if isinstance(known, _NoSwitchError):
        field = known.message.split("'")[1]
        detail = [{"type": "bool_parsing", "loc": ["body", field], "msg": known.message}]
    body = {"detail": detail, "code": known.code, "hint": known.hint, "request_id": g.request_id}
    response.set_data(json_of(body).encode("utf-8", "replace"))
    return response


# ---- the document ------------------------------------------------------------------------------------


def _paths() -> Json:
    switch: Json = {"type": "boolean", "default": True}
    properties: Json = {
        "image_file": {"type": "string", "format": "binary", "description": "The file with the picture."},
        "image_data": {"type": "string", "description": "The picture in base64, in place of the file."},
        "use_det": {**switch, "description": "false: leave the corners out."},
        "use_cls": {**switch, "description": "false: do not turn lines that stand on their head."},
        "use_rec": {**switch, "description": "false: leave text and score out."},
    }
    either = [{"required": ["image_file"]}, {"required": ["image_data"]}]
    multipart: Json = {
        "type": "object",
        "description": "the file in the field `image_file`, or base64 in `image_data`",
        "properties": properties,
        "anyOf": either,
    }
    encoded: Json = {
        "type": "object",
        "description": "base64 in the field `image_data`",
        "properties": {name: schema for name, schema in properties.items() if name != "image_file"},
        "required": ["image_data"],
    }
    failures = tuple(error for error in READ_ERRORS if error not in URL_ERRORS)
    answers = responses(
        None, "The lines by number, from 0; empty without text.", failures, failure=RapidOcrError
    )
    answers["200"]["content"] = {
        "application/json": {
            "schema": {
                "type": "object",
                "description": "Lines by number.",
                "additionalProperties": {"$ref": f"#/components/schemas/{RapidOcrLine.__name__}"},
            },
            "example": {
                "0": {
                    "rec_txt": "Thank you",
                    "dt_boxes": [[24.0, 80.0], [188.0, 80.0], [188.0, 108.5], [24.0, 108.5]],
                    "score": 0.9951,
                }
            },
        }
    }
    operation: Json = {
        "operationId": "readPictureAsRapidOcr",
        "summary": "Read a picture for a client of RapidOCRAPI",
        "description": (
            "The form and the answer of RapidOCRAPI 0.2.0: put `/compat/rapidocr` between host and `/ocr` in "
            "the client's address. Unknown fields are ignored, as there. Lines come in reading order; of "
            "several pages, all lines."
        ),
        "parameters": [timeout_parameter()],
        "requestBody": {
            "required": True,
            "content": {_FORMS[0]: {"schema": multipart}, _FORMS[1]: {"schema": encoded}},
        },
        "responses": with_cache_header(answers),
    }
    return {_PATH: {"post": operation}}


ROUTES = RouteGroup(_paths, bodies=((RapidOcrLine, "serialization"), (RapidOcrError, "serialization")))
