"""Building blocks of the OpenAPI document, with which every group of routes describes itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from crnn_ocr import errors
from crnn_ocr.options import ReadOptions
from crnn_ocr.service.api.error_answers import InternalError
from crnn_ocr.service.api.schemas import ErrorAnswer

Json = dict[str, Any]
ErrorClass = type[errors.OcrError]

#: Errors of any request, even one that needs no key.
OPEN_ERRORS: tuple[ErrorClass, ...] = (errors.BadRequestError, InternalError)

#: Errors of any request that needs a key, whatever its route.
COMMON_ERRORS: tuple[ErrorClass, ...] = (
    *OPEN_ERRORS,
    errors.UnauthorizedError,
    errors.HostNotAllowedError,
    errors.OriginNotAllowedError,
)

#: Errors of one picture and its options.
READ_ERRORS: tuple[ErrorClass, ...] = (
    errors.UnauthorizedError,
    errors.HostNotAllowedError,
    errors.OriginNotAllowedError,
    errors.UploadTimeoutError,
    errors.RateLimitedError,
    errors.OverloadedError,
    errors.WorkerLostError,
    errors.DeadlineExceededError,
    errors.UrlInputDisabledError,
    errors.UrlNotAllowedError,
    errors.UrlFetchError,
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
    errors.WrongPdfPasswordError,
    errors.ImageKilledWorkerError,
    errors.InvalidOptionError,
    InternalError,
    errors.MissingExtraError,
    errors.ModelBrokenError,
    errors.ModelTooLargeError,
    errors.ModelsBusyError,
)

#: Errors of a picture that is named by URL.
URL_ERRORS: tuple[ErrorClass, ...] = (
    errors.UrlInputDisabledError,
    errors.UrlNotAllowedError,
    errors.UrlFetchError,
)


#: Headers of answers with a certain status, in addition to the usual ones.
_HEADERS_OF = {
    401: ("WWW-Authenticate",),
    429: ("Retry-After", "RateLimit", "RateLimit-Policy"),
    503: ("Retry-After",),
}


@dataclass(frozen=True)
class RouteGroup:
    """The part of the document that describes the routes of one module.

    Attributes:
        paths: Returns its path items, by path.
        bodies: The models of its bodies; "validation" for requests, "serialization" for answers.
        errors: Errors that only its routes can answer with.
    """

    paths: Callable[[], Json]
    bodies: tuple[tuple[type[BaseModel], Literal["validation", "serialization"]], ...] = ()
    errors: tuple[ErrorClass, ...] = ()


def responses(
    model: type[BaseModel] | None,
    description: str,
    failures: tuple[ErrorClass, ...] = COMMON_ERRORS,
    *,
    example: Json | None = None,
    failure: type[BaseModel] = ErrorAnswer,
) -> Json:
    """Return the responses of an operation: the success and, by status, the errors with their codes.

    Args:
        model: Body of the success; None if the caller describes it.
        description: Description of the success.
        failures: Errors that the operation can answer with.
        example: Example of the body of the success.
        failure: Body of the errors.
    """
    headers = {"X-Request-Id": header_ref("X-Request-Id")}
    success: Json = {"description": description, "headers": headers}
    if model is not None:
        media: Json = {"schema": ref(model)}
        if example is not None:
            media["example"] = example
        success["content"] = {"application/json": media}
    described: Json = {"200": success}
    for status in sorted({cls.http_status for cls in failures}):
        codes = sorted(cls.code for cls in failures if cls.http_status == status)
        schema: Json = ref(failure)
        if failure is ErrorAnswer:
            schema = {"allOf": [schema], "properties": {"error": {"properties": {"code": {"enum": codes}}}}}
        described[str(status)] = {
            "description": ", ".join(f"`{code}`" for code in codes),
            "headers": {**headers, **{name: header_ref(name) for name in _HEADERS_OF.get(status, ())}},
            "content": {"application/json": {"schema": schema}},
        }
    return described


def header_ref(name: str) -> Json:
    """Return a reference to the description of a header."""
    return {"$ref": f"#/components/headers/{name}"}


def with_cache_header(described: Json) -> Json:
    """Return the responses, with the header that tells whether a success came from the cache."""
    success = described["200"]
    success["headers"] = {**success["headers"], "X-Cache": header_ref("X-Cache")}
    return described


def headers() -> Json:
    """Return the descriptions of the headers of answers."""
    text, number = {"type": "string"}, {"type": "integer", "minimum": 0}
    return {
        "X-Request-Id": {"description": "The id of the request.", "schema": text},
        "X-Cache": {
            "description": "Where the answer comes from: `miss`, it was read now; `hit`, this process had "
            "it; `shared`, another one had it; `off`, the cache was not asked.",
            "schema": {"enum": ["miss", "hit", "shared", "off"]},
        },
        "Retry-After": {
            "description": "Seconds after which the same request may succeed (RFC 9110, section 10.2.3).",
            "schema": number,
        },
        "RateLimit-Policy": {
            "description": 'The allowance, such as `"default";q=60;w=60`: 60 requests in 60 seconds '
            "(draft-ietf-httpapi-ratelimit-headers-10).",
            "schema": text,
        },
        "RateLimit": {
            "description": 'What is left, such as `"default";r=12;t=48`: 12 requests, all in 48 seconds.',
            "schema": text,
        },
        "Location": {"description": "Path of what was made.", "schema": text},
        "Content-Disposition": {"description": "Name to save the file under (RFC 6266).", "schema": text},
        "WWW-Authenticate": {"description": "How to send a key (RFC 6750).", "schema": text},
    }


def detail_parameter() -> Json:
    """Return the parameter with which a request asks for blocks or single characters."""
    return {
        "name": "detail",
        "in": "query",
        "description": "blocks: headings, paragraphs, lists, tables and figures are told apart, and `blocks` "
        "holds them. chars: `blocks` tells which lines belong together, and every line tells its characters "
        "with their places and confidences.",
        "schema": {"type": "string", "enum": ["lines", "blocks", "chars"], "default": "lines"},
    }


def timeout_parameter() -> Json:
    """Return the header with which a request bounds its own time."""
    return {
        "name": "X-Request-Timeout",
        "in": "header",
        "description": "Seconds after which the answer is of no more use; at most the server's own limit.",
        "schema": {"type": "number", "minimum": 1},
    }


def security_schemes() -> Json:
    """Return the two ways in which a client can send its API key."""
    return {
        "bearer": {"type": "http", "scheme": "bearer", "description": "`Authorization: Bearer KEY`"},
        "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }


def ref(model: type[BaseModel]) -> Json:
    """Return a reference to the schema of a body."""
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def without_null(schema: Json) -> Json:
    """Return the schema of a field that is absent, rather than null, if its value is None."""
    if "anyOf" not in schema:
        return schema
    (kind,) = [entry for entry in schema["anyOf"] if entry != {"type": "null"}]
    rest = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
    return {**rest, **kind}


def option_parameters() -> list[Json]:
    """Return the options of a reading as parameters of the query string."""
    parameters = []
    for name, schema in option_schemas().items():
        own = {key: value for key, value in schema.items() if key != "description"}
        parameters.append(
            {"name": name, "in": "query", "description": schema.get("description", ""), "schema": own}
        )
    return parameters


def option_schemas() -> dict[str, Json]:
    """Return the schemas of the options as text fields, which are absent rather than null."""
    properties: dict[str, Json] = ReadOptions.model_json_schema()["properties"]
    return {name: without_null(schema) for name, schema in properties.items()}
