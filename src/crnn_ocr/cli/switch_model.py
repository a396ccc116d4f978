"""Asks a running service to make another model the active one, for `crnn-ocr models use`."""

from __future__ import annotations

import http.client
import json
import os
from typing import Any
from urllib.parse import urlsplit

from crnn_ocr.errors import OcrError, SettingsError
from crnn_ocr.settings import Settings

KEY_VARIABLE = "CRNN_OCR_API_KEY"
#: Seconds to wait for the answer: all workers have to load the model, and the service gives up earlier.
_PATIENCE_S = 180.0
_EVERY_ADDRESS = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  (not listened on)


class ServiceError(OcrError):
    """The service cannot be reached, or refuses the switch."""

    code = "SERVICE_FAILED"
    default_hint = "Start the service with `crnn-ocr serve`, or give its address with --url."


def url_of_this_machine(settings: Settings) -> str:
    """Return the URL of a service on this machine with these settings."""
    host = _EVERY_ADDRESS.get(settings.host, settings.host)
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def switch_model(url: str, model: str) -> dict[str, Any]:
    """Make a model the active one of a service.

    Args:
        url: URL of the service; http or https.
        model: Name or alias of a recogniser pack.

    Returns:
        The JSON object of the service's answer.

    Raises:
        SettingsError: The URL is not valid.
        ServiceError: The service does not answer, or it refuses; then message and hint are the service's.
    """
    headers = {"Content-Type": "application/json"}
    if key := os.environ.get(KEY_VARIABLE):
        headers["Authorization"] = f"Bearer {key}"
    connection, prefix = _connection(url)
    try:
        connection.request("PUT", f"{prefix}/models/active", json.dumps({"model": model}), headers)
        response = connection.getresponse()
        status, answer = response.status, json.loads(response.read())
    except (OSError, http.client.HTTPException) as error:
        raise ServiceError(f"{url} does not answer: {error}") from error
    except ValueError as error:
        raise ServiceError(f"{url} is not a crnn-ocr service.") from error
    finally:
        connection.close()
    if status >= 400 or not isinstance(answer, dict):
        raise _refusal(url, status, answer)
    return answer


def _connection(url: str) -> tuple[http.client.HTTPConnection, str]:
    try:
        parts = urlsplit(url)
        kind = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}[parts.scheme]
        if not parts.hostname:
            raise ValueError(url)
        return kind(parts.hostname, parts.port, timeout=_PATIENCE_S), parts.path.rstrip("/")
    except (KeyError, ValueError):
        raise SettingsError(
            f"{url!r} is not the address of a service.", hint="Write it like http://127.0.0.1:5000."
        ) from None


def _refusal(url: str, status: int, answer: object) -> OcrError:
    error = answer.get("error") if isinstance(answer, dict) else None
    if not isinstance(error, dict):
        return ServiceError(f"{url} answered with status {status}.")
    refusal = ServiceError(str(error.get("message")), hint=str(error.get("hint")))
    refusal.code = str(error.get("code"))  # type: ignore[misc]  # the service's own
    return refusal
