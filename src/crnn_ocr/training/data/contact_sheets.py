"""Contact sheets of training lines, to be looked at: `crnn-ocr train sheets DIR`."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from crnn_ocr.training.data.dataset import LineSampler, SampleConfig
from crnn_ocr.training.synth.degrade import DAMAGES
from crnn_ocr.training.text.mixture import Extras
from crnn_ocr.training.types import Image

GAP, GREY = 5, 190


def flow(pictures: Iterable[Image], width: int, rows: int) -> Image:
    """Set pictures of one height in rows of a width, as text is set; returns uint8 (H, width, 3)."""
    done: list[Image] = []
    row: Image | None = None
    at = 0
    for picture in pictures:
        height, wide = picture.shape[:2]
        if wide > width:
            continue
        if row is None or at + wide > width:
            if row is not None:
                done.append(row)
            if len(done) == rows:
                return np.vstack(done)
            row, at = np.full((height + GAP, width, 3), GREY, np.uint8), 0
        row[:height, at : at + wide] = picture
        at += wide + GAP
    return np.vstack([*done, row] if row is not None else done)


def samples(config: SampleConfig, *, seed: int = 0, width: int = 1600, rows: int = 9) -> Image:
    """Return clean, mild and hard ones of the usual lines, one block below the other."""
    blocks = []
    for block, shares in enumerate(((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))):
        sampler = LineSampler(seed + 2 * block, replace(config, shares=shares, extras=Extras()))
        blocks.append(flow((sampler.sample()[0] for _ in range(1000)), width, rows))
        blocks.append(np.full((2 * GAP, width, 3), 90, np.uint8))
    return np.vstack(blocks[:-1])


def extras(config: SampleConfig, *, seed: int = 0, width: int = 1600, rows: int = 4) -> Image:
    """Return labels, small values, small lines, pages, signs, and surrounded lines, in blocks."""
    labels = replace(config, kinds=(("labels", 1.0),), rare=0.0, icons=0.0)
    kinds = (
        replace(labels, extras=Extras(small_latin=0.5)),
        replace(config, extras=Extras(figures=1.0)),
        replace(config, extras=Extras(drawn_small=1.0)),
        replace(config, extras=Extras(pages=1.0, roman=0.6)),
        replace(config, extras=Extras(signs=1.0)),
        replace(config, extras=Extras(surrounded=1.0), icons=0.0),
    )
    blocks = []
    for block, changed in enumerate(kinds):
        sampler = LineSampler(seed + 2 * block, changed)
        blocks.append(flow((sampler.sample()[0] for _ in range(1000)), width, rows))
        blocks.append(np.full((2 * GAP, width, 3), 90, np.uint8))
    return np.vstack(blocks[:-1])


def numbers(config: SampleConfig, *, seed: int = 0, width: int = 1600, rows: int = 9) -> Image:
    """Return numbers, details, and pages with rules under them and seals over them, in blocks."""
    kinds = (
        Extras(numbers=1.0, underlined=0.05, surrounded=0.16),
        Extras(details=1.0, underlined=0.05, rules=1.0),
        Extras(pages=1.0, underlined=0.5, rules=1.0),
        Extras(pages=1.0, sealed=1.0),
    )
    blocks = []
    for block, changed in enumerate(kinds):
        sampler = LineSampler(seed + 2 * block, replace(config, extras=changed))
        shown = rows if block < 2 else rows // 2
        blocks.append(flow((sampler.sample()[0] for _ in range(1000)), width, shown))
        blocks.append(np.full((2 * GAP, width, 3), 90, np.uint8))
    return np.vstack(blocks[:-1])


def damages(config: SampleConfig, *, seed: int = 0, width: int = 1260) -> Image:
    """Return every damage at strengths 0.3, 0.6 and 1 on a clean line, its name before it."""
    sampler = LineSampler(seed, replace(config, shares=(1.0, 0.0, 0.0), kinds=(("zh", 1.0),), rare=0.0))
    rng = random.Random(seed)  # noqa: S311
    rows = []
    for one in DAMAGES:
        line = next(p for p, _ in iter(sampler.sample, None) if 240 <= p.shape[1] <= 340)
        row = np.full((line.shape[0] + GAP, width, 3), 255, np.uint8)
        cv2.putText(row, one.__name__, (4, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
        for place, strength in enumerate((0.3, 0.6, 1.0)):
            at = 170 + place * 360
            row[: line.shape[0], at : at + line.shape[1]] = one(line, rng, strength)
        rows.append(row)
    return np.vstack(rows)


def write_sheets(folder: Path, data: Path, *, seed: int = 0) -> list[Path]:
    """Write the sheets into `folder`; returns their paths."""
    config = SampleConfig(data)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, sheet in (("samples", samples), ("damages", damages), ("extras", extras), ("numbers", numbers)):
        written.append(folder / f"training-{name}.png")
        cv2.imwrite(str(written[-1]), sheet(config, seed=seed), [cv2.IMWRITE_PNG_COMPRESSION, 9])
    return written
