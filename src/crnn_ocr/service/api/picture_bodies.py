"""Describes the bodies of requests that bring a picture or document."""

from __future__ import annotations

from crnn_ocr.options import ReadOptions
from crnn_ocr.service.api import examples
from crnn_ocr.service.api.openapi_components import Json, option_schemas, ref
from crnn_ocr.service.api.schemas import OcrRequest


def picture_bodies() -> Json:
    """Return the request body of an operation that takes a picture in any form."""
    return {
        "required": True,
        "content": {
            "application/json": {"schema": ref(OcrRequest), "example": examples.OCR_REQUEST},
            "multipart/form-data": _form(),
            "image/*": {"schema": {}},
            "application/pdf": {"schema": {}},
            "application/zip": {"schema": {}},
            "application/octet-stream": {"schema": {}},
        },
    }


def _form() -> Json:
    properties: Json = {
        "image": {"type": "string", "format": "binary", "description": "The file with the picture."},
        "options": {**ref(ReadOptions), "description": "All options as one JSON object."},
    }
    for name, schema in option_schemas().items():
        properties[name] = schema
    return {
        "schema": {
            "type": "object",
            "description": "the file in the field `image`; `options` as one JSON field, or each option as a "
            "field of its own",
            "required": ["image"],
            "properties": properties,
            "additionalProperties": False,
        },
        "encoding": {"image": {"contentType": "image/*"}, "options": {"contentType": "application/json"}},
    }
