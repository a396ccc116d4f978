"""Parses requests in their three forms, JSON, multipart and raw body, into a picture and options."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Literal, cast, get_args

from flask import Request, current_app, g
from werkzeug.datastructures import MultiDict

from crnn_ocr.errors import (
    BadRequestError,
    ImageEmptyError,
    InvalidJsonError,
    InvalidOptionError,
    MissingImageError,
    UnsupportedMediaTypeError,
    UrlInputDisabledError,
    UrlNotAllowedError,
)
from crnn_ocr.options import ReadOptions, options_from_text, parse_options
from crnn_ocr.service.requests import resources
from crnn_ocr.service.requests.base64_pictures import decode_picture_field, is_picture_type
from crnn_ocr.service.requests.body import read_body, refuse_early
from crnn_ocr.service.requests.body_budget import Slot
from crnn_ocr.service.requests.forms import MOST_PARTS, read_form
from crnn_ocr.service.requests.json_text import parse_json
from crnn_ocr.service.requests.url_fetch import Fetcher

_JSON_FIELDS = ("image", "image_url", "options")

#: How detailed an answer is: lines; their blocks too; or their blocks and single characters.
Detail = Literal["lines", "blocks", "chars"]
#: Name of the query parameter that says how detailed an answer is.
DETAIL = "detail"

#: Key of the application's fetcher, or None, in `app.extensions`.
FETCHER = "crnn-ocr-fetcher"
#: Key of the limit of bodies and pictures in memory, in `app.extensions`.
INTAKE = "crnn-ocr-intake"


@dataclass(frozen=True, slots=True)
class OcrInput:
    """The input of a request: the encoded picture and how to read it."""

    picture: bytes
    options: ReadOptions


def parse_input(request: Request, *, besides: Collection[str] = ()) -> OcrInput:
    """Return the picture and the options of a request in any form.

    Options may be in the query string of every form; an option that is given twice is refused.

    Args:
        request: The request.
        besides: Query parameters of the route itself, which are not options.

    Raises:
        OcrError: One of the request errors (4xx) of `crnn_ocr.errors`.
    """
    refuse_early(request)
    query = text_options(MultiDict(pair for pair in request.args.items(multi=True) if pair[0] not in besides))
    media_type = request.mimetype
    if is_json(media_type):
        picture, options = _from_json(request)
    elif media_type == "multipart/form-data":
        picture, options = _from_form(request)
    elif is_picture_type(media_type):
        picture, options = read_body(request), {}
        if not picture:
            raise ImageEmptyError("The body of the request is empty.")
    else:
        raise UnsupportedMediaTypeError(media_type_message(media_type))
    return OcrInput(picture, merge_options(query, options))


def wanted_detail(request: Request) -> Detail:
    """Return how detailed an answer the parameter `detail` of the query string asks for.

    Raises:
        InvalidOptionError: Its value is not valid, or it is given twice.
    """
    values = request.args.getlist(DETAIL) or ["lines"]
    if len(values) > 1 or values[0] not in get_args(Detail):
        raise InvalidOptionError(f"{DETAIL!r} must be 'lines', 'blocks' or 'chars', once.")
    return cast(Detail, values[0])


def is_json(media_type: str) -> bool:
    """Return whether a media type announces JSON."""
    return media_type == "application/json" or media_type.endswith("+json")


# ---- JSON --------------------------------------------------------------------------------------------


def _from_json(request: Request) -> tuple[bytes, dict[str, object]]:
    payload = parse_json(read_body(request), what="The body")
    if not isinstance(payload, dict):
        raise InvalidJsonError('The body must be a JSON object such as {"image": "<base64>"}.')
    return json_fields(payload, resources.of_request())


def json_fields(payload: Mapping[str, object], holder: ExitStack) -> tuple[bytes, dict[str, object]]:
    """Return the picture and the given options of a JSON object, which may be an item of a batch.

    Args:
        payload: The object.
        holder: Releases the memory reserved for a fetched picture.

    Raises:
        OcrError: One of the request errors (4xx) of `crnn_ocr.errors`.
    """
    unknown = sorted(payload.keys() - set(_JSON_FIELDS))
    if unknown:
        raise BadRequestError(
            f"The JSON object has an unknown field {unknown[0]!r}.",
            hint='The fields are "image" or "image_url", and "options"; options stand inside "options".',
        )
    options = options_object(payload.get("options", {}))
    return _json_picture(payload, holder), options


def _json_picture(fields: Mapping[str, object], holder: ExitStack) -> bytes:
    """Return the picture of a JSON object: from base64 in `image`, or fetched from `image_url` if allowed."""
    if "image_url" not in fields:
        if "image" not in fields:
            raise MissingImageError("The JSON object has no field 'image'.")
        return decode_picture_field(fields["image"])
    if "image" in fields:
        raise BadRequestError("The JSON object has both 'image' and 'image_url'.", hint="Give one of them.")
    url = fields["image_url"]
    if not isinstance(url, str):
        raise UrlNotAllowedError("The field 'image_url' must be text.")
    fetcher: Fetcher | None = current_app.extensions.get(FETCHER)
    if fetcher is None:
        raise UrlInputDisabledError("This service does not fetch pictures.")
    slot: Slot = g.slot
    reservation = slot.for_picture()
    holder.callback(reservation.release)
    picture = fetcher.fetch(url, reservation.reserve)
    if not picture:
        raise ImageEmptyError("The URL answers with an empty file.")
    return picture


def options_object(value: object) -> dict[str, object]:
    """Return the options in a JSON object, validated, without the defaults.

    Raises:
        InvalidOptionError: It is not an object, or an option or a value is not valid.
    """
    if not isinstance(value, dict):
        raise InvalidOptionError("The options must be a JSON object.")
    return parse_options(value).model_dump(exclude_unset=True)


# ---- multipart ---------------------------------------------------------------------------------------


def _from_form(request: Request) -> tuple[bytes, dict[str, object]]:
    pictures, options = form_fields(request)
    if len(pictures) > 1:
        raise BadRequestError(
            "The form has more than one picture.", hint="Send one picture, or all of them to /ocr/batch."
        )
    if not pictures[0]:
        raise ImageEmptyError("The uploaded file is empty.")
    return pictures[0], options


def form_fields(request: Request, *, most_parts: int = MOST_PARTS) -> tuple[list[bytes], dict[str, object]]:
    """Return the pictures of a form, at least one, and the given options.

    Args:
        request: The request, with a body in multipart.
        most_parts: Most fields and files together.

    Raises:
        OcrError: One of the request errors (4xx) of `crnn_ocr.errors`.
    """
    form = read_form(request, most_parts=most_parts)
    others = sorted(set(form.files) - {"image"})
    if others:
        raise BadRequestError(
            f"The form has an unknown file field {others[0]!r}.", hint="The picture's field is called image."
        )
    pictures = form.files.getlist("image")
    if not pictures:
        raise MissingImageError(_no_file_message(form.fields))
    fields = MultiDict(form.fields)
    texts = fields.poplist("options")
    if len(texts) > 1:
        raise InvalidOptionError("The form field 'options' is given more than once.")
    whole = options_object(parse_json(texts[0].encode(), what="The field 'options'")) if texts else {}
    return pictures, _join(whole, text_options(fields))


def _no_file_message(form: Mapping[str, str]) -> str:
    if "image" in form:
        return "The form field 'image' is text, not a file: with curl, write -F image=@FILE."
    return "The form has no file field 'image'."


# ---- shared ------------------------------------------------------------------------------------------


def text_options(values: MultiDict[str, str]) -> dict[str, object]:
    """Return the options in a query string or form fields, validated, without the defaults.

    Raises:
        InvalidOptionError: An option does not exist, cannot have that value or is given twice.
    """
    for name, entries in values.lists():
        if len(entries) > 1:
            raise InvalidOptionError(f"option {name!r}: given more than once")
    return options_from_text(values.to_dict()).model_dump(exclude_unset=True)


def _join(first: dict[str, object], second: dict[str, object]) -> dict[str, object]:
    twice = sorted(first.keys() & second.keys())
    if twice:
        raise InvalidOptionError(f"option {twice[0]!r}: given in two places of the request")
    return {**first, **second}


def merge_options(query: dict[str, object], body: dict[str, object]) -> ReadOptions:
    """Return the options of both places together.

    Raises:
        InvalidOptionError: An option is in both.
    """
    return parse_options(_join(query, body))


def media_type_message(media_type: str) -> str:
    """Return the message for a Content-Type that a route does not accept."""
    if not media_type:
        return "The request has no Content-Type."
    if media_type == "application/x-www-form-urlencoded":
        return (
            "The Content-Type is application/x-www-form-urlencoded, which cannot carry a picture; "
            "with curl, name the type: -H 'Content-Type: image/png'."
        )
    return f"The Content-Type {media_type[:80]!r} is not one that this route accepts."
