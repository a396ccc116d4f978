"""How well a detector finds what its teacher finds, on pages that it has not learnt from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch

from crnn_ocr.detection.boxes import BoxParameters, Region, boxes_from_map
from crnn_ocr.detection.tiles import working_scale
from crnn_ocr.pixels import Pixels
from crnn_ocr.training.detection.crops import TeacherPage
from crnn_ocr.training.detection.maps import read_map
from crnn_ocr.training.detection.network import MAP_STRIDE, MULTIPLE, DetectorNet
from crnn_ocr.training.labelling.pages import draw_page

#: Longer sides of a page at which a network is measured, in pixels.
SIDES = (960, 1440)
#: Overlap over union from which two regions are the same.
_SAME = 0.5


@dataclass(frozen=True, slots=True)
class Score:
    """Agreement with the teacher.

    Attributes:
        recall: Share of the teacher's regions that are found.
        precision: Share of the regions that the teacher has, too.
    """

    recall: float
    precision: float


def measure(net: DetectorNet, pages: Sequence[TeacherPage], side: int) -> Score:
    """Measure a network on whole pages.

    Args:
        net: In evaluation mode.
        pages: Held-out pages.
        side: Longer side of a page as the network sees it, in pixels.
    """
    known = found = same = 0
    for page in pages:
        image, heat = draw_page(page.picture, page.number), read_map(page.heat)
        height, width = image.shape[:2]
        scale = working_scale(width, height, side)
        own = regions(look(net, image, scale), width, height)
        teachers = regions(heat, width, height)
        known += len(teachers)
        found += len(own)
        same += _matches(own, teachers)
    return Score(same / max(1, known), same / max(1, found))


def look(net: DetectorNet, image: Pixels, scale: float) -> Pixels:
    """Return the network's map of a whole picture (H, W, 3) at a scale, uint8, probabilities × 255."""
    height, width = (max(1, round(side * scale)) for side in image.shape[:2])
    shown = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    bottom, right = (-side % MULTIPLE for side in (height, width))
    padded = cv2.copyMakeBorder(shown, 0, bottom, 0, right, cv2.BORDER_REPLICATE)
    with torch.no_grad():
        heat = torch.sigmoid(net(torch.from_numpy(np.asarray(padded))[None]))[0, 0]
    inside = heat[: -(-height // MAP_STRIDE), : -(-width // MAP_STRIDE)]
    return np.asarray((inside * 255).round().to(torch.uint8).numpy(), np.uint8)


def regions(heat: Pixels, width: int, height: int) -> list[Region]:
    """Return the regions of a map at the network's resolution, in pixels of a picture of that size."""
    full = cv2.resize(heat, None, fx=MAP_STRIDE, fy=MAP_STRIDE, interpolation=cv2.INTER_LINEAR)
    return boxes_from_map(
        np.asarray(full, np.uint8),
        scale_x=full.shape[1] / width,
        scale_y=full.shape[0] / height,
        width=width,
        height=height,
        parameters=BoxParameters(),
    )


def _matches(own: Sequence[Region], teachers: Sequence[Region]) -> int:
    """Return how many of the regions have a partner on the other side, each used once."""
    free = [np.asarray(region.polygon, np.float32) for region in own]
    count = 0
    for region in teachers:
        polygon = np.asarray(region.polygon, np.float32)
        overlaps = [_overlap(polygon, other) for other in free]
        if overlaps and max(overlaps) >= _SAME:
            free.pop(int(np.argmax(overlaps)))
            count += 1
    return count


def _overlap(one: np.ndarray[tuple[int, ...], np.dtype[np.float32]], other: object) -> float:
    """Return the overlap over the union of two convex polygons."""
    second = np.asarray(other, np.float32)
    if (one.min(0) > second.max(0)).any() or (second.min(0) > one.max(0)).any():
        return 0.0
    shared, _ = cv2.intersectConvexConvex(one, second)
    union = float(cv2.contourArea(one)) + float(cv2.contourArea(second)) - shared
    return shared / union if union > 0 else 0.0
