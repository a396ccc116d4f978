"""The held-out sets: lines of fonts and texts that are never trained on, the same ones every time."""

from __future__ import annotations

import zlib
from dataclasses import replace

from crnn_ocr.errors import TrainingError
from crnn_ocr.training.data.dataset import LineSampler, SampleConfig
from crnn_ocr.training.text.corpus import EVERYDAY
from crnn_ocr.training.text.mixture import Extras
from crnn_ocr.training.types import Image

POEMS, FORMS = (("poems", 1.0),), (("forms", 1.0),)
HELD_OUT: dict[str, dict[str, object]] = {
    "known-fonts-degraded": {"shares": (0.0, 0.6, 0.4)},
    "unseen-fonts-clean": {"shares": (1.0, 0.0, 0.0), "unseen_fonts": True},
    "unseen-fonts-degraded": {"shares": (0.0, 0.6, 0.4), "unseen_fonts": True},
    "poems-degraded": {"shares": (0.0, 0.6, 0.4), "kinds": POEMS},
    "forms": {"shares": (0.5, 0.5, 0.0), "unseen_fonts": True, "kinds": FORMS},
    "numbers": {"unseen_fonts": True, "extras": Extras(numbers=1.0)},
}
"""The held-out sets: name and what sets them off from training. All draw held-out text."""


def heldout(name: str, config: SampleConfig, count: int = 400) -> list[tuple[Image, str]]:
    """Return the lines of a held-out set, always the same for the same data.

    Raises:
        TrainingError: No set has that name.
    """
    if name not in HELD_OUT:
        raise TrainingError(f"There is no held-out set {name!r}.", hint=f"There are: {', '.join(HELD_OUT)}.")
    usual = replace(config, held_out_text=True, rare=0.0, kinds=tuple(EVERYDAY.items()), extras=Extras())
    changed = replace(usual, **HELD_OUT[name])  # type: ignore[arg-type]
    sampler = LineSampler(zlib.crc32(name.encode()), changed)
    return [sampler.sample() for _ in range(count)]
