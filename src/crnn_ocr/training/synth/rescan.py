"""Pictures of real lines as another scan of them would be."""

from __future__ import annotations

import random

import cv2
import numpy as np

from crnn_ocr.training.synth.degrade import damage
from crnn_ocr.training.types import Image


def rescanned(image: Image, rng: random.Random, strength: float = 0.4) -> Image:
    """Return a picture (H, W, 3) cropped, turned, scaled and damaged a little; `strength` is the damage's."""
    height, width = image.shape[:2]
    pads = [round(rng.uniform(-0.06, 0.12) * height) for _ in range(4)]
    top, bottom, left, right = (max(0, pad) for pad in pads)
    cut = [max(0, -pad) for pad in pads]
    inside = image[cut[0] : height - cut[1], cut[2] : max(cut[2] + 1, width - cut[3])]
    varied = cv2.copyMakeBorder(inside, top, bottom, left, right, cv2.BORDER_REPLICATE)
    height, width = varied.shape[:2]
    angle = rng.gauss(0, 0.4) if width < 20 * height else 0.0
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0)
    matrix[0, 1] += rng.gauss(0, 0.05)
    turned = cv2.warpAffine(
        varied, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    stretched = max(4, round(width * rng.uniform(0.93, 1.07)))
    scaled = np.asarray(cv2.resize(turned, (stretched, height)), np.uint8)
    return damage(scaled, rng, rng.uniform(0.05, max(0.05, strength)), rng.randint(0, 2))
