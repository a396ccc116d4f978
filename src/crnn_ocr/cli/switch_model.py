"""`crnn-ocr models use`: asks a running service to make another model the active one."""

from __future__ import annotations

import http.client
import json
import os
from typing import Any
from urllib.parse import urlsplit

from crnn_ocr.errors import OcrError, SettingsError
from crnn_ocr.settings import Settings

KEY_VARIABLE = "CRNN_OCR_API_KEY"
#: All workers have to load the model; the service gives up before.
_PATIENCE_S = 180.0
_EVERY_ADDRESS = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  (not listened on)


class ServiceError(OcrError):
    """The service cannot be asked, or refuses."""

    code = "SERVICE_FAILED"
    default_hint = "`crnn-ocr serve` starts the service; --url names another one."


def url_of_this_machine(settings: Settings) -> str:
    """Where a service with these settings listens."""
    host = _EVERY_ADDRESS.get(settings.host, settings.host)
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def switch_model(url: str, model: str) -> dict[str, Any]:
    """Switch; returns the service's answer.

    Args:
        url: Of the service; http or https.
        model: Name or alias of a recogniser pack.

    Raises:
        SettingsError: The URL is none.
        ServiceError: The service does not answer, or refuses: message and hint are its own.
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
        raise ServiceError(f"{url} is not a service of this program.") from error
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
            f"{url!r} is no address of a service.", hint="Write it as http://127.0.0.1:5000."
        ) from None


def _refusal(url: str, status: int, answer: object) -> OcrError:
    error = answer.get("error") if isinstance(answer, dict) else None
    if not isinstance(error, dict):
        return ServiceError(f"{url} answers with status {status}.")
    refusal = ServiceError(str(error.get("message")), hint=str(error.get("hint")))
    refusal.code = str(error.get("code"))  # type: ignore[misc]  # the service's own
    return refusal
