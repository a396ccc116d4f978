"""Tells the webhook of a job that it is finished: signed, repeated until received, to public hosts only.

The form is that of Standard Webhooks 1.0 (https://www.standardwebhooks.com): three headers and a JSON body,
which receivers verify with libraries that exist. It holds what `GET /jobs/{id}` shows, no text.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import http.client
import json
import socket
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Self
from urllib.parse import SplitResult

import crnn_ocr
from crnn_ocr.client.retry import parse_retry_after
from crnn_ocr.errors import (
    SettingsError,
    UrlFetchError,
    UrlNotAllowedError,
    WebhookFailedError,
    WebhookGoneError,
    WebhookNotAllowedError,
    WebhooksDisabledError,
)
from crnn_ocr.jobs.records import MOST_DELIVERIES
from crnn_ocr.net.checked_http import CheckedHttp
from crnn_ocr.net.dns import Resolve, resolve
from crnn_ocr.net.url_rules import Rules, host_of, port_of, target_of
from crnn_ocr.settings import Settings

EVENT = "job.finished"
#: Seconds between one delivery and the next. Receivers that are restarted miss the first, those that are down
#: for a night the last but one; later the files of the job may be gone (`CRNN_OCR_JOBS_TTL_S`).
_WAITS_S = (5.0, 30.0, 120.0, 600.0, 3_600.0, 21_600.0)
#: Longest time for one delivery. Standard Webhooks advises 15 to 30 seconds.
TIMEOUT_S = 15.0
#: A receiver that asks for more time gets it, but not longer than most jobs keep their files.
_LONGEST_WAIT_S = _WAITS_S[-1]

_PREFIX = "whsec_"
#: Bytes of a secret (Standard Webhooks).
_SHORTEST_SECRET, _LONGEST_SECRET = 24, 64
_GONE = 410


def wait_s(delivery: int, error: WebhookFailedError) -> float | None:
    """Return the seconds until the next delivery after one that failed; None if there is to be none.

    Args:
        delivery: Number of the delivery that failed, from 1.
        error: Why it failed.
    """
    if delivery >= MOST_DELIVERIES or isinstance(error, WebhookGoneError):
        return None
    return max(_WAITS_S[max(delivery, 1) - 1], min(error.retry_after or 0, _LONGEST_WAIT_S))


def secrets_of(settings: Settings) -> tuple[bytes, ...]:
    """Return the secrets that sign webhooks; none if there are to be no webhooks.

    Raises:
        SettingsError: One is malformed.
    """
    if settings.jobs_webhook_secret is None:
        return ()
    return tuple(_secret(text) for text in settings.jobs_webhook_secret.get_secret_value().split())


def _secret(text: str) -> bytes:
    try:
        if not text.startswith(_PREFIX):
            raise ValueError
        secret = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except (ValueError, binascii.Error):
        secret = b""
    if not _SHORTEST_SECRET <= len(secret) <= _LONGEST_SECRET:
        raise SettingsError(
            f"CRNN_OCR_JOBS_WEBHOOK_SECRET is not {_PREFIX} and the base64 of "
            f"{_SHORTEST_SECRET} to {_LONGEST_SECRET} bytes.",
            hint="Make one: echo whsec_$(openssl rand -base64 32).",
        )
    return secret


def rules_of(settings: Settings) -> Rules:
    """Return the rules that say where webhooks may go.

    Raises:
        SettingsError: A host or a network is malformed.
    """
    return Rules.parse(
        settings.jobs_webhook_hosts, settings.jobs_webhook_networks, setting="CRNN_OCR_JOBS_WEBHOOK"
    )


def check(settings: Settings) -> None:
    """Check the settings of webhooks.

    Raises:
        SettingsError: The secret, a host or a network is malformed.
    """
    secrets_of(settings)
    rules_of(settings)


def check_webhook(url: str, settings: Settings) -> None:
    """Check the webhook of a new job as far as it can be done without a look-up.

    The addresses of a host that is given by name are checked when the webhook is delivered, since they may
    change until then.

    Raises:
        WebhooksDisabledError: No secret is configured.
        WebhookNotAllowedError: The URL is malformed, or leads to a host or an address that is not allowed.
        SettingsError: A setting is malformed.
    """
    if not secrets_of(settings):
        raise WebhooksDisabledError("This service sends no webhooks: it has no secret to sign them.")
    rules = rules_of(settings)
    try:
        parts = rules.check_url(url)
        rules.check_addresses(_numeric_addresses(parts))
    except UrlNotAllowedError as error:
        raise WebhookNotAllowedError(f"The webhook cannot be used. {error.message}") from None


def _numeric_addresses(parts: SplitResult) -> list[str]:
    """Return the address that a host is, in whatever spelling the system knows; none if it is a name."""
    try:
        found = socket.getaddrinfo(
            host_of(parts), port_of(parts), type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
        )
    except (OSError, UnicodeError):
        return []
    return [str(entry[4][0]) for entry in found]


def sign(secret: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the signature of a message, as it stands in `webhook-signature`."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()


def body_of(job: Mapping[str, Any], finished: float) -> bytes:
    """Return the body of a message.

    Args:
        job: The job as `GET /jobs/{id}` shows it.
        finished: When it ended, in seconds since 1970.
    """
    when = datetime.fromtimestamp(finished, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps(
        {"type": EVENT, "timestamp": when, "data": job}, ensure_ascii=False, separators=(",", ":")
    ).encode("utf-8", "backslashreplace")


class Webhooks:
    """Sends webhooks. It is safe to use from several threads."""

    def __init__(
        self,
        secrets: tuple[bytes, ...],
        rules: Rules,
        *,
        timeout_s: float = TIMEOUT_S,
        lookup: Resolve = resolve,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Set secrets and rules.

        Args:
            secrets: What signs; with several, each message has as many signatures, and a receiver accepts it
                if it knows one of them.
            rules: Where webhooks may go.
            timeout_s: Longest time for one delivery, in seconds.
            lookup: Returns the addresses of a host.
            clock: Seconds since 1970.
        """
        self._secrets = secrets
        self._rules = rules
        self._timeout_s = timeout_s
        self._http = CheckedHttp(rules, timeout_s=timeout_s, lookup=lookup)
        self._clock = clock

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Return the sender for these settings.

        Raises:
            SettingsError: The secret, a host or a network is malformed.
        """
        return cls(secrets_of(settings), rules_of(settings))

    def deliver(self, url: str, job_id: str, job: Mapping[str, Any], *, finished: float) -> None:
        """Deliver the message that a job is finished, once.

        Every delivery of the same job has the same `webhook-id`, so a receiver that gets it twice can tell.
        Redirects are not followed, and the body of the answer is not read.

        Args:
            url: The webhook of the job.
            job_id: Id of the job.
            job: The job as `GET /jobs/{id}` shows it.
            finished: When it ended, in seconds since 1970.

        Raises:
            WebhookFailedError: It was not received; `wait_s` says when to try again.
            WebhookGoneError: The receiver wants no more messages (status 410).
        """
        if not self._secrets:
            raise WebhookFailedError("There is no secret to sign the webhook.")
        deadline = time.monotonic() + self._timeout_s
        send = partial(self._send, message_id=f"msg_{job_id}", body=body_of(job, finished))
        try:
            parts = self._rules.check_url(url)
            status, asked_s = self._http.exchange(parts, deadline, partial(send, parts=parts))
        except UrlNotAllowedError as error:
            # Tried again: the name may lead elsewhere again, and the operator may allow the network.
            raise WebhookFailedError(f"The webhook cannot be used. {error.message}") from None
        except UrlFetchError as error:
            raise WebhookFailedError(f"The webhook was not received. {error.message}") from None
        if status == _GONE:
            raise WebhookGoneError("The webhook answers that it is gone.")
        if not 200 <= status < 300:
            raise WebhookFailedError(f"The webhook answers with status {status}.", retry_after=asked_s)

    def _send(
        self, client: http.client.HTTPConnection, *, parts: SplitResult, message_id: str, body: bytes
    ) -> tuple[int, int | None]:
        """Send the message; return the status of the answer, and for how long it asks to wait."""
        timestamp = int(self._clock())
        client.putrequest("POST", target_of(parts), skip_accept_encoding=True)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "User-Agent": f"crnn-ocr/{crnn_ocr.__version__}",
            "Connection": "close",
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": " ".join(sign(key, message_id, timestamp, body) for key in self._secrets),
        }.items():
            client.putheader(name, value)
        client.endheaders(body)
        with client.getresponse() as response:
            return response.status, parse_retry_after(response.headers.get("Retry-After"))
