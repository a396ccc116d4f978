"""At which size a line is shown to the network: chosen from the line alone, pure.

The width of the network's input is rounded up to a bucket, so that the number of shapes that ONNX Runtime
meets (and prepares memory for) is bounded. Neither the scale nor the bucket depends on which other lines
are read at the same time; together with one line per run this makes a line's result independent of its
neighbours, to the last bit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from crnn_ocr.models.manifest import WIDTH_MARGIN, WIDTH_STEP


@dataclass(frozen=True, slots=True)
class Sizing:
    """How lines are scaled for one recogniser.

    Attributes:
        height: Input height in pixels.
        stretch: Horizontal scale relative to the vertical one: 1.5 at height 32 makes lines as wide as at
            height 48, for networks that save rows but need the columns to tell narrow characters apart.
        stride: Pixels of width per time step.
        margin: Padding that every line has at least on its right, in pixels: the convolutions see the same
            border whatever the bucket.
        step: Buckets are multiples of this, in pixels; a multiple of `stride`.
        min_width: Smallest bucket in pixels.
        max_width: Largest bucket in pixels; wider lines are read in windows.
        condense: Horizontal factor for lines longer than `condense_from`: long lines are printed text whose
            characters the network still reads when narrower, at proportionally less cost.
        condense_from: Aspect ratio (width : height) from which lines are condensed.
    """

    height: int = 48
    stride: int = 8
    margin: int = WIDTH_MARGIN
    step: int = WIDTH_STEP
    min_width: int = 160
    max_width: int = 1280
    condense: float = 1.0
    condense_from: float = 6.0
    stretch: float = 1.0

    def __post_init__(self) -> None:
        if self.step % self.stride or self.min_width % self.step or self.max_width % self.step:
            raise ValueError("step must be a multiple of stride, min_width and max_width of step")

    def content_width(self, width: int, height: int) -> int:
        """Width in pixels of a crop of width × height once it is scaled to the input height, at least 1."""
        factor = self.stretch * (self.condense if width > self.condense_from * height else 1.0)
        return max(1, math.ceil(width * self.height / height * factor))

    def bucket(self, content: int) -> int:
        """The network's input width for content of that width, without the limit of `max_width`."""
        return max(self.min_width, -(-(content + self.margin) // self.step) * self.step)
