"""Describes the routes of jobs in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from crnn_ocr import errors
from crnn_ocr.export import FORMATS
from crnn_ocr.options import ReadOptions
from crnn_ocr.service.api.examples import TINY_PNG
from crnn_ocr.service.api.job_bodies import (
    EXAMPLE,
    MOST_SEQUENCE,
    STATES,
    JobAnswer,
    JobPagesAnswer,
    JobsAnswer,
    JobSubmission,
)
from crnn_ocr.service.api.openapi_components import (
    COMMON_ERRORS,
    URL_ERRORS,
    ErrorClass,
    Json,
    RouteGroup,
    detail_parameter,
    header_ref,
    option_parameters,
    option_schemas,
    ref,
    responses,
    timeout_parameter,
)
from crnn_ocr.service.api.schemas import OcrAnswer
from crnn_ocr.service.routes.files import file_content
from crnn_ocr.service.routes.preview import LONGEST

#: Errors of every request about jobs.
_ERRORS: tuple[ErrorClass, ...] = (
    *COMMON_ERRORS,
    errors.JobsDisabledError,
    errors.JobsUnavailableError,
    errors.MissingExtraError,
)
#: … about one job.
_ONE: tuple[ErrorClass, ...] = (*_ERRORS, errors.JobNotFoundError, errors.InvalidOptionError)
_RESULT: tuple[ErrorClass, ...] = (
    *_ONE,
    errors.JobNotReadyError,
    errors.JobExpiredError,
    errors.JobFailedError,
)
#: … of a job in a format.
_FETCHED: tuple[ErrorClass, ...] = (*_RESULT, errors.JobResultTooLargeError, errors.JobStorageFullError)
#: … about drawing a page, besides those of its result.
_DRAWN: tuple[ErrorClass, ...] = (
    errors.OverloadedError,
    errors.WorkerLostError,
    errors.DeadlineExceededError,
    errors.ImageDecodeError,
    errors.ImageTooLargeError,
    errors.UnsupportedImageError,
    errors.PdfPasswordError,
)
_SUBMIT: tuple[ErrorClass, ...] = (
    *_ERRORS,
    *URL_ERRORS,
    errors.RateLimitedError,
    errors.OverloadedError,
    errors.WorkerLostError,
    errors.UploadTimeoutError,
    errors.InvalidJsonError,
    errors.InvalidBase64Error,
    errors.MissingImageError,
    errors.ImageEmptyError,
    errors.ImageTooLargeError,
    errors.BodyTooLargeError,
    errors.BatchTooLargeError,
    errors.UnsupportedMediaTypeError,
    errors.UnsupportedImageError,
    errors.ImageDecodeError,
    errors.InvalidOptionError,
    errors.WebhooksDisabledError,
    errors.WebhookNotAllowedError,
    errors.IdempotencyKeyReusedError,
    errors.TooManyJobsError,
    errors.JobStorageFullError,
)

_NAMES: Json = {"type": "string", "enum": list(FORMATS)}
_FORMATS = "Formats to write, besides JSON and text."
_WEBHOOK = "URL that is told about the end of the job."
_TTL = "Seconds after its end for which the job is kept; at most, and by default, the server's limit."


def _paths() -> Json:
    return {
        "/jobs": {"post": _submit(), "get": _list()},
        "/jobs/{job_id}": {"get": _show(), "delete": _delete()},
        "/jobs/{job_id}/pages": {"get": _pages()},
        "/jobs/{job_id}/pages/{file}/{number}": {"get": _page()},
        "/jobs/{job_id}/pages/{file}/{number}/picture": {"get": _picture()},
        "/jobs/{job_id}/events": {"get": _events()},
        "/jobs/{job_id}/result": {"get": _result()},
    }


def _query(name: str, schema: Json, description: str, **others: Any) -> Json:
    return {"name": name, "in": "query", "description": description, "schema": schema, **others}


def _job_id() -> Json:
    return {
        "name": "job_id",
        "in": "path",
        "required": True,
        "description": "Id of the job.",
        "schema": {"type": "string"},
    }


def _submit() -> Json:
    described = responses(JobAnswer, "The job, which is queued.", _SUBMIT, example=EXAMPLE)
    accepted = described.pop("200")
    accepted["headers"] |= {"Location": header_ref("Location")}
    names: Json = {"type": "array", "items": _NAMES}
    return {
        "operationId": "submitJob",
        "summary": "Read documents in the background",
        "description": "The files come in a form, or one document as raw body or in JSON. A ZIP archive "
        "counts as its files. Files are stored as they arrive, so they may be far larger than for `POST "
        "/ocr`; a file that cannot be read fails alone, and is told in the job. With an `Idempotency-Key` a "
        "request can be repeated without making a second job.",
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "description": "A random value for each job.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
            },
            _query("formats", names, _FORMATS, style="form", explode=False),
            _query("webhook", {"type": "string", "format": "uri", "maxLength": 2048}, _WEBHOOK),
            _query("ttl", {"type": "number", "minimum": 60}, _TTL),
            _query("name", {"type": "string"}, "Name of a document that comes as raw body."),
            *option_parameters(),
        ],
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": _form(),
                "application/json": {
                    "schema": ref(JobSubmission),
                    "example": {"image": TINY_PNG, "name": "dot.png", "formats": ["docx"]},
                },
                "image/*": {"schema": {}},
                "application/pdf": {"schema": {}},
                "application/zip": {"schema": {}},
                "application/octet-stream": {"schema": {}},
            },
        },
        "responses": {"202": accepted, **described},
    }


def _form() -> Json:
    files: Json = {"type": "array", "minItems": 1, "items": {"type": "string", "format": "binary"}}
    properties: Json = {
        "file": {**files, "description": "The files."},
        "image": {**files, "description": "The same under the name that `POST /ocr` uses."},
        "options": {**ref(ReadOptions), "description": "All options as one JSON object."},
        **option_schemas(),
        "formats": {"type": "string", "description": f"{_FORMATS} Their names, separated by commas."},
        "webhook": {"type": "string", "format": "uri", "description": _WEBHOOK},
        "ttl": {"type": "number", "minimum": 60, "description": _TTL},
    }
    return {
        "schema": {
            "type": "object",
            "description": "files in fields `file` or `image`; the options as one JSON field `options`, or "
            "each as a field of its own",
            "anyOf": [{"required": ["file"]}, {"required": ["image"]}],
            "properties": properties,
            "additionalProperties": False,
        },
        "encoding": {
            "file": {"contentType": "application/octet-stream"},
            "image": {"contentType": "image/*"},
            "options": {"contentType": "application/json"},
        },
    }


def _list() -> Json:
    states: Json = {"type": "array", "minItems": 1, "items": {"type": "string", "enum": list(STATES)}}
    return {
        "operationId": "listJobs",
        "summary": "List jobs",
        "description": "Those of the API key of the request, the newest first.",
        "parameters": [
            _query("state", states, "Only jobs in these states.", style="form", explode=False),
            _query(
                "limit",
                {"type": "integer", "minimum": 1, "maximum": 500, "default": 100},
                "Most jobs in the answer.",
            ),
        ],
        "responses": responses(JobsAnswer, "The jobs.", (*_ERRORS, errors.InvalidOptionError)),
    }


def _show() -> Json:
    return {
        "operationId": "showJob",
        "summary": "Tell how far a job is",
        "description": "The job with its files, its pages in numbers, and the reason where it failed.",
        "parameters": [_job_id()],
        "responses": responses(JobAnswer, "The job.", _ONE, example=EXAMPLE),
    }


def _delete() -> Json:
    return {
        "operationId": "deleteJob",
        "summary": "Cancel a job, and delete its files",
        "description": "Workers stop within a second. A job that has finished loses its results; deleting it "
        "again changes nothing.",
        "parameters": [_job_id()],
        "responses": responses(JobAnswer, "The job: cancelled or expired.", _ONE),
    }


def _pages() -> Json:
    return {
        "operationId": "listJobPages",
        "summary": "Tell how far the pages of a job are",
        "description": "In the order in which they last changed, so that a client that asks again is told "
        "only what is new.",
        "parameters": [
            _job_id(),
            _query("after", _sequence(), "Only what changed after this: `next` of an earlier answer."),
            _query(
                "limit",
                {"type": "integer", "minimum": 1, "maximum": 1000, "default": 1000},
                "Most pages in the answer.",
            ),
        ],
        "responses": responses(JobPagesAnswer, "The pages.", _ONE),
    }


def _places() -> list[Json]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": description,
            "schema": {"type": "integer", "minimum": least, "maximum": 10_000},
        }
        for name, least, description in (
            ("file", 0, "Number of the file, from 0."),
            ("number", 1, "Number of the page in the file, from 1."),
        )
    ]


def _page() -> Json:
    return {
        "operationId": "readJobPage",
        "summary": "Tell what was read on a page",
        "description": "As soon as the page has been read, and before the job has finished. What only the "
        "whole document tells, such as the levels of headings, is only in the result.",
        "parameters": [_job_id(), *_places(), detail_parameter()],
        "responses": responses(OcrAnswer, "What was read.", _RESULT),
    }


def _picture() -> Json:
    described = responses(
        None, f"The page as a PNG whose longer side has at most {LONGEST} pixels.", (*_RESULT, *_DRAWN)
    )
    described["200"]["content"] = {"image/png": {"schema": {}}}
    return {
        "operationId": "drawJobPage",
        "summary": "Show a page of a job",
        "description": "Upright as a person sees it, as `POST /preview` draws it, as soon as the pages of "
        "its file have been counted.",
        "parameters": [_job_id(), *_places(), timeout_parameter()],
        "responses": described,
    }


def _sequence() -> Json:
    return {"type": "integer", "minimum": 0, "maximum": MOST_SEQUENCE, "default": 0}


def _events() -> Json:
    described = responses(None, "The events.", (*_ONE, errors.OverloadedError))
    described["200"]["content"] = {"text/event-stream": {"schema": {"type": "string"}}}
    described["204"] = {
        "description": "The job has finished, and the client knows all of it.",
        "headers": {"X-Request-Id": header_ref("X-Request-Id")},
    }
    return {
        "operationId": "followJob",
        "summary": "Follow a job",
        "description": "Server-sent events until the job has finished: `page` with a `JobPageOut`, and "
        "`job` with a `JobOut`. Their ids are the job's `sequence`; browsers send the last one when they "
        "reconnect.",
        "parameters": [
            _job_id(),
            _query("after", _sequence(), "As `Last-Event-ID`, for clients that cannot set a header."),
            {
                "name": "Last-Event-ID",
                "in": "header",
                "description": "Only what changed after this event.",
                "schema": {"type": "integer", "minimum": 0, "maximum": MOST_SEQUENCE},
            },
        ],
        "responses": described,
    }


def _result() -> Json:
    described = responses(None, "The file, or an archive of the files.", _FETCHED)
    described["200"]["content"] = file_content()
    described["200"]["headers"] |= {"Content-Disposition": header_ref("Content-Disposition")}
    return {
        "operationId": "fetchJobResult",
        "summary": "Fetch the result of a job",
        "description": "A job of several files gives a ZIP archive of theirs, and so does a format of "
        "several files, such as one per table.",
        "parameters": [
            _job_id(),
            _query("format", _NAMES, "One of the job's formats; by default the first."),
            _query(
                "file",
                {"type": "integer", "minimum": 0, "maximum": 10_000},
                "Only the result of the file with this number.",
            ),
        ],
        "responses": described,
    }


ROUTES = RouteGroup(
    _paths,
    bodies=(
        (JobSubmission, "validation"),
        (JobAnswer, "serialization"),
        (JobsAnswer, "serialization"),
        (JobPagesAnswer, "serialization"),
    ),
    errors=tuple(dict.fromkeys((*_SUBMIT, *_FETCHED))),
)
