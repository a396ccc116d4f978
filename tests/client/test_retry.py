from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr import errors
from crnn_ocr.client.errors import AnswerTimeoutError, ConnectionFailedError, bad_answer
from crnn_ocr.client.retry import LONGEST_DELAY_S, delay, is_retryable, parse_retry_after
from crnn_ocr.errors import OcrError


@given(st.integers(1, 60), st.none() | st.integers(0, 1000), st.floats(0, 1))
def test_what_the_server_asks_for_is_waited_at_least(attempt: int, asked: int | None, drawn: float) -> None:
    pause = delay(attempt, asked, lambda: drawn)
    assert (asked or 0) <= pause <= (asked or 0) + LONGEST_DELAY_S


def test_delays_grow_up_to_a_limit() -> None:
    pauses = [delay(attempt, None, lambda: 1.0) for attempt in range(1, 12)]
    assert pauses[:3] == [0.25, 0.5, 1.0]
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_DELAY_S
    assert delay(5, None, lambda: 0.0) == 0.0


def test_a_header_in_seconds_or_as_a_date() -> None:
    now = datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert parse_retry_after(" 7 ", now) == 7
    assert parse_retry_after(format_datetime(now + timedelta(seconds=90), usegmt=True), now) == 90
    assert parse_retry_after(format_datetime(now - timedelta(seconds=90), usegmt=True), now) == 0
    assert parse_retry_after("Thu, 01 Jan 2026 12:00:05 -0000", now) == 5


@pytest.mark.parametrize("value", [None, "", "soon", "-1", "1.5", "99999999999999999999 Foo"])
def test_a_header_that_says_nothing(value: str | None) -> None:
    assert parse_retry_after(value) is None


@pytest.mark.parametrize(
    ("error", "retryable"),
    [
        (errors.OverloadedError("m"), True),
        (errors.RateLimitedError("m"), True),
        (errors.NotReadyError("m"), True),
        (ConnectionFailedError("m"), True),
        (bad_answer(502), True),
        (bad_answer(503), True),
        (errors.ModelBrokenError("m"), False),
        (errors.ImageDecodeError("m"), False),
        (errors.DeadlineExceededError("m"), False),
        (AnswerTimeoutError("m"), False),
        (bad_answer(404), False),
    ],
)
def test_only_what_may_pass_is_tried_again(error: OcrError, retryable: bool) -> None:
    assert is_retryable(error) is retryable
