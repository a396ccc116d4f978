"""Reads the request of `POST /jobs` in its three forms, and makes the job; stores files as they arrive."""

from __future__ import annotations

import io
from typing import Any

from flask import Request
from werkzeug.datastructures import MultiDict

from crnn_ocr.errors import (
    BadRequestError,
    InvalidJsonError,
    InvalidOptionError,
    UnsupportedMediaTypeError,
)
from crnn_ocr.jobs.backends import Jobs
from crnn_ocr.jobs.records import Job, JobRequest
from crnn_ocr.jobs.submission import Submission, check_idempotency_key, job_request
from crnn_ocr.options import parse_options
from crnn_ocr.service.requests import resources
from crnn_ocr.service.requests.base64_pictures import is_picture_type
from crnn_ocr.service.requests.body import read_body, refuse_early
from crnn_ocr.service.requests.forms import MOST_PARTS
from crnn_ocr.service.requests.json_text import parse_json
from crnn_ocr.service.requests.parsing import (
    is_json,
    json_fields,
    media_type_message,
    options_object,
    text_options,
)
from crnn_ocr.service.requests.streamed_form import BodyStream, FormText, StreamedForm
from crnn_ocr.settings import Settings

#: Header that tells a repeated request from a new one (draft-ietf-httpapi-idempotency-key-header-07).
IDEMPOTENCY_KEY = "Idempotency-Key"
#: Fields of a form that hold files.
_FILE_FIELDS = ("file", "image")


def submit(request: Request, jobs: Jobs, owner: str) -> Job:
    """Make the job that a request asks for.

    Args:
        request: The request.
        jobs: Where the job will live.
        owner: Name of the API key; "" without keys.

    Raises:
        OcrError: The request cannot be used, or there is no room; nothing is left of it.
    """
    refuse_early(request)
    key = check_idempotency_key(request.headers.get(IDEMPOTENCY_KEY))
    wishes = _Wishes(jobs.settings)
    for name, value in request.args.items(multi=True):
        wishes.add_text(name, value)
    with Submission(jobs, owner=owner, idempotency_key=key) as submission:
        if is_json(request.mimetype):
            _from_json(request, wishes, submission)
        elif request.mimetype == "multipart/form-data":
            _from_form(request, wishes, submission, most_files=jobs.settings.jobs_max_files)
        elif is_picture_type(request.mimetype):
            submission.add(wishes.name or "document", BodyStream(request))
        else:
            raise UnsupportedMediaTypeError(media_type_message(request.mimetype))
        return submission.create(wishes.checked())


def _from_json(request: Request, wishes: _Wishes, submission: Submission) -> None:
    payload = parse_json(read_body(request), what="The body")
    if not isinstance(payload, dict):
        raise InvalidJsonError('The body must be a JSON object such as {"image": "<base64>"}.')
    for name in wishes.NAMES:
        if name in payload:
            wishes.add_value(name, payload.pop(name))
    wishes.checked()  # before a picture is fetched
    picture, options = json_fields(payload, resources.of_request())
    wishes.add_options(options)
    submission.add(wishes.name or "document", io.BytesIO(picture))


def _from_form(request: Request, wishes: _Wishes, submission: Submission, *, most_files: int) -> None:
    for part in StreamedForm(request, most_parts=most_files + MOST_PARTS):
        if not isinstance(part, FormText):
            if part.name not in _FILE_FIELDS:
                raise BadRequestError(
                    f"The form has an unknown file field {part.name!r}.", hint="Files are called 'file'."
                )
            submission.add(part.filename, part)
        elif part.name in _FILE_FIELDS:
            raise BadRequestError(
                f"The form field {part.name!r} is text, not a file: with curl, write -F {part.name}=@FILE."
            )
        else:
            wishes.add_text(part.name, part.value)


class _Wishes:
    """What a request asks of the job, collected from its places; each wish may be given once.

    A wish is checked when it is added, so that a mistake is told before large files have been sent.
    """

    NAMES = ("name", "formats", "webhook", "ttl")

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._options: dict[str, object] = {}
        self._given: dict[str, Any] = {}

    @property
    def name(self) -> str | None:
        """Name of a file that comes without one."""
        name: str | None = self._given.get("name")
        return name

    def add_text(self, name: str, text: str) -> None:
        """Add a query parameter or a text field of a form.

        Raises:
            OcrError: It does not exist, its value is not valid, or it is given twice.
        """
        if name == "options":
            self.add_options(options_object(parse_json(text.encode(), what="The field 'options'")))
        elif name == "formats":
            self.add_value(name, [part.strip() for part in text.split(",") if part.strip()])
        elif name == "ttl":
            try:
                self.add_value(name, float(text))
            except ValueError:
                raise InvalidOptionError("'ttl' is not a number of seconds.") from None
        elif name in self.NAMES:
            self.add_value(name, text)
        else:
            self.add_options(text_options(MultiDict([(name, text)])))

    def add_value(self, name: str, value: object) -> None:
        """Add a wish with its value.

        Raises:
            InvalidOptionError: Its value is not valid, or it is given twice.
        """
        if name in self._given:
            raise InvalidOptionError(f"{name!r} is given more than once.")
        if name == "formats":
            good = isinstance(value, list) and all(isinstance(entry, str) for entry in value)
        elif name == "ttl":
            good = isinstance(value, int | float) and not isinstance(value, bool)
        else:
            good = isinstance(value, str)
        if not good:
            raise InvalidOptionError(f"{name!r} has a value of the wrong type.")
        self._given[name] = value
        self.checked()

    def add_options(self, options: dict[str, object]) -> None:
        """Add reading options, which are valid by themselves.

        Raises:
            InvalidOptionError: One is given twice.
        """
        twice = sorted(self._options.keys() & options.keys())
        if twice:
            raise InvalidOptionError(f"option {twice[0]!r}: given more than once")
        self._options |= options

    def checked(self) -> JobRequest:
        """Return the request of the job.

        Raises:
            InvalidOptionError: A value is not valid.
        """
        return job_request(
            self._settings,
            parse_options(self._options),
            formats=self._given.get("formats", ()),
            webhook=self._given.get("webhook"),
            ttl=self._given.get("ttl"),
        )
