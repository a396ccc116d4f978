"""Find the text regions of a picture with a DB network."""

from __future__ import annotations

import math
import statistics
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

import cv2
import numpy as np

from crnn_ocr.detection.boxes import BoxParameters, Region, boxes_from_map
from crnn_ocr.detection.fit import fitted
from crnn_ocr.detection.tiles import Span, spans, working_scale
from crnn_ocr.document import Polygon
from crnn_ocr.errors import ModelBrokenError
from crnn_ocr.models.manifest import Manifest
from crnn_ocr.pixels import Pixels
from crnn_ocr.runtime.cpu import timed
from crnn_ocr.runtime.memory import frugal, make_room
from crnn_ocr.runtime.onnx import Session
from crnn_ocr.scheduling.policy import Demand, counted
from crnn_ocr.scheduling.work import INLINE, Task, Work

#: From this size of a picture, in bytes, saving memory matters more than saving time.
LARGE = 24 * 1024 * 1024


class Detector(Protocol):
    """A text detector."""

    def detect(self, image: Pixels, work: Work = INLINE) -> list[Region]:
        """Find the text regions of a picture.

        Args:
            image: (H, W) grey or (H, W, 3) BGR, uint8.
            work: Runs the network's tasks; the result does not depend on it.

        Returns:
            Regions in picture coordinates, in no particular order.
        """


@dataclass(frozen=True, slots=True)
class DetectorParameters:
    """Sizes at which pictures are shown to the network, in network pixels unless stated otherwise.

    Attributes:
        side: Longer side of an ordinary picture.
        tile: Greatest width of one run; wider pictures are tiled.
        area: Most pixels of one run; the network takes about 0.28 KiB of memory per pixel.
        overlap: Least overlap of neighbouring tiles.
        small_text: If lines are lower than this, a larger version of the picture is examined.
        wanted_text: Height that lines should have in the larger version.
        most_side: Greatest `side` of the larger version.
        least_side: Smaller pictures are padded to this, not enlarged.
        thin: Pictures whose shorter side has at most this many picture pixels are treated as crops of lines.
        blank: A crop whose grey levels have a smaller standard deviation than this is blank.
        least_height: Least height of a text line in picture pixels.
        longest: Greatest ratio of length to height of a text line; it bounds the work on one line.
    """

    side: int = 960
    tile: int = 1600
    area: int = 800_000
    overlap: int = 160
    small_text: float = 11.0
    wanted_text: float = 16.0
    most_side: int = 2560
    least_side: int = 64
    thin: int = 100
    blank: float = 12.0
    least_height: float = 4.0
    longest: float = 600.0


