"""`POST /ocr/batch`: many pictures in one request, an answer or an error for each."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

from flask import Blueprint, Flask, Request, Response, g, request, stream_with_context

from crnn_ocr.errors import (
    BadRequestError,
    BatchTooLargeError,
    ImageEmptyError,
    InvalidJsonError,
    OcrError,
    UnsupportedMediaTypeError,
)
from crnn_ocr.options import ReadOptions
from crnn_ocr.runtime.cores import available_cores
from crnn_ocr.scheduling.ticket import Ticket
from crnn_ocr.service.api import examples
from crnn_ocr.service.api.error_answers import InternalError, error_detail
from crnn_ocr.service.api.openapi_components import (
    READ_ERRORS,
    Json,
    RouteGroup,
    option_parameters,
    option_schemas,
    ref,
    responses,
    timeout_parameter,
)
from crnn_ocr.service.api.responses import json_of, json_response
from crnn_ocr.service.api.schemas import BatchAnswer, OcrRequest, ocr_answer
from crnn_ocr.service.ocr.answer_cache import CacheUse, wanted_use
from crnn_ocr.service.ocr.ocr_service import Readings
from crnn_ocr.service.requests import resources
from crnn_ocr.service.requests.body import read_body, refuse_early
from crnn_ocr.service.requests.forms import MOST_PARTS
from crnn_ocr.service.requests.json_text import MOST_VALUES, parse_json
from crnn_ocr.service.requests.parsing import (
    OcrInput,
    form_fields,
    is_json,
    json_fields,
    media_type_message,
    merge_options,
    text_options,
)
from crnn_ocr.service.routes.batch_pool import BatchPool
from crnn_ocr.service.server.client_name import client_name
from crnn_ocr.settings import Settings

_log = logging.getLogger(__name__)

NDJSON = "application/x-ndjson"

#: Returns one picture of a batch, or raises an error for this picture alone. Resources that it takes are
#: released with the stack.
Item = Callable[[ExitStack], OcrInput]

_VALUES_OF_ONE = 20  # of a picture in JSON, with all options


def install(
    app: Flask, readings: Readings, settings: Settings, *, retry_after: Callable[[], int] = lambda: 1
) -> None:
    """Add the route.

    Args:
        app: The application.
        readings: Reads the pictures.
        settings: Limits.
        retry_after: Returns the seconds after which a client that finds too many batches should try again.
    """
    pool = BatchPool(settings.threads or available_cores(), retry_after=retry_after)
    routes = Blueprint("batch", __name__)

    @routes.post("/ocr/batch")
    def batch() -> Response:
        client = client_name(g.get("key_name"), request.remote_addr)
        pool.check_room(client)  # before the body is read
        items = parse_batch(request, settings.batch_max_items)
        started = time.perf_counter()
        ticket = readings.issue_ticket()
        g.result_size = {"items": len(items)}
        resources.of_request().enter_context(pool.place(client))
        use, request_id = wanted_use(request), g.request_id
        works = [
            partial(_result, index, item, readings, ticket, use, request_id)
            for index, item in enumerate(items)
        ]
        results = pool.run(works, ticket)
        if request.accept_mimetypes.best_match(["application/json", NDJSON]) == NDJSON:
            rows = (f"{json_of(result)}\n".encode("utf-8", "replace") for _, result in results)
            # Otherwise proxies such as nginx buffer the rows.
            return Response(stream_with_context(rows), mimetype=NDJSON, headers={"X-Accel-Buffering": "no"})
        ordered = [result for _, result in sorted(results, key=lambda entry: entry[0])]
        failed = sum(not result["success"] for result in ordered)
        g.result_size["failed"] = failed
        answer = {
            "success": True,
            "results": ordered,
            "failed": failed,
            "elapsed_ms": round((time.perf_counter() - started) * 1000, 1),
            "request_id": g.request_id,
        }
        return json_response(json_of(answer))

    app.register_blueprint(routes)


# ---- the request -------------------------------------------------------------------------------------


def parse_batch(request: Request, most: int) -> list[Item]:
    """Return the pictures of a request; an error in one of them is raised when it is its turn.

    Args:
        request: JSON, a list of objects as `POST /ocr` takes them; or a form with several files `image`,
            whose options are those of all of them. Options in the query string belong to all pictures.
        most: Number of pictures that a request may have.

    Raises:
        OcrError: The request as a whole cannot be used.
    """
    refuse_early(request)
    query = text_options(request.args)
    if is_json(request.mimetype):
        entries = parse_json(read_body(request), what="The body", most=MOST_VALUES + most * _VALUES_OF_ONE)
        if not isinstance(entries, list):
            raise InvalidJsonError('The body must be a JSON list such as [{"image": "<base64>"}].')
        _check_number(len(entries), most)
        return [_json_item(entry, query) for entry in entries]
    if request.mimetype == "multipart/form-data":
        pictures, options = form_fields(request, most_parts=most + MOST_PARTS)
        _check_number(len(pictures), most)
        merged = merge_options(query, options)
        return [_form_item(picture, merged) for picture in pictures]
    raise UnsupportedMediaTypeError(
        media_type_message(request.mimetype), hint="Use application/json or multipart/form-data."
    )


def _check_number(count: int, most: int) -> None:
    if not count:
        raise BadRequestError("The list of pictures is empty.")
    if count > most:
        raise BatchTooLargeError(f"The request has {count} pictures, and at most {most} are taken.")


def _json_item(entry: object, query: dict[str, object]) -> Item:
    def take(holder: ExitStack) -> OcrInput:
        if not isinstance(entry, dict):
            raise InvalidJsonError(
                'An entry of the list must be a JSON object such as {"image": "<base64>"}.'
            )
        picture, options = json_fields(entry, holder)
        return OcrInput(picture, merge_options(query, options))

    return take


def _form_item(picture: bytes, options: ReadOptions) -> Item:
    def take(_holder: ExitStack) -> OcrInput:
        if not picture:
            raise ImageEmptyError("The uploaded file is empty.")
        return OcrInput(picture, options)

    return take


# ---- the work ----------------------------------------------------------------------------------------


def _result(
    index: int, item: Item, readings: Readings, ticket: Ticket, use: CacheUse, request_id: str
) -> Json:
    """Return the answer or the error for one picture."""
    try:
        ticket.check()
        with ExitStack() as holder:
            wanted = item(holder)
            read = readings.read_one(wanted.picture, wanted.options, ticket, use=use)
        answer = ocr_answer(
            read.document, elapsed_ms=read.elapsed_ms, request_id=request_id, cached=read.cached
        )
        return {"index": index, **answer}
    except OcrError as error:
        if error.http_status == 500:
            _log.error("an item of a batch failed", exc_info=error)
        return _failure(index, error, request_id)
    except Exception as error:  # the other pictures must still be answered
        _log.error("an item of a batch failed unexpectedly", exc_info=error)
        return _failure(index, InternalError("The server failed to handle this picture."), request_id)


def _failure(index: int, error: OcrError, request_id: str) -> Json:
    failure: Json = {
        "index": index,
        "success": False,
        "status": error.http_status,
        "error": error_detail(error).model_dump(),
        "request_id": request_id,
    }
    return failure if error.retry_after is None else {**failure, "retry_after": error.retry_after}


# ---- the document ------------------------------------------------------------------------------------


def _paths() -> Json:
    failures = (*READ_ERRORS, BatchTooLargeError)
    answers = responses(BatchAnswer, "A result for every picture.", failures, example=examples.BATCH_ANSWER)
    answers["200"]["content"][NDJSON] = {
        "schema": {
            "type": "string",
            "description": "One `BatchItemAnswer` or `BatchItemError` per row, as they are finished.",
        }
    }
    form: Json = {
        "image": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "string", "format": "binary"},
            "description": "The files with the pictures.",
        },
        "options": {**ref(ReadOptions), "description": "The options of all pictures as one JSON object."},
        **option_schemas(),
    }
    return {
        "/ocr/batch": {
            "post": {
                "operationId": "readPictures",
                "summary": "Read the text in many pictures",
                "description": (
                    "A list of pictures in JSON, or several files `image` in a form. Each picture has an "
                    "answer or an error of its own; one bad picture fails no other. With `Accept: "
                    "application/x-ndjson` each result is sent as soon as it is there, one JSON object per "
                    "row, with its `index`. Options in the query string, or in the form, belong to all "
                    "pictures. All of them share the time of one request."
                ),
                "parameters": [*option_parameters(), timeout_parameter()],
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": {"type": "array", "minItems": 1, "items": ref(OcrRequest)},
                            "example": examples.BATCH_REQUEST,
                        },
                        "multipart/form-data": {
                            "schema": {
                                "type": "object",
                                "description": "the files in fields `image`; the options of all of them as "
                                "one JSON field `options`, or each as a field of its own",
                                "required": ["image"],
                                "properties": form,
                                "additionalProperties": False,
                            },
                            "encoding": {
                                "image": {"contentType": "image/*"},
                                "options": {"contentType": "application/json"},
                            },
                        },
                    },
                },
                "responses": answers,
            }
        }
    }


ROUTES = RouteGroup(
    _paths,
    bodies=((BatchAnswer, "serialization"),),
    errors=(BatchTooLargeError,),
)
