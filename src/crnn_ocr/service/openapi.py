"""The OpenAPI 3.1 document, made from the same models that parse requests and write answers."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

import crnn_ocr
from crnn_ocr import errors
from crnn_ocr.options import ReadOptions
from crnn_ocr.service import examples
from crnn_ocr.service.problems import InternalError
from crnn_ocr.service.schemas import ErrorAnswer, HealthAnswer, OcrAnswer, OcrRequest, ReadyAnswer

Json = dict[str, Any]
ErrorClass = type[errors.OcrError]

#: What any request can meet, whatever its route.
_COMMON_ERRORS: tuple[ErrorClass, ...] = (errors.BadRequestError, InternalError)

_OCR_ERRORS: tuple[ErrorClass, ...] = (
    errors.BadRequestError,
    errors.InvalidJsonError,
    errors.InvalidBase64Error,
    errors.MissingImageError,
    errors.ImageEmptyError,
    errors.ModelNotFoundError,
    errors.ImageTooLargeError,
    errors.BodyTooLargeError,
    errors.UnsupportedMediaTypeError,
    errors.UnsupportedImageError,
    errors.ImageDecodeError,
    errors.PdfPasswordError,
    errors.InvalidOptionError,
    InternalError,
    errors.MissingExtraError,
    errors.ModelBrokenError,
)

#: Answers to requests that meet no documented operation.
_ROUTING_ERRORS: tuple[ErrorClass, ...] = (errors.NotFoundError, errors.MethodNotAllowedError)

_DESCRIPTION = (
    "Reads the text in pictures: Chinese and English, on a plain CPU. Every error has the same body, "
    "`ErrorAnswer`, with a stable `code`, a `message` about this request and a `hint` what to do. "
    "Every answer carries the header `X-Request-Id`; send one to find your request in the server's log."
)


@cache
def openapi_document() -> Json:
    """The whole document; do not modify what is returned."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "crnn-ocr",
            "version": crnn_ocr.__version__,
            "summary": "Image in, text out.",
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {
            "/ocr": {"post": _ocr()},
            "/options": {"get": _options()},
            "/readyz": {"get": _readyz()},
            "/healthz": {"get": _healthz()},
        },
        "components": {"schemas": _schemas(), "headers": {"X-Request-Id": _request_id_header()}},
        "x-error-codes": error_catalogue(),
    }


def error_catalogue() -> list[Json]:
    """Every code that an answer can carry: code, status, meaning and hint."""
    classes: set[ErrorClass] = {*_COMMON_ERRORS, *_OCR_ERRORS, *_ROUTING_ERRORS, errors.NotReadyError}
    entries = [
        {
            "code": cls.code,
            "status": cls.http_status,
            "meaning": (cls.__doc__ or "").splitlines()[0],
            "hint": cls.default_hint,
        }
        for cls in classes
    ]
    return sorted(entries, key=lambda entry: (entry["status"], entry["code"]))


# ---- operations --------------------------------------------------------------------------------------


def _ocr() -> Json:
    return {
        "operationId": "readPicture",
        "summary": "Read the text in one picture",
        "description": (
            "The picture comes as base64 in JSON, as a file in a form, or as the raw body. Options stand in "
            "the JSON object, in the form, or in the query string; one option in two places is refused. "
            "JPG, PNG, BMP, GIF (first frame), TIFF, WebP and, where the server can, PDF."
        ),
        "parameters": _option_parameters(),
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": _ref(OcrRequest), "example": examples.OCR_REQUEST},
                "multipart/form-data": _form(),
                "image/*": {"schema": {}},
                "application/pdf": {"schema": {}},
                "application/octet-stream": {"schema": {}},
            },
        },
        "responses": _responses(OcrAnswer, "What was read.", _OCR_ERRORS, example=examples.OCR_ANSWER),
    }


def _options() -> Json:
    schema = {"type": "object", "description": "A JSON Schema of the object `options`."}
    responses = _responses(None, "The options with their titles, help texts, types and defaults.")
    responses["200"]["content"] = {"application/json": {"schema": schema}}
    return {
        "operationId": "describeOptions",
        "summary": "Describe the options of a reading",
        "description": "The JSON Schema of the object `options`, from which forms can be built.",
        "responses": responses,
    }


