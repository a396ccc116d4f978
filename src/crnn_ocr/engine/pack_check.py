"""Checks that a model pack matches its manifest, loads, and works."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crnn_ocr.engine.kinds import KINDS, LoadSettings
from crnn_ocr.errors import ModelBrokenError
from crnn_ocr.models.registry import Pack


def check_pack(pack: Pack) -> None:
    """Compare every file with the manifest and load the pack in every precision that it has.

    Raises:
        ModelBrokenError: A file differs, or the pack does not load.
    """
    _check(pack, proves=False)


def prove_pack(pack: Pack) -> None:
    """Check a pack as `check_pack` does, and test the model: recognisers must read their probe.

    Raises:
        ModelBrokenError: A file differs, or the pack does not load or fails its test.
    """
    _check(pack, proves=True)


def _check(pack: Pack, *, proves: bool) -> None:
    pack.verify()
    kind = KINDS.get(pack.manifest.kind)
    if kind is None:
        raise ModelBrokenError(
            f"pack {pack.manifest.name!r} is of an unknown kind: {pack.manifest.kind!r}",
            hint=f"This version of crnn-ocr knows: {', '.join(KINDS)}.",
        )
    with _scratch() as cache:  # the graph of a broken pack must not stay in the cache folder
        for precision in kind.precisions(pack.manifest):
            model = kind.load(pack, LoadSettings(precision=precision, cache_dir=cache))
            if proves:
                kind.prove(model, pack)


@contextmanager
def _scratch() -> Iterator[Path]:
    """Yield a temporary folder for prepared graphs, or a path that cannot be made if there is none."""
    try:
        made = tempfile.TemporaryDirectory()
    except OSError:
        yield Path(os.devnull, "none")  # graphs stay in memory then
        return
    with made as folder:
        yield Path(folder)
