"""An answer with a file, whose bytes are read piece by piece."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from email.message import Message

_PIECE = 256 * 1024


class FileAnswer:
    """An answer with a file: its name, its type, its bytes."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        """Take a response whose body has not been read."""
        self._response = response
        disposition = Message()
        disposition["Content-Disposition"] = response.getheader("Content-Disposition") or "attachment"
        name = (disposition.get_filename() or "").replace("\\", "/").rpartition("/")[2].lstrip(".")
        #: Name of the file, without folders: what a server says never leads out of the folder of the caller.
        self.name = "".join(sign for sign in name if sign.isprintable()) or "result"
        #: What it is, without parameters.
        self.media_type = (response.getheader("Content-Type") or "").partition(";")[0].strip()

    def pieces(self) -> Iterator[bytes]:
        """Yield the bytes.

        Raises:
            IncompleteRead: The answer ends early.
        """
        while piece := self._response.read(_PIECE):
            yield piece
        if self._response.length:  # `read` with a size does not complain
            raise http.client.IncompleteRead(b"", self._response.length)
