"""Where a service keeps the little that its processes share."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def folders(memory: Path) -> Iterator[Path]:
    """Folders that may take temporary files, the best first: in memory, then on a disk."""
    if os.access(memory, os.W_OK):
        yield memory
    with suppress(OSError):  # it tries out all that the system names
        yield Path(tempfile.gettempdir())
