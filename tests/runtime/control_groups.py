"""Control groups as the kernel shows them, in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from crnn_ocr.runtime import cgroups


class ControlGroups:
    """A machine's control groups, and the one that this process is in."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._mounts: list[str] = []
        monkeypatch.setattr(cgroups, "_PROC", folder)

    def join(self, *groups: str) -> None:
        """Be in these groups, each like "0::/a/b" (v2) or "4:cpu,cpuacct:/a/b" (v1)."""
        (self.folder / "cgroup").write_text("\n".join(groups) + "\n", encoding="utf-8")

    def mount(self, name: str, *, root: str = "/", controllers: str = "") -> Path:
        """Mount a hierarchy, of v1 if it has controllers, and return its folder."""
        at = self.folder / "sys fs" / name  # a blank, which mountinfo escapes
        at.mkdir(parents=True)
        kind = f"cgroup cgroup rw,{controllers}" if controllers else "cgroup2 cgroup2 rw"
        path = str(at).replace(" ", "\\040")
        self._mounts.append(f"31 23 0:28 {root} {path} rw,relatime shared:9 - {kind}")
        text = "\n".join(["22 1 8:1 / / rw - ext4 /dev/vda rw", *self._mounts])
        (self.folder / "mountinfo").write_text(text + "\n", encoding="utf-8")
        return at


def write(group: Path, **files: str) -> None:
    """Write the files of a group, whose names have one dot, which is an underscore pair here."""
    group.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (group / name.replace("__", ".")).write_text(content + "\n", encoding="ascii")
