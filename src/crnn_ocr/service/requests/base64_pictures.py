"""Decodes the picture in a JSON field: base64, alone or in a data URL. Pure functions."""

from __future__ import annotations

import binascii
import re
import string

from crnn_ocr.errors import ImageEmptyError, InvalidBase64Error, UnsupportedImageError

_DATA_URL = re.compile(r"\s*data:(?P<kind>[^,]{0,256}),", re.IGNORECASE)
_URL_SAFE = (string.ascii_letters + string.digits + "-_=").encode()
_WHITE_SPACE = b" \t\r\n\f\v"
_OTHER_KINDS = ("application/pdf", "application/zip", "application/octet-stream")


def decode_picture_field(value: object, field: str = "image") -> bytes:
    """Decode the text of a JSON field into the bytes of the file.

    The alphabet is standard base64 with padding (RFC 4648, section 4); white space is skipped because
    encoders wrap lines. Data URLs (RFC 2397) must be in base64 and announce a picture, a PDF or nothing; the
    decoder finds out what the bytes really are.

    Args:
        value: Value of the field in the parsed JSON.
        field: Its name, for messages.

    Raises:
        InvalidBase64Error: It is not text, not base64, or a URL.
        UnsupportedImageError: It is a data URL of something other than a picture.
        ImageEmptyError: It holds no bytes.
    """
    if not isinstance(value, str):
        raise InvalidBase64Error(f"The field {field!r} must be text, not {_json_type(value)}.")
    data_url = _DATA_URL.match(value)
    if data_url is not None:
        _check_kind(data_url["kind"])
        value = value[data_url.end() :]
    elif value[:8].lower().startswith(("http://", "https://")):
        raise InvalidBase64Error(f"The field {field!r} is a URL, which has its own field 'image_url'.")
    try:
        compact = value.encode("ascii").translate(None, _WHITE_SPACE)
        if (b"-" in compact or b"_" in compact) and not compact.translate(None, _URL_SAFE):
            raise InvalidBase64Error(
                f"The field {field!r} is base64 in the URL-safe alphabet ('-' and '_'), not the standard one "
                "('+' and '/').",
                hint="Use the standard alphabet: replace '-' by '+' and '_' by '/', and pad with '='.",
            )
        if len(compact) % 4:
            raise binascii.Error("Incorrect padding")
        data = binascii.a2b_base64(compact, strict_mode=True)
    except UnicodeEncodeError:
        raise InvalidBase64Error(f"The field {field!r} holds characters that base64 does not use.") from None
    except binascii.Error as error:
        raise InvalidBase64Error(f"The field {field!r} is not base64: {_reason(error)}.") from None
    if not data:
        raise ImageEmptyError(f"The field {field!r} is empty.")
    return data


def is_picture_type(media_type: str) -> bool:
    """Return whether a media type can announce a picture: image/*, PDF, or bytes of unknown kind."""
    return media_type.startswith("image/") or media_type in _OTHER_KINDS


def _check_kind(kind: str) -> None:
    media_type, *parameters = (part.strip().lower() for part in kind.split(";"))
    if media_type and not is_picture_type(media_type):
        raise UnsupportedImageError(f"The data URL holds {media_type[:80]!r}, not a picture.")
    if "base64" not in parameters:
        raise InvalidBase64Error('The data URL is not base64: it lacks ";base64" before the comma.')


def _reason(error: binascii.Error) -> str:
    text = str(error)
    if "padding" in text.lower():
        return "its length or its padding (=) is wrong"
    if "non-base64" in text.lower():
        return "it holds characters that base64 does not use"
    return text[:1].lower() + text[1:]


def _json_type(value: object) -> str:
    names = {type(None): "null", bool: "true or false", int: "a number", float: "a number", list: "a list"}
    return names.get(type(value), "an object")
