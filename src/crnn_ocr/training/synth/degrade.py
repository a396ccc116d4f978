"""Damages that scanners, cameras, printers, compressors and screens do to a line's picture.

Every function takes a uint8 (H, W, 3) BGR picture, a source of randomness and a strength from 0 to 1, and
returns a picture of the same shape. `docs/images/training-damages.png` shows each of them at three strengths.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from crnn_ocr.training.types import Image

Damage = Callable[[Image, random.Random, float], Image]


def _noise_rng(rng: random.Random) -> np.random.Generator:
    return np.random.default_rng(rng.getrandbits(32))


def _contrast(image: Image) -> float:
    """Return the standard deviation of the brightness, which noise must not exceed if text is to be read."""
    return max(2.0, float(cv2.meanStdDev(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))[1].item()))


def _clip(image: NDArray[np.float32]) -> Image:
    return np.clip(image, 0, 255).astype(np.uint8)


def defocus(image: Image, rng: random.Random, strength: float) -> Image:
    """Blur evenly, up to a sixteenth of the height."""
    sigma = max(0.3, strength * rng.uniform(0.3, 1.0) * image.shape[0] / 16)
    return cv2.GaussianBlur(image, (0, 0), sigma).astype(np.uint8)


def motion(image: Image, rng: random.Random, strength: float) -> Image:
    """Smear along a line, as a moved camera does; up to an eighth of the height."""
    length = max(2, round(strength * rng.uniform(0.4, 1.0) * image.shape[0] / 8))
    angle = rng.uniform(0, 3.1416)
    kernel = np.zeros((2 * length + 1, 2 * length + 1), np.float32)
    dx, dy = np.cos(angle) * length / 2, np.sin(angle) * length / 2
    ends = [(round(length - dx), round(length - dy)), (round(length + dx), round(length + dy))]
    cv2.line(kernel, ends[0], ends[1], 1.0)
    return cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE).astype(np.uint8)


def low_resolution(image: Image, rng: random.Random, strength: float) -> Image:
    """Shrink and enlarge again, down to 10 pixels of height."""
    height, width = image.shape[:2]
    least = max(10.0, height * (1 - 0.75 * strength))
    small = max(10, round(rng.uniform(least, max(least, height * 0.9))))
    size = (max(4, round(width * small / height)), small)
    down = cv2.resize(
        image, size, interpolation=rng.choice((cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_AREA))
    )
    ways = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST if rng.random() < 0.3 else cv2.INTER_LINEAR)
    return cv2.resize(down, (width, height), interpolation=rng.choice(ways)).astype(np.uint8)


def jpeg(image: Image, rng: random.Random, strength: float) -> Image:
    """Compress as JPEG, quality 95 down to 12."""
    quality = round(95 - 83 * strength * rng.uniform(0.3, 1.0))
    coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)


def sensor_noise(image: Image, rng: random.Random, strength: float) -> Image:
    """Add Gaussian noise, per channel or grey, of a standard deviation up to 30 or the picture's own."""
    sigma = max(1.0, min(30.0, _contrast(image)) * strength * rng.uniform(0.2, 1.0))
    noise = _noise_rng(rng)
    shape = (*image.shape[:2], 1 if rng.random() < 0.5 else 3)
    grain = np.asarray(noise.standard_normal(shape, np.float32) * sigma)
    if rng.random() < 0.3:  # coarse grain of film and of enlarged pictures
        coarse = noise.standard_normal((image.shape[0] // 2 + 1, image.shape[1] // 2 + 1), np.float32) * sigma
        scaled = cv2.resize(coarse, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        grain = scaled.astype(np.float32)[:, :, None]
    return _clip(image.astype(np.float32) + grain)


def speckle(image: Image, rng: random.Random, strength: float) -> Image:
    """Sprinkle dark and bright dots, as dirty glass and worn toner do; up to 0.8 % of the pixels."""
    noise = _noise_rng(rng)
    height, width = image.shape[:2]
    count = max(1, round(height * width * 0.008 * strength * rng.random()))
    dots = image.copy()
    size = 2 if height > 36 and rng.random() < 0.4 else 1
    ys, xs = noise.integers(0, height, count), noise.integers(0, width, count)
    value = rng.choice((0, 255, 255, rng.randint(0, 255)))
    for dy in range(size):
        for dx in range(size):
            dots[np.minimum(ys + dy, height - 1), np.minimum(xs + dx, width - 1)] = value
    return dots


def uneven_light(image: Image, rng: random.Random, strength: float) -> Image:
    """Multiply by a slope or a spot of light, down to 45 %."""
    height, width = image.shape[:2]
    columns = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    rows = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    if rng.random() < 0.6:
        angle = rng.uniform(0, 6.28)
        field = 0.5 + 0.5 * (np.cos(angle) * columns + 0.5 * np.sin(angle) * rows)
    else:
        centre = rng.uniform(-1, 1)
        field = np.exp(-((columns - centre) ** 2) / rng.uniform(0.1, 0.8) - 0.3 * rows**2)
    depth = 0.55 * strength * rng.uniform(0.3, 1.0)
    return _clip(image * (1 - depth * field[:, :, None]))


def cast_shadow(image: Image, rng: random.Random, strength: float) -> Image:
    """Darken one side of a soft slanting edge."""
    height, width = image.shape[:2]
    edge = rng.uniform(0.1, 0.9) * width
    slant = rng.uniform(-2, 2)
    columns = np.arange(width, dtype=np.float32)[None, :] - edge
    distance = columns + slant * (np.arange(height, dtype=np.float32)[:, None] - height / 2)
    soft = rng.uniform(2, height)
    field = 1 / (1 + np.exp(np.clip(rng.choice((-1, 1)) * distance / soft, -30, 30)))
    return _clip(image * (1 - 0.6 * strength * rng.uniform(0.4, 1.0) * field[:, :, None]))


def low_contrast(image: Image, rng: random.Random, strength: float) -> Image:
    """Pull all values towards a grey, leaving at least two fifths of the contrast."""
    keep = 1 - 0.6 * strength * rng.uniform(0.3, 1.0)
    return _clip(image * keep + rng.uniform(40, 230) * (1 - keep))


def gamma(image: Image, rng: random.Random, strength: float) -> Image:
    """Bend the tone curve, exponent 0.5 to 2."""
    exponent = 2 ** (strength * rng.uniform(-1, 1))
    table = _clip((255 * (np.arange(256) / 255) ** exponent).astype(np.float32))
    return cv2.LUT(image, table).astype(np.uint8)


def ink_dropout(image: Image, rng: random.Random, strength: float) -> Image:
    """Blend the picture with its background in blotches, as worn ribbons and faxes do."""
    height, width = image.shape[:2]
    noise = _noise_rng(rng)
    cells = (max(2, height // rng.choice((2, 4, 8))), max(2, width // rng.choice((2, 4, 8))))
    field = cv2.resize(noise.random(cells, np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    lost = np.clip((field - (0.85 - 0.25 * strength)) * 6, 0, 1)[:, :, None]
    paper = np.median(image.reshape(-1, 3), axis=0).astype(np.float32)
    return _clip(image * (1 - lost) + paper * lost)


def scan_lines(image: Image, rng: random.Random, strength: float) -> Image:
    """Lay stripes over the picture: fax rows, a failing print head, moiré of a photographed screen."""
    height, width = image.shape[:2]
    period = rng.uniform(2.0, 9.0)
    angle = rng.choice((0.0, 0.0, 1.5708, rng.uniform(0, 3.14)))
    rows = np.arange(height, dtype=np.float32)[:, None]
    columns = np.arange(width, dtype=np.float32)[None, :]
    phase = (rows * np.cos(angle) + columns * np.sin(angle)) * (6.2832 / period) + rng.uniform(0, 6.28)
    wave = np.sin(phase)[:, :, None]
    tint = np.array([rng.uniform(0.5, 1) for _ in "bgr"], np.float32)
    depth = min(40.0, _contrast(image)) * strength * rng.uniform(0.3, 1.0)
    return _clip(image + depth * wave * tint)


def ink_spread(image: Image, rng: random.Random, strength: float) -> Image:
    """Let the darker or the brighter side grow by a pixel, partly."""
    kernel = np.ones((2, 2), np.uint8)
    grown = (cv2.erode if rng.random() < 0.6 else cv2.dilate)(image, kernel)
    share = strength * rng.uniform(0.3, 0.9)
    return cv2.addWeighted(grown, share, image, 1 - share, 0).astype(np.uint8)


def sharpen(image: Image, rng: random.Random, strength: float) -> Image:
    """Overshoot edges, as phone cameras and scanners do."""
    soft = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.8, 2.0))
    amount = strength * rng.uniform(0.5, 2.0)
    return cv2.addWeighted(image, 1 + amount, soft, -amount, 0).astype(np.uint8)


def two_tones(image: Image, rng: random.Random, strength: float) -> Image:
    """Reduce to black and white at a threshold near Otsu's, as faxes and copies do."""
    grey = cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), (0, 0), 0.6)
    found, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    level = found + 30 * strength * rng.uniform(-1, 1)
    hard = cv2.threshold(grey, level, 255, cv2.THRESH_BINARY)[1]
    if not 0.04 < float(hard.mean()) / 255 < 0.45 and not 0.55 < float(hard.mean()) / 255 < 0.96:
        return image  # no text against a ground: nothing but blotches would be left
    return cv2.cvtColor(hard, cv2.COLOR_GRAY2BGR).astype(np.uint8)


DAMAGES: dict[Damage, float] = {
    defocus: 10,
    motion: 4,
    low_resolution: 8,
    jpeg: 9,
    sensor_noise: 9,
    speckle: 2,
    uneven_light: 6,
    cast_shadow: 3,
    low_contrast: 6,
    gamma: 5,
    ink_dropout: 3,
    scan_lines: 3,
    ink_spread: 3,
    sharpen: 4,
    two_tones: 1.5,
}
"""Damages with the weights by which they are drawn."""

_ORDER: tuple[Damage, ...] = (
    ink_dropout, ink_spread, uneven_light, cast_shadow, low_contrast, gamma, defocus, motion, low_resolution,
    scan_lines, sensor_noise, speckle, sharpen, two_tones, jpeg,
)  # fmt: skip
"""From paper over lens and sensor to file."""


def damage(image: Image, rng: random.Random, strength: float, count: int) -> Image:
    """Apply `count` different damages in the order in which they happen."""
    chosen: set[Damage] = set()
    while len(chosen) < count:
        chosen.add(rng.choices(tuple(DAMAGES), tuple(DAMAGES.values()))[0])
    for one in sorted(chosen, key=_ORDER.index):
        image = one(image, rng, strength)
    return image
