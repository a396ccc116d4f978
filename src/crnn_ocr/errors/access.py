"""Errors of access, load and fetched URLs."""

from __future__ import annotations

from crnn_ocr.errors.base import OcrError


class UnauthorizedError(OcrError):
    """The request has no API key, or one that the service does not know."""

    code = "UNAUTHORIZED"
    http_status = 401
    default_hint = "Send the key that the operator gave you: `Authorization: Bearer KEY` or `X-API-Key: KEY`."


class HostNotAllowedError(OcrError):
    """The Host header names another host than this one, and the service has no API keys."""

    code = "HOST_NOT_ALLOWED"
    http_status = 403
    default_hint = (
        "Use http://localhost or http://127.0.0.1. For other names give the service API keys, or set "
        "CRNN_OCR_ALLOW_ANONYMOUS=true if everybody who can reach it may use it."
    )


class OriginNotAllowedError(OcrError):
    """The request comes from a page of another site, and the service has no API keys."""

    code = "ORIGIN_NOT_ALLOWED"
    http_status = 403
    default_hint = "The operator can allow the origin of the page with CRNN_OCR_CORS_ORIGINS."


class UploadTimeoutError(OcrError):
    """The body of the request arrives too slowly."""

    code = "UPLOAD_TIMEOUT"
    http_status = 408
    default_hint = "Send the request again over a faster connection, or a smaller file."


class RateLimitedError(OcrError):
    """This client has sent too many requests in a short time."""

    code = "RATE_LIMITED"
    http_status = 429
    default_hint = "Wait for the seconds in the header Retry-After; the RateLimit-* headers show the limit."


class OverloadedError(OcrError):
    """The service has already accepted as much work as it can do in time."""

    code = "OVERLOADED"
    http_status = 503
    default_hint = "Send the request again after the seconds in the header Retry-After."


class WorkerLostError(OcrError):
    """The process that worked on the request died, for example because it ran out of memory."""

    code = "WORKER_LOST"
    http_status = 503
    default_hint = "Send the request again: another process takes over."


class UrlInputDisabledError(OcrError):
    """The request gives a URL, but this service does not fetch pictures."""

    code = "URL_INPUT_DISABLED"
    http_status = 403
    default_hint = "Send the picture itself; the server's setting CRNN_OCR_FETCH_URLS enables fetching."


class UrlNotAllowedError(OcrError):
    """The URL leads to a host from which this service does not fetch."""

    code = "URL_NOT_ALLOWED"
    http_status = 403
    default_hint = "Use an http or https URL of a public host, or send the picture itself."


class UrlFetchError(OcrError):
    """The picture could not be fetched from its URL."""

    code = "URL_FETCH_FAILED"
    http_status = 422
    default_hint = "Check that the URL opens the picture in a browser, or send the picture itself."
