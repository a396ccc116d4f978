"""`POST /preview`: one page of a file as a PNG, original or enhanced; `GET /limits`: limits of the input.

It shows people what the enhancement does to their picture, and lets browsers show TIFF and PDF.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import cv2
import numpy as np
from flask import Blueprint, Flask, Request, Response, request
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from crnn_ocr.errors import InvalidOptionError
from crnn_ocr.imaging.enhance import enhance, plan
from crnn_ocr.imaging.opened import open_document
from crnn_ocr.imaging.page_ranges import PageRanges
from crnn_ocr.imaging.page_source import Wanted
from crnn_ocr.imaging.quality import Quality, measure
from crnn_ocr.scheduling.budget import Budget
from crnn_ocr.scheduling.ticket import Ticket
from crnn_ocr.service.api.openapi_components import (
    COMMON_ERRORS,
    READ_ERRORS,
    Json,
    RouteGroup,
    header_ref,
    option_parameters,
    responses,
    timeout_parameter,
)
from crnn_ocr.service.api.responses import json_response
from crnn_ocr.service.ocr.engine_protocol import Reader
from crnn_ocr.service.ocr.ocr_service import Admission
from crnn_ocr.service.requests.parsing import parse_input
from crnn_ocr.service.server.harmful_pictures import watched
from crnn_ocr.settings import Settings

Image = NDArray[np.uint8]
Stage = Literal["original", "enhanced"]

#: Longest side of a preview in pixels: as much as a large screen shows.
LONGEST = 2400

_PARAMETERS = ("page", "stage")
_FAST = (cv2.IMWRITE_PNG_COMPRESSION, 1)  # previews are looked at once; time matters more than size


class JobLimits(BaseModel):
    """Limits of jobs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_file_bytes: int = Field(ge=1, description="Largest file of a job, in bytes.")
    max_files: int = Field(ge=1, description="Most files of a job.")
    max_pages: int = Field(ge=1, description="Most pages of a file.")
    per_key: int = Field(ge=1, description="Most unfinished jobs of an API key.")
    ttl_s: float = Field(ge=0, description="Seconds for which results are kept.")


