"""Errors of a request."""

from __future__ import annotations

from crnn_ocr.errors.base import OcrError


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