class DbDetector:
    """A detector whose network gives a probability map (DB), with this package's own post-processing."""

    def __init__(
        self,
        session: Session,
        manifest: Manifest,
        *,
        wide: Session | None = None,
        parameters: DetectorParameters | None = None,
        boxes: BoxParameters | None = None,
    ) -> None:
        """Combine a loaded graph with its manifest.

        Args:
            session: The graph on one thread.
            manifest: The manifest of its pack.
            wide: The same graph on several threads, for a picture that has the CPU for itself.
            parameters: Sizes at which pictures are shown to the network.
            boxes: Thresholds for text in the probability map.

        Raises:
            ModelBrokenError: The graph does not return one map, of its input's size, a half or a quarter.
        """
        self._session = session
        self._manifest = manifest
        self._parameters = parameters or DetectorParameters()
        self._boxes = boxes or BoxParameters(
            threshold=manifest.map_threshold, box_threshold=manifest.box_threshold
        )
        self._wide = wide
        self._seconds_per_pixel = self._self_check()

    @property
    def manifest(self) -> Manifest:
        """The manifest of the pack."""
        return self._manifest

    def close(self) -> None:
        """Release the network; the detector cannot be used afterwards."""
        self._session.close()
        if self._wide is not None:
            self._wide.close()

    def detect(self, image: Pixels, work: Work = INLINE) -> list[Region]:
        """Find the text regions of a picture; see `Detector.detect`.

        If the lines found at the ordinary size are low, the picture is examined again at a larger size.
        """
        with frugal() if image.nbytes >= LARGE else nullcontext():
            return self._detect(image, work)

    def _detect(self, image: Pixels, work: Work) -> list[Region]:
        height, width = image.shape[:2]
        p = self._parameters
        if min(width, height) <= p.thin:
            found = [region for region in self._detect_thin(image, work) if self._legible(region)]
            return fitted(image, found, working_scale(width, height, p.side))
        regions, scale, _ = self._look(image, work)
        return fitted(image, [region for region in regions if self._legible(region)], scale)

    def probability_map(self, image: Pixels) -> Pixels:
        """Return the map that `detect` takes the regions from, unless the picture is a crop of a line.

        Args:
            image: (H, W) grey or (H, W, 3) BGR.

        Returns:
            (h, w) uint8, probabilities × 255, of the picture at the size that its lines need; h / H = w / W,
            at most 1.
        """
        return self._look(image, INLINE)[2]

    def _look(self, image: Pixels, work: Work) -> tuple[list[Region], float, Pixels]:
        """Return the regions, the scale at which they were found, and the probability map of that scale."""
        height, width = image.shape[:2]
        p = self._parameters
        scale = working_scale(width, height, p.side)
        regions, heat = self._detect_at(image, scale, work)
        if scale < 1.0 and regions:
            typical = statistics.median(min(r.width, r.height) for r in regions) * scale
            if typical < p.small_text:
                larger = min(working_scale(width, height, p.most_side), scale * p.wanted_text / typical)
                if larger > scale * 1.15:
                    scale = larger
                    del heat
                    regions, heat = self._detect_at(image, scale, work)
        return regions, scale, heat

    def _legible(self, region: Region) -> bool:
        """Return whether a region could be a text line rather than a rule or a hairline."""
        shorter, longer = sorted((region.width, region.height))
        return shorter >= self._parameters.least_height and longer <= self._parameters.longest * shorter

    def _detect_thin(self, image: Pixels, work: Work) -> list[Region]:
        """Find the text regions of a strip or crop, whose text may touch the border.

        The network was trained on text with paper around it, so a border of paper is added. If nothing is
        found although the picture is not blank, the whole picture is treated as one line.
        """
        height, width = image.shape[:2]
        border = max(4, round(0.3 * min(width, height)))
        rim = np.concatenate((image[0], image[-1], image[:, 0], image[:, -1]))
        paper = np.atleast_1d(np.median(rim, axis=0)).tolist()
        framed = cv2.copyMakeBorder(image, border, border, border, border, cv2.BORDER_CONSTANT, value=paper)
        scale = working_scale(width, height, self._parameters.side)
        regions = [
            replace(region, polygon=_moved(region.polygon, -border, width, height))
            for region in self._detect_at(np.asarray(framed, np.uint8), scale, work)[0]
        ]
        regions = [region for region in regions if region.width >= 1 and region.height >= 1]
        if not regions and float(image.std()) > self._parameters.blank:
            right, bottom = float(width), float(height)
            regions = [Region(((0.0, 0.0), (right, 0.0), (right, bottom), (0.0, bottom)), 0.0)]
        return regions

    def _detect_at(self, image: Pixels, scale: float, work: Work) -> tuple[list[Region], Pixels]:
        """Return the regions of a picture shown at one scale, and their probability map."""
        height, width = image.shape[:2]
        w, h = max(1, round(width * scale)), max(1, round(height * scale))
        shown = image
        if (w, h) != (width, height):
            shown = np.asarray(cv2.resize(image, (w, h), interpolation=cv2.INTER_AREA), np.uint8)
        heat = self._map(shown, work)
        regions = boxes_from_map(
            heat, scale_x=w / width, scale_y=h / height, width=width, height=height, parameters=self._boxes
        )
        return regions, heat

    def _map(self, image: Pixels, work: Work) -> Pixels:
        """Return the probability map of a picture, (H, W) uint8; a large picture is processed in tiles."""
        height, width = image.shape[:2]
        p = self._parameters
        columns = spans(width, tile=p.tile, overlap=p.overlap)
        widest = max(column.stop - column.start for column in columns)
        # A seam across a line does more harm than one between lines, so tiles are wide rather than high.
        # A thin picture counts with its padding, which the network sees.
        widest = max(widest, p.least_side)
        rows = spans(height, tile=max(p.area // widest, 3 * p.overlap), overlap=p.overlap)
        heat = np.empty((height, width), np.uint8)

        def look(row: Span, column: Span, cores: int) -> None:
            part = self._run(image[row.start : row.stop, column.start : column.stop], cores)
            heat[row.keep_start : row.keep_stop, column.keep_start : column.keep_stop] = part[
                row.keep_start - row.start : row.keep_stop - row.start,
                column.keep_start - column.start : column.keep_stop - column.start,
            ]

        tasks = [
            Task(
                self._demand(math.prod(self._padded(row.stop - row.start, column.stop - column.start))),
                partial(look, row, column),
            )
            for row in rows
            for column in columns
        ]
        for outcome in work.run(tasks):
            outcome.get()
        make_room()  # a run fragments the heap, and lines need blocks of other sizes
        return heat

    def _demand(self, area: int) -> Demand:
        """Return the resources that a run over this many pixels, padding included, needs."""
        cores = 1 if self._wide is None else self._wide.threads
        memory = round(self._manifest.memory_per_pixel * area)
        return Demand(self._seconds_per_pixel * area, counted(memory), cores)

    def _padded(self, height: int, width: int) -> tuple[int, int]:
        """Return the size that the network accepts and into which a picture of this size fits."""
        multiple, least = self._manifest.multiple, self._parameters.least_side
        return max(least, -(-height // multiple) * multiple), max(least, -(-width // multiple) * multiple)

    def _run(self, image: Pixels, cores: int = 1) -> Pixels:
        """Run the network once; the picture is padded, not stretched, to a size that the network accepts."""
        height, width = image.shape[:2]
        full_h, full_w = self._padded(height, width)
        make_room(round(self._manifest.memory_per_pixel * full_h * full_w))
        colour = image if image.ndim == 3 else cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
        padded = cv2.copyMakeBorder(colour, 0, full_h - height, 0, full_w - width, cv2.BORDER_REPLICATE)
        tensor = np.empty((1, 3, full_h, full_w), np.float32)
        scale = np.float32(1.0 / (255.0 * self._manifest.std))
        np.multiply(padded.transpose(2, 0, 1), scale, out=tensor[0])
        tensor -= np.float32(self._manifest.mean / self._manifest.std)
        session = self._session if cores == 1 or self._wide is None else self._wide
        (heat,) = session.run({session.inputs[0]: tensor})
        shown = np.asarray(np.rint(heat[0, 0] * 255), np.uint8)
        if heat.shape[2] * 2 == full_h or heat.shape[2] * 4 == full_h:  # a map of lower resolution
            shown = np.asarray(cv2.resize(shown, (full_w, full_h), interpolation=cv2.INTER_LINEAR), np.uint8)
        return shown[:height, :width]

    def _self_check(self) -> float:
        """Run the network on an empty picture and return the CPU seconds per pixel on one core."""
        name = self._manifest.name
        try:
            heat, spent = timed(partial(self._run, np.full((64, 96, 3), 255, np.uint8)))
        except Exception as error:  # whatever ONNX Runtime objects to
            raise ModelBrokenError(f"pack {name!r} cannot look at its probe: {error}") from error
        if heat.shape != (64, 96):
            raise ModelBrokenError(f"pack {name!r}: the map of a 96×64 picture has shape {heat.shape}")
        return spent / heat.size


def _moved(polygon: Polygon, by: float, width: float, height: float) -> Polygon:
    """Move a polygon by the same number of pixels down and to the right, and clip it to the picture."""
    a, b, c, d = ((min(max(x + by, 0.0), width), min(max(y + by, 0.0), height)) for x, y in polygon)
    return a, b, c, d
