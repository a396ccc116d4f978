"""Errors of a picture or document."""

from __future__ import annotations

from crnn_ocr.errors.base import OcrError


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
