"""`GET /models` and `PUT /models/active`: lists the model packs, and switches the active one."""

from __future__ import annotations

from typing import Annotated

from flask import Blueprint, Flask, Request, Response, g, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from crnn_ocr import errors
from crnn_ocr.errors import (
    BadRequestError,
    BodyTooLargeError,
    InvalidJsonError,
    ModelSwitchForbiddenError,
    UnsupportedMediaTypeError,
)
from crnn_ocr.models.listing import ModelInfo
from crnn_ocr.service.api.openapi_components import COMMON_ERRORS, Json, RouteGroup, ref, responses
from crnn_ocr.service.api.responses import json_response
from crnn_ocr.service.middleware.same_origin import Site, came_through_proxy, is_loopback
from crnn_ocr.service.ocr.engine_protocol import Reader
from crnn_ocr.service.server.reply_and_drain import mark_body_read
from crnn_ocr.service.workers.model_switch import Switching
from crnn_ocr.service.workers.shared_state import Report

_MOST_BYTES = 4096

_SWITCH_ERRORS = (
    *COMMON_ERRORS,
    errors.UploadTimeoutError,
    errors.OverloadedError,
    errors.InvalidJsonError,
    errors.BodyTooLargeError,
    errors.UnsupportedMediaTypeError,
    errors.ModelSwitchForbiddenError,
    errors.ModelNotFoundError,
    errors.ModelBrokenError,
    errors.ModelSwitchError,
    errors.ModelSwitchRunningError,
)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelOut(_Body):
    """A model pack."""

    name: str = Field(description="Its name, for the option `model`.", examples=["crnn-zh-en"])
    version: str = Field(description="Answers name `name/version` as their model.", examples=["1"])
    kind: str = Field(description="rec: recogniser; det: detector; table: grids of tables.", examples=["rec"])
    title: str = Field(description="What it is.")
    languages: list[str] = Field(description="Language tags of what it reads.", examples=[["zh", "en"]])
    licence: str = Field(description="Licence of its weights.", examples=["Apache-2.0"])
    precision: str = Field(description="Arithmetic that it is used with here: int8 or fp32.")
    aliases: list[str] = Field(description="Names for what it is good at, which stand for it.")
    bundled: bool = Field(description="Whether it came with the program.")
    active: bool = Field(description="Whether it is used where a request names none.")
    loaded: bool = Field(description="Whether a worker process has it in memory.")
    card: str = Field(description="The first words of its card.")


class BrokenModelOut(_Body):
    """A folder whose pack is not offered."""

    name: str = Field(description="Name of the folder.")
    problem: str = Field(description="What is wrong with it; packs that are being copied are listed here.")


class WorkerOut(_Body):
    """What one worker process uses."""

    pid: int = Field(description="Its process id.")
    model: str = Field(description="Its active recogniser; empty until it has started.")
    loaded: list[str] = Field(description="Names of the packs that it has in memory.")
    problem: str = Field(description="Why it cannot use the model that was chosen; empty where it can.")


class ModelsAnswer(_Body):
    """The answer of `GET /models`."""

    active: str = Field(description="The recogniser that reads where a request names none.")
    models: list[ModelOut] = Field(description="The packs that can be used, sorted by name.")
    broken: list[BrokenModelOut] = Field(description="Folders that look like packs but cannot be used.")
    workers: list[WorkerOut] = Field(description="The worker processes.")


class SwitchRequest(_Body):
    """The body of `PUT /models/active`."""

    model: Annotated[str, Field(min_length=1, max_length=64)] = Field(
        description="Name or alias of a recogniser pack.", examples=["ppocrv6-small"]
    )


class SwitchAnswer(_Body):
    """The active recogniser after a switch."""

    model: str = Field(description="The active recogniser.", examples=["ppocrv6-small/1"])
    previous: str = Field(description="The one before.", examples=["crnn-zh-en/1"])
    workers: int = Field(description="How many worker processes use the new one.", examples=[2])
    pending: list[int] = Field(
        description="Process ids of workers that have loaded it and not yet told that they use it."
    )


def install(app: Flask, reader: Reader, switching: Switching, site: Site) -> None:
    """Add the routes."""
    app.register_blueprint(_blueprint(reader, switching, site))


