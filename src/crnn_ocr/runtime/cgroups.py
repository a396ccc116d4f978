"""Finds the control groups of this process, whose limits on cores and memory all apply to it.

A limit may be set at any level: a container's is at the root that the container sees, a systemd unit's
`CPUQuota=` or a nested container's below it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

_PROC = Path("/proc/self")
_VMSTAT = Path("/proc/vmstat")
#: cgroup v1 writes a number near 2^63 for "no limit".
_UNLIMITED = 1 << 60


@dataclass(frozen=True, slots=True)
class _Mount:
    """A mounted hierarchy: the group at its top, its folder, and its controllers if it is of cgroup v1."""

    root: PurePosixPath
    at: Path
    controllers: frozenset[str]


def groups(controller: str) -> tuple[Path, ...]:
    """Return the folders of this process's groups with that controller, from its own up to the visible root.

    Hierarchies of cgroup v1 and v2 are both included, because a system may mount both.
    """
    paths = dict(_memberships())
    found: list[Path] = []
    for mount in _mounts():
        if mount.controllers and controller not in mount.controllers:
            continue
        path = paths.get(controller if mount.controllers else "")
        if path is None:
            continue
        # A group outside the mounted part is seen as that part's top, as from inside a container.
        inside = path.relative_to(mount.root) if path.is_relative_to(mount.root) else PurePosixPath()
        if ".." in inside.parts:
            inside = PurePosixPath()
        for level in (inside, *inside.parents):
            if (folder := mount.at / level) not in found:
                found.append(folder)
    return tuple(found)


def memory_limit() -> int | None:
    """Return the least memory limit of this process's groups in bytes; None without one."""
    limits = [limit for group in groups("memory") if (limit := _limit(group)) is not None]
    return min(limits, default=None)


def memory_left() -> int | None:
    """Return the bytes that this process may still take, cached files given up; None without a limit."""
    left = []
    for group in groups("memory"):
        limit, used = _limit(group), number(group / "memory.current", group / "memory.usage_in_bytes")
        if limit is not None and used is not None:
            left.append(max(0, limit - used + _cached_files(group)))
    return min(left, default=None)


def memory_kills() -> int | None:
    """Return how many processes the kernel has killed in this process's group because memory ran out.

    Without a group that counts them, those of the whole machine; None if nothing counts them.
    """
    own = groups("memory")[:1]
    files = [group / name for group in own for name in ("memory.events", "memory.oom_control")]
    for file in (*files, _VMSTAT):
        with suppress(OSError, ValueError):
            for row in file.read_text(encoding="ascii").splitlines():
                name, _, count = row.partition(" ")
                if name == "oom_kill":
                    return int(count)
    return None


def number(*files: Path) -> int | None:
    """Return the number in the first of these files that holds one; None if none does."""
    for file in files:
        try:
            return int(file.read_text(encoding="ascii"))
        except (OSError, ValueError):  # "max" is not a number
            continue
    return None


def _limit(group: Path) -> int | None:
    limit = number(group / "memory.max", group / "memory.limit_in_bytes")
    return None if limit is None or limit >= _UNLIMITED else limit


def _cached_files(group: Path) -> int:
    """Return the bytes of cached files in a group, which the kernel gives up before it kills."""
    try:
        rows = (row.split() for row in (group / "memory.stat").read_text(encoding="ascii").splitlines())
        values = {row[0]: int(row[1]) for row in rows if len(row) == 2}
    except (OSError, ValueError):
        return 0
    prefix = "total_" if "total_inactive_file" in values else ""  # of v1: with the groups below
    return sum(values.get(f"{prefix}{kind}_file", 0) for kind in ("active", "inactive"))


def _memberships() -> Iterator[tuple[str, PurePosixPath]]:
    """Yield each controller of cgroup v1, and "" for cgroup v2, with the path of this process's group."""
    for row in _rows("cgroup"):
        _, _, rest = row.partition(":")
        controllers, _, path = rest.partition(":")
        for controller in controllers.split(","):
            yield controller, PurePosixPath(path or "/")


def _mounts() -> Iterator[_Mount]:
    """Yield the mounted hierarchies; see `man 5 proc_pid_mountinfo` for the fields."""
    for row in _rows("mountinfo"):
        before, _, after = row.partition(" - ")
        fields, last = before.split(" "), after.split(" ")
        if len(fields) < 5 or len(last) < 3 or last[0] not in ("cgroup", "cgroup2"):
            continue
        controllers = frozenset(last[2].split(",")) if last[0] == "cgroup" else frozenset()
        yield _Mount(PurePosixPath(_unescaped(fields[3])), Path(_unescaped(fields[4])), controllers)


def _unescaped(path: str) -> str:
    """Return a path of mountinfo, in which blanks and the like are octal numbers."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), path)


def _rows(name: str) -> list[str]:
    try:
        return (_PROC / name).read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return []
