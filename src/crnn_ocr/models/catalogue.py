"""What there is on disk now: packs with a stamp that tells whether their files have changed.

Folders are watched by looking: a stamp is the time, size and identity of every file of a pack, so telling
whether anything has changed takes a few `stat` calls, and nothing is read or hashed twice.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from crnn_ocr.errors import ModelBrokenError
from crnn_ocr.models.registry import Pack, Registry

#: A pack that is in use is looked at so often, in seconds.
RECHECK_S = 1.0

FileStamp = tuple[int, int, int, int]
"""Modification time in nanoseconds, size in bytes, inode and device."""

Stamp = tuple[FileStamp, ...]
"""Of a pack's manifest and files. Another stamp: other files, or the same ones written again."""


@dataclass(frozen=True, slots=True)
class PackSnapshot:
    """A pack as it lies on disk at one moment."""

    pack: Pack
    stamp: Stamp

    @property
    def name(self) -> str:
        """The pack's name."""
        return self.pack.manifest.name


@dataclass(frozen=True, slots=True)
class Listing:
    """What can be used, and what cannot and why.

    Attributes:
        packs: Whole packs, sorted by name.
        broken: Folders that look like packs but are not whole, for example because they are still being
            copied, with the reason.
    """

    packs: tuple[Pack, ...]
    broken: tuple[tuple[Path, str], ...]


class Catalogue:
    """Pack snapshots by name, and the list of all packs; may be asked by several threads at once."""

    def __init__(self, registry: Registry, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Look into a registry's folders; the clock tells seconds and never goes back."""
        self._registry = registry
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str | None], tuple[float, PackSnapshot]] = {}
        self._verified: dict[Path, tuple[Stamp, str | None]] = {}

    def find(self, name: str, kind: str | None, *, fresh: bool = False) -> PackSnapshot:
        """The pack of that name or alias.

        Args:
            name: Of the pack.
            kind: What it has to be, as manifests name it; None: whatever it is.
            fresh: Look now; else an answer that is less than `RECHECK_S` old will do.

        Raises:
            ModelNotFoundError: There is none.
            ModelBrokenError: Its manifest cannot be used, or a file is missing.
        """
        key = (name, kind)
        now = self._clock()
        with self._lock:
            looked, snapshot = self._known.get(key, (0.0, None))
        if snapshot is not None and not fresh and now - looked < RECHECK_S:
            return snapshot
        try:
            snapshot = self._look(name, kind)
        except Exception:
            with self._lock:
                self._known.pop(key, None)
            raise
        with self._lock:
            self._known[key] = now, snapshot
        return snapshot

    def _look(self, name: str, kind: str | None) -> PackSnapshot:
        """Manifest and stamp of the same moment: a pack that is replaced in between is looked at again."""
        pack = self._registry.find(name, kind)
        while True:
            stamp = stamp_of(pack)
            again = self._registry.find(name, kind)
            if again == pack:
                return PackSnapshot(pack, stamp)
            pack = again

    def listing(self) -> Listing:
        """All packs; each one's files are compared with its manifest once, and again when they change."""
        packs: list[Pack] = []
        broken: list[tuple[Path, str]] = []
        for pack in self._registry.packs():
            problem = self.problem(pack)
            if problem is None:
                packs.append(pack)
            else:
                broken.append((pack.folder, problem))
        for folder in self._registry.broken():
            try:
                self._registry.at(folder)
            except ModelBrokenError as error:
                broken.append((folder, error.message))
        with self._lock:
            folders = {pack.folder for pack in packs} | {folder for folder, _ in broken}
            self._verified = {key: value for key, value in self._verified.items() if key in folders}
        return Listing(tuple(packs), tuple(sorted(broken)))

    def problem(self, pack: Pack) -> str | None:
        """What about the pack's files differs from its manifest; None where they are whole."""
        try:
            stamp = stamp_of(pack)
        except ModelBrokenError as error:
            return error.message
        with self._lock:
            known = self._verified.get(pack.folder)
        if known is not None and known[0] == stamp:
            return known[1]
        try:
            pack.verify()
            problem = None
        except ModelBrokenError as error:
            problem = error.message
        except OSError as error:  # it went away while it was read
            return f"pack {pack.manifest.name!r} cannot be read: {error.strerror}"
        with self._lock:
            self._verified[pack.folder] = stamp, problem
        return problem


def stamp_of(pack: Pack) -> Stamp:
    """The stamp of a pack's files as they are now.

    Raises:
        ModelBrokenError: One of them is missing.
    """
    paths = [pack.folder / "manifest.json", *(pack.locate(file) for file in pack.files())]
    try:
        found = [path.stat() for path in paths]
    except OSError as error:
        raise ModelBrokenError(f"pack {pack.manifest.name!r}: {error.filename} is missing") from error
    return tuple((one.st_mtime_ns, one.st_size, one.st_ino, one.st_dev) for one in found)
