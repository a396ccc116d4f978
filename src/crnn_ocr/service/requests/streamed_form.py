"""Reads large bodies piece by piece: the files of a form, or the whole body, are never held in memory.

`forms` keeps small forms in memory; here a file is read by whoever stores it. Both use Werkzeug's multipart
decoder, for the reasons given there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

from crnn_ocr.errors import BadRequestError, BodyTooLargeError
from crnn_ocr.service.requests.body import PIECE, body_pieces

#: Longest text field, in bytes; together with the number of parts it bounds the memory that a form takes.
_LONGEST_TEXT = 64 * 1024


@dataclass(frozen=True, slots=True)
class FormText:
    """A text field of a form."""

    name: str
    value: str


class BodyStream:
    """The body of a request as a stream, which can be read once."""

    def __init__(self, request: Request) -> None:
        self._pieces = _pieces(request)
        self._rest = b""

    def read(self, size: int, /) -> bytes:
        """Read up to that many bytes; none at the end.

        Raises:
            OcrError: The body ends early, is too large or arrives too slowly.
        """
        if not self._rest:
            self._rest = next(self._pieces, b"")
        piece, self._rest = self._rest[:size], self._rest[size:]
        return piece


class FormFile:
    """A file of a form as a stream; it can be read until the next part is asked for."""

    def __init__(self, name: str, filename: str, form: StreamedForm) -> None:
        self.name = name
        self.filename = filename
        self._form = form
        self._rest = b""

    def read(self, size: int, /) -> bytes:
        """Read up to that many bytes; none at the end.

        Raises:
            OcrError: The form is malformed, ends early, is too large or arrives too slowly.
        """
        while not self._rest and (piece := self._form.next_data()) is not None:
            self._rest = piece
        piece, self._rest = self._rest[:size], self._rest[size:]
        return piece


class StreamedForm:
    """The fields and files of a multipart body, in the order in which they arrive."""

    def __init__(self, request: Request, *, most_parts: int) -> None:
        """Prepare; nothing is read yet.

        Args:
            request: The request, whose body is multipart/form-data.
            most_parts: Most fields and files together.

        Raises:
            BadRequestError: It names no boundary.
        """
        try:
            boundary = request.mimetype_params.get("boundary", "").encode("ascii")
        except UnicodeEncodeError:
            boundary = b""
        if not boundary:
            raise _malformed()
        # What the decoder holds back are headers of one part, or the beginning of a boundary.
        self._decoder = MultipartDecoder(boundary, 2 * PIECE, max_parts=most_parts)
        self._pieces = _pieces(request)
        self._in_part = False

    def __iter__(self) -> Iterator[FormText | FormFile]:
        """Yield the parts; what is left unread of a file is passed over.

        Raises:
            OcrError: The form is malformed, ends early, is too large or arrives too slowly.
        """
        while not isinstance(event := self._next(), Epilogue):
            if not isinstance(event, Field | File):
                continue
            if not isinstance(event.name, str):
                raise _malformed()
            self._in_part = True
            if isinstance(event, File):
                yield FormFile(event.name, event.filename, self)
                while self.next_data() is not None:
                    pass
            else:
                yield FormText(event.name, self._text())

    def _text(self) -> str:
        text = bytearray()
        while (piece := self.next_data()) is not None:
            text += piece
            if len(text) > _LONGEST_TEXT:
                raise _too_large()
        return text.decode("utf-8", "replace")

    def next_data(self) -> bytes | None:
        """Return the next bytes of the part that is being read; None at its end."""
        if not self._in_part:
            return None
        event = self._next()
        if not isinstance(event, Data):
            raise _malformed()
        self._in_part = event.more_data
        return event.data

    def _next(self) -> Event:
        try:
            while isinstance(event := self._decoder.next_event(), NeedData):
                self._feed()
        except ValueError:
            raise _malformed() from None
        except RequestEntityTooLarge:  # of the decoder, that parts are too many
            raise _too_large() from None
        return event

    def _feed(self) -> None:
        piece = next(self._pieces, None)  # the body's own errors are not those of the decoder
        try:
            self._decoder.receive_data(piece)
        except RequestEntityTooLarge:  # headers of a part that are longer than two pieces
            raise _too_large() from None


def _pieces(request: Request) -> Iterator[bytes]:
    try:
        yield from body_pieces(request)
    except OSError:  # of the connection; whoever stores the body must not take it for one of the disk
        raise BadRequestError("The body of the request broke off.") from None
    except RequestEntityTooLarge:
        raise BodyTooLargeError(
            f"The body of the request is larger than {request.max_content_length} bytes."
        ) from None


def _malformed() -> BadRequestError:
    return BadRequestError("The multipart body is malformed: no boundary, or it ends early.")


def _too_large() -> BodyTooLargeError:
    return BodyTooLargeError("The form has too many parts, or a text field that is too long.")
