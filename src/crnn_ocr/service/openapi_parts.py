"""The pieces of which the OpenAPI document is made; every group of routes describes itself with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from crnn_ocr import errors
from crnn_ocr.options import ReadOptions
from crnn_ocr.service.problems import InternalError
from crnn_ocr.service.schemas import ErrorAnswer

Json = dict[str, Any]
ErrorClass = type[errors.OcrError]

#: What any request can meet, whatever its route.
COMMON_ERRORS: tuple[ErrorClass, ...] = (errors.BadRequestError, InternalError)

#: What can go wrong with one picture and its options.
READ_ERRORS: tuple[ErrorClass, ...] = (
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


@dataclass(frozen=True)
class RouteGroup:
    """What a module of routes adds to the document.

    Attributes:
        paths: Makes its path items, by path.
        bodies: The models of its bodies; "validation" for requests, "serialization" for answers.
        errors: The errors that only its routes can meet.
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
) -> Json:
    """The responses of an operation: the success and, by status, the errors with their codes."""
    headers = {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}}
    success: Json = {"description": description, "headers": headers}
    if model is not None:
        media: Json = {"schema": ref(model)}
        if example is not None:
            media["example"] = example
        success["content"] = {"application/json": media}
    described: Json = {"200": success}
    for status in sorted({cls.http_status for cls in failures}):
        codes = sorted(cls.code for cls in failures if cls.http_status == status)
        schema = {
            "allOf": [ref(ErrorAnswer)],
            "properties": {"error": {"properties": {"code": {"enum": codes}}}},
        }
        described[str(status)] = {
            "description": ", ".join(f"`{code}`" for code in codes),
            "headers": headers,
            "content": {"application/json": {"schema": schema}},
        }
    return described


def ref(model: type[BaseModel]) -> Json:
    """A reference to the schema of a body."""
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def without_null(schema: Json) -> Json:
    """The schema of a field that is left out where a Python attribute would be None."""
    if "anyOf" not in schema:
        return schema
    (kind,) = [entry for entry in schema["anyOf"] if entry != {"type": "null"}]
    rest = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
    return {**rest, **kind}


def option_parameters() -> list[Json]:
    """The options of a reading as parameters of the query string."""
    parameters = []
    for name, schema in option_schemas().items():
        own = {key: value for key, value in schema.items() if key != "description"}
        parameters.append(
            {"name": name, "in": "query", "description": schema.get("description", ""), "schema": own}
        )
    return parameters


def option_schemas() -> dict[str, Json]:
    """The options as text fields: what may be null in JSON is left out instead."""
    properties: dict[str, Json] = ReadOptions.model_json_schema()["properties"]
    return {name: without_null(schema) for name, schema in properties.items()}
