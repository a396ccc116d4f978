"""Starts programs inside a memory limit that the kernel enforces, and counts what it kills there."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from crnn_ocr.runtime.cgroups import groups, number

_GONE_S = 30
_LIMITS = ("memory.max", "memory.limit_in_bytes")  # of cgroup v2 and v1
_COUNTS = ("memory.events", "memory.oom_control")


class NoGroupError(Exception):
    """No control group can be made here."""


@dataclass(frozen=True)
class MemoryGroup:
    """A control group below that of this process.

    Attributes:
        folder: its files.
    """

    folder: Path

    def inside(self, command: Sequence[str]) -> list[str]:
        """Return a command that enters the group and becomes the given one."""
        return ["sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', str(self.folder), *command]

    @property
    def kills(self) -> int:
        """How many processes of it the kernel has killed because memory ran out."""
        for name in _COUNTS:
            with contextlib.suppress(OSError):
                for row in (self.folder / name).read_text(encoding="ascii").splitlines():
                    kind, _, count = row.partition(" ")
                    if kind == "oom_kill":
                        return int(count)
        raise NoGroupError(f"{self.folder} does not count kills.")

    @property
    def used(self) -> int:
        """Bytes that it takes now, cached files included."""
        return number(self.folder / "memory.current", self.folder / "memory.usage_in_bytes") or 0


@contextlib.contextmanager
def memory_group(limit: int) -> Iterator[MemoryGroup]:
    """Make a group with a limit, and remove it in the end; swap is off where it can be.

    Args:
        limit: Bytes.

    Raises:
        NoGroupError: This process may not make one, or the kernel has none; it usually takes root.
    """
    own = next(iter(groups("memory")), None)
    if own is None:
        raise NoGroupError("This system has no control groups for memory.")
    try:
        folder = Path(tempfile.mkdtemp(prefix="crnn-ocr-", dir=own))
    except OSError as error:
        raise NoGroupError(f"No group can be made in {own}: {error.strerror}.") from None
    group = MemoryGroup(folder)
    try:
        _limit(folder, limit)
        yield group
    finally:
        _remove(folder)


def _limit(folder: Path, limit: int) -> None:
    name = next((name for name in _LIMITS if (folder / name).exists()), None)
    if name is None:
        raise NoGroupError(f"{folder.parent} does not hand its memory controller on.")
    try:
        (folder / name).write_text(str(limit), encoding="ascii")
    except OSError as error:
        raise NoGroupError(f"{folder} takes no limit: {error.strerror}.") from None
    with contextlib.suppress(OSError):  # absent where there is no swap
        (folder / "memory.swap.max").write_text("0", encoding="ascii")
    with contextlib.suppress(OSError):
        (folder / "memory.memsw.limit_in_bytes").write_text(str(limit), encoding="ascii")


def _remove(folder: Path) -> None:
    """Remove a group once its last process is gone."""
    deadline = time.monotonic() + _GONE_S
    while True:
        try:
            folder.rmdir()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return
