"""Adds packs to the user's folder and removes them.

A pack comes as a folder or as an archive of one. It is copied into a hidden folder beside its destination,
checked there, and only then renamed, so a broken pack never gets a pack's name. Archives are not trusted:
every entry must be a regular file inside the pack, and the unpacked size is limited.
"""

from __future__ import annotations

import gzip
import lzma
import os
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from crnn_ocr.errors import ModelBrokenError, ModelInstallError
from crnn_ocr.models.manifest import read_manifest
from crnn_ocr.models.registry import Pack, Registry

MAX_ENTRIES = 1000
MAX_BYTES = 1024**3
"""Limits of an unpacked pack; the largest recognisers in use take a tenth of the bytes."""

_DOCUMENTS = ("CARD.md", "NOTICE*", "LICENSE*", "*.png")
"""Patterns of the files that belong to a pack although its manifest does not name them."""

_STAGING = ".adding-"

_DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    gzip.BadGzipFile,
    lzma.LZMAError,
    zlib.error,
    EOFError,
    RuntimeError,  # encrypted, or compressed in a way that Python does not know
    ValueError,
)
"""The exceptions that reading a damaged archive raises."""


def add(source: Path, registry: Registry, check: Callable[[Pack], object], *, replace: bool = False) -> Pack:
    """Install a pack.

    Args:
        source: Folder with a `manifest.json`, or a .zip or .tar.gz of one.
        registry: The registry to whose user folder the pack is added; the folder is made if it is missing.
        check: Loads the pack and tests it; raises ModelBrokenError if that fails.
        replace: Replace an installed pack of the same name.

    Returns:
        The installed pack.

    Raises:
        ModelBrokenError: The pack cannot be unpacked, differs from its manifest or fails the check.
        ModelInstallError: A pack or something else with that name exists, or the folder is not writable.
    """
    folder = _user_folder(registry)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=_STAGING, dir=folder) as staging:
            with _unpacked(source, Path(staging) / "unpacked") as found:
                pack = Pack(found, read_manifest(found / "manifest.json"))
                target = folder / pack.manifest.name
                check_place(target)
                if target.exists() and not replace:
                    raise ModelInstallError(
                        f"There is already a pack {pack.manifest.name!r} in {folder}.",
                        hint="Replace it with --replace, or remove it first.",
                    )
                pack.verify()
                staged = _copy(pack, Path(staging) / pack.manifest.name)
            staged.verify()
            check(staged)
            exchange(staged.folder, target, Path(staging) / "before")
    except OSError as error:
        reason = error.strerror or str(error)
        raise ModelInstallError(f"The pack cannot be copied to {folder}: {reason}.") from error
    return Pack(target, pack.manifest)


def remove(name: str, registry: Registry) -> Path:
    """Remove a pack, broken or not, from the user's folder.

    Returns:
        The folder that was removed.

    Raises:
        ModelInstallError: The pack is not in the user's folder, or cannot be deleted.
    """
    folder = _user_folder(registry)
    try:
        # Compared with the folder's own entries, so no name can lead out of the folder.
        found = {path.name: path for path in folder.iterdir() if path.is_dir()} if folder.is_dir() else {}
        target = found.get(name)
        if target is None or not (target / "manifest.json").is_file():
            raise ModelInstallError(
                f"There is no pack {name[:64]!r} in {folder}.",
                hint="Packs that came with the program stay; `crnn-ocr models list` shows where each one is.",
            )
        with tempfile.TemporaryDirectory(prefix=_STAGING, dir=folder) as away:
            target.rename(Path(away) / name)
    except OSError as error:
        raise ModelInstallError(f"{folder / name} cannot be removed: {error.strerror}.") from error
    return target


def check_place(target: Path) -> None:
    """Refuse a destination that holds something else: a pack may only replace a pack.

    Raises:
        ModelInstallError: The destination is a file, or a folder without a manifest.
    """
    if os.path.lexists(target) and not (target / "manifest.json").is_file():
        raise ModelInstallError(
            f"{target} exists and is no model pack: it has no manifest.json.",
            hint="Choose another name or another folder for the pack, or move away what is there.",
        )


def exchange(new: Path, target: Path, before: Path) -> None:
    """Move a pack to its destination.

    A pack that was there is moved to `before`, and back if the move of the new one fails.

    Raises:
        ModelInstallError: The destination holds something that is not a pack; it is left alone.
        OSError: A folder cannot be moved.
    """
    check_place(target)
    replaces = target.exists()
    if replaces:
        target.rename(before)
    try:
        new.rename(target)
    except OSError:
        if replaces:
            before.rename(target)
        raise


