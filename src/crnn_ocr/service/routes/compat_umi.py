"""Serves clients that were written for Umi-OCR's HTTP interface: `POST /compat/umi/api/ocr`.

Fields, options and codes are those of https://github.com/hiroi-sora/Umi-OCR (docs/http/api_ocr.md) and of its
engine, https://github.com/hiroi-sora/PaddleOCR-json (300, 301). What the original answers with HTTP 200 and a
code, this module answers the same way; what the original does not have (keys, limits, load, time-outs) is
answered with its HTTP status, and the code 902 in a body of the same form.
"""

from __future__ import annotations

import time

from flask import Blueprint, Flask, Response, g, request
from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema
from werkzeug.exceptions import HTTPException

from crnn_ocr.caching.single_flight import PICTURE_ERRORS
from crnn_ocr.engine.kinds import RECOGNIZER
from crnn_ocr.errors import InvalidBase64Error, InvalidJsonError, ModelNotFoundError, OcrError
from crnn_ocr.service.api.error_answers import as_ocr_error, error_response
from crnn_ocr.service.api.openapi_components import (
    READ_ERRORS,
    URL_ERRORS,
    ErrorClass,
    Json,
    RouteGroup,
    responses,
    timeout_parameter,
    with_cache_header,
)
from crnn_ocr.service.api.responses import json_of, json_response
from crnn_ocr.service.ocr.answer_cache import wanted_use
from crnn_ocr.service.ocr.engine_protocol import Reader
from crnn_ocr.service.ocr.ocr_service import Readings
from crnn_ocr.service.requests.body import read_body, refuse_early
from crnn_ocr.service.requests.json_text import parse_json
from crnn_ocr.service.routes.umi_layout import PARSERS, Entry, describe_document, whole_text
from crnn_ocr.service.routes.umi_request import (
    BAD_BASE64,
    BAD_OPTIONS,
    BAD_PICTURE,
    EMPTY,
    FAILED,
    FOUND,
    NO_JSON,
    NO_TEXT,
    UmiError,
    UmiRequest,
    describe_options,
    parse_body,
)

_PATH = "/compat/umi/api/ocr"

#: Errors that the original has, too, and their codes.
_ANSWERED_WITH_200: tuple[ErrorClass, ...] = (
    *PICTURE_ERRORS,
    InvalidBase64Error,
    InvalidJsonError,
    ModelNotFoundError,
)


