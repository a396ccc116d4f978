"""The errors of the product: one tree, each with a stable code, an HTTP status and a hint.

A code never changes once released (`docs/errors.md` lists them all). The message says what is wrong with
*this* input; the hint says what to do about it. Neither ever holds picture content or recognised text.
"""

from __future__ import annotations

from typing import ClassVar


class OcrError(Exception):
    """A fault of the product itself; also the base of every error below.

    Attributes:
        code: Stable upper-case identifier, part of the API contract.
        http_status: The status that the REST API answers with.
        message: One sentence about this very input.
        hint: One sentence that tells what to do.
        retry_after: Seconds after which the same request may succeed; None where waiting does not help.
    """

    code: ClassVar[str] = "INTERNAL_ERROR"
    http_status: ClassVar[int] = 500
    default_hint: ClassVar[str] = "Try again; if it happens again, report it with the request id."

    def __init__(self, message: str, *, hint: str | None = None, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = self.default_hint if hint is None else hint
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[object, ...]:
        """Survive pickling (worker processes) with message and hint intact."""
        return _rebuild, (type(self), self.message, self.hint, self.retry_after)


def _rebuild(cls: type[OcrError], message: str, hint: str, retry_after: int | None) -> OcrError:
    return cls(message, hint=hint, retry_after=retry_after)


# ---- the picture -------------------------------------------------------------------------------------


class ImageEmptyError(OcrError):
    """No bytes at all."""

    code = "IMAGE_EMPTY"
    http_status = 400
    default_hint = "Send the bytes of a picture: JPG, PNG, BMP, GIF, TIFF or WebP."


class ImageDecodeError(OcrError):
    """The bytes claim to be a picture but cannot be decoded."""

    code = "IMAGE_DECODE_FAILED"
    http_status = 422
    default_hint = "The file seems damaged or cut short: open it in a viewer, save it again and retry."


class UnsupportedImageError(OcrError):
    """The bytes are not a picture of a supported type."""

    code = "IMAGE_TYPE_UNSUPPORTED"
    http_status = 415
    default_hint = "Send JPG, PNG, BMP, GIF, TIFF or WebP (PDF where the server has the extra `pdf`)."


class ImageTooLargeError(OcrError):
    """More bytes, pixels, side length or pages than allowed, or a decoder that needs too much memory."""

    code = "IMAGE_TOO_LARGE"
    http_status = 413
    default_hint = "Scale the picture down or cut it into parts; the limits are settings of the server."


class PdfPasswordError(OcrError):
    """The PDF is encrypted."""

    code = "PDF_PASSWORD_REQUIRED"
    http_status = 422
    default_hint = "Remove the password from the PDF and send it again."


# ---- the request -------------------------------------------------------------------------------------


class BadRequestError(OcrError):
    """The request cannot be understood."""

    code = "BAD_REQUEST"
    http_status = 400
    default_hint = "See /docs for the three forms in which a picture can be sent."


class InvalidJsonError(BadRequestError):
    """The body is not the JSON that was announced."""

    code = "JSON_INVALID"


class InvalidBase64Error(BadRequestError):
    """The field `image` is not base64."""

    code = "BASE64_INVALID"
    default_hint = (
        'Encode the picture with standard base64, with or without a "data:image/...;base64," prefix.'
    )


class MissingImageError(BadRequestError):
    """There is no picture in the request."""

    code = "IMAGE_MISSING"
    default_hint = 'Send JSON {"image": "<base64>"}, a multipart field `image`, or a raw image body.'


class InvalidOptionError(OcrError):
    """An option that does not exist, or a value that it cannot take."""

    code = "OPTION_INVALID"
    http_status = 422
    default_hint = "GET /options lists every option with its values."


class BodyTooLargeError(OcrError):
    """The request body exceeds the limit."""

    code = "BODY_TOO_LARGE"
    http_status = 413
    default_hint = "Send a smaller file; the limit is the server's setting CRNN_OCR_MAX_BODY_BYTES."


class BatchTooLargeError(OcrError):
    """More pictures in one request than the limit."""

    code = "BATCH_TOO_LARGE"
    http_status = 413
    default_hint = "Send several smaller batches; the limit is the server's setting CRNN_OCR_BATCH_MAX_ITEMS."


class UnsupportedMediaTypeError(OcrError):
    """The Content-Type or the Content-Encoding of the request is none that the route takes."""

    code = "MEDIA_TYPE_UNSUPPORTED"
    http_status = 415
    default_hint = "Use application/json, multipart/form-data or image/*."


class NotFoundError(OcrError):
    """No such route."""

    code = "NOT_FOUND"
    http_status = 404
    default_hint = "See /docs for the routes."


class MethodNotAllowedError(OcrError):
    """The route exists, but not for this method."""

    code = "METHOD_NOT_ALLOWED"
    http_status = 405
    default_hint = "See /docs for the methods of each route."


class DeadlineExceededError(OcrError):
    """The answer was not ready within the time that the request has."""

    code = "DEADLINE_EXCEEDED"
    http_status = 504
    default_hint = "Send a smaller picture or fewer pages, or try again when the server is less busy."


class RequestCancelledError(OcrError):
    """The request was cancelled, mostly because the client is gone; the status is seen in logs alone."""

    code = "REQUEST_CANCELLED"
    http_status = 499
    default_hint = "Send the request again if its answer is still wanted."


# ---- the door ----------------------------------------------------------------------------------------


class UnauthorizedError(OcrError):
    """The request has no API key, or none that the service knows."""

    code = "UNAUTHORIZED"
    http_status = 401
    default_hint = "Send a key that the operator gave you: `Authorization: Bearer KEY` or `X-API-Key: KEY`."


class HostNotAllowedError(OcrError):
    """The request names another host than the one that it has reached, and the service has no API keys."""

    code = "HOST_NOT_ALLOWED"
    http_status = 403
    default_hint = (
        "Ask http://localhost or http://127.0.0.1. For other names give the service API keys, or set "
        "CRNN_OCR_ALLOW_ANONYMOUS=true where everybody who can reach it may use it."
    )


class OriginNotAllowedError(OcrError):
    """The request comes from a page of another site, and the service has no API keys."""

    code = "ORIGIN_NOT_ALLOWED"
    http_status = 403
    default_hint = "The operator may name the page's origin in CRNN_OCR_CORS_ORIGINS."


class UploadTimeoutError(OcrError):
    """The body of the request arrives too slowly."""

    code = "UPLOAD_TIMEOUT"
    http_status = 408
    default_hint = "Send the request again over a faster connection, or a smaller file."


class RateLimitedError(OcrError):
    """This client has sent more requests than it may in so short a time."""

    code = "RATE_LIMITED"
    http_status = 429
    default_hint = "Wait as many seconds as the header Retry-After says; RateLimit-* tell the allowance."


class OverloadedError(OcrError):
    """The service has accepted as much work as it can do in good time."""

    code = "OVERLOADED"
    http_status = 503
    default_hint = "Send the request again after as many seconds as the header Retry-After says."


class WorkerLostError(OcrError):
    """The process that worked on the request has ended, for example for lack of memory."""

    code = "WORKER_LOST"
    http_status = 503
    default_hint = "Send the request again: another process takes its place."


class UrlInputDisabledError(OcrError):
    """The request names a URL, and this service does not fetch pictures."""

    code = "URL_INPUT_DISABLED"
    http_status = 403
    default_hint = "Send the picture itself; fetching is the server's setting CRNN_OCR_FETCH_URLS."


class UrlNotAllowedError(OcrError):
    """The URL leads to a place from which this service does not fetch."""

    code = "URL_NOT_ALLOWED"
    http_status = 403
    default_hint = "Use an http or https URL of a public host, or send the picture itself."


class UrlFetchError(OcrError):
    """The picture could not be fetched from its URL."""

    code = "URL_FETCH_FAILED"
    http_status = 422
    default_hint = "Open the URL yourself to see whether it shows the picture, or send the picture itself."


# ---- the model and the installation ------------------------------------------------------------------


class ModelNotFoundError(OcrError):
    """No model pack of that name."""

    code = "MODEL_NOT_FOUND"
    http_status = 404
    default_hint = "The message names the packs that are installed."


class ModelBrokenError(OcrError):
    """A model pack whose files do not match its manifest, or that cannot be loaded."""

    code = "MODEL_BROKEN"
    http_status = 503
    default_hint = "Install the pack again: its files are not those that its manifest describes."


class ModelInstallError(OcrError):
    """A model pack cannot be added or removed."""

    code = "MODEL_INSTALL_FAILED"
    http_status = 500
    default_hint = (
        "`crnn-ocr models list` names the folder of the packs; check its permissions and free space."
    )


class ModelsBusyError(OcrError):
    """All places for models that requests name are taken, or the model is still being loaded."""

    code = "MODELS_BUSY"
    http_status = 503
    default_hint = "Try again soon, or leave `model` out: the active model always has its place."


class ModelSwitchError(OcrError):
    """The model cannot become the active one; the service goes on with the one that it has."""

    code = "MODEL_SWITCH_FAILED"
    http_status = 409
    default_hint = "`crnn-ocr models verify NAME` tells what is wrong with a pack."


class ModelSwitchForbiddenError(OcrError):
    """The active model may be switched with an API key, or where there are no keys from the same machine."""

    code = "MODEL_SWITCH_FORBIDDEN"
    http_status = 403
    default_hint = "Give the service API keys, or ask it from its own machine: `crnn-ocr models use NAME`."


class ModelSwitchRunningError(OcrError):
    """Another model is just being made the active one."""

    code = "MODEL_SWITCH_RUNNING"
    http_status = 409
    default_hint = "Wait until it is done: GET /models tells which one is active."


class NotReadyError(OcrError):
    """The service runs but its model is not loaded yet."""

    code = "NOT_READY"
    http_status = 503
    default_hint = "Wait a moment and ask again; the log tells more if it does not become ready."


class MissingExtraError(OcrError):
    """The input needs an optional dependency that is not installed."""

    code = "EXTRA_MISSING"
    http_status = 501
    default_hint = "Install the extra that the message names, for example: pip install 'crnn-ocr[pdf]'."


class SettingsError(OcrError):
    """A setting (environment variable) has a value that it cannot take."""

    code = "SETTINGS_INVALID"
    http_status = 500
    default_hint = "docs/settings.md lists every setting with its values."


# ---- training ----------------------------------------------------------------------------------------


class TrainingError(OcrError):
    """A corpus, font, checkpoint, teacher or setting that training cannot use."""

    code = "TRAINING_INVALID"
    http_status = 500
    default_hint = "docs/training.md describes what every step of the training needs."