def _user_folder(registry: Registry) -> Path:
    if registry.models_dir is None:
        raise ModelInstallError(
            "There is no folder for packs: this user has no home directory.",
            hint="Set CRNN_OCR_MODELS_DIR to a folder.",
        )
    return registry.models_dir


def _copy(pack: Pack, target: Path) -> Pack:
    """Copy the files that the manifest names, and the documents; nothing else belongs to a pack."""
    target.mkdir()
    own = [file.path for file in pack.files() if file.package is None]
    told = [path.name for pattern in _DOCUMENTS for path in pack.folder.glob(pattern) if path.is_file()]
    for name in told:
        if not pack.holds(pack.folder / name):
            raise ModelBrokenError(f"pack {pack.manifest.name!r}: {name} is a link that leads out of it")
    for name in ("manifest.json", *own, *told):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(pack.folder / name, target / name)
    return Pack(target, pack.manifest)


@contextmanager
def _unpacked(source: Path, target: Path) -> Iterator[Path]:
    """Yield the folder with the manifest: `source` itself, or the folder of an unpacked archive."""
    if not source.is_dir():
        _unpack(source, target)
        tops = [path for path in target.iterdir() if path.is_dir()]
        inner = not (target / "manifest.json").is_file() and len(tops) == 1
        yield tops[0] if inner else target
        shutil.rmtree(target)
    else:
        yield source


def _unpack(source: Path, target: Path) -> None:
    """Unpack a .zip or .tar (.gz, .xz …); its content decides, not its name.

    Raises:
        ModelBrokenError: It is neither, damaged or too large, or an entry is not a file inside the pack.
    """
    if not source.exists():
        raise ModelBrokenError(
            f"There is no {source}.", hint="Give a pack's folder, or a .zip or .tar.gz of it."
        )
    target.mkdir()
    try:
        if zipfile.is_zipfile(source):
            with zipfile.ZipFile(source) as packed:
                _write(_zip_entries(packed), target, source.name)
        elif tarfile.is_tarfile(source):
            with tarfile.open(source) as packed_tar:
                _write(_tar_entries(packed_tar), target, source.name)
        else:
            raise ModelBrokenError(
                f"{source.name} is no archive.", hint="Give a pack's folder, or a .zip or .tar.gz of it."
            )
    except _DAMAGED as error:
        raise ModelBrokenError(f"{source.name} cannot be unpacked: {error}") from error


Entry = tuple[str, Callable[[], IO[bytes] | None] | None]
"""Name inside the archive, and a function that opens it, which returns None if it is not a regular file.

A folder has no function: folders are made for the files in them, but they count.
"""


def _zip_entries(packed: zipfile.ZipFile) -> Iterator[Entry]:
    for item in packed.infolist():
        plain = stat.S_IFMT(item.external_attr >> 16) in (0, stat.S_IFREG)
        opened = partial(packed.open, item) if plain else _nothing
        yield item.filename, None if item.is_dir() else opened


def _tar_entries(packed: tarfile.TarFile) -> Iterator[Entry]:
    for item in packed:
        opened = partial(packed.extractfile, item) if item.isreg() else _nothing
        yield item.name, None if item.isdir() else opened


def _nothing() -> None:
    return None


def _write(entries: Iterator[Entry], target: Path, archive: str) -> None:
    """Write an archive's files below `target`; one bad entry refuses the whole archive."""
    left = MAX_BYTES
    for count, (name, opened) in enumerate(entries, 1):
        if count > MAX_ENTRIES:
            raise _too_large(archive)
        if opened is None:
            continue
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name or not path.parts:
            raise ModelBrokenError(f"{archive}: the entry {name[:80]!r} leads out of the pack")
        stream = opened()
        if stream is None:
            raise ModelBrokenError(f"{archive}: the entry {name[:80]!r} is no plain file")
        to = target / path
        if to.exists():
            raise ModelBrokenError(f"{archive}: the entry {name[:80]!r} comes twice")
        to.parent.mkdir(parents=True, exist_ok=True)
        with stream, to.open("xb") as file:
            while chunk := stream.read(1 << 20):
                left -= len(chunk)
                if left < 0:
                    raise _too_large(archive)
                file.write(chunk)


def _too_large(archive: str) -> ModelBrokenError:
    return ModelBrokenError(f"{archive} holds more than {MAX_BYTES >> 20} MiB or {MAX_ENTRIES} entries")
