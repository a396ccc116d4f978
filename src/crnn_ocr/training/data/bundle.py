"""Prepared training data as a tar archive in parts, for machines that cannot prepare them themselves."""

from __future__ import annotations

import lzma
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from crnn_ocr.errors import TrainingError

PREPARED = ("atlas", "corpora")
"""What `prepare` makes, and all that is read of a data folder afterwards."""
ARCHIVE = "data.tar.xz"
_PRESET = 2
"""Of xz: several times as fast as the default."""


def write(root: Path, folder: Path, part_bytes: int) -> list[Path]:
    """Pack the prepared data under `root` into `folder`/data.tar.xz.0001 and so on; return these files.

    Raises:
        TrainingError: There are no prepared data.
    """
    missing = [name for name in PREPARED if not (root / name).is_dir()]
    if missing:
        raise TrainingError(f"There is no {missing[0]} in {root}.", hint="Make it: crnn-ocr train prepare.")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as whole:
        with lzma.open(whole, "wb", preset=_PRESET) as packed, tarfile.open(fileobj=packed, mode="w") as tar:
            for name in PREPARED:
                tar.add(root / name, name)
        whole.seek(0)
        parts: list[Path] = []
        while content := whole.read(part_bytes):
            parts.append(folder / f"{ARCHIVE}.{len(parts) + 1:04}")
            parts[-1].write_bytes(content)
    return parts


def read(parts: Sequence[Path], root: Path) -> None:
    """Restore under `root` what `write` packed.

    Raises:
        TrainingError: A part is missing or damaged, or there are prepared data already.
    """
    if any((root / name).exists() for name in PREPARED):
        raise TrainingError(f"There are training data in {root}.", hint="Name an empty folder.")
    root.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix=".unpacking-", dir=root) as staging:
            with (Path(staging) / ARCHIVE).open("w+b") as whole:
                for path in sorted(parts):
                    whole.write(path.read_bytes())
                whole.seek(0)
                with tarfile.open(fileobj=whole, mode="r:xz") as tar:
                    tar.extractall(staging, filter="data")
            for name in PREPARED:
                (Path(staging) / name).rename(root / name)
    except (OSError, EOFError, lzma.LZMAError, tarfile.TarError) as error:
        raise TrainingError(
            f"The bundle cannot be unpacked: {error}.", hint="Name all its parts, and copy them again."
        ) from error