class UmiLine(BaseModel):
    """One line as Umi-OCR describes it."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(description="What the line says.")
    score: float = Field(ge=0, le=1, description="Probability that it is right.")
    box: list[list[int]] = Field(description="Its four corners, clockwise from the upper left, in pixels.")
    end: str = Field(description="What stands between it and the next line: nothing, a blank or a line feed.")


class UmiAnswer(BaseModel):
    """An answer as Umi-OCR gives it."""

    model_config = ConfigDict(extra="forbid")

    code: int = Field(description="100: text was found; 101: there is none; everything else is an error.")
    data: str | list[UmiLine] = Field(description="The lines, the text as a whole, or what is wrong.")
    score: float | SkipJsonSchema[None] = Field(
        default=None, ge=0, le=1, description="Mean of the lines' scores, where there are lines."
    )
    time: float | SkipJsonSchema[None] = Field(default=None, ge=0, description="Duration in seconds.")
    timestamp: float | SkipJsonSchema[None] = Field(
        default=None, ge=0, description="When the reading began, in seconds since 1970."
    )


def install(app: Flask, reader: Reader, readings: Readings) -> None:
    """Add the routes."""
    routes = Blueprint("compat_umi", __name__)
    routes.register_error_handler(OcrError, _failure)
    routes.register_error_handler(HTTPException, _failure)
    routes.register_error_handler(Exception, _failure)

    @routes.get(f"{_PATH}/get_options")
    def get_options() -> Response:
        names = [model.name for model in reader.models().models if model.kind == RECOGNIZER.name]
        return json_response(json_of(describe_options(names)))

    @routes.post(_PATH)
    def ocr() -> Response:
        begun = time.time()
        try:
            picture, wanted = parse_body(_body())
            read = readings.read_one(
                picture, wanted.options, readings.issue_ticket(), use=wanted_use(request)
            )
        except UmiError as error:
            return _answer({"code": error.code, "data": error.message})
        except _ANSWERED_WITH_200 as error:
            g.error_code = error.code
            return _answer({"code": _code_of(error), "data": error.message, **_times(begun)})
        entries = describe_document(read.document, wanted.parser, wanted.ignored)
        g.result_size = {"lines": len(entries), "model": read.document.model, "cache": read.source}
        response = _answer({**_result(entries, wanted), **_times(begun)})
        response.headers["X-Cache"] = read.source
        return response

    app.register_blueprint(routes)


def _result(entries: list[Entry], wanted: UmiRequest) -> Json:
    if not entries:
        return {"code": NO_TEXT, "data": "No text found in image."}
    data: Json = {"data": whole_text(entries) if wanted.as_text else entries}
    score = sum(entry["score"] for entry in entries) / len(entries)
    return {"code": FOUND, **data, "score": round(score, 4)}


def _times(begun: float) -> Json:
    return {"time": round(max(0.0, time.time() - begun), 4), "timestamp": round(begun, 3)}


def _answer(body: Json) -> Response:
    return json_response(json_of(body))


def _body() -> object:
    refuse_early(request)
    data = read_body(request)
    if not data.strip():
        raise UmiError(EMPTY, "The request is empty.")
    try:
        return parse_json(data, what="The body")
    except InvalidJsonError as error:
        raise UmiError(NO_JSON, error.message) from None


# ---- errors ------------------------------------------------------------------------------------------


def _code_of(error: OcrError) -> int:
    match error:
        case InvalidBase64Error():
            return BAD_BASE64
        case ModelNotFoundError():
            return BAD_OPTIONS
        case _:
            return BAD_PICTURE


def _failure(error: Exception) -> Response:
    known = as_ocr_error(error)
    response = error_response(known)  # for its headers, and to record the code for the log
    response.set_data(
        json_of({"code": FAILED, "data": f"{known.code}: {known.message}"}).encode("utf-8", "replace")
    )
    return response


# ---- the document ------------------------------------------------------------------------------------


def _paths() -> Json:
    elsewhere = (*_ANSWERED_WITH_200, *URL_ERRORS)
    failures = tuple(error for error in READ_ERRORS if not issubclass(error, elsewhere))
    options: Json = {
        "type": "object",
        "description": "As `GET /compat/umi/api/ocr/get_options` describes; unknown ones are passed over.",
        "properties": {
            "ocr.language": {"type": "string"},
            "ocr.cls": {"type": "boolean"},
            "tbpu.parser": {"enum": list(PARSERS)},
            "tbpu.ignoreArea": {"type": "array"},
            "data.format": {"enum": ["dict", "text"]},
        },
    }
    body: Json = {
        "type": "object",
        "description": "the picture in `base64`, and `options` by name",
        "required": ["base64"],
        "properties": {
            "base64": {"type": "string", "description": "The picture in base64."},
            "options": options,
        },
    }
    example: Json = {
        "code": FOUND,
        "data": [
            {
                "text": "Thank you",
                "score": 0.9951,
                "box": [[24, 80], [188, 80], [188, 108], [24, 108]],
                "end": "\n",
            }
        ],
        "score": 0.9951,
        "time": 0.087,
        "timestamp": 1767225600.0,
    }
    described = responses(None, "The options, by name.")
    described["200"]["content"] = {
        "application/json": {"schema": {"type": "object", "description": "Options by name."}}
    }
    return {
        _PATH: {
            "post": {
                "operationId": "readPictureAsUmiOcr",
                "summary": "Read a picture for a client of Umi-OCR",
                "description": (
                    "Umi-OCR's `POST /api/ocr`: put `/compat/umi` between host and `/api/ocr` in the "
                    "client's address. As there, most errors are answered with HTTP 200 and a `code` other "
                    "than 100 and 101: 300 for bad base64, 301 for a bad picture, 800 to 804 for a bad "
                    "request. `data` then says what is wrong. Of several pages, all lines."
                ),
                "parameters": [timeout_parameter()],
                "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
                "responses": with_cache_header(
                    responses(
                        UmiAnswer,
                        "What was read, or what is wrong.",
                        failures,
                        example=example,
                        failure=UmiAnswer,
                    )
                ),
            }
        },
        f"{_PATH}/get_options": {
            "get": {
                "operationId": "describeUmiOptions",
                "summary": "Describe the options for a client of Umi-OCR",
                "description": "The options that have an effect here, in Umi-OCR's form.",
                "responses": described,
            }
        },
    }


ROUTES = RouteGroup(_paths, bodies=((UmiAnswer, "serialization"),))
