"""Does a model pack keep what its manifest promises, and can it do what it is for?"""

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
        ModelBrokenError: Something of it does not hold.
    """
    _check(pack, proves=False)


def prove_pack(pack: Pack) -> None:
    """As `check_pack`, and the model must prove itself: recognisers read their probe.

    Raises:
        ModelBrokenError: Something of it does not hold.
    """
    _check(pack, proves=True)


def _check(pack: Pack, *, proves: bool) -> None:
    pack.verify()
    kind = KINDS.get(pack.manifest.kind)
    if kind is None:
        raise ModelBrokenError(
            f"pack {pack.manifest.name!r} is of an unknown kind: {pack.manifest.kind!r}",
            hint=f"This version knows: {', '.join(KINDS)}.",
        )
    with _scratch() as cache:  # what belongs to a broken pack must not outlive it
        for precision in kind.precisions(pack.manifest):
            model = kind.load(pack, LoadSettings(precision=precision, cache_dir=cache))
            if proves:
                kind.prove(model, pack)


@contextmanager
def _scratch() -> Iterator[Path]:
    """Yield a folder for prepared graphs; where none can be made, a path at which none can be either."""
    try:
        made = tempfile.TemporaryDirectory()
    except OSError:
        yield Path(os.devnull, "none")  # graphs stay in memory then
        return
    with made as folder:
        yield Path(folder)
