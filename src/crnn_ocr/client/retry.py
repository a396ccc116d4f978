"""Decides whether and when to try a request again. Pure functions."""

from __future__ import annotations

import email.utils
import math
from collections.abc import Callable
from datetime import UTC, datetime

from crnn_ocr.errors import OcrError

#: Statuses of a service that is busy or being replaced, or of the proxy in front of it.
RETRYABLE_STATUSES = frozenset({429, 502, 503})

#: Codes of errors that do not go away by waiting, although their status is 503.
LASTING_CODES = frozenset({"MODEL_BROKEN", "MODEL_TOO_LARGE"})

FIRST_DELAY_S = 0.25
LONGEST_DELAY_S = 10.0


def is_retryable(error: OcrError) -> bool:
    """Return whether the same request may succeed in a while."""
    return error.http_status in RETRYABLE_STATUSES and error.code not in LASTING_CODES


def delay(attempt: int, retry_after: float | None, draw: Callable[[], float]) -> float:
    """Return how long to wait before the next attempt, in seconds.

    Exponential backoff with full jitter (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
    The wait is never shorter than the server asks for. The jitter is added to that, so that clients that were
    refused together do not come back together.

    Args:
        attempt: Number of attempts so far, from 1.
        retry_after: The wait that the server asks for, in seconds.
        draw: Returns a random number between 0 and 1.
    """
    backoff: float = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** (attempt - 1)) * draw()
    return backoff if retry_after is None else retry_after + backoff


def parse_retry_after(value: str | None, now: datetime | None = None) -> int | None:
    """Return the seconds of a `Retry-After` header (RFC 9110, section 10.2.3), rounded up.

    Args:
        value: Value of the header, seconds or a date; None if there is no header.
        now: The time with which a date is compared; the current time when None.

    Returns:
        The seconds; None if there is no valid header.
    """
    if value is None:
        return None
    if value.strip().isdecimal():
        return int(value)
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0, math.ceil((moment - (now or datetime.now(UTC))).total_seconds()))