def _readyz() -> Json:
    return {
        "operationId": "isReady",
        "summary": "Tell whether the models are loaded and checked",
        "description": "For load balancers. Stays 200 while the service is merely busy.",
        "responses": _responses(ReadyAnswer, "Ready.", (*_COMMON_ERRORS, errors.NotReadyError)),
    }


def _healthz() -> Json:
    return {
        "operationId": "isAlive",
        "summary": "Tell that the process is alive",
        "description": "For supervisors. Looks at nothing but the process itself.",
        "responses": _responses(HealthAnswer, "Alive."),
    }


def _form() -> Json:
    properties: Json = {
        "image": {"type": "string", "format": "binary", "description": "The file with the picture."},
        "options": {**_ref(ReadOptions), "description": "All options as one JSON object."},
    }
    for name, schema in _option_schemas().items():
        properties[name] = schema
    return {
        "schema": {
            "type": "object",
            "required": ["image"],
            "properties": properties,
            "additionalProperties": False,
        },
        "encoding": {"image": {"contentType": "image/*"}, "options": {"contentType": "application/json"}},
    }


def _option_parameters() -> list[Json]:
    parameters = []
    for name, schema in _option_schemas().items():
        own = {key: value for key, value in schema.items() if key != "description"}
        parameters.append(
            {"name": name, "in": "query", "description": schema.get("description", ""), "schema": own}
        )
    return parameters


def _option_schemas() -> dict[str, Json]:
    """The options as text fields: what may be null in JSON is left out instead."""
    properties: dict[str, Json] = ReadOptions.model_json_schema()["properties"]
    return {name: _without_null(schema) for name, schema in properties.items()}


def _without_null(schema: Json) -> Json:
    if "anyOf" not in schema:
        return schema
    (kind,) = [entry for entry in schema["anyOf"] if entry != {"type": "null"}]
    rest = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
    return {**rest, **kind}


# ---- parts -------------------------------------------------------------------------------------------


def _responses(
    model: type[BaseModel] | None,
    description: str,
    failures: tuple[ErrorClass, ...] = _COMMON_ERRORS,
    *,
    example: Json | None = None,
) -> Json:
    headers = {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}}
    success: Json = {"description": description, "headers": headers}
    if model is not None:
        media: Json = {"schema": _ref(model)}
        if example is not None:
            media["example"] = example
        success["content"] = {"application/json": media}
    responses: Json = {"200": success}
    for status in sorted({cls.http_status for cls in failures}):
        codes = sorted(cls.code for cls in failures if cls.http_status == status)
        schema = {
            "allOf": [_ref(ErrorAnswer)],
            "properties": {"error": {"properties": {"code": {"enum": codes}}}},
        }
        responses[str(status)] = {
            "description": ", ".join(f"`{code}`" for code in codes),
            "headers": headers,
            "content": {"application/json": {"schema": schema}},
        }
    return responses


def _schemas() -> Json:
    _, definitions = models_json_schema(
        [
            (OcrRequest, "validation"),
            (OcrAnswer, "serialization"),
            (ErrorAnswer, "serialization"),
            (ReadyAnswer, "serialization"),
            (HealthAnswer, "serialization"),
        ],
        ref_template="#/components/schemas/{model}",
    )
    schemas: Json = definitions["$defs"]
    # Absent rather than null: the answer is written without its empty fields.
    pages = schemas[OcrAnswer.__name__]["properties"]["pages"]
    schemas[OcrAnswer.__name__]["properties"]["pages"] = _without_null(pages)
    required = schemas[OcrAnswer.__name__]["required"]
    schemas[OcrAnswer.__name__]["required"] = [name for name in required if name != "pages"]
    return schemas


def _request_id_header() -> Json:
    return {"description": "The id of the request.", "schema": {"type": "string"}}


def _ref(model: type[BaseModel]) -> Json:
    return {"$ref": f"#/components/schemas/{model.__name__}"}
