"""`POST /ocr`, and the routes that describe the service: health checks, options, OpenAPI, the page."""

from __future__ import annotations

from functools import cache
from typing import Any

from flask import Blueprint, Flask, Response, current_app, g, render_template, request

import crnn_ocr
from crnn_ocr.export import FORMATS
from crnn_ocr.export.files import layout_for
from crnn_ocr.options import ReadOptions
from crnn_ocr.service.api.responses import json_of, json_response
from crnn_ocr.service.api.schemas import HealthAnswer, ReadyAnswer, ocr_answer
from crnn_ocr.service.ocr.answer_cache import wanted_use
from crnn_ocr.service.ocr.engine_protocol import Reader, Readiness
from crnn_ocr.service.ocr.ocr_service import Readings
from crnn_ocr.service.requests.parsing import DETAIL, parse_input, wanted_detail
from crnn_ocr.service.routes.files import FORMAT, FileAnswers, accepted_format, wanted_formats
from crnn_ocr.service.routes.openapi import openapi_document


def install(app: Flask, reader: Reader, readings: Readings, readiness: Readiness, files: FileAnswers) -> None:
    """Add all routes to the application."""
    app.register_blueprint(_api(reader, readings, readiness, files))
    app.register_blueprint(_pages())


def _api(reader: Reader, readings: Readings, readiness: Readiness, files: FileAnswers) -> Blueprint:
    api = Blueprint("api", __name__)

    @api.post("/ocr")
    def ocr() -> Response:
        detail = wanted_detail(request)
        chars = detail == "chars"
        names = wanted_formats(request, FORMAT)
        if not names and (accepted := accepted_format(request)):
            names = [accepted]
        wanted = parse_input(request, besides=(DETAIL, FORMAT))
        layout = "blocks" if detail == "blocks" else layout_for(FORMATS[name] for name in names)
        ticket = readings.issue_ticket()
        read = readings.read_one(
            wanted.picture,
            wanted.options.with_layout(layout),
            ticket,
            use=wanted_use(request),
            chars=chars or any(FORMATS[name].needs_chars for name in names),
        )
        answer = ocr_answer(
            read.document,
            elapsed_ms=read.elapsed_ms,
            request_id=g.request_id,
            cached=read.cached,
            chars=chars,
            blocks=detail != "lines",
        )
        g.result_size = read.size
        if names:
            response = files.answer(
                read.document,
                names,
                ticket,
                original=wanted.picture,
                options=wanted.options,
                chars=chars,
            )
        else:
            response = json_response(json_of(answer))
        response.vary.add("Accept")
        response.headers["X-Cache"] = read.source
        return response

    @api.get("/healthz")
    def healthz() -> Response:
        return json_response(HealthAnswer(version=crnn_ocr.__version__).model_dump_json())

    @api.get("/readyz")
    def readyz() -> Response:
        readiness.check()
        return json_response(ReadyAnswer(model=reader.model).model_dump_json())

    # These do not change, so they are written once, at the first request.
    options_text = cache(lambda: json_of({**ReadOptions.model_json_schema(), **_formats()}))
    openapi_text = cache(lambda: json_of(openapi_document()))

    @api.get("/options")
    def options() -> Response:
        return json_response(options_text())

    @api.get("/openapi.json")
    def openapi() -> Response:
        return json_response(openapi_text())

    return api


def _formats() -> dict[str, Any]:
    """Return the formats that the page offers, and descriptions of those that it cannot write itself."""
    writers = {
        name: {
            "suffix": writer.suffix,
            "media_type": writer.media_type,
            "title": writer.title,
            "needs_original": writer.needs_original,
        }
        for name, writer in FORMATS.items()
    }
    return {"x-export-formats": [*FORMATS], "x-export-writers": writers}


def _pages() -> Blueprint:
    pages = Blueprint("pages", __name__)

    @pages.get("/")
    def page() -> Response:
        return current_app.send_static_file("index.html")

    docs_text = cache(lambda: render_template("docs.html", api=openapi_document()))

    @pages.get("/docs")
    def docs() -> str:
        return docs_text()

    return pages
