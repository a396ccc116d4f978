"""A file that is read from its disk wherever it is needed, instead of being held in memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

#: Bytes from which `formats.sniff` tells every format, and what else a file may be.
_HEAD = 4096


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that nobody changes while it is read. Its length is that of its content.

    A PDF or TIFF of hundreds of megabytes would otherwise be in memory twice, here and in its process.

    Attributes:
        path: Where it is.
    """

    path: Path

    def __len__(self) -> int:
        """Return its bytes."""
        return self.path.stat().st_size

    def head(self) -> bytes:
        """Return its beginning, which tells its format."""
        with self.path.open("rb") as stream:
            return stream.read(_HEAD)

    def content(self, most: int) -> bytes:
        """Return its content; of a file above the limit, one byte more than the limit."""
        with self.path.open("rb") as stream:
            return stream.read(most + 1)
