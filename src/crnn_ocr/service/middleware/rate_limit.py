"""Limits the rate of each client's requests with a token bucket.

A bucket holds `burst` tokens and is refilled at a steady rate; a request takes one. The bucket is kept as a
single time, the one at which it will be full again (the generic cell rate algorithm in its virtual scheduling
form, ITU-T I.371, Annex A), which makes the arithmetic one line in Python and one in Redis.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from flask import Flask, Response, g, request

from crnn_ocr.caching.shared import connect
from crnn_ocr.errors import RateLimitedError
from crnn_ocr.service.server.client_name import client_name
from crnn_ocr.settings import Settings

_log = logging.getLogger(__name__)

#: Clients that a process remembers; the least recently seen is forgotten, whose bucket is probably full.
_MOST_CLIENTS = 10_000
_WINDOW_S = 60
_PAUSE_S = 5.0
_TOLERANCE = 1e-3  # tokens; a client that waits exactly as told must not fail by a rounding error


@dataclass(frozen=True, slots=True)
class Decision:
    """Result of a rate limit for one request.

    Attributes:
        allowed: Whether it is within the limit.
        remaining: Number of requests that may follow at once.
        retry_after: Seconds until the next one is allowed; 0 if one is allowed now.
        reset: Seconds until the bucket is full again.
    """

    allowed: bool
    remaining: int
    retry_after: float
    reset: float


@dataclass(frozen=True, slots=True)
class Bucket:
    """Arithmetic of a token bucket; it holds no state.

    Attributes:
        rate: Tokens added per second.
        burst: Number of tokens that it holds at most.
    """

    rate: float
    burst: int

    def take(self, full_at: float | None, now: float) -> tuple[Decision, float]:
        """Take one token if there is one.

        Args:
            full_at: When the bucket will be full, as returned last time; None for a new client.
            now: The time, in seconds on the same clock.

        Returns:
            The decision, and the new time at which the bucket will be full.
        """
        interval = 1 / self.rate
        # A clock that was set back must not make a bucket emptier than empty.
        lacking = min(max(full_at - now, 0.0), self.burst * interval) if full_at is not None else 0.0
        tokens = self.burst - lacking * self.rate
        allowed = tokens >= 1 - _TOLERANCE
        if allowed:
            tokens -= 1
            lacking += interval
        wait = max(0.0, (1 - tokens) * interval) if tokens < 1 - _TOLERANCE else 0.0
        remaining = max(0, math.floor(tokens + _TOLERANCE))
        return Decision(allowed, remaining, wait, lacking), now + lacking


class Buckets(Protocol):
    """Interface of a store of all clients' buckets."""

    def take(self, client: str) -> Decision:
        """Take one token out of a client's bucket."""
        ...


class LocalBuckets:
    """Buckets in one process; with several worker processes, each allows the whole rate."""

    def __init__(
        self, bucket: Bucket, *, most: int = _MOST_CLIENTS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._bucket = bucket
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def take(self, client: str) -> Decision:
        """Take one token out of a client's bucket."""
        with self._lock:
            decision, full_at = self._bucket.take(self._full_at.pop(client, None), self._clock())
            self._full_at[client] = full_at
            if len(self._full_at) > self._most:
                self._full_at.popitem(last=False)
            return decision


# Redis runs a script as one step; its own clock is the only one that all processes share. The times are kept
# as text, because Redis cuts a script's numbers to integers.
_SCRIPT = """
local rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local lacking = 0
local full_at = redis.call('GET', KEYS[1])
if full_at then
  lacking = math.min(math.max(tonumber(full_at) - now, 0), burst / rate)
end
if burst - lacking * rate >= 1 - 1e-3 then
  local after = string.format('%.6f', now + lacking + 1 / rate)
  redis.call('SET', KEYS[1], after, 'PX', math.ceil((lacking + 1 / rate) * 1000))
end
return {full_at or '', string.format('%.6f', now)}
"""


class SharedBuckets:
    """Buckets in Redis, shared by all processes and machines; while Redis fails, those of this process."""

    def __init__(self, bucket: Bucket, redis: Any, *, prefix: str = "crnn-ocr:rate:") -> None:
        """Use a client of the package `redis`; its errors are logged, not raised."""
        self._bucket = bucket
        self._script = redis.register_script(_SCRIPT)
        self._prefix = prefix
        self._local = LocalBuckets(bucket)
        self._left_alone_until = 0.0

    def take(self, client: str) -> Decision:
        """Take one token out of a client's bucket."""
        if time.monotonic() < self._left_alone_until:
            return self._local.take(client)
        try:
            answer = self._script(
                keys=[self._prefix + client], args=[repr(self._bucket.rate), self._bucket.burst]
            )
            full_at, now = (float(time) if time else None for time in answer)
            if now is None or not (math.isfinite(now) and math.isfinite(full_at or 0.0)):
                raise ValueError("these are no times")
        except Exception as error:  # any failure of the network, or what is no answer of Redis
            # Redis is not asked again for a while, so that requests do not wait for it in vain.
            self._left_alone_until = time.monotonic() + _PAUSE_S
            _log.warning("rate limit: Redis fails", extra={"fields": {"reason": type(error).__name__}})
            return self._local.take(client)
        return self._bucket.take(full_at, now)[0]


def bucket_of(settings: Settings) -> Bucket:
    """Return the bucket for the rate in the settings."""
    burst = settings.rate_limit_burst or max(1, math.floor(settings.rate_limit_per_minute))
    return Bucket(settings.rate_limit_per_minute / _WINDOW_S, burst)


def install(app: Flask, settings: Settings) -> None:
    """Limit the rate of each client's POST requests, if the settings set a limit.

    With Redis all worker processes and machines share the buckets, else each process has its own.
    """
    if not settings.rate_limit_per_minute:
        return
    bucket = bucket_of(settings)
    url = settings.redis_url
    buckets: Buckets = (
        LocalBuckets(bucket) if url is None else SharedBuckets(bucket, connect(url.get_secret_value()))
    )

    def check() -> None:
        if request.method != "POST" or request.routing_exception is not None:
            return
        decision = buckets.take(client_name(g.get("key_name"), request.remote_addr))
        g.rate_decision = decision
        if not decision.allowed:
            raise RateLimitedError(
                f"This client may send {bucket.rate * _WINDOW_S:g} requests per minute.",
                retry_after=max(1, math.ceil(decision.retry_after)),
            )

    def describe(response: Response) -> Response:
        decision: Decision | None = g.get("rate_decision")
        if decision is not None:
            response.headers.update(rate_headers(bucket, decision))
        return response

    app.before_request(check)
    app.after_request(describe)


def rate_headers(bucket: Bucket, decision: Decision) -> dict[str, str]:
    """Return the headers that tell a client what it may still send.

    `RateLimit` and `RateLimit-Policy` are those of draft-ietf-httpapi-ratelimit-headers-10; the three single
    ones are those of the same draft up to version 06, which most clients know.
    """
    window = max(1, math.ceil(bucket.burst / bucket.rate))
    wait = math.ceil(decision.reset if decision.remaining else decision.retry_after)
    return {
        "RateLimit-Policy": f'"default";q={bucket.burst};w={window}',
        "RateLimit": f'"default";r={decision.remaining};t={wait}',
        "RateLimit-Limit": str(bucket.burst),
        "RateLimit-Remaining": str(decision.remaining),
        "RateLimit-Reset": str(wait),
    }
