"""Formats the log lines of the command line and the service, one line per record, as text or as JSON.

Records carry their facts as fields (`extra={"fields": {...}}`), not inside the message, so that both formats
are easy to search. A record must never contain picture content or recognised text.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Literal, NamedTuple

LogFormat = Literal["text", "json"]

#: The id of the request that the running code works for; None outside a request.
current_request_id: ContextVar[str | None] = ContextVar("crnn_ocr_request_id", default=None)


class TraceIds(NamedTuple):
    """A place in a distributed trace, as lower-case hexadecimal digits."""

    trace_id: str
    span_id: str


#: The trace and span of the running code; None without tracing.
current_trace: ContextVar[TraceIds | None] = ContextVar("crnn_ocr_trace", default=None)

_HANDLER_NAME = "crnn_ocr"


def configure_logging(level: str = "info", form: LogFormat = "text") -> None:
    """Send the product's log lines to standard error; a second call replaces the first configuration.

    Libraries log from level warning on only: at lower levels some of them describe what they decode.

    Args:
        level: Lowest level of the product's own records: debug, info, warning or error.
        form: "text" for people, "json" for machines.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.set_name(_HANDLER_NAME)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    root = logging.getLogger()
    for old in [entry for entry in root.handlers if entry.get_name() == _HANDLER_NAME]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("crnn_ocr").setLevel(level.upper())


class TextFormatter(logging.Formatter):
    """`2026-01-31T08:15:30.123Z INFO crnn_ocr.service request status=200 ms=87.4`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one record as one line; an exception adds a field, not more lines."""
        facts = _facts(record)
        head = f"{_timestamp(record)} {record.levelname} {record.name} {_one_line(record.getMessage())}"
        return " ".join([head, *(f"{key}={_quoted(value)}" for key, value in facts.items())])


class JsonFormatter(logging.Formatter):
    """One JSON object per line: time, level, logger, message and the record's fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one record as one JSON object."""
        head: dict[str, object] = {
            "time": _timestamp(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        return json.dumps({**_facts(record), **head}, ensure_ascii=True, default=str)


def _facts(record: logging.LogRecord) -> dict[str, object]:
    facts: dict[str, object] = {}
    request_id = current_request_id.get()
    if request_id is not None:
        facts["request_id"] = request_id
    trace = current_trace.get()
    if trace is not None:
        facts.update(trace._asdict())
    fields = getattr(record, "fields", None)
    if isinstance(fields, Mapping):
        facts.update(fields)
    if record.exc_info and record.exc_info[1] is not None:
        # Outside a request no message can quote a picture, and messages help to find faults.
        facts["exception"] = describe_exception(record.exc_info[1], messages=request_id is None)
    return facts


def describe_exception(error: BaseException, *, messages: bool = False) -> str:
    """Return the type of an exception and the calls that led to it, innermost first, on one line.

    Args:
        error: The exception, with its traceback.
        messages: Whether to include its message. Messages of libraries may quote values, which can be
            pictures or recognised text while a request is served.
    """
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in reversed(frames)]
    text = type(error).__qualname__ + (f"({error})" if messages else "")
    text += "".join(f" < {place}" for place in places)
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return text if cause is None else f"{text} | from {describe_exception(cause, messages=messages)}"


def _timestamp(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, tz=UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _one_line(text: str) -> str:
    return text if text.isprintable() else json.dumps(text, ensure_ascii=True)[1:-1]


def _quoted(value: object) -> str:
    text = str(value)
    plain = text.isprintable() and text and not any(char in text for char in ' "=')
    return text if plain else json.dumps(text, ensure_ascii=True)