def _blueprint(reader: Reader, switching: Switching, site: Site) -> Blueprint:
    api = Blueprint("models", __name__)

    @api.get("/models")
    def models() -> Response:
        return json_response(_answer(reader, switching.reports()).model_dump_json())

    @api.put("/models/active")
    def switch() -> Response:
        _check_allowed(site)
        wanted = _wanted(request)
        made = switching.switch(wanted.model)
        answer = SwitchAnswer(
            model=made.model, previous=made.previous, workers=made.workers, pending=list(made.pending)
        )
        return json_response(answer.model_dump_json(), 202 if made.pending else 200)

    return api


def _answer(reader: Reader, reports: list[Report]) -> ModelsAnswer:
    found = reader.models()
    loaded = {name for report in reports for name in report.loaded}
    return ModelsAnswer(
        active=reader.model,
        models=[_model(info, loaded) for info in found.models],
        broken=[BrokenModelOut(name=name, problem=problem) for name, problem in found.broken],
        workers=[
            WorkerOut(
                pid=report.pid, model=report.model, loaded=list(report.loaded), problem=report.problem or ""
            )
            for report in reports
        ],
    )


def _model(info: ModelInfo, loaded: set[str]) -> ModelOut:
    return ModelOut(
        name=info.name,
        version=info.version,
        kind=info.kind,
        title=info.title,
        languages=list(info.languages),
        licence=info.licence,
        precision=info.precision,
        aliases=list(info.aliases),
        bundled=info.bundled,
        active=info.active,
        loaded=info.loaded or info.name in loaded,
        card=info.card,
    )


def _check_allowed(site: Site) -> None:
    """Allow a switch with an API key; if the service has no keys, only from this machine.

    A request through a proxy or from a page of another site does not count as from this machine.

    Raises:
        ModelSwitchForbiddenError: It is not allowed.
    """
    if "key_name" in g:
        return
    if not is_loopback(request.remote_addr or "") or came_through_proxy(request.headers):
        raise ModelSwitchForbiddenError("This service has no API keys, and the request is from elsewhere.")
    if not site.is_named(request.headers) or site.is_foreign(request.headers):
        raise ModelSwitchForbiddenError("This service has no API keys, and the request is from another site.")


def _wanted(request: Request) -> SwitchRequest:
    if request.mimetype != "application/json":
        raise UnsupportedMediaTypeError(
            "The request is not in JSON.", hint='Send {"model": "NAME"} as application/json.'
        )
    expected = request.content_length
    body = request.stream.read(_MOST_BYTES + 1) if (expected or 0) <= _MOST_BYTES else b""
    if len(body) > _MOST_BYTES or (expected or 0) > _MOST_BYTES:
        raise BodyTooLargeError(f"The body of the request is larger than {_MOST_BYTES} bytes.")
    mark_body_read()
    if expected is not None and len(body) < expected:
        raise BadRequestError(f"The body ended after {len(body)} of {expected} bytes.")
    try:
        return SwitchRequest.model_validate_json(body, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        hint = 'The body is {"model": "NAME"}; GET /models lists the names.'
        if first["type"] == "json_invalid":
            raise InvalidJsonError("The body is not valid JSON.", hint=hint) from None
        place = ".".join(str(part) for part in first["loc"]) or "body"
        raise BadRequestError(f"Field {place!r}: {first['msg']}", hint=hint) from None


# ---- the OpenAPI document ----------------------------------------------------------------------------


def _paths() -> Json:
    return {
        "/models": {
            "get": {
                "operationId": "listModels",
                "summary": "List the model packs",
                "description": "Packs in the watched folder appear and vanish without a restart.",
                "responses": responses(ModelsAnswer, "What there is to read with."),
            }
        },
        "/models/active": {
            "put": {
                "operationId": "switchModel",
                "summary": "Make another recogniser, or another detector, the active one",
                "description": (
                    "Every worker process loads the model beside the old one and lets it read a probe; then "
                    "all of them switch, or none does. Requests are read meanwhile, each by one model from "
                    "beginning to end. Needs an API key, or where the service has none a client on the same "
                    "machine, with no proxy in between."
                ),
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": ref(SwitchRequest)}},
                },
                "responses": _switch_responses(),
            }
        },
    }


def _switch_responses() -> Json:
    described = responses(SwitchAnswer, "All workers use it.", _SWITCH_ERRORS)
    described["202"] = {
        **described["200"],
        "description": "Switched; the workers in `pending` have it loaded and are about to use it.",
    }
    return described


ROUTES = RouteGroup(
    _paths,
    bodies=(
        (ModelsAnswer, "serialization"),
        (SwitchRequest, "validation"),
        (SwitchAnswer, "serialization"),
    ),
    errors=_SWITCH_ERRORS,
)
