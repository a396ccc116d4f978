"""Runs the network over the picture of a table and returns its grid."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from functools import partial

import cv2
import numpy as np

from crnn_ocr.document import Line
from crnn_ocr.errors import ModelBrokenError
from crnn_ocr.models.manifest import Manifest
from crnn_ocr.pixels import Pixels
from crnn_ocr.runtime.cpu import timed
from crnn_ocr.runtime.memory import make_room
from crnn_ocr.runtime.onnx import Session
from crnn_ocr.scheduling.policy import Demand, counted
from crnn_ocr.scheduling.work import INLINE, Task, Work
from crnn_ocr.tables.grid import Box, Grid
from crnn_ocr.tables.network.borders import grid_of
from crnn_ocr.tables.network.tokens import written_cells

#: Names of the graph's input and outputs; `scripts/make-table-pack` gives them their form.
PIXELS, TOKENS, BOXES = "pixels", "table_tokens", "table_boxes"
VOCABULARY_KEY = "character"
"""Metadata key: the tokens but for start and end, one per row."""

#: Blue, green and red of the padding: the mean of ImageNet, which is 0 to the network.
_PADDING = (124, 116, 104)
#: Shorter sides of a table in picture pixels have nothing to read.
_LEAST_SIDE = 8
#: A table with text takes several times as long as an empty picture, with which the network is tested.
_FULL_TABLE = 2.0

#: Paper around a table that the network is shown, as a share of the height of a line. On 72 pictures, cut to
#: their lines, 0 gives 56 % of the grids without a fault, 0.25 and 0.5 give 61 %; the F1 of cells is 91.4,
#: 93.4 and 92.0 %.
_MARGIN = 0.25

METHOD = "network"


class TableRecognizer:
    """A network that writes the cells of a table as tokens, with a box each (SLANet)."""

    def __init__(self, session: Session, manifest: Manifest) -> None:
        """Combine a loaded graph with its manifest.

        Args:
            session: The graph on one thread.
            manifest: The manifest of its pack.

        Raises:
            ModelBrokenError: The graph has other inputs or outputs, or no vocabulary.
        """
        self._session = session
        self._manifest = manifest
        name = manifest.name
        side = session.input_shape[0]
        if session.inputs != (PIXELS,) or not {TOKENS, BOXES} <= set(session.outputs) or side is None:
            raise ModelBrokenError(
                f"pack {name!r}: the graph must have the input {PIXELS} and the outputs {TOKENS} and {BOXES}"
            )
        self._side = side
        # A token may begin with a blank.
        self._vocabulary = ("", *session.metadata.get(VOCABULARY_KEY, "").split("\n"), "")
        try:
            (tokens, _), self._seconds = timed(partial(self._run, np.full((side, side, 3), 255, np.uint8)))
        except Exception as error:  # whatever ONNX Runtime objects to
            raise ModelBrokenError(f"pack {name!r} cannot look at its probe: {error}") from error
        if not 0 <= tokens.max(initial=0) < len(self._vocabulary):
            raise ModelBrokenError(f"pack {name!r}: the graph has more tokens than its vocabulary")

    @property
    def manifest(self) -> Manifest:
        """The manifest of the pack."""
        return self._manifest

    def close(self) -> None:
        """Release the network; the recogniser cannot be used afterwards."""
        self._session.close()

    def grids(self, image: Pixels, area: Box, lines: Sequence[Line], work: Work = INLINE) -> list[Grid]:
        """Return the grid of a table, or nothing where the network sees none or does not come to an end.

        Args:
            image: The upright page, (H, W) grey or (H, W, 3) BGR, uint8.
            area: The table on it; what lies outside of the page is cut off.
            lines: The lines of the table.
            work: Runs the network's task; the result does not depend on it.

        Raises:
            DeadlineExceededError: The request's time ran out.
            RequestCancelledError: The request was cancelled.
        """
        left, top, right, bottom = _shown(image, area, lines)
        if min(right - left, bottom - top) < _LEAST_SIDE:
            return []
        picture = image[top:bottom, left:right]
        memory = round(self._manifest.memory_per_pixel * self._side**2)
        demand = Demand(_FULL_TABLE * self._seconds, counted(memory), 1)
        (outcome,) = work.run([Task(demand, lambda cores: self._look(picture))])
        tokens, boxes = outcome.get()
        end = len(self._vocabulary) - 1
        if not len(tokens) or tokens[-1] != end:
            return []  # the table has more cells than the network can write
        names = [self._vocabulary[token] for token in tokens]
        scale = max(right - left, bottom - top)
        xs, ys = left + boxes[:, 0::2] * scale, top + boxes[:, 1::2] * scale
        around = np.stack((xs.min(axis=1), ys.min(axis=1), xs.max(axis=1), ys.max(axis=1)), axis=1)
        cells = written_cells(names, [(x0, y0, x1, y1) for x0, y0, x1, y1 in around.tolist()])
        if not cells:
            return []
        height, width = image.shape[:2]
        inside = max(0.0, area[0]), max(0.0, area[1]), min(area[2], float(width)), min(area[3], float(height))
        return [grid_of(cells, lines, inside, METHOD)]

    def _look(self, picture: Pixels) -> tuple[np.ndarray, np.ndarray]:
        """Return tokens, (S,), and boxes, (S, 8), as shares of the longer side of the picture."""
        make_room(round(self._manifest.memory_per_pixel * self._side**2))
        height, width = picture.shape[:2]
        scale = self._side / max(height, width)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        # Area averaging keeps thin rules and small text: TEDS-S of 1 point more than linear interpolation.
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        shown = cv2.resize(picture, size, interpolation=how)
        colour = shown if shown.ndim == 3 else cv2.cvtColor(shown, cv2.COLOR_GRAY2BGR)
        padded = np.empty((self._side, self._side, 3), np.uint8)
        padded[:] = _PADDING
        padded[: size[1], : size[0]] = colour
        return self._run(padded)

    def _run(self, pixels: Pixels) -> tuple[np.ndarray, np.ndarray]:
        tokens, boxes = self._session.run({PIXELS: pixels}, (TOKENS, BOXES))
        return tokens, boxes


def _shown(image: Pixels, area: Box, lines: Sequence[Line]) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of what the network is shown: a table with some paper around it."""
    height, width = image.shape[:2]
    heights = [max(y for _, y in line.polygon) - min(y for _, y in line.polygon) for line in lines]
    margin = _MARGIN * statistics.median(heights) if heights else 0.0
    left, top = int(max(0.0, area[0] - margin)), int(max(0.0, area[1] - margin))
    right, bottom = min(float(width), area[2] + margin), min(float(height), area[3] + margin)
    return left, top, math.ceil(right), math.ceil(bottom)
