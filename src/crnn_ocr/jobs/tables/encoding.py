"""Encodes requests and problems as JSON for the tables of jobs. Pure functions."""

from __future__ import annotations

import json
from typing import Any

from crnn_ocr.jobs.records import JobRequest, Problem


def encode(value: Any) -> str:
    """Return a value as JSON without spaces, which can always be written as UTF-8."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if any("\ud800" <= char <= "\udfff" for char in text):  # half a character, as in names of broken files
        return json.dumps(value, separators=(",", ":"))
    return text


def encode_request(request: JobRequest) -> str:
    """Return a request as JSON."""
    return encode([request.options, request.formats, request.webhook, request.ttl_s])


def decode_request(text: str | bytes) -> JobRequest:
    """Return the request that `encode_request` encoded."""
    options, formats, webhook, ttl_s = json.loads(text)
    return JobRequest(options, tuple(formats), webhook, ttl_s)


def encode_problem(problem: Problem) -> str:
    """Return a problem as JSON."""
    return encode([problem.code, problem.message, problem.hint])


def decode_problem(text: str | bytes | None) -> Problem | None:
    """Return the problem that `encode_problem` encoded; None for nothing."""
    return Problem(*json.loads(text)) if text else None
