"""Lists the packs on disk and detects when their files change.

Folders are polled. A stamp holds the time, size and identity of every file of a pack, so detecting a change
takes a few `stat` calls, and no file is read or hashed twice.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from crnn_ocr.errors import ModelBrokenError
from crnn_ocr.models.registry import Pack, Registry

#: How often a pack in use is checked for changes, in seconds.
RECHECK_S = 1.0

FileStamp = tuple[int, int, int, int]
"""Modification time in nanoseconds, size in bytes, inode and device."""

Stamp = tuple[FileStamp, ...]
"""One entry for the manifest and each file of a pack. It differs if a file was replaced or written again."""


@dataclass(frozen=True, slots=True)
class PackSnapshot:
    """A pack and the stamp of its files, both taken at the same moment."""

    pack: Pack
    stamp: Stamp

    @property
    def name(self) -> str:
        """The pack's name."""
        return self.pack.manifest.name


@dataclass(frozen=True, slots=True)
class Listing:
    """The usable packs, and the broken ones with the reason.

    Attributes:
        packs: Complete packs, sorted by name.
        broken: Folders that look like packs but are incomplete or damaged, each with the reason. A pack that
            is still being copied is one of them.
    """

    packs: tuple[Pack, ...]
    broken: tuple[tuple[Path, str], ...]


class Catalogue:
    """Pack snapshots by name, and the list of all packs. It is safe to use from several threads."""

    def __init__(self, registry: Registry, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Use the folders of a registry.

        Args:
            registry: Finds the packs.
            clock: Returns the time in seconds; it must never go back.
        """
        self._registry = registry
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str | None], tuple[float, PackSnapshot]] = {}
        self._verified: dict[Path, tuple[Stamp, str | None]] = {}

    def find(self, name: str, kind: str | None, *, fresh: bool = False) -> PackSnapshot:
        """Return the pack with that name or alias.

        Args:
            name: Name or alias of the pack.
            kind: Kind that the pack must have, as in manifests; any kind when None.
            fresh: Look at the disk now. Otherwise an answer less than `RECHECK_S` old is returned again.

        Raises:
            ModelNotFoundError: No pack has that name and kind.
            ModelBrokenError: Its manifest is invalid, or a file is missing.
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
        """Return manifest and stamp of the same moment; look again if the pack was replaced in between."""
        pack = self._registry.find(name, kind)
        while True:
            stamp = stamp_of(pack)
            again = self._registry.find(name, kind)
            if again == pack:
                return PackSnapshot(pack, stamp)
            pack = again

    def listing(self) -> Listing:
        """Return all packs. Files are compared with the manifest once, and again after a change."""
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
        """Return how the pack's files differ from its manifest; None if they match."""
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
        except OSError as error:  # it was removed while it was read
            return f"pack {pack.manifest.name!r} cannot be read: {error.strerror}"
        with self._lock:
            self._verified[pack.folder] = stamp, problem
        return problem


def stamp_of(pack: Pack) -> Stamp:
    """Return the stamp of a pack's files as they are now.

    Raises:
        ModelBrokenError: A file is missing.
    """
    paths = [pack.folder / "manifest.json", *(pack.locate(file) for file in pack.files())]
    try:
        found = [path.stat() for path in paths]
    except OSError as error:
        raise ModelBrokenError(f"pack {pack.manifest.name!r}: {error.filename} is missing") from error
    return tuple((one.st_mtime_ns, one.st_size, one.st_ino, one.st_dev) for one in found)