class LimitsAnswer(BaseModel):
    """Limits of the input."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_image_bytes: int = Field(ge=1, description="Largest picture or document, in bytes.")
    max_body_bytes: int = Field(ge=1, description="Largest request body, in bytes.")
    max_pixels: int = Field(ge=1, description="Largest picture, in pixels (width × height).")
    max_side: int = Field(ge=1, description="Longest side of a picture, in pixels.")
    max_pages: int = Field(ge=1, description="Most pages of a TIFF or PDF.")
    batch_max_items: int = Field(ge=1, description="Most pictures in one request to `POST /ocr/batch`.")
    jobs: JobLimits | None = Field(description="What `POST /jobs` takes; null where there are no jobs.")


def install(
    app: Flask, reader: Reader, settings: Settings, *, admit: Admission, issue_ticket: Callable[[], Ticket]
) -> None:
    """Add the routes.

    Args:
        app: The application.
        reader: Has the room that pictures share.
        settings: The limits.
        admit: Admits the work, or refuses it, as for readings.
        issue_ticket: Returns the ticket of the request.
    """
    routes = Blueprint("preview", __name__)
    # One preview at a time: what is made of a page takes memory that nobody counts.
    one_at_a_time = Budget(1)

    @routes.post("/preview")
    def preview() -> Response:
        page, stage = page_and_stage(request)
        wanted = parse_input(request, besides=_PARAMETERS)
        ticket = issue_ticket()
        chosen = Wanted(PageRanges(str(page), ((page, page),)), password=wanted.options.password)
        with (
            watched(wanted.picture, ticket, whole=False),
            open_document(
                wanted.picture, settings.limits, pdf_dpi=settings.pdf_dpi, ticket=ticket, wanted=chosen
            ) as opened,
            admit(opened, ticket),
            one_at_a_time.take(1, ticket),
            reader.hold(max((extent.memory for extent in opened.extents), default=0), ticket),
        ):
            total = opened.total
            image = opened.draw_next()
            quality = measure(image)
            steps = plan(image.shape[:2], wanted.options, quality)
            if stage == "enhanced":
                image = enhance(image, wanted.options, quality)
            ticket.check()
            response = Response(png_of(image), mimetype="image/png")
        response.headers["X-Enhancements"] = ", ".join(steps)
        response.headers["X-Quality"] = quality_text(quality)
        if total is not None:
            response.headers["X-Pages"] = str(total)
        return response

    @routes.get("/limits")
    def limits_() -> Response:
        return json_response(limits_of(settings).model_dump_json())

    app.register_blueprint(routes)


def limits_of(settings: Settings) -> LimitsAnswer:
    """Return the limits that settings set."""
    of_jobs = {name: getattr(settings, f"jobs_{name}") for name in JobLimits.model_fields}
    own = {name: getattr(settings, name) for name in LimitsAnswer.model_fields if name != "jobs"}
    return LimitsAnswer(jobs=None if settings.jobs == "off" else JobLimits(**of_jobs), **own)


def page_and_stage(request: Request) -> tuple[int, Stage]:
    """Return the parameters `page` and `stage`.

    Raises:
        InvalidOptionError: One has a value that is not valid, or is given twice.
    """
    for name in _PARAMETERS:
        if len(request.args.getlist(name)) > 1:
            raise InvalidOptionError(f"{name!r} is given more than once.")
    page = request.args.get("page", "1")
    if not (page.isascii() and page.isdigit() and int(page[:9]) >= 1 and len(page) < 9):
        raise InvalidOptionError("'page' must be a number from 1.")
    match request.args.get("stage", "enhanced"):
        case "original":
            return int(page), "original"
        case "enhanced":
            return int(page), "enhanced"
    raise InvalidOptionError("'stage' must be 'original' or 'enhanced'.")


def png_of(image: Image) -> bytes:
    """Return a page as a PNG, scaled down if a side is longer than `LONGEST`.

    Args:
        image: The page, (H, W) grey or (H, W, 3) BGR, uint8.
    """
    scale = LONGEST / max(image.shape[:2])
    if scale < 1:
        size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    done, data = cv2.imencode(".png", image, _FAST)
    if not done:
        raise RuntimeError("OpenCV could not write a PNG")
    return data.tobytes()


def quality_text(quality: Quality) -> str:
    """Return the measurements as a header: `brightness=231, contrast=148.2, noise=0.4, blur=0.9`."""
    values = {
        "brightness": f"{quality.brightness:.0f}",
        "contrast": f"{quality.contrast:.1f}",
        "noise": f"{quality.noise:.1f}",
    }
    if quality.blur is not None:
        values["blur"] = f"{quality.blur:.1f}"
    return ", ".join(f"{name}={value}" for name, value in values.items())


# ---- the document ------------------------------------------------------------------------------------


def _paths() -> Json:
    own = [
        {
            "name": "page",
            "in": "query",
            "description": "The page of a TIFF or PDF, from 1.",
            "schema": {"type": "integer", "minimum": 1, "maximum": 99_999_999, "default": 1},
        },
        {
            "name": "stage",
            "in": "query",
            "description": "original: upright, as a person sees it. enhanced: as it is read.",
            "schema": {"type": "string", "enum": ["original", "enhanced"], "default": "enhanced"},
        },
    ]
    described = responses(
        None, f"The page as a PNG whose longer side has at most {LONGEST} pixels.", READ_ERRORS
    )
    described["200"]["content"] = {"image/png": {"schema": {}}}
    described["200"]["headers"] = {
        "X-Request-Id": header_ref("X-Request-Id"),
        "X-Enhancements": {
            "description": "What reading does to the page before it looks for text, in this order: grey, "
            "denoise, stretch, clahe. Empty where nothing.",
            "schema": {"type": "string"},
        },
        "X-Quality": {"description": "What was measured of the page.", "schema": {"type": "string"}},
        "X-Pages": {
            "description": "Number of all pages; of TIFF and archives it is not told.",
            "schema": {"type": "integer", "minimum": 1},
        },
    }
    body: Json = {
        "image/*": {"schema": {}},
        "application/pdf": {"schema": {}},
        "application/zip": {"schema": {}},
        "application/octet-stream": {"schema": {}},
    }
    return {
        "/preview": {
            "post": {
                "operationId": "previewPage",
                "summary": "Show a page as it is, or as it is read",
                "description": "The file comes in any of the forms of `POST /ocr`; of the options, those of "
                "the enhancement count.",
                "parameters": [*own, *option_parameters(), timeout_parameter()],
                "requestBody": {"required": True, "content": body},
                "responses": described,
            }
        },
        "/limits": {
            "get": {
                "operationId": "describeLimits",
                "summary": "Tell how large pictures and documents may be",
                "description": "Whoever asks before sending saves the time of a refused upload.",
                "responses": responses(LimitsAnswer, "The limits.", COMMON_ERRORS),
            }
        },
    }


ROUTES = RouteGroup(_paths, bodies=((LimitsAnswer, "serialization"),))
