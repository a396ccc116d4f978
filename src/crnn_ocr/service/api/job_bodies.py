"""Bodies of requests and answers about jobs, and their conversion from the records of the table."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from crnn_ocr.export import FORMATS
from crnn_ocr.jobs.records import JobState, PageState
from crnn_ocr.service.api.schemas import ErrorDetail, OcrRequest

#: Largest number that clients may send for a place in the order of changes: JSON's numbers are exact so far.
MOST_SEQUENCE = 2**53 - 1


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _bound_formats(schema: dict[str, Any]) -> None:
    schema["items"] = {"type": "string", "enum": list(FORMATS)}


class JobSubmission(OcrRequest):
    """The JSON form of `POST /jobs`: one document, as for `POST /ocr`, and what is wanted of it."""

    name: str | SkipJsonSchema[None] = Field(
        default=None, max_length=255, description="Name of the document, for its results."
    )
    formats: list[str] = Field(
        default_factory=list,
        description="Formats to write, besides JSON and text.",
        json_schema_extra=_bound_formats,
    )
    webhook: str | SkipJsonSchema[None] = Field(
        default=None, max_length=2048, description="URL that is told about the end of the job."
    )
    ttl: float | SkipJsonSchema[None] = Field(
        default=None,
        ge=60,
        description="Seconds after its end for which the job is kept; by default, and at most, the server's "
        "limit.",
    )


class JobFileOut(_Body):
    """A file of a job."""

    number: int = Field(ge=0, description="Its place in the job, from 0.")
    name: str = Field(description="The name that it was sent with.")
    size: int = Field(ge=0, description="Bytes.")
    pages: int | None = Field(description="Pages that are read of it; null until they have been counted.")
    error: ErrorDetail | None = Field(description="Why it cannot be read at all.")


class JobOut(_Body):
    """A job: what was asked for, and how far it is."""

    id: str = Field(description="Its id.", examples=["0f8a51c3d2e94b7aa5d06e1b7c3f9d24"])
    state: JobState = Field(
        description="`partial`: finished, and some pages, files or formats failed. `expired`: its files are "
        "deleted."
    )
    created: datetime = Field(description="When it was created.")
    started: datetime | None = Field(description="When work on it began.")
    finished: datetime | None = Field(description="When it ended.")
    expires: datetime | None = Field(description="When its files will be deleted.")
    formats: list[str] = Field(description="Formats in which its result can be had, once it has finished.")
    options: dict[str, Any] = Field(description="The options that differ from their defaults; no password.")
    files: list[JobFileOut] = Field(description="Its files, in their order.")
    pages_total: int | None = Field(description="Pages of all files; null until all have been counted.")
    pages_done: int = Field(ge=0, description="Pages that have been read.")
    pages_failed: int = Field(ge=0, description="Pages that could not be read.")
    position: int | None = Field(description="Jobs ahead of it while it is queued; otherwise null.")
    sequence: int = Field(ge=0, description="Grows with every change of the job or one of its pages.")
    error: ErrorDetail | None = Field(description="Why the whole job failed.")


class JobAnswer(JobOut):
    """The answer about one job."""

    success: Literal[True] = Field(default=True, description="Always true here; errors say false.")
    request_id: str = Field(description="The id of the request, also in the header X-Request-Id.")


class JobsAnswer(_Body):
    """The answer of `GET /jobs`."""

    success: Literal[True] = Field(default=True, description="Always true here; errors say false.")
    jobs: list[JobOut] = Field(description="The jobs of this API key, the newest first.")
    request_id: str = Field(description="The id of the request, also in the header X-Request-Id.")


class JobPageOut(_Body):
    """How far a page of a job is."""

    file: int = Field(ge=0, description="Number of its file in the job, from 0.")
    number: int = Field(ge=1, description="Its number in the file, from 1.")
    state: PageState = Field(description="`done`: its answer can be had.")
    attempts: int = Field(ge=0, description="How often it has been begun.")
    sequence: int = Field(ge=0, description="The job's `sequence` when it last changed.")
    elapsed_ms: float = Field(ge=0, description="Time that reading it took; 0 until then.")
    error: ErrorDetail | None = Field(description="Why it could not be read.")


class JobPagesAnswer(_Body):
    """The answer of `GET /jobs/{job}/pages`."""

    success: Literal[True] = Field(default=True, description="Always true here; errors say false.")
    pages: list[JobPageOut] = Field(description="Pages in the order of their last changes.")
    next: int = Field(ge=0, description="Give it as `after` to get what changes later.")
    request_id: str = Field(description="The id of the request, also in the header X-Request-Id.")


#: All states of a job.
STATES: tuple[JobState, ...] = get_args(JobState)

#: The example in the OpenAPI document.
EXAMPLE: dict[str, Any] = {
    "id": "0f8a51c3d2e94b7aa5d06e1b7c3f9d24",
    "state": "running",
    "created": "2026-11-30T09:30:00.120000Z",
    "started": "2026-11-30T09:30:00.310000Z",
    "finished": None,
    "expires": None,
    "formats": ["docx", "json", "text"],
    "options": {"layout": "blocks"},
    "files": [{"number": 0, "name": "minutes.pdf", "size": 1843200, "pages": 300, "error": None}],
    "pages_total": 300,
    "pages_done": 41,
    "pages_failed": 0,
    "position": None,
    "sequence": 84,
    "error": None,
    "success": True,
    "request_id": "8f0c6f3a5b7e4d0f9a1c2b3d4e5f6a7b",
}
