"""Builds the OpenAPI 3.1 document from the models that parse requests and write answers."""

from __future__ import annotations

from functools import cache

from pydantic.json_schema import models_json_schema

import crnn_ocr
from crnn_ocr import errors
from crnn_ocr.service.api import examples
from crnn_ocr.service.api.openapi_components import (
    COMMON_ERRORS,
    OPEN_ERRORS,
    READ_ERRORS,
    ErrorClass,
    Json,
    RouteGroup,
    detail_parameter,
    headers,
    option_parameters,
    responses,
    security_schemes,
    timeout_parameter,
    with_cache_header,
    without_null,
)
from crnn_ocr.service.api.picture_bodies import picture_bodies
from crnn_ocr.service.api.schemas import ErrorAnswer, HealthAnswer, OcrAnswer, OcrRequest, ReadyAnswer
from crnn_ocr.service.routes import (
    batch,
    compat_rapidocr,
    compat_umi,
    convert,
    export,
    files,
    jobs,
    models,
    preview,
)
from crnn_ocr.service.telemetry import instrumentation

#: Groups of routes, each of which describes itself next to its code.
GROUPS: tuple[RouteGroup, ...] = (
    batch.ROUTES,
    convert.ROUTES,
    export.ROUTES,
    jobs.ROUTES,
    models.ROUTES,
    compat_rapidocr.ROUTES,
    compat_umi.ROUTES,
    instrumentation.ROUTES,
    preview.ROUTES,
)

#: Errors of requests that match no documented operation.
_ROUTING_ERRORS: tuple[ErrorClass, ...] = (errors.NotFoundError, errors.MethodNotAllowedError)

_DESCRIPTION = (
    "Reads the text in pictures: Chinese and English, on a plain CPU. Every error has the same body, "
    "`ErrorAnswer`, with a stable `code`, a `message` about this request and a `hint` what to do. "
    "Every answer carries the header `X-Request-Id`; send one to find your request in the server's log."
)


@cache
def openapi_document() -> Json:
    """Return the whole document; callers must not modify it."""
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
            **{path: operations for group in GROUPS for path, operations in group.paths().items()},
        },
        # A key in either form, or none: whether keys are needed is the operator's choice.
        "security": [{}, {"bearer": []}, {"apiKey": []}],
        "components": {
            "schemas": _schemas(),
            "headers": headers(),
            "securitySchemes": security_schemes(),
        },
        "x-error-codes": error_catalogue(),
    }


def error_catalogue() -> list[Json]:
    """Return every error of the API: code, status, meaning and hint."""
    classes: set[ErrorClass] = {*COMMON_ERRORS, *READ_ERRORS, *_ROUTING_ERRORS, errors.NotReadyError}
    classes.update(error for group in GROUPS for error in group.errors)
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
        "parameters": [
            *option_parameters(),
            detail_parameter(),
            files.format_parameter(required=False),
            timeout_parameter(),
        ],
        "requestBody": picture_bodies(),
        "responses": with_cache_header(
            files.with_files(responses(OcrAnswer, "What was read.", READ_ERRORS, example=examples.OCR_ANSWER))
        ),
    }


def _options() -> Json:
    schema = {"type": "object", "description": "A JSON Schema of the object `options`."}
    described = responses(None, "The options with their titles, help texts, types and defaults.")
    described["200"]["content"] = {"application/json": {"schema": schema}}
    return {
        "operationId": "describeOptions",
        "summary": "Describe the options of a reading",
        "description": "The JSON Schema of the object `options`, from which forms can be built; "
        "`x-export-formats` names the formats that the page saves in.",
        "responses": described,
    }


def _readyz() -> Json:
    return {
        "operationId": "isReady",
        "summary": "Tell whether the models are loaded and checked",
        "description": "For load balancers. Stays 200 while the service is merely busy.",
        "responses": responses(ReadyAnswer, "Ready.", (*OPEN_ERRORS, errors.NotReadyError)),
    }


def _healthz() -> Json:
    return {
        "operationId": "isAlive",
        "summary": "Tell that the process is alive",
        "description": "For supervisors. Looks at nothing but the process itself.",
        "responses": responses(HealthAnswer, "Alive.", OPEN_ERRORS),
    }


# ---- parts ------------------------------------------------------------------------------------------


def _schemas() -> Json:
    _, definitions = models_json_schema(
        [
            (OcrRequest, "validation"),
            (OcrAnswer, "serialization"),
            (ErrorAnswer, "serialization"),
            (ReadyAnswer, "serialization"),
            (HealthAnswer, "serialization"),
            *(pair for group in GROUPS for pair in group.bodies),
        ],
        ref_template="#/components/schemas/{model}",
    )
    schemas: Json = definitions["$defs"]
    # Absent rather than null, because the answer is written without empty fields.
    pages = schemas[OcrAnswer.__name__]["properties"]["pages"]
    schemas[OcrAnswer.__name__]["properties"]["pages"] = without_null(pages)
    required = schemas[OcrAnswer.__name__]["required"]
    schemas[OcrAnswer.__name__]["required"] = [name for name in required if name != "pages"]
    return schemas
