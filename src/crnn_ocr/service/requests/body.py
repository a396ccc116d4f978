"""Reads the bytes of a request's body, within the limits."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Request, g

from crnn_ocr.errors import BadRequestError, UnsupportedMediaTypeError
from crnn_ocr.service.api.error_answers import body_too_large
from crnn_ocr.service.requests.body_budget import Slot
from crnn_ocr.service.server.reply_and_drain import mark_body_read

#: Name of the request's slot in `flask.g`.
SLOT = "slot"
#: Bytes that are read at a time.
PIECE = 64 * 1024


def refuse_early(request: Request) -> None:
    """Refuse a body that is too large or encoded, before it or the options are read.

    Raises:
        BodyTooLargeError: It announces more bytes than the limit.
        UnsupportedMediaTypeError: It has a Content-Encoding. Bodies are never decompressed, because a small
            one could become arbitrarily large.
    """
    if request.max_content_length is not None and (request.content_length or 0) > request.max_content_length:
        raise body_too_large(request)
    coding = request.headers.get("Content-Encoding", "").strip()
    if coding and coding.lower() != "identity":
        raise UnsupportedMediaTypeError(
            f"The Content-Encoding {coding[:80]!r} is not one that this route accepts.",
            hint="Send the body as it is, without compressing it.",
        )


def body_pieces(request: Request) -> Iterator[bytes]:
    """Yield the whole body in pieces: Werkzeug truncates a chunked body silently if read at once.

    Raises:
        BadRequestError: It has fewer bytes than it announces.
        OverloadedError: There is no memory for what has arrived.
    """
    slot: Slot | None = g.get(SLOT)
    expected, received = request.content_length, 0
    while expected is None or received < expected:
        piece = request.stream.read(PIECE)
        if not piece:
            break
        received += len(piece)
        if slot is not None:
            slot.make_room(received)
        yield piece
    if expected is not None and received < expected:
        raise BadRequestError(f"The body ended after {received} of {expected} bytes.")
    if slot is not None:
        slot.settle(received)
    mark_body_read()


def read_body(request: Request) -> bytes:
    """Return the whole body.

    Raises:
        BadRequestError: It has fewer bytes than it announces.
        OverloadedError: There is no memory for what has arrived.
    """
    body = bytearray()
    for piece in body_pieces(request):
        body += piece
    return bytes(body)
