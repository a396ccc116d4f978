"""Bodies of requests that send files from the disk piece by piece (multipart forms, RFC 7578)."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from crnn_ocr.client.errors import UploadFileError

_PIECE = 256 * 1024


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that is sent.

    Attributes:
        name: Name that the server shows.
        content: Its bytes, or where they are.
        size: Number of its bytes.
    """

    name: str
    content: bytes | Path
    size: int

    @classmethod
    def of_path(cls, path: Path) -> Upload:
        """Return a file of the disk, which is not opened yet.

        Raises:
            OSError: There is none.
        """
        with path.open("rb") as file:  # whether it may be read is told now, not in the middle of sending
            size = file.seek(0, 2)
        return cls(path.name, path, size)

    def pieces(self) -> Iterator[bytes]:
        """Yield its bytes.

        Raises:
            UploadFileError: It cannot be read, or has another size now.
        """
        if isinstance(self.content, bytes):
            yield self.content
            return
        left = self.size
        try:
            with self.content.open("rb") as file:
                while left and (piece := file.read(min(_PIECE, left))):
                    left -= len(piece)
                    yield piece
        except OSError as error:
            raise UploadFileError(f"{self.content}: {error.strerror or error}.") from None
        if left:
            raise UploadFileError(f"{self.content} became shorter while it was sent.")


class FormBody:
    """The body of a form with files; it can be sent several times."""

    def __init__(self, files: Sequence[Upload], fields: Mapping[str, str]) -> None:
        """Prepare a body.

        Args:
            files: The files, in fields `file`.
            fields: Text fields, which come first, so that the server checks them first.
        """
        self._boundary = secrets.token_hex(16)
        self._files = files
        self._fields = fields
        heads = [self._field_head(name) + value.encode() + b"\r\n" for name, value in fields.items()]
        self._texts = b"".join(heads)
        self._heads = [self._file_head(file.name) for file in files]
        self._end = f"--{self._boundary}--\r\n".encode()
        sizes = sum(len(head) + file.size + 2 for head, file in zip(self._heads, files, strict=True))
        #: Number of bytes.
        self.length = len(self._texts) + sizes + len(self._end)

    @property
    def media_type(self) -> str:
        """Value of the Content-Type header."""
        return f"multipart/form-data; boundary={self._boundary}"

    def __iter__(self) -> Iterator[bytes]:
        if self._texts:
            yield self._texts
        for head, file in zip(self._heads, self._files, strict=True):
            yield head
            yield from file.pieces()
            yield b"\r\n"
        yield self._end

    def _field_head(self, name: str) -> bytes:
        return f'--{self._boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode()

    def _file_head(self, name: str) -> bytes:
        # As browsers escape it (HTML standard, "multipart/form-data encoding algorithm").
        quoted = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
        disposition = f'Content-Disposition: form-data; name="file"; filename="{quoted}"'
        head = f"--{self._boundary}\r\n{disposition}\r\nContent-Type: application/octet-stream\r\n\r\n"
        return head.encode("utf-8", "replace")
