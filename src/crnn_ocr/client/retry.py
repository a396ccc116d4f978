"""When to ask again, and after how long: pure functions."""

from __future__ import annotations

import email.utils
import math
from collections.abc import Callable
from datetime import UTC, datetime

from crnn_ocr.errors import OcrError

#: Statuses of a service that is busy or being replaced, and of the proxy in front of it.
RETRYABLE_STATUSES = frozenset({429, 502, 503})

#: Waiting does not mend these, though their status is 503.
LASTING_CODES = frozenset({"MODEL_BROKEN"})

FIRST_DELAY_S = 0.25
LONGEST_DELAY_S = 10.0


def is_retryable(error: OcrError) -> bool:
    """Whether the same request may succeed in a while."""
    return error.http_status in RETRYABLE_STATUSES and error.code not in LASTING_CODES


def delay(attempt: int, retry_after: float | None, draw: Callable[[], float]) -> float:
    """How long to wait before the next attempt, in seconds.

    Exponential backoff with full jitter (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
    What the server asks for is waited at least; the jitter comes on top, so that clients which were
    refused together do not come back together.

    Args:
        attempt: How often it has been tried, from 1.
        retry_after: What the server asks for, in seconds.
        draw: Gives a random number between 0 and 1.
    """
    backoff: float = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** (attempt - 1)) * draw()
    return backoff if retry_after is None else retry_after + backoff


def parse_retry_after(value: str | None, now: datetime | None = None) -> int | None:
    """Seconds of a `Retry-After` header (RFC 9110, section 10.2.3), rounded up; None where it says nothing.

    Args:
        value: The header: seconds, or a date.
        now: The time that a date is compared with; the present when None.
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
