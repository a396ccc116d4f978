"""Defines the errors of the product: one class tree, each with a stable code, an HTTP status and a hint.

A code never changes once released (`docs/errors.md` lists them all). The message says what is wrong with
*this* input; the hint says what to do about it. Neither ever contains picture content or recognised text.
"""

from __future__ import annotations

from typing import ClassVar


class OcrError(Exception):
    """A bug or fault of the product itself; also the base class of every error below.

    Attributes:
        code: Stable upper-case identifier, part of the API contract.
        http_status: The status that the REST API answers with.
        message: One sentence about this particular input.
        hint: One sentence that says what to do.
        retry_after: Seconds after which the same request may succeed; None if waiting does not help.
    """

    code: ClassVar[str] = "INTERNAL_ERROR"
    http_status: ClassVar[int] = 500
    default_hint: ClassVar[str] = "Try again. If it happens again, report it with the request id."

    def __init__(self, message: str, *, hint: str | None = None, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = self.default_hint if hint is None else hint
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[object, ...]:
        """Support pickling between processes, which keeps message and hint."""
        return _rebuild, (type(self), self.message, self.hint, self.retry_after)


def _rebuild(cls: type[OcrError], message: str, hint: str, retry_after: int | None) -> OcrError:
    return cls(message, hint=hint, retry_after=retry_after)


# ---- the picture -------------------------------------------------------------------------------------


class ImageEmptyError(OcrError):
    """The picture has no bytes."""

    code = "IMAGE_EMPTY"
    http_status = 400
    default_hint = "Send the bytes of a picture: JPG, PNG, BMP, GIF, TIFF or WebP."


class ImageDecodeError(OcrError):
    """The bytes claim to be a picture but cannot be decoded."""

    code = "IMAGE_DECODE_FAILED"
    http_status = 422
    default_hint = "The file seems to be damaged or cut off: open it in a viewer, save it again and retry."


class UnsupportedImageError(OcrError):
    """The bytes are not a picture of a supported type."""

    code = "IMAGE_TYPE_UNSUPPORTED"
    http_status = 415
    default_hint = "Send JPG, PNG, BMP, GIF, TIFF or WebP (PDF where the server has the extra `pdf`)."


class ImageTooLargeError(OcrError):
    """The picture has too many bytes, pixels or pages, is too long, or needs too much memory to decode."""

    code = "IMAGE_TOO_LARGE"
    http_status = 413
    default_hint = "Scale the picture down or split it; the limits are settings of the server."


class ImageKilledWorkerError(OcrError):
    """A process that read this very file crashed or ran out of memory; it is not read again for an hour."""

    code = "IMAGE_KILLED_WORKER"
    http_status = 422
    default_hint = "Scale the picture down, or save it in another format, and send that; tell the operator."


class PdfPasswordError(OcrError):
    """The PDF is encrypted, and no password was given."""

    code = "PDF_PASSWORD_REQUIRED"
    http_status = 422
    default_hint = "Give the password with the option `password`, or remove it from the PDF."


class WrongPdfPasswordError(PdfPasswordError):
    """The password does not open the PDF."""

    code = "PDF_PASSWORD_WRONG"


class OriginalMissingError(OcrError):
    """The output format is built on the input itself, and only the result is known."""

    code = "ORIGINAL_MISSING"
    http_status = 422
    default_hint = "Send the picture or PDF itself and ask for this format."


# ---- the request -------------------------------------------------------------------------------------


class BadRequestError(OcrError):
    """The request is malformed."""

    code = "BAD_REQUEST"
    http_status = 400
    default_hint = "See /docs for the three ways to send a picture."


class InvalidJsonError(BadRequestError):
    """The Content-Type says JSON, but the body is not valid JSON."""

    code = "JSON_INVALID"


class InvalidBase64Error(BadRequestError):
    """The field `image` is not base64."""

    code = "BASE64_INVALID"
    default_hint = (
        'Encode the picture with standard base64, with or without a "data:image/...;base64," prefix.'
    )


class MissingImageError(BadRequestError):
    """The request contains no picture."""

    code = "IMAGE_MISSING"
    default_hint = 'Send JSON {"image": "<base64>"}, a multipart field `image`, or a raw image body.'


class InvalidOptionError(OcrError):
    """An option does not exist, or its value is not valid."""

    code = "OPTION_INVALID"
    http_status = 422
    default_hint = "GET /options lists every option with its values."


class BodyTooLargeError(OcrError):
    """The request body exceeds the limit."""

    code = "BODY_TOO_LARGE"
    http_status = 413
    default_hint = "Send a smaller file; the limit is the server's setting CRNN_OCR_MAX_BODY_BYTES."


class BatchTooLargeError(OcrError):
    """The request contains more pictures than allowed."""

    code = "BATCH_TOO_LARGE"
    http_status = 413
    default_hint = "Send several smaller batches; the limit is the server's setting CRNN_OCR_BATCH_MAX_ITEMS."


class UnsupportedMediaTypeError(OcrError):
    """The route does not accept the Content-Type or the Content-Encoding of the request."""

    code = "MEDIA_TYPE_UNSUPPORTED"
    http_status = 415
    default_hint = "Use application/json, multipart/form-data or image/*."


class NotFoundError(OcrError):
    """There is no such route."""

    code = "NOT_FOUND"
    http_status = 404
    default_hint = "See /docs for the routes."


class MethodNotAllowedError(OcrError):
    """The route exists, but not for this method."""

    code = "METHOD_NOT_ALLOWED"
    http_status = 405
    default_hint = "See /docs for the methods of each route."


class DeadlineExceededError(OcrError):
    """The answer was not ready before the deadline of the request."""

    code = "DEADLINE_EXCEEDED"
    http_status = 504
    default_hint = "Send a smaller picture or fewer pages, or try again when the server is less busy."


class RequestCancelledError(OcrError):
    """The request was cancelled, usually because the client is gone; only logs show this status."""

    code = "REQUEST_CANCELLED"
    http_status = 499
    default_hint = "Send the request again if you still need the answer."


# ---- access and load ---------------------------------------------------------------------------------


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


# ---- the model and the installation ------------------------------------------------------------------


class ModelNotFoundError(OcrError):
    """There is no model pack with that name."""

    code = "MODEL_NOT_FOUND"
    http_status = 404
    default_hint = "Choose one of the installed packs; the message lists them."


class ModelBrokenError(OcrError):
    """The files of a model pack do not match its manifest, or it cannot be loaded."""

    code = "MODEL_BROKEN"
    http_status = 503
    default_hint = "Install the pack again: its files do not match its manifest."


class ModelTooLargeError(ModelBrokenError):
    """There is not enough memory to load the model."""

    code = "MODEL_TOO_LARGE"
    default_hint = "Use a smaller model, or give the program more memory."


class ModelInstallError(OcrError):
    """A model pack cannot be added or removed."""

    code = "MODEL_INSTALL_FAILED"
    http_status = 500
    default_hint = (
        "`crnn-ocr models list` shows the folder of the packs; check its permissions and free space."
    )


class ModelsBusyError(OcrError):
    """All places for models named by requests are taken, or the model is still being loaded."""

    code = "MODELS_BUSY"
    http_status = 503
    default_hint = "Try again soon, or leave out `model`: the active model is always available."


class ModelSwitchError(OcrError):
    """The model cannot become the active one; the service keeps the current one."""

    code = "MODEL_SWITCH_FAILED"
    http_status = 409
    default_hint = "`crnn-ocr models verify NAME` shows what is wrong with the pack."


class ModelSwitchForbiddenError(OcrError):
    """Switching the model needs an API key or, if the service has none, a request from the same machine."""

    code = "MODEL_SWITCH_FORBIDDEN"
    http_status = 403
    default_hint = "Give the service API keys, or run `crnn-ocr models use NAME` on the same machine."


class ModelSwitchRunningError(OcrError):
    """The service is already switching to another model."""

    code = "MODEL_SWITCH_RUNNING"
    http_status = 409
    default_hint = "Wait until it is done: GET /models shows which model is active."


class NotReadyError(OcrError):
    """The service is running, but its model is not loaded yet."""

    code = "NOT_READY"
    http_status = 503
    default_hint = "Wait a moment and try again; if it does not become ready, see the log."


class MissingExtraError(OcrError):
    """The input needs an optional dependency that is not installed."""

    code = "EXTRA_MISSING"
    http_status = 501
    default_hint = "Install the extra that the message names, for example: pip install 'crnn-ocr[pdf]'."


class SettingsError(OcrError):
    """The value of a setting (environment variable) is not valid."""

    code = "SETTINGS_INVALID"
    http_status = 500
    default_hint = "docs/settings.md lists every setting with its values."


# ---- training ----------------------------------------------------------------------------------------


class TrainingError(OcrError):
    """Training cannot use a corpus, font, checkpoint, teacher or setting."""

    code = "TRAINING_INVALID"
    http_status = 500
    default_hint = "docs/training.md describes what every step of the training needs."
