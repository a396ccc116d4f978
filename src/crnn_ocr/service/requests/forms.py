"""Parses forms in memory, within bounds.

Werkzeug's own parser keeps all headers of all parts, bounds no fields that are not multipart, and makes an
object of every escape in them: a form of 32 MiB took 1.4 GiB. Here only its multipart decoder is used, and
what people send is never written to a disk.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from flask import Request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from crnn_ocr.errors import BadRequestError, BodyTooLargeError, InvalidBase64Error
from crnn_ocr.service.requests.body import PIECE, body_pieces, read_body
from crnn_ocr.service.requests.json_text import LONG

#: Usual number of fields and files.
MOST_PARTS = 64
#: Longest text field, in bytes, where it is no picture.
_LONGEST_TEXT = 500_000


@dataclass(frozen=True, slots=True)
class Form:
    """The content of a form: texts and files by the names of their fields."""

    fields: MultiDict[str, str]
    files: MultiDict[str, bytes]


def read_form(request: Request, *, most_parts: int = MOST_PARTS, picture_texts: bool = False) -> Form:
    """Read the form in a request.

    Args:
        request: The request, whose body is multipart/form-data or application/x-www-form-urlencoded.
        most_parts: Most fields and files together.
        picture_texts: Whether a text field may be a picture, as long as the whole body.

    Raises:
        BodyTooLargeError: It has more parts, or a text field that is too long.
        BadRequestError: It is malformed.
        InvalidBase64Error: A text field as long as a picture holds other characters.
    """
    if request.mimetype == "application/x-www-form-urlencoded":
        return Form(MultiDict(_urlencoded(read_body(request), most_parts)), MultiDict())
    form = Form(MultiDict(), MultiDict())
    longest = request.max_content_length if picture_texts else _LONGEST_TEXT
    try:
        boundary = request.mimetype_params.get("boundary", "").encode("ascii")
        if not boundary:
            raise ValueError("no boundary")
        for part, content in _parts(request, boundary, most_parts, longest):
            if isinstance(part, File):
                form.files.add(part.name, bytes(content))
            else:
                form.fields.add(part.name, _text(bytes(content)))
    except ValueError:
        raise BadRequestError("The multipart body is malformed: no boundary, or it ends early.") from None
    except RequestEntityTooLarge:  # of the decoder
        raise _too_large() from None
    return form


def _parts(
    request: Request, boundary: bytes, most: int, longest: int | None
) -> Iterator[tuple[Field | File, bytearray]]:
    # What the decoder holds back are headers of one part, or the beginning of a boundary.
    decoder = MultipartDecoder(boundary, 2 * PIECE, max_parts=most)
    part: Field | File | None = None
    content = bytearray()
    pieces = body_pieces(request)
    while not decoder.complete:
        decoder.receive_data(next(pieces, None))
        while not isinstance(event := decoder.next_event(), NeedData | Epilogue):
            if isinstance(event, Field | File):
                if not isinstance(event.name, str):
                    raise ValueError("a field without a name")
                part, content = event, bytearray()
            elif isinstance(event, Data) and part is not None:
                content += event.data
                if isinstance(part, Field) and longest is not None and len(content) > longest:
                    raise _too_large()
                if not event.more_data:
                    yield part, content


def _urlencoded(body: bytes, most: int) -> Iterator[tuple[str, str]]:
    if body.count(b"&") >= most:
        raise _too_large()
    for field in body.split(b"&"):
        if field:
            name, _, value = field.partition(b"=")
            yield _text(_unquote(name)), _text(_unquote(value))


def _unquote(quoted: bytes) -> bytes:
    """Resolve the escapes, piece by piece, because each becomes an object for a moment."""
    quoted = quoted.replace(b"+", b" ")
    plain = bytearray()
    start = 0
    while start < len(quoted):
        end = start + PIECE
        escape = quoted.find(b"%", end - 2, end)  # it must not be cut
        end = end if escape < 0 else escape
        plain += unquote_to_bytes(quoted[start:end])
        start = end
    return bytes(plain)


def _text(data: bytes) -> str:
    if len(data) > LONG and not data.isascii():  # it would take up to four times as much
        raise InvalidBase64Error("A field of the form is a picture with characters that base64 does not use.")
    return data.decode("utf-8", "replace")


def _too_large() -> BodyTooLargeError:
    return BodyTooLargeError("The form has too many parts, or a text field that is too long.")
